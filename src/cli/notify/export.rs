//! The audit as JSON lines.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::file::{self, Place};
use crate::notify::outbox::AuditLine;

const EXAMPLES: &str = "\
Examples:
  How long it took from commit to Slack, in milliseconds:
    walstreet notify export --json --since 1d | jq 'select(.what == \"sent\") | .commit_to_sent_ms'

  What became of one delivery:
    walstreet notify export --json | jq 'select(.delivery_id == \"01c2a9f4…\")'

`queued` lines tell where a notice comes from: rule, rule_version, severity, changes, lsn, xid, committed_at, table, sums by
currency, of a single change key, from and to, of a digest how many took which step, first_lsn and first_committed_at.
`repeated`, `muted` and `held back` lines say the same of changes that matched and were not told by themselves; `held back` names
the digest. `sent` lines tell how it went: attempts, body_sha256, channel, ts, commit_to_sent_ms.";

/// Print the audit: a JSON object for whatever happened to a message, a destination or a mute.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportArgs {
    /// As JSON lines; the only form there is.
    #[arg(long, required = true)]
    json: bool,
    /// From then on: 30m, 2h or 1d ago, or 2026-11-22T10:00:00Z. All of it, which is a month, unless given.
    #[arg(long, value_parser = file::since, value_name = "TIME")]
    since: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
}

const PAGE: u32 = 1_000;

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let since_ms = args.since.map_or(0, Timestamp::as_millisecond);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut after = 0;
    loop {
        let page = outbox.audit(after, since_ms, PAGE)?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.seq;
        for line in page {
            writeln!(out, "{}", object(line))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn object(line: AuditLine) -> Value {
    let mut object = Map::new();
    let at = Timestamp::from_millisecond(line.at_ms).ok();
    object.insert("at".to_owned(), json!(at));
    object.insert("what".to_owned(), json!(line.what));
    let named = [
        (
            "destination",
            Some(line.destination).filter(|name| !name.is_empty()),
        ),
        ("delivery_id", line.delivery_id),
        ("detail", line.detail),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            object.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(Value::Object(facts)) = line.facts {
        object.extend(facts);
    }
    Value::Object(object)
}
