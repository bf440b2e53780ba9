//! One moment on two clocks: what is waited for is counted on the one that never jumps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Since a fixed start of this process; never jumps.
    pub monotonic: Duration,
    /// Microseconds since 1970 by the wall clock, which may jump.
    pub wall_us: u64,
}

impl Moment {
    /// As a time of day.
    pub fn wall(self) -> Timestamp {
        let us = i64::try_from(self.wall_us).unwrap_or(i64::MAX);
        Timestamp::from_microsecond(us).unwrap_or_default()
    }

    pub fn wall_ms(self) -> i64 {
        i64::try_from(self.wall_us / 1_000).unwrap_or(i64::MAX)
    }
}

/// Where moments come from outside of tests.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub fn now(self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Moment {
            monotonic: self.started.elapsed(),
            wall_us: wall.map_or(0, |wall| {
                u64::try_from(wall.as_micros()).unwrap_or(u64::MAX)
            }),
        }
    }
}
