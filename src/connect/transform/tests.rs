//! The stock transforms against the real ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::create;
use super::options::Options;
use crate::config::connector::{
    ConverterConfig, DecimalFormat, HeaderConverterConfig, JsonConverterOptions,
};
use crate::connect::converter::{Converter, HeaderConverter};
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema, logical};

/// `java.tsv` holds what the transforms of connect-transforms 4.3.1 made of the records below: which record, class, options
/// parted by semicolons, and then topic, key, value (`JsonConverter`, schemas included) and headers (`SimpleHeaderConverter`), or
/// DROPPED, ERROR, CONFIG.
#[test]
fn records_become_what_connect_makes_of_them() {
    let mut differences = Vec::new();
    for line in include_str!("java.tsv").lines() {
        let mut columns = line.splitn(4, '\t');
        let mut column = || columns.next().unwrap();
        let (kind, class, options, expected) = (column(), column(), column(), column());
        let found = play(kind, class, options);
        // Refused at the start, as no record can pass; Connect waits for the first one.
        let refused_early = found.starts_with("CONFIG") && expected == "ERROR";
        let is_same = match expected {
            "ERROR" | "CONFIG" => found.starts_with(expected),
            _ => found == expected,
        };
        if !is_same && !refused_early {
            differences.push(format!(
                "{kind} {class} {options}\n- {expected}\n+ {found}\n"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.concat());
}

fn play(kind: &str, class: &str, options: &str) -> String {
    let options = options
        .split(';')
        .filter_map(|option| option.split_once('='));
    let given: BTreeMap<_, _> = options
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let class = format!("org.apache.kafka.connect.transforms.{class}");
    let mut transform = match create(&class, &Options::new(&given)) {
        Ok(transform) => transform.unwrap(),
        Err(error) => return format!("CONFIG {error}"),
    };
    // Twice: the second time everything comes from what was kept.
    let first = transform.apply(record(kind)).map(show);
    let second = transform.apply(record(kind)).map(show);
    assert_eq!(first, second, "{class}");
    first.unwrap_or_else(|error| format!("ERROR {error}"))
}

fn show(record: Option<SourceRecord>) -> String {
    let Some(record) = record else {
        return "DROPPED".to_owned();
    };
    let json = ConverterConfig::Json(JsonConverterOptions {
        schemas: true,
        decimal_format: DecimalFormat::Base64,
        replace_null_with_default: true,
    });
    let mut header_converter = HeaderConverter::new(&HeaderConverterConfig::Simple);
    let mut parts = vec![record.topic.as_ref().to_owned()];
    for part in [&record.key, &record.value] {
        let mut bytes = Vec::new();
        match Converter::new(&json, false, |_| Err("no registry here"))
            .unwrap()
            .convert("t", part, &mut bytes)
        {
            Ok(is_there) => parts.push(text(is_there, bytes)),
            Err(error) => return format!("ERROR {error}"),
        }
    }
    let mut headers = String::new();
    for Header { name, value } in &record.headers {
        let mut bytes = Vec::new();
        match header_converter.convert("t", value, &mut bytes) {
            Ok(is_there) => headers += &format!("{name}={};", text(is_there, bytes)),
            Err(error) => return format!("ERROR {error}"),
        }
    }
    parts.push(headers);
    parts.join("\t")
}

fn text(is_there: bool, bytes: Vec<u8>) -> String {
    if is_there {
        String::from_utf8(bytes).unwrap()
    } else {
        "-".to_owned()
    }
}

fn record(kind: &str) -> SourceRecord {
    let key = structure("key", vec![("id", Schema::new(Kind::Int32))]);
    let key = SchemaAndValue::new(Arc::new(key), Datum::Struct(vec![Datum::Int(1)]));
    let (key, value) = match kind {
        "row" => (key, SchemaAndValue::new(Arc::new(row()), row_value())),
        "null" => (key, SchemaAndValue::new(Arc::new(row()), Datum::Null)),
        "tombstone" => (key, SchemaAndValue::NULL),
        _ => {
            let mut schema = Schema::new(Kind::Int64).optional(true);
            schema.doc = Some("n".into());
            let number = Datum::Int(1_709_210_096_789);
            (
                SchemaAndValue::NULL,
                SchemaAndValue::new(Arc::new(schema), number),
            )
        }
    };
    let string = Arc::new(Schema::new(Kind::String));
    let header = |(name, value): (&str, &str)| Header {
        name: name.into(),
        value: SchemaAndValue::new(Arc::clone(&string), Datum::String(value.to_owned())),
    };
    SourceRecord {
        topic: "srv.public.t".into(),
        partition: (kind == "row").then_some(3),
        key,
        value,
        timestamp: (kind == "row").then_some(1_709_210_096_789),
        headers: [("h", "1"), ("h", "2"), ("g", "3")].map(header).into(),
    }
}

fn structure(name: &'static str, fields: Vec<(&str, Schema)>) -> Schema {
    let field = |(name, schema): (&str, Schema)| Field::new(name, schema);
    Schema {
        name: Some(name.into()),
        ..Schema::new(Kind::Struct(fields.into_iter().map(field).collect()))
    }
}

fn row() -> Schema {
    let required = Schema::new;
    let optional = |kind| Schema::new(kind).optional(true);
    let default = |schema: Schema, default| schema.with_default(Some(default));
    let documented = |mut schema: Schema, doc: &'static str| {
        schema.doc = Some(doc.into());
        schema
    };
    let why = Datum::String("why".to_owned());
    let inner = structure(
        "inner",
        vec![
            ("x", required(Kind::Int32)),
            ("y", default(optional(Kind::String), why)),
        ],
    )
    .optional(true);
    let x = documented(required(Kind::Int64), "an x").parameter("p", "q");
    let mut present = structure("present", vec![("x", x), ("deep", inner.clone())]);
    present.version = Some(2);
    let micros = Schema::named(Kind::Int64, "io.debezium.time.MicroTimestamp", 1);
    let decimal = Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", "2");
    let timestamp = Schema::named(Kind::Int64, logical::TIMESTAMP, 1);
    let numbers = Kind::Array(Box::new(optional(Kind::Int32)));
    let row = structure(
        "row",
        vec![
            ("i8", required(Kind::Int8)),
            ("i16", optional(Kind::Int16)),
            ("i32", default(optional(Kind::Int32), Datum::Int(5))),
            ("i64", default(micros, Datum::Int(300))),
            ("f32", required(Kind::Float32)),
            ("f64", optional(Kind::Float64)),
            ("b", required(Kind::Boolean)),
            ("s", documented(required(Kind::String), "text")),
            ("by", optional(Kind::Bytes)),
            ("dec", decimal.optional(true)),
            (
                "date",
                Schema::named(Kind::Int32, logical::DATE, 1).optional(true),
            ),
            ("time", Schema::named(Kind::Int32, logical::TIME, 1)),
            ("ts", default(timestamp, Datum::Int(86_400_000))),
            ("arr", required(numbers)),
            ("absent", inner),
            ("present", present),
            ("when", optional(Kind::String)),
        ],
    );
    let mut row = documented(row, "a row").parameter("a", "b").optional(true);
    row.version = Some(4);
    row
}

fn row_value() -> Datum {
    Datum::Struct(vec![
        Datum::Int(-7),
        Datum::Null,
        Datum::Null,
        Datum::Int(1_709_210_096_789_123),
        Datum::Float32(1.1),
        Datum::Float64(1e21),
        Datum::Boolean(true),
        Datum::String("-12".to_owned()),
        Datum::Bytes(vec![1, 2, 3]),
        Datum::Bytes((-12_345_i16).to_be_bytes().to_vec()),
        Datum::Int(19_782),
        Datum::Int(45_296_789),
        Datum::Int(1_709_210_096_789),
        Datum::Array(vec![Datum::Int(1), Datum::Null]),
        Datum::Null,
        Datum::Struct(vec![Datum::Int(9), Datum::Null]),
        Datum::String("2024-02-29 12:34:56".to_owned()),
    ])
}
