//! What Slack was told against what it had to be told. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use indicatif::HumanCount;

use super::database::Due;
use super::report::{Check, lag};
use super::told::{Content, Digest, Money, One, Step, Told};
use crate::notify::mask::hide_card_numbers;

/// The messages beside the changes.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    due: u64,
    singles: u64,
    digests: u64,
    in_digests: u64,
    /// Changes that no message tells.
    missing: u64,
    /// Changes told that are none, and messages of something else.
    other: u64,
    /// Deliveries that came again, and changes told again.
    repeated: u64,
    /// In cents, by currency: told, and due.
    sums: BTreeMap<String, (u64, u64)>,
    /// Of single changes, from the trigger to Slack's acceptance.
    lags_us: Vec<u64>,
}

impl Comparison {
    pub(super) fn new(told: &[Told], due: &[Due]) -> Self {
        let mut comparison = Self {
            due: due.len() as u64,
            ..Self::default()
        };
        for due in due {
            comparison.sum(&due.money).1 += due.money.cents;
        }
        // A payment can fail twice.
        let mut open: HashMap<(String, Step), Vec<&Due>> = HashMap::new();
        let mut steps: BTreeMap<Step, i64> = BTreeMap::new();
        for due in due.iter().rev() {
            // As messages show it.
            let key = hide_card_numbers(&due.key);
            open.entry((key, due.step.clone())).or_default().push(due);
            *steps.entry(due.step.clone()).or_default() += 1;
        }
        let mut known = HashSet::new();
        for told in told {
            if !known.insert(&told.delivery_id) {
                comparison.repeated += 1;
                continue;
            }
            match &told.content {
                Content::One(one) => {
                    if comparison.single(one, told.accepted_at_us, &mut open) {
                        *steps.entry(one.step.clone()).or_default() -= 1;
                    }
                }
                Content::Digest(digest) => comparison.digest(digest, &mut steps),
                Content::Unreadable => comparison.other += 1,
            }
        }
        for left in steps.into_values() {
            let changes = left.unsigned_abs();
            match left {
                ..0 => comparison.other += changes,
                0.. => comparison.missing += changes,
            }
        }
        comparison
    }

    /// What was told, in a line.
    pub(super) fn summary(&mut self) -> String {
        let lag = if self.lags_us.is_empty() {
            String::new()
        } else {
            let lag = lag(&mut self.lags_us);
            format!(", commit → Slack {}", lag.trim_start_matches("lag "))
        };
        format!(
            "{}: {} of one change{lag}; {} of {}",
            counted(self.singles + self.digests, "message"),
            HumanCount(self.singles),
            counted(self.digests, "digest"),
            counted(self.in_digests, "change"),
        )
    }

    pub(super) fn checks(&self, rows: u64) -> Vec<Check> {
        vec![
            self.nothing_missing(),
            self.equal_sums(),
            self.nothing_twice(),
            self.nothing_else(rows),
        ]
    }

    fn nothing_missing(&self) -> Check {
        let text = format!(
            "nothing missing: {} of {} that the rules ask for are in no message, alone or counted with their step",
            HumanCount(self.missing),
            counted(self.due, "change"),
        );
        Check::new(self.missing == 0, text)
    }

    fn equal_sums(&self) -> Check {
        let holds = self.sums.values().all(|(told, due)| told == due);
        let sum = |(currency, (told, due)): (&String, &(u64, u64))| match told == due {
            true => format!("{} {currency}", money(*told)),
            false => format!("{} instead of {} {currency}", money(*told), money(*due)),
        };
        let mut sums: Vec<_> = self.sums.iter().map(sum).collect();
        if sums.is_empty() {
            sums.push("none".to_owned());
        }
        let verdict = if holds { "as" } else { "not as" };
        let text = format!(
            "amounts: {} told, {verdict} in PostgreSQL",
            sums.join(" and ")
        );
        Check::new(holds, text)
    }

    fn nothing_twice(&self) -> Check {
        let text = format!(
            "nothing twice: {} messages or changes came more than once",
            HumanCount(self.repeated)
        );
        Check::new(self.repeated == 0, text)
    }

    fn nothing_else(&self, rows: u64) -> Check {
        let text = format!(
            "nothing else: {} changes that no rule asks for, none of the snapshot's {} rows among them",
            HumanCount(self.other),
            HumanCount(rows)
        );
        Check::new(self.other == 0, text)
    }

    /// Whether it is due.
    fn single(
        &mut self,
        one: &One,
        accepted_at_us: i64,
        open: &mut HashMap<(String, Step), Vec<&Due>>,
    ) -> bool {
        self.singles += 1;
        self.sum(&one.money).0 += one.money.cents;
        let found = open.get_mut(&(one.key.clone(), one.step.clone()));
        match found.map(Vec::pop) {
            Some(Some(due)) => {
                let lag_us = accepted_at_us - due.changed_at_us;
                self.lags_us.push(u64::try_from(lag_us).unwrap_or_default());
                return true;
            }
            Some(None) => self.repeated += 1,
            None => self.other += 1,
        }
        false
    }

    fn digest(&mut self, digest: &Digest, steps: &mut BTreeMap<Step, i64>) {
        self.digests += 1;
        self.in_digests += digest.count;
        for money in &digest.sums {
            self.sum(money).0 += money.cents;
        }
        let mut counted = 0;
        for (step, count) in &digest.steps {
            *steps.entry(step.clone()).or_default() -= i64::try_from(*count).unwrap_or(i64::MAX);
            counted += count;
        }
        // Its steps are not what its first line says.
        self.other += digest.count.abs_diff(counted);
    }

    fn sum(&mut self, money: &Money) -> &mut (u64, u64) {
        self.sums.entry(money.currency.clone()).or_default()
    }
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(count))
}

/// `1,234.50`.
fn money(cents: u64) -> String {
    format!("{}.{:02}", HumanCount(cents / 100), cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Step {
        Step {
            from: "PENDING".to_owned(),
            to: "FAILED".to_owned(),
        }
    }

    fn usd(cents: u64) -> Money {
        Money {
            currency: "USD".to_owned(),
            cents,
        }
    }

    fn due(key: &str, cents: u64) -> Due {
        Due {
            key: key.to_owned(),
            step: step(),
            money: usd(cents),
            changed_at_us: 1_000,
        }
    }

    fn one(id: &str, key: &str, cents: u64) -> Told {
        Told {
            delivery_id: id.to_owned(),
            accepted_at_us: 3_500,
            content: Content::One(One {
                key: key.to_owned(),
                step: step(),
                money: usd(cents),
            }),
        }
    }

    fn digest(id: &str, count: u64, counted: u64, cents: u64) -> Told {
        Told {
            delivery_id: id.to_owned(),
            accepted_at_us: 9_000,
            content: Content::Digest(Digest {
                count,
                steps: vec![(step(), counted)],
                sums: vec![usd(cents)],
            }),
        }
    }

    fn marks(told: &[Told]) -> String {
        let due = [due("a", 100), due("b", 200), due("c", 300), due("a", 100)];
        let checks = Comparison::new(told, &due).checks(1);
        let mark = |check: &Check| check.line(false).chars().next();
        checks.iter().filter_map(mark).collect()
    }

    #[test]
    fn every_kind_of_mistake_fails_its_check() {
        let (a, b) = (one("1", "a", 100), one("2", "b", 200));
        let rest = digest("3", 2, 2, 400);
        let good = [a.clone(), b.clone(), rest.clone()];
        assert_eq!(marks(&good), "✓✓✓✓");
        assert_eq!(marks(&[]), "✗✗✓✓");
        assert_eq!(marks(&[b.clone(), rest.clone()]), "✗✗✓✓");
        // The same payment twice is twice due; the same delivery twice is one too many.
        assert_eq!(
            marks(&[a.clone(), one("4", "a", 100), digest("3", 2, 2, 500)]),
            "✓✓✓✓"
        );
        assert_eq!(
            marks(&[&good[..], std::slice::from_ref(&rest)].concat()),
            "✓✓✗✓"
        );
        assert_eq!(
            marks(&[
                a.clone(),
                one("4", "b", 200),
                b.clone(),
                digest("3", 1, 1, 200)
            ]),
            "✗✓✗✓"
        );
        let unknown = one("2", "x", 200);
        assert_eq!(marks(&[a.clone(), unknown, rest.clone()]), "✗✓✓✗");
        assert_eq!(
            marks(&[a.clone(), b.clone(), digest("3", 1, 1, 400)]),
            "✗✓✓✓"
        );
        assert_eq!(
            marks(&[a.clone(), b.clone(), digest("3", 3, 3, 400)]),
            "✓✓✓✗"
        );
        assert_eq!(
            marks(&[a.clone(), b.clone(), digest("3", 3, 2, 400)]),
            "✓✓✓✗"
        );
        assert_eq!(
            marks(&[a.clone(), b.clone(), digest("3", 2, 2, 401)]),
            "✓✗✓✓"
        );
        let strange = Told {
            content: Content::Unreadable,
            ..one("5", "a", 0)
        };
        assert_eq!(marks(&[&good[..], &[strange]].concat()), "✓✓✓✗");
    }

    #[test]
    fn the_summary_has_the_lag_of_single_changes() {
        let told = [one("1", "a", 100), digest("2", 1, 1, 200)];
        let mut comparison = Comparison::new(&told, &[due("a", 100), due("b", 200)]);
        assert_eq!(
            comparison.summary(),
            "2 messages: 1 of one change, commit → Slack p50    2.5 ms  p99    2.5 ms; 1 digest of 1 change"
        );
        assert_eq!(money(123_450), "1,234.50");
    }

    #[test]
    fn a_key_that_looks_like_a_card_number_is_compared_as_it_is_shown() {
        let card = "4111-1111-1111-1111";
        let told = [one("1", &hide_card_numbers(card), 100)];
        let comparison = Comparison::new(&told, &[due(card, 100)]);
        assert!(comparison.checks(0).iter().all(|check| check.holds));
    }
}
