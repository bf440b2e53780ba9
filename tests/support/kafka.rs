//! Two Kafka brokers of a test's own: librdkafka's mock cluster, which lives in the test's process and can be shut off.
//!
//! It knows neither `CreateTopics` nor `DescribeConfigs`, does not tell an idempotent producer's repeats, and forgets the
//! oldest records of a partition beyond 5 MiB or 100,000 batches.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde_json::Value;

use super::PATIENCE;

/// Where the connectors of the tests store their offsets.
pub(crate) const OFFSETS_TOPIC: &str = "connect-offsets";

/// Leads the partitions of all topics but that of the offsets.
const BROKER_OF_CHANGES: i32 = 1;
const BROKER_OF_OFFSETS: i32 = 2;

pub(crate) struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    topics: RefCell<BTreeMap<String, Topic>>,
    /// For counting.
    asked: RefCell<Option<BaseConsumer>>,
}

/// How far each partition was read.
struct Topic(Vec<i64>);

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

impl Record {
    pub(crate) fn key_json(&self) -> Value {
        serde_json::from_slice(self.key.as_deref().expect("a key")).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_deref().expect("no tombstone")).unwrap()
    }
}

impl Broker {
    /// With these topics and their partitions, and the offsets topic.
    pub(crate) fn start(topics: &[(&str, i32)]) -> Self {
        let cluster = MockCluster::new(2).unwrap();
        let mut read = BTreeMap::new();
        for &(topic, count) in topics.iter().chain(&[(OFFSETS_TOPIC, 1)]) {
            cluster.create_topic(topic, count, 1).unwrap();
            let leader = match topic {
                OFFSETS_TOPIC => BROKER_OF_OFFSETS,
                _ => BROKER_OF_CHANGES,
            };
            for partition in 0..count {
                cluster
                    .partition_leader(topic, partition, Some(leader))
                    .unwrap();
            }
            let partitions = vec![0; usize::try_from(count).unwrap()];
            read.insert(topic.to_owned(), Topic(partitions));
        }
        Self {
            cluster,
            topics: RefCell::new(read),
            asked: RefCell::default(),
        }
    }

    pub(crate) fn servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Ends all connections and accepts none.
    pub(crate) fn down(&self) {
        self.changes_down();
        self.cluster.broker_down(BROKER_OF_OFFSETS).unwrap();
    }

    /// Only offsets can still be stored.
    pub(crate) fn changes_down(&self) {
        self.asked.take();
        self.cluster.broker_down(BROKER_OF_CHANGES).unwrap();
    }

    pub(crate) fn up(&self) {
        self.cluster.broker_up(BROKER_OF_CHANGES).unwrap();
        self.cluster.broker_up(BROKER_OF_OFFSETS).unwrap();
    }

    /// Every answer takes so long.
    pub(crate) fn slow_down(&self, delay: Duration) {
        for broker in [BROKER_OF_CHANGES, BROKER_OF_OFFSETS] {
            self.cluster.broker_round_trip_time(broker, delay).unwrap();
        }
    }

    /// The answers to the next requests to write.
    pub(crate) fn refuse_writes(&self, errors: &[RDKafkaRespErr]) {
        self.cluster.request_errors(RDKafkaApiKey::Produce, errors);
    }

    /// How many records a topic has received, forgotten ones included.
    pub(crate) fn count(&self, topic: &str) -> i64 {
        let partitions = i32::try_from(self.topics.borrow()[topic].0.len()).unwrap();
        let mut asked = self.asked.borrow_mut();
        let asked = asked.get_or_insert_with(|| self.consumer());
        let high = |partition| {
            asked
                .fetch_watermarks(topic, partition, PATIENCE)
                .unwrap()
                .1
        };
        (0..partitions).map(high).sum()
    }

    /// The records of a topic that came since the last call; those of a partition are in its order.
    pub(crate) fn new_records(&self, topic: &str) -> Vec<Record> {
        let mut topics = self.topics.borrow_mut();
        let next = &mut topics.get_mut(topic).expect("a topic of ours").0;
        let mut list = TopicPartitionList::new();
        for (partition, next) in (0..).zip(&*next) {
            let offset = Offset::Offset(*next);
            list.add_partition_offset(topic, partition, offset).unwrap();
        }
        // A consumer that is assigned other partitions starts with them after a second.
        let reader = self.consumer();
        reader.assign(&list).unwrap();
        let (mut records, mut open) = (Vec::new(), next.len());
        while open > 0 {
            match reader.poll(PATIENCE).expect("an answer in time") {
                Ok(message) => {
                    let next = &mut next[usize::try_from(message.partition()).unwrap()];
                    assert_eq!(message.offset(), *next, "the broker forgot some of {topic}");
                    *next += 1;
                    records.push(record(&message));
                }
                Err(KafkaError::PartitionEOF(_)) => open -= 1,
                Err(error) => panic!("{error}"),
            }
        }
        // That takes a while.
        thread::spawn(|| drop(reader));
        records
    }

    /// Writes a record as somebody else.
    pub(crate) fn write(&self, topic: &str, key: &[u8], value: &[u8]) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.servers())
            .create()
            .unwrap();
        let record = BaseRecord::to(topic).key(key).payload(value);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    fn consumer(&self) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.servers())
            .set("group.id", "test")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "1")
            .create()
            .unwrap()
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
    }
}
