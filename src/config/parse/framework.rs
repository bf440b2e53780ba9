//! The properties of Kafka Connect itself: name, topic creation, offsets topic.

use super::Parser;
use crate::config::connector::TopicCreation;
use crate::config::error::Problem;

const TOPIC_CREATION_DEFAULT: &str = "topic.creation.default.";

impl Parser<'_> {
    pub(super) fn name(&mut self) -> String {
        let name = self.mandatory("name");
        if name.chars().any(char::is_control) {
            let text = "a name without control characters is expected";
            self.problems.push(Problem::invalid("name", text));
        }
        name
    }

    /// The table judges the class; here it only has to be present.
    pub(super) fn mandatory(&mut self, name: &str) -> String {
        if self.setting(name).is_none() {
            self.problems.push(Problem::missing(name));
        }
        self.text(name)
    }

    /// Any `topic.creation.` property makes the two of the default group mandatory (`SourceConnectorConfig`).
    pub(super) fn topic_creation(&mut self) -> Option<TopicCreation> {
        if !self
            .settings
            .iter()
            .any(|setting| setting.name.starts_with("topic.creation."))
        {
            return None;
        }
        let partitions = self.broker_count("topic.creation.default.partitions");
        let replication_factor = self.broker_count("topic.creation.default.replication.factor");
        if !self.worker.topic_creation {
            let warning =
                "topic.creation.* has no effect: the worker has topic.creation.enable=false";
            self.warnings.push(warning.to_owned());
            return None;
        }
        let mut config = self.settings.below(TOPIC_CREATION_DEFAULT);
        config.retain(|(name, _)| {
            !["partitions", "replication.factor", "include", "exclude"].contains(&name.as_str())
        });
        Some(TopicCreation {
            partitions,
            replication_factor,
            config,
        })
    }

    fn broker_count(&mut self, name: &str) -> i32 {
        let Some(setting) = self.setting(name) else {
            self.problems.push(Problem::missing(name));
            return -1;
        };
        let given = setting.given.clone();
        let count: i32 = self.number(name);
        if count <= 0 && count != -1 {
            let text = "Value must be positive, or -1 to use the broker's default";
            self.problems.push(Problem::framework(name, &given, text));
        }
        count
    }

    pub(super) fn offsets_storage_topic(&mut self) -> Option<String> {
        let setting = self.settings.get("offsets.storage.topic")?;
        let topic = setting.value.trim().to_owned();
        if topic.is_empty() {
            self.problems.push(Problem::framework(
                &setting.name,
                &setting.given,
                "String must be non-empty",
            ));
        }
        Some(topic)
    }
}
