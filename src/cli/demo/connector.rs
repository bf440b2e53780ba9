//! The connector of the tutorials, running in a thread as `walstreet run` runs it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::broker::Broker;
use super::server::Server;
use crate::config::connector::ConnectorConfig;
use crate::config::parse;
use crate::config::settings::Settings;
use crate::config::worker::{self, Sources, WorkerConfig};
use crate::engine::notify::Notifier;
use crate::engine::progress::Progress;
use crate::engine::{Engine, Error, Output};

pub(super) const NAME: &str = "postgres-fin-connector";
pub(super) const DATABASE: &str = "financial_db";
pub(super) const SLOT: &str = "debezium";
const TABLE: &str = "public.transactions";

/// A running connector, stopped in order when dropped.
pub(super) struct Connector {
    progress: Arc<Progress>,
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// Names of this run.
pub(super) struct Topics {
    pub(super) prefix: String,
    pub(super) payments: String,
    pub(super) offsets: String,
}

impl Topics {
    pub(super) fn with_prefix(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            payments: format!("{prefix}.{TABLE}"),
            offsets: format!("{prefix}-offsets"),
        }
    }
}

impl Connector {
    /// With a notifier, it hears of every change too.
    pub(super) fn start(
        server: &Server,
        broker: &Broker,
        topics: &Topics,
        notifier: Option<Arc<Notifier>>,
    ) -> anyhow::Result<Self> {
        let (connector, worker) = configuration(server, broker, topics)?;
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let thread = thread::Builder::new()
            .name("demo-connector".to_owned())
            .spawn({
                let (progress, cancel) = (Arc::clone(&progress), stop.clone());
                move || {
                    let engine = Engine {
                        connector: &connector,
                        worker: &worker,
                        output: Output::Kafka,
                        cancel: &cancel,
                        progress: &progress,
                        notifier: notifier.as_deref(),
                    };
                    engine.run()
                }
            })
            .context("could not start a thread for the connector")?;
        Ok(Self {
            progress,
            stop,
            thread: Some(thread),
        })
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Why it ended by itself; nothing while it runs.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        if self
            .thread
            .as_ref()
            .is_none_or(|thread| !thread.is_finished())
        {
            return Ok(());
        }
        self.join()?;
        anyhow::bail!("the connector stopped by itself")
    }

    /// Stops in order: everything sent is acknowledged, its position stored and confirmed.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.join()
    }

    fn join(&mut self) -> anyhow::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let ended = thread.join();
        let ended = ended.map_err(|_| anyhow::anyhow!("the connector's thread panicked"))?;
        ended.context("the connector failed")
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Err(error) = self.join() {
            tracing::warn!("{error:#}");
        }
    }
}

/// As the tutorials have it, with the address of our server, through the same code as a file of the user's.
fn configuration(
    server: &Server,
    broker: &Broker,
    topics: &Topics,
) -> anyhow::Result<(ConnectorConfig, WorkerConfig)> {
    let directory = server.directory().display().to_string();
    let port = Server::PORT.to_string();
    let settings = Settings::from_iter([
        ("name", NAME),
        (
            "connector.class",
            "io.debezium.connector.postgresql.PostgresConnector",
        ),
        ("plugin.name", "pgoutput"),
        ("database.hostname", directory.as_str()),
        ("database.port", &port),
        ("database.user", "postgres"),
        ("database.password", "postgres"),
        ("database.dbname", DATABASE),
        ("topic.prefix", &topics.prefix),
        ("table.include.list", TABLE),
        ("publication.autocreate.mode", "filtered"),
        ("slot.name", SLOT),
        ("decimal.handling.mode", "string"),
        ("key.converter", worker::JSON_CONVERTER),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", worker::JSON_CONVERTER),
        ("value.converter.schemas.enable", "false"),
        ("offsets.storage.topic", &topics.offsets),
    ]);
    let loaded = worker::load(Sources {
        bootstrap_servers: Some(&broker.bootstrap_servers()),
        ..Sources::default()
    })?;
    let checked = parse::connector(settings, &loaded.worker)?;
    for warning in &checked.warnings {
        tracing::warn!("{warning}");
    }
    Ok((checked.connector, loaded.worker))
}
