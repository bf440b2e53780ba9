//! `io.debezium.transforms.VectorToJsonConverter`: vectors of pgvector as JSON texts.

use std::sync::Arc;

use super::fields::{Derived, View, error, fields_of, or_default};
use crate::connect::header::HeaderSink;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::sink::write_datum;
use crate::connect::transform::{Transform, TransformError};

const VECTORS: [&str; 2] = [
    "io.debezium.data.DoubleVector",
    "io.debezium.data.FloatVector",
];
const SPARSE_VECTOR: &str = "io.debezium.data.SparseDoubleVector";

#[derive(Default)]
pub(super) struct VectorToJson {
    schemas: Derived<Arc<Schema>>,
}

impl Transform for VectorToJson {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            return Ok(Some(record));
        }
        View::of(&record.value, "Value should be a struct")?;
        if let Some(schema) = &record.value.schema {
            let converted = Arc::clone(
                self.schemas
                    .get(schema, |schema| Ok(Arc::new(converted_schema(schema))))?,
            );
            let value = converted_value(schema, &record.value.value)?;
            record.value = SchemaAndValue::new(converted, value);
        }
        Ok(Some(record))
    }
}

fn is_vector(schema: &Schema) -> bool {
    let name = schema.name.as_deref();
    name.is_some_and(|name| VECTORS.contains(&name))
}

fn is_sparse_vector(schema: &Schema) -> bool {
    schema.name.as_deref() == Some(SPARSE_VECTOR)
}

fn converted_schema(schema: &Schema) -> Schema {
    if is_vector(schema) || is_sparse_vector(schema) {
        return Schema::named(Kind::String, "io.debezium.data.Json", 1).optional(schema.optional);
    }
    let Kind::Struct(fields) = &schema.kind else {
        return schema.clone();
    };
    let fields = fields
        .iter()
        .map(|part| Field::new(&part.name, converted_schema(&part.schema)));
    Schema {
        kind: Kind::Struct(fields.collect()),
        default: None,
        ..schema.clone()
    }
}

fn converted_value(schema: &Schema, value: &Datum) -> Result<Datum, TransformError> {
    let value = or_default(schema, value);
    if is_sparse_vector(schema) {
        return sparse_json(schema, value);
    }
    match (&schema.kind, value) {
        (Kind::Array(items), Datum::Array(elements)) if is_vector(schema) => {
            let numbers: Vec<_> = elements.iter().map(|number| text(items, number)).collect();
            let json = format!("{{ \"values\": [{}] }}", numbers.join(", "));
            Ok(Datum::String(json))
        }
        (Kind::Struct(fields), Datum::Struct(values)) => {
            let parts = fields.iter().zip(values);
            let parts = parts.map(|(field, value)| converted_value(&field.schema, value));
            Ok(Datum::Struct(parts.collect::<Result<_, _>>()?))
        }
        _ => Ok(value.clone()),
    }
}

fn sparse_json(schema: &Schema, value: &Datum) -> Result<Datum, TransformError> {
    let Some(vector) = View::new(schema, value) else {
        return Ok(Datum::Null);
    };
    let not_sparse = || error("a sparse vector has dimensions and a map");
    let Kind::Map(_, numbers) = &fields_of(schema)?[1].schema.kind else {
        return Err(not_sparse());
    };
    let (Datum::Int(dimensions), Datum::Map(entries)) =
        (vector.get("dimensions")?, vector.get("vector")?)
    else {
        return Err(not_sparse());
    };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(index, _)| {
        if let Datum::Int(index) = index {
            *index
        } else {
            0
        }
    });
    let index = Schema::new(Kind::Int16);
    let entries = entries
        .iter()
        .map(|(key, number)| format!("\"{}\": {}", text(&index, key), text(numbers, number)));
    let entries: Vec<_> = entries.collect();
    Ok(Datum::String(format!(
        "{{ \"dimensions\": {dimensions}, \"vector\": {{ {} }} }}",
        entries.join(", ")
    )))
}

/// `String.valueOf`.
fn text(schema: &Schema, number: &Datum) -> String {
    let mut text = Vec::new();
    write_datum(schema, number, &mut HeaderSink::new(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}
