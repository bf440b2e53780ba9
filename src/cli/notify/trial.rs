//! One rule on one row: the message it makes, by the code that makes it in production.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::change_line::{ChangeLine, LineTable, WrittenRow};
use super::file;
use super::simulation::{guessed_key, secret};
use crate::cli::{FAILED, usage};
use crate::notify::clock::Clock;
use crate::notify::collapse::{CommitMatches, StreamOrigin};
use crate::notify::config::{self, NotifyFile, RuleConfig, Transport, no_such};
use crate::notify::delivery::{self, Destination, DestinationKind, Request, UnknownPolicy};
use crate::notify::last_states::LastStates;
use crate::notify::notice::{Commit, Notice, Operation};
use crate::notify::outbox::Capacity;
use crate::notify::rules::{Table, TableRules};
use crate::notify::slack::answer::Outcome;
use crate::postgres::Lsn;

const EXAMPLES: &str = "\
Examples:
  # What the rule makes of a row that fits it
  walstreet notify test failed-large

  # Of a row of yours
  walstreet notify test failed-large --row '{\"transaction_id\": \"7f3a\", \"amount\": 1000.10, \"currency\": \"USD\", \"status\": \"FAILED\"}'

  # Of a change of yours, told to the real channel
  walstreet notify test failed-large --send --row '{\"before\": {\"status\": \"PENDING\", …}, \"after\": {\"status\": \"FAILED\", …}}'

Exit codes: 0 the rule wants it told, 1 it does not or Slack refused it, 2 the command line or the file is wrong.";

/// Show the message that a rule makes of a row, as it would go to Slack; with --send let it go.
///
/// Rule, template, masks, layout and request are the code of production: the body is the same to the byte. Mutes, quiet hours and
/// windows do not apply.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TestArgs {
    /// The rule's name.
    rule: String,
    /// The notifier's file.
    #[arg(
        long,
        value_name = "FILE",
        env = "WALSTREET_NOTIFY",
        default_value = "notify.toml"
    )]
    file: PathBuf,
    /// The row as it is after the change, or {"before": …, "after": …}; values of the rule's own unless given.
    #[arg(long, value_name = "JSON")]
    row: Option<String>,
    /// Send it to the rule's destinations.
    #[arg(long)]
    send: bool,
}

pub(super) fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let mut notify = file::read(&args.file)?;
    let rule = find(&notify, &args.rule)?.clone();
    let line = match &args.row {
        Some(row) => written(row, &rule).map_err(|error| usage(format!("--row: {error:#}\n")))?,
        None => sample(&notify, &rule),
    };
    let notices = notices(&notify, &rule, &line)?;
    if notices.is_empty() {
        println!("rule \"{}\" does not want this change told", args.rule);
        return Ok(ExitCode::from(FAILED));
    }
    let named: Vec<&str> = notices
        .iter()
        .map(|notice| notice.destination.as_str())
        .collect();
    notify
        .destinations
        .retain(|name, _| named.contains(&name.as_str()));
    let mut code = ExitCode::SUCCESS;
    for notice in &notices {
        let Some(found) = notify.destinations.get(&notice.destination) else {
            continue;
        };
        let destination = described(&notice.destination, found.get_ref());
        let request = delivery::first(notice, &destination, Clock::start().now());
        let Request::Post(body) = request else {
            continue;
        };
        println!(
            "{} ← {}",
            notice.destination,
            serde_json::to_string_pretty(&body)?
        );
        if args.send && !send(&notify, &notice.destination, &body)? {
            code = ExitCode::from(FAILED);
        }
    }
    Ok(code)
}

fn find<'f>(file: &'f NotifyFile, name: &str) -> Result<&'f RuleConfig, clap::Error> {
    let found = file.rules.iter().find(|rule| rule.name.get_ref() == name);
    found.ok_or_else(|| {
        let known = file.rules.iter().map(|rule| rule.name.get_ref().as_str());
        usage(format!("there is {}\n", no_such("no rule", name, known)))
    })
}

/// `{"before": …, "after": …}` as it is; a row alone is what an update by the rule leads to.
fn written(text: &str, rule: &RuleConfig) -> anyhow::Result<ChangeLine> {
    let row: WrittenRow = serde_json::from_str(text).context("it is not a JSON object")?;
    let is_change = row
        .keys()
        .all(|key| ["before", "after", "at", "xid"].contains(&key.as_str()));
    if is_change && !row.is_empty() {
        return Ok(ChangeLine::parse(text)?);
    }
    Ok(changed_to(row, rule))
}

/// The operation that the rule listens to first, which leads to this row.
fn changed_to(row: WrittenRow, rule: &RuleConfig) -> ChangeLine {
    match rule.on.first() {
        Some(Operation::Insert) => ChangeLine::of(None, Some(row)),
        Some(Operation::Delete) => ChangeLine::of(Some(row), None),
        Some(Operation::Update) | None => {
            let mut before = row.clone();
            if let Some(column) = &rule.column {
                let from = rule.from.example().unwrap_or("PENDING");
                before.insert(column.get_ref().clone(), raw(&format!("{from:?}")));
            }
            ChangeLine::of(Some(before), Some(row))
        }
    }
}

/// A row that the structured parts of the rule want.
fn sample(file: &NotifyFile, rule: &RuleConfig) -> ChangeLine {
    let mut row: WrittenRow = BTreeMap::new();
    for (column, _) in file.exposed(rule.table.get_ref()).into_iter().flatten() {
        let text = format!("sample {}", column.get_ref());
        row.insert(column.get_ref().clone(), raw(&format!("{text:?}")));
    }
    if let Some(column) = &rule.column {
        let is_delete = rule.on.first() == Some(&Operation::Delete);
        let states = if is_delete { &rule.from } else { &rule.to };
        let state = states.example().unwrap_or("CHANGED");
        row.insert(column.get_ref().clone(), raw(&format!("{state:?}")));
    }
    if let Some(amount) = rule.amount_columns() {
        let least = rule.thresholds().find(|(currency, _)| *currency != "*");
        let number = least.map_or("1000.10", |(_, amount)| amount.get_ref().as_str());
        row.insert(amount.column.into_inner(), raw(number));
        if let Some(per) = amount.per {
            let currency = least.map_or("USD", |(currency, _)| currency.as_str());
            row.insert(per.into_inner(), raw(&format!("{currency:?}")));
        }
    }
    changed_to(row, rule)
}

fn raw(json: &str) -> Box<RawValue> {
    let null = || RawValue::from_string("null".to_owned()).expect("null is JSON");
    RawValue::from_string(json.to_owned()).unwrap_or_else(|_| null())
}

fn notices(file: &NotifyFile, rule: &RuleConfig, line: &ChangeLine) -> anyhow::Result<Vec<Notice>> {
    let name = rule.table.get_ref();
    let table = LineTable::new(file, name, line);
    let key = guessed_key(file, name);
    let compiled = TableRules::compile(
        file,
        Table {
            relation: &table.relation,
            key: &key,
            captured: &|_| true,
        },
        &secret(file),
    );
    let (Some(rules), problems) = compiled else {
        bail!("the rule cannot work on this row: {:?}", compiled.1);
    };
    let of_rule = problems.into_iter().next();
    let mut matches = CommitMatches::default();
    let now = Timestamp::now();
    // Another id every time: a test is no repeat of the one before.
    let lsn = Lsn(u64::try_from(now.as_microsecond()).unwrap_or_default());
    table.change(line, lsn, |change| {
        matches.change(&rules, &mut LastStates::default(), change);
    });
    let commit = Commit {
        lsn,
        xid: 0,
        committed_at: now,
    };
    let origin = StreamOrigin {
        system_identifier: "test".to_owned(),
        slot: "test".to_owned(),
    };
    let outcome = matches.commit(commit, &origin);
    let name = rule.name.get_ref();
    if let Some((error, _)) = outcome
        .errors
        .into_iter()
        .find(|(error, _)| error.rule() == name)
    {
        return Err(error.into());
    }
    let notices: Vec<Notice> = outcome
        .candidates
        .into_iter()
        .map(|candidate| candidate.notice)
        .filter(|notice| notice.rule == *name)
        .collect();
    match of_rule {
        Some(problem) if notices.is_empty() => bail!("{problem}"),
        Some(_) | None => Ok(notices),
    }
}

/// Without its secret.
fn described(name: &str, destination: &config::Destination) -> Destination {
    let kind = match &destination.transport {
        Transport::SlackBot { channel, .. } => DestinationKind::Bot {
            channel: channel.clone(),
            token_name: String::new(),
        },
        Transport::SlackWebhook { .. } => DestinationKind::Webhook,
    };
    Destination {
        name: name.to_owned(),
        kind,
        unknown: UnknownPolicy::Hold,
        capacity: Capacity::default(),
    }
}

/// Whether Slack took it.
fn send(file: &NotifyFile, name: &str, body: &serde_json::Value) -> anyhow::Result<bool> {
    let clients = crate::engine::notify::destinations::open(file)?;
    let client = clients
        .into_iter()
        .find(|(destination, _)| destination.name == name);
    let (_, client) = client.context("the destination is not in the file")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    match runtime.block_on(client.post(body)) {
        Outcome::Accepted { posted } => {
            let ts = posted.map_or(String::new(), |posted| {
                format!(": channel {}, ts {}", posted.channel, posted.ts)
            });
            println!("{name} took it{ts}");
            Ok(true)
        }
        Outcome::Failed(error) => {
            println!("{name} did not take it: {}", error.label);
            Ok(false)
        }
    }
}
