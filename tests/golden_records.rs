//! Raw pgoutput messages through decoder and encoder, against the records that Debezium 3.6.3 made of them: keys, values and
//! headers byte for byte. Only the clock of the envelope (recorded as 0) and the run id differ from run to run.
//!
//! `golden/pgoutput.jsonl` and `records_noschemas.json` are one run, `records_schemas.json` is another one with its messages.

use std::collections::BTreeMap;
use std::ops::Range;

use walstreet::change::{Change, ChangeKind, Origin, Position, SnapshotMarker};
use walstreet::config::connector::{
    ColumnAction, ColumnRule, ConnectorConfig, ConverterConfig, Filter, JsonConverterOptions,
    PatternList, RuleTarget, SkippedOperations,
};
use walstreet::config::patterns::{parse_key_rules, parse_list};
use walstreet::debezium::encoder::TableEncoder;
use walstreet::debezium::headers::context_headers;
use walstreet::debezium::heartbeat::HeartbeatEncoder;
use walstreet::debezium::record::{RecordBuffer, RecordHeaders};
use walstreet::postgres::pgoutput::{Message, Tuple, decode, push_text};
use walstreet::postgres::{Lsn, PgTimestamp};

use crate::connector_config;
use crate::recording::{ByTopic, Catalog, ComparedRecord, RawMessage, Recording};
use crate::trees::Trees;

/// Debezium reads keys, nullability and defaults from the live catalog: the recording shows these tables with the catalog of
/// a moment that nobody wrote down, because the workload altered, renamed, dropped or created them.
const ALTERED_BY_THE_WORKLOAD: [&str; 10] = [
    "ctas",
    "ddl_cols",
    "ddl_drop",
    "ddl_pk",
    "ddl_rename",
    "ddl_renamed",
    "ddl_types",
    "new_table",
    "new_table2",
    "selinto",
];

/// Tables with columns that are not written as Debezium writes them, and why.
const NOT_COMPARED: [(&str, &str); 1] = [(
    "t_arr_dim",
    "Debezium writes the identity of Java objects for text[][]",
)];

/// The smallest normal `real` has one digit more in JDK 17, which made the recordings, than since JDK 19.
const FLOAT_DIGITS: (&str, &str) = ("1.17549435E-38", "1.1754944E-38");

#[test]
fn streamed_changes_become_the_recorded_records_without_schemas() {
    let recording = Recording::without_schemas();
    let produced = replay(&recording, connector_config::recorded(false));
    assert!(assert_same(&recording.by_topic(), produced) >= 400);
}

#[test]
fn streamed_changes_become_the_recorded_records_with_schemas() {
    let recording = Recording::with_schemas();
    let produced = replay(&recording, connector_config::recorded(true));
    assert!(assert_same(&recording.by_topic(), produced) >= 160);
}

#[test]
fn without_tombstones_the_other_records_stay_as_recorded() {
    let mut config = connector_config::recorded(false);
    config.records.tombstones_on_delete = false;
    let recording = Recording::without_schemas();
    let expected = retain(recording.by_topic(), |record| record.value.is_some());
    assert_same(&expected, replay(&recording, config));
}

#[test]
fn skipped_deletes_take_their_tombstones_and_the_first_half_of_a_key_change_along() {
    let mut config = connector_config::recorded(false);
    config.records.skipped = SkippedOperations {
        delete: true,
        truncate: true,
        ..SkippedOperations::default()
    };
    let recording = Recording::without_schemas();
    let expected = retain(recording.by_topic(), |record| {
        op(record).is_some_and(|op| op != "d")
    });
    assert_same(&expected, replay(&recording, config));
}

#[test]
fn skipped_creates_and_updates_leave_the_deletes() {
    let mut config = connector_config::recorded(false);
    config.records.skipped = SkippedOperations {
        create: true,
        update: true,
        truncate: true,
        ..SkippedOperations::default()
    };
    let recording = Recording::without_schemas();
    let expected = retain(recording.by_topic(), |record| {
        op(record).is_none_or(|op| op == "d")
    });
    assert_same(&expected, replay(&recording, config));
}

#[test]
fn without_replacement_of_nulls_a_streamed_source_has_no_snapshot_marker() {
    let mut config = connector_config::recorded(false);
    config.value_converter = ConverterConfig::Json(JsonConverterOptions {
        replace_null_with_default: false,
        ..config.value_converter.json_options()
    });
    let recording = Recording::without_schemas();
    let topic = "srv.public.ri_default";
    let mut expected = recording.by_topic().remove(topic).unwrap();
    for record in &mut expected {
        record.value = record
            .value
            .as_ref()
            .map(|value| value.replace(r#""snapshot":"false""#, r#""snapshot":null"#));
    }
    assert_eq!(replay(&recording, config).remove(topic).unwrap(), expected);
}

#[test]
fn an_excluded_column_is_in_keys_only() {
    // As recorded with `column.exclude.list` = `public\.k_composite\.a` and with an include list without `id`.
    let mut config = connector_config::recorded(false);
    let pattern = r"^(?:public\.k_composite\.a|public\.k_last\.(id|v|w))$";
    config.filters.columns = Filter::Exclude(PatternList(vec![pattern.parse().unwrap()]));
    let recording = Recording::without_schemas();
    let mut recorded = recording.by_topic();
    let mut produced = replay(&recording, config);
    for (topic, before, after) in [
        (
            "srv.public.k_composite",
            r#""before":{"b":"x","v":null}"#,
            r#""after":{"b":"y","v":"v1"}"#,
        ),
        ("srv.public.k_last", r#""before":{}"#, r#""after":{}"#),
    ] {
        let (recorded, produced) = (
            recorded.remove(topic).unwrap(),
            produced.remove(topic).unwrap(),
        );
        let keys = |records: &[ComparedRecord]| -> Vec<_> {
            records
                .iter()
                .map(|record| (record.key.clone(), record.headers.clone()))
                .collect()
        };
        assert_eq!(keys(&produced), keys(&recorded));
        assert!(produced[0].value.as_ref().unwrap().contains(before));
        assert!(produced[2].value.as_ref().unwrap().contains(after));
    }
}

#[test]
fn message_key_columns_make_the_recorded_keys() {
    #[derive(serde::Deserialize)]
    struct Recorded {
        topic: String,
        op: Option<String>,
        key: Option<String>,
        headers: Vec<(String, String)>,
    }
    let mut config = connector_config::recorded(false);
    config.keys = parse_key_rules("inventory.customers:email,last_name;public.k_none:a;public.k_none_full:a,b;(.*).ri_(full|default):uq;public.k_composite:v").unwrap();
    let mut produced = replay(&Recording::without_schemas(), config);
    let mut recorded: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in include_str!("golden/message_keys.jsonl").lines() {
        let record: Recorded = serde_json::from_str(line).unwrap();
        let seen = (record.op, record.key, record.headers);
        recorded.entry(record.topic).or_default().push(seen);
    }
    assert_eq!(recorded.len(), 7);
    for (topic, expected) in recorded {
        let produced: Vec<_> = produced
            .remove(&topic)
            .unwrap()
            .into_iter()
            .map(|record| (op(&record).map(str::to_owned), record.key, record.headers))
            .collect();
        assert_eq!(produced, expected, "{topic}");
    }
}

#[test]
fn masks_and_cuts_are_the_recorded_ones() {
    #[derive(serde::Deserialize)]
    struct Masks {
        fields: String,
        records: Vec<Masked>,
    }
    #[derive(serde::Deserialize)]
    struct Masked {
        key: String,
        before: String,
        after: String,
    }
    let masks: Masks = serde_json::from_str(include_str!("golden/masks.json")).unwrap();
    let rule = |pattern: &str, action| ColumnRule {
        patterns: parse_list(pattern).unwrap(),
        target: RuleTarget::Column,
        action,
    };
    let rules = vec![
        rule("public.secrets.note", ColumnAction::Truncate { length: 4 }),
        rule("public.secrets.name", ColumnAction::Truncate { length: 3 }),
        rule("public.secrets.ssn", ColumnAction::Mask { length: 5 }),
        rule("public.secrets.email", ColumnAction::Mask { length: 0 }),
    ];
    for schemas in [false, true] {
        let mut config = connector_config::recorded(schemas);
        config.column_rules.clone_from(&rules);
        let produced = replay(&Recording::without_schemas(), config)
            .remove("srv.public.secrets")
            .unwrap();
        let produced: Vec<_> = produced
            .into_iter()
            .filter(|record| record.value.is_some())
            .collect();
        assert_eq!(produced.len(), masks.records.len());
        for (produced, recorded) in produced.iter().zip(&masks.records) {
            let value = produced.value.as_ref().unwrap();
            let rows = format!(
                r#"{{"before":{},"after":{},"source":"#,
                recorded.before, recorded.after
            );
            assert!(value.contains(&rows), "{value}\n{rows}");
            assert!(produced.key.as_ref().unwrap().contains(&recorded.key));
            assert!(!schemas || value.contains(&masks.fields), "{value}");
        }
    }
}

#[test]
fn a_truncate_that_is_not_skipped_has_neither_key_nor_rows() {
    let mut config = connector_config::recorded(false);
    config.records.skipped = SkippedOperations::default();
    let produced = replay(&Recording::without_schemas(), config)
        .remove("srv.public.empty_table")
        .unwrap();
    let truncates: Vec<_> = produced
        .iter()
        .filter(|record| op(record) == Some("t"))
        .collect();
    // The workload truncates the table three times; Debezium's record of one, in another run.
    assert_eq!(truncates.len(), 3);
    let recorded = r#"{"before":null,"after":null,"source":{"version":"3.6.3.Final","connector":"postgresql","name":"srv","ts_ms":"#;
    assert!(
        truncates
            .iter()
            .all(|record| record.key.is_none()
                && record.value.as_ref().unwrap().starts_with(recorded))
    );
}

#[test]
fn a_snapshot_row_becomes_the_recorded_record() {
    let recorded = r#"{"before":null,"after":{"id":1001,"first_name":"Sally","last_name":"Thomas","email":"sally.thomas@acme.com"},"source":{"version":"3.6.3.Final","connector":"postgresql","name":"srv","ts_ms":1795338728034,"snapshot":"first_in_data_collection","db":"golden","sequence":"[null,\"3825815168\"]","ts_us":1795338728034686,"ts_ns":1795338728034686000,"schema":"inventory","table":"customers","txId":521416,"lsn":3825815168,"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,"op":"r","ts_ms":1795338728315,"ts_us":1795338728315960,"ts_ns":1795338728315960444}"#;
    let catalog = Catalog::read();
    let table = catalog.table("inventory", "customers").unwrap();
    let mut cells = Vec::new();
    for text in ["1001", "Sally", "Thomas", "sally.thomas@acme.com"] {
        push_text(&mut cells, text.as_bytes());
    }
    let change = Change {
        relation_id: 0,
        position: Position {
            lsn: Lsn(3_825_815_168),
            last_commit_lsn: None,
            xid: Some(521_416),
            committed_at: PgTimestamp::from_unix_us(1_795_338_728_034_686),
            origin: None,
            slot_xmin: None,
            order: None,
        },
        kind: ChangeKind::Read {
            row: Tuple::new(4, &cells).unwrap(),
            marker: SnapshotMarker::FirstInDataCollection,
        },
    };
    let mut encoder =
        TableEncoder::for_snapshot(table, &catalog.types, &connector_config::recorded(false));
    let mut buffer = RecordBuffer::new();
    encoder
        .encode(&change, 1_795_338_728_315_960_444, &mut buffer)
        .unwrap();
    let record = buffer.get(0).unwrap();
    assert_eq!(&**record.topic, "srv.inventory.customers");
    assert_eq!(record.key, Some(br#"{"id":1001}"#.as_slice()));
    assert_eq!(String::from_utf8_lossy(record.value.unwrap()), recorded);
    assert_eq!(buffer.len(), 1);
}

#[test]
fn a_row_that_does_not_fit_its_relation_is_an_error_and_leaves_no_record() {
    let catalog = Catalog::read();
    let table = catalog.table("inventory", "customers").unwrap();
    let mut encoder =
        TableEncoder::for_snapshot(table, &catalog.types, &connector_config::recorded(false));
    let mut cells = Vec::new();
    push_text(&mut cells, b"1001");
    let position = Position {
        lsn: Lsn(1),
        last_commit_lsn: None,
        xid: Some(1),
        committed_at: PgTimestamp(0),
        origin: None,
        slot_xmin: None,
        order: None,
    };
    let kind = ChangeKind::Insert {
        new: Tuple::new(1, &cells).unwrap(),
    };
    let mut buffer = RecordBuffer::new();
    let error = encoder
        .encode(
            &Change {
                relation_id: 0,
                position,
                kind,
            },
            0,
            &mut buffer,
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not write a row of table \"inventory.customers\": it has 1 columns, its relation 4"
    );
    assert!(buffer.is_empty() && !error.is_retriable());
}

#[test]
fn heartbeats_are_the_recorded_ones() {
    let key = r#"{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"serverName"}],"optional":false,"name":"io.debezium.connector.common.ServerNameKey","version":1},"payload":{"serverName":"srv"}}"#;
    let value = r#"{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"ts_ms"}],"optional":false,"name":"io.debezium.connector.common.Heartbeat","version":1},"payload":{"ts_ms":1795335572301}}"#;
    let recorded = [
        (true, key, value),
        (
            false,
            r#"{"serverName":"srv"}"#,
            r#"{"ts_ms":1795335572301}"#,
        ),
    ];
    for (schemas, key, value) in recorded {
        let mut buffer = RecordBuffer::new();
        let encoder = HeartbeatEncoder::new(&connector_config::recorded(schemas));
        encoder.encode(1_795_335_572_301, &mut buffer);
        let record = buffer.get(0).unwrap();
        assert_eq!(&**record.topic, "__debezium-heartbeat.srv");
        assert_eq!(record.partition, Some(0));
        assert!(matches!(record.headers, RecordHeaders::None));
        assert_eq!(ComparedRecord::of(&record).key.as_deref(), Some(key));
        assert_eq!(ComparedRecord::of(&record).value.as_deref(), Some(value));
    }
}

#[test]
fn context_headers_are_the_recorded_ones() {
    let run_id = "01a20286-f17d-746d-95d0-fd78a658135b";
    let headers = context_headers(&connector_config::recorded(false), run_id.parse().unwrap());
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let recorded = [
        header("__debezium.context.connectorLogicalName", "srv"),
        header("__debezium.context.taskId", "0"),
        header("__debezium.context.connectorName", "postgresql"),
        header("__debezium.context.runId", run_id),
    ];
    assert_eq!(*headers, recorded);

    let mut config = connector_config::recorded(false);
    config.records.extended_headers = false;
    assert!(context_headers(&config, run_id.parse().unwrap()).is_empty());
}

fn op(record: &ComparedRecord) -> Option<&str> {
    let (_, rest) = record
        .value
        .as_ref()?
        .split_once(r#""transaction":null,"op":""#)?;
    rest.get(..1)
}

fn retain(mut topics: ByTopic, keep: impl Fn(&ComparedRecord) -> bool) -> ByTopic {
    topics
        .values_mut()
        .for_each(|records| records.retain(&keep));
    topics.retain(|_, records| !records.is_empty());
    topics
}

/// Returns how many records were compared and found equal.
fn assert_same(expected: &ByTopic, mut produced: ByTopic) -> usize {
    let is_compared = |topic: &str| {
        let table = topic.rsplit('.').next();
        NOT_COMPARED.iter().all(|(name, _)| table != Some(*name))
    };
    produced.retain(|topic, _| is_compared(topic));
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (topic, expected) in expected.iter().filter(|(topic, _)| is_compared(topic)) {
        let produced = produced.remove(topic).unwrap_or_default();
        let mut produced = produced.iter();
        for expected in expected {
            let produced = produced.next();
            if produced.is_some_and(|produced| is_same(produced, expected)) {
                compared += 1;
            } else {
                wrong.push(difference(topic, expected, produced));
            }
        }
        wrong.extend(produced.map(|extra| format!("{topic}: not recorded: {extra:?}")));
    }
    wrong.extend(
        produced
            .keys()
            .map(|topic| format!("{topic}: not recorded")),
    );
    println!(
        "{compared} records are byte for byte those recorded, {} are not",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    compared
}

fn is_same(produced: &ComparedRecord, recorded: &ComparedRecord) -> bool {
    let value = |text: &String| text.replace(FLOAT_DIGITS.0, FLOAT_DIGITS.1);
    let expected = ComparedRecord {
        value: recorded.value.as_ref().map(value),
        ..recorded.clone()
    };
    *produced == expected
}

fn difference(topic: &str, expected: &ComparedRecord, produced: Option<&ComparedRecord>) -> String {
    let Some(produced) = produced else {
        return format!("{topic}: missing: {expected:?}");
    };
    let (expected, produced) = (format!("{expected:?}"), format!("{produced:?}"));
    let same = expected
        .bytes()
        .zip(produced.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[excerpt(same, text.len())]).into_owned()
    };
    format!(
        "{topic}:\n  expected …{}\n  produced …{}",
        around(&expected),
        around(&produced)
    )
}

fn excerpt(middle: usize, length: usize) -> Range<usize> {
    middle.saturating_sub(60).min(length)..(middle + 140).min(length)
}

fn replay(recording: &Recording, config: ConnectorConfig) -> ByTopic {
    let mut replay = Replay::new(config);
    for message in &recording.messages {
        replay.message(message);
    }
    replay.produced
}

/// The way of the raw messages through the decoder and the encoders.
struct Replay {
    config: ConnectorConfig,
    catalog: Catalog,
    encoders: BTreeMap<u32, Option<TableEncoder>>,
    last_commit_lsn: Option<Lsn>,
    xid: u64,
    committed_at: PgTimestamp,
    origin: Option<(String, Lsn)>,
    buffer: RecordBuffer,
    trees: Trees,
    produced: ByTopic,
}

impl Replay {
    fn new(config: ConnectorConfig) -> Self {
        Self {
            trees: Trees::new(&config),
            config,
            catalog: Catalog::read(),
            encoders: BTreeMap::new(),
            last_commit_lsn: None,
            xid: 0,
            committed_at: PgTimestamp(0),
            origin: None,
            buffer: RecordBuffer::new(),
            produced: ByTopic::new(),
        }
    }

    fn message(&mut self, raw: &RawMessage) {
        let bytes = raw.bytes();
        let lsn: Lsn = raw.lsn.parse().unwrap();
        match decode(&bytes, false).unwrap() {
            Message::Begin {
                committed_at, xid, ..
            } => {
                (self.committed_at, self.xid, self.origin) = (committed_at, xid.into(), None);
            }
            Message::Commit { end_lsn, .. } => self.last_commit_lsn = Some(end_lsn),
            Message::Origin { commit_lsn, name } => {
                self.origin = Some((name.to_owned(), commit_lsn))
            }
            Message::Logical {
                transactional: false,
                ..
            } => self.last_commit_lsn = Some(lsn),
            Message::Relation { relation, .. } => {
                let table = self.catalog.table(&relation.schema, &relation.name);
                let encoder = table.map(|table| {
                    TableEncoder::for_stream(
                        &relation,
                        Some(table),
                        &self.catalog.types,
                        &self.config,
                    )
                });
                if encoder.is_none() {
                    let name = relation.name.as_str();
                    assert!(
                        ALTERED_BY_THE_WORKLOAD.contains(&name),
                        "\"{name}\" is in no fixture"
                    );
                }
                self.encoders.insert(relation.id, encoder);
            }
            Message::Insert {
                relation_id, new, ..
            } => self.change(lsn, relation_id, ChangeKind::Insert { new }),
            Message::Update {
                relation_id,
                old,
                new,
                ..
            } => {
                self.change(lsn, relation_id, ChangeKind::Update { old, new });
            }
            Message::Delete {
                relation_id, old, ..
            } => self.change(lsn, relation_id, ChangeKind::Delete { old }),
            Message::Truncate { relation_ids, .. } => {
                for relation_id in relation_ids {
                    self.change(lsn, relation_id, ChangeKind::Truncate);
                }
            }
            Message::Logical { .. } | Message::Type { .. } => {}
            Message::StreamStart { .. }
            | Message::StreamStop
            | Message::StreamCommit { .. }
            | Message::StreamAbort { .. } => {
                unreachable!("protocol version 1 does not stream transactions")
            }
        }
    }

    fn change(&mut self, lsn: Lsn, relation_id: u32, kind: ChangeKind<'_>) {
        let Some(Some(encoder)) = self.encoders.get_mut(&relation_id) else {
            return;
        };
        let origin = self.origin.as_ref();
        let position = Position {
            lsn,
            last_commit_lsn: self.last_commit_lsn,
            xid: Some(self.xid),
            committed_at: self.committed_at,
            origin: origin.map(|(name, commit_lsn)| Origin {
                name,
                commit_lsn: *commit_lsn,
            }),
            slot_xmin: None,
            order: None,
        };
        self.buffer.clear();
        let change = Change {
            relation_id,
            position,
            kind,
        };
        encoder.encode(&change, 0, &mut self.buffer).unwrap();
        self.trees.assert_same(encoder, &change, &self.buffer);
        for record in self.buffer.iter() {
            assert!(!matches!(record.headers, RecordHeaders::None) && record.partition.is_none());
            self.produced
                .entry(record.topic.to_string())
                .or_default()
                .push(ComparedRecord::of(&record));
        }
    }
}
