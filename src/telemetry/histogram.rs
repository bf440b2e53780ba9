//! How long something took, many times over, for metrics. Pure.

use std::time::Duration;

/// Upper bounds of the buckets: from a quick answer of Slack to a night of quiet hours.
pub const BOUNDS_MS: [u64; 15] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
    43_200_000,
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By bound, each without those before.
    counts: [u64; BOUNDS_MS.len()],
    count: u64,
    sum_ms: u64,
}

impl Histogram {
    pub fn observe(&mut self, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Some(bucket) = BOUNDS_MS.iter().position(|bound| ms <= *bound) {
            self.counts[bucket] += 1;
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    /// Each bound with how many took no longer.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0;
        BOUNDS_MS
            .into_iter()
            .zip(self.counts)
            .map(move |(bound, count)| {
                below += count;
                (bound, below)
            })
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[must_use]
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_what_took_no_longer_than_its_bound() {
        let mut histogram = Histogram::default();
        for ms in [0, 10, 11, 600, 99_999_999_999] {
            histogram.observe(Duration::from_millis(ms));
        }
        let below = |bound| histogram.buckets().find(|(at, _)| *at == bound).unwrap().1;
        assert_eq!(
            (below(10), below(25), below(500), below(1_000)),
            (2, 3, 3, 4)
        );
        assert_eq!((below(43_200_000), histogram.count()), (4, 5));
        assert_eq!(histogram.sum_ms(), 100_000_000_620);
    }
}
