//! The names of worker properties.

use crate::config::properties;
use crate::config::settings::Settings;

/// Properties of `DistributedConfig` and `StandaloneConfig` that this worker reads, or that change nothing here.
const KNOWN: &[&str] = &[
    "access.control.allow.methods",
    "access.control.allow.origin",
    "admin.listeners",
    "bootstrap.servers",
    "client.id",
    "config.providers",
    "config.storage.topic",
    "connect.protocol",
    "connector.client.config.override.policy",
    "exactly.once.source.support",
    "group.id",
    "header.converter",
    "heartbeat.interval.ms",
    "inter.worker.key.generation.algorithm",
    "inter.worker.key.size",
    "inter.worker.key.ttl.ms",
    "inter.worker.signature.algorithm",
    "inter.worker.verification.algorithms",
    "key.converter",
    "listeners",
    "offset.flush.interval.ms",
    "offset.flush.timeout.ms",
    "offset.storage.topic",
    "plugin.discovery",
    "plugin.path",
    "rebalance.timeout.ms",
    "response.http.headers.config",
    "rest.advertised.host.name",
    "rest.advertised.listener",
    "rest.advertised.port",
    "rest.extension.classes",
    "scheduled.rebalance.max.delay.ms",
    "session.timeout.ms",
    "status.storage.topic",
    "task.shutdown.graceful.timeout.ms",
    "topic.creation.enable",
    "topic.tracking.allow.reset",
    "topic.tracking.enable",
    "value.converter",
    "worker.sync.timeout.ms",
    "worker.unsync.backoff.ms",
];

/// `internal.*.converter`: ignored since Kafka 3.0, still in many files.
const KNOWN_PREFIXES: &[&str] = &[
    "admin.",
    "config.providers.",
    "config.storage.",
    "consumer.",
    "header.converter.",
    "internal.key.converter",
    "internal.value.converter",
    "key.converter.",
    "listeners.https.",
    "metric.reporters",
    "metrics.",
    "offset.storage.",
    "producer.",
    "status.storage.",
    "value.converter.",
];

/// Settings of Kafka clients that a worker takes without a prefix.
const CLIENT: &[&str] = &[
    "client.dns.lookup",
    "connections.max.idle.ms",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "receive.buffer.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "security.protocol",
    "security.providers",
    "send.buffer.bytes",
    "socket.connection.setup.timeout.max.ms",
    "socket.connection.setup.timeout.ms",
];

pub(super) fn is_client_setting(name: &str) -> bool {
    CLIENT.contains(&name) || name.starts_with("sasl.") || name.starts_with("ssl.")
}

/// A warning for every name that no worker knows.
pub(super) fn unknown(settings: &Settings) -> Vec<String> {
    let known = |name: &str| {
        KNOWN.contains(&name)
            || is_client_setting(name)
            || KNOWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    let unknown = settings
        .iter()
        .map(|setting| setting.name.as_str())
        .filter(|name| !known(name));
    let warning =
        |name: &str| match properties::nearest_of(name, KNOWN.iter().chain(CLIENT).copied()) {
            Some(near) => {
                format!("unknown worker property \"{name}\" is ignored; did you mean \"{near}\"?")
            }
            None => format!("unknown worker property \"{name}\" is ignored"),
        };
    unknown.map(warning).collect()
}
