//! `HeaderFrom`: copies or moves fields to headers.

use std::sync::Arc;

use super::operand::{
    Derived, Fields, Part, Reading, copy_basics, fields, position, put, require_struct,
};
use super::options::{OptionError, Options};
use super::{Transform, TransformError, non_empty_list};
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "header move or copy";

#[derive(Debug)]
pub(super) struct HeaderFrom {
    part: Part,
    fields: Vec<String>,
    headers: Vec<Arc<str>>,
    is_move: bool,
    reading: Reading,
    plans: Derived<Plan>,
}

#[derive(Debug)]
struct Plan {
    /// The struct without the fields that moved, and where the others stood.
    remaining: (Arc<Schema>, Vec<usize>),
    /// Schema and position of what becomes each header.
    sources: Vec<(Arc<Schema>, usize)>,
}

impl HeaderFrom {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        let fields = non_empty_list(options, "fields")?;
        let headers = non_empty_list(options, "headers")?;
        if fields.len() != headers.len() {
            return Err(OptionError::new(
                "headers",
                "must have the same number of elements as fields",
            ));
        }
        let is_move = match options.mandatory("operation")? {
            "move" => true,
            "copy" => false,
            _ => return Err(OptionError::new("operation", "move or copy is expected")),
        };
        Ok(Self {
            part,
            fields,
            headers: headers.into_iter().map(Into::into).collect(),
            is_move,
            reading: Reading::from_options(options)?,
            plans: Derived::new(),
        })
    }

    fn remaining(
        reading: Reading,
        plan: &Plan,
        schema: &Schema,
        values: &[Datum],
    ) -> Result<SchemaAndValue, TransformError> {
        let old = fields(schema, PURPOSE)?;
        let (schema, sources) = &plan.remaining;
        let values = sources.iter().map(|&source| {
            let value = reading.read(&old[source].schema, values[source].clone());
            put(&old[source], value)
        });
        let values = Datum::Struct(values.collect::<Result<_, _>>()?);
        Ok(SchemaAndValue::new(Arc::clone(schema), values))
    }
}

impl Transform for HeaderFrom {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let (schema, value) = self.part.of(&mut record).take(PURPOSE)?;
        let values = require_struct(value, PURPOSE)?;
        let names = &self.fields;
        let plan = self.plans.get(&schema, |schema| make_plan(schema, names))?;
        for (name, (schema, source)) in self.headers.iter().zip(&plan.sources) {
            let value = self.reading.read(schema, values[*source].clone());
            record.headers.push(Header {
                name: Arc::clone(name),
                value: SchemaAndValue::new(Arc::clone(schema), value),
            });
        }
        *self.part.of(&mut record) = if self.is_move {
            Self::remaining(self.reading, plan, &schema, &values)?
        } else {
            SchemaAndValue::new(schema, Datum::Struct(values))
        };
        Ok(Some(record))
    }
}

fn make_plan(schema: &Schema, names: &[String]) -> Result<Plan, TransformError> {
    let old = fields(schema, PURPOSE)?;
    let (mut kept, mut positions) = (Fields::default(), Vec::new());
    for (index, field) in old.iter().enumerate() {
        if !names.contains(&field.name) {
            kept.add(&field.name, field.schema.clone())?;
            positions.push(index);
        }
    }
    let source = |name: &String| {
        let source = position(old, name)
            .ok_or_else(|| TransformError(format!("there is no field \"{name}\"")))?;
        Ok((Arc::new(old[source].schema.clone()), source))
    };
    Ok(Plan {
        remaining: (Arc::new(copy_basics(schema, kept.into_kind())), positions),
        sources: names.iter().map(source).collect::<Result<_, _>>()?,
    })
}
