//! The worker's settings: what a Kafka Connect worker would know before any connector arrives.
//!
//! They come from one place: `--worker FILE` (`connect-distributed.properties` or its standalone sibling), else the
//! variables of the debezium/connect or cp-kafka-connect image, else `--bootstrap-servers` with defaults. The flag
//! `--bootstrap-servers` also overrides what a file or the environment says about the brokers.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::connector_file;
use super::error::{ConfigError, Problem};
use super::providers::Providers;
use super::settings::Settings;

mod environment;
mod names;

pub const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";
pub const SIMPLE_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

#[derive(Clone)]
pub struct WorkerConfig {
    /// `bootstrap.servers`.
    pub bootstrap_servers: String,
    /// `group.id`.
    pub group_id: String,
    pub offsets: OffsetStorage,
    pub key_converter: Converter,
    pub value_converter: Converter,
    /// `header.converter`, the class.
    pub header_converter: String,
    /// `topic.creation.enable`.
    pub topic_creation: bool,
    /// `security.protocol`, `sasl.*`, `ssl.*` and the like without prefix: for the internal topics. Java's names.
    pub client: Vec<(String, String)>,
    /// `producer.*` without the prefix: for the records. Connect does not fall back to the settings without prefix.
    pub producer: Vec<(String, String)>,
    /// `consumer.*` without the prefix.
    pub consumer: Vec<(String, String)>,
    /// `admin.*` without the prefix: for topic creation.
    pub admin: Vec<(String, String)>,
    /// `listeners` of the REST API.
    pub listeners: Vec<String>,
    pub providers: Providers,
}

/// `offset.storage.*` and `offset.flush.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetStorage {
    pub topic: String,
    /// -1: the broker's default.
    pub partitions: i32,
    /// -1: the broker's default.
    pub replication_factor: i32,
    /// Everything else under `offset.storage.`, for the creation of the topic.
    pub topic_config: Vec<(String, String)>,
    pub flush_interval: Duration,
    pub flush_timeout: Duration,
}

/// A converter class and the options below it, without the prefix.
#[derive(Clone, PartialEq, Eq)]
pub struct Converter {
    pub class: String,
    pub options: Vec<(String, String)>,
}

/// Where the settings come from; it decides the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    File,
    DebeziumImage,
    ConfluentImage,
    /// Neither file nor environment: only the brokers were given.
    BrokersOnly,
}

/// What `load` may look at.
#[derive(Clone, Copy, Default)]
pub struct Sources<'a> {
    pub file: Option<&'a Path>,
    pub bootstrap_servers: Option<&'a str>,
    pub environment: &'a [(String, String)],
}

#[derive(Clone, Debug)]
pub struct LoadedWorker {
    pub worker: WorkerConfig,
    pub origin: Origin,
    /// Unknown properties, and what is accepted but different here.
    pub warnings: Vec<String>,
}

/// Reads the worker's settings from the first source there is.
pub fn load(sources: Sources<'_>) -> Result<LoadedWorker, ConfigError> {
    let (origin, mut settings) = match sources.file {
        Some(file) => (Origin::File, connector_file::read(file)?),
        None => environment::settings(sources.environment),
    };
    if let Some(servers) = sources.bootstrap_servers {
        settings.set("bootstrap.servers", servers);
    }
    let mut problems = Vec::new();
    let providers = Providers::from_worker(&settings, &mut problems);
    if problems.is_empty() {
        settings.resolve(&providers)?;
    }
    let mut reading = Reading {
        settings: &settings,
        origin,
        problems,
        warnings: names::unknown(&settings),
    };
    let worker = reading.worker(providers);
    let Reading {
        problems, warnings, ..
    } = reading;
    if problems.is_empty() {
        return Ok(LoadedWorker {
            worker,
            origin,
            warnings,
        });
    }
    Err(ConfigError::Invalid {
        what: format!("the worker configuration ({origin})"),
        problems,
    })
}

struct Reading<'a> {
    settings: &'a Settings,
    origin: Origin,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Reading<'_> {
    fn worker(&mut self, providers: Providers) -> WorkerConfig {
        WorkerConfig {
            bootstrap_servers: self.bootstrap_servers(),
            group_id: self.text("group.id", "connect-cluster"),
            offsets: self.offsets(),
            key_converter: self.converter("key.converter"),
            value_converter: self.converter("value.converter"),
            header_converter: self.text("header.converter", SIMPLE_HEADER_CONVERTER),
            topic_creation: self.boolean("topic.creation.enable", true),
            client: self.client(),
            producer: self.settings.below("producer."),
            consumer: self.settings.below("consumer."),
            admin: self.settings.below("admin."),
            listeners: self
                .text("listeners", "http://:8083")
                .split(',')
                .map(|text| text.trim().to_owned())
                .collect(),
            providers,
        }
    }

    fn bootstrap_servers(&mut self) -> String {
        let servers = self.text("bootstrap.servers", "");
        if servers.is_empty() {
            self.problems.push(match self.origin {
                Origin::BrokersOnly => Problem::invalid(
                    "bootstrap.servers",
                    "A value is required: give --bootstrap-servers, --worker or the variable BOOTSTRAP_SERVERS",
                ),
                Origin::File | Origin::DebeziumImage | Origin::ConfluentImage => Problem::missing("bootstrap.servers"),
            });
        }
        servers
    }

    fn offsets(&mut self) -> OffsetStorage {
        let own = ["topic", "partitions", "replication.factor", "file.filename"];
        let mut topic_config = self.settings.below("offset.storage.");
        topic_config.retain(|(name, _)| !own.contains(&name.as_str()));
        // Connect's default of 3 replicas, or of 60 seconds between two stores, is for whoever configured a worker. To
        // somebody who only named the brokers, which may be one, the broker's own default is safer; and storing
        // every second repeats fewer records after a crash.
        let (replicas, flush_ms) = match self.origin {
            Origin::BrokersOnly => (-1, 1_000),
            Origin::File | Origin::DebeziumImage | Origin::ConfluentImage => (3, 60_000),
        };
        OffsetStorage {
            topic: self.offset_topic(),
            partitions: self.number("offset.storage.partitions", "INT", 25),
            replication_factor: self.number("offset.storage.replication.factor", "SHORT", replicas),
            topic_config,
            flush_interval: self.millis("offset.flush.interval.ms", flush_ms),
            flush_timeout: self.millis("offset.flush.timeout.ms", 5_000),
        }
    }

    fn offset_topic(&mut self) -> String {
        let topic = self.text("offset.storage.topic", "");
        if !topic.is_empty() {
            return topic;
        }
        let standalone = self.settings.get("offset.storage.file.filename").is_some();
        if standalone {
            self.warnings.push(
                "offset.storage.file.filename has no effect: offsets are stored in the topic \"connect-offsets\"; name another with offset.storage.topic".to_owned(),
            );
        } else if self.origin != Origin::BrokersOnly {
            self.problems.push(Problem::missing("offset.storage.topic"));
        }
        "connect-offsets".to_owned()
    }

    fn converter(&mut self, name: &str) -> Converter {
        let class = self.text(name, "");
        if class.is_empty() && self.origin != Origin::BrokersOnly {
            self.problems.push(Problem::missing(name));
        }
        let class = if class.is_empty() {
            JSON_CONVERTER.to_owned()
        } else {
            class
        };
        Converter {
            class,
            options: self.settings.below(&format!("{name}.")),
        }
    }

    fn client(&self) -> Vec<(String, String)> {
        let client = self
            .settings
            .iter()
            .filter(|setting| names::is_client_setting(&setting.name));
        client
            .map(|setting| (setting.name.clone(), setting.value.clone()))
            .collect()
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.settings
            .value(name)
            .unwrap_or(default)
            .trim()
            .to_owned()
    }

    fn boolean(&mut self, name: &str, default: bool) -> bool {
        let Some(setting) = self.settings.get(name) else {
            return default;
        };
        setting
            .value
            .trim()
            .to_ascii_lowercase()
            .parse()
            .unwrap_or_else(|_| {
                self.problems.push(Problem::framework(
                    name,
                    &setting.given,
                    "Expected value to be either true or false",
                ));
                default
            })
    }

    /// Partitions and replicas: positive, or -1 for the default of the broker.
    fn number(&mut self, name: &str, kind: &str, default: i32) -> i32 {
        let Some(setting) = self.settings.get(name) else {
            return default;
        };
        match setting.value.trim().parse::<i32>() {
            Ok(number) if number > 0 || number == -1 => return number,
            Ok(_) => self.problems.push(Problem::framework(
                name,
                &setting.given,
                "Value must be positive, or -1 to use the broker's default",
            )),
            Err(_) => self.problems.push(Problem::framework(
                name,
                &setting.given,
                format!("Not a number of type {kind}"),
            )),
        }
        default
    }

    fn millis(&mut self, name: &str, default: u64) -> Duration {
        let Some(setting) = self.settings.get(name) else {
            return Duration::from_millis(default);
        };
        let parsed = setting.value.trim().parse();
        Duration::from_millis(parsed.unwrap_or_else(|_| {
            self.problems.push(Problem::framework(
                name,
                &setting.given,
                "Not a number of type LONG",
            ));
            default
        }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::DebeziumImage => "environment, as in debezium/connect",
            Self::ConfluentImage => "environment, as in cp-kafka-connect",
            Self::BrokersOnly => "defaults",
        })
    }
}

/// Without the options: a schema registry's hold a password.
impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class)
    }
}

/// Client settings by name only: `sasl.jaas.config` and the key passwords are among them.
impl fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |settings: &[(String, String)]| {
            settings
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        f.debug_struct("WorkerConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("group_id", &self.group_id)
            .field("offsets", &self.offsets)
            .field("key_converter", &self.key_converter)
            .field("value_converter", &self.value_converter)
            .field("header_converter", &self.header_converter)
            .field("topic_creation", &self.topic_creation)
            .field("client", &names(&self.client))
            .field("producer", &names(&self.producer))
            .field("consumer", &names(&self.consumer))
            .field("admin", &names(&self.admin))
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
