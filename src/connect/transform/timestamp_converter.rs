//! `TimestampConverter`: other forms for a point in time.

use std::sync::Arc;

use super::operand::{Derived, Fields, Part, Reading, copy_basics, fields, put, require_struct};
use super::options::{OptionError, Options};
use super::timestamp_form::{Conversion, Form, Precision};
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};
use crate::connect::simple_date_format::SimpleDateFormat;

const PURPOSE: &str = "converting timestamp formats";

#[derive(Debug)]
pub(super) struct TimestampConverter {
    part: Part,
    /// Empty if the whole value is a point in time.
    field: String,
    conversion: Conversion,
    reading: Reading,
    schemas: Derived<Arc<Schema>>,
}

impl TimestampConverter {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        let target = match options.mandatory("target.type")? {
            "string" => Form::Text,
            "unix" => Form::Unix,
            "Date" => Form::Date,
            "Time" => Form::Time,
            "Timestamp" => Form::Timestamp,
            _ => {
                let problem = "string, unix, Date, Time or Timestamp is expected";
                return Err(OptionError::new("target.type", problem));
            }
        };
        let precision = match options.text("unix.precision") {
            Some("seconds") => Precision::Seconds,
            None | Some("milliseconds") => Precision::Milliseconds,
            Some("microseconds") => Precision::Microseconds,
            Some("nanoseconds") => Precision::Nanoseconds,
            Some(_) => {
                let problem = "seconds, milliseconds, microseconds or nanoseconds is expected";
                return Err(OptionError::new("unix.precision", problem));
            }
        };
        let format = options.text("format").filter(|format| !format.is_empty());
        let format = format.map(SimpleDateFormat::new).transpose();
        let format = format.map_err(|error| OptionError::new("format", error.to_string()))?;
        if target == Form::Text && format.is_none() {
            let problem = "is needed for the target type string";
            return Err(OptionError::new("format", problem));
        }
        Ok(Self {
            part,
            field: options.text("field").unwrap_or_default().to_owned(),
            conversion: Conversion {
                target,
                precision,
                format,
            },
            reading: Reading::from_options(options)?,
            schemas: Derived::new(),
        })
    }
}

impl Transform for TimestampConverter {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let operand = self.part.of(&mut record);
        if *operand == SchemaAndValue::NULL {
            return Ok(Some(record));
        }
        let (schema, value) = operand.take(PURPOSE)?;
        let rules = Rules {
            field: &self.field,
            conversion: &self.conversion,
            reading: self.reading,
        };
        let updated = self.schemas.get(&schema, |schema| rules.schema(schema))?;
        let value = if self.field.is_empty() {
            self.conversion.convert(&schema, value)?
        } else {
            rules.struct_value(&schema, value)?
        };
        *operand = SchemaAndValue::new(Arc::clone(updated), value);
        Ok(Some(record))
    }
}

struct Rules<'a> {
    field: &'a str,
    conversion: &'a Conversion,
    reading: Reading,
}

impl Rules<'_> {
    fn schema(&self, schema: &Schema) -> Result<Arc<Schema>, TransformError> {
        let form = self.conversion.target;
        if self.field.is_empty() {
            return Ok(Arc::new(form.schema().optional(schema.optional)));
        }
        let mut updated = Fields::default();
        for field in fields(schema, PURPOSE)? {
            let field_schema = if field.name == self.field {
                form.schema().optional(field.schema.optional)
            } else {
                field.schema.clone()
            };
            updated.add(&field.name, field_schema)?;
        }
        let default = schema.default.clone();
        let default = default.map(|default| self.struct_value(schema, default));
        let updated = copy_basics(schema, updated.into_kind()).optional(schema.optional);
        Ok(Arc::new(updated.with_default(default.transpose()?)))
    }

    fn struct_value(&self, schema: &Schema, value: Datum) -> Result<Datum, TransformError> {
        if value == Datum::Null {
            return Ok(Datum::Null);
        }
        let values = require_struct(value, PURPOSE)?;
        let old = fields(schema, PURPOSE)?.iter().zip(values);
        let values = old.map(|(field, value)| {
            let value = self.reading.read(&field.schema, value);
            if field.name == self.field {
                put(field, self.conversion.convert(&field.schema, value)?)
            } else {
                put(field, value)
            }
        });
        Ok(Datum::Struct(values.collect::<Result<_, _>>()?))
    }
}
