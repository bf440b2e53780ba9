//! When a heartbeat is due, and the query that goes with it.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::error::Error;
use super::records::Records;
use crate::config::connector::{ConnectorConfig, DatabaseConfig};
use crate::debezium::heartbeat::HeartbeatEncoder;
use crate::postgres::client;

pub(super) struct Heartbeats<'a> {
    encoder: HeartbeatEncoder,
    interval: Duration,
    last: Instant,
    action: Option<(&'a str, &'a DatabaseConfig, &'a Handle)>,
}

impl<'a> Heartbeats<'a> {
    /// `None` when `heartbeat.interval.ms` is 0. The first one is due at once when a snapshot was just completed.
    pub(super) fn new(
        config: &'a ConnectorConfig,
        runtime: &'a Handle,
        at_once: bool,
    ) -> Option<Self> {
        let interval = config.heartbeat?;
        let now = Instant::now();
        let last = if at_once {
            now.checked_sub(interval).unwrap_or(now)
        } else {
            now
        };
        let action = config
            .heartbeat_action_query
            .as_deref()
            .map(|query| (query, &config.database, runtime));
        Some(Self {
            encoder: HeartbeatEncoder::new(config),
            interval,
            last,
            action,
        })
    }

    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.interval
    }

    /// Appends a heartbeat record and starts the action query beside the stream, so that a lock it waits for holds up nothing.
    pub(super) fn beat(&mut self, now_ms: i64, records: &mut Records) -> Result<(), Error> {
        self.last = Instant::now();
        records.heartbeat(&self.encoder, now_ms)?;
        if let Some((query, database, runtime)) = self.action {
            let (query, database) = (query.to_owned(), database.clone());
            runtime.spawn(async move {
                if let Err(error) = execute(&query, &database).await {
                    tracing::error!(%error, "heartbeat.action.query failed");
                }
            });
        }
        Ok(())
    }
}

async fn execute(query: &str, database: &DatabaseConfig) -> anyhow::Result<()> {
    let client = client::connect(database, "walstreet heartbeat").await?;
    Ok(client.batch_execute(query).await?)
}
