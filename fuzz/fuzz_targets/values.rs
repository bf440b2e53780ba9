//! The text of every type through its converter: bytes 0 to 2 choose the type, the options and the column, the others are the
//! value, or up to a zero byte the default expression and the value behind it.
//!
//! What converts is JSON, and the same JSON by way of a tree.
#![no_main]

use std::sync::Arc;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use walstreet::config::connector::{
    BinaryMode, DecimalFormat, DecimalMode, HstoreMode, IntervalMode, JsonConverterOptions,
    TimePrecisionMode, ValueOptions,
};
use walstreet::connect::converter::JsonConverter;
use walstreet::connect::datum_sink::DatumSink;
use walstreet::connect::json::JsonSink;
use walstreet::connect::record::SchemaAndValue;
use walstreet::debezium::converter::{ColumnConverter, Phase};
use walstreet::postgres::catalog::{Column, Type, TypeKind, Types};

/// Schema, name, modifier.
const TYPES: [(&str, &str, i32); 40] = [
    ("pg_catalog", "bool", -1),
    ("pg_catalog", "int8", -1),
    ("pg_catalog", "float4", -1),
    ("pg_catalog", "float8", -1),
    ("pg_catalog", "numeric", -1),
    ("pg_catalog", "numeric", ((9 << 16) | 3) + 4),
    ("pg_catalog", "numeric", ((5 << 16) | 0x7FE) + 4),
    ("pg_catalog", "money", -1),
    ("pg_catalog", "text", -1),
    ("pg_catalog", "json", -1),
    ("pg_catalog", "uuid", -1),
    ("pg_catalog", "bytea", -1),
    ("pg_catalog", "bit", 1),
    ("pg_catalog", "bit", 9),
    ("pg_catalog", "varbit", -1),
    ("pg_catalog", "date", -1),
    ("pg_catalog", "time", -1),
    ("pg_catalog", "time", 3),
    ("pg_catalog", "timetz", -1),
    ("pg_catalog", "timestamp", -1),
    ("pg_catalog", "timestamp", 2),
    ("pg_catalog", "timestamptz", -1),
    ("pg_catalog", "timestamptz", 0),
    ("pg_catalog", "interval", -1),
    ("pg_catalog", "point", -1),
    ("pg_catalog", "box", -1),
    ("pg_catalog", "polygon", -1),
    ("pg_catalog", "path", -1),
    ("pg_catalog", "line", -1),
    ("pg_catalog", "lseg", -1),
    ("pg_catalog", "circle", -1),
    ("pg_catalog", "oidvector", -1),
    ("public", "hstore", -1),
    ("public", "geometry", -1),
    ("public", "geography", -1),
    ("public", "vector", -1),
    ("public", "halfvec", -1),
    ("public", "sparsevec", -1),
    ("public", "ltree", -1),
    ("public", "unheard_of", -1),
];

/// The array of type 7 is 107.
const ARRAYS: u32 = 100;

static CATALOG: LazyLock<Types> = LazyLock::new(|| {
    let mut types = Types::default();
    for (oid, (schema, name, _)) in (0..).zip(TYPES) {
        types.insert(Type {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind: TypeKind::Base,
        });
        types.insert(Type {
            oid: ARRAYS + oid,
            schema: schema.to_owned(),
            name: format!("_{name}"),
            kind: TypeKind::Array(oid),
        });
    }
    types
});

fuzz_target!(|bytes: &[u8]| {
    let [which, options, shape, text @ ..] = bytes else {
        return;
    };
    let (default, text) = match text.iter().position(|&byte| byte == 0) {
        Some(end) => (std::str::from_utf8(&text[..end]).ok(), &text[end + 1..]),
        None => (None, text),
    };
    let which = u32::from(*which) % (2 * TYPES.len() as u32);
    let (type_oid, type_modifier) = match TYPES.get(which as usize) {
        Some((_, _, modifier)) => (which, *modifier),
        None => {
            let element = which - TYPES.len() as u32;
            (ARRAYS + element, TYPES[element as usize].2)
        }
    };
    let column = Column {
        name: "c".to_owned(),
        type_oid,
        type_modifier,
        nullable: shape & 1 == 1,
        default: default.map(str::to_owned),
        generated: false,
    };
    let phase = if shape & 2 == 2 {
        Phase::Snapshot
    } else {
        Phase::Stream
    };
    let (values, json) = choose(*options, *shape);
    if let Some(converter) = ColumnConverter::new(&column, &CATALOG, &values, phase) {
        check(&converter, text, &json);
    }
});

fn choose(options: u8, shape: u8) -> (ValueOptions, JsonConverterOptions) {
    let values = ValueOptions {
        decimal: match options % 3 {
            0 => DecimalMode::Precise,
            1 => DecimalMode::String,
            _ => DecimalMode::Double,
        },
        time_precision: match options % 6 {
            0 => TimePrecisionMode::Adaptive,
            1 => TimePrecisionMode::Connect,
            2 => TimePrecisionMode::Isostring,
            3 => TimePrecisionMode::Nanoseconds,
            4 => TimePrecisionMode::Microseconds,
            _ => TimePrecisionMode::AdaptiveTimeMicroseconds,
        },
        binary: match options % 4 {
            0 => BinaryMode::Bytes,
            1 => BinaryMode::Hex,
            2 => BinaryMode::Base64,
            _ => BinaryMode::Base64UrlSafe,
        },
        interval: if options & 16 == 0 {
            IntervalMode::Numeric
        } else {
            IntervalMode::String
        },
        hstore: if options & 32 == 0 {
            HstoreMode::Json
        } else {
            HstoreMode::Map
        },
        money_fraction_digits: u32::from(options >> 6),
        include_unknown: shape & 4 == 4,
        unavailable_placeholder: b"__debezium_unavailable_value".to_vec(),
    };
    let json = JsonConverterOptions {
        schemas: false,
        decimal_format: if shape & 8 == 8 {
            DecimalFormat::Numeric
        } else {
            DecimalFormat::Base64
        },
        replace_null_with_default: shape & 16 == 16,
    };
    (values, json)
}

fn check(converter: &ColumnConverter, text: &[u8], json: &JsonConverterOptions) {
    let (mut straight, mut tree) = (Vec::new(), DatumSink::default());
    let written = converter.convert(text, &mut JsonSink::new(&mut straight, json));
    assert_eq!(written, converter.convert(text, &mut tree));
    // The server writes nothing but UTF-8: what must hold for other bytes is that they do no harm.
    if written.is_err() || std::str::from_utf8(text).is_err() {
        return;
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(&straight).expect("a value becomes JSON");
    let tree = tree.finish().expect("a conversion writes one value");
    let tree = SchemaAndValue::new(Arc::new(converter.schema().clone()), tree);
    let mut by_tree = Vec::new();
    let converted = JsonConverter::new(json).convert(&tree, &mut by_tree);
    assert!(converted.expect("a tree has its schema"));
    assert_eq!(
        String::from_utf8_lossy(&by_tree),
        String::from_utf8_lossy(&straight)
    );
}
