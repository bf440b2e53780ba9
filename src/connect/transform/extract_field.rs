//! `ExtractField`: one field takes the place of the whole value.

use std::sync::Arc;

use super::field_path;
use super::operand::{Derived, Part, Reading, fields, position, require_struct};
use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "field extraction";

#[derive(Debug)]
pub(super) struct ExtractField {
    part: Part,
    /// Names from the root to the field.
    path: Vec<String>,
    reading: Reading,
    plans: Derived<Plan>,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// For each name of the path, which field of its struct it is.
    steps: Vec<usize>,
}

impl ExtractField {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            part,
            path: field_path::from_options(options, "field")?,
            reading: Reading::from_options(options)?,
            plans: Derived::new(),
        })
    }
}

impl Transform for ExtractField {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let operand = self.part.of(&mut record);
        if *operand == SchemaAndValue::NULL {
            return Ok(Some(record));
        }
        let (schema, value) = operand.take(PURPOSE)?;
        let path = &self.path;
        let plan = self.plans.get(&schema, |schema| make_plan(schema, path))?;
        let value = extract(&schema, value, &plan.steps, self.reading)?;
        *operand = SchemaAndValue::new(Arc::clone(&plan.schema), value);
        Ok(Some(record))
    }
}

/// `SingleFieldPath.fieldFrom`.
fn make_plan(schema: &Schema, path: &[String]) -> Result<Plan, TransformError> {
    let (mut current, mut steps) = (schema, Vec::new());
    for name in path {
        let fields = fields(current, PURPOSE)?;
        let step = position(fields, name)
            .ok_or_else(|| TransformError(format!("unknown field \"{}\"", path.join("."))))?;
        steps.push(step);
        current = &fields[step].schema;
    }
    Ok(Plan {
        schema: Arc::new(current.clone()),
        steps,
    })
}

/// `SingleFieldPath.valueFrom`: what is on the way is read with its default in any case.
fn extract(
    schema: &Schema,
    value: Datum,
    steps: &[usize],
    last: Reading,
) -> Result<Datum, TransformError> {
    let (mut schema, mut value) = (schema, value);
    for (index, &step) in steps.iter().enumerate() {
        if value == Datum::Null {
            return Ok(Datum::Null);
        }
        let reading = if index + 1 == steps.len() {
            last
        } else {
            Reading::WITH_DEFAULT
        };
        let mut values = require_struct(value, PURPOSE)?;
        schema = &fields(schema, PURPOSE)?[step].schema;
        value = reading.read(schema, values.swap_remove(step));
    }
    Ok(value)
}
