//! What a Kafka cluster says of itself and of the topics that a connector needs.

use crate::config::connector::ConnectorConfig;
use crate::config::worker::WorkerConfig;
use crate::kafka::admin::{Admin, Cluster, TopicSpec};
use crate::kafka::error::Error;
use crate::kafka::offsets;
use crate::kafka::properties::{ClientSettings, data_producer};

#[derive(Clone, Debug)]
pub struct ClusterFacts {
    pub bootstrap_servers: String,
    pub cluster: Cluster,
    /// As the worker would create it.
    pub offsets: TopicSpec,
    /// `cleanup.policy` of the offsets topic; `None` when it is not there, or nobody may tell.
    pub offsets_policy: Option<String>,
    /// `auto.create.topics.enable` of a broker; `None` when nobody may tell.
    pub auto_create: Option<bool>,
    /// How `topic.creation.default.*` creates topics, if it does.
    pub creation: Option<Creation>,
}

#[derive(Clone, Copy, Debug)]
pub struct Creation {
    /// -1: the broker's default.
    pub replication_factor: i32,
}

/// # Errors
/// When the brokers do not answer or do not let us in, or the producer's settings are wrong.
pub fn fetch(connector: &ConnectorConfig, worker: &WorkerConfig) -> Result<ClusterFacts, Error> {
    let settings = ClientSettings::new(worker, connector);
    data_producer(&settings, &connector.name)?;
    let admin = Admin::new(&settings, "walstreet-check")?;
    let cluster = admin.cluster()?;
    let offsets = offsets::topic(worker, connector);
    let offsets_policy = if cluster.topics.contains_key(&offsets.name) {
        admin.topic_setting(&offsets.name, "cleanup.policy")?
    } else {
        None
    };
    let creation = connector.topic_creation.as_ref();
    let creation = creation.filter(|_| worker.topic_creation);
    Ok(ClusterFacts {
        bootstrap_servers: worker.bootstrap_servers.clone(),
        offsets_policy,
        auto_create: admin
            .broker_setting("auto.create.topics.enable")?
            .map(|text| text == "true"),
        creation: creation.map(|creation| Creation {
            replication_factor: creation.replication_factor,
        }),
        cluster,
        offsets,
    })
}
