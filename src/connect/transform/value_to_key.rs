//! `ValueToKey`: a new key of fields of the value.

use std::sync::Arc;

use super::operand::{Derived, Fields, Reading, fields, position, put};
use super::options::{OptionError, Options};
use super::{Transform, TransformError, mandatory_names};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "copying fields from value to key";

#[derive(Debug)]
pub(super) struct ValueToKey {
    names: Vec<String>,
    reading: Reading,
    plans: Derived<Plan>,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// Which fields of the value the key consists of.
    sources: Vec<usize>,
}

impl ValueToKey {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            names: mandatory_names(options, "fields")?,
            reading: Reading::from_options(options)?,
            plans: Derived::new(),
        })
    }
}

impl Transform for ValueToKey {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let (Some(schema), Datum::Struct(values)) = (&record.value.schema, &record.value.value)
        else {
            return Err(TransformError(format!(
                "only a struct is supported for [{PURPOSE}]; keep tombstones away with a predicate"
            )));
        };
        let names = &self.names;
        let plan = self.plans.get(schema, |schema| make_plan(schema, names))?;
        let fields = fields(schema, PURPOSE)?;
        let key = plan.sources.iter().map(|&source| {
            let value = self
                .reading
                .read(&fields[source].schema, values[source].clone());
            put(&fields[source], value)
        });
        let key = Datum::Struct(key.collect::<Result<_, _>>()?);
        record.key = SchemaAndValue::new(Arc::clone(&plan.schema), key);
        Ok(Some(record))
    }
}

fn make_plan(schema: &Schema, names: &[String]) -> Result<Plan, TransformError> {
    let fields = fields(schema, PURPOSE)?;
    let (mut key, mut sources) = (Fields::default(), Vec::new());
    for name in names {
        let source = position(fields, name)
            .ok_or_else(|| TransformError(format!("field does not exist: \"{name}\"")))?;
        key.add(name, fields[source].schema.clone())?;
        sources.push(source);
    }
    Ok(Plan {
        schema: Arc::new(Schema::new(key.into_kind())),
        sources,
    })
}
