//! Java client properties → librdkafka's. Pure: files that properties name are read by `super::stores`.
//!
//! Java: <https://kafka.apache.org/documentation/#producerconfigs>; librdkafka: its `CONFIGURATION.md`. Which layer wins
//! over which: `Worker.baseProducerConfigs` of Kafka Connect.

mod rules;
mod translation;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use self::rules::ClientKind;
use self::translation::Translation;
use super::error::Error;
use crate::config::connector::ConnectorConfig;
use crate::config::worker::WorkerConfig;

/// What the configuration says about Kafka clients, in Java's names without prefix. Later pairs win over earlier ones.
#[derive(Clone, Default)]
pub struct ClientSettings {
    pub bootstrap_servers: String,
    /// The worker's bare properties. They configure the clients of internal topics and of topic creation; those that are
    /// not a Kafka client's are the worker's own and skipped.
    pub client: Vec<(String, String)>,
    /// The worker's `producer.*`.
    pub producer: Vec<(String, String)>,
    /// The connector's `producer.override.*`.
    pub overrides: Vec<(String, String)>,
}

impl ClientSettings {
    #[must_use]
    pub fn new(worker: &WorkerConfig, connector: &ConnectorConfig) -> Self {
        Self {
            bootstrap_servers: worker.bootstrap_servers.clone(),
            client: worker.client.clone(),
            producer: worker.producer.clone(),
            overrides: connector.producer_overrides.clone(),
        }
    }
}

impl fmt::Debug for ClientSettings {
    /// Values can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| {
            pairs
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        f.debug_struct("ClientSettings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("client", &names(&self.client))
            .field("producer", &names(&self.producer))
            .field("overrides", &names(&self.overrides))
            .finish()
    }
}

/// The configuration of one librdkafka client.
#[derive(Clone)]
pub struct ClientProperties {
    settings: BTreeMap<String, String>,
    pub(super) stores: Stores,
    warnings: Vec<String>,
}

/// Key and trust stores: what they become depends on what is in the files.
#[derive(Clone, Default)]
pub(super) struct Stores {
    pub(super) trust: Store,
    pub(super) key: Store,
}

#[derive(Clone, Default)]
pub(super) struct Store {
    pub(super) location: Option<PathBuf>,
    pub(super) password: Option<String>,
}

/// Connect's `max.request.size`; librdkafka's own default is smaller.
const MAX_REQUEST_SIZE: usize = 1_048_576;

/// Payload bytes queued at most, unless `buffer.memory` says otherwise (Java: 32 MiB). What librdkafka keeps per record
/// comes on top, see `translation::BUFFER_PER_RECORD`.
const BUFFER_MEMORY: u64 = 8 * 1024 * 1024;

/// Java splits a batch that the topic's `max.message.bytes` forbids, librdkafka fails all its records: stay well below the
/// broker's default of 1 MiB. 1,000,000 (librdkafka's default) was not faster, 256 KiB cost a third more CPU.
const BATCH_SIZE: &str = "524288";

/// The producer of a connector's records: Connect's defaults < worker `producer.*` < connector `producer.override.*`.
pub fn data_producer(
    settings: &ClientSettings,
    connector: &str,
) -> Result<ClientProperties, Error> {
    let mut translation = Translation::new(ClientKind::Producer, settings);
    translation.set_all(&[
        ("client.id", &format!("connector-producer-{connector}-0")),
        ("acks", "all"),
        ("message.timeout.ms", "0"),
        ("message.max.bytes", &MAX_REQUEST_SIZE.to_string()),
        ("partitioner", "murmur2_random"),
        // Kafka's clients wait 5 ms since 4.0. A burst fills its batches without, and a lone change comes 5 ms earlier.
        ("linger.ms", "0"),
        ("batch.size", BATCH_SIZE),
        // librdkafka derives it from linger.ms; 0 would give every record without key a partition and a batch of its own.
        ("sticky.partitioning.linger.ms", "10"),
    ]);
    translation.set_buffer_memory(BUFFER_MEMORY);
    let layers = [
        (&settings.producer, "producer."),
        (&settings.overrides, "producer.override."),
    ];
    let given: BTreeMap<&str, (&str, &str)> = layers
        .iter()
        .flat_map(|(pairs, prefix)| {
            pairs
                .iter()
                .map(|(name, value)| (name.as_str(), (value.as_str(), *prefix)))
        })
        .collect();
    for (name, (value, prefix)) in &given {
        translation.translate(prefix, name, value.trim())?;
    }
    translation.decide_order(&given);
    translation.finish()
}

/// The producer of an internal topic, configured by the worker's bare properties.
pub fn internal_producer(
    settings: &ClientSettings,
    client_id: &str,
) -> Result<ClientProperties, Error> {
    let mut translation = Translation::internal(settings, client_id)?;
    translation.set_all(&[
        ("acks", "all"),
        ("message.timeout.ms", "0"),
        ("message.max.bytes", &MAX_REQUEST_SIZE.to_string()),
        ("partitioner", "murmur2_random"),
        ("max.in.flight.requests.per.connection", "1"),
        ("linger.ms", "0"),
    ]);
    translation.finish()
}

/// The client that creates and describes topics, configured by the worker's bare properties.
pub fn admin(settings: &ClientSettings, client_id: &str) -> Result<ClientProperties, Error> {
    let mut translation = Translation::internal(settings, client_id)?;
    // Else asking whether a topic exists would create it.
    translation.set("allow.auto.create.topics", "false");
    translation.finish()
}

/// The consumer of an internal topic, configured by the worker's bare properties. It joins no group; librdkafka wants a
/// `group.id` all the same.
pub fn internal_consumer(
    settings: &ClientSettings,
    client_id: &str,
) -> Result<ClientProperties, Error> {
    let mut translation = Translation::internal(settings, client_id)?;
    let group = settings.client.iter().rfind(|(name, _)| name == "group.id");
    translation.set_all(&[
        (
            "group.id",
            group.map_or("connect-cluster", |(_, group)| group),
        ),
        ("isolation.level", "read_committed"),
        ("enable.auto.commit", "false"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "earliest"),
        // We read to the end once: do not wait for more.
        ("fetch.wait.max.ms", "1"),
        ("queued.max.messages.kbytes", "1024"),
        ("fetch.queue.backoff.ms", "10"),
        // A topic that was just created has no leaders for some milliseconds.
        ("fetch.error.backoff.ms", "10"),
    ]);
    translation.finish()
}

impl ClientProperties {
    /// What librdkafka is given, in its own names; secrets included.
    pub(super) fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// Properties that were accepted although they change nothing, and values that were changed.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        self.get("bootstrap.servers")
    }

    pub(super) fn client_id(&self) -> &str {
        self.get("client.id")
    }

    pub(super) fn max_request_size(&self) -> usize {
        self.get("message.max.bytes")
            .parse()
            .unwrap_or(MAX_REQUEST_SIZE)
    }

    /// Bytes of keys and values that share a batch at most; a larger record is alone.
    pub(super) fn batch_size(&self) -> usize {
        self.get("batch.size").parse().unwrap_or(usize::MAX)
    }

    fn get(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }
}

impl fmt::Debug for ClientProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(name, value): (&String, &String)| {
            let hidden = name.contains("password") || name.ends_with(".pem");
            (
                name.clone(),
                if hidden {
                    "[hidden]".to_owned()
                } else {
                    value.clone()
                },
            )
        };
        f.debug_map()
            .entries(self.settings.iter().map(shown))
            .finish()
    }
}

#[cfg(test)]
mod tests;
