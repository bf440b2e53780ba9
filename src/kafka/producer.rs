//! Sends records and collects their acknowledgements. What to send, and what an acknowledgement means, is the engine's.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::metadata::MetadataPartition;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};

use super::client::{self, Reports};
use super::error::Error;
use super::properties::ClientProperties;

/// How long `send` waits for room before it gives the thread back.
const ROOM_TIMEOUT: Duration = Duration::from_millis(50);

/// How late a delivery may be noticed. `BaseProducer::poll` does not return before its timeout, whatever arrives, and
/// spins through the last millisecond of it; so we ask without waiting and nap in between.
const NAP: Duration = Duration::from_millis(1);

pub struct Producer {
    client: BaseProducer<Deliveries>,
    /// `max.request.size`.
    max_record_bytes: usize,
    /// `batch.size`.
    batch_bytes: usize,
}

/// A record to send.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outgoing<'a> {
    pub topic: &'a str,
    /// `None` leaves the choice to the partitioner.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    /// Milliseconds since 1970; `None` is now.
    pub timestamp: Option<i64>,
}

/// What became of one record.
#[derive(Debug)]
pub struct Delivery {
    /// As given to `Producer::send`.
    pub sequence: usize,
    /// Boxed: nearly all are `Ok`.
    pub result: Result<(), Box<Error>>,
}

impl Producer {
    /// Starts the client; the brokers are asked later.
    pub fn new(properties: &ClientProperties) -> Result<Self, Error> {
        let context = Deliveries {
            reports: Reports::new(properties),
            batch_bytes: properties.batch_size(),
            done: Mutex::default(),
        };
        Ok(Self {
            client: client::create(properties, context)?,
            max_record_bytes: properties.max_request_size(),
            batch_bytes: properties.batch_size(),
        })
    }

    /// Queues a record. `sequence` comes back with its delivery; deliveries of different partitions overtake each other.
    ///
    /// # Errors
    ///
    /// `QueueFull` after some 50 ms without room: take the deliveries, look whether to stop, and send it again.
    pub fn send(
        &mut self,
        outgoing: &Outgoing<'_>,
        headers: &HeaderSet,
        sequence: usize,
    ) -> Result<(), Error> {
        let Outgoing {
            topic,
            partition,
            key,
            value,
            timestamp,
        } = *outgoing;
        let headers = headers.0.clone();
        let mut record = BaseRecord {
            topic,
            partition,
            payload: value,
            key,
            timestamp,
            headers,
            delivery_opaque: sequence,
        };
        let mut waiting_since = None;
        loop {
            let refusal;
            (refusal, record) = match self.client.send(record) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if refusal.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(self.refused(refusal, topic, size(key) + size(value)));
            }
            let waited = waiting_since.get_or_insert_with(Instant::now).elapsed();
            if waited >= ROOM_TIMEOUT {
                return Err(Error::QueueFull { waited });
            }
            self.poll(NAP);
        }
    }

    /// Whether the topic's leaders take records, or never will. Asking makes the brokers create it, if they do that.
    ///
    /// To be asked until it says so, before a topic's first record. A broker names itself the leader of a new partition before it
    /// is one, and refuses the first record; librdkafka then sends it again, behind the records that came meanwhile.
    #[must_use]
    pub fn knows_topic(&self, topic: &str, timeout: Duration) -> bool {
        let Ok(metadata) = self.client.client().fetch_metadata(Some(topic), timeout) else {
            return false;
        };
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        found.is_some_and(|found| match found.error().map(RDKafkaErrorCode::from) {
            None => {
                // Only a leader tells offsets. Many partitions may not hold us up for longer than one answer.
                let deadline = Instant::now() + timeout;
                let refuses = |partition: &MetadataPartition| {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let client = self.client.client();
                    !left.is_zero()
                        && client
                            .fetch_watermarks(topic, partition.id(), left)
                            .is_err_and(|error| is_not_leading(&error))
                };
                !found.partitions().is_empty() && !found.partitions().iter().any(refuses)
            }
            Some(code) => [
                RDKafkaErrorCode::TopicAuthorizationFailed,
                RDKafkaErrorCode::InvalidTopic,
            ]
            .contains(&code),
        })
    }

    /// Collects deliveries; returns as soon as there are some, at the latest after `timeout`.
    pub fn poll(&mut self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        loop {
            self.collect();
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() || !self.deliveries().is_empty() {
                return;
            }
            thread::sleep(remaining.min(NAP));
        }
    }

    /// Moves the deliveries collected so far into `into`, whose old content is dropped.
    pub fn take_deliveries(&mut self, into: &mut Vec<Delivery>) {
        into.clear();
        mem::swap(into, &mut self.deliveries());
    }

    /// Records sent whose delivery has not been collected.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.client.in_flight_count()).expect("a count is not negative")
    }

    /// What librdkafka reported about the brokers since the last call: they cannot be reached, they refuse the login …
    /// It goes on trying; records stay queued.
    #[must_use]
    pub fn take_trouble(&mut self) -> Option<Error> {
        self.client.context().reports.take()
    }

    /// Waits until every record sent is delivered. Deliveries are collected, failed ones too: look at them.
    pub fn flush(&mut self, deadline: Instant) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            self.collect();
            let unacknowledged = self.in_flight();
            if unacknowledged == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::FlushTimeout {
                    unacknowledged,
                    waited: started.elapsed(),
                });
            }
            thread::sleep(NAP);
        }
    }

    /// Serves what is ready without waiting: one `poll` serves one event, which carries many deliveries.
    fn collect(&self) {
        let mut before = self.client.in_flight_count();
        while before > 0 {
            self.client.poll(Duration::ZERO);
            let after = self.client.in_flight_count();
            if after >= before {
                return;
            }
            before = after;
        }
        self.client.poll(Duration::ZERO);
    }

    fn refused(&self, refusal: KafkaError, topic: &str, size: usize) -> Error {
        match refusal.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::TooLarge {
                topic: topic.to_owned(),
                size,
                limit: self.max_record_bytes,
            },
            Some(code) => Error::delivery(code, topic, size, self.batch_bytes),
            None => Error::Client {
                operation: "queue a record",
                source: refusal,
            },
        }
    }

    fn deliveries(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.client.context().done()
    }
}

/// Headers that many records share, built once.
#[derive(Debug, Default)]
pub struct HeaderSet(Option<OwnedHeaders>);

impl HeaderSet {
    #[must_use]
    pub fn new(headers: &[(&str, Option<&[u8]>)]) -> Self {
        let mut native = OwnedHeaders::new_with_capacity(headers.len());
        for (key, value) in headers {
            native = native.insert(Header { key, value: *value });
        }
        Self((!headers.is_empty()).then_some(native))
    }
}

/// Called back by librdkafka inside `poll`, on the thread of the producer's owner: the lock is never contended.
struct Deliveries {
    reports: Reports,
    batch_bytes: usize,
    done: Mutex<Vec<Delivery>>,
}

impl Deliveries {
    fn done(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, sequence: usize) {
        let result = match result {
            Ok(_) => Ok(()),
            Err((error, message)) => {
                use rdkafka::Message as _;
                let code = error
                    .rdkafka_error_code()
                    .unwrap_or(RDKafkaErrorCode::Unknown);
                Err(Box::new(Error::delivery(
                    code,
                    message.topic(),
                    message.key_len() + message.payload_len(),
                    self.batch_bytes,
                )))
            }
        };
        self.done().push(Delivery { sequence, result });
    }
}

fn is_not_leading(error: &KafkaError) -> bool {
    [
        Some(RDKafkaErrorCode::NotLeaderForPartition),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition),
        Some(RDKafkaErrorCode::LeaderNotAvailable),
    ]
    .contains(&error.rdkafka_error_code())
}

fn size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(0, <[u8]>::len)
}
