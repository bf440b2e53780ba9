//! `io.debezium.transforms.ExtractNewRecordState`: the row as it is now, in place of the change.

use std::sync::Arc;

use super::choice::choice;
use super::drop_fields::DropFields;
use super::field_reference::{FieldReference, Located};
use super::fields::{
    Derived, View, envelope, error, fields_of, optional_string, position, replace_nulls,
    require_fit, with_fields,
};
use super::shared_headers::SharedHeaders;
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

pub(super) struct ExtractNewRecordState {
    deletes: Deletes,
    replace_null_with_default: bool,
    route_by: Option<String>,
    added_fields: Vec<FieldReference>,
    added_headers: Vec<FieldReference>,
    dropped: Option<DropFields>,
    shapes: Derived<Shape>,
    shared: SharedHeaders,
    string: Arc<Schema>,
}

/// `delete.tombstone.handling.mode`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deletes {
    Drop,
    Tombstone,
    Rewrite,
    RewriteWithTombstone,
    DeleteToTombstone,
}

/// What one envelope schema becomes.
struct Shape {
    before: Option<Image>,
    after: Image,
    headers: Vec<Located>,
    fields: Vec<Located>,
}

struct Image {
    index: usize,
    /// As in the envelope.
    row: Arc<Schema>,
    /// With what is added to it.
    unwrapped: Arc<Schema>,
}

impl ExtractNewRecordState {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let references = |name: &str| {
            let prefix = options.text(&format!("{name}.prefix")).unwrap_or("__");
            FieldReference::parse_list(name, options.text(name).unwrap_or_default(), prefix)
        };
        // Debezium checks this one nowhere, and takes what it cannot read for the default.
        let replace = options.text("replace.null.with.default");
        Ok(Self {
            deletes: choice(
                options,
                "delete.tombstone.handling.mode",
                &[
                    ("drop", Deletes::Drop),
                    ("tombstone", Deletes::Tombstone),
                    ("rewrite", Deletes::Rewrite),
                    ("rewrite-with-tombstone", Deletes::RewriteWithTombstone),
                    ("delete-to-tombstone", Deletes::DeleteToTombstone),
                ],
                Deletes::Tombstone,
            )?,
            replace_null_with_default: !replace
                .is_some_and(|text| text.eq_ignore_ascii_case("false")),
            route_by: options
                .text("route.by.field")
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            added_fields: references("add.fields")?,
            added_headers: references("add.headers")?,
            dropped: DropFields::new(options)?,
            shapes: Derived::default(),
            shared: SharedHeaders::default(),
            string: Arc::new(Schema::new(Kind::String)),
        })
    }

    fn tombstone(&mut self, mut record: SourceRecord) -> Option<SourceRecord> {
        if self.deletes != Deletes::RewriteWithTombstone {
            return None;
        }
        self.shared.add_to_tombstone(&mut record);
        for reference in &self.added_headers {
            if reference.is_operation() {
                record.headers.push(Header {
                    name: Arc::clone(&reference.new_name),
                    value: SchemaAndValue::new(
                        Arc::clone(&self.string),
                        Datum::String("d".to_owned()),
                    ),
                });
            }
        }
        Some(record)
    }

    fn add_headers(&mut self, record: &mut SourceRecord) -> Result<(), TransformError> {
        let Some(envelope) = envelope(record).filter(|_| !self.added_headers.is_empty()) else {
            return Ok(());
        };
        let shape = shape(
            &mut self.shapes,
            &envelope,
            &self.added_fields,
            &self.added_headers,
            self.deletes,
        )?;
        let change = View::of(&record.value, "add headers")?;
        let added = shape.headers.iter().map(|located| Header {
            name: Arc::clone(&located.new_name),
            value: SchemaAndValue::new(
                Arc::clone(&located.schema),
                located.value(change.values).clone(),
            ),
        });
        let added = added.collect();
        let op = change.string("op")?.map(str::to_owned);
        self.shared.add(record, op.as_deref(), added);
        Ok(())
    }

    /// The record with the row that `image` is, in place of the change.
    fn unwrap(
        &mut self,
        mut record: SourceRecord,
        mut change: Vec<Datum>,
        envelope: &Arc<Schema>,
        which: Which,
    ) -> Result<SourceRecord, TransformError> {
        let shape = shape(
            &mut self.shapes,
            envelope,
            &self.added_fields,
            &self.added_headers,
            self.deletes,
        )?;
        let image = match which {
            Which::Before => shape.before()?,
            Which::After => &shape.after,
        };
        let added: Vec<_> = shape
            .fields
            .iter()
            .map(|added| added.value(&change).clone())
            .collect();
        let Datum::Struct(mut row) = std::mem::replace(&mut change[image.index], Datum::Null)
        else {
            return Err(error("the row of a change is no struct"));
        };
        let mut topic = route(self.route_by.as_deref(), &image.row, &row)?;
        if self.deletes.rewrites() {
            if self.replace_null_with_default {
                replace_nulls(fields_of(&image.row)?, &mut row);
            }
            if which == Which::After {
                topic = route(self.route_by.as_deref(), &image.row, &row)?;
            }
            let deleted = which == Which::Before;
            row.push(Datum::String(deleted.to_string()));
        }
        let plain_fields = row.len();
        row.extend(added);
        let fields = fields_of(&image.unwrapped)?;
        for (field, value) in fields.iter().zip(&row).skip(plain_fields) {
            require_fit(field, value)?;
        }
        record.value = SchemaAndValue::new(Arc::clone(&image.unwrapped), Datum::Struct(row));
        if let Some(topic) = topic {
            record.topic = topic;
        }
        if let Some(dropped) = &mut self.dropped {
            // Of a delete, fields are dropped before others are added.
            let spared = match which {
                Which::Before => plain_fields,
                Which::After => usize::MAX,
            };
            dropped.apply(&mut record, spared)?;
        }
        Ok(record)
    }

    fn delete(
        &mut self,
        mut record: SourceRecord,
        change: Vec<Datum>,
        envelope: &Arc<Schema>,
    ) -> Result<Option<SourceRecord>, TransformError> {
        if self.deletes == Deletes::Drop {
            return Ok(None);
        }
        if self.deletes.rewrites() {
            let unwrapped = self.unwrap(record, change, envelope, Which::Before)?;
            return Ok(Some(unwrapped));
        }
        let shape = shape(
            &mut self.shapes,
            envelope,
            &self.added_fields,
            &self.added_headers,
            self.deletes,
        )?;
        let before = shape.before()?;
        if let Datum::Struct(row) = &change[before.index]
            && let Some(topic) = route(self.route_by.as_deref(), &before.row, row)?
        {
            record.topic = topic;
        }
        record.value = match self.deletes {
            // Not a tombstone: the schema stays, and a converter shows it.
            Deletes::Tombstone => SchemaAndValue::new(Arc::clone(&shape.after.row), Datum::Null),
            Deletes::Drop
            | Deletes::Rewrite
            | Deletes::RewriteWithTombstone
            | Deletes::DeleteToTombstone => SchemaAndValue::NULL,
        };
        if let Some(dropped) = &mut self.dropped {
            dropped.apply(&mut record, usize::MAX)?;
        }
        Ok(Some(record))
    }
}

impl Transform for ExtractNewRecordState {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            return Ok(self.tombstone(record));
        }
        let Some(envelope) = envelope(&record) else {
            return Ok(Some(record));
        };
        self.add_headers(&mut record)?;
        let shape = shape(
            &mut self.shapes,
            &envelope,
            &self.added_fields,
            &self.added_headers,
            self.deletes,
        )?;
        let Datum::Struct(change) = std::mem::replace(&mut record.value.value, Datum::Null) else {
            return Err(error("only a struct is supported for [field extraction]"));
        };
        if change[shape.after.index] != Datum::Null {
            let unwrapped = self.unwrap(record, change, &envelope, Which::After)?;
            return Ok(Some(unwrapped));
        }
        if change[shape.before()?.index] == Datum::Null {
            // A truncate.
            return Ok(None);
        }
        self.delete(record, change, &envelope)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Before,
    After,
}

impl Deletes {
    fn rewrites(self) -> bool {
        matches!(self, Self::Rewrite | Self::RewriteWithTombstone)
    }
}

impl Shape {
    fn before(&self) -> Result<&Image, TransformError> {
        let before = self.before.as_ref();
        before.ok_or_else(|| error("unknown field: before"))
    }
}

fn shape<'a>(
    shapes: &'a mut Derived<Shape>,
    envelope: &Arc<Schema>,
    added_fields: &[FieldReference],
    added_headers: &[FieldReference],
    deletes: Deletes,
) -> Result<&'a Shape, TransformError> {
    let shape = shapes.get(envelope, |envelope| {
        let locate = |references: &[FieldReference]| {
            let located = references
                .iter()
                .filter_map(|reference| reference.locate(envelope).transpose());
            located.collect::<Result<Vec<_>, _>>()
        };
        let fields = fields_of(envelope)?;
        let added = locate(added_fields)?;
        let image = |name: &str| {
            position(fields, name)
                .map(|index| Image::new(index, &fields[index].schema, &added, deletes))
                .transpose()
        };
        Ok(Shape {
            before: image("before")?,
            after: image("after")?.ok_or_else(|| error("unknown field: after"))?,
            headers: locate(added_headers)?,
            fields: added,
        })
    })?;
    Ok(shape)
}

impl Image {
    fn new(
        index: usize,
        row: &Schema,
        added: &[Located],
        deletes: Deletes,
    ) -> Result<Self, TransformError> {
        let mut fields: Vec<Field> = fields_of(row)?.to_vec();
        if deletes.rewrites() {
            fields.push(Field::new("__deleted", optional_string()));
        }
        fields.extend(
            added
                .iter()
                .map(|added| Field::new(&added.new_name, (*added.schema).clone())),
        );
        Ok(Self {
            index,
            row: Arc::new(row.clone()),
            unwrapped: Arc::new(with_fields(row, fields)?),
        })
    }
}

/// The topic that the row names; `None` keeps the record's.
fn route(
    by: Option<&str>,
    schema: &Schema,
    row: &[Datum],
) -> Result<Option<Arc<str>>, TransformError> {
    let Some(by) = by else {
        return Ok(None);
    };
    let row = View {
        fields: fields_of(schema)?,
        values: row,
    };
    let topic = row.string(by)?.filter(|topic| !topic.trim().is_empty());
    Ok(topic.map(Arc::from))
}
