//! Compares two captures, record by record.

use std::collections::BTreeMap;

use super::bytes::{comparable, topic_pattern, without_prefix};
use super::capture::{Bytes, Capture, Record};
use super::pair::{Pair, Seen, place, shown};
use super::volatile::{Role, Servers, Volatile};

/// How far to look for the record where two sides meet again after one lacks some.
const LOOK_AHEAD: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) topics: Vec<TopicSummary>,
    pub(super) differences: Vec<Difference>,
}

#[derive(Debug)]
pub(super) struct TopicSummary {
    /// With `*` for the prefix.
    pub(super) topic: String,
    pub(super) left_records: usize,
    pub(super) right_records: usize,
    pub(super) compared: usize,
    pub(super) differences: usize,
    /// Floating point numbers of the same value in another spelling.
    pub(super) respelled: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) topic: String,
    pub(super) left: Option<Place>,
    pub(super) right: Option<Place>,
    /// `value.payload.after.amount`, `key`, `headers[2]`, or `record` when a side lacks it.
    pub(super) path: String,
    pub(super) left_text: Vec<u8>,
    pub(super) right_text: Vec<u8>,
    /// What was expected, where it is not equality.
    pub(super) rule: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl Report {
    pub(super) fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

/// `heartbeats` is the topic of the heartbeats, with `*` for the prefix.
pub(super) fn compare(
    left: &Capture,
    right: &Capture,
    heartbeats: &str,
    servers: Servers,
) -> Report {
    let mut topics: BTreeMap<String, [Vec<&Record>; 2]> = BTreeMap::new();
    for (side, capture) in [left, right].into_iter().enumerate() {
        let beats = heartbeats.replace('*', &capture.prefix);
        for record in &capture.records {
            let topic = if record.topic == beats {
                heartbeats.to_owned()
            } else {
                topic_pattern(&record.topic, &capture.prefix)
            };
            topics.entry(topic).or_default()[side].push(record);
        }
    }
    let mut comparison = Comparison {
        prefixes: [&left.prefix, &right.prefix],
        heartbeats,
        servers,
        seen: Seen::new(servers),
        report: Report::default(),
    };
    for (topic, [left, right]) in topics {
        comparison.topic(topic, &left, &right);
    }
    comparison.report
}

struct Comparison<'a> {
    prefixes: [&'a str; 2],
    heartbeats: &'a str,
    servers: Servers,
    seen: Seen,
    report: Report,
}

/// Records that must be equal in this order.
type Lane<'r> = [Vec<&'r Record>; 2];

impl Comparison<'_> {
    fn topic(&mut self, topic: String, left: &[&Record], right: &[&Record]) {
        let before = self.report.differences.len();
        let mut summary = TopicSummary {
            topic,
            left_records: left.len(),
            right_records: right.len(),
            compared: 0,
            differences: 0,
            respelled: 0,
        };
        if summary.topic == self.heartbeats {
            self.heartbeats(&mut summary, left, right);
        } else {
            for lane in self.lanes(left, right) {
                for pair in self.align(lane) {
                    self.pair(&mut summary, pair);
                }
            }
        }
        summary.differences = self.report.differences.len() - before;
        self.report.topics.push(summary);
    }

    /// How many heartbeats there are is a matter of time; what is in them is not. Both sides may write to one topic.
    fn heartbeats(&mut self, summary: &mut TopicSummary, left: &[&Record], right: &[&Record]) {
        let [left, right] = [(left, 0), (right, 1)].map(|(records, side)| {
            let own = |record: &&&Record| {
                let key = record.key.as_ref();
                key.is_none_or(|Bytes(key)| *without_prefix(key, self.prefixes[side]) != **key)
            };
            records.iter().filter(own).copied().collect::<Vec<_>>()
        });
        for (left, right) in left.iter().zip(&right) {
            self.records(summary, Role::Heartbeat, left, right);
        }
        if left.is_empty() != right.is_empty() {
            self.pair(summary, (left.first().copied(), right.first().copied()));
        }
    }

    /// One lane per partition. A key with its schema holds the prefix, so that its hash differs on the two sides: such
    /// records of a topic with several partitions are compared per key.
    fn lanes<'r>(&self, left: &[&'r Record], right: &[&'r Record]) -> Vec<Lane<'r>> {
        let all = || left.iter().chain(right);
        let has_schema = |record: &&&Record| {
            let key = record.key.as_ref();
            key.is_some_and(|Bytes(key)| key.starts_with(b"{\"schema\":{"))
        };
        let by_key = all().any(|record| record.partition > 0) && all().any(|r| has_schema(&r));
        let mut lanes: BTreeMap<(i32, Vec<u8>), Lane<'r>> = BTreeMap::new();
        for (side, records) in [left, right].into_iter().enumerate() {
            for record in records {
                let lane = match &record.key {
                    Some(Bytes(key)) if by_key => {
                        (0, without_prefix(key, self.prefixes[side]).into_owned())
                    }
                    None if by_key => (0, Vec::new()),
                    _ => (record.partition, Vec::new()),
                };
                lanes.entry(lane).or_default()[side].push(record);
            }
        }
        lanes.into_values().collect()
    }

    /// Pairs by position. When the counts differ, a record that the other side lacks stands alone, so that one lost record
    /// is one difference and not thousands.
    fn align<'r>(&self, [left, right]: Lane<'r>) -> Vec<(Option<&'r Record>, Option<&'r Record>)> {
        if left.len() == right.len() {
            let pairs = left.into_iter().zip(right);
            return pairs
                .map(|(left, right)| (Some(left), Some(right)))
                .collect();
        }
        let comparable: [Vec<Vec<u8>>; 2] = [
            left.iter()
                .map(|record| self.comparable(0, record))
                .collect(),
            right
                .iter()
                .map(|record| self.comparable(1, record))
                .collect(),
        ];
        let same = |l: usize, r: usize| match (comparable[0].get(l), comparable[1].get(r)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        };
        let mut pairs = Vec::with_capacity(left.len().max(right.len()));
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            let ahead = (1..LOOK_AHEAD).find(|&by| same(l + by, r) || same(l, r + by));
            let (skip_left, skip_right) = match ahead {
                Some(by) if !same(l, r) && same(l + by, r) => (by, 0),
                Some(by) if !same(l, r) => (0, by),
                _ => (0, 0),
            };
            if (skip_left, skip_right) == (0, 0) {
                pairs.push((left.get(l).copied(), right.get(r).copied()));
                (l, r) = (l + 1, r + 1);
                continue;
            }
            for record in left.iter().skip(l).take(skip_left) {
                pairs.push((Some(*record), None));
            }
            for record in right.iter().skip(r).take(skip_right) {
                pairs.push((None, Some(*record)));
            }
            (l, r) = (l + skip_left, r + skip_right);
        }
        pairs
    }

    fn comparable(&self, side: usize, record: &Record) -> Vec<u8> {
        let mut all = Vec::new();
        for part in [&record.key, &record.value] {
            if let Some(Bytes(bytes)) = part {
                let spans = Volatile::find(bytes, role(record), self.servers).spans;
                all.extend_from_slice(&comparable(bytes, &spans, self.prefixes[side]));
            }
            all.push(b'\n');
        }
        all
    }

    fn pair(&mut self, summary: &mut TopicSummary, pair: (Option<&Record>, Option<&Record>)) {
        if let (Some(left), Some(right)) = pair {
            self.records(summary, role(left), left, right);
            return;
        }
        let describe = |record: Option<&Record>| match record {
            None => b"(no record)".to_vec(),
            Some(record) => shown(record.key.as_ref().or(record.value.as_ref())),
        };
        self.report.differences.push(Difference {
            topic: summary.topic.clone(),
            left: pair.0.map(place),
            right: pair.1.map(place),
            path: "record".to_owned(),
            left_text: describe(pair.0),
            right_text: describe(pair.1),
            rule: Some("both sides must have the record".to_owned()),
        });
    }

    fn records(&mut self, summary: &mut TopicSummary, role: Role, left: &Record, right: &Record) {
        summary.compared += 1;
        let mut pair = Pair::new(&summary.topic, self.prefixes, role, left, right);
        pair.compare(&mut self.seen);
        summary.respelled += pair.respelled;
        self.report.differences.append(&mut pair.differences);
    }
}

/// What a record says about itself, in whichever topic: that of the transactions can have any name.
fn role(record: &Record) -> Role {
    let has = |name: &[u8]| {
        let value = record.value.as_ref();
        value.is_some_and(|Bytes(value)| memchr::memmem::find(value, name).is_some())
    };
    let is_boundary = has(b"\"data_collections\"") && !has(b"\"source\":");
    if is_boundary && has(b"\"status\":\"BEGIN\"") {
        Role::Begin
    } else if is_boundary && has(b"\"status\":\"END\"") {
        Role::End
    } else {
        Role::Rows
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::RUN_ID_HEADER;
    use super::*;

    const RUN: [&str; 2] = [
        "019a7f0e-0000-7000-8000-000000000001",
        "019a7f0e-0000-7000-8000-000000000002",
    ];

    /// A streamed row as each of two connectors writes it.
    fn row(side: usize, id: usize, amount: &str) -> Record {
        let prefix = ["dbz", "wal"][side];
        let ms = 1_795_332_678_637 + 7 * side;
        record(
            &format!("{prefix}.public.t"),
            &format!("{{\"id\":{id}}}"),
            &format!(
                "{{\"before\":null,\"after\":{{\"id\":{id},\"amount\":{amount}}},\"source\":{{\"name\":\"{prefix}\",\"snapshot\":\"false\",\"lsn\":{id}}},\"op\":\"c\",\"ts_ms\":{ms},\"ts_us\":{ms}001,\"ts_ns\":{ms}001002}}"
            ),
            &[
                ("__debezium.context.connectorLogicalName", prefix),
                (RUN_ID_HEADER, RUN[side]),
            ],
        )
    }

    fn record(topic: &str, key: &str, value: &str, headers: &[(&str, &str)]) -> Record {
        let bytes = |text: &str| Some(Bytes(text.as_bytes().to_vec()));
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), bytes(value));
        Record {
            topic: topic.to_owned(),
            partition: 0,
            offset: 0,
            key: bytes(key),
            value: bytes(value),
            headers: headers.iter().map(header).collect(),
        }
    }

    fn capture(prefix: &str, mut records: Vec<Record>) -> Capture {
        for (offset, record) in records.iter_mut().enumerate() {
            record.offset = i64::try_from(offset).unwrap();
        }
        let prefix = prefix.to_owned();
        Capture { prefix, records }
    }

    fn compared(left: Vec<Record>, right: Vec<Record>) -> Report {
        let (left, right) = (capture("dbz", left), capture("wal", right));
        compare(&left, &right, "__debezium-heartbeat.*", Servers::One)
    }

    fn paths(report: &Report) -> Vec<&str> {
        report.differences.iter().map(|d| d.path.as_str()).collect()
    }

    #[test]
    fn two_runs_of_the_same_changes_are_equal() {
        let report = compared(
            vec![row(0, 1, "5"), row(0, 2, "6")],
            vec![row(1, 1, "5"), row(1, 2, "6")],
        );
        assert_eq!(paths(&report), [""; 0]);
        assert_eq!(report.topics[0].topic, "*.public.t");
        assert_eq!(report.topics[0].compared, 2);
    }

    #[test]
    fn every_scalar_that_differs_is_named() {
        let report = compared(vec![row(0, 1, "5")], vec![row(1, 2, "\"5\"")]);
        let expected = [
            "key.id",
            "value.after.id",
            "value.after.amount",
            "value.source.lsn",
        ];
        assert_eq!(paths(&report), expected);
        assert_eq!(report.differences[2].right_text, b"\"5\"");
    }

    #[test]
    fn the_order_of_fields_and_white_space_count() {
        let mut moved = row(1, 1, "5");
        let value = String::from_utf8(moved.value.take().unwrap().0).unwrap();
        let swapped = value.replace("\"id\":1,\"amount\":5", "\"amount\":5,\"id\":1");
        moved.value = Some(Bytes(swapped.into_bytes()));
        let report = compared(vec![row(0, 1, "5")], vec![moved]);
        assert_eq!(paths(&report), ["value.after.id"]);
        let report = compared(vec![row(0, 1, "5")], vec![row(1, 1, " 5")]);
        assert_eq!(report.differences[0].rule.as_deref(), Some("white space"));
    }

    #[test]
    fn a_double_spelled_by_another_jdk_is_equal_and_counted() {
        let report = compared(
            vec![row(0, 1, "5.6843418860808015E-14")],
            vec![row(1, 1, "5.684341886080802E-14")],
        );
        assert!(report.is_equal());
        assert_eq!(report.topics[0].respelled, 1);
        assert!(!compared(vec![row(0, 1, "1.0")], vec![row(1, 1, "1")]).is_equal());
    }

    #[test]
    fn null_differs_from_empty_and_a_tombstone_from_a_value() {
        let mut left = row(0, 1, "5");
        let mut right = row(1, 1, "5");
        left.value = None;
        right.value = Some(Bytes(Vec::new()));
        assert_eq!(paths(&compared(vec![left], vec![right])), ["value"]);
    }

    #[test]
    fn a_lost_record_is_one_difference() {
        let left = (0..100).map(|id| row(0, id, "5")).collect();
        let right = (0..100)
            .filter(|id| *id != 40)
            .map(|id| row(1, id, "5"))
            .collect();
        let report = compared(left, right);
        assert_eq!(paths(&report), ["record"]);
        assert_eq!(report.differences[0].left_text, b"{\"id\":40}");
        assert_eq!(report.differences[0].right, None);
        assert_eq!(report.topics[0].compared, 99);
    }

    #[test]
    fn a_repeated_record_at_the_end_is_one_difference() {
        let report = compared(vec![row(0, 1, "5")], vec![row(1, 1, "5"), row(1, 1, "5")]);
        assert_eq!(paths(&report), ["record"]);
        assert_eq!(report.differences[0].left, None);
    }

    #[test]
    fn a_row_in_another_partition_is_a_difference() {
        let mut moved = row(1, 1, "5");
        moved.partition = 1;
        assert_eq!(
            paths(&compared(vec![row(0, 1, "5")], vec![moved])),
            ["record", "record"]
        );
    }

    #[test]
    fn rows_whose_key_holds_the_prefix_may_be_in_another_partition() {
        let keyed = |side: usize, id: usize, partition: i32| {
            let mut row = row(side, id, "5");
            let prefix = ["dbz", "wal"][side];
            let key = format!(
                "{{\"schema\":{{\"name\":\"{prefix}.public.t.Key\"}},\"payload\":{{\"id\":{id}}}}}"
            );
            row.key = Some(Bytes(key.into_bytes()));
            row.partition = partition;
            row
        };
        let report = compared(
            vec![keyed(0, 1, 0), keyed(0, 2, 1)],
            vec![keyed(1, 2, 0), keyed(1, 1, 2)],
        );
        assert!(report.is_equal(), "{:?}", report.differences);
    }

    #[test]
    fn the_run_id_is_a_uuid_of_version_7_that_changes_only_with_the_run() {
        let with = |side: usize, id: &str| {
            let mut row = row(side, 1, "5");
            row.headers[1].1 = Some(Bytes(id.as_bytes().to_vec()));
            row
        };
        let other = "019a7f0e-0000-7000-8000-000000000003";
        let both = compared(
            vec![with(0, RUN[0]), with(0, other)],
            vec![with(1, RUN[1]), with(1, RUN[0])],
        );
        assert!(both.is_equal());
        let changed = compared(
            vec![with(0, RUN[0]), with(0, RUN[0])],
            vec![with(1, RUN[1]), with(1, other)],
        );
        assert_eq!(paths(&changed), ["headers[1]"]);
        let version_4 = compared(
            vec![with(0, RUN[0])],
            vec![with(1, "8d3e1f6c-1111-4222-8333-123456789abc")],
        );
        assert_eq!(paths(&version_4), ["headers[1]"]);
    }

    #[test]
    fn headers_are_compared_in_order_with_their_values() {
        let mut right = row(1, 1, "5");
        right.headers.swap(0, 1);
        assert_eq!(
            paths(&compared(vec![row(0, 1, "5")], vec![right])),
            ["headers[0]", "headers[1]"]
        );
        let mut right = row(1, 1, "5");
        right.headers[0].1 = None;
        let report = compared(vec![row(0, 1, "5")], vec![right]);
        assert_eq!(
            paths(&report),
            ["headers[0] __debezium.context.connectorLogicalName"]
        );
        let mut right = row(1, 1, "5");
        right.headers.pop();
        assert_eq!(
            paths(&compared(vec![row(0, 1, "5")], vec![right])),
            ["headers"]
        );
    }

    #[test]
    fn rows_of_one_snapshot_share_time_and_position() {
        let snapshot = |side: usize, lsn: usize| {
            let prefix = ["dbz", "wal"][side];
            let value = format!(
                "{{\"source\":{{\"name\":\"{prefix}\",\"snapshot\":\"true\",\"sequence\":\"[null,\\\"{lsn}\\\"]\",\"lsn\":{lsn}}},\"op\":\"r\"}}"
            );
            record(&format!("{prefix}.public.t"), "1", &value, &[])
        };
        let same = compared(
            vec![snapshot(0, 10), snapshot(0, 10)],
            vec![snapshot(1, 20), snapshot(1, 20)],
        );
        assert!(same.is_equal(), "{:?}", same.differences);
        let moved = compared(
            vec![snapshot(0, 10), snapshot(0, 10)],
            vec![snapshot(1, 20), snapshot(1, 21)],
        );
        assert_eq!(paths(&moved), ["value: source"]);
    }

    #[test]
    fn a_clock_in_the_wrong_unit_is_a_difference() {
        let mut right = row(1, 1, "5");
        let value = String::from_utf8(right.value.take().unwrap().0).unwrap();
        right.value = Some(Bytes(value.replace("001002", "001").into_bytes()));
        let report = compared(vec![row(0, 1, "5")], vec![right]);
        assert_eq!(
            report.differences[0].rule.as_deref(),
            Some("right side: ts_us must be ts_ns / 1000")
        );
    }

    #[test]
    fn heartbeats_are_compared_by_shape_and_not_by_count() {
        let beat = |side: usize, value: &str| {
            let prefix = ["dbz", "wal"][side];
            let key = format!("{{\"serverName\":\"{prefix}\"}}");
            record(&format!("__debezium-heartbeat.{prefix}"), &key, value, &[])
        };
        let good = "{\"ts_ms\":1795332678637}";
        let later = "{\"ts_ms\":1795332678999}";
        let report = compared(vec![beat(0, good), beat(0, later)], vec![beat(1, later)]);
        assert!(report.is_equal(), "{:?}", report.differences);
        assert_eq!(paths(&compared(vec![beat(0, good)], vec![])), ["record"]);
        assert!(!compared(vec![beat(0, good)], vec![beat(1, "{\"ts\":1795332678637}")]).is_equal());
    }

    #[test]
    fn heartbeats_in_one_topic_are_compared_each_with_its_own() {
        let beat = |prefix: &str, value: &str| {
            let key = format!("{{\"serverName\":\"{prefix}\"}}");
            record("beats", &key, value, &[])
        };
        let good = "{\"ts_ms\":1795332678637}";
        let compared = |of_right| {
            let both = vec![beat("dbz", good), beat("wal", of_right), beat("dbz", good)];
            let (left, right) = (capture("dbz", both.clone()), capture("wal", both));
            compare(&left, &right, "beats", Servers::One)
        };
        assert!(compared(good).is_equal());
        assert!(!compared("{\"ts_ms\":\"now\"}").is_equal());
        let [left, right] = ["dbz", "wal"].map(|prefix| {
            let key = format!("{{\"serverName\":\"{prefix}\"}}");
            capture(
                prefix,
                vec![record(&format!("hb_{prefix}"), &key, good, &[])],
            )
        });
        assert!(compare(&left, &right, "hb_*", Servers::One).is_equal());
    }
}
