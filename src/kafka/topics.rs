//! Creates a connector's topics before their first record, as `TopicCreation` of Kafka Connect does.

use rustc_hash::FxHashSet;

use super::admin::{Admin, TopicSpec};
use super::error::Error;
use super::properties::ClientSettings;
use crate::config::connector::TopicCreation;

/// Without `topic.creation.default.*` nothing is created here: the producer's request for metadata makes the broker
/// create the topic, if its `auto.create.topics.enable` says so.
pub struct Topics {
    creator: Option<Creator>,
    prepared: FxHashSet<String>,
}

struct Creator {
    creation: TopicCreation,
    admin: Admin,
}

impl Topics {
    pub fn new(
        settings: &ClientSettings,
        connector: &str,
        creation: Option<TopicCreation>,
    ) -> Result<Self, Error> {
        let client_id = format!("connector-adminclient-{connector}-0");
        let creator = creation.map(|creation| {
            let admin = Admin::new(settings, &client_id)?;
            Ok::<_, Error>(Creator { creation, admin })
        });
        Ok(Self {
            creator: creator.transpose()?,
            prepared: FxHashSet::default(),
        })
    }

    /// To be called before the first record of a topic is sent. Asks Kafka only once per topic; returns whether this was it.
    pub fn prepare(&mut self, topic: &str) -> Result<bool, Error> {
        if self.prepared.contains(topic) {
            return Ok(false);
        }
        if let Some(Creator { creation, admin }) = &self.creator {
            admin.create_if_absent(&TopicSpec {
                name: topic.to_owned(),
                partitions: creation.partitions,
                replication_factor: creation.replication_factor,
                config: creation.config.clone(),
                property_prefix: "topic.creation.default.",
            })?;
        }
        self.prepared.insert(topic.to_owned());
        Ok(true)
    }
}
