//! Compares two captures, record by record.

use std::collections::{BTreeMap, HashMap};

use super::bytes::{comparable, is_same_number, topic_pattern, without_prefix};
use super::capture::{Bytes, Capture, Record};
use super::token::{Kind, Token, Tokens};
use super::volatile::{Role, Span, Volatile};

/// How far to look for the record where two sides meet again after one lacks some.
const LOOK_AHEAD: usize = 64;
const RUN_ID_HEADER: &str = "__debezium.context.runId";
const HEARTBEATS: &str = "__debezium-heartbeat.";

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

pub(super) fn compare(left: &Capture, right: &Capture) -> Report {
    let mut topics: BTreeMap<String, [Vec<&Record>; 2]> = BTreeMap::new();
    for (side, capture) in [left, right].into_iter().enumerate() {
        for record in &capture.records {
            let topic = topic_pattern(&record.topic, &capture.prefix);
            topics.entry(topic).or_default()[side].push(record);
        }
    }
    let mut comparison = Comparison {
        prefixes: [&left.prefix, &right.prefix],
        runs: Pairing::default(),
        snapshots: Pairing::default(),
        report: Report::default(),
    };
    for (topic, [left, right]) in topics {
        comparison.topic(topic, &left, &right);
    }
    comparison.report
}

/// What must correspond one to one over the whole comparison: a value of the left side always meets the same of the right.
#[derive(Default)]
struct Pairing {
    forth: HashMap<Vec<u8>, Vec<u8>>,
    back: HashMap<Vec<u8>, Vec<u8>>,
}

impl Pairing {
    fn holds(&mut self, left: &[u8], right: &[u8]) -> bool {
        let forth = self.forth.entry(left.to_vec()).or_insert(right.to_vec());
        let back = self.back.entry(right.to_vec()).or_insert(left.to_vec());
        forth == right && back == left
    }
}

struct Comparison<'a> {
    prefixes: [&'a str; 2],
    runs: Pairing,
    snapshots: Pairing,
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
        if summary.topic.starts_with(HEARTBEATS) {
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

    /// How many heartbeats there are is a matter of time; what is in them is not.
    fn heartbeats(&mut self, summary: &mut TopicSummary, left: &[&Record], right: &[&Record]) {
        for (left, right) in left.iter().zip(right) {
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
                let spans = Volatile::find(bytes, Role::Rows).spans;
                all.extend_from_slice(&comparable(bytes, &spans, self.prefixes[side]));
            }
            all.push(b'\n');
        }
        all
    }

    fn pair(&mut self, summary: &mut TopicSummary, pair: (Option<&Record>, Option<&Record>)) {
        if let (Some(left), Some(right)) = pair {
            self.records(summary, Role::Rows, left, right);
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
        let mut found = Found {
            topic: &summary.topic,
            left,
            right,
            differences: &mut self.report.differences,
        };
        let mut pair = Pair {
            prefixes: self.prefixes,
            role,
            found: &mut found,
            respelled: 0,
        };
        pair.part("key", left.key.as_ref(), right.key.as_ref());
        pair.part("value", left.value.as_ref(), right.value.as_ref());
        pair.headers(&mut self.runs);
        pair.snapshot_position(&mut self.snapshots);
        summary.respelled += pair.respelled;
    }
}

/// Where the differences of one pair of records go.
struct Found<'a> {
    topic: &'a str,
    left: &'a Record,
    right: &'a Record,
    differences: &'a mut Vec<Difference>,
}

impl Found<'_> {
    fn add(&mut self, path: String, left: &[u8], right: &[u8], rule: Option<String>) {
        self.differences.push(Difference {
            topic: self.topic.to_owned(),
            left: Some(place(self.left)),
            right: Some(place(self.right)),
            path,
            left_text: left.to_vec(),
            right_text: right.to_vec(),
            rule,
        });
    }
}

struct Pair<'a, 'f> {
    prefixes: [&'a str; 2],
    role: Role,
    found: &'a mut Found<'f>,
    respelled: usize,
}

impl Pair<'_, '_> {
    fn part(&mut self, name: &str, left: Option<&Bytes>, right: Option<&Bytes>) {
        let (Some(Bytes(left)), Some(Bytes(right))) = (left, right) else {
            if left.is_some() != right.is_some() {
                self.found
                    .add(name.to_owned(), &shown(left), &shown(right), None);
            }
            return;
        };
        let parts = [left, right].map(|bytes| Volatile::find(bytes, self.role));
        let texts = [0, 1]
            .map(|side| comparable([left, right][side], &parts[side].spans, self.prefixes[side]));
        if texts[0] != texts[1] {
            self.tokens(name, [left, right], [&parts[0].spans, &parts[1].spans]);
        }
        for (side, part) in parts.iter().enumerate() {
            if let Err(broken) = part.check() {
                let side = ["left", "right"][side];
                let rule = format!("{side} side: {}", broken.rule);
                self.found
                    .add(format!("{name}: {}", broken.path), left, right, Some(rule));
            }
        }
        if parts[0].sequence_shape() != parts[1].sequence_shape() {
            let rule = "both sides must know the last commit, or neither".to_owned();
            self.found
                .add(format!("{name}: source.sequence"), left, right, Some(rule));
        }
    }

    /// Finds the places that differ. Goes on after a scalar, stops where the structure differs.
    fn tokens(&mut self, name: &str, bytes: [&[u8]; 2], spans: [&[Span]; 2]) {
        let mut walks = bytes.map(Tokens::new);
        loop {
            let tokens = [walks[0].next(), walks[1].next()];
            let [Some(left), Some(right)] = tokens else {
                let rest = |side: usize| match tokens[side] {
                    Some(token) => bytes[side].get(token.start..).unwrap_or_default(),
                    None => walks[side].rest(),
                };
                let prefixes = self.prefixes;
                let mapped = |side: usize| without_prefix(rest(side), prefixes[side]);
                if mapped(0) != mapped(1) {
                    self.found.add(at(name, &walks[0]), rest(0), rest(1), None);
                }
                return;
            };
            if left.gap != right.gap {
                self.found.add(
                    at(name, &walks[0]),
                    left.gap,
                    right.gap,
                    Some("white space".to_owned()),
                );
            }
            match self.token([left, right], spans) {
                Verdict::Equal => {}
                Verdict::Respelled => self.respelled += 1,
                Verdict::ScalarDiffers => {
                    self.found
                        .add(at(name, &walks[0]), left.text, right.text, None);
                }
                Verdict::StructureDiffers => {
                    let from = |side: usize, token: Token<'_>| {
                        bytes[side].get(token.start..).unwrap_or_default()
                    };
                    self.found
                        .add(at(name, &walks[0]), from(0, left), from(1, right), None);
                    return;
                }
            }
        }
    }

    fn token(&self, [left, right]: [Token<'_>; 2], spans: [&[Span]; 2]) -> Verdict {
        if left.kind == right.kind && left.text == right.text {
            return Verdict::Equal;
        }
        let volatile = |side: usize, token: Token<'_>| {
            let span = spans[side].iter().find(|span| span.start == token.start);
            span.map(|span| span.part)
        };
        if left.kind.is_scalar() && right.kind.is_scalar() {
            let part = volatile(0, left);
            if part.is_some() && part == volatile(1, right) {
                return Verdict::Equal;
            }
            if left.kind == Kind::Number && is_same_number(left.text, right.text) {
                return Verdict::Respelled;
            }
        }
        let mapped = [
            without_prefix(left.text, self.prefixes[0]),
            without_prefix(right.text, self.prefixes[1]),
        ];
        match (left.kind, right.kind) {
            _ if left.kind == right.kind && mapped[0] == mapped[1] => Verdict::Equal,
            (l, r) if l.is_scalar() && r.is_scalar() => Verdict::ScalarDiffers,
            _ => Verdict::StructureDiffers,
        }
    }

    fn headers(&mut self, runs: &mut Pairing) {
        let (left, right) = (&self.found.left.headers, &self.found.right.headers);
        if left.len() != right.len() {
            let names = |headers: &[(String, Option<Bytes>)]| {
                let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
                names.join(", ").into_bytes()
            };
            self.found
                .add("headers".to_owned(), &names(left), &names(right), None);
            return;
        }
        for (index, (left, right)) in left.iter().zip(right).enumerate() {
            let path = format!("headers[{index}]");
            if left.0 != right.0 {
                self.found
                    .add(path, left.0.as_bytes(), right.0.as_bytes(), None);
            } else if left.0 == RUN_ID_HEADER {
                self.run_id(path, left.1.as_ref(), right.1.as_ref(), runs);
            } else {
                self.header(
                    format!("{path} {}", left.0),
                    left.1.as_ref(),
                    right.1.as_ref(),
                );
            }
        }
    }

    fn header(&mut self, path: String, left: Option<&Bytes>, right: Option<&Bytes>) {
        let mapped = |side: usize, value: Option<&Bytes>| {
            value.map(|Bytes(value)| without_prefix(value, self.prefixes[side]).into_owned())
        };
        if mapped(0, left) != mapped(1, right) {
            self.found.add(path, &shown(left), &shown(right), None);
        }
    }

    fn run_id(
        &mut self,
        path: String,
        left: Option<&Bytes>,
        right: Option<&Bytes>,
        runs: &mut Pairing,
    ) {
        let is_uuid_v7 = |value: Option<&Bytes>| {
            let text = value.and_then(|Bytes(value)| std::str::from_utf8(value).ok());
            let id = text.and_then(|text| uuid::Uuid::try_parse(text).ok());
            id.is_some_and(|id| id.get_version_num() == 7 && Some(id.to_string().as_str()) == text)
        };
        let (left_id, right_id) = (shown(left), shown(right));
        let rule = if !is_uuid_v7(left) || !is_uuid_v7(right) {
            "must be a UUID of version 7 in small letters"
        } else if !runs.holds(&left_id, &right_id) {
            "must be the same in all records of one run"
        } else {
            return;
        };
        self.found
            .add(path, &left_id, &right_id, Some(rule.to_owned()));
    }

    fn snapshot_position(&mut self, snapshots: &mut Pairing) {
        let position = |record: &Record| {
            let Bytes(value) = record.value.as_ref()?;
            Volatile::find(value, Role::Rows).snapshot_position()
        };
        let (Some(left), Some(right)) = (position(self.found.left), position(self.found.right))
        else {
            return;
        };
        if !snapshots.holds(&left, &right) {
            let rule = "time and position must be the same in all rows of one snapshot";
            self.found.add(
                "value: source".to_owned(),
                &left,
                &right,
                Some(rule.to_owned()),
            );
        }
    }
}

enum Verdict {
    Equal,
    Respelled,
    ScalarDiffers,
    StructureDiffers,
}

fn at(name: &str, walk: &Tokens<'_>) -> String {
    let path = walk.path();
    if path.is_empty() || path.starts_with('[') {
        return format!("{name}{path}");
    }
    format!("{name}.{path}")
}

fn place(record: &Record) -> Place {
    Place {
        partition: record.partition,
        offset: record.offset,
    }
}

fn shown(bytes: Option<&Bytes>) -> Vec<u8> {
    bytes.map_or_else(|| b"(null)".to_vec(), |Bytes(bytes)| bytes.clone())
}

#[cfg(test)]
mod tests {
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

    fn compared(left: Vec<Record>, right: Vec<Record>) -> Report {
        let capture = |prefix: &str, mut records: Vec<Record>| {
            for (offset, record) in records.iter_mut().enumerate() {
                record.offset = i64::try_from(offset).unwrap();
            }
            let prefix = prefix.to_owned();
            Capture { prefix, records }
        };
        compare(&capture("dbz", left), &capture("wal", right))
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
}
