//! Runs one connector: start plan, snapshot, stream, acknowledgement, stored offsets, back-off.

pub mod ack;
pub mod checkpoint;
mod error;
mod heartbeat;
pub mod notify;
mod outlet;
pub mod pipeline;
pub mod plan;
pub mod progress;
pub mod records;
mod snapshot;
mod start;
mod stream;
mod tables;
mod tolerance;
mod xmin;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use error::Error;
use notify::Notifier;
use progress::{Phase, Progress};

use crate::config::connector::ConnectorConfig;
use crate::config::worker::WorkerConfig;

/// The first wait after a retriable failure; it doubles up to `retriable.restart.connector.wait.ms`.
const FIRST_RETRY_WAIT: Duration = Duration::from_millis(500);

/// What `run` works with.
pub struct Engine<'a> {
    pub connector: &'a ConnectorConfig,
    pub worker: &'a WorkerConfig,
    pub output: Output,
    /// Cancelled to stop in order.
    pub cancel: &'a CancellationToken,
    pub progress: &'a Progress,
    /// Tells Slack of the changes too.
    pub notifier: Option<&'a Notifier>,
}

/// Where the records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Kafka,
    /// Nowhere, and no offset is stored: measures reading and encoding alone.
    Discard,
}

impl Engine<'_> {
    /// Runs until stopped. Failures that can pass are tried again from the stored offset, `errors.max.retries` times in a row.
    ///
    /// Blocks: it is given a thread of its own.
    ///
    /// # Errors
    /// What stopped it for good.
    pub fn run(&self) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("walstreet-sql")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let ended = self.run_with_retries(runtime.handle());
        self.progress.enter(Phase::Stopped);
        runtime.shutdown_timeout(Duration::from_secs(1));
        ended
    }

    fn run_with_retries(&self, runtime: &tokio::runtime::Handle) -> Result<(), Error> {
        let mut retries = 0;
        let mut wait = FIRST_RETRY_WAIT;
        let mut acknowledged = 0;
        loop {
            self.progress.enter(Phase::Starting);
            let error = match start::run(self, runtime) {
                Ok(()) | Err(Error::Stopped) => return Ok(()),
                Err(error) => error,
            };
            if self.cancel.is_cancelled() || !error.is_retriable() {
                return Err(error);
            }
            let acknowledged_now = self.progress.records_acknowledged.load(Relaxed);
            if acknowledged_now > acknowledged {
                (acknowledged, retries, wait) = (acknowledged_now, 0, FIRST_RETRY_WAIT);
            }
            retries += 1;
            if self
                .connector
                .errors
                .max_retries
                .is_some_and(|most| retries > most)
            {
                return Err(error);
            }
            tracing::warn!(error = %chain(&error), retry = retries, "trying again in {} ms", wait.as_millis());
            runtime.block_on(async {
                tokio::select! {
                    () = self.cancel.cancelled() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            });
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            wait = (wait * 2).min(self.connector.errors.retry_wait);
        }
    }
}

/// An error with its causes in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
