//! The variables with which the two usual container images configure a worker.
//!
//! debezium/connect starts from Kafka's stock `connect-distributed.properties`, exports a few bare names as
//! `CONNECT_…`, then turns every `CONNECT_FOO_BAR` into `foo.bar`. So for a setting with a bare name only the bare name
//! counts. cp-kafka-connect has no bare names and no file below, and can spell `_` (`__`) and `-` (`___`).

use super::{JSON_CONVERTER, Origin};
use crate::config::settings::Settings;

const APICURIO_CONVERTER: &str = "io.apicurio.registry.utils.converter.AvroConverter";

/// Names that only a debezium/connect container has. `BOOTSTRAP_SERVERS` alone does not make one.
const DEBEZIUM_NAMES: &[&str] = &[
    "GROUP_ID",
    "CONFIG_STORAGE_TOPIC",
    "OFFSET_STORAGE_TOPIC",
    "STATUS_STORAGE_TOPIC",
    "KEY_CONVERTER",
    "VALUE_CONVERTER",
];

/// The bare names, what they set, and what the image sets when they are absent or empty.
const BARE: &[(&str, &str, Option<&str>)] = &[
    (
        "BOOTSTRAP_SERVERS",
        "bootstrap.servers",
        Some("0.0.0.0:9092"),
    ),
    ("GROUP_ID", "group.id", Some("1")),
    ("CONFIG_STORAGE_TOPIC", "config.storage.topic", Some("")),
    ("OFFSET_STORAGE_TOPIC", "offset.storage.topic", Some("")),
    ("STATUS_STORAGE_TOPIC", "status.storage.topic", None),
    ("KEY_CONVERTER", "key.converter", Some(JSON_CONVERTER)),
    ("VALUE_CONVERTER", "value.converter", Some(JSON_CONVERTER)),
    (
        "OFFSET_FLUSH_INTERVAL_MS",
        "offset.flush.interval.ms",
        Some("60000"),
    ),
    (
        "OFFSET_FLUSH_TIMEOUT_MS",
        "offset.flush.timeout.ms",
        Some("5000"),
    ),
    (
        "SHUTDOWN_TIMEOUT",
        "task.shutdown.graceful.timeout.ms",
        Some("10000"),
    ),
    ("ADVERTISED_HOST_NAME", "rest.advertised.host.name", None),
    ("ADVERTISED_PORT", "rest.advertised.port", None),
];

/// Kafka's stock file, as far as it differs from the worker's own defaults.
const STOCK: &[(&str, &str)] = &[
    ("key.converter.schemas.enable", "true"),
    ("value.converter.schemas.enable", "true"),
    ("offset.storage.replication.factor", "1"),
    ("config.storage.replication.factor", "1"),
    ("status.storage.replication.factor", "1"),
    ("status.storage.topic", "connect-status"),
];

/// The worker's properties that the environment spells, and whose rules it follows.
pub(super) fn settings(environment: &[(String, String)]) -> (Origin, Settings) {
    let present = |name: &str| {
        environment
            .iter()
            .any(|(known, value)| known == name && !value.is_empty())
    };
    if DEBEZIUM_NAMES.iter().any(|name| present(name)) {
        return (Origin::DebeziumImage, debezium(environment));
    }
    if present("CONNECT_BOOTSTRAP_SERVERS") {
        return (Origin::ConfluentImage, confluent(environment));
    }
    let mut settings = Settings::default();
    for (_, servers) in environment
        .iter()
        .filter(|(name, value)| name == "BOOTSTRAP_SERVERS" && !value.is_empty())
    {
        settings.set("bootstrap.servers", servers);
    }
    (Origin::BrokersOnly, settings)
}

fn debezium(environment: &[(String, String)]) -> Settings {
    let mut settings: Settings = STOCK.iter().copied().collect();
    for (name, value) in prefixed(environment) {
        settings.set(&name.to_ascii_lowercase().replace('_', "."), value);
    }
    let given = |bare: &str| {
        let found = environment
            .iter()
            .find(|(name, value)| name == bare && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    for (bare, property, default) in BARE {
        if let Some(value) = given(bare).or(*default) {
            settings.set(property, value);
        }
    }
    if let Some(registry) = given("APICURIO_REGISTRY") {
        for side in ["key", "value"] {
            settings.set(&format!("{side}.converter"), APICURIO_CONVERTER);
            settings.set(&format!("{side}.converter.apicurio.registry.url"), registry);
        }
    }
    settings
}

fn confluent(environment: &[(String, String)]) -> Settings {
    let mut settings = Settings::default();
    for (name, value) in prefixed(environment) {
        settings.set(&confluent_name(name), value);
    }
    settings
}

/// Runs of underscores: one is a dot, two are an underscore, three a hyphen (`confluent-docker-utils`; its manual swaps
/// the last two).
fn confluent_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.replace("___", "-")
        .replace("__", "\u{0}")
        .replace('_', ".")
        .replace('\u{0}', "_")
}

/// Settings of the JVM's log and of the image's start script are none of the worker's.
fn prefixed(environment: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let named = environment
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("CONNECT_")?, value.as_str())));
    named.filter(|(name, _)| !name.starts_with("LOG4J") && !name.starts_with("CUB_"))
}
