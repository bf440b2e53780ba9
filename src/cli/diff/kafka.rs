//! Reads topics to their current end.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::capture::{Bytes, Capture, Record};

const METADATA_TIMEOUT: Duration = Duration::from_secs(15);
/// A broker that is silent for so long is taken for gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Reads `HOST:PORT[,HOST:PORT…]/TOPIC-OR-PREFIX`; `heartbeats` has a `*` for the prefix.
pub(super) fn read(address: &str, heartbeats: &str) -> anyhow::Result<Capture> {
    let Some((brokers, name)) = address
        .split_once('/')
        .filter(|(brokers, name)| !brokers.is_empty() && !name.is_empty())
    else {
        bail!("kafka://{address} must be kafka://HOST:PORT/TOPIC-OR-PREFIX");
    };
    let consumer = connect(brokers)?;
    let topics = matching_topics(&consumer, name, &heartbeats.replace('*', name))
        .with_context(|| format!("listing the topics of {brokers}"))?;
    if topics.is_empty() {
        bail!("{brokers} has neither a topic {name} nor one whose name starts with {name}.");
    }
    let prefix = match topics.as_slice() {
        [(topic, _)] if topic == name => prefix_of_topic(name),
        _ => name,
    };
    let mut records = Vec::new();
    for (topic, partitions) in &topics {
        read_topic(&consumer, topic, *partitions, &mut records)
            .with_context(|| format!("reading topic {topic}"))?;
    }
    Ok(Capture {
        prefix: prefix.to_owned(),
        records,
    })
}

/// librdkafka wants a group id of every consumer; without a subscription no group is joined and nothing committed.
fn connect(brokers: &str) -> anyhow::Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "walstreet-diff")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10")
        .create()
        .context("creating the Kafka consumer")
}

fn matching_topics(
    consumer: &BaseConsumer,
    name: &str,
    heartbeats: &str,
) -> anyhow::Result<Vec<(String, i32)>> {
    let metadata = consumer.fetch_metadata(None, METADATA_TIMEOUT)?;
    let beginning = format!("{name}.");
    let mut topics = Vec::new();
    for topic in metadata.topics() {
        let found = topic.name();
        if found == name || found == heartbeats || found.starts_with(&beginning) {
            topics.push((found.to_owned(), i32::try_from(topic.partitions().len())?));
        }
    }
    topics.sort();
    Ok(topics)
}

/// `cdc.public.orders` → `cdc`.
fn prefix_of_topic(topic: &str) -> &str {
    match topic.rsplitn(3, '.').last() {
        Some(prefix) if topic.matches('.').count() >= 2 => prefix,
        _ => topic,
    }
}

fn read_topic(
    consumer: &BaseConsumer,
    topic: &str,
    partitions: i32,
    records: &mut Vec<Record>,
) -> anyhow::Result<()> {
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut unfinished: BTreeSet<i32> = (0..partitions).collect();
    while !unfinished.is_empty() {
        match consumer.poll(SILENCE) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unfinished.remove(&partition);
            }
            Some(Err(error)) => return Err(error.into()),
            None => bail!("no answer for {} s", SILENCE.as_secs()),
        }
    }
    consumer.unassign()?;
    Ok(())
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let owned = |bytes: &[u8]| Bytes(bytes.to_vec());
    let mut headers = Vec::new();
    if let Some(borrowed) = message.headers() {
        for header in borrowed.iter() {
            headers.push((header.key.to_owned(), header.value.map(owned)));
        }
    }
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(owned),
        value: message.payload().map(owned),
        headers,
    }
}

#[cfg(test)]
mod tests {
    use super::prefix_of_topic;

    #[test]
    fn the_prefix_of_a_topic_ends_before_schema_and_table() {
        assert_eq!(prefix_of_topic("cdc.public.orders"), "cdc");
        assert_eq!(prefix_of_topic("eu.prod.public.orders"), "eu.prod");
        assert_eq!(prefix_of_topic("orders"), "orders");
    }
}
