//! The way of records through trees without a transform, beside the straight way: the same bytes.

use proptest::prelude::*;

use walstreet::change::{Change, ChangeKind, Position, SnapshotMarker};
use walstreet::config::connector::{
    BinaryMode, ConnectorConfig, ConverterConfig, DecimalFormat, DecimalMode, HstoreMode,
    JsonConverterOptions, TimePrecisionMode,
};
use walstreet::debezium::encoder::TableEncoder;
use walstreet::debezium::headers::context_headers;
use walstreet::debezium::heartbeat::HeartbeatEncoder;
use walstreet::debezium::message::MessageEncoder;
use walstreet::debezium::record::{Record, RecordBuffer, RecordHeaders};
use walstreet::debezium::tree::SourceRecords;
use walstreet::engine::pipeline::Pipeline;
use walstreet::postgres::catalog::{Column, Table, Type, TypeKind, Types};
use walstreet::postgres::pgoutput::{Cell, OldTuple, Tuple, push_cell};
use walstreet::postgres::{Lsn, PgTimestamp};

use crate::connector_config;

/// The way through trees.
pub(crate) struct Trees {
    pipeline: Pipeline,
    records: SourceRecords,
    buffer: RecordBuffer,
    context: Vec<(String, Vec<u8>)>,
}

impl Trees {
    pub(crate) fn new(config: &ConnectorConfig) -> Self {
        let context = context_headers(config, uuid::Uuid::nil()).to_vec();
        Self {
            pipeline: Pipeline::new(config).unwrap().0,
            records: SourceRecords::new(&context),
            buffer: RecordBuffer::new(),
            context,
        }
    }

    /// `straight` are the records of the change with the clock at 0.
    pub(crate) fn assert_same(
        &mut self,
        encoder: &mut TableEncoder,
        change: &Change<'_>,
        straight: &RecordBuffer,
    ) {
        encoder.encode_tree(change, 0, &mut self.records).unwrap();
        self.assert_finished(straight);
    }

    fn assert_finished(&mut self, straight: &RecordBuffer) {
        self.buffer.clear();
        for record in self.records.drain() {
            self.pipeline.finish(record, &mut self.buffer).unwrap();
        }
        let seen = |buffer: &RecordBuffer| -> Vec<Seen> {
            let records = buffer.iter();
            records.map(|record| self.seen(&record)).collect()
        };
        assert_eq!(seen(&self.buffer), seen(straight));
    }

    fn seen(&self, record: &Record<'_>) -> Seen {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut headers: Vec<_> = record
            .own_headers()
            .map(|(name, value)| (name.to_owned(), text(value.unwrap())))
            .collect();
        if let RecordHeaders::Context | RecordHeaders::KeyAndContext(..) = record.headers {
            let context = self.context.iter();
            headers.extend(context.map(|(name, value)| (name.clone(), text(value))));
        }
        Seen {
            topic: record.topic.to_string(),
            partition: record.partition,
            key: record.key.map(text),
            value: record.value.map(text),
            timestamp: record.timestamp,
            headers,
        }
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    topic: String,
    partition: Option<i32>,
    key: Option<String>,
    value: Option<String>,
    timestamp: Option<i64>,
    headers: Vec<(String, String)>,
}

/// Name, OID, modifier, default.
const COLUMNS: [(&str, u32, i32, Option<&str>); 9] = [
    ("int4", 23, -1, Some("7")),
    ("text", 25, -1, Some("'x'::text")),
    ("numeric", 1700, ((9 << 16) | 3) + 4, None),
    ("bytea", 17, -1, None),
    ("timestamp", 1114, -1, None),
    ("float8", 701, -1, Some("1.5")),
    ("bool", 16, -1, None),
    ("hstore", 90_001, -1, None),
    ("_int4", 1007, -1, None),
];

fn types() -> Types {
    let mut types = Types::default();
    for (name, oid, ..) in COLUMNS {
        types.insert(Type {
            oid,
            schema: if name == "hstore" {
                "public"
            } else {
                "pg_catalog"
            }
            .to_owned(),
            name: name.to_owned(),
            kind: if name == "_int4" {
                TypeKind::Array(23)
            } else {
                TypeKind::Base
            },
        });
    }
    types
}

fn text(column: usize) -> BoxedStrategy<String> {
    match COLUMNS[column].0 {
        "int4" => any::<i32>().prop_map(|number| number.to_string()).boxed(),
        "text" => "[ -~é🎉]{0,8}".boxed(),
        "numeric" => "-?[0-9]{1,6}\\.[0-9]{3}".boxed(),
        "bytea" => r"\\x([0-9a-f]{2}){0,5}".boxed(),
        "timestamp" => "20[0-9]{2}-0[1-9]-1[0-9] 1[0-9]:2[0-9]:3[0-9]\\.[0-9]{1,6}".boxed(),
        "float8" => any::<f32>().prop_map(|number| number.to_string()).boxed(),
        "bool" => "[tf]".boxed(),
        "hstore" => "(\"a\"=>\"[a-z]\")?(, \"b\"=>NULL)?"
            .prop_map(|text| text.trim_start_matches(", ").to_owned())
            .boxed(),
        "_int4" => "\\{([0-9]{1,3}(,[0-9]{1,3}){0,3})?\\}".boxed(),
        other => panic!("{other}"),
    }
}

#[derive(Clone, Debug)]
enum Given {
    Text(String),
    Null,
    UnchangedToast,
}

fn row() -> impl Strategy<Value = Vec<Given>> {
    let cell = |column| {
        prop_oneof![
            4 => text(column).prop_map(Given::Text),
            1 => Just(Given::Null),
            1 => Just(Given::UnchangedToast),
        ]
    };
    (0..COLUMNS.len()).map(cell).collect::<Vec<_>>()
}

/// The bytes of a tuple; TOAST is known for text and bytea only.
fn cells(row: &[Given]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (given, (name, ..)) in row.iter().zip(COLUMNS) {
        match given {
            Given::Text(text) => push_cell(&mut bytes, Cell::Text(text.as_bytes())),
            Given::UnchangedToast if ["text", "bytea", "hstore"].contains(&name) => {
                push_cell(&mut bytes, Cell::UnchangedToast)
            }
            Given::Null | Given::UnchangedToast => push_cell(&mut bytes, Cell::Null),
        }
    }
    bytes
}

pub(crate) fn config() -> impl Strategy<Value = ConnectorConfig> {
    let json = (any::<[bool; 3]>()).prop_map(|[schemas, base64, replace]| {
        ConverterConfig::Json(JsonConverterOptions {
            schemas,
            decimal_format: if base64 {
                DecimalFormat::Base64
            } else {
                DecimalFormat::Numeric
            },
            replace_null_with_default: replace,
        })
    });
    let values = (
        prop_oneof![
            Just(DecimalMode::Precise),
            Just(DecimalMode::String),
            Just(DecimalMode::Double)
        ],
        prop_oneof![
            Just(BinaryMode::Bytes),
            Just(BinaryMode::Hex),
            Just(BinaryMode::Base64)
        ],
        prop_oneof![Just(HstoreMode::Json), Just(HstoreMode::Map)],
        prop_oneof![
            Just(TimePrecisionMode::Adaptive),
            Just(TimePrecisionMode::Connect),
            Just(TimePrecisionMode::Isostring)
        ],
    );
    (json.clone(), json, values, any::<[bool; 2]>()).prop_map(
        |(key, value, values, [tombstones, headers])| {
            let mut config = connector_config::recorded(false);
            (config.key_converter, config.value_converter) = (key, value);
            (
                config.values.decimal,
                config.values.binary,
                config.values.hstore,
                config.values.time_precision,
            ) = values;
            config.records.tombstones_on_delete = tombstones;
            config.records.extended_headers = headers;
            config.records.skipped.truncate = false;
            config
        },
    )
}

fn table(nullable: bool, key: Vec<String>) -> Table {
    let column =
        |(name, type_oid, type_modifier, default): (&str, u32, i32, Option<&str>)| Column {
            name: name.to_owned(),
            type_oid,
            type_modifier,
            nullable,
            default: default.map(str::to_owned),
            generated: false,
        };
    Table {
        schema: "public".to_owned(),
        name: "t".to_owned(),
        columns: COLUMNS.into_iter().map(column).collect(),
        key,
    }
}

const POSITION: Position<'_> = Position {
    lsn: Lsn(500),
    last_commit_lsn: Some(Lsn(400)),
    xid: Some(7),
    committed_at: PgTimestamp(1_234_567),
    origin: None,
    slot_xmin: None,
    order: None,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_row_becomes_the_same_bytes_on_both_ways(
        config in config(),
        (old, new) in (row(), row()),
        (nullable, keyed) in (any::<bool>(), 0..4_usize),
    ) {
        let key = ["int4", "text", "numeric"].into_iter().take(keyed).map(str::to_owned).collect();
        let table = table(nullable, key);
        let mut encoder = TableEncoder::for_snapshot(&table, &types(), &config);
        let mut trees = Trees::new(&config);
        let (old, new) = (cells(&old), cells(&new));
        let count = u16::try_from(COLUMNS.len()).unwrap();
        let tuple = |cells| Tuple::new(count, cells).unwrap();
        let (old, new) = (tuple(&old), tuple(&new));
        for kind in [
            ChangeKind::Read { row: new, marker: SnapshotMarker::Last },
            ChangeKind::Insert { new },
            ChangeKind::Update { old: None, new },
            ChangeKind::Update { old: Some(OldTuple::Full(old)), new },
            ChangeKind::Delete { old: OldTuple::Key(old) },
            ChangeKind::Truncate,
        ] {
            let change = Change { relation_id: 1, position: POSITION, kind };
            let mut straight = RecordBuffer::new();
            match encoder.encode(&change, 0, &mut straight) {
                Ok(_) => trees.assert_same(&mut encoder, &change, &straight),
                Err(error) => {
                    let mut records = SourceRecords::new(&[]);
                    let same = encoder.encode_tree(&change, 0, &mut records).unwrap_err();
                    prop_assert_eq!(same.to_string(), error.to_string());
                    prop_assert_eq!(records.drain().len(), 0);
                }
            }
        }
    }

    #[test]
    fn messages_and_heartbeats_are_the_same_on_both_ways(config in config(), content: Vec<u8>, prefix in "[ -~é]{0,5}") {
        let mut trees = Trees::new(&config);
        let mut straight = RecordBuffer::new();
        let mut messages = MessageEncoder::new(&config);
        messages.encode(&prefix, &content, &POSITION, 5, &mut straight);
        messages.encode_tree(&prefix, &content, &POSITION, 5, &mut trees.records);
        let heartbeats = HeartbeatEncoder::new(&config);
        heartbeats.encode(6, &mut straight);
        heartbeats.encode_tree(6, &mut trees.records);
        trees.assert_finished(&straight);
    }
}
