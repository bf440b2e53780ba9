//! Values with which Debezium stops or writes what no reader can use: rows of `debezium-compat/DEVIATIONS.md`.

use super::converter::{ColumnConverter, Phase};
use crate::config::connector::{
    BinaryMode, DecimalFormat, DecimalMode, HstoreMode, IntervalMode, JsonConverterOptions,
    TimePrecisionMode, ValueOptions,
};
use crate::connect::datum_sink::DatumSink;
use crate::connect::json::JsonSink;
use crate::postgres::catalog::{Column, Type, TypeKind, Types};

const MOOD: u32 = 90_000;
const MOOD_DOMAIN: u32 = 90_001;
const TEXT: u32 = 25;
const TEXT_ARRAY: u32 = 1009;
const TIMETZ: u32 = 1266;
const INTERVAL: u32 = 1186;
const SPARSEVEC: u32 = 90_002;
const FLOAT8: u32 = 701;
const FLOAT8_ARRAY: u32 = 1022;

fn types() -> Types {
    let mut types = Types::default();
    let mut add = |oid, name: &str, kind| {
        let is_extension = oid == SPARSEVEC;
        types.insert(Type {
            oid,
            schema: if is_extension { "public" } else { "pg_catalog" }.to_owned(),
            name: name.to_owned(),
            kind,
        });
    };
    add(TEXT, "text", TypeKind::Base);
    add(TEXT_ARRAY, "_text", TypeKind::Array(TEXT));
    add(TIMETZ, "timetz", TypeKind::Base);
    add(INTERVAL, "interval", TypeKind::Base);
    add(SPARSEVEC, "sparsevec", TypeKind::Base);
    add(FLOAT8, "float8", TypeKind::Base);
    add(FLOAT8_ARRAY, "_float8", TypeKind::Array(FLOAT8));
    add(
        MOOD,
        "mood",
        TypeKind::Enum(vec!["sad".to_owned(), "ok".to_owned()]),
    );
    add(
        MOOD_DOMAIN,
        "good_mood",
        TypeKind::Domain {
            base: MOOD,
            type_modifier: -1,
        },
    );
    types
}

fn converter(type_oid: u32, phase: Phase, nullable: bool) -> ColumnConverter {
    let column = Column {
        name: "c".to_owned(),
        type_oid,
        type_modifier: -1,
        nullable,
        default: None,
        generated: false,
    };
    let options = ValueOptions {
        decimal: DecimalMode::Precise,
        time_precision: TimePrecisionMode::Adaptive,
        binary: BinaryMode::Bytes,
        interval: IntervalMode::Numeric,
        hstore: HstoreMode::Json,
        money_fraction_digits: 2,
        include_unknown: false,
        unavailable_placeholder: b"__debezium_unavailable_value".to_vec(),
    };
    ColumnConverter::new(&column, &types(), &options, phase).unwrap()
}

fn json(type_oid: u32, phase: Phase, text: &str) -> String {
    let converter = converter(type_oid, phase, true);
    written(|sink| converter.convert(text.as_bytes(), sink).unwrap())
}

/// The JSON that `write` makes.
pub(super) fn written(write: impl FnOnce(&mut JsonSink<'_>)) -> String {
    let options = JsonConverterOptions {
        schemas: false,
        decimal_format: DecimalFormat::Base64,
        replace_null_with_default: true,
    };
    let mut out = Vec::new();
    write(&mut JsonSink::new(&mut out, &options));
    String::from_utf8(out).unwrap()
}

#[test]
fn a_domain_over_an_enum_is_the_enum() {
    assert_eq!(json(MOOD_DOMAIN, Phase::Stream, "ok"), "\"ok\"");
    let schema = converter(MOOD_DOMAIN, Phase::Stream, true).schema().clone();
    assert_eq!(schema.name.as_deref(), Some("io.debezium.data.Enum"));
}

#[test]
fn arrays_in_a_text_array_are_null() {
    assert_eq!(
        json(TEXT_ARRAY, Phase::Stream, "{{a,b},{c,d}}"),
        "[null,null]"
    );
}

#[test]
fn a_timetz_whose_offset_has_seconds_is_null_in_both_phases() {
    for phase in [Phase::Snapshot, Phase::Stream] {
        assert_eq!(json(TIMETZ, phase, "12:00:00+01:02:03"), "null");
    }
}

#[test]
fn an_interval_of_more_hours_than_32_bits_hold_is_counted() {
    assert_eq!(
        json(INTERVAL, Phase::Stream, "2562047788:00:54.5"),
        "9223372036854500352"
    );
}

#[test]
fn a_required_sparse_vector_that_a_delete_does_not_show_is_empty() {
    let converter = converter(SPARSEVEC, Phase::Stream, false);
    assert_eq!(
        written(|sink| converter.null(sink)),
        r#"{"dimensions":0,"vector":[]}"#
    );
}

/// No deviation: nothing could stand in its place that a reader would not take for the value.
#[test]
fn a_required_array_without_a_placeholder_stops_the_connector_as_it_stops_debezium() {
    let mut sink = DatumSink::default();
    for (nullable, stops) in [(false, true), (true, false)] {
        let converter = converter(FLOAT8_ARRAY, Phase::Stream, nullable);
        assert_eq!(converter.unavailable(&mut sink).is_err(), stops);
    }
}
