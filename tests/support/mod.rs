//! What several tests need.

pub(crate) mod connector;
pub(crate) mod database;
pub(crate) mod kafka;
pub(crate) mod postgres;

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that should be quick: the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until `found` returns something.
pub(crate) fn eventually<T>(what: impl Fn() -> String, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {}", what());
        thread::sleep(Duration::from_millis(10));
    }
}
