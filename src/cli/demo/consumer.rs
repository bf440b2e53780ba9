//! Reads the topic from its beginning while the connector writes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tokio_util::sync::CancellationToken;

use super::seen::{Place, Seen};

/// How late a stop may be noticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);

/// A consumer in a thread of its own, stopped when dropped.
pub(super) struct Consumer {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Consumer {
    pub(super) fn start(
        bootstrap_servers: &str,
        topic: &str,
        partitions: i32,
    ) -> anyhow::Result<Self> {
        let client = connect(bootstrap_servers)?;
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        client
            .assign(&assignment)
            .with_context(|| format!("could not start to read topic {topic}"))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = CancellationToken::new();
        let thread = thread::Builder::new()
            .name("demo-consumer".to_owned())
            .spawn({
                let (seen, stop) = (Arc::clone(&seen), stop.clone());
                move || consume(&client, &seen, &stop)
            })
            .context("could not start a thread for the consumer")?;
        Ok(Self {
            seen,
            stop,
            thread: Some(thread),
        })
    }

    /// What it saw so far. It cannot go on while this is held.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.cancel();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::warn!("the demo's consumer failed");
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// librdkafka wants a group id of every consumer; without a subscription no group is joined and nothing committed.
fn connect(bootstrap_servers: &str) -> anyhow::Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap_servers)
        .set("group.id", "walstreet-demo")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "false")
        // Latency is measured here: ask often, and take what there is.
        .set("fetch.wait.max.ms", "5")
        .set("fetch.error.backoff.ms", "10")
        .create()
        .context("could not start a Kafka consumer")
}

fn consume(client: &BaseConsumer, seen: &Mutex<Seen>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match client.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => {
                let place = Place {
                    partition: message.partition(),
                    offset: message.offset(),
                };
                let now_us = now_us();
                lock(seen).record(message.payload(), place, now_us);
            }
            // It tries again by itself; what never comes is missed by those who wait for it.
            Some(Err(error)) => tracing::debug!(%error, "the demo's consumer"),
            None => {}
        }
    }
}

/// Microseconds since 1970.
fn now_us() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.map_or(0, |time| {
        i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
    })
}
