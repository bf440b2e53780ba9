//! Rules on what happens now, telling nobody.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use uuid::Uuid;

use super::backtest::report;
use super::file;
use super::simulation::{Event, Simulation};
use super::validate::configuration;
use crate::cli::stop;
use crate::config::connector::ConnectorConfig;
use crate::notify::message::Message;
use crate::notify::notice::Notice;
use crate::notify::render::Sending;
use crate::postgres::catalog_query::load_table;
use crate::postgres::connection::Connection;
use crate::postgres::pgoutput::{Relation, decode};
use crate::postgres::replication::{Frame, ReplicationStream};
use crate::postgres::{client, publication};

const EXAMPLES: &str = "\
Examples:
  # Until Ctrl-C
  walstreet notify dry-run notify.toml --connector connector.json

  # For ten minutes
  walstreet notify dry-run notify.toml --connector connector.json --for 10m

It reads the connector's publication, which must exist, through a temporary slot that PostgreSQL drops when the command ends,
however it ends. The connector may run meanwhile. For a captured stream see `walstreet notify backtest --each`.";

/// Print what rules decide about changes as they happen; nothing is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DryRunArgs {
    /// The notifier's file.
    file: PathBuf,
    /// Connector configuration: which database, publication and tables.
    #[arg(long, value_name = "FILE")]
    connector: PathBuf,
    /// For how long; until Ctrl-C unless given.
    #[arg(long = "for", value_name = "PERIOD", value_parser = file::period)]
    period: Option<crate::notify::config::Period>,
}

/// How often windows and quiet hours are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

pub(super) fn run(args: &DryRunArgs) -> anyhow::Result<ExitCode> {
    let notify = file::read(&args.file)?;
    let config = configuration(&args.connector)?;
    let stop = stop::on_signal().context("could not listen to signals")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let client = runtime.block_on(client::connect(&config.database, "walstreet notify"))?;
    let stream = open(&config, &runtime, &client)?;
    println!("reading; nothing is sent");
    let started = std::time::Instant::now();
    let mut simulation = Simulation::new(&notify);
    let is_over = || {
        args.period
            .is_some_and(|period| started.elapsed() >= period.0)
    };
    while !stop.is_cancelled() && !is_over() {
        if let Some(batch) = stream.recv_timeout(LOOK_INTERVAL)? {
            for frame in batch.frames() {
                match frame? {
                    Frame::XLogData {
                        wal_start, data, ..
                    } => {
                        let message = decode(data, false)?;
                        let key = |relation: &Relation| key(&runtime, &client, relation);
                        let events =
                            simulation.message(wal_start, message, key, |_| Timestamp::now())?;
                        print(&events)?;
                    }
                    Frame::Keepalive { wal_end, .. } => stream.confirm(wal_end),
                }
            }
        }
        print(&simulation.due(Timestamp::now()))?;
    }
    stream.stop()?;
    print!("\n{}", report(&simulation.tally));
    Ok(ExitCode::SUCCESS)
}

fn open(
    config: &ConnectorConfig,
    runtime: &Runtime,
    client: &Client,
) -> anyhow::Result<ReplicationStream> {
    let name = &config.publication.name;
    if runtime.block_on(publication::load(client, name))?.is_none() {
        bail!(
            "publication \"{name}\" does not exist: a connector that ran makes it, see `walstreet check`"
        );
    }
    let mut connection = Connection::open(&config.database)?;
    let slot = format!("walstreet_{}", Uuid::now_v7().simple());
    let created = connection.create_temporary_slot(&slot)?;
    let publication = publication::resolved_name(name);
    Ok(connection.start_replication(
        &slot,
        created.consistent_point,
        &[&publication],
        &config.slot.stream_params,
        STATUS_INTERVAL,
    )?)
}

/// A table that cannot be asked for now has no key: conversations of its rules have none either.
fn key(runtime: &Runtime, client: &Client, relation: &Relation) -> Vec<String> {
    let found = runtime.block_on(load_table(client, &relation.schema, &relation.name));
    match found {
        Ok(found) => found.map_or_else(Vec::new, |found| found.table.key),
        Err(error) => {
            tracing::error!(%error, table = relation.name, "could not ask for the primary key");
            Vec::new()
        }
    }
}

/// A line for each decision.
pub(super) fn print(events: &[Event]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for event in events {
        let (what, notice) = match event {
            Event::Sent(notice) => ("sent", notice),
            Event::Held(notice) => ("held", notice),
            Event::Repeated(notice) => ("repeated", notice),
        };
        writeln!(out, "{}", line(what, notice))?;
    }
    Ok(out.flush()?)
}

fn line(what: &str, notice: &Notice) -> String {
    let sending = Sending {
        now: notice.commit.committed_at,
        possible_repeat: false,
    };
    let text = Message::render(notice, sending).text.replace('\n', " · ");
    let at = file::time(notice.commit.committed_at.as_millisecond());
    format!(
        "{at}  {what:<8}  {} → {}  {text}",
        notice.rule, notice.destination
    )
}
