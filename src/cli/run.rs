//! `walstreet run`: one connector, in the foreground.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use crate::config::connector_file;
use crate::config::parse::{self, CheckedConnector};
use crate::config::worker::{self, LoadedWorker, Sources};
use crate::engine::notify::Notifier;
use crate::engine::progress::{Phase, Progress};
use crate::engine::{Engine, Output, pipeline};
use crate::server::{self, metrics::Running};

use super::{discarded, stop};

const EXAMPLES: &str = "\
Examples:
  # An unmodified Debezium configuration, and a broker
  walstreet run connector.json --bootstrap-servers localhost:9092

  # With the worker file that Kafka Connect used so far: converters, security, offsets topic
  walstreet run connector.json --worker connect-distributed.properties

  # In place of a debezium/connect container: the same variables
  BOOTSTRAP_SERVERS=kafka:9092 GROUP_ID=1 OFFSET_STORAGE_TOPIC=connect_offsets \\
    CONFIG_STORAGE_TOPIC=connect_configs walstreet run connector.json

  # The configuration that a running Connect cluster has
  curl -s localhost:8083/connectors/inventory/config | walstreet run - --bootstrap-servers localhost:9092

  # Slack hears of status changes too
  walstreet run connector.json --bootstrap-servers localhost:9092 --notify notify.toml

  # Is everything in there understood?
  walstreet run --check-config connector.json --bootstrap-servers localhost:9092

Secrets: values may be ${file:/path:key}, ${env:VARIABLE} or ${directory:/path:file}. They are resolved at the start and
never printed.";

/// Run one connector until it is stopped.
///
/// The worker's settings (brokers, converters, offsets topic) come from --worker, else from the environment in the
/// manner of the debezium/connect and cp-kafka-connect images, else from --bootstrap-servers with defaults.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Connector configuration: JSON as for Kafka Connect's REST API, or a properties file; - is standard input.
    connector: PathBuf,
    /// Kafka brokers, host:port,…; overrides what the worker file or the environment says.
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,
    /// Worker configuration of Kafka Connect, such as connect-distributed.properties; the environment then has no say.
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// Read both configurations, say what they mean, and exit.
    #[arg(long)]
    check_config: bool,
    /// Decode and encode everything, but send nothing and store no offset: measures walstreet without a broker.
    ///
    /// Prints {"phase":…,"records":…,"bytes":…,"seconds":…} whenever records stop coming. The position is confirmed to
    /// PostgreSQL, so give it a slot of its own.
    #[arg(long)]
    discard: bool,
    /// Tell Slack of changes too, by the rules of this file; SIGHUP reads it again.
    #[arg(long, value_name = "FILE")]
    notify: Option<PathBuf>,
    /// Serve /metrics (Prometheus) and /health over HTTP.
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let environment = super::environment();
    let loaded = worker::load(Sources {
        file: args.worker.as_deref(),
        bootstrap_servers: args.bootstrap_servers.as_deref(),
        environment: &environment,
    })?;
    let settings = connector_file::read(&args.connector)?;
    let mut checked = parse::connector(settings, &loaded.worker)?;
    if args.check_config {
        let warnings = pipeline::check(&checked.connector)?;
        checked.warnings.extend(warnings);
        print_summary(&checked, &loaded);
        return Ok(ExitCode::SUCCESS);
    }
    for warning in loaded.warnings.iter().chain(&checked.warnings) {
        tracing::warn!("{warning}");
    }
    for note in &checked.notes {
        tracing::debug!("{note}");
    }
    let output = if args.discard {
        Output::Discard
    } else {
        Output::Kafka
    };
    let running = Arc::new(Running {
        progress: Arc::default(),
        notifier: start_notifier(args.notify.as_deref())?,
    });
    if let Some(address) = args.metrics_listen {
        let address = server::start(address, Arc::clone(&running))
            .with_context(|| format!("could not serve metrics on {address}"))?;
        tracing::info!(%address, "serving /metrics and /health");
    }
    let ended = stream(&checked, &loaded, output, &running);
    if let Some(notifier) = &running.notifier {
        notifier.stop();
    }
    ended
}

fn start_notifier(file: Option<&Path>) -> anyhow::Result<Option<Arc<Notifier>>> {
    let Some(file) = file else {
        return Ok(None);
    };
    let notifier = Arc::new(Notifier::start(file)?);
    let again = Arc::clone(&notifier);
    stop::on_hangup(move || match again.reload() {
        Ok(()) => tracing::info!("the notifier's file was read again"),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(%error, "the notifier goes on with the rules that it had");
        }
    })?;
    Ok(Some(notifier))
}

fn stream(
    checked: &CheckedConnector,
    loaded: &LoadedWorker,
    output: Output,
    running: &Running,
) -> anyhow::Result<ExitCode> {
    let (progress, cancel) = (&*running.progress, stop::on_signal()?);
    let engine = Engine {
        connector: &checked.connector,
        worker: &loaded.worker,
        output,
        cancel: &cancel,
        progress,
        notifier: running.notifier.as_deref(),
    };
    std::thread::scope(|scope| {
        scope.spawn(|| match output {
            Output::Kafka => show_snapshot(progress),
            Output::Discard => discarded::print(progress),
        });
        scope.spawn(|| leave_when_held_up(progress, &cancel));
        engine.run()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Before the stream has started nothing is lost by leaving at once, and what is waited for then can take minutes: a broker,
/// a lock, the end of somebody's transaction.
fn leave_when_held_up(progress: &Progress, cancel: &CancellationToken) {
    const GRACE: Duration = Duration::from_secs(2);
    const PAUSE: Duration = Duration::from_millis(100);
    let mut held_up = Duration::ZERO;
    loop {
        match progress.phase() {
            Phase::Stopped => return,
            Phase::Starting | Phase::Snapshot if cancel.is_cancelled() => held_up += PAUSE,
            Phase::Starting | Phase::Snapshot | Phase::Streaming => {}
        }
        if held_up > GRACE {
            tracing::info!("stopped while starting");
            std::process::exit(0);
        }
        std::thread::sleep(PAUSE);
    }
}

/// A bar on a terminal while the snapshot is read.
fn show_snapshot(progress: &Progress) {
    const REDRAW: Duration = Duration::from_millis(100);
    const STYLE: &str = "snapshot {bar:40} {human_pos}/{human_len} rows  {per_sec}  {eta} left";
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(STYLE).expect("the template is well-formed"));
    loop {
        let rows = progress.snapshot_rows.load(Relaxed);
        match progress.phase() {
            Phase::Starting => {}
            Phase::Snapshot => {
                bar.set_length(progress.snapshot_rows_expected.load(Relaxed).max(rows));
                bar.set_position(rows);
            }
            Phase::Streaming | Phase::Stopped => break,
        }
        std::thread::sleep(REDRAW);
    }
    bar.finish_and_clear();
}

fn print_summary(checked: &CheckedConnector, loaded: &LoadedWorker) {
    let (connector, worker) = (&checked.connector, &loaded.worker);
    let database = &connector.database;
    println!("connector \"{}\" is valid", connector.name);
    println!(
        "  database     {}@{}:{}/{}",
        database.user, database.host, database.port, database.dbname
    );
    println!(
        "  slot         {}, publication {}",
        connector.slot.name, connector.publication.name
    );
    println!(
        "  topics       {}{}…",
        connector.topic_prefix, connector.topics.delimiter
    );
    println!(
        "  brokers      {} (worker: {})",
        worker.bootstrap_servers, loaded.origin
    );
    let offsets = connector
        .offsets_storage_topic
        .as_ref()
        .unwrap_or(&worker.offsets.topic);
    println!(
        "  offsets      topic {offsets}, every {} ms",
        worker.offsets.flush_interval.as_millis()
    );
    for warning in loaded.warnings.iter().chain(&checked.warnings) {
        println!("  warning      {warning}");
    }
    for note in &checked.notes {
        println!("  note         {note}");
    }
}
