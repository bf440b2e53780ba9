//! The way out: records to Kafka, acknowledgements back, reached checkpoints into the offset topic.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::ack::AckTracker;
use super::checkpoint::Checkpoint;
use super::error::Error;
use super::progress::{Progress, add};
use super::tolerance::Tolerance;
use crate::debezium::record::{Record, RecordBuffer, RecordHeaders};
use crate::kafka::error::Error as KafkaError;
use crate::kafka::offsets::OffsetStore;
use crate::kafka::producer::{Delivery, HeaderSet, Outgoing, Producer};
use crate::kafka::topics::Topics;
use crate::postgres::Lsn;

/// How long a new topic may take until its leaders are known, how long one answer, and when to ask again.
const TOPIC_PATIENCE: Duration = Duration::from_secs(10);
const TOPIC_ANSWER: Duration = Duration::from_millis(500);
const TOPIC_NAP: Duration = Duration::from_millis(5);

/// Where records go.
pub(super) enum Destination {
    Kafka(Box<Kafka>),
    /// Nowhere: to measure what reading and encoding cost. Nothing is stored, so the slot's own position is where a run starts.
    Discard,
}

pub(super) struct Kafka {
    pub(super) producer: Producer,
    pub(super) topics: Topics,
    pub(super) offsets: OffsetStore,
    pub(super) offset_key: Vec<u8>,
}

pub(super) struct Outlet<'a> {
    destination: Destination,
    acks: AckTracker<Checkpoint>,
    deliveries: Vec<Delivery>,
    context_headers: Vec<(String, Vec<u8>)>,
    context_set: HeaderSet,
    no_headers: HeaderSet,
    tolerance: Tolerance,
    storing: Storing,
    flush_interval: Duration,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
}

/// What is known of the stored offset.
#[derive(Default)]
struct Storing {
    /// Acknowledged completely, and not yet begun to be stored.
    reached: Option<Checkpoint>,
    under_way: Option<Checkpoint>,
    /// Stored: PostgreSQL may forget what is before.
    confirmable: Option<Lsn>,
    last_begun: Option<Instant>,
    /// The next one is stored without waiting for the interval.
    hurried: bool,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(
        destination: Destination,
        context_headers: Vec<(String, Vec<u8>)>,
        flush_interval: Duration,
        tolerance: Tolerance,
        progress: &'a Progress,
        cancel: &'a CancellationToken,
    ) -> Self {
        let borrowed: Vec<(&str, Option<&[u8]>)> = context_headers
            .iter()
            .map(|(name, value)| (name.as_str(), Some(value.as_slice())))
            .collect();
        let context_set = HeaderSet::new(&borrowed);
        Self {
            destination,
            acks: AckTracker::default(),
            deliveries: Vec::new(),
            context_headers,
            context_set,
            no_headers: HeaderSet::default(),
            tolerance,
            storing: Storing::default(),
            flush_interval,
            progress,
            cancel,
        }
    }

    /// To be called before the first record of a topic. Waits until the producer knows it, but not for ever: it goes on asking,
    /// and says why nothing is delivered.
    fn prepare_topic(&mut self, topic: &str) -> Result<(), Error> {
        let Destination::Kafka(kafka) = &mut self.destination else {
            return Ok(());
        };
        if !kafka.topics.prepare(topic)? {
            return Ok(());
        }
        let deadline = Instant::now() + TOPIC_PATIENCE;
        while !kafka.producer.knows_topic(topic, TOPIC_ANSWER) && Instant::now() < deadline {
            if self.cancel.is_cancelled() {
                return Err(Error::Stopped);
            }
            std::thread::sleep(TOPIC_NAP);
        }
        Ok(())
    }

    /// Sends all records of the buffer and empties it. Waits while the producer's queue is full.
    pub(super) fn send(&mut self, records: &mut RecordBuffer) -> Result<(), Error> {
        for topic in records.topics() {
            self.prepare_topic(topic)?;
        }
        for record in records.iter() {
            let sequence = self.acks.sent();
            self.send_record(&record, sequence)?;
        }
        add(&self.progress.records_sent, records.len());
        add(&self.progress.bytes_sent, records.byte_len());
        records.clear();
        Ok(())
    }

    fn send_record(&mut self, record: &Record<'_>, sequence: usize) -> Result<(), Error> {
        let own_set;
        let headers = match record.headers {
            RecordHeaders::None => &self.no_headers,
            RecordHeaders::Context => &self.context_set,
            RecordHeaders::KeyAndContext(name, value) => {
                own_set = self.with_key_header(name, value);
                &own_set
            }
            RecordHeaders::Own(_) => {
                let headers: Vec<_> = record.own_headers().collect();
                own_set = HeaderSet::new(&headers);
                &own_set
            }
        };
        let Destination::Kafka(kafka) = &mut self.destination else {
            self.acks.acknowledged(sequence);
            return Ok(());
        };
        let outgoing = Outgoing {
            topic: record.topic,
            partition: record.partition,
            key: record.key,
            value: record.value,
            timestamp: record.timestamp,
        };
        loop {
            match kafka.producer.send(&outgoing, headers, sequence) {
                Ok(()) => return Ok(()),
                Err(KafkaError::QueueFull { .. }) if self.cancel.is_cancelled() => {
                    return Err(Error::Stopped);
                }
                Err(KafkaError::QueueFull { .. }) => {
                    collect(
                        kafka,
                        &mut self.deliveries,
                        &mut self.acks,
                        &mut self.tolerance,
                        self.progress,
                    )?;
                }
                Err(error) if self.tolerance.tolerates() && error.is_of_the_record() => {
                    self.tolerance.leave_out(&error);
                    self.acks.acknowledged(sequence);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A change of a key is rare, so its header set is built when it comes.
    fn with_key_header(&self, name: &str, value: &[u8]) -> HeaderSet {
        let mut headers: Vec<(&str, Option<&[u8]>)> = vec![(name, Some(value))];
        headers.extend(
            self.context_headers
                .iter()
                .map(|(name, value)| (name.as_str(), Some(value.as_slice()))),
        );
        HeaderSet::new(&headers)
    }

    /// Everything sent so far comes before `checkpoint`.
    pub(super) fn checkpoint(&mut self, checkpoint: Checkpoint) {
        self.acks.checkpoint(checkpoint);
    }

    /// Everything in the buffer and everything sent so far comes before `checkpoint`.
    pub(super) fn checkpoint_after(&mut self, records: &RecordBuffer, checkpoint: Checkpoint) {
        self.acks.checkpoint_after(records.len(), checkpoint);
    }

    /// Stores the checkpoint reached last, or next, at once, whatever the interval.
    pub(super) fn hurry(&mut self) {
        self.storing.hurried = true;
    }

    /// Whether every record sent was acknowledged.
    pub(super) fn is_settled(&self) -> bool {
        self.acks.in_flight() == 0
    }

    /// Takes acknowledgements, and stores the newest reached checkpoint when it is time to. Never waits.
    ///
    /// Returns the position to confirm to PostgreSQL when one was stored.
    pub(super) fn settle(&mut self) -> Result<Option<Lsn>, Error> {
        if let Destination::Kafka(kafka) = &mut self.destination {
            kafka.producer.poll(Duration::ZERO);
            collect(
                kafka,
                &mut self.deliveries,
                &mut self.acks,
                &mut self.tolerance,
                self.progress,
            )?;
        }
        if let Some(reached) = self.acks.take_reached() {
            self.storing.reached = Some(reached);
        }
        self.store_when_due()?;
        Ok(self.storing.confirmable.take())
    }

    fn store_when_due(&mut self) -> Result<(), Error> {
        let storing = &mut self.storing;
        let Destination::Kafka(kafka) = &mut self.destination else {
            storing.confirmable = storing
                .reached
                .take()
                .map(Checkpoint::lsn)
                .or(storing.confirmable);
            return Ok(());
        };
        if let Some(under_way) = storing.under_way
            && let Some(result) = kafka.offsets.poll_stored()
        {
            result?;
            storing.under_way = None;
            storing.confirmable = Some(under_way.lsn());
        }
        let due = storing.hurried
            || storing
                .last_begun
                .is_none_or(|begun| begun.elapsed() >= self.flush_interval);
        if due
            && storing.under_way.is_none()
            && let Some(reached) = storing.reached.take()
        {
            let value = reached.offset().render();
            match kafka.offsets.begin_store(&kafka.offset_key, Some(&value)) {
                Ok(()) => {
                    storing.under_way = Some(reached);
                    storing.last_begun = Some(Instant::now());
                    storing.hurried = false;
                }
                // The broker is away; the next call tries again.
                Err(KafkaError::QueueFull { .. }) => storing.reached = Some(reached),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits until everything sent is acknowledged and its position stored, for an orderly stop.
    ///
    /// Returns the position to confirm to PostgreSQL, if there is one.
    pub(super) fn drain(&mut self, deadline: Instant) -> Result<Option<Lsn>, Error> {
        if let Destination::Kafka(kafka) = &mut self.destination {
            let flushed = kafka.producer.flush(deadline);
            collect(
                kafka,
                &mut self.deliveries,
                &mut self.acks,
                &mut self.tolerance,
                self.progress,
            )?;
            flushed?;
        }
        self.flush_interval = Duration::ZERO;
        let mut confirmable = self.settle()?;
        if let Destination::Kafka(kafka) = &mut self.destination
            && let Some(last) = self
                .storing
                .reached
                .take()
                .or(self.storing.under_way.take())
        {
            kafka.offsets.store_and_wait(
                &kafka.offset_key,
                Some(&last.offset().render()),
                deadline,
            )?;
            confirmable = Some(last.lsn());
        }
        Ok(confirmable)
    }
}

fn collect(
    kafka: &mut Kafka,
    deliveries: &mut Vec<Delivery>,
    acks: &mut AckTracker<Checkpoint>,
    tolerance: &mut Tolerance,
    progress: &Progress,
) -> Result<(), Error> {
    kafka.producer.take_deliveries(deliveries);
    for delivery in deliveries.drain(..) {
        match delivery.result {
            Ok(()) => {}
            Err(error) if tolerance.tolerates() && error.is_of_the_record() => {
                tolerance.leave_out(&error);
            }
            Err(error) => return Err((*error).into()),
        }
        acks.acknowledged(delivery.sequence);
        progress.records_acknowledged.fetch_add(1, Relaxed);
    }
    match kafka.producer.take_trouble() {
        Some(trouble) if !trouble.is_retriable() => Err(trouble.into()),
        // librdkafka goes on trying by itself.
        Some(_) | None => Ok(()),
    }
}
