//! What the notifier counts before the outbox, for metrics; delivery counts for itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters that only grow, written by the threads of the notifier and read by others.
#[derive(Debug, Default)]
pub struct Tally {
    /// Notices that the outbox took.
    pub queued: AtomicU64,
    /// Held for the end of a window or of quiet hours, then told in a digest.
    pub held: AtomicU64,
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
}

pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}
