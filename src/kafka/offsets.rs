//! The topic where Connect keeps source offsets (`KafkaOffsetBackingStore`): the last value of a key counts, null removes.
//! Keys and values are bytes here; `connect` knows what they say.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use rustc_hash::FxHashSet;

use super::admin::{Admin, TopicSpec};
use super::client::{self, Reports};
use super::error::Error;
use super::murmur2::partition_for_key;
use super::producer::{Delivery, HeaderSet, Outgoing, Producer};
use super::properties::{self, ClientProperties, ClientSettings};
use crate::config::connector::ConnectorConfig;
use crate::config::worker::WorkerConfig;

/// How long a partition may take to be read to its end.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

pub struct OffsetStore {
    topic: String,
    partitions: i32,
    consumer: ClientProperties,
    producer: Producer,
    no_headers: HeaderSet,
    deliveries: Vec<Delivery>,
    /// Counts the stores begun.
    begun: usize,
    storing: bool,
}

/// The topic of a connector's offsets: its own (`offsets.storage.topic`), else the worker's.
#[must_use]
pub fn topic(worker: &WorkerConfig, connector: &ConnectorConfig) -> TopicSpec {
    let own = connector.offsets_storage_topic.as_ref();
    TopicSpec {
        name: own.unwrap_or(&worker.offsets.topic).clone(),
        partitions: worker.offsets.partitions,
        replication_factor: worker.offsets.replication_factor,
        config: worker.offsets.topic_config.clone(),
        property_prefix: "offset.storage.",
    }
}

impl OffsetStore {
    /// Opens the topic: creates it, compacted, when it is absent; refuses one that forgets.
    ///
    /// `worker` is the worker's `group.id`: its clients are named after it, like Connect's.
    pub fn open(settings: &ClientSettings, worker: &str, topic: &TopicSpec) -> Result<Self, Error> {
        let admin = Admin::new(settings, &format!("{worker}-shared-admin"))?;
        let mut topic = topic.clone();
        topic.config.retain(|(name, _)| name != "cleanup.policy");
        topic
            .config
            .push(("cleanup.policy".to_owned(), "compact".to_owned()));
        let partitions = admin.create_if_absent(&topic)?;
        match admin.topic_setting(&topic.name, "cleanup.policy")? {
            Some(policy) if policy != "compact" => Err(Error::NotCompacted {
                topic: topic.name,
                policy,
            }),
            Some(_) | None => Self::attach(settings, worker, &topic.name, partitions),
        }
    }

    /// Uses a topic that is known to be right.
    pub(super) fn attach(
        settings: &ClientSettings,
        worker: &str,
        topic: &str,
        partitions: i32,
    ) -> Result<Self, Error> {
        let client_id = format!("{worker}-offsets");
        Ok(Self {
            topic: topic.to_owned(),
            partitions,
            consumer: properties::internal_consumer(settings, &client_id)?,
            producer: Producer::new(&properties::internal_producer(settings, &client_id)?)?,
            no_headers: HeaderSet::default(),
            deliveries: Vec::new(),
            begun: 0,
            storing: false,
        })
    }

    /// The value stored last for `key`. Reads the whole topic up to the end it has now.
    pub fn load(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let consumer = client::create(&self.consumer, Reports::new(&self.consumer))?;
        self.assign_all(&consumer)?;
        let value = self.last_value(&consumer, key);
        client::close(consumer);
        value
    }

    /// Sends an offset, `None` to remove it; `poll_stored` tells when it is stored. A store that was under way is
    /// superseded: only the newest is reported.
    pub fn begin_store(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
        let partition = partition_for_key(key, self.partitions);
        let outgoing = Outgoing {
            topic: &self.topic,
            partition: Some(partition),
            key: Some(key),
            value,
            timestamp: None,
        };
        self.producer
            .send(&outgoing, &self.no_headers, self.begun + 1)?;
        self.begun += 1;
        self.storing = true;
        Ok(())
    }

    /// Never waits. `Some` once per store: what became of it.
    pub fn poll_stored(&mut self) -> Option<Result<(), Error>> {
        self.wait_stored(Duration::ZERO)
    }

    /// Stores an offset and waits for it, for the time when nothing else is to be done.
    pub fn store_and_wait(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        deadline: Instant,
    ) -> Result<(), Error> {
        let started = Instant::now();
        self.begin_store(key, value)?;
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if let Some(result) = self.wait_stored(remaining) {
                return result;
            }
            if remaining.is_zero() {
                let waited = started.elapsed();
                let timeout = Error::FlushTimeout {
                    unacknowledged: self.producer.in_flight(),
                    waited,
                };
                return Err(self.producer.take_trouble().unwrap_or(timeout));
            }
        }
    }

    fn wait_stored(&mut self, timeout: Duration) -> Option<Result<(), Error>> {
        if !self.storing {
            return None;
        }
        self.producer.poll(timeout);
        self.producer.take_deliveries(&mut self.deliveries);
        let newest = self
            .deliveries
            .drain(..)
            .find(|delivery| delivery.sequence == self.begun)?;
        self.storing = false;
        Some(newest.result.map_err(|error| *error))
    }

    fn last_value(
        &self,
        consumer: &BaseConsumer<Reports>,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, Error> {
        let partitions =
            usize::try_from(self.partitions).expect("a topic has at least one partition");
        let started = Instant::now();
        let mut read = FxHashSet::default();
        let mut value = None;
        while read.len() < partitions {
            let waited = started.elapsed();
            match consumer.poll(READ_TIMEOUT.saturating_sub(waited)) {
                Some(Ok(record)) if record.key() == Some(key) => {
                    value = record.payload().map(<[u8]>::to_vec);
                }
                Some(Ok(_)) => {}
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    read.insert(partition);
                }
                Some(Err(error)) => self.check_read(consumer, &error)?,
                None => {
                    let (topic, read) = (self.topic.clone(), read.len());
                    let timeout = Error::ReadTimeout {
                        topic,
                        waited,
                        read,
                        partitions,
                    };
                    return Err(consumer.context().take().unwrap_or(timeout));
                }
            }
        }
        Ok(value)
    }

    fn assign_all(&self, consumer: &BaseConsumer<Reports>) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions {
            // Asking for the beginning takes half a second; `auto.offset.reset` covers a log that starts later.
            list.add_partition_offset(&self.topic, partition, Offset::Offset(0))
                .map_err(|source| Error::Client {
                    operation: "name the beginning of a partition",
                    source,
                })?;
        }
        consumer.assign(&list).map_err(|source| Error::Client {
            operation: "assign partitions to a consumer",
            source,
        })
    }

    /// Most errors heal by themselves, the timeout judges those that do not.
    fn check_read(
        &self,
        consumer: &BaseConsumer<Reports>,
        error: &KafkaError,
    ) -> Result<(), Error> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Err(Error::TopicDenied {
                topic: self.topic.clone(),
            }),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Err(Error::UnknownTopic {
                topic: self.topic.clone(),
            }),
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) => {
                Err(consumer.context().take_or_unreachable())
            }
            Some(_) | None => Ok(()),
        }
    }
}
