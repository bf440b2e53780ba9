//! How long the thread that stores rests: a change that comes alone is stored at once, and a burst of commits becomes few writes.

use std::time::{Duration, Instant};

/// Writing takes a fifth of the time at most, on the average.
const FACTOR: u32 = 4;
/// So much rest may be owed before any is taken: some dozens of stores on a quick disk, one on a slow one.
const CREDIT: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct Rest {
    owed: Duration,
    /// Until when what is owed was counted.
    counted: Option<Instant>,
}

impl Rest {
    /// How long to rest after a store.
    pub(super) fn after(&mut self, began: Instant, ended: Instant) -> Duration {
        let rested = self.counted.map_or(Duration::ZERO, |counted| {
            began.saturating_duration_since(counted)
        });
        let cost = ended.saturating_duration_since(began) * FACTOR;
        self.owed = (self.owed.saturating_sub(rested) + cost).min(CREDIT + LONGEST);
        self.counted = Some(ended);
        self.owed.saturating_sub(CREDIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stores that take `cost` and are wanted every `every`; how many of 1,000 began late, and how much of the time was written.
    fn run(cost: Duration, every: Duration) -> (u32, f64) {
        let start = Instant::now();
        let (mut rest, mut now, mut late, mut stores) = (Rest::default(), start, 0, 0_u32);
        for wanted in 0..1_000_u32 {
            let wanted = start + every * wanted;
            if now > wanted {
                late += 1;
                continue;
            }
            let ended = wanted + cost;
            stores += 1;
            now = ended + rest.after(wanted, ended);
        }
        let span = now.duration_since(start);
        (late, (cost * stores).as_secs_f64() / span.as_secs_f64())
    }

    #[test]
    fn single_changes_never_wait() {
        let ms = Duration::from_millis;
        assert_eq!(run(ms(10), ms(1_000)).0, 0);
        assert_eq!(run(ms(2), ms(20)).0, 0);
    }

    #[test]
    fn a_flood_is_stored_in_few_writes() {
        let (late, share) = run(Duration::from_millis(5), Duration::from_millis(6));
        assert!(late > 700, "{late}");
        assert!(share < 0.23, "{share}");
    }
}
