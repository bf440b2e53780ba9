//! Judgements over the brokers and the topics. Pure.

use super::cluster::ClusterFacts;
use super::finding::{Finding, Status};

/// `topics`: where the records of the captured tables go.
pub fn judge(facts: &ClusterFacts, topics: &[String]) -> Vec<Finding> {
    vec![brokers(facts), offsets(facts), records(facts, topics)]
}

fn brokers(facts: &ClusterFacts) -> Finding {
    let (servers, cluster) = (&facts.bootstrap_servers, &facts.cluster);
    let text = format!(
        "{servers} answers: {} brokers, {} topics",
        cluster.brokers,
        cluster.topics.len()
    );
    Finding::new(Status::Ok, "kafka", text)
}

/// A topic that is not compacted forgets offsets after its retention, and a connector without an offset starts anew.
fn offsets(facts: &ClusterFacts) -> Finding {
    const SUBJECT: &str = "offsets topic";
    let (spec, name) = (&facts.offsets, &facts.offsets.name);
    let Some(partitions) = facts.cluster.topics.get(name) else {
        if too_many_replicas(facts, spec.replication_factor) {
            return replicas(
                SUBJECT,
                facts,
                spec.replication_factor,
                spec.property_prefix,
            );
        }
        let text = format!("\"{name}\" is not there yet: it will be created, compacted");
        return Finding::new(Status::Info, SUBJECT, text);
    };
    match facts.offsets_policy.as_deref() {
        Some("compact") => {
            let text = format!("\"{name}\" is compacted and has {partitions} partitions");
            Finding::new(Status::Ok, SUBJECT, text)
        }
        Some(policy) => {
            let text =
                format!("\"{name}\" has cleanup.policy={policy}: it would forget the offset");
            let servers = &facts.bootstrap_servers;
            Finding::new(Status::Fail, SUBJECT, text).mend(format!(
                "kafka-configs.sh --bootstrap-server {servers} --alter --topic {name} --add-config cleanup.policy=compact"
            ))
        }
        None => {
            let text = format!("\"{name}\" is there; whether it is compacted could not be asked");
            Finding::new(Status::Warn, SUBJECT, text)
                .mend("ACL: DescribeConfigs on the topic for the worker's user")
        }
    }
}

fn records(facts: &ClusterFacts, topics: &[String]) -> Finding {
    const SUBJECT: &str = "topics";
    let is_missing = |topic: &&String| !facts.cluster.topics.contains_key(*topic);
    let missing: Vec<&String> = topics.iter().filter(is_missing).collect();
    if missing.is_empty() {
        let text = format!("all {} are there", topics.len());
        return Finding::new(Status::Ok, SUBJECT, text);
    }
    let count = format!("{} of {} are not there yet", missing.len(), topics.len());
    match (facts.creation, facts.auto_create) {
        (Some(creation), _) if too_many_replicas(facts, creation.replication_factor) => {
            let prefix = "topic.creation.default.";
            replicas(SUBJECT, facts, creation.replication_factor, prefix)
        }
        (Some(_), _) => {
            let text = format!("{count}: topic.creation.default.* creates them");
            Finding::new(Status::Info, SUBJECT, text)
        }
        (None, Some(true)) => {
            let text = format!("{count}: the broker creates them with the first record");
            Finding::new(Status::Info, SUBJECT, text)
        }
        (None, Some(false)) => {
            let text = format!("{count}, and auto.create.topics.enable is false");
            let finding = Finding::new(Status::Fail, SUBJECT, text).mend(
                "topic.creation.default.partitions and .replication.factor in the connector, or:",
            );
            let servers = &facts.bootstrap_servers;
            missing.iter().fold(finding, |finding, topic| {
                finding.mend(format!(
                    "kafka-topics.sh --bootstrap-server {servers} --create --topic {topic}"
                ))
            })
        }
        (None, None) => {
            let text = format!("{count}; whether the broker creates topics could not be asked");
            Finding::new(Status::Warn, SUBJECT, text)
                .mend("topic.creation.default.partitions and .replication.factor in the connector")
        }
    }
}

fn too_many_replicas(facts: &ClusterFacts, replication_factor: i32) -> bool {
    usize::try_from(replication_factor).is_ok_and(|wanted| wanted > facts.cluster.brokers)
}

fn replicas(
    subject: &'static str,
    facts: &ClusterFacts,
    replication_factor: i32,
    prefix: &str,
) -> Finding {
    let brokers = facts.cluster.brokers;
    let text = format!("cannot be created with {replication_factor} replicas on {brokers} brokers");
    Finding::new(Status::Fail, subject, text).mend(format!("{prefix}replication.factor={brokers}"))
}

#[cfg(test)]
mod tests {
    use super::super::cluster::Creation;
    use super::*;
    use crate::kafka::admin::{Cluster, TopicSpec};

    fn facts(topics: &[&str]) -> ClusterFacts {
        let topics = topics.iter().map(|name| ((*name).to_owned(), 1));
        ClusterFacts {
            bootstrap_servers: "broker:9092".to_owned(),
            cluster: Cluster {
                brokers: 1,
                topics: topics.collect(),
            },
            offsets: TopicSpec {
                name: "connect-offsets".to_owned(),
                partitions: 25,
                replication_factor: 1,
                config: Vec::new(),
                property_prefix: "offset.storage.",
            },
            offsets_policy: None,
            auto_create: Some(true),
            creation: None,
        }
    }

    fn judged(facts: &ClusterFacts) -> Vec<(Status, String)> {
        let topics = ["cdc.a".to_owned(), "cdc.b".to_owned()];
        let findings = judge(facts, &topics).into_iter().skip(1);
        findings
            .map(|finding| (finding.status, finding.text + &finding.remedy.join(";")))
            .collect()
    }

    #[test]
    fn what_will_be_created_is_said_and_is_no_fault() {
        let [offsets, topics] = judged(&facts(&["cdc.a"])).try_into().unwrap();
        assert_eq!(offsets.0, Status::Info);
        let text = "1 of 2 are not there yet: the broker creates them with the first record";
        assert_eq!(topics, (Status::Info, text.to_owned()));
    }

    #[test]
    fn an_offsets_topic_that_forgets_fails_with_the_command_that_mends_it() {
        let mut facts = facts(&["connect-offsets", "cdc.a", "cdc.b"]);
        facts.offsets_policy = Some("delete".to_owned());
        let [offsets, topics] = judged(&facts).try_into().unwrap();
        assert_eq!(offsets.0, Status::Fail);
        assert!(
            offsets
                .1
                .ends_with("--topic connect-offsets --add-config cleanup.policy=compact")
        );
        assert_eq!(topics, (Status::Ok, "all 2 are there".to_owned()));
        facts.offsets_policy = Some("compact".to_owned());
        assert_eq!(judged(&facts)[0].0, Status::Ok);
        facts.offsets_policy = None;
        assert_eq!(judged(&facts)[0].0, Status::Warn);
    }

    #[test]
    fn topics_that_nobody_creates_fail_with_the_commands_that_do() {
        let mut facts = facts(&["cdc.b"]);
        facts.auto_create = Some(false);
        let (status, text) = judged(&facts).remove(1);
        assert_eq!(status, Status::Fail);
        assert!(text.ends_with("--create --topic cdc.a") && !text.contains("--topic cdc.b"));
        facts.auto_create = None;
        assert_eq!(judged(&facts)[1].0, Status::Warn);
    }

    #[test]
    fn more_replicas_than_brokers_fail_before_the_broker_says_so() {
        let mut facts = facts(&[]);
        facts.offsets.replication_factor = 3;
        facts.creation = Some(Creation {
            replication_factor: 2,
        });
        let [offsets, topics] = judged(&facts).try_into().unwrap();
        let mend =
            "cannot be created with 3 replicas on 1 brokersoffset.storage.replication.factor=1";
        assert_eq!(offsets, (Status::Fail, mend.to_owned()));
        assert!(topics.0 == Status::Fail && topics.1.contains("topic.creation.default."));
        facts.creation = Some(Creation {
            replication_factor: -1,
        });
        assert_eq!(judged(&facts)[1].0, Status::Info);
    }
}
