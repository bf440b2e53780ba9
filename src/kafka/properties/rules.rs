//! One row per property of Java's clients, 4.3: what becomes of it.

use super::translation::Translation;

/// Which client a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientKind {
    /// Sends a connector's records.
    Producer,
    /// Reads, writes or creates internal topics: of the worker's bare properties only those count that every client has.
    Internal,
}

#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// librdkafka has it under the same name, with the same values.
    Same,
    /// librdkafka calls it otherwise.
    Named(&'static str),
    /// Java's upper-case words are lower-case in librdkafka.
    LowerCase,
    /// A number that sets one or more of librdkafka's, which have narrower limits.
    Number {
        native: &'static [&'static str],
        min: i64,
        max: i64,
    },
    /// Accepted, with a warning that says why it changes nothing.
    Ignored(&'static str),
    /// Cannot be honoured, and ignoring it would be wrong.
    Refused(&'static str),
    Special(fn(&mut Translation, &str) -> Result<(), String>),
}

pub(super) fn find(kind: ClientKind, name: &str) -> Option<Rule> {
    let in_table = |table: &[(&str, Rule)]| {
        table
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, rule)| *rule)
    };
    in_table(COMMON).or_else(|| match kind {
        ClientKind::Internal => None,
        ClientKind::Producer if name.starts_with("confluent.") => Some(Rule::Ignored(CONFLUENT)),
        ClientKind::Producer => in_table(PRODUCER),
    })
}

const CONFLUENT: &str = "it configures Confluent's own Java classes";
const JAVA_METRICS: &str = "there is no JMX here, see /metrics";
const JAVA_TLS: &str = "OpenSSL decides";
const JAVA_CLASS: &str = "Java classes cannot be loaded: remove it";
const KERBEROS: &str = "Kerberos is not built in";
const TOKEN_LOGIN: &str = "OAUTHBEARER is not built in";

const fn number(native: &'static [&'static str], min: i64, max: i64) -> Rule {
    Rule::Number { native, min, max }
}

/// `CommonClientConfigs`, `SslConfigs` and `SaslConfigs`.
pub(super) const COMMON: &[(&str, Rule)] = &[
    ("client.dns.lookup", Rule::Same),
    (
        "metadata.max.age.ms",
        number(&["topic.metadata.refresh.interval.ms"], 10, 3_600_000),
    ),
    ("metadata.recovery.strategy", Rule::LowerCase),
    ("metadata.recovery.rebootstrap.trigger.ms", Rule::Same),
    (
        "send.buffer.bytes",
        number(&["socket.send.buffer.bytes"], 0, 100_000_000),
    ),
    (
        "receive.buffer.bytes",
        number(&["socket.receive.buffer.bytes"], 0, 100_000_000),
    ),
    (
        "reconnect.backoff.ms",
        number(&["reconnect.backoff.ms"], 0, 3_600_000),
    ),
    (
        "reconnect.backoff.max.ms",
        number(&["reconnect.backoff.max.ms"], 0, 3_600_000),
    ),
    (
        "retry.backoff.ms",
        number(&["retry.backoff.ms"], 1, 300_000),
    ),
    (
        "retry.backoff.max.ms",
        number(&["retry.backoff.max.ms"], 1, 300_000),
    ),
    (
        "request.timeout.ms",
        number(&["socket.timeout.ms"], 10, 300_000),
    ),
    (
        "socket.connection.setup.timeout.ms",
        number(&["socket.connection.setup.timeout.ms"], 1000, 2_147_483_647),
    ),
    (
        "socket.connection.setup.timeout.max.ms",
        Rule::Ignored("librdkafka's timeout does not grow"),
    ),
    (
        "connections.max.idle.ms",
        number(&["connections.max.idle.ms"], 0, 2_147_483_647),
    ),
    ("enable.metrics.push", Rule::Same),
    ("security.protocol", Rule::LowerCase),
    ("security.providers", Rule::Refused(JAVA_CLASS)),
    ("sasl.mechanism", Rule::Special(Translation::mechanism)),
    ("sasl.jaas.config", Rule::Special(Translation::jaas_config)),
    (
        "sasl.client.callback.handler.class",
        Rule::Refused(JAVA_CLASS),
    ),
    (
        "sasl.login.callback.handler.class",
        Rule::Refused(JAVA_CLASS),
    ),
    ("sasl.login.class", Rule::Refused(JAVA_CLASS)),
    ("sasl.kerberos.service.name", Rule::Ignored(KERBEROS)),
    ("sasl.kerberos.kinit.cmd", Rule::Ignored(KERBEROS)),
    (
        "sasl.kerberos.min.time.before.relogin",
        Rule::Ignored(KERBEROS),
    ),
    ("sasl.kerberos.ticket.renew.jitter", Rule::Ignored(KERBEROS)),
    (
        "sasl.kerberos.ticket.renew.window.factor",
        Rule::Ignored(KERBEROS),
    ),
    ("sasl.login.connect.timeout.ms", Rule::Ignored(TOKEN_LOGIN)),
    ("sasl.login.read.timeout.ms", Rule::Ignored(TOKEN_LOGIN)),
    (
        "sasl.login.refresh.buffer.seconds",
        Rule::Ignored(TOKEN_LOGIN),
    ),
    (
        "sasl.login.refresh.min.period.seconds",
        Rule::Ignored(TOKEN_LOGIN),
    ),
    (
        "sasl.login.refresh.window.factor",
        Rule::Ignored(TOKEN_LOGIN),
    ),
    (
        "sasl.login.refresh.window.jitter",
        Rule::Ignored(TOKEN_LOGIN),
    ),
    ("sasl.login.retry.backoff.ms", Rule::Ignored(TOKEN_LOGIN)),
    (
        "sasl.login.retry.backoff.max.ms",
        Rule::Ignored(TOKEN_LOGIN),
    ),
    (
        "sasl.oauthbearer.token.endpoint.url",
        Rule::Refused(TOKEN_LOGIN),
    ),
    (
        "ssl.endpoint.identification.algorithm",
        Rule::Special(Translation::endpoint_identification),
    ),
    ("ssl.cipher.suites", Rule::Ignored(JAVA_TLS)),
    ("ssl.enabled.protocols", Rule::Ignored(JAVA_TLS)),
    ("ssl.protocol", Rule::Ignored(JAVA_TLS)),
    ("ssl.provider", Rule::Ignored(JAVA_TLS)),
    ("ssl.keymanager.algorithm", Rule::Ignored(JAVA_TLS)),
    ("ssl.trustmanager.algorithm", Rule::Ignored(JAVA_TLS)),
    ("ssl.secure.random.implementation", Rule::Ignored(JAVA_TLS)),
    ("ssl.engine.factory.class", Rule::Refused(JAVA_CLASS)),
    ("ssl.key.password", Rule::Same),
    ("ssl.keystore.key", Rule::Named("ssl.key.pem")),
    (
        "ssl.keystore.certificate.chain",
        Rule::Named("ssl.certificate.pem"),
    ),
    ("ssl.truststore.certificates", Rule::Named("ssl.ca.pem")),
    (
        "ssl.keystore.type",
        Rule::Special(|_, value| store_type(value)),
    ),
    (
        "ssl.truststore.type",
        Rule::Special(|_, value| store_type(value)),
    ),
    (
        "ssl.keystore.location",
        Rule::Special(|to, value| location(to.key_store(), value)),
    ),
    (
        "ssl.keystore.password",
        Rule::Special(|to, value| password(to.key_store(), value)),
    ),
    (
        "ssl.truststore.location",
        Rule::Special(|to, value| location(to.trust_store(), value)),
    ),
    (
        "ssl.truststore.password",
        Rule::Special(|to, value| password(to.trust_store(), value)),
    ),
];

/// `ProducerConfig`.
pub(super) const PRODUCER: &[(&str, Rule)] = &[
    ("bootstrap.servers", Rule::Same),
    ("client.id", Rule::Same),
    ("acks", Rule::Special(Translation::acks)),
    ("batch.size", number(&["batch.size"], 1, 2_147_483_647)),
    ("buffer.memory", Rule::Special(Translation::buffer_memory)),
    ("compression.type", Rule::LowerCase),
    (
        "compression.gzip.level",
        Rule::Special(|to, value| to.compression_level("gzip", value, -1..=9)),
    ),
    (
        "compression.lz4.level",
        Rule::Special(|to, value| to.compression_level("lz4", value, 0..=12)),
    ),
    (
        "compression.zstd.level",
        Rule::Special(|to, value| to.compression_level("zstd", value, -1..=12)),
    ),
    (
        "delivery.timeout.ms",
        Rule::Special(Translation::delivery_timeout),
    ),
    ("enable.idempotence", Rule::LowerCase),
    ("linger.ms", number(&["linger.ms"], 0, 900_000)),
    (
        "max.in.flight.requests.per.connection",
        number(&["max.in.flight.requests.per.connection"], 1, 1_000_000),
    ),
    (
        "max.request.size",
        number(&["message.max.bytes"], 1000, 1_000_000_000),
    ),
    ("retries", number(&["retries"], 0, 2_147_483_647)),
    (
        "partitioner.ignore.keys",
        Rule::Special(Translation::partitioner_ignore_keys),
    ),
    (
        "partitioner.class",
        Rule::Refused("only Java's default partitioner is built in: remove it"),
    ),
    (
        "partitioner.adaptive.partitioning.enable",
        Rule::Ignored("records without key stick to a partition for 10 ms"),
    ),
    (
        "partitioner.availability.timeout.ms",
        Rule::Ignored("records without key stick to a partition for 10 ms"),
    ),
    (
        "max.block.ms",
        Rule::Ignored("a full buffer stops the reading of the WAL for as long as it takes"),
    ),
    (
        "metadata.max.idle.ms",
        Rule::Ignored("librdkafka forgets no topic"),
    ),
    ("key.serializer", Rule::Ignored("converters make the bytes")),
    (
        "value.serializer",
        Rule::Ignored("converters make the bytes"),
    ),
    (
        "interceptor.classes",
        Rule::Ignored("Java classes cannot be loaded"),
    ),
    ("metric.reporters", Rule::Ignored(JAVA_METRICS)),
    ("metrics.num.samples", Rule::Ignored(JAVA_METRICS)),
    ("metrics.recording.level", Rule::Ignored(JAVA_METRICS)),
    ("metrics.sample.window.ms", Rule::Ignored(JAVA_METRICS)),
    ("auto.include.jmx.reporter", Rule::Ignored(JAVA_METRICS)),
    (
        "transactional.id",
        Rule::Refused("there are no transactions here: remove it"),
    ),
    (
        "transaction.timeout.ms",
        Rule::Ignored("there are no transactions here"),
    ),
    (
        "transaction.two.phase.commit.enable",
        Rule::Ignored("there are no transactions here"),
    ),
];

/// Java's default type JKS also opens PKCS12 files, so the file itself decides (`stores`).
fn store_type(value: &str) -> Result<(), String> {
    match value.to_uppercase().as_str() {
        "JKS" | "PKCS12" | "PEM" => Ok(()),
        _ => Err("only PEM and PKCS12 stores can be read".to_owned()),
    }
}

fn location(store: &mut super::Store, value: &str) -> Result<(), String> {
    store.location = (!value.is_empty()).then(|| value.into());
    Ok(())
}

fn password(store: &mut super::Store, value: &str) -> Result<(), String> {
    store.password = (!value.is_empty()).then(|| value.to_owned());
    Ok(())
}
