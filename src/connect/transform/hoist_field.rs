//! `HoistField`: wraps the whole value in a struct of one field.

use std::sync::Arc;

use super::operand::{Derived, Fields, Part, fields, put};
use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "hoisting";

#[derive(Debug)]
pub(super) struct HoistField {
    part: Part,
    field: String,
    schemas: Derived<Arc<Schema>>,
}

impl HoistField {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            part,
            field: options.mandatory("field")?.to_owned(),
            schemas: Derived::new(),
        })
    }
}

impl Transform for HoistField {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let operand = self.part.of(&mut record);
        let SchemaAndValue { schema, value } = std::mem::replace(operand, SchemaAndValue::NULL);
        let Some(schema) = schema else {
            operand.value = Datum::Map(vec![(Datum::String(self.field.clone()), value)]);
            return Ok(Some(record));
        };
        let name = &self.field;
        let hoisted = self.schemas.get(&schema, |schema| {
            let mut fields = Fields::default();
            fields.add(name, schema.clone())?;
            Ok(Arc::new(Schema::new(fields.into_kind())))
        })?;
        let value = put(&fields(hoisted, PURPOSE)?[0], value)?;
        *operand = SchemaAndValue::new(Arc::clone(hoisted), Datum::Struct(vec![value]));
        Ok(Some(record))
    }
}
