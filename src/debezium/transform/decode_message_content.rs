//! `io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent`: a logical decoding message whose
//! content is JSON as the insert of a row, made for the outbox `EventRouter`.

use std::sync::Arc;

use super::fields::{View, error, fields_of, or_default};
use super::json_schema::{self, NullField};
use super::known_schemas::KnownSchemas;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

const MESSAGE_VALUE: &str = "io.debezium.connector.postgresql.MessageValue";
const MESSAGE: &str = "message";

pub(super) struct DecodeMessageContent {
    nulls: NullField,
    schemas: KnownSchemas,
}

impl DecodeMessageContent {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let nulls = if options.boolean("fields.null.include", false)? {
            NullField::OptionalBytes
        } else {
            NullField::Ignore
        };
        Ok(Self {
            nulls,
            schemas: KnownSchemas::default(),
        })
    }
}

impl Transform for DecodeMessageContent {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let schema = record.value.schema.as_ref().ok_or_else(|| {
            error("a record without a schema reached DecodeLogicalDecodingMessageContent, which fails on tombstones; set tombstones.on.delete=false or a predicate")
        })?;
        if schema.name.as_deref() != Some(MESSAGE_VALUE) {
            return Ok(Some(record));
        }
        let value = View::of(&record.value, "Retrieve a record value")?;
        let message = value.structure(MESSAGE)?;
        let content = content(&message.ok_or_else(|| error("the message has no content"))?)?;
        let document = json_schema::parse(&content)
            .ok_or_else(|| error("the content of a logical decoding message is no JSON"))?;
        let row = json_schema::schema(None, &document, self.nulls)?;
        let row = row
            .filter(|row| matches!(row.kind, Kind::Struct(_)))
            .ok_or_else(|| error("the content of a logical decoding message is no JSON object"))?;
        let after = json_schema::value(&document, &row)?;
        let (schema, values) = insert(schema, &value, row, after)?;
        record.key = SchemaAndValue::NULL;
        record.value = SchemaAndValue::new(self.schemas.shared(schema), Datum::Struct(values));
        Ok(Some(record))
    }
}

fn content(message: &View<'_>) -> Result<String, TransformError> {
    let Datum::Bytes(bytes) = message.get("content")? else {
        return Err(error(
            "the content of a logical decoding message is non-binary",
        ));
    };
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// The message's fields without the message, and the row.
fn insert(
    schema: &Arc<Schema>,
    value: &View<'_>,
    row: Schema,
    after: Datum,
) -> Result<(Schema, Vec<Datum>), TransformError> {
    let (mut fields, mut values): (Vec<Field>, Vec<Datum>) = (Vec::new(), Vec::new());
    for (known, value) in fields_of(schema)?.iter().zip(value.values) {
        match known.name.as_str() {
            MESSAGE => continue,
            "op" => values.push(Datum::String("c".to_owned())),
            _ => values.push(or_default(&known.schema, value).clone()),
        }
        fields.push(known.clone());
    }
    fields.push(Field::new("after", row));
    values.push(after);
    let schema = Schema {
        // With such a suffix, the outbox takes it for a change.
        name: Some(format!("{MESSAGE_VALUE}.Envelope").into()),
        ..Schema::new(Kind::Struct(fields))
    };
    Ok((schema, values))
}
