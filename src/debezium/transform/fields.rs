//! Reading structs as Connect's `Struct` does, and deriving schemas from schemas.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::TransformError;

/// More schemas than any connector has at a time; what was derived from dead ones goes with them.
const CACHE_CAPACITY: usize = 1000;

/// A struct and its schema.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) fields: &'a [Field],
    pub(super) values: &'a [Datum],
}

impl<'a> View<'a> {
    /// Connect's `Requirements.requireStruct`.
    pub(super) fn of(value: &'a SchemaAndValue, purpose: &str) -> Result<Self, TransformError> {
        let schema = value.schema.as_deref();
        schema
            .and_then(|schema| Self::new(schema, &value.value))
            .ok_or_else(|| error(format!("only a struct is supported for [{purpose}]")))
    }

    pub(super) fn new(schema: &'a Schema, value: &'a Datum) -> Option<Self> {
        match (&schema.kind, value) {
            (Kind::Struct(fields), Datum::Struct(values)) => Some(Self { fields, values }),
            _ => None,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        position(self.fields, name).is_some()
    }

    fn entry(&self, name: &str) -> Result<(&'a Schema, &'a Datum), TransformError> {
        let index = require_position(self.fields, name)?;
        Ok((&self.fields[index].schema, &self.values[index]))
    }

    /// `Struct.get`: a null is shown as the default.
    pub(super) fn get(&self, name: &str) -> Result<&'a Datum, TransformError> {
        let (schema, value) = self.entry(name)?;
        Ok(or_default(schema, value))
    }

    /// `Struct.getString`, which knows no defaults.
    pub(super) fn string(&self, name: &str) -> Result<Option<&'a str>, TransformError> {
        Ok(text(self.typed(name, &Kind::String)?))
    }

    /// `Struct.getInt32`.
    pub(super) fn int32(&self, name: &str) -> Result<Option<i32>, TransformError> {
        let value = self.int(name, &Kind::Int32)?;
        Ok(value.map(|value| i32::try_from(value).expect("an INT32 has 32 bits")))
    }

    /// `Struct.getInt64`.
    pub(super) fn int64(&self, name: &str) -> Result<Option<i64>, TransformError> {
        self.int(name, &Kind::Int64)
    }

    fn int(&self, name: &str, kind: &Kind) -> Result<Option<i64>, TransformError> {
        let value = self.typed(name, kind)?;
        Ok(if let Datum::Int(value) = value {
            Some(*value)
        } else {
            None
        })
    }

    /// `Struct.getStruct`.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Self>, TransformError> {
        let (schema, value) = self.entry(name)?;
        let Kind::Struct(_) = schema.kind else {
            return Err(error(format!("field \"{name}\" is not of type STRUCT")));
        };
        Ok(Self::new(schema, value))
    }

    fn typed(&self, name: &str, kind: &Kind) -> Result<&'a Datum, TransformError> {
        let (schema, value) = self.entry(name)?;
        if schema.kind == *kind {
            Ok(value)
        } else {
            Err(error(format!("field \"{name}\" is not of type {kind:?}")))
        }
    }
}

/// What was derived from a schema, by its address. Holds the schema, so that the address stays its own.
pub(super) struct Derived<T> {
    entries: FxHashMap<usize, (Arc<Schema>, T)>,
}

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Self {
            entries: FxHashMap::default(),
        }
    }
}

impl<T> Derived<T> {
    pub(super) fn get(
        &mut self,
        schema: &Arc<Schema>,
        derive: impl FnOnce(&Schema) -> Result<T, TransformError>,
    ) -> Result<&mut T, TransformError> {
        let address = Arc::as_ptr(schema).addr();
        if !self.entries.contains_key(&address) {
            let derived = derive(schema)?;
            if self.entries.len() >= CACHE_CAPACITY {
                self.entries.clear();
            }
            self.entries.insert(address, (Arc::clone(schema), derived));
        }
        let (_, derived) = self.entries.get_mut(&address).expect("it is there now");
        Ok(derived)
    }
}

pub(super) fn error(text: impl Into<String>) -> TransformError {
    TransformError(text.into())
}

/// The value's schema, if it is that of a change (`SmtManager.isValidEnvelope`).
pub(super) fn envelope(record: &SourceRecord) -> Option<Arc<Schema>> {
    let schema = record.value.schema.as_ref()?;
    let name = schema.name.as_deref()?;
    name.ends_with(".Envelope").then(|| Arc::clone(schema))
}

/// A string's text.
pub(super) fn text(value: &Datum) -> Option<&str> {
    if let Datum::String(text) = value {
        Some(text)
    } else {
        None
    }
}

pub(super) fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

pub(super) fn require_position(fields: &[Field], name: &str) -> Result<usize, TransformError> {
    position(fields, name).ok_or_else(|| error(format!("\"{name}\" is not a valid field name")))
}

/// The fields of a struct schema.
pub(super) fn fields_of(schema: &Schema) -> Result<&[Field], TransformError> {
    let Kind::Struct(fields) = &schema.kind else {
        return Err(error("cannot look up fields on a schema that is no struct"));
    };
    Ok(fields)
}

/// What `Struct.get` returns: a null is shown as the schema's default.
pub(super) fn or_default<'a>(schema: &'a Schema, value: &'a Datum) -> &'a Datum {
    match (&schema.default, value) {
        (Some(default), Datum::Null) => default,
        _ => value,
    }
}

/// The values with their defaults in place of nulls.
pub(super) fn replace_nulls(fields: &[Field], values: &mut [Datum]) {
    for (field, value) in fields.iter().zip(values) {
        if let (Some(default), Datum::Null) = (&field.schema.default, &*value) {
            *value = default.clone();
        }
    }
}

pub(super) fn optional_string() -> Schema {
    Schema::new(Kind::String).optional(true)
}

/// Connect's `SchemaUtil.copySchemaBasics` onto a struct of other fields: neither optional nor with a default.
pub(super) fn with_fields(source: &Schema, fields: Vec<Field>) -> Result<Schema, TransformError> {
    require_unique(&fields)?;
    Ok(Schema {
        kind: Kind::Struct(fields),
        optional: false,
        default: None,
        name: source.name.clone(),
        version: source.version,
        doc: source.doc.clone(),
        parameters: source.parameters.clone(),
    })
}

fn require_unique(fields: &[Field]) -> Result<(), TransformError> {
    for (index, field) in fields.iter().enumerate() {
        if position(&fields[..index], &field.name).is_some() {
            return Err(error(format!(
                "cannot create the field \"{}\", there is one of that name",
                field.name
            )));
        }
    }
    Ok(())
}

/// What `Struct.put` refuses: a value that cannot be of the schema. Looks no deeper than one level.
pub(super) fn require_fit(field: &Field, value: &Datum) -> Result<(), TransformError> {
    let schema = &field.schema;
    let fits = match value {
        Datum::Null => schema.optional || schema.default.is_some(),
        Datum::Boolean(_) => schema.kind == Kind::Boolean,
        Datum::Int(_) => matches!(
            schema.kind,
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64
        ),
        Datum::Float32(_) => schema.kind == Kind::Float32,
        Datum::Float64(_) => schema.kind == Kind::Float64,
        Datum::String(_) => schema.kind == Kind::String,
        Datum::Bytes(_) => schema.kind == Kind::Bytes,
        Datum::Array(_) => matches!(schema.kind, Kind::Array(_)),
        Datum::Map(_) => matches!(schema.kind, Kind::Map(..)),
        Datum::Struct(values) => {
            matches!(&schema.kind, Kind::Struct(fields) if fields.len() == values.len())
        }
    };
    if fits {
        return Ok(());
    }
    Err(error(format!(
        "the value for field \"{}\" is not of the field's schema",
        field.name
    )))
}
