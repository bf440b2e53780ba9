//! What no scenario can show: configurations that are refused, and records at which Debezium stops. Expectations are from
//! Debezium's sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CLASSES, create};
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

fn configured(
    class: &str,
    options: &[(&str, &str)],
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    let options = options
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let options: BTreeMap<_, _> = options.collect();
    create(&format!("io.debezium.{class}"), &Options::new(&options))
}

fn applied(
    class: &str,
    options: &[(&str, &str)],
    record: SourceRecord,
) -> Result<Option<SourceRecord>, TransformError> {
    configured(class, options).unwrap().unwrap().apply(record)
}

fn structure(name: &str, fields: Vec<(&str, Schema)>) -> Schema {
    let fields = fields
        .into_iter()
        .map(|(name, schema)| Field::new(name, schema));
    Schema {
        name: Some(name.to_owned().into()),
        ..Schema::new(Kind::Struct(fields.collect()))
    }
}

fn text(text: &str) -> Datum {
    Datum::String(text.to_owned())
}

/// A change of an outbox table with four columns.
fn change(op: &str, before: Datum, after: Datum) -> SourceRecord {
    let column = || Schema::new(Kind::String).optional(true);
    let columns = ["id", "aggregatetype", "aggregateid", "payload"];
    let row = columns.map(|name| (name, column())).to_vec();
    let row = structure("p.s.t.Value", row).optional(true);
    let envelope = structure(
        "p.s.t.Envelope",
        vec![
            ("before", row.clone()),
            ("after", row),
            ("op", Schema::new(Kind::String)),
            ("ts_ms", Schema::new(Kind::Int64).optional(true)),
        ],
    );
    SourceRecord {
        topic: "p.s.t".into(),
        partition: None,
        key: SchemaAndValue::NULL,
        value: SchemaAndValue::new(
            Arc::new(envelope),
            Datum::Struct(vec![before, after, text(op), Datum::Int(5)]),
        ),
        timestamp: None,
        headers: Vec::new(),
    }
}

fn row(payload: Datum) -> Datum {
    Datum::Struct(vec![text("1"), text("order"), text("42"), payload])
}

#[test]
fn every_class_is_known_by_its_name_and_no_other() {
    for class in CLASSES {
        let created = create(class, &Options::new(&BTreeMap::new()));
        assert!(!matches!(created, Ok(None)), "{class}");
    }
    for class in ["transforms.Filter", "transforms.ToLogicalTopicRouter"] {
        assert!(matches!(configured(class, &[]), Ok(None)), "{class}");
    }
}

#[test]
fn options_that_debezium_refuses_are_refused() {
    const UNWRAP: &str = "transforms.ExtractNewRecordState";
    const ROUTER: &str = "transforms.ByLogicalTableRouter";
    const OUTBOX: &str = "transforms.outbox.EventRouter";
    const ZONE: &str = "transforms.TimezoneConverter";
    const TO_VALUE: &str = "transforms.HeaderToValue";
    const PARTITION: &str = "transforms.partitions.PartitionRouting";
    let route = ("topic.regex", "(.*)");
    for (class, options, refused) in [
        (
            UNWRAP,
            vec![("delete.tombstone.handling.mode", "none")],
            "delete.tombstone.handling.mode",
        ),
        (UNWRAP, vec![("add.fields", "a:b:c")], "add.fields"),
        (ROUTER, vec![route], "topic.replacement"),
        (
            ROUTER,
            vec![
                route,
                ("topic.replacement", "x"),
                ("key.field.regex", "(.*)"),
            ],
            "key.field.replacement",
        ),
        (
            OUTBOX,
            vec![("table.op.invalid.behavior", "panic")],
            "table.op.invalid.behavior",
        ),
        (
            OUTBOX,
            vec![("table.fields.additional.placement", "a")],
            "table.fields.additional.placement",
        ),
        (
            OUTBOX,
            vec![("route.topic.regex", "(")],
            "route.topic.regex",
        ),
        (ZONE, vec![], "converted.timezone"),
        (
            ZONE,
            vec![("converted.timezone", "Nowhere")],
            "converted.timezone",
        ),
        (
            TO_VALUE,
            vec![("headers", "a"), ("fields", "a,b"), ("operation", "copy")],
            "fields",
        ),
        (
            PARTITION,
            vec![
                ("partition.payload.fields", "a"),
                ("partition.topic.num", "0"),
            ],
            "partition.topic.num",
        ),
    ] {
        let error = configured(class, &options).err();
        assert_eq!(
            error.map(|error| error.option).as_deref(),
            Some(refused),
            "{class}"
        );
    }
}

#[test]
fn a_payload_that_no_converter_could_write_is_an_error() {
    const EXPAND: [(&str, &str); 1] = [("table.expand.json.payload", "true")];
    let routed = |payload| {
        let record = change("c", Datum::Null, row(text(payload)));
        applied("transforms.outbox.EventRouter", &EXPAND, record)
    };
    assert!(routed("[1]").is_err());
    let whole = routed("no JSON").unwrap().unwrap();
    assert_eq!(whole.value.value, text("no JSON"));
    assert_eq!(whole.topic.as_ref(), "outbox.event.order");
    assert_eq!(whole.timestamp, Some(5));
    // Debezium has thrown the schema away by then.
    assert_eq!(routed("[]").unwrap().unwrap().value.schema, None);
}

#[test]
fn an_update_of_the_outbox_is_dropped_or_an_error() {
    let update = || change("u", Datum::Null, row(text("x")));
    let router = "transforms.outbox.EventRouter";
    assert_eq!(applied(router, &[], update()), Ok(None));
    let fatal = [("table.op.invalid.behavior", "FATAL")];
    assert!(applied(router, &fatal, update()).is_err());
    let delete = change("d", row(text("x")), Datum::Null);
    assert_eq!(applied(router, &fatal, delete), Ok(None));
}

#[test]
fn a_field_of_a_row_that_is_not_there_chooses_no_partition() {
    let options = |fields| {
        [
            ("partition.payload.fields", fields),
            ("partition.topic.num", "3"),
        ]
    };
    let routed = |fields| {
        let record = change("c", Datum::Null, row(text("x")));
        applied(
            "transforms.partitions.PartitionRouting",
            &options(fields),
            record,
        )
    };
    assert!(routed("before.id").is_err());
    // "42".hashCode() is 1662.
    let partition = |fields| routed(fields).unwrap().unwrap().partition;
    assert_eq!(partition("change.aggregateid"), Some(0));
    assert_eq!(partition("change.nothing"), None);
}

#[test]
fn a_tombstone_has_the_headers_of_its_delete_only_if_they_were_the_same_before() {
    let options = [
        ("delete.tombstone.handling.mode", "rewrite-with-tombstone"),
        ("add.headers", "op"),
    ];
    let tombstone = |headers| SourceRecord {
        value: SchemaAndValue::NULL,
        headers,
        ..change("d", Datum::Null, Datum::Null)
    };
    let headers_after = |headers: Vec<Header>| {
        let mut transform = configured("transforms.ExtractNewRecordState", &options)
            .unwrap()
            .unwrap();
        transform
            .apply(change("d", row(text("x")), Datum::Null))
            .unwrap();
        let tombstone = transform.apply(tombstone(headers)).unwrap().unwrap();
        let headers = tombstone.headers.iter();
        headers
            .map(|header| header.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(headers_after(Vec::new()), ["__op", "__op"]);
    let other = Header {
        name: "other".into(),
        value: SchemaAndValue::NULL,
    };
    assert_eq!(headers_after(vec![other]), ["other", "__op"]);
}
