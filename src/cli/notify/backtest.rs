//! What rules would have told of the past.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::change_line::{ChangeLine, LineTable};
use super::columns::aligned;
use super::simulation::{Event, Simulation, Tally, guessed_key};
use super::{dry_run, file};
use crate::cli::decode::capture;
use crate::notify::config::NotifyFile;
use crate::notify::notice::Commit;
use crate::postgres::Lsn;
use crate::postgres::pgoutput::decode;

const EXAMPLES: &str = "\
Examples:
  # From a table that a trigger keeps
  psql \"$DATABASE_URL\" -XAt -c \"SELECT json_build_object('at', changed_at, 'xid', xid,
      'before', to_jsonb(t) || jsonb_build_object('status', old_status),
      'after', to_jsonb(t) || jsonb_build_object('status', new_status))
    FROM transactions_history JOIN transactions t USING (transaction_id)
    WHERE changed_at > now() - interval '1 day' ORDER BY change_id\" |
  walstreet notify backtest notify.toml - --table public.transactions

  # From what a slot has for its consumer, without taking it away
  psql \"$DATABASE_URL\" -XAt -c \"SELECT lsn, encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes(
    'walstreet', NULL, NULL, 'proto_version', '1', 'publication_names', 'walstreet')\" |
  walstreet notify backtest notify.toml -

Input: JSON lines {\"at\": TIME, \"xid\": N, \"before\": {…}, \"after\": {…}} of one table, in their order; lines of one xid are one
transaction. Or captured messages in the forms that `walstreet decode` reads. Time runs as the commits say.";

/// Say what rules would have sent for changes of the past.
///
/// The same rules, digests, windows, quiet hours and repeats as in production, with the commits' times for the clock. Nothing is sent
/// and nothing is stored.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BacktestArgs {
    /// The notifier's file.
    file: PathBuf,
    /// The changes; - reads standard input.
    changes: PathBuf,
    /// Which table JSON lines are of; the one of the rules unless given.
    #[arg(long, value_name = "SCHEMA.TABLE")]
    table: Option<String>,
    /// Its primary key; a guess by the rules' conversations and by name unless given.
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    key: Vec<String>,
    /// Print every decision too.
    #[arg(long)]
    each: bool,
}

pub(super) fn run(args: &BacktestArgs) -> anyhow::Result<ExitCode> {
    let notify = file::read(&args.file)?;
    let mut replay = Replay {
        args,
        file: &notify,
        simulation: Simulation::new(&notify),
        table: None,
        open: None,
        commits: 0,
    };
    for (number, line) in (1..).zip(file::lines(&args.changes)?.lines()) {
        let place = || format!("{}, line {number}", args.changes.display());
        let line = line.with_context(place)?;
        replay.line(&line).with_context(place)?;
    }
    replay.commit()?;
    let events = replay.simulation.due(Timestamp::MAX);
    replay.print(&events)?;
    print!("{}", report(&replay.simulation.tally));
    Ok(ExitCode::SUCCESS)
}

struct Replay<'a> {
    args: &'a BacktestArgs,
    file: &'a NotifyFile,
    simulation: Simulation<'a>,
    /// Of JSON lines.
    table: Option<LineTable>,
    /// The transaction of the last line: its number, and when it was committed.
    open: Option<(Option<u64>, Timestamp)>,
    commits: u64,
}

impl Replay<'_> {
    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        let is_change = line.trim_start().starts_with('{') && !line.contains("\"hex\"");
        if is_change {
            return self.change(&ChangeLine::parse(line)?);
        }
        let Some(captured) = capture::parse(line)? else {
            return Ok(());
        };
        let message = decode(&captured.bytes, false)?;
        let (file, args) = (self.file, self.args);
        let events = self.simulation.message(
            captured.lsn,
            message,
            |relation| {
                key(
                    args,
                    file,
                    &format!("{}.{}", relation.schema, relation.name),
                )
            },
            |committed_at| committed_at,
        )?;
        self.print(&events)
    }

    fn change(&mut self, line: &ChangeLine) -> anyhow::Result<()> {
        let at = line
            .at
            .unwrap_or(self.open.map_or(Timestamp::UNIX_EPOCH, |(_, at)| at));
        let continues =
            matches!((line.xid, self.open), (Some(xid), Some((Some(open), _))) if xid == open);
        if !continues {
            self.commit()?;
        }
        self.open = Some((line.xid, at));
        if self.table.is_none() {
            let name = only_table(self.args.table.as_deref(), self.file)?;
            let table = LineTable::new(self.file, &name, line);
            let key = key(self.args, self.file, &name);
            self.simulation.describe(&table.relation, &key);
            self.table = Some(table);
        }
        let simulation = &mut self.simulation;
        if let Some(table) = &self.table {
            table.change(line, Lsn(self.commits), |change| simulation.change(change));
        }
        Ok(())
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let Some((xid, committed_at)) = self.open.take() else {
            return Ok(());
        };
        self.commits += 1;
        let commit = Commit {
            lsn: Lsn(self.commits),
            xid: xid.unwrap_or(self.commits),
            committed_at,
        };
        let events = self.simulation.commit(commit, committed_at);
        self.print(&events)
    }

    fn print(&self, events: &[Event]) -> anyhow::Result<()> {
        if self.args.each {
            dry_run::print(events)?;
        }
        Ok(())
    }
}

fn key(args: &BacktestArgs, file: &NotifyFile, table: &str) -> Vec<String> {
    if args.key.is_empty() {
        guessed_key(file, table)
    } else {
        args.key.clone()
    }
}

/// The table that all rules are of, unless one is named.
pub(super) fn only_table(named: Option<&str>, file: &NotifyFile) -> anyhow::Result<String> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let tables: HashMap<&str, ()> = file
        .rules
        .iter()
        .map(|rule| (rule.table.get_ref().as_str(), ()))
        .collect();
    match (tables.len(), tables.keys().next()) {
        (1, Some(table)) => Ok((*table).to_owned()),
        _ => bail!(
            "the rules are of {} tables: name the one that the lines are of with --table",
            tables.len()
        ),
    }
}

/// Numbers for people, and a sentence for each rule.
pub(super) fn report(tally: &Tally) -> String {
    let mut text = format!(
        "{} changes in {} transactions\n\n",
        tally.changes, tally.commits
    );
    for problem in &tally.problems {
        text.push_str(&format!("problem: {problem}\n"));
    }
    for (error, count) in tally.errors.values() {
        text.push_str(&format!("{count} changes: {error}\n"));
    }
    if tally.told.is_empty() {
        text.push_str("no rule would have sent anything\n");
        return text;
    }
    let rows: Vec<_> = tally
        .told
        .iter()
        .map(|((rule, destination), told)| {
            [
                rule.clone(),
                destination.clone(),
                told.matched.to_string(),
                told.messages.to_string(),
                told.digests.to_string(),
                told.digested.to_string(),
                told.repeated.to_string(),
            ]
        })
        .collect();
    const HEADING: [&str; 7] = [
        "RULE",
        "DESTINATION",
        "MATCHED",
        "MESSAGES",
        "DIGESTS",
        "IN DIGESTS",
        "REPEATED",
    ];
    text.push_str(&aligned(HEADING, &rows));
    text.push('\n');
    for ((rule, destination), told) in &tally.told {
        text.push_str(&format!(
            "{rule} would have sent {} messages and {} digests to {destination}\n",
            told.messages, told.digests
        ));
    }
    text
}
