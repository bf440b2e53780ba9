//! What can go wrong between us and Kafka, and what to do about it.

use std::path::PathBuf;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("property \"{name}\": {problem}")]
    Property { name: String, problem: String },
    #[error("librdkafka refused the configuration of {client}: {problem}")]
    Configuration { client: String, problem: String },
    #[error("could not read {property} from {}", path.display())]
    ReadStore {
        property: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("could not reach any Kafka broker at {servers}{}", because(.reason))]
    Unreachable {
        servers: String,
        reason: Option<String>,
    },
    #[error(
        "Kafka at {servers} refused the login: {reason}; check sasl.mechanism and sasl.jaas.config"
    )]
    Authentication { servers: String, reason: String },
    #[error(
        "no TLS session with Kafka at {servers}: {reason}; check security.protocol and ssl.truststore.*"
    )]
    Tls { servers: String, reason: String },
    #[error(
        "not allowed to use topic \"{topic}\": grant DESCRIBE and WRITE on it (READ as well on an internal topic)"
    )]
    TopicDenied { topic: String },
    #[error(
        "the cluster does not allow idempotent writes: grant IDEMPOTENT_WRITE on the cluster, or set \
         producer.override.enable.idempotence=false"
    )]
    IdempotenceDenied,
    #[error(
        "a record of {size} bytes for topic \"{topic}\" is larger than max.request.size ({limit} bytes): raise \
         producer.override.max.request.size, and max.message.bytes of the topic or message.max.bytes of the broker"
    )]
    TooLarge {
        topic: String,
        size: usize,
        limit: usize,
    },
    #[error(
        "Kafka refused a batch with a record of {size} bytes: topic \"{topic}\" takes smaller ones only; raise \
         max.message.bytes of the topic or message.max.bytes of the broker, or, if it is above the size of a record, \
         set producer.override.batch.size below it"
    )]
    RefusedAsTooLarge {
        topic: String,
        size: usize,
        /// It was too large to share a batch with another one.
        alone: bool,
    },
    #[error(
        "topic \"{topic}\" does not exist and the broker does not create it: create it, enable auto.create.topics.enable \
         on the broker, or set topic.creation.default.partitions and topic.creation.default.replication.factor"
    )]
    UnknownTopic { topic: String },
    #[error("\"{topic}\" is not a legal topic name: check topic.prefix and topic.delimiter")]
    InvalidTopic { topic: String },
    #[error("Kafka did not acknowledge a record for topic \"{topic}\" within delivery.timeout.ms")]
    DeliveryTimeout { topic: String },
    #[error(
        "topic \"{topic}\" refuses a record: {code}; a compacted topic takes no record without key, and a broker's \
         interceptor or policy may refuse others"
    )]
    Rejected {
        topic: String,
        code: RDKafkaErrorCode,
    },
    #[error("could not deliver a record to topic \"{topic}\": {code}")]
    Delivery {
        topic: String,
        code: RDKafkaErrorCode,
    },
    #[error("the producer gave up and has to be started again: {reason}")]
    Fatal { reason: String },
    /// Nothing was sent: call again with the same record.
    #[error("the producer's queue stayed full for {waited:?}")]
    QueueFull { waited: Duration },
    #[error("{unacknowledged} records were not acknowledged within {waited:?}")]
    FlushTimeout {
        unacknowledged: usize,
        waited: Duration,
    },
    #[error("could not create topic \"{topic}\": {problem}")]
    CreateTopic {
        topic: String,
        problem: String,
        retriable: bool,
    },
    #[error("could not ask Kafka for {what} of topic \"{topic}\": {code}")]
    Describe {
        what: &'static str,
        topic: String,
        code: RDKafkaErrorCode,
    },
    #[error(
        "topic \"{topic}\" has cleanup.policy \"{policy}\", which would lose what is stored in it: set it to \"compact\" \
         with kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config cleanup.policy=compact"
    )]
    NotCompacted { topic: String, policy: String },
    #[error(
        "could not read topic \"{topic}\" to its end within {waited:?}: {read} of {partitions} partitions were read"
    )]
    ReadTimeout {
        topic: String,
        waited: Duration,
        read: usize,
        partitions: usize,
    },
    #[error("could not {operation}")]
    Client {
        operation: &'static str,
        source: KafkaError,
    },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            // Java's producer waits for ever for a topic; somebody may create it.
            Self::UnknownTopic { .. }
            | Self::Unreachable { .. }
            | Self::DeliveryTimeout { .. }
            | Self::Delivery { .. }
            | Self::Fatal { .. }
            | Self::QueueFull { .. }
            | Self::FlushTimeout { .. }
            | Self::Describe { .. }
            | Self::ReadTimeout { .. }
            | Self::Client { .. } => true,
            Self::Property { .. }
            | Self::Configuration { .. }
            | Self::ReadStore { .. }
            | Self::Authentication { .. }
            | Self::Tls { .. }
            | Self::TopicDenied { .. }
            | Self::IdempotenceDenied
            | Self::TooLarge { .. }
            | Self::RefusedAsTooLarge { .. }
            | Self::InvalidTopic { .. }
            | Self::Rejected { .. }
            | Self::NotCompacted { .. } => false,
            Self::CreateTopic { retriable, .. } => *retriable,
        }
    }

    /// Whether Kafka refuses this record because of its size, and takes those around it.
    ///
    /// Connect leaves out with `errors.tolerance=all` whatever the producer fails on, with it the good records of a batch that holds
    /// a bad one, and all records of a topic that may not be written.
    #[must_use]
    pub fn is_of_the_record(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            // librdkafka fails all records of a batch that is refused; Java sends it again in parts.
            Self::RefusedAsTooLarge { alone, .. } => *alone,
            Self::Property { .. }
            | Self::Configuration { .. }
            | Self::ReadStore { .. }
            | Self::Unreachable { .. }
            | Self::Authentication { .. }
            | Self::Tls { .. }
            | Self::TopicDenied { .. }
            | Self::IdempotenceDenied
            | Self::UnknownTopic { .. }
            | Self::InvalidTopic { .. }
            | Self::DeliveryTimeout { .. }
            | Self::Rejected { .. }
            | Self::Delivery { .. }
            | Self::Fatal { .. }
            | Self::QueueFull { .. }
            | Self::FlushTimeout { .. }
            | Self::CreateTopic { .. }
            | Self::Describe { .. }
            | Self::NotCompacted { .. }
            | Self::ReadTimeout { .. }
            | Self::Client { .. } => false,
        }
    }

    /// What a failed delivery means; `size` is that of key and value, of which a batch takes up to `batch_size`.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "librdkafka has 150 codes, all others mean the same to us"
    )]
    pub(crate) fn delivery(
        code: RDKafkaErrorCode,
        topic: &str,
        size: usize,
        batch_size: usize,
    ) -> Self {
        let topic = topic.to_owned();
        match code {
            RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::MessageBatchTooLarge => {
                Self::RefusedAsTooLarge {
                    topic,
                    size,
                    // librdkafka's `rd_kafka_msgset_writer_write_msgq`.
                    alone: size > batch_size,
                }
            }
            RDKafkaErrorCode::TopicAuthorizationFailed => Self::TopicDenied { topic },
            RDKafkaErrorCode::ClusterAuthorizationFailed => Self::IdempotenceDenied,
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition => Self::UnknownTopic { topic },
            RDKafkaErrorCode::InvalidTopic => Self::InvalidTopic { topic },
            RDKafkaErrorCode::MessageTimedOut => Self::DeliveryTimeout { topic },
            RDKafkaErrorCode::InvalidRecord | RDKafkaErrorCode::PolicyViolation => {
                Self::Rejected { topic, code }
            }
            RDKafkaErrorCode::Fatal => Self::Fatal {
                reason: code.to_string(),
            },
            _ => Self::Delivery { topic, code },
        }
    }
}

fn because(reason: &Option<String>) -> String {
    reason
        .as_ref()
        .map_or_else(String::new, |reason| format!(": {reason}"))
}
