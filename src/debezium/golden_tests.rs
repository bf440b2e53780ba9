//! Column converters against recordings of Debezium 3.6.3.Final (`tests/golden`).

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::converter::{ColumnConverter, Phase};
use super::source_type::SourceType;
use crate::config::connector::{
    BinaryMode, DecimalFormat, DecimalMode, HstoreMode, IntervalMode, JsonConverterOptions,
    TimePrecisionMode, ValueOptions,
};
use crate::connect::converter::JsonConverter;
use crate::connect::datum_sink::DatumSink;
use crate::connect::json::{JsonSink, write_schema};
use crate::connect::record::SchemaAndValue;
use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::catalog::{Column, Type, TypeKind, Types};

const TYPES: &str = include_str!("../../tests/golden/types.jsonl");
const COLUMNS: &str = include_str!("../../tests/golden/stream_columns.jsonl");
const STREAM_VALUES: &str = include_str!("../../tests/golden/stream_values.jsonl");
const SNAPSHOT_VALUES: &str = include_str!("../../tests/golden/snapshot_values.jsonl");

/// The recorded configurations; `default` is the one that the others differ from by one property.
const MODES: [&str; 16] = [
    "default",
    "decimal_string",
    "decimal_double",
    "decimal_numeric_format",
    "time_connect",
    "time_microseconds",
    "time_isostring",
    "time_nanoseconds",
    "time_adaptive_time_microseconds",
    "binary_hex",
    "binary_base64",
    "binary_base64_url_safe",
    "interval_string",
    "hstore_map",
    "unknown_types",
    "unknown_types_hex",
];

#[derive(Deserialize)]
struct RecordedType {
    oid: u32,
    schema: String,
    name: String,
    kind: char,
    element: u32,
    category: char,
    base: u32,
    type_modifier: i32,
    #[serde(default)]
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct RecordedColumn {
    table: String,
    column: String,
    type_oid: u32,
    type_modifier: i32,
    nullable: bool,
    default: Option<String>,
    generated: bool,
    /// By mode, where it differs from `default`'s; null: left out.
    schemas: BTreeMap<String, Option<String>>,
    /// Under `column.propagate.source.type`: what the parameters' names end in, and the values.
    source_type: Option<Vec<(String, String)>>,
    /// Where the snapshot says something else.
    snapshot_source_type: Option<Vec<(String, String)>>,
    #[serde(default)]
    not_recorded: Vec<String>,
}

#[derive(Deserialize)]
struct RecordedValue {
    column: usize,
    kind: String,
    text: Option<String>,
    /// By mode, where it differs from `default`'s.
    expected: BTreeMap<String, String>,
    #[serde(default)]
    not_recorded: Vec<String>,
}

fn lines<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn types() -> Types {
    let mut types = Types::default();
    for recorded in lines::<RecordedType>(TYPES) {
        let RecordedType {
            oid,
            schema,
            name,
            kind,
            element,
            category,
            base,
            type_modifier,
            labels,
        } = recorded;
        let kind = match kind {
            'e' => TypeKind::Enum(labels),
            'd' => TypeKind::Domain {
                base,
                type_modifier,
            },
            'c' => TypeKind::Composite,
            'r' => TypeKind::Range,
            'm' => TypeKind::Multirange,
            'p' => TypeKind::Pseudo,
            _ if category == 'A' => TypeKind::Array(element),
            _ => TypeKind::Base,
        };
        types.insert(Type {
            oid,
            schema,
            name,
            kind,
        });
    }
    types
}

fn column(recorded: &RecordedColumn) -> Column {
    Column {
        name: recorded.column.clone(),
        type_oid: recorded.type_oid,
        type_modifier: recorded.type_modifier,
        nullable: recorded.nullable,
        default: recorded.default.clone(),
        generated: recorded.generated,
    }
}

fn options(mode: &str) -> (ValueOptions, JsonConverterOptions) {
    let mut options = ValueOptions {
        decimal: DecimalMode::Precise,
        time_precision: TimePrecisionMode::Adaptive,
        binary: BinaryMode::Bytes,
        interval: IntervalMode::Numeric,
        hstore: HstoreMode::Json,
        money_fraction_digits: 2,
        include_unknown: false,
        unavailable_placeholder: b"__debezium_unavailable_value".to_vec(),
    };
    let mut json = JsonConverterOptions {
        schemas: true,
        decimal_format: DecimalFormat::Base64,
        replace_null_with_default: true,
    };
    match mode {
        "default" => {}
        "decimal_string" => options.decimal = DecimalMode::String,
        "decimal_double" => options.decimal = DecimalMode::Double,
        "decimal_numeric_format" => json.decimal_format = DecimalFormat::Numeric,
        "time_connect" => options.time_precision = TimePrecisionMode::Connect,
        "time_microseconds" => options.time_precision = TimePrecisionMode::Microseconds,
        "time_isostring" => options.time_precision = TimePrecisionMode::Isostring,
        "time_nanoseconds" => options.time_precision = TimePrecisionMode::Nanoseconds,
        "time_adaptive_time_microseconds" => {
            options.time_precision = TimePrecisionMode::AdaptiveTimeMicroseconds;
        }
        "binary_hex" => options.binary = BinaryMode::Hex,
        "binary_base64" => options.binary = BinaryMode::Base64,
        "binary_base64_url_safe" => options.binary = BinaryMode::Base64UrlSafe,
        "hstore_map" => options.hstore = HstoreMode::Map,
        "unknown_types" => options.include_unknown = true,
        "unknown_types_hex" => {
            (options.include_unknown, options.binary) = (true, BinaryMode::Hex);
        }
        "interval_string" => options.interval = IntervalMode::String,
        other => panic!("{other}"),
    }
    (options, json)
}

/// By mode, else the default's if that was recorded. Types that are known look in `unknown_types_hex` as in `binary_hex`.
fn of_mode<'a, T>(recorded: &'a BTreeMap<String, T>, mode: &str) -> Option<&'a T> {
    let alike = if mode == "unknown_types_hex" {
        "binary_hex"
    } else {
        "default"
    };
    let names = [mode, alike, "default"];
    names.iter().find_map(|name| recorded.get(*name))
}

/// The recordings were made on JDK 17, which does not always print the shortest digits of a double.
fn same(ours: &str, recorded: &str) -> bool {
    let is_float = recorded.contains(['.', 'E']) && !recorded.contains('"');
    ours == recorded
        || is_float && ours.parse() == recorded.parse::<f64>()
        || is_float && ours.parse() == recorded.parse::<f32>()
}

#[test]
fn schemas_are_those_recorded() {
    let types = types();
    let mut failures = Vec::new();
    for mode in MODES {
        // Recorded without schemas.
        if mode == "decimal_numeric_format" {
            continue;
        }
        let (options, json) = options(mode);
        for recorded in lines::<RecordedColumn>(COLUMNS) {
            if recorded.not_recorded.iter().any(|missing| missing == mode) {
                continue;
            }
            let converter =
                ColumnConverter::new(&column(&recorded), &types, &options, Phase::Stream);
            let ours = converter.map(|converter| {
                let mut out = Vec::new();
                write_schema(
                    converter.schema(),
                    Some(&recorded.column),
                    json.decimal_format,
                    &mut out,
                );
                String::from_utf8(out).unwrap()
            });
            let Some(expected) = of_mode(&recorded.schemas, mode) else {
                continue;
            };
            if ours != *expected {
                failures.push(format!(
                    "{mode} {}.{}\n  {ours:?}\n  {expected:?}",
                    recorded.table, recorded.column
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn source_types_are_those_recorded() {
    let types = types();
    let mut compared = 0;
    for recorded in lines::<RecordedColumn>(COLUMNS) {
        let Some(streamed) = &recorded.source_type else {
            continue;
        };
        let snapshot = recorded.snapshot_source_type.as_ref().unwrap_or(streamed);
        for (is_snapshot, expected) in [(false, streamed), (true, snapshot)] {
            let source = SourceType::of(&column(&recorded), &types, is_snapshot).unwrap();
            let schema = source.add_parameters(&recorded.column, Schema::new(Kind::String));
            let ours: Vec<_> = schema
                .parameters
                .into_iter()
                .map(|(name, value)| (name.replace("__debezium.source.column.", ""), value))
                .collect();
            assert_eq!(ours, *expected, "{}.{}", recorded.table, recorded.column);
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

#[test]
fn streamed_values_are_those_recorded() {
    assert_values(STREAM_VALUES, Phase::Stream);
}

#[test]
fn values_of_a_snapshot_are_those_recorded() {
    assert_values(SNAPSHOT_VALUES, Phase::Snapshot);
}

fn assert_values(values: &str, phase: Phase) {
    let types = types();
    let columns = lines::<RecordedColumn>(COLUMNS);
    let mut failures = Vec::new();
    for mode in MODES {
        let (options, json) = options(mode);
        for value in lines::<RecordedValue>(values) {
            if value.not_recorded.iter().any(|missing| missing == mode) {
                continue;
            }
            let Some(expected) = of_mode(&value.expected, mode) else {
                continue;
            };
            let recorded = &columns[value.column];
            let converter = ColumnConverter::new(&column(recorded), &types, &options, phase);
            let ours = convert(&converter.unwrap(), &value, &json);
            if !same(&ours, expected) {
                failures.push(format!(
                    "{mode} {}.{} {} {:?}\n  {ours}\n  {expected}",
                    recorded.table, recorded.column, value.kind, value.text
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn convert(
    converter: &ColumnConverter,
    value: &RecordedValue,
    json: &JsonConverterOptions,
) -> String {
    let mut out = Vec::new();
    let mut sink = JsonSink::new(&mut out, json);
    write(converter, value, &mut sink);
    let straight = String::from_utf8(out).unwrap();

    let mut sink = DatumSink::default();
    write(converter, value, &mut sink);
    let schema = Arc::new(converter.schema().clone());
    let tree = SchemaAndValue::new(schema, sink.finish().unwrap());
    let mut out = Vec::new();
    let json = JsonConverterOptions {
        schemas: false,
        ..*json
    };
    let converted = JsonConverter::new(&json).convert(&tree, &mut out).unwrap();
    assert!(
        converted && straight.as_bytes() == out,
        "{straight} {tree:?}"
    );
    straight
}

fn write<S: Sink>(converter: &ColumnConverter, value: &RecordedValue, sink: &mut S) {
    match (value.kind.as_str(), &value.text) {
        ("text", Some(text)) => converter.convert(text.as_bytes(), sink).unwrap(),
        ("null", None) => converter.null(sink),
        ("toast", None) => converter.unavailable(sink).unwrap(),
        other => panic!("{other:?}"),
    }
}
