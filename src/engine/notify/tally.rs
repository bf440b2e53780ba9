//! What the notifier counts before the outbox, for metrics; delivery counts for itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::telemetry::histogram::Histogram;

/// Counters that only grow, written by the threads of the notifier and read by others.
#[derive(Debug, Default)]
pub struct Tally {
    /// Notices that the outbox took.
    pub queued: AtomicU64,
    /// Held for the end of a window, then told in a digest.
    pub held_window: AtomicU64,
    /// Held for the end of quiet hours.
    pub held_quiet: AtomicU64,
    pub repeated: AtomicU64,
    pub muted: AtomicU64,
    /// Told late, in one digest of what happened during a stop.
    pub stale: AtomicU64,
    /// Changes that a rule could not decide.
    pub rule_errors: AtomicU64,
    /// Stores, how long they took, and those that failed.
    pub stores: AtomicU64,
    pub store_us: AtomicU64,
    pub store_failures: AtomicU64,
    /// The outbox takes nothing: positions are not confirmed.
    pub is_refused: AtomicBool,
    /// From the commit, or from the end of what held a notice, to the outbox.
    pub enqueued: Mutex<Histogram>,
    /// From the first change of a digest to the end of the window or of the quiet hours.
    pub hold: Mutex<Histogram>,
    /// How far the database's clock was ahead of ours at the last notice, at least.
    pub clock_ahead_ms: AtomicU64,
}

pub(super) fn observe(histogram: &Mutex<Histogram>, took: Duration) {
    let mut histogram = histogram.lock().unwrap_or_else(PoisonError::into_inner);
    histogram.observe(took);
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}
