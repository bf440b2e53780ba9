//! Streaming: batches of WAL in, records out, positions confirmed.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::checkpoint::Checkpoint;
use super::error::Error;
use super::heartbeat::Heartbeats;
use super::notify::Telling;
use super::outlet::Outlet;
use super::progress::{Progress, add};
use super::records::Records;
use super::tables::Tables;
use super::xmin::SlotXmin;
use crate::change::assembler::{Assembler, Step};
use crate::change::resume::{Resume, Verdict};
use crate::change::{Change, ChangeKind, Position};
use crate::debezium::message::MessageEncoder;
use crate::debezium::transaction::TransactionMonitor;
use crate::postgres::pgoutput::{self, Message};
use crate::postgres::replication::{Batch, Frame, ReplicationStream};
use crate::postgres::{Lsn, PgTimestamp};

/// Records are handed to the producer when their bytes reach this, and at the end of every batch.
const SEND_BYTES: usize = 64 * 1024;

/// How long to wait for WAL: short while acknowledgements are outstanding, since they are collected in between.
const BUSY_WAIT: Duration = Duration::from_millis(5);
const IDLE_WAIT: Duration = Duration::from_millis(100);

/// How long an orderly stop may take: the end of the transaction that is being read, then its acknowledgements
/// (`task.shutdown.graceful.timeout.ms` of Connect).
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Stream<'a> {
    pub(super) source: ReplicationStream,
    pub(super) assembler: Assembler,
    pub(super) resume: Resume,
    pub(super) tables: Tables<'a>,
    pub(super) outlet: Outlet<'a>,
    pub(super) records: Records,
    pub(super) messages: MessageEncoder,
    pub(super) transactions: Option<TransactionMonitor>,
    pub(super) heartbeats: Option<Heartbeats<'a>>,
    pub(super) slot_xmin: Option<SlotXmin>,
    pub(super) progress: &'a Progress,
    pub(super) cancel: &'a CancellationToken,
    pub(super) at: Reached,
    /// How often an idle server's position is stored, so that it can remove WAL.
    pub(super) idle_interval: Duration,
    /// A change that was sent before the restart, unless the next one shares its LSN: its LSN and message.
    pub(super) undecided: Option<(Lsn, Vec<u8>)>,
    pub(super) telling: Option<Telling<'a>>,
    /// Kafka has everything that committed before: what is read of it is for the notifier alone.
    pub(super) kafka_from: Lsn,
    /// The transaction that is being read is of that kind.
    pub(super) is_for_notifier: bool,
    /// What Kafka's side allows to confirm.
    pub(super) kafka_has: Option<Lsn>,
}

/// Up to where the stream was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    /// Last checkpoint: the end of a commit, or where an idle server was.
    pub(super) lsn: Lsn,
    pub(super) xid: Option<u32>,
    pub(super) committed_at: PgTimestamp,
    pub(super) since: Instant,
}

impl Stream<'_> {
    /// Streams until asked to stop; then reads the transaction to its end, waits for the acknowledgements, stores and
    /// confirms the position.
    pub(super) fn run(mut self) -> Result<(), Error> {
        let ended = self.stream();
        if ended.is_err() {
            // What Kafka already has need not be sent again after the restart.
            let deadline = Instant::now() + STOP_TIMEOUT;
            if let Err(error) = self.outlet.drain(deadline) {
                tracing::debug!(%error, "could not store the position reached before the failure");
            }
            return ended;
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        let drained = self.outlet.drain(deadline);
        if let Some(telling) = &mut self.telling {
            telling.finish();
        }
        if let Ok(lsn) = drained {
            self.confirm(lsn);
        }
        let stopped = self.source.stop();
        drained?;
        Ok(stopped?)
    }

    fn stream(&mut self) -> Result<(), Error> {
        let mut stop_by = None;
        loop {
            if self.cancel.is_cancelled() {
                let stop_by = *stop_by.get_or_insert_with(|| Instant::now() + STOP_TIMEOUT);
                if !self.assembler.in_transaction() || Instant::now() >= stop_by {
                    return Ok(());
                }
            }
            let wait = if self.outlet.is_settled() {
                IDLE_WAIT
            } else {
                BUSY_WAIT
            };
            if let Some(batch) = self.source.recv_timeout(wait)? {
                self.take_new_rules();
                self.read(&batch)?;
            } else if let Some(telling) = &mut self.telling {
                telling.at_present();
            }
            self.beat()?;
            self.outlet.send(&mut self.records.buffer)?;
            let lsn = self.outlet.settle()?;
            self.confirm(lsn);
        }
    }

    fn read(&mut self, batch: &Batch) -> Result<(), Error> {
        let stopping = self.cancel.is_cancelled();
        for frame in batch.frames() {
            if stopping && !self.assembler.in_transaction() {
                return Ok(());
            }
            match frame? {
                Frame::XLogData {
                    wal_start, data, ..
                } => self.message(wal_start, data)?,
                Frame::Keepalive {
                    wal_end,
                    reply_requested,
                    ..
                } => self.idle_at(wal_end, reply_requested),
            }
            if self.records.buffer.byte_len() >= SEND_BYTES {
                self.outlet.send(&mut self.records.buffer)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, wal_start: Lsn, data: &[u8]) -> Result<(), Error> {
        let message = decode(wal_start, data)?;
        self.fetch_xmin()?;
        if self.undecided.is_some() {
            self.decide(wal_start, &message)?;
        }
        let monitor = self.transactions.as_mut();
        match self.assembler.assemble(wal_start, message)? {
            Step::Change(change) if self.is_for_notifier => {
                tell(&self.tables, self.telling.as_mut(), &change);
            }
            Step::Change(change) => match self.resume.change(change.position.lsn) {
                Verdict::Send => {
                    tell(&self.tables, self.telling.as_mut(), &change);
                    encode(&mut self.tables, monitor, change, &mut self.records)?;
                    add(&self.progress.changes, 1);
                }
                Verdict::Skip => count(&mut self.tables, monitor, change)?,
                // The records of one change of a key lie in different partitions: the last one may not have been written.
                Verdict::Undecided if is_several(&mut self.tables, change)? => {
                    encode(&mut self.tables, monitor, change, &mut self.records)?;
                }
                Verdict::Undecided => self.undecided = Some((wal_start, data.to_vec())),
            },
            Step::Truncate { .. } | Step::Logical { .. } if self.is_for_notifier => {}
            Step::Truncate {
                relation_ids,
                position,
            } => {
                let is_sent = self.resume.change(position.lsn) != Verdict::Send;
                let mut monitor = monitor;
                for change in truncates(&relation_ids, position) {
                    let monitor = monitor.as_deref_mut();
                    if is_sent {
                        count(&mut self.tables, monitor, change)?;
                    } else {
                        encode(&mut self.tables, monitor, change, &mut self.records)?;
                    }
                }
                add(&self.progress.changes, usize::from(!is_sent));
            }
            Step::Begin {
                xid,
                final_lsn,
                committed_at,
            } => {
                if let Some(telling) = &mut self.telling {
                    telling.begin_transaction(final_lsn);
                    self.is_for_notifier = final_lsn < self.kafka_from;
                    if self.is_for_notifier {
                        return Ok(());
                    }
                }
                self.resume.begin(xid);
                if let Some(monitor) = monitor
                    && let Some(record) = monitor.begin(xid, wal_start, committed_at)
                {
                    self.records.transaction(monitor, &record)?;
                }
            }
            Step::Commit {
                xid,
                end_lsn,
                committed_at,
            } => {
                if let Some(telling) = &mut self.telling {
                    telling.commit(end_lsn, xid, committed_at);
                    if std::mem::take(&mut self.is_for_notifier) {
                        return Ok(());
                    }
                }
                if let Some(monitor) = monitor {
                    let record = monitor.end(xid, wal_start, committed_at);
                    self.records.transaction(monitor, &record)?;
                }
                self.commit(xid, end_lsn, committed_at);
            }
            Step::Relation(relation) => {
                let xid = self.assembler.xid();
                self.tables.learn(&relation, xid, self.telling.as_ref())?;
            }
            Step::Logical {
                transactional,
                prefix,
                content,
                mut position,
            } if self.messages.accepts(prefix) => {
                position.order = monitor
                    .filter(|_| transactional)
                    .map(TransactionMonitor::count_message);
                if self.resume.change(position.lsn) == Verdict::Send {
                    let now_ms = now_ns() / 1_000_000;
                    let messages = &mut self.messages;
                    self.records
                        .message(messages, (prefix, content), &position, now_ms)?;
                    add(&self.progress.changes, 1);
                }
            }
            Step::Logical { .. } | Step::Nothing => {}
        }
        Ok(())
    }

    fn fetch_xmin(&mut self) -> Result<(), Error> {
        if let Some(xmin) = &mut self.slot_xmin {
            let xmin = xmin.current(&mut self.tables)?;
            self.assembler.fetched(xmin);
        }
        Ok(())
    }

    /// The message after an undecided change tells whether that one has to be sent.
    fn decide(&mut self, wal_start: Lsn, next: &Message<'_>) -> Result<(), Error> {
        if matches!(
            next,
            Message::Relation { .. } | Message::Type { .. } | Message::Origin { .. }
        ) {
            return Ok(());
        }
        let Some((lsn, data)) = self.undecided.take() else {
            return Ok(());
        };
        let is_sent = matches!(next, Message::Commit { .. }) || !self.resume.shares_lsn(wal_start);
        let Step::Change(change) = self.assembler.assemble(lsn, decode(lsn, &data)?)? else {
            return Ok(());
        };
        let monitor = self.transactions.as_mut();
        if !is_sent {
            tell(&self.tables, self.telling.as_mut(), &change);
        }
        if is_sent {
            return count(&mut self.tables, monitor, change);
        }
        encode(&mut self.tables, monitor, change, &mut self.records)
    }

    fn commit(&mut self, xid: u32, end_lsn: Lsn, committed_at: PgTimestamp) {
        self.resume.commit();
        self.at = Reached {
            lsn: end_lsn,
            xid: Some(xid),
            committed_at,
            since: Instant::now(),
        };
        // Records of this transaction may still be in the buffer: the checkpoint comes after them.
        self.outlet
            .checkpoint_after(&self.records.buffer, self.checkpoint());
        add(&self.progress.transactions, 1);
    }

    /// The server has read up to `wal_end` and sent all that committed before. Storing this lets it remove WAL that holds
    /// nothing for us, as long as nothing is on its way. A server that shuts down is `urgent`: it waits until all its WAL is
    /// confirmed.
    fn idle_at(&mut self, wal_end: Lsn, urgent: bool) {
        let is_due = urgent || self.at.since.elapsed() >= self.idle_interval;
        if is_due
            && wal_end > self.at.lsn
            && !self.assembler.in_transaction()
            && self.records.buffer.is_empty()
            && self.outlet.is_settled()
        {
            self.at = Reached {
                lsn: wal_end,
                since: Instant::now(),
                ..self.at
            };
            self.outlet.checkpoint(self.checkpoint());
            if let Some(telling) = &mut self.telling {
                telling.idle_at(wal_end);
            }
        }
        if urgent {
            self.outlet.hurry();
        }
    }

    fn beat(&mut self) -> Result<(), Error> {
        let Some(heartbeats) = self
            .heartbeats
            .as_mut()
            .filter(|heartbeats| heartbeats.is_due())
        else {
            return Ok(());
        };
        heartbeats.beat(now_ns() / 1_000_000, &mut self.records)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::BetweenTransactions {
            lsn: self.at.lsn,
            last_commit_lsn: self.assembler.last_commit_lsn(),
            xid: self.at.xid,
            committed_at: self.at.committed_at,
        }
    }

    /// What Kafka and the notifier's outbox both have.
    fn confirm(&mut self, kafka_has: Option<Lsn>) {
        self.kafka_has = kafka_has.or(self.kafka_has);
        let Some(kafka_has) = self.kafka_has else {
            return;
        };
        let lsn = match &self.telling {
            Some(telling) => telling.confirmable(kafka_has),
            None => kafka_has,
        };
        if lsn == kafka_has {
            self.kafka_has = None;
        }
        if lsn > Lsn::ZERO {
            self.source.confirm(lsn);
            self.progress
                .confirmed_lsn
                .fetch_max(lsn.0, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn take_new_rules(&mut self) {
        if let Some(telling) = &mut self.telling
            && telling.take_new_rules()
        {
            self.tables.compile_rules_again(telling);
        }
    }
}

fn decode(lsn: Lsn, data: &[u8]) -> Result<Message<'_>, Error> {
    pgoutput::decode(data, false).map_err(|source| Error::Decode { lsn, source })
}

fn encode(
    tables: &mut Tables<'_>,
    monitor: Option<&mut TransactionMonitor>,
    mut change: Change<'_>,
    records: &mut Records,
) -> Result<(), Error> {
    let Some(encoder) = tables.encoder(change.relation_id, change.position.lsn)? else {
        return Ok(());
    };
    change.position.order = monitor
        .as_ref()
        .map(|monitor| monitor.next_of(encoder.table()));
    let changes = match records.change(encoder, &change, now_ns()) {
        Ok(changes) => changes,
        Err(error) => return tables.failed(error),
    };
    if let Some(monitor) = monitor {
        monitor.count(encoder.table(), changes);
    }
    Ok(())
}

/// The notifier sees what Kafka gets; neither waits for the other.
fn tell(tables: &Tables<'_>, telling: Option<&mut Telling<'_>>, change: &Change<'_>) {
    if let Some(telling) = telling
        && let Some(rules) = tables.rules(change.relation_id)
    {
        telling.change(rules, change);
    }
}

/// A change that was sent before the restart: it counts in its transaction.
fn count(
    tables: &mut Tables<'_>,
    monitor: Option<&mut TransactionMonitor>,
    change: Change<'_>,
) -> Result<(), Error> {
    match monitor {
        Some(monitor) => encode(tables, Some(monitor), change, &mut Records::straight()),
        None => Ok(()),
    }
}

/// Whether an update becomes a delete, a tombstone and a create. Transforms do not count.
fn is_several(tables: &mut Tables<'_>, change: Change<'_>) -> Result<bool, Error> {
    let mut records = Records::straight();
    if matches!(change.kind, ChangeKind::Update { .. }) {
        encode(tables, None, change, &mut records)?;
    }
    Ok(records.buffer.len() > 1)
}

/// A change of every table that a truncate names.
fn truncates<'a>(relation_ids: &[u32], position: Position<'a>) -> impl Iterator<Item = Change<'a>> {
    relation_ids.iter().map(move |relation_id| Change {
        relation_id: *relation_id,
        position,
        kind: ChangeKind::Truncate,
    })
}

/// Wall clock in nanoseconds since 1970.
pub(super) fn now_ns() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_nanos()).expect("the clock is before the year 2262")
}
