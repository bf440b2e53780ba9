//! What the demo prints: the verdict, latencies, records. Pure.

use std::time::Duration;

use indicatif::HumanCount;

use super::database::Truth;
use super::seen::{Sample, Seen};
use crate::postgres::Lsn;

/// Something that must hold, and the numbers that show whether it does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) holds: bool,
    text: String,
}

impl Check {
    pub(super) fn new(holds: bool, text: String) -> Self {
        Self { holds, text }
    }

    pub(super) fn line(&self, colours: bool) -> String {
        let (mark, colour) = if self.holds { ("✓", 32) } else { ("✗", 31) };
        if colours {
            format!("\u{1b}[{colour}m{mark}\u{1b}[0m {}", self.text)
        } else {
            format!("{mark} {}", self.text)
        }
    }
}

/// The records against the database.
pub(super) fn checks(seen: &Seen, truth: &Truth) -> Vec<Check> {
    vec![
        snapshot(seen, truth),
        updates(seen, truth),
        nothing_missing(seen, truth),
        nothing_twice(seen),
        nothing_else(seen),
        final_status(seen, truth),
        confirmed(seen, truth),
    ]
}

fn snapshot(seen: &Seen, truth: &Truth) -> Check {
    let text = format!(
        "snapshot: {} records for {} rows of the table",
        HumanCount(seen.reads),
        HumanCount(truth.rows)
    );
    Check::new(seen.reads == truth.rows, text)
}

fn updates(seen: &Seen, truth: &Truth) -> Check {
    let expected = truth.history.len() as u64;
    let text = format!(
        "changes: {} update records for {} rows that a trigger wrote into transactions_history",
        HumanCount(seen.updates),
        HumanCount(expected)
    );
    Check::new(seen.updates == expected, text)
}

fn nothing_missing(seen: &Seen, truth: &Truth) -> Check {
    let (missing, unknown) = seen.compare(&truth.history);
    let text = format!(
        "nothing missing: {missing} changes of the history have no record (same payment, transaction, step), {unknown} records no \
         such change"
    );
    Check::new(missing == 0 && unknown == 0, text)
}

fn nothing_twice(seen: &Seen) -> Check {
    let (rows, changes) = (seen.repeated_reads, seen.repeated_changes());
    let text = format!("nothing twice: {rows} rows and {changes} changes came more than once");
    Check::new(rows == 0 && changes == 0, text)
}

fn nothing_else(seen: &Seen) -> Check {
    let (creates, deletes) = (seen.creates, seen.deletes);
    let (tombstones, unreadable) = (seen.tombstones, seen.unreadable);
    let text = format!(
        "nothing else: {creates} creates, {deletes} deletes, {tombstones} tombstones, {unreadable} unreadable records"
    );
    Check::new(creates + deletes + tombstones + unreadable == 0, text)
}

fn final_status(seen: &Seen, truth: &Truth) -> Check {
    let (kafka, postgres) = (seen.digest(), &truth.digest);
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let equal = kafka == *postgres;
    let text = if equal {
        format!(
            "final status: that of all {} payments is the same in Kafka and PostgreSQL (SHA-256 {}…)",
            HumanCount(seen.payments() as u64),
            short(&kafka)
        )
    } else {
        format!(
            "final status: {} payments in Kafka, {} in PostgreSQL, and they differ (SHA-256 {}… and {}…)",
            HumanCount(seen.payments() as u64),
            HumanCount(truth.rows),
            short(&kafka),
            short(postgres)
        )
    };
    Check::new(equal, text)
}

/// The position is that of a commit, which comes after every change of its transaction.
fn confirmed(seen: &Seen, truth: &Truth) -> Check {
    let last = Lsn(seen.last_lsn);
    let text = format!(
        "position: PostgreSQL may forget its log up to {}, the last change was at {last}",
        truth.confirmed
    );
    Check::new(truth.confirmed > last, text)
}

/// `lag p50 1.2 ms  p99 3.4 ms`, and sorts the lags.
pub(super) fn lag(lags_us: &mut [u64]) -> String {
    lags_us.sort_unstable();
    match (percentile(lags_us, 50), percentile(lags_us, 99)) {
        (Some(median), Some(high)) => format!("lag p50 {}  p99 {}", millis(median), millis(high)),
        (None, _) | (_, None) => "nothing arrived".to_owned(),
    }
}

/// The smallest value that `percent` of the sorted values do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn millis(us: u64) -> String {
    let millis = Duration::from_micros(us).as_secs_f64() * 1_000.0;
    format!("{millis:6.1} ms")
}

/// A status change as its record tells it, in two lines.
pub(super) fn sample(sample: &Sample) -> String {
    let change = &sample.change;
    format!(
        "  {:>10} → {:<10}  {:>11}  by {}, in Kafka {} after the commit\n             \
         key {{\"transaction_id\":\"{}\"}}, partition {}, offset {}, LSN {}, txId {}",
        change.old_status,
        change.new_status,
        sample.amount,
        sample.modified_by,
        millis(sample.lag_us).trim_start(),
        change.transaction_id,
        sample.place.partition,
        sample.place.offset,
        Lsn(sample.lsn),
        change.xid,
    )
}

/// Per second, rounded.
pub(super) fn rate(count: u64, elapsed: Duration) -> u64 {
    let elapsed_us = elapsed.as_micros().max(1);
    let per_second = (u128::from(count) * 1_000_000 + elapsed_us / 2) / elapsed_us;
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::seen::{Place, StatusChange};
    use super::*;

    const READ: &str = r#"{"before":null,"after":{"transaction_id":"a","status":"PENDING"},"source":{"ts_us":0,"txId":1,"lsn":100},"op":"r"}"#;
    const UPDATE: &str = r#"{"before":{"transaction_id":"a","status":"PENDING"},"after":{"transaction_id":"a","status":"FAILED"},"source":{"ts_us":0,"txId":2,"lsn":200},"op":"u"}"#;

    fn seen(records: &[&str]) -> Seen {
        let mut seen = Seen::default();
        for record in records {
            let place = Place {
                partition: 0,
                offset: 0,
            };
            seen.record(Some(record.as_bytes()), place, 0);
        }
        seen
    }

    fn truth() -> Truth {
        Truth {
            rows: 1,
            // printf a=FAILED | sha256sum
            digest: "34a94d936c1185edb1506b6d2023a0359dcae732ffe769eb154ac273f191435e".to_owned(),
            history: vec![StatusChange {
                xid: 2,
                transaction_id: "a".to_owned(),
                old_status: "PENDING".to_owned(),
                new_status: "FAILED".to_owned(),
            }],
            confirmed: Lsn(240),
        }
    }

    fn marks(records: &[&str], truth: &Truth) -> String {
        let checks = checks(&seen(records), truth);
        checks
            .iter()
            .filter_map(|check| check.line(false).chars().next())
            .collect()
    }

    #[test]
    fn every_kind_of_mistake_fails_its_check() {
        let truth = truth();
        assert_eq!(marks(&[READ, UPDATE], &truth), "✓✓✓✓✓✓✓");
        assert_eq!(marks(&[UPDATE], &truth), "✗✓✓✓✓✓✓");
        assert_eq!(marks(&[READ], &truth), "✓✗✗✓✓✗✓");
        assert_eq!(marks(&[READ, UPDATE, UPDATE], &truth), "✓✗✓✗✓✓✓");
        assert_eq!(marks(&[READ, READ, UPDATE], &truth), "✗✓✓✗✓✓✓");
        assert_eq!(marks(&[READ, UPDATE, "{}"], &truth), "✓✓✓✓✗✓✓");
        let behind = Truth {
            confirmed: Lsn(200),
            ..truth
        };
        assert_eq!(marks(&[READ, UPDATE], &behind), "✓✓✓✓✓✓✗");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), Some(100));
        assert_eq!(percentile(&values, 99), Some(198));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(lag(&mut [9_000, 1_000]), "lag p50    1.0 ms  p99    9.0 ms");
    }
}
