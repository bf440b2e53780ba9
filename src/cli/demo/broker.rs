//! Where the records go: a Kafka broker of the user's, or one in this process.

use anyhow::Context;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::kafka::admin::{Admin, TopicSpec};
use crate::kafka::properties::ClientSettings;

/// librdkafka's mock broker forgets the oldest records of a partition beyond 5 MiB, without a word. A record of a payment
/// has less than 1 KiB, and at most twice as much when it changed.
const ROWS_PER_PARTITION: u64 = 2_000;

const FEWEST_PARTITIONS: u64 = 12;

/// On the user's broker.
const PARTITIONS: i32 = 12;

pub(super) enum Broker {
    /// Speaks Kafka's protocol on a port of 127.0.0.1.
    InProcess(MockCluster<'static, DefaultProducerContext>),
    Existing(String),
}

impl Broker {
    pub(super) fn in_process() -> anyhow::Result<Self> {
        let cluster =
            MockCluster::new(1).context("could not start a Kafka broker in this process")?;
        Ok(Self::InProcess(cluster))
    }

    pub(super) fn bootstrap_servers(&self) -> String {
        match self {
            Self::InProcess(cluster) => cluster.bootstrap_servers(),
            Self::Existing(servers) => servers.clone(),
        }
    }

    /// Creates the topic of the payments and returns how many partitions it has.
    pub(super) fn create_data_topic(&self, topic: &str, rows: u64) -> anyhow::Result<i32> {
        match self {
            Self::InProcess(_) => {
                let partitions = (rows / ROWS_PER_PARTITION).max(FEWEST_PARTITIONS);
                let partitions = i32::try_from(partitions).context("too many payments")?;
                self.create(topic, partitions)
            }
            Self::Existing(_) => self.create(topic, PARTITIONS),
        }
    }

    /// Creates the topic of the offsets where the connector cannot do so itself.
    pub(super) fn create_offsets_topic(&self, topic: &str) -> anyhow::Result<()> {
        match self {
            Self::InProcess(_) => self.create(topic, 1).map(|_| ()),
            Self::Existing(_) => Ok(()),
        }
    }

    fn create(&self, topic: &str, partitions: i32) -> anyhow::Result<i32> {
        let created = match self {
            Self::InProcess(cluster) => cluster
                .create_topic(topic, partitions, 1)
                .map(|()| partitions)
                .map_err(anyhow::Error::from),
            Self::Existing(servers) => create_on(servers, topic, partitions),
        };
        created.with_context(|| format!("could not create topic {topic}"))
    }
}

fn create_on(servers: &str, topic: &str, partitions: i32) -> anyhow::Result<i32> {
    let settings = ClientSettings {
        bootstrap_servers: servers.to_owned(),
        ..ClientSettings::default()
    };
    let admin = Admin::new(&settings, "walstreet-demo")?;
    Ok(admin.create_if_absent(&TopicSpec {
        name: topic.to_owned(),
        partitions,
        replication_factor: -1,
        config: Vec::new(),
        property_prefix: "topic.creation.default.",
    })?)
}
