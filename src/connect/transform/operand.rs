//! What the stock transforms share: which part of a record they work on, structs, and schemas derived from others.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::TransformError;
use super::options::{OptionError, Options};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};

/// The suffix of a transform's class: `$Key` or `$Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
    pub(super) fn of(self, record: &mut SourceRecord) -> &mut SchemaAndValue {
        match self {
            Self::Key => &mut record.key,
            Self::Value => &mut record.value,
        }
    }

    /// Its schema and value, if it has a value; leaves nothing in their place. Most transforms leave a null as it is.
    pub(super) fn take_present(
        self,
        record: &mut SourceRecord,
        purpose: &str,
    ) -> Result<Option<(Arc<Schema>, Datum)>, TransformError> {
        let operand = self.of(record);
        if operand.value == Datum::Null {
            return Ok(None);
        }
        operand.take(purpose).map(Some)
    }
}

impl SchemaAndValue {
    /// Its schema and value; leaves nothing in their place.
    pub(super) fn take(&mut self, purpose: &str) -> Result<(Arc<Schema>, Datum), TransformError> {
        let Self { schema, value } = std::mem::replace(self, Self::NULL);
        let schema = schema.ok_or_else(|| {
            let found = class_name(&value);
            TransformError(format!(
                "a schema is required for [{purpose}], found {found} without one; keep such records away with a predicate"
            ))
        })?;
        Ok((schema, value))
    }
}

/// `Requirements.requireStruct`.
pub(super) fn require_struct(value: Datum, purpose: &str) -> Result<Vec<Datum>, TransformError> {
    if let Datum::Struct(values) = value {
        return Ok(values);
    }
    Err(TransformError(format!(
        "only a struct is supported for [{purpose}], found {}; keep such records away with a predicate",
        class_name(&value)
    )))
}

/// `Schema.fields`, which only structs have.
pub(super) fn fields<'a>(schema: &'a Schema, purpose: &str) -> Result<&'a [Field], TransformError> {
    match &schema.kind {
        Kind::Struct(fields) => Ok(fields),
        Kind::Boolean
        | Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::Float32
        | Kind::Float64
        | Kind::String
        | Kind::Bytes
        | Kind::Array(_)
        | Kind::Map(..) => Err(TransformError(format!(
            "cannot list fields of what is not a struct for [{purpose}]"
        ))),
    }
}

pub(super) fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name == name)
}

/// How `replace.null.with.default` makes a transform read a field: `Struct.get` or `Struct.getWithoutDefault`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    replaces_null_with_default: bool,
}

impl Reading {
    pub(super) const WITH_DEFAULT: Self = Self {
        replaces_null_with_default: true,
    };

    pub(super) fn from_options(options: &Options<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            replaces_null_with_default: options.boolean("replace.null.with.default", true)?,
        })
    }

    pub(super) fn read(self, schema: &Schema, value: Datum) -> Datum {
        match (&value, &schema.default) {
            (Datum::Null, Some(default)) if self.replaces_null_with_default => default.clone(),
            _ => value,
        }
    }
}

/// `Struct.put` of a value that fitted another schema: only a null can be wrong.
pub(super) fn put(field: &Field, value: Datum) -> Result<Datum, TransformError> {
    if value == Datum::Null && !field.schema.optional {
        return Err(TransformError(format!(
            "null used for the required field \"{}\"",
            field.name
        )));
    }
    Ok(value)
}

/// `SchemaUtil.copySchemaBasics`: name, version, doc and parameters, but neither optionality nor default.
pub(super) fn copy_basics(source: &Schema, kind: Kind) -> Schema {
    Schema {
        name: source.name.clone(),
        version: source.version,
        doc: source.doc.clone(),
        parameters: source.parameters.clone(),
        ..Schema::new(kind)
    }
}

/// The fields of a struct schema in the making (`SchemaBuilder.field`).
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn add(
        &mut self,
        name: impl Into<String>,
        schema: Schema,
    ) -> Result<(), TransformError> {
        let name = name.into();
        if name.is_empty() {
            return Err(TransformError("a field needs a name".to_owned()));
        }
        if position(&self.0, &name).is_some() {
            return Err(TransformError(format!(
                "cannot create the field \"{name}\": there is one of this name"
            )));
        }
        self.0.push(Field { name, schema });
        Ok(())
    }

    pub(super) fn into_kind(self) -> Kind {
        Kind::Struct(self.0)
    }
}

/// What was made of each schema that came along, by its address. It holds the schema, so that the address stays its own.
#[derive(Debug)]
pub(super) struct Derived<T>(FxHashMap<usize, (Arc<Schema>, T)>);

impl<T> Derived<T> {
    /// More schemas than any connector has tables; old ones of tables that changed go with the rest.
    const CAPACITY: usize = 10_000;

    pub(super) fn new() -> Self {
        Self(FxHashMap::default())
    }

    pub(super) fn get(
        &mut self,
        schema: &Arc<Schema>,
        derive: impl FnOnce(&Schema) -> Result<T, TransformError>,
    ) -> Result<&T, TransformError> {
        let address = Arc::as_ptr(schema).addr();
        if !self.0.contains_key(&address) {
            if self.0.len() >= Self::CAPACITY {
                self.0.clear();
            }
            let derived = derive(schema)?;
            self.0.insert(address, (Arc::clone(schema), derived));
        }
        Ok(&self.0[&address].1)
    }
}

/// What a value is, without saying it.
fn class_name(value: &Datum) -> &'static str {
    match value {
        Datum::Null => "null",
        Datum::Boolean(_) => "a boolean",
        Datum::Int(_) => "an integer",
        Datum::Float32(_) | Datum::Float64(_) => "a floating-point number",
        Datum::String(_) => "a string",
        Datum::Bytes(_) => "bytes",
        Datum::Array(_) => "an array",
        Datum::Map(_) => "a map",
        Datum::Struct(_) => "a struct",
    }
}
