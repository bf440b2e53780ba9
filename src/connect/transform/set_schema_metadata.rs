//! `SetSchemaMetadata`: another name or version for the schema.

use std::sync::Arc;

use super::operand::{Derived, Part, Reading, fields, put};
use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "updating schema metadata";

#[derive(Debug)]
pub(super) struct SetSchemaMetadata {
    part: Part,
    name: Option<String>,
    version: Option<i32>,
    reading: Reading,
    schemas: Derived<Arc<Schema>>,
}

impl SetSchemaMetadata {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        let name = options.text("schema.name").map(str::to_owned);
        let version = options.text("schema.version").map(|text| {
            text.parse()
                .map_err(|_| OptionError::new("schema.version", "a whole number is expected"))
        });
        let version = version.transpose()?;
        if name.is_none() && version.is_none() {
            return Err(OptionError::new(
                "schema.name",
                "neither this nor schema.version is configured",
            ));
        }
        Ok(Self {
            part,
            name,
            version,
            reading: Reading::from_options(options)?,
            schemas: Derived::new(),
        })
    }
}

impl Transform for SetSchemaMetadata {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let operand = self.part.of(&mut record);
        if *operand == SchemaAndValue::NULL {
            return Ok(Some(record));
        }
        let (schema, mut value) = operand.take(PURPOSE)?;
        let (name, version) = (&self.name, self.version);
        // Connect asks a schema of any kind for its fields, which only structs have.
        let fields = fields(&schema, PURPOSE)?;
        let updated = self.schemas.get(&schema, |schema| {
            let mut updated = schema.clone();
            updated.name = name.clone().map(Into::into).or(updated.name);
            updated.version = version.or(updated.version);
            Ok(Arc::new(updated))
        })?;
        if let Datum::Struct(values) = &mut value {
            for (field, value) in fields.iter().zip(values) {
                let old = std::mem::replace(value, Datum::Null);
                *value = put(field, self.reading.read(&field.schema, old))?;
            }
        }
        *operand = SchemaAndValue::new(Arc::clone(updated), value);
        Ok(Some(record))
    }
}
