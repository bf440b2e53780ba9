//! `ReplaceField`: leaves fields out and renames them.

use std::sync::Arc;

use super::operand::{
    Derived, Fields, Part, Reading, copy_basics, fields, position, require_struct,
};
use super::options::{OptionError, Options};
use super::{Transform, TransformError, distinct_names, java_split};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};

const PURPOSE: &str = "field replacement";

#[derive(Debug)]
pub(super) struct ReplaceField {
    part: Part,
    exclude: Vec<String>,
    include: Vec<String>,
    /// Old and new names.
    renames: Vec<(String, String)>,
    reading: Reading,
    plans: Derived<Plan>,
}

#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// For each field of `schema`, which field it comes from.
    sources: Vec<usize>,
}

impl ReplaceField {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        let renames = options.list("renames").into_iter().map(parse_rename);
        Ok(Self {
            part,
            exclude: distinct_names(options, "exclude")?,
            include: distinct_names(options, "include")?,
            renames: renames.collect::<Result<_, _>>()?,
            reading: Reading::from_options(options)?,
            plans: Derived::new(),
        })
    }
}

impl Transform for ReplaceField {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let Some((schema, value)) = self.part.take_present(&mut record, PURPOSE)? else {
            return Ok(Some(record));
        };
        let mut values = require_struct(value, PURPOSE)?;
        let rules = Rules {
            exclude: &self.exclude,
            include: &self.include,
            renames: &self.renames,
        };
        let plan = self.plans.get(&schema, |schema| rules.plan(schema))?;
        let old = fields(&schema, PURPOSE)?;
        let new = plan.sources.iter().map(|&source| {
            let value = std::mem::replace(&mut values[source], Datum::Null);
            self.reading.read(&old[source].schema, value)
        });
        let new = Datum::Struct(new.collect());
        *self.part.of(&mut record) = SchemaAndValue::new(Arc::clone(&plan.schema), new);
        Ok(Some(record))
    }
}

struct Rules<'a> {
    exclude: &'a [String],
    include: &'a [String],
    renames: &'a [(String, String)],
}

impl Rules<'_> {
    fn plan(&self, schema: &Schema) -> Result<Plan, TransformError> {
        let old = fields(schema, PURPOSE)?;
        let (mut new, mut sources) = (Fields::default(), Vec::new());
        for field in old.iter().filter(|field| self.keeps(&field.name)) {
            let name = self.renamed(&field.name);
            new.add(name, field.schema.clone())?;
            sources.push(self.source(old, name)?);
        }
        Ok(Plan {
            schema: Arc::new(copy_basics(schema, new.into_kind())),
            sources,
        })
    }

    fn keeps(&self, name: &String) -> bool {
        !self.exclude.contains(name) && (self.include.is_empty() || self.include.contains(name))
    }

    fn renamed<'a>(&'a self, name: &'a str) -> &'a str {
        let mut renames = self.renames.iter().rev();
        renames
            .find(|(old, _)| old == name)
            .map_or(name, |(_, new)| new)
    }

    /// `reverseRenamed`, which asks for the old name even of a field that had the new one from the start.
    fn source(
        &self,
        old: &[crate::connect::schema::Field],
        new: &str,
    ) -> Result<usize, TransformError> {
        let mut renames = self.renames.iter().rev();
        let name = renames
            .find(|(_, renamed)| renamed == new)
            .map_or(new, |(name, _)| name);
        position(old, name)
            .ok_or_else(|| TransformError(format!("\"{name}\" is not a valid field name")))
    }
}

fn parse_rename(mapping: &str) -> Result<(String, String), OptionError> {
    match *java_split(mapping, ':') {
        [old, new] => Ok((old.to_owned(), new.to_owned())),
        _ => Err(OptionError::new(
            "renames",
            format!("\"{mapping}\" is not of the form OLD:NEW"),
        )),
    }
}
