//! `MaskField`: puts an empty value, or a given one, in place of what is in a field.

use super::operand::{Part, Reading, fields, put, require_struct};
use super::options::{OptionError, Options};
use super::{Transform, TransformError, mandatory_names};
use crate::connect::big_decimal::BigDecimal;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema, logical};

const PURPOSE: &str = "mask fields";

#[derive(Debug)]
pub(super) struct MaskField {
    part: Part,
    masked: Vec<String>,
    replacement: Option<String>,
    reading: Reading,
}

impl MaskField {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        let replacement = options.text("replacement");
        if replacement == Some("") {
            return Err(OptionError::new("replacement", "must not be empty"));
        }
        Ok(Self {
            part,
            masked: mandatory_names(options, "fields")?,
            replacement: replacement.map(str::to_owned),
            reading: Reading::from_options(options)?,
        })
    }

    fn value(&self, field: &Field, value: Datum) -> Result<Datum, TransformError> {
        let value = self.reading.read(&field.schema, value);
        if value == Datum::Null || !self.masked.contains(&field.name) {
            return Ok(value);
        }
        let masked = match &self.replacement {
            None => empty(&field.schema),
            Some(replacement) => replace(&field.schema, replacement),
        };
        masked.map_err(|problem| {
            TransformError(format!(
                "cannot mask the field \"{}\": {problem}",
                field.name
            ))
        })
    }
}

impl Transform for MaskField {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let (schema, value) = self.part.of(&mut record).take(PURPOSE)?;
        let values = require_struct(value, PURPOSE)?;
        let fields = fields(&schema, PURPOSE)?.iter();
        let values = fields
            .zip(values)
            .map(|(field, value)| put(field, self.value(field, value)?));
        let values = Datum::Struct(values.collect::<Result<_, _>>()?);
        *self.part.of(&mut record) = SchemaAndValue::new(schema, values);
        Ok(Some(record))
    }
}

fn empty(schema: &Schema) -> Result<Datum, &'static str> {
    match &schema.kind {
        Kind::Boolean => Ok(Datum::Boolean(false)),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Ok(Datum::Int(0)),
        Kind::Float32 => Ok(Datum::Float32(0.0)),
        Kind::Float64 => Ok(Datum::Float64(0.0)),
        Kind::String => Ok(Datum::String(String::new())),
        Kind::Bytes if is_decimal(schema) => decimal(schema, "0"),
        Kind::Bytes => Err("bytes have no masked form"),
        Kind::Array(_) => Ok(Datum::Array(Vec::new())),
        Kind::Map(..) => Ok(Datum::Map(Vec::new())),
        Kind::Struct(_) => Err("a struct has no masked form"),
    }
}

/// The conversions of `Values`, which cut off what does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "as `Values.convertToByte` and the like"
)]
fn replace(schema: &Schema, text: &str) -> Result<Datum, &'static str> {
    let number = || BigDecimal::parse(text).ok_or("the replacement is not a number");
    if is_date(schema) {
        return Err("a date or time cannot have a replacement");
    }
    match &schema.kind {
        Kind::Int8 => Ok(Datum::Int((number()?.long_value() as i8).into())),
        Kind::Int16 => Ok(Datum::Int((number()?.long_value() as i16).into())),
        Kind::Int32 => Ok(Datum::Int((number()?.long_value() as i32).into())),
        Kind::Int64 => Ok(Datum::Int(number()?.long_value())),
        Kind::Float32 => Ok(Datum::Float32(number()?.double_value() as f32)),
        Kind::Float64 => Ok(Datum::Float64(number()?.double_value())),
        Kind::String => Ok(Datum::String(text.to_owned())),
        Kind::Bytes if is_decimal(schema) => decimal(schema, text),
        Kind::Boolean | Kind::Bytes | Kind::Array(_) | Kind::Map(..) | Kind::Struct(_) => {
            Err("only numbers and strings can have a replacement")
        }
    }
}

/// Java keeps the replacement's own scale, which no converter but JSON with `decimal.format=numeric` accepts if it is not
/// that of the schema.
fn decimal(schema: &Schema, text: &str) -> Result<Datum, &'static str> {
    let number = BigDecimal::parse(text).ok_or("the replacement is not a number")?;
    if number.scale != schema.decimal_scale() {
        return Err("the scale of the replacement (0 without one) is not that of the decimal");
    }
    Ok(Datum::Bytes(number.unscaled.to_signed_bytes_be()))
}

fn is_decimal(schema: &Schema) -> bool {
    schema.name.as_deref() == Some(logical::DECIMAL)
}

fn is_date(schema: &Schema) -> bool {
    matches!(
        schema.name.as_deref(),
        Some(logical::DATE | logical::TIME | logical::TIMESTAMP)
    )
}
