//! `Cast`: other primitive types for fields, or for the whole value.

use std::sync::Arc;

use super::cast_value::{Target, cast};
use super::operand::{Derived, Fields, Part, Reading, copy_basics, fields, put, require_struct};
use super::options::{OptionError, Options};
use super::{Transform, TransformError, java_split};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Schema, logical};

const PURPOSE: &str = "cast types";

#[derive(Debug)]
pub(super) struct Cast {
    part: Part,
    spec: Spec,
    reading: Reading,
    schemas: Derived<Arc<Schema>>,
}

#[derive(Debug)]
enum Spec {
    Whole(Target),
    Fields(Vec<(String, Target)>),
}

impl Cast {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        options.mandatory("spec")?;
        let spec = parse_spec(&options.list("spec"))
            .map_err(|problem| OptionError::new("spec", problem))?;
        Ok(Self {
            part,
            spec,
            reading: Reading::from_options(options)?,
            schemas: Derived::new(),
        })
    }
}

impl Transform for Cast {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let Some((schema, value)) = self.part.take_present(&mut record, PURPOSE)? else {
            return Ok(Some(record));
        };
        let (spec, reading) = (&self.spec, self.reading);
        let updated = self.schemas.get(&schema, |schema| match spec {
            Spec::Whole(target) => whole_schema(schema, *target),
            Spec::Fields(_) => struct_schema(schema, spec),
        })?;
        let value = match spec {
            Spec::Whole(target) => cast(&schema, value, *target)?,
            Spec::Fields(_) => {
                let values = require_struct(value, PURPOSE)?;
                let old = fields(&schema, PURPOSE)?.iter().zip(values);
                let values = old.map(|(field, value)| spec.value(field, value, reading));
                Datum::Struct(values.collect::<Result<_, _>>()?)
            }
        };
        *self.part.of(&mut record) = SchemaAndValue::new(Arc::clone(updated), value);
        Ok(Some(record))
    }
}

impl Spec {
    fn target(&self, field: &str) -> Option<Target> {
        match self {
            Self::Whole(_) => None,
            // The last entry of a name wins, as in a map.
            Self::Fields(fields) => {
                let mut fields = fields.iter().rev();
                fields
                    .find(|(name, _)| name == field)
                    .map(|(_, target)| *target)
            }
        }
    }

    fn value(
        &self,
        field: &Field,
        value: Datum,
        reading: Reading,
    ) -> Result<Datum, TransformError> {
        let value = reading.read(&field.schema, value);
        match self.target(&field.name) {
            None => put(field, value),
            Some(target) => put(field, cast(&field.schema, value, target)?),
        }
    }
}

/// A value cast as a whole keeps the name of its schema; Connect's converters then insist on the type that belongs to it.
fn whole_schema(schema: &Schema, target: Target) -> Result<Arc<Schema>, TransformError> {
    const LOGICAL: [&str; 4] = [
        logical::DECIMAL,
        logical::DATE,
        logical::TIME,
        logical::TIMESTAMP,
    ];
    if let Some(name) = schema.name.as_deref().filter(|name| LOGICAL.contains(name)) {
        return Err(TransformError(format!(
            "cannot cast a whole value of type {name}: its schema would keep that name"
        )));
    }
    let updated = copy_basics(schema, target.kind()).optional(schema.optional);
    let default = schema.default.clone();
    let default = default.map(|default| cast(schema, default, target));
    Ok(Arc::new(updated.with_default(default.transpose()?)))
}

fn struct_schema(schema: &Schema, spec: &Spec) -> Result<Arc<Schema>, TransformError> {
    let mut updated = Fields::default();
    for field in fields(schema, PURPOSE)? {
        updated.add(&field.name, field_schema(field, spec)?)?;
    }
    if schema.default.is_some() {
        return Err(TransformError(
            "cannot cast the default value of a struct".to_owned(),
        ));
    }
    let updated = copy_basics(schema, updated.into_kind());
    Ok(Arc::new(updated.optional(schema.optional)))
}

/// Nothing is left of a field's schema but optionality and default.
fn field_schema(field: &Field, spec: &Spec) -> Result<Schema, TransformError> {
    let Some(target) = spec.target(&field.name) else {
        return Ok(field.schema.clone());
    };
    let default = field.schema.default.clone();
    let default = default.map(|default| cast(&field.schema, default, target));
    let schema = Schema::new(target.kind()).optional(field.schema.optional);
    Ok(schema.with_default(default.transpose()?))
}

fn parse_spec(mappings: &[&str]) -> Result<Spec, String> {
    if let [mapping] = mappings
        && let [target] = *java_split(mapping, ':')
    {
        return Ok(Spec::Whole(Target::parse(target)?));
    }
    if mappings.is_empty() {
        return Err("must name at least one field to cast".to_owned());
    }
    let parse = |mapping: &&str| match *java_split(mapping, ':') {
        [field, target] => Ok((field.trim().to_owned(), Target::parse(target)?)),
        [_] => Err("a type to cast the entire value to must be the only entry".to_owned()),
        _ => Err(format!("\"{mapping}\" is not of the form FIELD:TYPE")),
    };
    mappings
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()
        .map(Spec::Fields)
}
