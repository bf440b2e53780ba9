//! Against librdkafka's mock cluster; those that are ignored, against the broker that `WALSTREET_TEST_KAFKA` names.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::admin::{Admin, TopicSpec};
use super::client;
use super::error::Error;
use super::murmur2::partition_for_key;
use super::offsets::OffsetStore;
use super::producer::{Delivery, HeaderSet, Outgoing, Producer};
use super::properties::{self, ClientSettings};
use super::topics::Topics;
use crate::config::connector::TopicCreation;

const PATIENCE: Duration = Duration::from_secs(20);
const PARTITIONS: i32 = 3;
const OFFSETS_KEY: &[u8] = br#"["inventory-connector",{"server":"dbserver1"}]"#;

fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("changes", PARTITIONS, 1).unwrap();
    cluster
}

fn settings(servers: String, overrides: &[(&str, &str)]) -> ClientSettings {
    let overrides = overrides
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    ClientSettings {
        bootstrap_servers: servers,
        overrides,
        ..ClientSettings::default()
    }
}

fn producer(settings: &ClientSettings) -> Producer {
    Producer::new(&properties::data_producer(settings, "test").unwrap()).unwrap()
}

/// Sends numbered records of ten keys; the value is the number.
fn send_numbers(producer: &mut Producer, numbers: std::ops::Range<usize>) {
    let headers = HeaderSet::new(&[("origin", Some(b"test")), ("none", None)]);
    for number in numbers {
        let key = format!("key-{}", number % 10);
        let value = number.to_string();
        let sent = producer.send(
            &Outgoing {
                topic: "changes",
                partition: None,
                key: Some(key.as_bytes()),
                value: Some(value.as_bytes()),
                timestamp: None,
            },
            &headers,
            number,
        );
        sent.unwrap();
    }
}

fn flush(producer: &mut Producer) -> Vec<Delivery> {
    producer.flush(Instant::now() + PATIENCE).unwrap();
    let mut deliveries = Vec::new();
    producer.take_deliveries(&mut deliveries);
    deliveries
}

fn read_all(
    settings: &ClientSettings,
    topic: &str,
    partitions: i32,
) -> Vec<(i32, Vec<u8>, Option<Vec<u8>>)> {
    let properties = properties::internal_consumer(settings, "test").unwrap();
    let consumer: BaseConsumer<client::Reports> =
        client::create(&properties, client::Reports::new(&properties)).unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut records, mut open) = (Vec::new(), partitions);
    while open > 0 {
        match consumer.poll(PATIENCE).expect("an answer in time") {
            Ok(record) => records.push((
                record.partition(),
                record.key().unwrap_or_default().to_vec(),
                record.payload().map(<[u8]>::to_vec),
            )),
            Err(rdkafka::error::KafkaError::PartitionEOF(_)) => open -= 1,
            Err(error) => panic!("{error}"),
        }
    }
    records
}

/// Every number is there, those of a key are in one partition, the one of Java, and their first copies are in order.
fn assert_complete_and_in_order(settings: &ClientSettings, count: usize) {
    let mut by_key: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (partition, key, value) in read_all(settings, "changes", PARTITIONS) {
        assert_eq!(partition, partition_for_key(&key, PARTITIONS));
        let number = String::from_utf8(value.unwrap()).unwrap().parse().unwrap();
        let numbers = by_key.entry(key).or_default();
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), count);
    assert!(
        by_key.values().all(|numbers| numbers.is_sorted()),
        "{by_key:?}"
    );
}

#[test]
fn every_record_is_acknowledged_once_and_lies_in_order_in_javas_partition() {
    let cluster = cluster();
    let settings = settings(cluster.bootstrap_servers(), &[]);
    let mut producer = producer(&settings);
    send_numbers(&mut producer, 0..1000);
    let mut acknowledged: Vec<usize> = flush(&mut producer)
        .into_iter()
        .map(|delivery| {
            delivery.result.unwrap();
            delivery.sequence
        })
        .collect();
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (0..1000).collect::<Vec<_>>());
    assert_complete_and_in_order(&settings, 1000);
}

#[test]
fn transient_errors_lose_nothing_and_keep_the_order() {
    for idempotence in ["true", "false"] {
        let cluster = cluster();
        let settings = settings(
            cluster.bootstrap_servers(),
            &[
                ("enable.idempotence", idempotence),
                ("retry.backoff.ms", "1"),
            ],
        );
        let mut producer = producer(&settings);
        send_numbers(&mut producer, 0..100);
        flush(&mut producer);
        cluster.request_errors(
            RDKafkaApiKey::Produce,
            &[
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            ],
        );
        for start in (100..1000).step_by(30) {
            send_numbers(&mut producer, start..start + 30);
            producer.poll(Duration::from_millis(2));
        }
        for delivery in flush(&mut producer) {
            delivery.result.unwrap();
        }
        assert_complete_and_in_order(&settings, 1000);
    }
}

#[test]
fn a_full_queue_gives_the_thread_back_and_loses_nothing() {
    let cluster = cluster();
    cluster.broker_down(1).unwrap();
    let settings = settings(cluster.bootstrap_servers(), &[("buffer.memory", "1024")]);
    let mut producer = producer(&settings);
    let value = [b'x'; 600];
    let headers = HeaderSet::default();
    let send = |producer: &mut Producer, sequence| {
        producer.send(
            &Outgoing {
                topic: "changes",
                partition: None,
                key: Some(b"k"),
                value: Some(&value),
                timestamp: None,
            },
            &headers,
            sequence,
        )
    };
    send(&mut producer, 0).unwrap();
    let error = send(&mut producer, 1).unwrap_err();
    assert!(
        matches!(error, Error::QueueFull { .. }) && error.is_retriable(),
        "{error}"
    );
    assert_eq!(producer.in_flight(), 1);

    cluster.broker_up(1).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while send(&mut producer, 1).is_err() {
        assert!(
            Instant::now() < deadline,
            "there is room once the broker is back"
        );
    }
    let delivered: Vec<usize> = flush(&mut producer)
        .iter()
        .map(|delivery| delivery.sequence)
        .collect();
    assert_eq!(delivered, [0, 1]);
}

#[test]
fn a_record_that_is_too_large_is_told_with_its_size_and_the_remedy() {
    let cluster = cluster();
    let settings = settings(cluster.bootstrap_servers(), &[("max.request.size", "2000")]);
    let mut producer = producer(&settings);
    let value = vec![b'x'; 3000];
    let local = producer
        .send(
            &Outgoing {
                topic: "changes",
                value: Some(&value),
                ..Outgoing::default()
            },
            &HeaderSet::default(),
            0,
        )
        .unwrap_err();
    assert!(
        matches!(
            &local,
            Error::TooLarge {
                size: 3000,
                limit: 2000,
                ..
            }
        ),
        "{local}"
    );
    assert!(
        local
            .to_string()
            .contains("producer.override.max.request.size")
            && !local.is_retriable()
    );

    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE],
    );
    producer
        .send(
            &Outgoing {
                topic: "changes",
                key: Some(b"k"),
                value: Some(b"value"),
                ..Outgoing::default()
            },
            &HeaderSet::default(),
            1,
        )
        .unwrap();
    let refused = flush(&mut producer).pop().unwrap().result.unwrap_err();
    assert!(
        matches!(&*refused, Error::RefusedAsTooLarge { size: 6, topic, alone: false } if topic == "changes"),
        "{refused}"
    );
    assert!(local.is_of_the_record() && !refused.is_of_the_record());
}

/// One that may have shared a batch does not tell whether it or another was too large.
#[test]
fn a_refused_record_that_was_alone_in_its_batch_is_the_one_that_is_too_large() {
    let cluster = cluster();
    let settings = settings(cluster.bootstrap_servers(), &[("batch.size", "100")]);
    let mut producer = producer(&settings);
    for (value, is_alone) in [([b'x'; 200].as_slice(), true), (b"small", false)] {
        cluster.request_errors(
            RDKafkaApiKey::Produce,
            &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE],
        );
        let outgoing = Outgoing {
            topic: "changes",
            value: Some(value),
            ..Outgoing::default()
        };
        producer.send(&outgoing, &HeaderSet::default(), 0).unwrap();
        let refused = flush(&mut producer).pop().unwrap().result.unwrap_err();
        assert_eq!(refused.is_of_the_record(), is_alone, "{refused}");
    }
}

#[test]
fn a_topic_without_permission_is_named() {
    let cluster = cluster();
    let mut producer = producer(&settings(cluster.bootstrap_servers(), &[]));
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED],
    );
    send_numbers(&mut producer, 0..1);
    let error = flush(&mut producer).pop().unwrap().result.unwrap_err();
    assert!(
        matches!(&*error, Error::TopicDenied { topic } if topic == "changes")
            && !error.is_retriable()
    );
}

#[test]
fn an_unreachable_broker_is_named_while_records_wait() {
    let servers = "127.0.0.1:1".to_owned();
    let mut producer = producer(&settings(servers.clone(), &[]));
    send_numbers(&mut producer, 0..1);
    let trouble = trouble_of(&mut producer);
    assert!(
        matches!(trouble, Error::Unreachable { .. }) && trouble.to_string().contains("127.0.0.1:1"),
        "{trouble}"
    );
    assert_eq!(producer.in_flight(), 1);

    let admin = Admin::new(&settings(servers, &[]), "test").unwrap();
    let error = admin.cluster_id(Duration::from_millis(300)).unwrap_err();
    assert!(
        matches!(error, Error::Unreachable { .. }) && error.is_retriable(),
        "{error}"
    );
}

fn trouble_of(producer: &mut Producer) -> Error {
    let deadline = Instant::now() + PATIENCE;
    loop {
        producer.poll(Duration::from_millis(10));
        if let Some(trouble) = producer.take_trouble() {
            return trouble;
        }
        assert!(Instant::now() < deadline, "trouble is reported");
    }
}

#[test]
fn a_broker_without_tls_is_told_to_have_failed_in_the_handshake() {
    let cluster = cluster();
    let settings = settings(cluster.bootstrap_servers(), &[("security.protocol", "SSL")]);
    let trouble = trouble_of(&mut producer(&settings));
    assert!(trouble.to_string().contains("SSL_HANDSHAKE"), "{trouble}");
}

#[test]
fn the_last_offset_of_a_key_counts_and_a_tombstone_removes_it() {
    let cluster = cluster();
    cluster.create_topic("connect-offsets", 25, 1).unwrap();
    let settings = settings(cluster.bootstrap_servers(), &[]);
    let mut store = OffsetStore::attach(&settings, "cdc", "connect-offsets", 25).unwrap();
    assert_eq!(store.load(OFFSETS_KEY).unwrap(), None);

    let deadline = Instant::now() + PATIENCE;
    store
        .store_and_wait(b"another key", Some(b"{}"), deadline)
        .unwrap();
    store
        .store_and_wait(OFFSETS_KEY, Some(br#"{"lsn":1}"#), deadline)
        .unwrap();
    assert!(store.poll_stored().is_none());
    store
        .begin_store(OFFSETS_KEY, Some(br#"{"lsn":2}"#))
        .unwrap();
    store
        .begin_store(OFFSETS_KEY, Some(br#"{"lsn":3}"#))
        .unwrap();
    while store.poll_stored().map(Result::unwrap).is_none() {
        assert!(Instant::now() < deadline);
    }
    assert!(store.poll_stored().is_none(), "a store is reported once");
    assert_eq!(
        store.load(OFFSETS_KEY).unwrap().as_deref(),
        Some(&br#"{"lsn":3}"#[..])
    );
    let mine = read_all(&settings, "connect-offsets", 25)
        .into_iter()
        .filter(|(_, key, _)| key == OFFSETS_KEY);
    assert!(
        mine.map(|(partition, ..)| partition)
            .all(|partition| partition == 11),
        "where Java puts it"
    );

    store.store_and_wait(OFFSETS_KEY, None, deadline).unwrap();
    assert_eq!(store.load(OFFSETS_KEY).unwrap(), None);
    assert_eq!(
        store.load(b"another key").unwrap().as_deref(),
        Some(&b"{}"[..])
    );
}

#[test]
fn a_store_that_is_not_acknowledged_in_time_says_so() {
    let cluster = cluster();
    cluster.broker_down(1).unwrap();
    let settings = settings(cluster.bootstrap_servers(), &[]);
    let mut store = OffsetStore::attach(&settings, "cdc", "changes", PARTITIONS).unwrap();
    let error = store.store_and_wait(
        OFFSETS_KEY,
        Some(b"{}"),
        Instant::now() + Duration::from_millis(50),
    );
    assert!(error.unwrap_err().is_retriable());
}

/// Topic creation needs a broker: the mock cluster knows no `CreateTopics`.
#[test]
#[ignore = "needs a Kafka broker: WALSTREET_TEST_KAFKA=host:port"]
fn a_real_broker_creates_topics_as_configured() {
    let settings = settings(std::env::var("WALSTREET_TEST_KAFKA").unwrap(), &[]);
    let unique = uuid::Uuid::now_v7();
    let admin = Admin::new(&settings, "test").unwrap();
    assert!(!admin.cluster_id(PATIENCE).unwrap().is_empty());

    let creation = TopicCreation {
        partitions: 3,
        replication_factor: -1,
        config: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
    };
    let mut topics = Topics::new(&settings, "test", Some(creation.clone())).unwrap();
    let created = format!("created-{unique}");
    assert_eq!(admin.partition_count(&created).unwrap(), None);
    assert_eq!(
        admin.partition_count(&created).unwrap(),
        None,
        "asking does not create"
    );
    topics.prepare(&created).unwrap();
    topics.prepare(&created).unwrap();
    assert_eq!(admin.partition_count(&created).unwrap(), Some(3));
    assert_eq!(
        admin
            .topic_setting(&created, "cleanup.policy")
            .unwrap()
            .as_deref(),
        Some("compact")
    );

    let impossible = TopicCreation {
        replication_factor: 9,
        ..creation
    };
    let error = Topics::new(&settings, "test", Some(impossible))
        .unwrap()
        .prepare(&format!("impossible-{unique}"));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("lower topic.creation.default.replication.factor")
    );

    let automatic = format!("automatic-{unique}");
    Topics::new(&settings, "test", None)
        .unwrap()
        .prepare(&automatic)
        .unwrap();
    let mut producer = producer(&settings);
    let deadline = Instant::now() + PATIENCE;
    while !producer.knows_topic(&automatic, Duration::from_millis(500)) {
        assert!(
            Instant::now() < deadline,
            "asking makes the broker create it"
        );
    }
    assert!(admin.partition_count(&automatic).unwrap().is_some());
    producer
        .send(
            &Outgoing {
                topic: &automatic,
                partition: None,
                key: None,
                value: Some(b"x"),
                timestamp: None,
            },
            &HeaderSet::default(),
            0,
        )
        .unwrap();
    flush(&mut producer).pop().unwrap().result.unwrap();
    assert_eq!(
        admin.partition_count(&automatic).unwrap(),
        Some(1),
        "the broker's num.partitions"
    );
}

#[test]
#[ignore = "needs a Kafka broker: WALSTREET_TEST_KAFKA=host:port"]
fn a_real_broker_keeps_offsets_in_a_compacted_topic() {
    let settings = settings(std::env::var("WALSTREET_TEST_KAFKA").unwrap(), &[]);
    let spec = |name: String, config: &[(&str, &str)]| TopicSpec {
        name,
        partitions: 25,
        replication_factor: 1,
        config: config
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        property_prefix: "offset.storage.",
    };
    let unique = uuid::Uuid::now_v7();
    let offsets = spec(
        format!("offsets-{unique}"),
        &[("segment.bytes", "10485760"), ("cleanup.policy", "delete")],
    );
    let mut store = OffsetStore::open(&settings, "cdc", &offsets).unwrap();
    assert_eq!(store.load(OFFSETS_KEY).unwrap(), None);
    store
        .store_and_wait(OFFSETS_KEY, Some(b"{\"lsn\":1}"), Instant::now() + PATIENCE)
        .unwrap();
    let reopened = OffsetStore::open(&settings, "cdc", &offsets).unwrap();
    assert_eq!(
        reopened.load(OFFSETS_KEY).unwrap().as_deref(),
        Some(&b"{\"lsn\":1}"[..])
    );

    let forgetful = spec(format!("forgetful-{unique}"), &[]);
    Admin::new(&settings, "test")
        .unwrap()
        .create_if_absent(&forgetful)
        .unwrap();
    let error = OffsetStore::open(&settings, "cdc", &forgetful)
        .err()
        .unwrap();
    assert!(
        matches!(&error, Error::NotCompacted { policy, .. } if policy == "delete")
            && !error.is_retriable()
    );
}
