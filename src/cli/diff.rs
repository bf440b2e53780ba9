//! `walstreet diff`: compares what two connectors wrote to Kafka, byte for byte.
//!
//! The files below are pure except `kafka` and the two ends of `capture`.

mod bytes;
mod capture;
mod compare;
mod kafka;
mod pair;
mod position;
mod report;
mod token;
mod volatile;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use capture::Capture;
use volatile::Servers;

/// The records are the same, or differ, or could not be read.
const DIFFERENT: u8 = 1;
const FAILED: u8 = 2;

/// Compare the records of two connectors byte for byte
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  walstreet diff kafka://localhost:9092/dbz kafka://localhost:9092/cdc
  walstreet diff kafka://localhost:9092/dbz kafka://localhost:9092/cdc --save-left dbz.jsonl --save-right cdc.jsonl
  walstreet diff dbz.jsonl cdc.jsonl --limit 3

A side is a capture file (see --save-left) or kafka://HOST:PORT/NAME, where NAME is a topic or a topic.prefix: then every topic \
that starts with `NAME.` and the heartbeat topic (see --heartbeats) are read to their current end.

Compared exactly, in order, per topic and partition: key, value and headers. Compared by rule, because it differs in every run: \
the topic prefix, the envelope's ts_*, the position and time of snapshot rows, the run id header, heartbeats. \
With --two-servers the positions, transaction ids and commit times of streamed rows are compared by rule, too: they must \
correspond one to one and be in one order. \
Exit code: 0 equal, 1 different, 2 error.")]
pub struct DiffArgs {
    /// Capture file or kafka://HOST:PORT/TOPIC-OR-PREFIX
    left: String,
    /// Capture file or kafka://HOST:PORT/TOPIC-OR-PREFIX
    right: String,
    /// Write what was read from the left side to this capture file (JSON lines)
    #[arg(long, value_name = "FILE")]
    save_left: Option<PathBuf>,
    /// Write what was read from the right side to this capture file (JSON lines)
    #[arg(long, value_name = "FILE")]
    save_right: Option<PathBuf>,
    /// topic.prefix of the left side, when its name does not tell
    #[arg(long, value_name = "PREFIX")]
    left_prefix: Option<String>,
    /// topic.prefix of the right side, when its name does not tell
    #[arg(long, value_name = "PREFIX")]
    right_prefix: Option<String>,
    /// Heartbeat topic of either side, with * for its topic.prefix: what topic.heartbeat.prefix or topic.heartbeat.name make of it
    #[arg(long, value_name = "TOPIC", default_value = "__debezium-heartbeat.*")]
    heartbeats: String,
    /// The sides read different servers that were told the same, or one server at different times
    #[arg(long)]
    two_servers: bool,
    /// Print at most this many differences
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Print the result, with all differences, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command. An error has an exit code of its own here, so that scripts can tell it from a difference.
pub fn run(args: DiffArgs) -> anyhow::Result<ExitCode> {
    match compare_sides(&args) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(DIFFERENT)),
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(ExitCode::from(FAILED))
        }
    }
}

fn compare_sides(args: &DiffArgs) -> anyhow::Result<bool> {
    let left = load(
        args,
        &args.left,
        args.left_prefix.as_ref(),
        args.save_left.as_ref(),
    )?;
    let right = load(
        args,
        &args.right,
        args.right_prefix.as_ref(),
        args.save_right.as_ref(),
    )?;
    let servers = if args.two_servers {
        Servers::Two
    } else {
        Servers::One
    };
    let report = compare::compare(&left, &right, &args.heartbeats, servers);
    let stdout = std::io::stdout();
    let text = if args.json {
        report::json(&report)
    } else {
        report::text(&report, args.limit, stdout.is_terminal())
    };
    stdout
        .lock()
        .write_all(text.as_bytes())
        .context("writing the report")?;
    Ok(report.is_equal())
}

fn load(
    args: &DiffArgs,
    side: &str,
    prefix: Option<&String>,
    save: Option<&PathBuf>,
) -> anyhow::Result<Capture> {
    let mut capture = match side.strip_prefix("kafka://") {
        Some(address) => kafka::read(address, &args.heartbeats)?,
        None => capture::read(side)?,
    };
    if let Some(prefix) = prefix {
        capture.prefix.clone_from(prefix);
    }
    if let Some(path) = save {
        capture::write(&capture, path)?;
    }
    Ok(capture)
}
