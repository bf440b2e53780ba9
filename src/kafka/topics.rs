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
}

struct Creator {
    creation: TopicCreation,
    admin: Admin,
    known: FxHashSet<String>,
}

impl Topics {
    pub fn new(
        settings: &ClientSettings,
        connector: &str,
        creation: Option<TopicCreation>,
    ) -> Result<Self, Error> {
        let Some(creation) = creation else {
            return Ok(Self { creator: None });
        };
        let admin = Admin::new(settings, &format!("connector-adminclient-{connector}-0"))?;
        Ok(Self {
            creator: Some(Creator {
                creation,
                admin,
                known: FxHashSet::default(),
            }),
        })
    }

    /// To be called before the first record of a topic is sent. Asks Kafka only once per topic.
    pub fn prepare(&mut self, topic: &str) -> Result<(), Error> {
        let Some(Creator {
            creation,
            admin,
            known,
        }) = &mut self.creator
        else {
            return Ok(());
        };
        if !known.contains(topic) {
            admin.create_if_absent(&TopicSpec {
                name: topic.to_owned(),
                partitions: creation.partitions,
                replication_factor: creation.replication_factor,
                config: creation.config.clone(),
                property_prefix: "topic.creation.default.",
            })?;
            known.insert(topic.to_owned());
        }
        Ok(())
    }
}
