//! A JSON document as a struct with a schema made for it (`io.debezium.transforms.outbox.JsonSchemaData`).

use serde_json::{Map, Value};

use super::fields::{error, position};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::TransformError;

/// What becomes of a field that is null in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NullField {
    Ignore,
    OptionalBytes,
}

/// The first JSON value of the text; what comes after it is not looked at, as Jackson does not.
pub(super) fn parse(text: &str) -> Option<Value> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    values.next()?.ok()
}

/// `None` where Debezium leaves the field out: nulls, and arrays without elements. `name` is that of a struct.
pub(super) fn schema(
    name: Option<&str>,
    value: &Value,
    nulls: NullField,
) -> Result<Option<Schema>, TransformError> {
    let kind = match value {
        Value::Null => match nulls {
            NullField::Ignore => return Ok(None),
            NullField::OptionalBytes => Kind::Bytes,
        },
        Value::Bool(_) => Kind::Boolean,
        Value::Number(number) => number_kind(number),
        Value::String(_) => Kind::String,
        Value::Array(elements) if elements.is_empty() => return Ok(None),
        Value::Array(elements) => Kind::Array(Box::new(element_schema(name, elements, nulls)?)),
        Value::Object(members) => return object_schema(name, members, nulls).map(Some),
    };
    Ok(Some(Schema::new(kind).optional(true)))
}

fn number_kind(number: &serde_json::Number) -> Kind {
    match number.as_i64() {
        Some(integer) if i32::try_from(integer).is_ok() => Kind::Int32,
        Some(_) => Kind::Int64,
        None => Kind::Float64,
    }
}

fn object_schema(
    name: Option<&str>,
    members: &Map<String, Value>,
    nulls: NullField,
) -> Result<Schema, TransformError> {
    let mut fields = Vec::with_capacity(members.len());
    for (key, value) in members {
        let nested = match name {
            Some(name) if !name.trim().is_empty() => format!("{name}.{key}"),
            Some(_) | None => key.clone(),
        };
        if let Some(schema) = schema(Some(&nested), value, nulls)? {
            fields.push(Field::new(key, schema));
        }
    }
    Ok(Schema {
        name: name.map(|name| name.to_owned().into()),
        ..Schema::new(Kind::Struct(fields)).optional(true)
    })
}

fn element_schema(
    name: Option<&str>,
    elements: &[Value],
    nulls: NullField,
) -> Result<Schema, TransformError> {
    let mut present = elements.iter().filter(|element| !element.is_null());
    let sample = present.next().unwrap_or(&Value::Null);
    for element in present {
        let is_same = std::mem::discriminant(sample) == std::mem::discriminant(element);
        let has_same_kind = match (sample, element) {
            (Value::Number(sample), Value::Number(element)) => {
                number_kind(sample) == number_kind(element)
            }
            _ => true,
        };
        if !is_same || !has_same_kind {
            return Err(error("an array of the JSON document is not homogenous"));
        }
    }
    if !sample.is_object() {
        let schema = schema(None, sample, nulls)?;
        return schema
            .ok_or_else(|| error("an array of the JSON document has no schema for its members"));
    }
    // Debezium merges in the order of a hash set; any order is as good.
    let mut distinct = Vec::new();
    for element in elements {
        if let Value::Object(members) = element {
            let schema = object_schema(name, members, nulls)?;
            if !distinct.contains(&schema) {
                distinct.push(schema);
            }
        }
    }
    let merged = distinct.into_iter().reduce(merge);
    merged.ok_or_else(|| error("an array of the JSON document has no schema for its members"))
}

/// Fields of both; only what was bytes, as a null is, takes the other's schema. What is merged is no longer optional.
fn merge(mut left: Schema, right: Schema) -> Schema {
    left.optional = false;
    let (Kind::Struct(fields), Kind::Struct(others)) = (&mut left.kind, right.kind) else {
        return left;
    };
    for other in others {
        match position(fields, &other.name) {
            None => fields.push(other),
            Some(index) if fields[index].schema.kind == Kind::Bytes => fields[index] = other,
            Some(_) => {}
        }
    }
    left
}

/// The document as a value of its schema.
pub(super) fn value(value: &Value, schema: &Schema) -> Result<Datum, TransformError> {
    let misfit = || error("the JSON document has values that do not fit its own schema");
    match (value, &schema.kind) {
        (Value::Null, _) => Ok(Datum::Null),
        (Value::Bool(value), Kind::Boolean) => Ok(Datum::Boolean(*value)),
        (Value::String(text), Kind::String) => Ok(Datum::String(text.clone())),
        (Value::Number(number), kind) if number_kind(number) == *kind => match number.as_i64() {
            Some(integer) => Ok(Datum::Int(integer)),
            // A whole number beyond 64 bits is a `BigDecimal` to Debezium, which fits no schema.
            None if number.is_u64() => Err(misfit()),
            None => number.as_f64().map(Datum::Float64).ok_or_else(misfit),
        },
        (Value::Array(elements), Kind::Array(items)) => {
            let elements = elements.iter().map(|element| self::value(element, items));
            Ok(Datum::Array(elements.collect::<Result<_, _>>()?))
        }
        (Value::Object(members), Kind::Struct(fields)) => structure(members, fields),
        _ => Err(misfit()),
    }
}

fn structure(members: &Map<String, Value>, fields: &[Field]) -> Result<Datum, TransformError> {
    let values = fields.iter().map(|field| match members.get(&field.name) {
        Some(member) => value(member, &field.schema),
        None => Ok(Datum::Null),
    });
    Ok(Datum::Struct(values.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::DecimalFormat;
    use crate::connect::json::write_schema;

    fn schema_text(text: &str, nulls: NullField) -> String {
        let schema = schema(Some("payload"), &parse(text).unwrap(), nulls);
        let mut out = Vec::new();
        write_schema(
            &schema.unwrap().unwrap(),
            None,
            DecimalFormat::Base64,
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    /// Expected text: the class's rules, and the outbox of the contract.
    #[test]
    fn a_document_makes_its_own_schema() {
        assert_eq!(
            schema_text(
                r#"{"a":1,"b":5000000000,"c":1.0,"d":null,"e":[],"f":{"g":true},"h":[{"i":"x"},{"j":2}]}"#,
                NullField::Ignore
            ),
            concat!(
                r#"{"type":"struct","fields":["#,
                r#"{"type":"int32","optional":true,"field":"a"},"#,
                r#"{"type":"int64","optional":true,"field":"b"},"#,
                r#"{"type":"double","optional":true,"field":"c"},"#,
                r#"{"type":"struct","fields":[{"type":"boolean","optional":true,"field":"g"}],"optional":true,"name":"payload.f","field":"f"},"#,
                r#"{"type":"array","items":{"type":"struct","fields":[{"type":"string","optional":true,"field":"i"},{"type":"int32","optional":true,"field":"j"}],"optional":false,"name":"payload.h"},"optional":true,"field":"h"}"#,
                r#"],"optional":true,"name":"payload"}"#
            )
        );
        assert!(schema_text(r#"{"d":null}"#, NullField::OptionalBytes).contains("bytes"));
    }

    #[test]
    fn arrays_of_different_things_have_no_schema() {
        for text in [
            r#"{"a":[1,"x"]}"#,
            r#"{"a":[1,2.5]}"#,
            r#"{"a":[null]}"#,
            r#"{"a":[[]]}"#,
        ] {
            let value = parse(text).unwrap();
            assert!(
                schema(Some("p"), &value, NullField::Ignore).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for text in [
            r#"{"a":18446744073709551615}"#,
            r#"{"a":[{"b":1},{"b":"x"}]}"#,
        ] {
            let document = parse(text).unwrap();
            let schema = schema(None, &document, NullField::Ignore).unwrap().unwrap();
            assert!(value(&document, &schema).is_err(), "{text}");
        }
    }
}
