//! `io.debezium.transforms.ExtractChangedRecordState`: which columns an update changed, in headers.

use std::sync::Arc;

use super::fields::{View, envelope, error};
use super::java_value;
use super::shared_headers::SharedHeaders;
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Kind, Schema};
use crate::connect::transform::options::Options;
use crate::connect::transform::{Transform, TransformError};

pub(super) struct ExtractChangedRecordState {
    changed: Option<NamesHeader>,
    unchanged: Option<NamesHeader>,
    shared: SharedHeaders,
}

struct NamesHeader {
    name: Arc<str>,
    schema: Arc<Schema>,
}

impl ExtractChangedRecordState {
    pub(super) fn new(options: &Options<'_>) -> Self {
        Self {
            changed: NamesHeader::new(options, "header.changed.name"),
            unchanged: NamesHeader::new(options, "header.unchanged.name"),
            shared: SharedHeaders::default(),
        }
    }
}

impl Transform for ExtractChangedRecordState {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            self.shared.add_to_tombstone(&mut record);
            return Ok(Some(record));
        }
        if envelope(&record).is_none() {
            return Ok(Some(record));
        }
        let change = View::of(&record.value, "Record value should be struct.")?;
        let (changed, unchanged) = compare(&change)?;
        let op = if change.has("op") {
            change.string("op")?
        } else {
            None
        };
        let op = op.map(str::to_owned);
        let changed = self.changed.iter().map(|header| header.of(&changed));
        let unchanged = self.unchanged.iter().map(|header| header.of(&unchanged));
        let added = changed.chain(unchanged).collect();
        self.shared.add(&mut record, op.as_deref(), added);
        Ok(Some(record))
    }
}

impl NamesHeader {
    fn new(options: &Options<'_>, option: &str) -> Option<Self> {
        let name = options.text(option).filter(|name| !name.is_empty())?;
        let names = Kind::Array(Box::new(Schema::new(Kind::String).optional(true)));
        Some(Self {
            name: name.into(),
            schema: Arc::new(Schema {
                name: Some(name.to_owned().into()),
                ..Schema::new(names).optional(true)
            }),
        })
    }

    fn of(&self, names: &[&str]) -> Header {
        let names = names.iter().map(|name| Datum::String((*name).to_owned()));
        Header {
            name: Arc::clone(&self.name),
            value: SchemaAndValue::new(Arc::clone(&self.schema), Datum::Array(names.collect())),
        }
    }
}

/// The names of the columns that changed and of those that did not; both are empty unless there are both rows.
fn compare<'a>(change: &View<'a>) -> Result<(Vec<&'a str>, Vec<&'a str>), TransformError> {
    let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
    let rows = (change.structure("before")?, change.structure("after")?);
    let (Some(before), Some(after)) = rows else {
        return Ok((changed, unchanged));
    };
    for (index, field) in after.fields.iter().enumerate() {
        // The rows of a change have one schema; other transforms may have made it two.
        let old = match before.fields.get(index) {
            Some(same) if same.name == field.name => &before.values[index],
            _ => before
                .fields
                .iter()
                .position(|other| other.name == field.name)
                .map(|at| &before.values[at])
                .ok_or_else(|| error(format!("\"{}\" is not a valid field name", field.name)))?,
        };
        if java_value::equal(&field.schema, &after.values[index], old) {
            unchanged.push(field.name.as_str());
        } else {
            changed.push(field.name.as_str());
        }
    }
    Ok((changed, unchanged))
}
