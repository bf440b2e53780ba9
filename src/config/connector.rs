//! A connector's configuration as types. What the properties mean: the Debezium manual, "PostgreSQL connector configuration
//! properties". How text becomes these types: `super::properties`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use super::avro::AvroConverterOptions;
pub use super::naming::{
    InvalidCharacters, KeyField, NameAdjustment, NameOptions, TopicRoute, TopicStrategy,
};

#[derive(Clone)]
pub struct ConnectorConfig {
    /// `name`.
    pub name: String,
    pub topic_prefix: String,
    pub database: DatabaseConfig,
    pub slot: SlotConfig,
    pub publication: PublicationConfig,
    /// `replica.identity.autoset.values`.
    pub replica_identities: Vec<IdentityRule>,
    pub snapshot: SnapshotConfig,
    pub filters: Filters,
    pub values: ValueOptions,
    /// `message.key.columns`: the first rule with a column of a table makes its key.
    pub keys: Vec<KeyRule>,
    /// `column.mask.*` and the like, the first that matches a column applies.
    pub column_rules: Vec<ColumnRule>,
    pub records: RecordOptions,
    pub topics: TopicOptions,
    pub names: NameOptions,
    /// `provide.transaction.metadata`.
    pub transaction_metadata: bool,
    /// `heartbeat.interval.ms`; `None` when 0.
    pub heartbeat: Option<Duration>,
    /// `heartbeat.action.query`.
    pub heartbeat_action_query: Option<String>,
    pub key_converter: ConverterConfig,
    pub value_converter: ConverterConfig,
    pub header_converter: HeaderConverterConfig,
    /// `transforms`, in the order in which they are applied.
    pub transforms: Vec<TransformConfig>,
    pub predicates: Vec<PredicateConfig>,
    pub errors: ErrorOptions,
    /// `topic.creation.default.*`; `None` leaves creation to the broker.
    pub topic_creation: Option<TopicCreation>,
    /// `producer.override.*`, Java's names without the prefix.
    pub producer_overrides: Vec<(String, String)>,
    /// `offsets.storage.topic`.
    pub offsets_storage_topic: Option<String>,
}

/// Client settings by name only (`sasl.jaas.config` holds a password), and no SQL text.
impl std::fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let overrides: Vec<&str> = self
            .producer_overrides
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        f.debug_struct("ConnectorConfig")
            .field("name", &self.name)
            .field("topic_prefix", &self.topic_prefix)
            .field("database", &self.database)
            .field("slot", &self.slot)
            .field("publication", &self.publication)
            .field("replica_identities", &self.replica_identities)
            .field("snapshot", &self.snapshot)
            .field("filters", &self.filters)
            .field("values", &self.values)
            .field("keys", &self.keys)
            .field("column_rules", &self.column_rules)
            .field("records", &self.records)
            .field("names", &self.names)
            .field("transaction_metadata", &self.transaction_metadata)
            .field("topics", &self.topics)
            .field("heartbeat", &self.heartbeat)
            .field("key_converter", &self.key_converter)
            .field("value_converter", &self.value_converter)
            .field("header_converter", &self.header_converter)
            .field("transforms", &self.transforms)
            .field("predicates", &self.predicates)
            .field("errors", &self.errors)
            .field("topic_creation", &self.topic_creation)
            .field("producer_overrides", &overrides)
            .field("offsets_storage_topic", &self.offsets_storage_topic)
            .finish_non_exhaustive()
    }
}

impl ConnectorConfig {
    /// Whether records have to be built as trees: for transforms, or for a converter that does not write JSON straight away.
    #[must_use]
    pub fn needs_tree(&self) -> bool {
        let is_json = |converter: &ConverterConfig| matches!(converter, ConverterConfig::Json(_));
        !self.transforms.is_empty()
            || !is_json(&self.key_converter)
            || !is_json(&self.value_converter)
            || self.header_converter != HeaderConverterConfig::Simple
    }
}

/// Where the database is and how to log in: `database.*` and `driver.*`.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// A host name, an address, or the directory of a Unix socket (starts with `/`).
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Never printed: the `Debug` of this struct leaves it out.
    pub password: Option<String>,
    pub dbname: String,
    pub ssl_mode: SslMode,
    pub ssl_root_cert: Option<PathBuf>,
    pub ssl_cert: Option<PathBuf>,
    /// PEM, or PKCS-8 DER as pgjdbc wants it.
    pub ssl_key: Option<PathBuf>,
    pub ssl_password: Option<String>,
    pub tcp_keep_alive: bool,
    /// `driver.connectTimeout` (seconds), else 10 s.
    pub connect_timeout: Duration,
    /// `database.initial.statements`, run on every SQL session.
    pub initial_statements: Vec<String>,
    /// `database.query.timeout.ms`; `None` when 0.
    pub query_timeout: Option<Duration>,
}

impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}@{}:{}/{} sslmode={:?}",
            self.user, self.host, self.port, self.dbname, self.ssl_mode
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Clone, Debug)]
pub struct SlotConfig {
    pub name: String,
    pub drop_on_stop: bool,
    pub failover: bool,
    /// `slot.stream.params`.
    pub stream_params: Vec<(String, String)>,
    pub max_retries: u32,
    pub retry_delay: Duration,
    /// `status.update.interval.ms`.
    pub status_update_interval: Duration,
    /// `xmin.fetch.interval.ms`; `None` when 0.
    pub xmin_fetch_interval: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct PublicationConfig {
    pub name: String,
    pub autocreate: PublicationAutocreate,
    pub publish_via_partition_root: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationAutocreate {
    Disabled,
    AllTables,
    Filtered,
    NoTables,
}

#[derive(Clone, Debug)]
pub struct SnapshotConfig {
    pub mode: SnapshotMode,
    /// `snapshot.include.collection.list`.
    pub include_collections: Option<PatternList>,
    pub delay: Duration,
}

/// The modes that are honoured so far; others are refused when the configuration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    Initial,
    NoData,
}

/// Comma-separated regular expressions, each matched whole and case-insensitively, in the order given.
#[derive(Clone, Debug, Default)]
pub struct PatternList(pub Vec<Regex>);

impl PatternList {
    /// Index of the first pattern that matches the whole text.
    #[must_use]
    pub fn position(&self, text: &str) -> Option<usize> {
        self.0.iter().position(|pattern| pattern.is_match(text))
    }

    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.position(text).is_some()
    }
}

/// An include list or an exclude list: never both.
#[derive(Clone, Debug, Default)]
pub enum Filter {
    #[default]
    All,
    Include(PatternList),
    Exclude(PatternList),
}

impl Filter {
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Include(patterns) => patterns.matches(text),
            Self::Exclude(patterns) => !patterns.matches(text),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Matched against `schema`.
    pub schemas: Filter,
    /// Matched against `schema.table`; the include order is also the snapshot's order.
    pub tables: Filter,
    /// Matched against `schema.table.column`.
    pub columns: Filter,
    /// `table.ignore.builtin`.
    pub ignore_builtin: bool,
    /// Matched against the prefix of a logical decoding message.
    pub messages: Filter,
}

/// One entry of `replica.identity.autoset.values`.
#[derive(Clone, Debug)]
pub struct IdentityRule {
    /// Matched against `schema.table`.
    pub tables: PatternList,
    pub identity: WantedIdentity,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedIdentity {
    Default,
    Full,
    Nothing,
    /// The name of a unique index.
    Index(String),
}

/// Patterns for `schema.table.column`, one a key column, in key order.
#[derive(Clone, Debug)]
pub struct KeyRule(pub PatternList);

/// What is done to the columns of these patterns.
#[derive(Clone, Debug)]
pub struct ColumnRule {
    pub patterns: PatternList,
    pub target: RuleTarget,
    pub action: ColumnAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleTarget {
    /// Matched against `schema.table.column`.
    Column,
    /// Matched against `schema.table.TYPE`.
    Datatype,
}

#[derive(Clone, Debug)]
pub enum ColumnAction {
    /// `column.truncate.to.N.chars`.
    Truncate { length: u32 },
    /// `column.mask.with.N.chars`.
    Mask { length: u32 },
    /// `column.mask.hash.…`.
    Hash {
        algorithm: HashAlgorithm,
        salt: Salt,
        form: HashForm,
    },
    /// `column.propagate.source.type`, `datatype.propagate.source.type`.
    PropagateType,
}

/// Never printed: who knows it can try out what was hashed.
#[derive(Clone)]
pub struct Salt(pub String);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// What is hashed after the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashForm {
    /// The text as Java serializes it: `column.mask.hash.`
    Serialized,
    /// `column.mask.hash.v2.`
    Utf8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    /// By its name in the Java Cryptography Architecture.
    #[must_use]
    pub fn from_java(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "MD5" => Self::Md5,
            "SHA" | "SHA1" | "SHA-1" => Self::Sha1,
            "SHA-224" => Self::Sha224,
            "SHA-256" => Self::Sha256,
            "SHA-384" => Self::Sha384,
            "SHA-512" => Self::Sha512,
            _ => return None,
        })
    }
}

/// How column values look.
#[derive(Clone, Debug)]
pub struct ValueOptions {
    pub decimal: DecimalMode,
    pub time_precision: TimePrecisionMode,
    pub binary: BinaryMode,
    pub interval: IntervalMode,
    pub hstore: HstoreMode,
    /// `money.fraction.digits`.
    pub money_fraction_digits: u32,
    /// `include.unknown.datatypes`.
    pub include_unknown: bool,
    /// `unavailable.value.placeholder`, decoded.
    pub unavailable_placeholder: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMode {
    Precise,
    String,
    Double,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePrecisionMode {
    Adaptive,
    AdaptiveTimeMicroseconds,
    Connect,
    Isostring,
    Microseconds,
    Nanoseconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryMode {
    Bytes,
    Base64,
    Base64UrlSafe,
    Hex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalMode {
    Numeric,
    String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HstoreMode {
    Json,
    Map,
}

/// Which records a change becomes.
#[derive(Clone, Debug)]
pub struct RecordOptions {
    pub tombstones_on_delete: bool,
    /// `skipped.operations` as a set.
    pub skipped: SkippedOperations,
    /// `skip.messages.without.change`.
    pub skip_unchanged: bool,
    /// `skipped.operations` was given and is not `none`: it also limits what the publication publishes.
    pub skipped_explicitly: bool,
    /// `extended.headers.enabled`.
    pub extended_headers: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkippedOperations {
    pub create: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
}

#[derive(Clone, Debug)]
pub struct TopicOptions {
    /// `topic.delimiter`.
    pub delimiter: String,
    /// `topic.heartbeat.prefix`.
    pub heartbeat_prefix: String,
    /// `topic.heartbeat.name`: the whole name instead of one with the prefix.
    pub heartbeat_name: Option<String>,
    /// `topic.transaction`.
    pub transaction: String,
    pub strategy: TopicStrategy,
}

/// How keys or values become bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConverterConfig {
    Json(JsonConverterOptions),
    /// `org.apache.kafka.connect.storage.StringConverter`
    String,
    /// `org.apache.kafka.connect.converters.ByteArrayConverter`
    ByteArray,
    /// `io.confluent.connect.avro.AvroConverter`
    Avro(Box<AvroConverterOptions>),
}

impl ConverterConfig {
    /// What JSON is written with straight away. The other converters get trees, so there it does not matter.
    #[must_use]
    pub fn json_options(&self) -> JsonConverterOptions {
        match self {
            Self::Json(options) => *options,
            Self::String | Self::ByteArray | Self::Avro(_) => JsonConverterOptions {
                schemas: false,
                decimal_format: DecimalFormat::Base64,
                replace_null_with_default: true,
            },
        }
    }
}

/// How header values become bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderConverterConfig {
    /// `org.apache.kafka.connect.storage.SimpleHeaderConverter`
    Simple,
    Json(JsonConverterOptions),
    String,
    ByteArray,
}

/// One of `transforms`.
#[derive(Clone, PartialEq, Eq)]
pub struct TransformConfig {
    pub name: String,
    pub class: String,
    /// Below `transforms.NAME.`, without what is above.
    pub options: BTreeMap<String, String>,
    pub predicate: Option<PredicateUse>,
}

/// When a transform is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateUse {
    /// Of one of `predicates`.
    pub name: String,
    pub negate: bool,
}

/// One of `predicates`.
#[derive(Clone, PartialEq, Eq)]
pub struct PredicateConfig {
    pub name: String,
    pub class: String,
    /// Below `predicates.NAME.`, without the class.
    pub options: BTreeMap<String, String>,
}

/// Options by name only: their values may be secrets.
impl std::fmt::Debug for TransformConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransformConfig")
            .field("name", &self.name)
            .field("class", &self.class)
            .field("options", &self.options.keys())
            .field("predicate", &self.predicate)
            .finish()
    }
}

/// Options by name only.
impl std::fmt::Debug for PredicateConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PredicateConfig")
            .field("name", &self.name)
            .field("class", &self.class)
            .field("options", &self.options.keys())
            .finish()
    }
}

/// Options of `org.apache.kafka.connect.json.JsonConverter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonConverterOptions {
    /// `schemas.enable`.
    pub schemas: bool,
    /// `decimal.format`.
    pub decimal_format: DecimalFormat,
    /// `replace.null.with.default`.
    pub replace_null_with_default: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalFormat {
    Base64,
    Numeric,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorOptions {
    /// `errors.max.retries`; `None` when -1: for ever.
    pub max_retries: Option<u32>,
    /// `retriable.restart.connector.wait.ms`: the back-off's upper limit.
    pub retry_wait: Duration,
    /// `errors.tolerance=all`: records that a transform or converter fails on, or that are too large for Kafka, are left out.
    pub tolerate: bool,
    /// `errors.log.enable`: every record left out is logged.
    pub log_tolerated: bool,
    pub failed_change: FailedChange,
}

/// `event.processing.failure.handling.mode`: what becomes of a streamed change that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedChange {
    /// It stops the connector.
    Fail,
    /// It is left out, which is logged.
    Warn,
    /// It is left out.
    Skip,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicCreation {
    /// -1: the broker's default.
    pub partitions: i32,
    /// -1: the broker's default.
    pub replication_factor: i32,
    /// Everything else under `topic.creation.default.`, e.g. `cleanup.policy`.
    pub config: Vec<(String, String)>,
}
