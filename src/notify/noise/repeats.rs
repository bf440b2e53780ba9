//! Changes that were told lately, so that equal ones are counted and not told again. Bounded in time and in number; forgetting one costs
//! the same however many there are.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// The oldest are forgotten first, and told again at worst.
const MOST: usize = 200_000;
/// How long repeats that no message counted yet are kept for the next one: as long as threads go on.
const KEEP_UNCOUNTED: Duration = Duration::from_secs(30 * 24 * 3_600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    at: Timestamp,
    /// Not told since.
    repeats: u64,
}

#[derive(Debug, Default)]
pub(super) struct Repeats {
    told: FxHashMap<String, Told>,
    /// In the order in which they were told. One that was told again since has another time, and a place of its own.
    order: VecDeque<(Timestamp, String)>,
    /// Those whose time is over and whose repeats no message counted.
    uncounted: VecDeque<(Timestamp, String)>,
    changed: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is counted.
    Again,
    /// It is told, and so many repeats of the last time with it.
    New { repeats: u64 },
}

impl Repeats {
    /// As they were stored.
    pub(super) fn load(stored: FxHashMap<String, Told>) -> Self {
        let order = stored.iter().map(|(key, told)| (told.at, key.clone()));
        let mut order: Vec<_> = order.collect();
        order.sort_unstable();
        Self {
            order: order.into(),
            told: stored,
            ..Self::default()
        }
    }

    pub(super) fn see(&mut self, key: String, dedupe: Duration, now: Timestamp) -> Seen {
        self.changed.insert(key.clone());
        match self.told.get_mut(&key) {
            Some(told) if elapsed(told.at, now) < dedupe => {
                told.repeats += 1;
                Seen::Again
            }
            known => {
                let repeats = known.map_or(0, |told| told.repeats);
                self.order.push_back((now, key.clone()));
                let told = Told {
                    at: now,
                    repeats: 0,
                };
                self.told.insert(key, told);
                Seen::New { repeats }
            }
        }
    }

    /// Forgets what no longer matters. `longest` is the longest `dedupe` of all rules.
    pub(super) fn forget(&mut self, longest: Duration, now: Timestamp) {
        while let Some((at, key)) = self.uncounted.front() {
            let is_here = self.told.get(key).is_some_and(|told| told.at == *at);
            if is_here && elapsed(*at, now) < KEEP_UNCOUNTED && self.told.len() <= MOST {
                break;
            }
            if let Some((_, key)) = self.uncounted.pop_front()
                && is_here
            {
                self.remove(key);
            }
        }
        while let Some((at, key)) = self.order.front() {
            let told = self.told.get(key).filter(|told| told.at == *at);
            let repeats = told.map(|told| told.repeats);
            let is_crowded = self.told.len() > MOST;
            if repeats.is_some() && elapsed(*at, now) < longest && !is_crowded {
                break;
            }
            let Some((at, key)) = self.order.pop_front() else {
                break;
            };
            match repeats {
                None => {}
                Some(1..) if !is_crowded => self.uncounted.push_back((at, key)),
                Some(_) => self.remove(key),
            }
        }
    }

    /// Those that changed since this was asked last, `None` for those that are forgotten.
    pub(super) fn take_changed(&mut self) -> Vec<(String, Option<&Told>)> {
        let changed = std::mem::take(&mut self.changed);
        let told = |key: String| {
            let told = self.told.get(&key);
            (key, told)
        };
        changed.into_iter().map(told).collect()
    }

    fn remove(&mut self, key: String) {
        self.told.remove(&key);
        self.changed.insert(key);
    }
}

/// Zero if the clock was set back.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + i64::try_from(seconds).unwrap()).unwrap()
    }

    #[test]
    fn what_is_over_is_forgotten_unless_a_message_must_count_it() {
        let mut repeats = Repeats::default();
        for key in ["a", "b"] {
            let seen = repeats.see(key.to_owned(), HOUR, at(0));
            assert_eq!(seen, Seen::New { repeats: 0 });
        }
        assert_eq!(repeats.see("b".to_owned(), HOUR, at(10)), Seen::Again);
        repeats.take_changed();
        repeats.forget(HOUR, at(3_599));
        assert_eq!(repeats.told.len(), 2);
        repeats.forget(HOUR, at(3_600));
        assert_eq!(repeats.take_changed(), [("a".to_owned(), None)]);
        let again = repeats.see("b".to_owned(), HOUR, at(7_200));
        assert_eq!(again, Seen::New { repeats: 1 });
        repeats.see("b".to_owned(), HOUR, at(7_201));
        repeats.forget(HOUR, at(20_000));
        assert_eq!(repeats.told.len(), 1);
        repeats.forget(HOUR, at(7_200 + 30 * 24 * 3_600));
        assert!(repeats.told.is_empty() && repeats.order.is_empty());
        assert!(repeats.uncounted.is_empty());
    }

    #[test]
    fn there_are_never_more_than_it_may_remember() {
        let mut repeats = Repeats::default();
        for number in 0..MOST + 500 {
            repeats.see(number.to_string(), HOUR, at(0));
            repeats.see(number.to_string(), HOUR, at(0));
            repeats.forget(HOUR, at(0));
        }
        assert_eq!((repeats.told.len(), repeats.order.len()), (MOST, MOST));
        assert_eq!(
            repeats.see("0".to_owned(), HOUR, at(0)),
            Seen::New { repeats: 0 }
        );
    }
}
