//! `InsertField`: adds what a record knows about itself, or a constant, as fields.

use std::sync::Arc;

use super::operand::{Derived, Fields, Part, Reading, copy_basics, fields, put, require_struct};
use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema, logical};

const PURPOSE: &str = "field insertion";

#[derive(Debug)]
pub(super) struct InsertField {
    part: Part,
    insertions: Vec<Insertion>,
    reading: Reading,
    schemas: Derived<Arc<Schema>>,
}

#[derive(Debug)]
struct Insertion {
    name: String,
    optional: bool,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Topic,
    Partition,
    Timestamp,
    Static(String),
}

impl InsertField {
    pub(super) fn new(part: Part, options: &Options<'_>) -> Result<Self, OptionError> {
        if options.text("offset.field").is_some() {
            return Err(OptionError::new(
                "offset.field",
                "a record has no offset before Kafka stored it: this is for sink connectors only",
            ));
        }
        let insertions = [
            insertion(options, "topic.field", Source::Topic),
            insertion(options, "partition.field", Source::Partition),
            insertion(options, "timestamp.field", Source::Timestamp),
            static_insertion(options)?,
        ];
        let insertions: Vec<_> = insertions.into_iter().flatten().collect();
        if insertions.is_empty() {
            return Err(OptionError::new(
                "static.field",
                "no field insertion configured: set this or topic.field, partition.field or timestamp.field",
            ));
        }
        Ok(Self {
            part,
            insertions,
            reading: Reading::from_options(options)?,
            schemas: Derived::new(),
        })
    }
}

impl Transform for InsertField {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let Some((schema, value)) = self.part.take_present(&mut record, PURPOSE)? else {
            return Ok(Some(record));
        };
        let values = require_struct(value, PURPOSE)?;
        let insertions = &self.insertions;
        let updated = self
            .schemas
            .get(&schema, |schema| updated_schema(schema, insertions))?;
        let old = fields(&schema, PURPOSE)?.iter().zip(values);
        let mut values = old
            .map(|(field, value)| put(field, self.reading.read(&field.schema, value)))
            .collect::<Result<Vec<_>, _>>()?;
        values.extend(insertions.iter().map(|insertion| insertion.value(&record)));
        *self.part.of(&mut record) =
            SchemaAndValue::new(Arc::clone(updated), Datum::Struct(values));
        Ok(Some(record))
    }
}

impl Insertion {
    fn schema(&self) -> Schema {
        let schema = match self.source {
            Source::Topic | Source::Static(_) => Schema::new(Kind::String),
            Source::Partition => Schema::new(Kind::Int32),
            Source::Timestamp => Schema::named(Kind::Int64, logical::TIMESTAMP, 1),
        };
        schema.optional(self.optional)
    }

    fn value(&self, record: &SourceRecord) -> Datum {
        match &self.source {
            Source::Topic => Datum::String(record.topic.as_ref().to_owned()),
            Source::Partition => record
                .partition
                .map_or(Datum::Null, |partition| Datum::Int(partition.into())),
            Source::Timestamp => record.timestamp.map_or(Datum::Null, Datum::Int),
            Source::Static(text) => Datum::String(text.clone()),
        }
    }
}

fn insertion(options: &Options<'_>, option: &str, source: Source) -> Option<Insertion> {
    let text = options.text(option)?;
    let (name, optional) = match (text.strip_suffix('?'), text.strip_suffix('!')) {
        (Some(name), _) => (name, true),
        (None, Some(name)) => (name, false),
        (None, None) => (text, true),
    };
    Some(Insertion {
        name: name.to_owned(),
        optional,
        source,
    })
}

fn static_insertion(options: &Options<'_>) -> Result<Option<Insertion>, OptionError> {
    let value = options.text("static.value").unwrap_or_default().to_owned();
    let insertion = insertion(options, "static.field", Source::Static(value));
    if insertion.is_some() {
        options.mandatory("static.value")?;
    }
    Ok(insertion)
}

fn updated_schema(
    schema: &Schema,
    insertions: &[Insertion],
) -> Result<Arc<Schema>, TransformError> {
    let mut updated = Fields::default();
    for Field { name, schema } in fields(schema, PURPOSE)? {
        updated.add(name, schema.clone())?;
    }
    for insertion in insertions {
        updated.add(&insertion.name, insertion.schema())?;
    }
    Ok(Arc::new(copy_basics(schema, updated.into_kind())))
}
