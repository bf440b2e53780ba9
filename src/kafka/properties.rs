//! Java client properties → librdkafka's. Pure: files that properties name are read by `super::stores`.
//!
//! Java: <https://kafka.apache.org/documentation/#producerconfigs>; librdkafka: its `CONFIGURATION.md`. Which layer wins
//! over which: `Worker.baseProducerConfigs` of Kafka Connect.

mod rules;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use self::rules::{ClientKind, Rule};
use super::error::Error;
use super::jaas;

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
/// comes on top, see `BUFFER_PER_RECORD`.
const BUFFER_MEMORY: u64 = 8 * 1024 * 1024;

/// librdkafka counts neither keys nor headers nor its own structures, together some 1 kB for a record with Debezium's
/// four headers. One record per so many bytes of `buffer.memory` bounds them.
const BUFFER_PER_RECORD: u64 = 1024;

/// Java splits a batch that the topic's `max.message.bytes` forbids, librdkafka fails all its records: stay far below the
/// broker's default of 1 MiB. Larger batches gained nothing that could be measured.
const BATCH_SIZE: &str = "262144";

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
        ("fetch.wait.max.ms", "10"),
        ("queued.max.messages.kbytes", "1024"),
        ("fetch.queue.backoff.ms", "10"),
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

/// A client's configuration in the making.
struct Translation {
    kind: ClientKind,
    settings: BTreeMap<String, String>,
    stores: Stores,
    warnings: Vec<String>,
    /// `sasl.jaas.config` or the like was given.
    mechanism: Option<String>,
    /// `compression.<codec>.level`, of which the one of the codec in use counts.
    levels: BTreeMap<String, String>,
}

impl Translation {
    fn new(kind: ClientKind, settings: &ClientSettings) -> Self {
        let mut translation = Self {
            kind,
            settings: BTreeMap::new(),
            stores: Stores::default(),
            warnings: Vec::new(),
            mechanism: None,
            levels: BTreeMap::new(),
        };
        translation.set_all(&[
            ("bootstrap.servers", &settings.bootstrap_servers),
            ("socket.keepalive.enable", "true"),
            // An idle connection that the broker closes is no news.
            ("log.connection.close", "false"),
        ]);
        translation
    }

    fn internal(settings: &ClientSettings, client_id: &str) -> Result<Self, Error> {
        let mut translation = Self::new(ClientKind::Internal, settings);
        let given: BTreeMap<_, _> = settings
            .client
            .iter()
            .map(|(name, value)| (name, value))
            .collect();
        for (name, value) in given {
            translation.translate("", name, value.trim())?;
        }
        translation.set("client.id", client_id);
        Ok(translation)
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    fn set_all(&mut self, pairs: &[(&str, &str)]) {
        for (name, value) in pairs {
            self.set(name, *value);
        }
    }

    fn warn(&mut self, prefix: &str, name: &str, why: &str) {
        self.warnings.push(format!("{prefix}{name} {why}"));
    }

    /// One property as Java knows it.
    fn translate(&mut self, prefix: &str, name: &str, value: &str) -> Result<(), Error> {
        let problem = |problem: String| Error::Property {
            name: format!("{prefix}{name}"),
            problem,
        };
        let Some(rule) = rules::find(self.kind, name) else {
            if self.kind == ClientKind::Producer {
                self.warn(
                    prefix,
                    name,
                    "is not known to a Kafka producer: it is ignored",
                );
            }
            return Ok(());
        };
        match rule {
            Rule::Same => self.set(name, value),
            Rule::Named(native) => self.set(native, value),
            Rule::LowerCase => self.set(name, value.to_lowercase()),
            Rule::Number { native, min, max } => {
                let number: i64 = value
                    .parse()
                    .map_err(|_| problem(format!("\"{value}\" is not a whole number")))?;
                let allowed = number.clamp(min, max);
                if allowed != number {
                    self.warn(
                        prefix,
                        name,
                        &format!("is set to {allowed}: librdkafka takes {min} to {max}"),
                    );
                }
                for native in native {
                    self.set(native, allowed.to_string());
                }
            }
            Rule::Ignored(why) => self.warn(prefix, name, &format!("changes nothing here: {why}")),
            Rule::Refused(why) if value.is_empty() => {
                self.warn(prefix, name, &format!("is empty and ignored ({why})"))
            }
            Rule::Refused(why) => return Err(problem(why.to_owned())),
            Rule::Special(translate) => translate(self, value).map_err(problem)?,
        }
        Ok(())
    }

    fn set_buffer_memory(&mut self, bytes: u64) {
        self.set(
            "queue.buffering.max.kbytes",
            (bytes / 1024).clamp(1, 2_147_483_647).to_string(),
        );
        self.set(
            "queue.buffering.max.messages",
            (bytes / BUFFER_PER_RECORD)
                .clamp(1000, 2_147_483_647)
                .to_string(),
        );
    }

    /// Connect sends one request at a time, because its producers are not idempotent and a retry must not overtake. An
    /// idempotent producer keeps the order with five on the way; librdkafka puts one partition into a request, so with one
    /// at a time every partition of a broker would wait for the others.
    fn decide_order(&mut self, given: &BTreeMap<&str, (&str, &str)>) {
        let value = |name: &str| given.get(name).map(|(value, _)| value.trim());
        let acks_all = value("acks").is_none_or(|acks| matches!(acks, "all" | "-1"));
        let few_in_flight = value("max.in.flight.requests.per.connection")
            .is_none_or(|count| count.parse::<u32>().is_ok_and(|count| count <= 5));
        let retries = value("retries").is_none_or(|retries| retries != "0");
        let idempotent = match value("enable.idempotence") {
            Some(wanted) => wanted.eq_ignore_ascii_case("true"),
            None => acks_all && few_in_flight && retries,
        };
        self.set("enable.idempotence", idempotent.to_string());
        if value("max.in.flight.requests.per.connection").is_none() {
            self.set(
                "max.in.flight.requests.per.connection",
                if idempotent { "5" } else { "1" },
            );
        } else if !idempotent && value("max.in.flight.requests.per.connection") != Some("1") {
            self.warnings.push(
                "max.in.flight.requests.per.connection above 1 without enable.idempotence=true: a retry can change the order"
                    .to_owned(),
            );
        }
        if value("acks") == Some("0") {
            self.warnings.push(
                "acks=0: records are confirmed to PostgreSQL although Kafka may not have them"
                    .to_owned(),
            );
        }
    }

    fn finish(mut self) -> Result<ClientProperties, Error> {
        self.check_sasl()?;
        if let Some(level) = self
            .settings
            .get("compression.type")
            .and_then(|codec| self.levels.get(codec))
        {
            self.settings
                .insert("compression.level".to_owned(), level.clone());
        }
        if self
            .settings
            .get("bootstrap.servers")
            .is_none_or(|servers| servers.trim().is_empty())
        {
            let problem = "no Kafka broker is named".to_owned();
            return Err(Error::Property {
                name: "bootstrap.servers".to_owned(),
                problem,
            });
        }
        Ok(ClientProperties {
            settings: self.settings,
            stores: self.stores,
            warnings: self.warnings,
        })
    }

    fn check_sasl(&self) -> Result<(), Error> {
        let uses_sasl = self
            .settings
            .get("security.protocol")
            .is_some_and(|protocol| protocol.starts_with("sasl_"));
        let refuse = |name: &str, problem: &str| {
            Err(Error::Property {
                name: name.to_owned(),
                problem: problem.to_owned(),
            })
        };
        match (uses_sasl, self.mechanism.as_deref()) {
            (false, _) => Ok(()),
            (true, None | Some("GSSAPI")) => refuse(
                "sasl.mechanism",
                "GSSAPI (Kerberos), Java's default, is not built in: use SCRAM or PLAIN",
            ),
            (true, Some("PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512")) => {
                if self.settings.contains_key("sasl.username") {
                    Ok(())
                } else {
                    refuse("sasl.jaas.config", "it must name username and password")
                }
            }
            (true, Some(_)) => refuse(
                "sasl.mechanism",
                "only PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are built in",
            ),
        }
    }
}

// Translations that are more than a name, called from `rules`. `Err` holds the problem without the value.
impl Translation {
    fn acks(&mut self, value: &str) -> Result<(), String> {
        match value {
            "all" | "-1" | "0" | "1" => self.set("acks", value),
            _ => return Err("only all, -1, 0 and 1 are legal".to_owned()),
        }
        Ok(())
    }

    fn buffer_memory(&mut self, value: &str) -> Result<(), String> {
        self.set_buffer_memory(
            value
                .parse()
                .map_err(|_| "it must be a number of bytes".to_owned())?,
        );
        Ok(())
    }

    /// Java's largest value means for ever; librdkafka says 0.
    fn delivery_timeout(&mut self, value: &str) -> Result<(), String> {
        let timeout: u32 = value
            .parse()
            .map_err(|_| "it must be a number of milliseconds".to_owned())?;
        let for_ever = timeout >= i32::MAX.cast_unsigned();
        self.set(
            "message.timeout.ms",
            if for_ever { 0 } else { timeout.max(1) }.to_string(),
        );
        Ok(())
    }

    fn partitioner_ignore_keys(&mut self, value: &str) -> Result<(), String> {
        if value.eq_ignore_ascii_case("true") {
            self.set("partitioner", "random");
        }
        Ok(())
    }

    fn compression_level(
        &mut self,
        codec: &str,
        value: &str,
        range: std::ops::RangeInclusive<i32>,
    ) -> Result<(), String> {
        let level: i32 = value
            .parse()
            .map_err(|_| "it must be a number".to_owned())?;
        self.levels.insert(
            codec.to_owned(),
            level.clamp(*range.start(), *range.end()).to_string(),
        );
        Ok(())
    }

    fn mechanism(&mut self, value: &str) -> Result<(), String> {
        self.mechanism = Some(value.to_owned());
        self.set("sasl.mechanism", value);
        Ok(())
    }

    fn jaas_config(&mut self, value: &str) -> Result<(), String> {
        let login = jaas::parse(value)?;
        self.set("sasl.username", login.username);
        self.set("sasl.password", login.password);
        Ok(())
    }

    fn endpoint_identification(&mut self, value: &str) -> Result<(), String> {
        match value.to_lowercase().as_str() {
            "" => self.set("ssl.endpoint.identification.algorithm", "none"),
            "https" => self.set("ssl.endpoint.identification.algorithm", "https"),
            _ => return Err("only https and an empty value are legal".to_owned()),
        }
        Ok(())
    }

    /// Java's default type JKS also opens PKCS12 files, so the file itself decides (`stores`).
    #[expect(
        clippy::unused_self,
        clippy::needless_pass_by_ref_mut,
        reason = "the signature of all special rules"
    )]
    fn store_type(&mut self, value: &str) -> Result<(), String> {
        match value.to_uppercase().as_str() {
            "JKS" | "PKCS12" | "PEM" => Ok(()),
            _ => Err("only PEM and PKCS12 stores can be read".to_owned()),
        }
    }

    fn trust_store(&mut self) -> &mut Store {
        &mut self.stores.trust
    }

    fn key_store(&mut self) -> &mut Store {
        &mut self.stores.key
    }
}

#[cfg(test)]
mod tests;
