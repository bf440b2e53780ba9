//! Schemas and bytes against what AvroConverter 7.0.16 made of the same schemas and values (`tests/golden/avro.jsonl`).

use serde_json::Value;

use super::binary;
use super::schema_text::avro_schema;
use crate::config::avro::AvroDataOptions;
use crate::connect::schema::{Datum, Field, Kind, Schema, logical};

const GOLDEN: &str = include_str!("../../../tests/golden/avro.jsonl");

#[test]
fn schemas_and_bytes_are_those_of_confluent() {
    let mut checked = 0;
    for line in GOLDEN.lines() {
        let golden: Value = serde_json::from_str(line).unwrap();
        let name = text(&golden, "name");
        let options = options(&golden["options"]);
        let schema = schema(&golden["schema"]);
        let avro = avro_schema(&schema, &options);
        checked += 1;
        let Some(expected) = golden["avro"].as_str() else {
            let is_error = golden["error"].is_string();
            assert_eq!(avro.is_err(), is_error, "{name}: {avro:?}");
            continue;
        };
        assert_eq!(avro.unwrap(), expected, "{name}");
        let datum = datum(&schema, &golden["payload"]);
        let mut bytes = Vec::new();
        binary::write_top(&schema, &datum, &options, &mut bytes).unwrap();
        assert_eq!(hex(&bytes), text(&golden, "bytes"), "{name}");
    }
    assert!(checked > 400, "{checked}");
}

fn options(given: &Value) -> AvroDataOptions {
    let is = |name: &str, default: bool| match given[name].as_str() {
        Some(text) => text == "true",
        None => default,
    };
    AvroDataOptions {
        connect_meta_data: is("connect.meta.data", true),
        scrub_invalid_names: is("scrub.invalid.names", false),
        allow_optional_map_keys: is("allow.optional.map.keys", false),
        ignore_default_for_nullables: false,
        discard_type_doc_default: is("discard.type.doc.default", false),
    }
}

/// `JsonConverter.asConnectSchema`.
fn schema(json: &Value) -> Schema {
    let kind = match text(json, "type") {
        "boolean" => Kind::Boolean,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "float" => Kind::Float32,
        "double" => Kind::Float64,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "array" => Kind::Array(Box::new(schema(&json["items"]))),
        "map" => Kind::Map(
            Box::new(schema(&json["keys"])),
            Box::new(schema(&json["values"])),
        ),
        "struct" => Kind::Struct(fields(&json["fields"])),
        other => panic!("{other}"),
    };
    let owned = |name: &str| json[name].as_str().map(|text| text.to_owned().into());
    let parameters = json["parameters"].as_object().into_iter().flatten();
    let mut schema = Schema {
        optional: json["optional"].as_bool().unwrap(),
        name: owned("name"),
        version: json["version"]
            .as_i64()
            .map(|version| version.try_into().unwrap()),
        doc: owned("doc"),
        parameters: parameters
            .map(|(name, value)| (name.clone().into(), value.as_str().unwrap().to_owned()))
            .collect(),
        ..Schema::new(kind)
    };
    schema.default = json.get("default").map(|default| datum(&schema, default));
    schema
}

fn fields(json: &Value) -> Vec<Field> {
    let field = |json: &Value| Field {
        name: text(json, "field").to_owned(),
        schema: schema(json),
    };
    json.as_array().unwrap().iter().map(field).collect()
}

/// `JsonConverter.convertToConnect`.
fn datum(schema: &Schema, json: &Value) -> Datum {
    match (&schema.kind, json) {
        (_, Value::Null) => Datum::Null,
        (Kind::Boolean, json) => Datum::Boolean(json.as_bool().unwrap()),
        (Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64, json) => {
            Datum::Int(json.as_i64().unwrap())
        }
        (Kind::Float32, json) => Datum::Float32(number(json).to_string().parse().unwrap()),
        (Kind::Float64, json) => Datum::Float64(number(json)),
        (Kind::String, json) => Datum::String(json.as_str().unwrap().to_owned()),
        (Kind::Bytes, json) => Datum::Bytes(base64(json.as_str().unwrap())),
        (Kind::Array(items), json) => {
            let elements = json.as_array().unwrap().iter();
            Datum::Array(elements.map(|element| datum(items, element)).collect())
        }
        (Kind::Map(_, values), Value::Object(entries)) => {
            let entry =
                |(key, value): (&String, _)| (Datum::String(key.clone()), datum(values, value));
            Datum::Map(entries.iter().map(entry).collect())
        }
        (Kind::Map(keys, values), json) => {
            let entry = |pair: &Value| (datum(keys, &pair[0]), datum(values, &pair[1]));
            Datum::Map(json.as_array().unwrap().iter().map(entry).collect())
        }
        (Kind::Struct(fields), json) => {
            let field = |field: &Field| datum(&field.schema, &json[&field.name]);
            Datum::Struct(fields.iter().map(field).collect())
        }
    }
}

fn number(json: &Value) -> f64 {
    match json.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other}"),
        None => json.as_f64().unwrap(),
    }
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

#[test]
fn an_unset_field_with_a_default_can_stay_null() {
    let field = Field {
        name: "a".to_owned(),
        schema: Schema::named(Kind::Int64, logical::TIMESTAMP, 1)
            .optional(true)
            .with_default(Some(Datum::Int(1))),
    };
    let schema = Schema::new(Kind::Struct(vec![field]));
    let bytes = |ignore_default_for_nullables| {
        let options = AvroDataOptions {
            ignore_default_for_nullables,
            ..AvroDataOptions::default()
        };
        let mut bytes = Vec::new();
        let unset = Datum::Struct(vec![Datum::Null]);
        binary::write_top(&schema, &unset, &options, &mut bytes).unwrap();
        bytes
    };
    // The union is ["long", "null"].
    assert_eq!(bytes(false), [0, 2]);
    assert_eq!(bytes(true), [2]);
}
