//! `Flatten`: nested structs become fields of one struct, with joined names.

use std::sync::Arc;

use super::operand::{Derived, Fields, Part, Reading, copy_basics, fields, put, require_struct};
use super::options::Options;
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};

const PURPOSE: &str = "flattening";

#[derive(Debug)]
pub(super) struct Flatten {
    part: Part,
    delimiter: String,
    schemas: Derived<Arc<Schema>>,
}

impl Flatten {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Self {
        Self {
            part,
            delimiter: options.text("delimiter").unwrap_or(".").to_owned(),
            schemas: Derived::new(),
        }
    }
}

impl Transform for Flatten {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let Some((schema, value)) = self.part.take_present(&mut record, PURPOSE)? else {
            return Ok(Some(record));
        };
        let values = require_struct(value, PURPOSE)?;
        let delimiter = &self.delimiter;
        let flat = self.schemas.get(&schema, |schema| {
            let mut fields = Fields::default();
            flatten_schema(schema, &Parent::root(schema, delimiter), &mut fields)?;
            Ok(Arc::new(copy_basics(schema, fields.into_kind())))
        })?;
        let mut flattened = Vec::new();
        flatten_values(&schema, Some(values), &mut flattened)?;
        let fields = fields(flat, PURPOSE)?.iter().zip(flattened);
        let values = fields.map(|(field, value)| match value {
            Leaf::Put(value) => put(field, value),
            Leaf::Unset => Ok(Datum::Null),
        });
        let values = Datum::Struct(values.collect::<Result<_, _>>()?);
        *self.part.of(&mut record) = SchemaAndValue::new(Arc::clone(flat), values);
        Ok(Some(record))
    }
}

/// What the fields of a struct inherit from it.
struct Parent<'a> {
    name: String,
    delimiter: &'a str,
    optional: bool,
    default: Option<Datum>,
}

impl<'a> Parent<'a> {
    fn root(schema: &Schema, delimiter: &'a str) -> Self {
        Self {
            name: String::new(),
            delimiter,
            optional: schema.optional,
            default: schema.default.clone(),
        }
    }

    fn child(&self, index: usize, field: &Field) -> Self {
        let name = if self.name.is_empty() {
            field.name.clone()
        } else {
            format!("{}{}{}", self.name, self.delimiter, field.name)
        };
        let inherited = match &self.default {
            Some(Datum::Struct(values)) => values.get(index).filter(|value| **value != Datum::Null),
            _ => None,
        };
        Self {
            name,
            delimiter: self.delimiter,
            optional: self.optional || field.schema.optional,
            default: field.schema.default.as_ref().or(inherited).cloned(),
        }
    }
}

fn flatten_schema(
    schema: &Schema,
    parent: &Parent<'_>,
    flat: &mut Fields,
) -> Result<(), TransformError> {
    for (index, field) in fields(schema, PURPOSE)?.iter().enumerate() {
        let child = parent.child(index, field);
        if is_struct(field, &child.name)? {
            flatten_schema(&field.schema, &child, flat)?;
            continue;
        }
        let basics = copy_basics(&field.schema, field.schema.kind.clone());
        let leaf = basics.optional(child.optional).with_default(child.default);
        flat.add(child.name, leaf)?;
    }
    Ok(())
}

/// A field of the result: of a struct that is null, none of the fields is set.
enum Leaf {
    Put(Datum),
    Unset,
}

fn flatten_values(
    schema: &Schema,
    values: Option<Vec<Datum>>,
    flat: &mut Vec<Leaf>,
) -> Result<(), TransformError> {
    let mut values = values.map(Vec::into_iter);
    for field in fields(schema, PURPOSE)? {
        let value = values
            .as_mut()
            .map(|values| values.next().unwrap_or(Datum::Null));
        match (is_struct(field, &field.name)?, value) {
            (false, None) => flat.push(Leaf::Unset),
            (false, Some(value)) => {
                flat.push(Leaf::Put(Reading::WITH_DEFAULT.read(&field.schema, value)));
            }
            // `Struct.getStruct` knows no default.
            (true, None | Some(Datum::Null)) => flatten_values(&field.schema, None, flat)?,
            (true, Some(value)) => {
                let values = require_struct(value, PURPOSE)?;
                flatten_values(&field.schema, Some(values), flat)?;
            }
        }
    }
    Ok(())
}

fn is_struct(field: &Field, name: &str) -> Result<bool, TransformError> {
    match &field.schema.kind {
        Kind::Struct(_) => Ok(true),
        Kind::Map(..) => Err(TransformError(format!(
            "flattening does not support maps (field \"{name}\")"
        ))),
        Kind::Boolean
        | Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::Float32
        | Kind::Float64
        | Kind::String
        | Kind::Bytes
        | Kind::Array(_) => Ok(false),
    }
}
