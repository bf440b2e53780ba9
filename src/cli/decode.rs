//! `walstreet decode`: captured pgoutput messages → the records they become, without a database or a broker.

mod builtin_types;
pub(super) mod capture;
mod indent;
mod listing;
mod replay;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::config::connector::ConnectorConfig;
use crate::config::parse;
use crate::config::settings::Settings;
use crate::config::worker::{self, Sources};
use crate::config::{connector_file, error::ConfigError};
use crate::debezium::record::Record;
use crate::postgres::pgoutput::decode;

pub use builtin_types::builtin_types;
use listing::Listing;
use replay::Replay;

const EXAMPLES: &str = "\
Examples:
  # What a slot has for its consumer, without taking it away
  psql \"$DATABASE_URL\" -XAt -c \"SELECT lsn, encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes(
    'debezium', NULL, NULL, 'proto_version', '1', 'publication_names', 'dbz_publication')\" | walstreet decode -

  # As the records that your connector would write
  walstreet decode capture.txt --connector connector.json

  # As the messages that PostgreSQL sent
  walstreet decode capture.jsonl --messages

Input: lines of LSN and message in hexadecimal, separated by a tab, a comma or |, an xid between them or not; or JSON lines
{\"lsn\": \"0/1A2B3C8\", \"hex\": \"42…\"}. It has to begin where a decoding session began: later on tables have no description.

Output: a line of topic, key and value a record, separated by tabs. Key and value are the exact bytes; `null` stands for
one that is not there, as in a tombstone. Records of a changed key have their header as a fourth column.

Without --connector every property has its default, topic.prefix is `decoded` and both converters write no schemas.

Different from a live run, because only the catalog knows better:
  - the key is the replica identity in the order of the columns; a table with REPLICA IDENTITY FULL or NOTHING has none
  - key columns are required, all others optional, and there are no defaults: it shows in schemas, and where a delete has
    only the key
  - columns of enums, domains and other types of the database's own are left out like those of unknown types
  - the envelope's ts_* is the commit time, the first transaction knows no commit before it, and there are no context headers";

/// Show captured replication messages as the records they become.
///
/// It runs the same decoder and encoder as `run`, on what was captured from a replication slot: to look at a problem again
/// on another machine, or to see what a connector configuration does to the records.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DecodeArgs {
    /// The captured messages; `-` reads standard input.
    file: PathBuf,
    /// Connector configuration: JSON as for Kafka Connect's REST API, or .properties.
    #[arg(long, value_name = "FILE")]
    connector: Option<PathBuf>,
    /// Indented, for people.
    #[arg(long)]
    pretty: bool,
    /// The messages themselves instead of the records, one a line.
    #[arg(long, conflicts_with_all = ["connector", "pretty"])]
    messages: bool,
}

/// Runs the command.
pub fn run(args: &DecodeArgs) -> anyhow::Result<ExitCode> {
    let out = BufWriter::new(io::stdout().lock());
    let written = if args.messages {
        print_messages(args, out)
    } else {
        print_records(args, out)
    };
    match written {
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        written => written.map(|()| ExitCode::SUCCESS),
    }
}

fn print_messages(args: &DecodeArgs, mut out: impl Write) -> anyhow::Result<()> {
    let mut listing = Listing::default();
    for_each_message(&args.file, |captured| {
        let message = decode(&captured.bytes, listing.streaming())?;
        Ok(listing.print(captured.lsn, &message, &mut out)?)
    })?;
    Ok(out.flush()?)
}

fn print_records(args: &DecodeArgs, mut out: impl Write) -> anyhow::Result<()> {
    let config = configuration(args.connector.as_deref())?;
    let mut replay = Replay::new(config)?;
    for_each_message(&args.file, |captured| {
        let records = replay.message(captured.lsn, decode(&captured.bytes, false)?)?;
        for record in records.iter() {
            if args.pretty {
                print_pretty(&record, &mut out)?;
            } else {
                print_line(&record, &mut out)?;
            }
        }
        Ok(())
    })?;
    Ok(out.flush()?)
}

fn for_each_message(
    path: &Path,
    mut each: impl FnMut(&capture::Captured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (number, line) in (1..).zip(open(path)?.lines()) {
        let place = || format!("{}, line {number}", path.display());
        let line = line.with_context(|| format!("{}: could not be read", place()))?;
        let captured = capture::parse(&line).with_context(place)?;
        if let Some(captured) = captured {
            each(&captured).with_context(|| format!("{}, LSN {}", place(), captured.lsn))?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn configuration(connector: Option<&Path>) -> Result<ConnectorConfig, ConfigError> {
    let settings = match connector {
        Some(path) => connector_file::read(path)?,
        None => Settings::from_iter(DEFAULTS),
    };
    // No broker is asked, but a worker's settings do not come without one.
    let worker = worker::load(Sources {
        bootstrap_servers: Some("localhost:9092"),
        ..Sources::default()
    })?;
    let checked = parse::connector(settings, &worker.worker)?;
    for warning in &checked.warnings {
        tracing::warn!("{warning}");
    }
    Ok(checked.connector)
}

/// What has no default, and converters without schemas: they would be most of the output.
const DEFAULTS: [(&str, &str); 11] = [
    ("name", "decoded"),
    (
        "connector.class",
        "io.debezium.connector.postgresql.PostgresConnector",
    ),
    ("plugin.name", "pgoutput"),
    ("topic.prefix", "decoded"),
    ("database.hostname", "localhost"),
    ("database.user", "postgres"),
    ("database.dbname", "decoded"),
    ("key.converter", worker::JSON_CONVERTER),
    ("key.converter.schemas.enable", "false"),
    ("value.converter", worker::JSON_CONVERTER),
    ("value.converter.schemas.enable", "false"),
];

const NULL: &[u8] = b"null";

fn print_line(record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}\t", record.topic)?;
    out.write_all(record.key.unwrap_or(NULL))?;
    out.write_all(b"\t")?;
    out.write_all(record.value.unwrap_or(NULL))?;
    for (name, value) in record.own_headers() {
        write!(out, "\t{name}=")?;
        out.write_all(value.unwrap_or(NULL))?;
    }
    out.write_all(b"\n")
}

fn print_pretty(record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "topic   {}", record.topic)?;
    print_part("key", record.key.unwrap_or(NULL), out)?;
    for (name, value) in record.own_headers() {
        print_part(&format!("header  {name}"), value.unwrap_or(NULL), out)?;
    }
    print_part("value", record.value.unwrap_or(NULL), out)?;
    writeln!(out)
}

fn print_part(name: &str, json: &[u8], out: &mut impl Write) -> io::Result<()> {
    let indented = indent::indented(json);
    write!(out, "{name:<8}")?;
    out.write_all(&indented)?;
    writeln!(out)
}

/// Whoever read our output has seen enough, such as `head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
