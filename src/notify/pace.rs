//! A token bucket on a clock that is passed in.

use std::time::Duration;

/// Lets `burst` through at once and then one every `interval`.
///
/// `now` is the time since any fixed start, on a clock that never jumps.
#[derive(Clone, Debug)]
pub struct Bucket {
    interval: Duration,
    burst: u32,
    /// When the bucket was, or will be, full again; each taken token moves it by one interval.
    full_at: Duration,
}

impl Bucket {
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst,
            full_at: Duration::ZERO,
        }
    }

    /// `per_minute` evenly, with a burst of a few.
    pub fn per_minute(per_minute: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(60) / per_minute.max(1), burst)
    }

    /// The earliest moment at which a token may be taken.
    pub fn ready_at(&self) -> Duration {
        (self.full_at + self.interval).saturating_sub(self.interval * self.burst)
    }

    /// Takes a token that is ready.
    pub fn take(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + self.interval;
    }

    /// Takes a token if one is ready.
    pub fn try_take(&mut self, now: Duration) -> bool {
        let ready = self.ready_at() <= now;
        if ready {
            self.take(now);
        }
        ready
    }

    /// Empties the bucket: after the far side said "too fast" there is no burst left.
    pub fn drain(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now + self.interval * self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let mut bucket = Bucket::new(seconds(1.0), 3);
        for _ in 0..3 {
            assert!(bucket.try_take(seconds(10.0)));
        }
        assert!(!bucket.try_take(seconds(10.9)));
        assert_eq!(bucket.ready_at(), seconds(11.0));
        assert!(bucket.try_take(seconds(11.0)));
        assert!(!bucket.try_take(seconds(11.5)));
    }

    #[test]
    fn an_idle_bucket_saves_no_more_than_its_burst() {
        let mut bucket = Bucket::new(seconds(1.0), 2);
        let taken = (0..5).filter(|_| bucket.try_take(seconds(100.0))).count();
        assert_eq!(taken, 2);
    }

    #[test]
    fn a_drained_bucket_has_no_burst_left() {
        let mut bucket = Bucket::new(seconds(1.0), 3);
        bucket.drain(seconds(5.0));
        assert!(!bucket.try_take(seconds(5.9)));
        assert!(bucket.try_take(seconds(6.0)));
        assert!(!bucket.try_take(seconds(6.5)));
    }
}
