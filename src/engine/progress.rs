//! What a running connector has done so far, for those who look on: the progress bar, the demo, the measurements.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// Counters that only grow, written by the engine's thread and read by others.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    /// Rows that the snapshot's tables have by the catalog's estimate.
    pub snapshot_rows_expected: AtomicU64,
    pub snapshot_rows: AtomicU64,
    /// Changes of the stream.
    pub changes: AtomicU64,
    pub transactions: AtomicU64,
    /// Records given to the producer, their bytes, and those that Kafka acknowledged.
    pub records_sent: AtomicU64,
    pub bytes_sent: AtomicU64,
    pub records_acknowledged: AtomicU64,
    /// The position confirmed to PostgreSQL.
    pub confirmed_lsn: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Snapshot,
    Streaming,
    Stopped,
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Snapshot,
            2 => Phase::Streaming,
            _ => Phase::Stopped,
        }
    }
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Relaxed);
}
