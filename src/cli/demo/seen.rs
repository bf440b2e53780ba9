//! What the records of the topic have told so far. Pure.

use std::borrow::Cow;

use openssl::sha::Sha256;
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// A status change of a payment, as both the topic and the database's history tell it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StatusChange {
    pub(super) xid: u64,
    pub(super) transaction_id: String,
    pub(super) old_status: String,
    pub(super) new_status: String,
}

/// A record worth showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) place: Place,
    pub(super) change: StatusChange,
    pub(super) modified_by: String,
    pub(super) amount: String,
    pub(super) lsn: u64,
    pub(super) lag_us: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// The records so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) reads: u64,
    pub(super) creates: u64,
    pub(super) updates: u64,
    pub(super) deletes: u64,
    pub(super) tombstones: u64,
    /// Records that do not say what every record of the table says.
    pub(super) unreadable: u64,
    pub(super) bytes: u64,
    /// Snapshot records of a payment that had one already.
    pub(super) repeated_reads: u64,
    /// Start of the last WAL record that a record tells of.
    pub(super) last_lsn: u64,
    statuses: FxHashMap<String, String>,
    changes: FxHashMap<StatusChange, u32>,
    /// From commit to us, of the updates since they were taken last.
    lags_us: Vec<u64>,
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    before: Option<Row<'a>>,
    #[serde(borrow)]
    after: Option<Row<'a>>,
    source: Source,
    #[serde(borrow)]
    op: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    transaction_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    modified_by: Option<Cow<'a, str>>,
    #[serde(borrow)]
    amount: Option<Cow<'a, str>>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Source {
    ts_us: i64,
    #[serde(rename = "txId")]
    xid: u64,
    lsn: u64,
}

impl Seen {
    /// Takes in one record that arrived at `now_us`, in microseconds since 1970.
    pub(super) fn record(&mut self, value: Option<&[u8]>, place: Place, now_us: i64) {
        let Some(value) = value else {
            self.tombstones += 1;
            return;
        };
        self.bytes += value.len() as u64;
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(value) else {
            self.unreadable += 1;
            return;
        };
        self.last_lsn = self.last_lsn.max(envelope.source.lsn);
        match (&*envelope.op, &envelope.before, &envelope.after) {
            ("r", None, Some(after)) => {
                self.reads += 1;
                self.repeated_reads += u64::from(self.stands(after));
            }
            ("c", None, Some(after)) => {
                self.creates += 1;
                self.stands(after);
            }
            ("u", Some(before), Some(after)) => {
                self.update(before, after, &envelope.source, place, now_us);
            }
            ("d", Some(before), None) => {
                self.deletes += 1;
                self.statuses.remove(&*before.transaction_id);
            }
            _ => self.unreadable += 1,
        }
    }

    fn update(
        &mut self,
        before: &Row<'_>,
        after: &Row<'_>,
        source: &Source,
        place: Place,
        now_us: i64,
    ) {
        self.updates += 1;
        self.stands(after);
        let lag_us = u64::try_from(now_us - source.ts_us).unwrap_or_default();
        self.lags_us.push(lag_us);
        let change = StatusChange {
            xid: source.xid,
            transaction_id: after.transaction_id.to_string(),
            old_status: before.status.to_string(),
            new_status: after.status.to_string(),
        };
        if self.is_new_kind(&change) {
            let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("?").to_owned();
            self.samples.push(Sample {
                place,
                change: change.clone(),
                modified_by: text(&after.modified_by),
                amount: format!("{} {}", text(&after.amount), text(&after.currency)),
                lsn: source.lsn,
                lag_us,
            });
        }
        *self.changes.entry(change).or_default() += 1;
    }

    /// Remembers where a payment stands now; returns whether it stood anywhere before.
    fn stands(&mut self, row: &Row<'_>) -> bool {
        let id = row.transaction_id.to_string();
        self.statuses.insert(id, row.status.to_string()).is_some()
    }

    fn is_new_kind(&self, change: &StatusChange) -> bool {
        let kind = |change: &StatusChange| (change.old_status.clone(), change.new_status.clone());
        !self
            .samples
            .iter()
            .any(|sample| kind(&sample.change) == kind(change))
    }

    /// The lags since the last call.
    pub(super) fn take_lags_us(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.lags_us)
    }

    /// A record of each kind of status change.
    pub(super) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Payments that a record told of.
    pub(super) fn payments(&self) -> usize {
        self.statuses.len()
    }

    /// Status changes that came more than once.
    pub(super) fn repeated_changes(&self) -> usize {
        self.changes.values().filter(|&&count| count > 1).count()
    }

    /// How many of these never came, and how many came that are none of these.
    pub(super) fn compare(&self, history: &[StatusChange]) -> (usize, usize) {
        let found = history
            .iter()
            .filter(|change| self.changes.contains_key(change))
            .count();
        (
            history.len() - found,
            self.changes.len().saturating_sub(found),
        )
    }

    /// SHA-256 of `id=status` lines in the order of the ids: what every payment ended as.
    pub(super) fn digest(&self) -> String {
        let mut payments: Vec<_> = self.statuses.iter().collect();
        payments.sort_unstable();
        let mut digest = Sha256::new();
        for (index, (id, status)) in payments.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            digest.update(format!("{line_end}{id}={status}").as_bytes());
        }
        let hex = digest.finish().map(|byte| format!("{byte:02x}"));
        hex.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        partition: 0,
        offset: 0,
    };

    fn row(id: &str, status: &str) -> String {
        format!(
            r#"{{"transaction_id":"{id}","amount":"1.50","currency":"GBP","status":"{status}","modified_by":"x"}}"#
        )
    }

    fn record(op: &str, before: &str, after: &str, xid: u64) -> String {
        let source = format!(r#"{{"ts_us":1000,"snapshot":"false","txId":{xid},"lsn":{xid}00}}"#);
        format!(r#"{{"before":{before},"after":{after},"source":{source},"op":"{op}"}}"#)
    }

    fn seen(records: &[String]) -> Seen {
        let mut seen = Seen::default();
        for value in records {
            seen.record(Some(value.as_bytes()), PLACE, 1_250);
        }
        seen
    }

    fn change(xid: u64, old_status: &str, new_status: &str) -> StatusChange {
        StatusChange {
            xid,
            transaction_id: "a".to_owned(),
            old_status: old_status.to_owned(),
            new_status: new_status.to_owned(),
        }
    }

    #[test]
    fn operations_are_counted_and_the_last_status_counts() {
        let mut seen = seen(&[
            record("r", "null", &row("a", "PENDING"), 1),
            record("r", "null", &row("b", "SETTLED"), 1),
            record("u", &row("a", "PENDING"), &row("a", "FAILED"), 2),
            record("c", "null", &row("c", "PENDING"), 3),
            record("d", &row("b", "SETTLED"), "null", 4),
            "{}".to_owned(),
        ]);
        seen.record(None, PLACE, 0);
        let counts = (seen.reads, seen.creates, seen.updates, seen.deletes);
        assert_eq!(counts, (2, 1, 1, 1));
        assert_eq!((seen.tombstones, seen.unreadable), (1, 1));
        assert_eq!((seen.payments(), seen.last_lsn), (2, 400));
        assert_eq!(seen.take_lags_us(), [250]);
        assert!(seen.take_lags_us().is_empty());
        // printf 'a=FAILED\nc=PENDING' | sha256sum
        assert_eq!(
            seen.digest(),
            "7599d34d963ea171b36bc3b3a55dad24a4c927e43511d8370ee1a49a8c77a872"
        );
    }

    #[test]
    fn a_change_that_came_twice_or_never_or_is_unknown_is_noticed() {
        let update = record("u", &row("a", "PENDING"), &row("a", "FAILED"), 2);
        let seen = seen(&[update.clone(), update]);
        assert_eq!(seen.repeated_changes(), 1);
        assert_eq!(seen.compare(&[change(2, "PENDING", "FAILED")]), (0, 0));
        let other = [
            change(3, "PENDING", "FAILED"),
            change(4, "FAILED", "PENDING"),
        ];
        assert_eq!(seen.compare(&other), (2, 1));
    }

    #[test]
    fn a_row_that_the_snapshot_wrote_twice_is_noticed() {
        let read = record("r", "null", &row("a", "PENDING"), 1);
        let seen = seen(&[read.clone(), read]);
        assert_eq!(
            (seen.reads, seen.repeated_reads, seen.payments()),
            (2, 1, 1)
        );
    }

    #[test]
    fn one_record_of_each_kind_is_kept_to_be_shown() {
        let update = |xid| record("u", &row("a", "PENDING"), &row("a", "FAILED"), xid);
        let seen = seen(&[update(2), update(3)]);
        let [sample] = seen.samples() else { panic!() };
        assert_eq!(sample.change, change(2, "PENDING", "FAILED"));
        assert_eq!((&*sample.amount, sample.lag_us), ("1.50 GBP", 250));
    }
}
