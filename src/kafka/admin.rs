//! Questions to the cluster about itself and its topics, and the creation of topics.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataBroker};

use super::client::{self, Reports};
use super::error::Error;
use super::properties::{self, ClientProperties, ClientSettings};

/// How long Kafka may take to answer, as long as Connect waits for its own admin client.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to try brokers that refuse connections: those of a name's first address may, and the second one answers.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a first answer may take before we look why there is none.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);

/// How long to wait before asking again whether a new topic is there.
const NAP: Duration = Duration::from_millis(20);

/// A topic as it is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    /// -1: the broker's default.
    pub partitions: i32,
    /// -1: the broker's default.
    pub replication_factor: i32,
    /// Topic settings such as `cleanup.policy`.
    pub config: Vec<(String, String)>,
    /// Where these values come from, e.g. `offset.storage.`: for the error text.
    pub property_prefix: &'static str,
}

/// What the cluster says of itself, as far as we are allowed to see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    pub brokers: usize,
    /// How many partitions each topic has.
    pub topics: BTreeMap<String, usize>,
}

pub struct Admin {
    properties: ClientProperties,
    /// Asks for metadata. A consumer, because librdkafka's admin client never says why it cannot reach a broker.
    inspector: BaseConsumer<Reports>,
}

impl Admin {
    /// Starts the client, configured by the worker's bare properties; the brokers are asked later.
    pub fn new(settings: &ClientSettings, client_id: &str) -> Result<Self, Error> {
        let properties = properties::admin(settings, client_id)?;
        let inspector = client::create(&properties, Reports::new(&properties))?;
        Ok(Self {
            properties,
            inspector,
        })
    }

    /// The cluster's id, which also tells that the cluster can be reached and lets us in.
    pub fn cluster_id(&self, timeout: Duration) -> Result<String, Error> {
        let id = self.inspector.client().fetch_cluster_id(timeout);
        id.ok_or_else(|| self.no_answer())
    }

    /// Its brokers and topics.
    pub fn cluster(&self) -> Result<Cluster, Error> {
        let metadata = self.metadata(None)?;
        let topics = metadata.topics().iter();
        Ok(Cluster {
            brokers: metadata.brokers().len(),
            topics: topics
                .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
                .collect(),
        })
    }

    /// How many partitions a topic has; `None` when it does not exist.
    pub fn partition_count(&self, topic: &str) -> Result<Option<i32>, Error> {
        let metadata = self.metadata(Some(topic))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        let count = found.partitions().len();
        match found.error().map(RDKafkaErrorCode::from) {
            None if count > 0 => Ok(Some(
                i32::try_from(count).expect("Kafka counts partitions in an i32"),
            )),
            None
            | Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::LeaderNotAvailable,
            ) => Ok(None),
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Err(Error::TopicDenied {
                topic: topic.to_owned(),
            }),
            Some(RDKafkaErrorCode::InvalidTopic) => Err(Error::InvalidTopic {
                topic: topic.to_owned(),
            }),
            Some(code) => Err(Error::Describe {
                what: "the partitions",
                topic: topic.to_owned(),
                code,
            }),
        }
    }

    /// Creates the topic unless it exists, waits until producers can see it and returns how many partitions it has.
    pub fn create_if_absent(&self, spec: &TopicSpec) -> Result<i32, Error> {
        if let Some(count) = self.partition_count(&spec.name)? {
            return Ok(count);
        }
        self.create(spec)?;
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(count) = self.partition_count(&spec.name)? {
                return Ok(count);
            }
            self.serve_reports();
        }
        let problem = "it was created, but did not appear in the cluster's metadata".to_owned();
        Err(Error::CreateTopic {
            topic: spec.name.clone(),
            problem,
            retriable: true,
        })
    }

    /// A topic's setting; `None` when we are not allowed to ask, or the cluster cannot tell.
    pub fn topic_setting(&self, topic: &str, setting: &str) -> Result<Option<String>, Error> {
        self.setting(&ResourceSpecifier::Topic(topic), topic, setting)
    }

    /// A setting of one of the brokers; `None` as for a topic.
    pub fn broker_setting(&self, setting: &str) -> Result<Option<String>, Error> {
        let Some(broker) = self.any_broker()? else {
            return Ok(None);
        };
        self.setting(&ResourceSpecifier::Broker(broker), "", setting)
    }

    fn setting(
        &self,
        resource: &ResourceSpecifier<'_>,
        topic: &str,
        setting: &str,
    ) -> Result<Option<String>, Error> {
        // Every broker can tell. Without one librdkafka looks for the controller, which not every cluster names.
        let asked = options().broker_id(self.any_broker()?);
        let client = self.admin_client()?;
        let answer = wait(client.describe_configs([resource], &asked));
        client::close(client);
        let config = match answer.map(|mut answers| answers.pop()) {
            Ok(Some(Ok(config))) => config,
            Ok(Some(Err(code))) | Err(KafkaError::AdminOp(code)) if is_unsupported(code) => {
                tracing::debug!(target: "walstreet::kafka", "the broker cannot tell {setting}: {code}");
                return Ok(None);
            }
            Ok(Some(Err(code))) | Err(KafkaError::AdminOp(code)) if is_denied(code) => {
                tracing::warn!(target: "walstreet::kafka", "could not check {setting} of topic \"{topic}\": {code}");
                return Ok(None);
            }
            Ok(Some(Err(code))) | Err(KafkaError::AdminOp(code)) => {
                return Err(Error::Describe {
                    what: "the settings",
                    topic: topic.to_owned(),
                    code,
                });
            }
            Ok(None) => return Ok(None),
            Err(source) => {
                return Err(Error::Client {
                    operation: "ask for settings",
                    source,
                });
            }
        };
        Ok(config.get(setting).and_then(|entry| entry.value.clone()))
    }

    fn create(&self, spec: &TopicSpec) -> Result<(), Error> {
        let mut topic = NewTopic::new(
            &spec.name,
            spec.partitions,
            TopicReplication::Fixed(spec.replication_factor),
        );
        for (name, value) in &spec.config {
            topic = topic.set(name, value);
        }
        let client = self.admin_client()?;
        let answer = wait(client.create_topics([&topic], &options()));
        client::close(client);
        match answer.map(|mut answers| answers.pop()) {
            Ok(None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)))) => {
                tracing::info!(target: "walstreet::kafka", topic = spec.name, "created topic");
                Ok(())
            }
            Ok(Some(Err((_, code)))) | Err(KafkaError::AdminOp(code)) => {
                Err(not_created(spec, code))
            }
            Err(source) => Err(Error::Client {
                operation: "create a topic",
                source,
            }),
        }
    }

    fn any_broker(&self) -> Result<Option<i32>, Error> {
        let metadata = self.metadata(None)?;
        Ok(metadata.brokers().first().map(MetadataBroker::id))
    }

    /// librdkafka tries on in silence until the time is up, however clear it is that no broker is there or lets us in. So we
    /// ask again and again, with more patience each time, and look at its reports in between.
    fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Error> {
        let started = Instant::now();
        let mut trouble = None;
        let mut patience = FIRST_PATIENCE;
        loop {
            if let Ok(metadata) = self.inspector.fetch_metadata(topic, patience) {
                return Ok(metadata);
            }
            self.serve_reports();
            // The first report says why; librdkafka leaves that out of the next ones.
            trouble = trouble.or_else(|| self.inspector.context().take());
            let waited = started.elapsed();
            match trouble {
                Some(trouble) if waited >= CONNECT_TIMEOUT || !trouble.is_retriable() => {
                    return Err(trouble);
                }
                None if waited >= ANSWER_TIMEOUT => return Err(self.no_answer()),
                Some(_) | None => patience *= 2,
            }
        }
    }

    /// Lives for one request: nobody would serve what it logs.
    fn admin_client(&self) -> Result<AdminClient<DefaultClientContext>, Error> {
        client::create(&self.properties, DefaultClientContext)
    }

    fn no_answer(&self) -> Error {
        self.serve_reports();
        self.inspector.context().take_or_unreachable()
    }

    /// Hands what librdkafka has to report to `Reports`, for the length of a nap.
    fn serve_reports(&self) {
        let deadline = Instant::now() + NAP;
        while Instant::now() < deadline {
            self.inspector.poll(NAP);
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_TIMEOUT))
        .operation_timeout(Some(ANSWER_TIMEOUT))
}

/// `TopicAdmin.describeTopicConfigs` of Connect goes on in these cases.
fn is_denied(code: RDKafkaErrorCode) -> bool {
    [
        RDKafkaErrorCode::TopicAuthorizationFailed,
        RDKafkaErrorCode::ClusterAuthorizationFailed,
    ]
    .contains(&code)
}

/// Here too. Brokers older than 0.11, and the one inside librdkafka.
fn is_unsupported(code: RDKafkaErrorCode) -> bool {
    [
        RDKafkaErrorCode::UnsupportedVersion,
        RDKafkaErrorCode::UnsupportedFeature,
    ]
    .contains(&code)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "librdkafka has 150 codes, these have a remedy"
)]
fn not_created(spec: &TopicSpec, code: RDKafkaErrorCode) -> Error {
    let prefix = spec.property_prefix;
    let (problem, retriable) = match code {
        RDKafkaErrorCode::InvalidReplicationFactor => (
            format!(
                "the cluster has too few brokers for replication factor {}: lower {prefix}replication.factor, -1 leaves \
                 it to the broker",
                spec.replication_factor
            ),
            true,
        ),
        RDKafkaErrorCode::InvalidPartitions => (
            format!(
                "{} partitions are not possible: change {prefix}partitions",
                spec.partitions
            ),
            false,
        ),
        RDKafkaErrorCode::InvalidConfig => (
            format!("Kafka refuses one of its settings: check {prefix}*"),
            false,
        ),
        RDKafkaErrorCode::PolicyViolation => (
            format!("a create.topic.policy of the broker refuses it: change {prefix}*"),
            false,
        ),
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => (
            "it is not allowed: grant CREATE on the topic or the cluster, or create the topic"
                .to_owned(),
            false,
        ),
        RDKafkaErrorCode::InvalidTopic => {
            return Error::InvalidTopic {
                topic: spec.name.clone(),
            };
        }
        _ => (code.to_string(), true),
    };
    Error::CreateTopic {
        topic: spec.name.clone(),
        problem,
        retriable,
    }
}

/// Blocks until the future is ready. It needs no runtime: librdkafka's own thread wakes us.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
