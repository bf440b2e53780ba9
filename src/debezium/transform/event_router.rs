//! `io.debezium.transforms.outbox.EventRouter`: a row of an outbox table as the record that it describes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::event_router_options::{EventRouterOptions, OnUpdate, Placement};
use super::fields::{
    Derived, View, envelope, error, fields_of, position, require_fit, require_position,
};
use super::json_schema::{self, NullField};
use super::known_schemas::KnownSchemas;
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

/// The payload's name among the fields of a value that has more.
const PAYLOAD: &str = "payload";

pub(super) struct EventRouter {
    options: EventRouterOptions,
    id_name: Arc<str>,
    shapes: Derived<Shape>,
    schemas: KnownSchemas,
    values: ValueSchemas,
}

/// What one envelope schema is made of.
struct Shape {
    row: Arc<Schema>,
    columns: Vec<Arc<Schema>>,
}

/// Schemas of values that have more than the payload.
#[derive(Default)]
struct ValueSchemas {
    /// By the payload's schema alone, as Debezium does it: the name is that of the first record.
    by_payload: Derived<Arc<Schema>>,
    /// By the version alone; each with the payload's schema that it has.
    by_version: FxHashMap<Option<i32>, (Arc<Schema>, Arc<Schema>)>,
}

impl EventRouter {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            options: EventRouterOptions::new(options)?,
            id_name: "id".into(),
            shapes: Derived::default(),
            schemas: KnownSchemas::default(),
            values: ValueSchemas::default(),
        })
    }

    fn update(&self) -> Result<Option<SourceRecord>, TransformError> {
        match self.options.on_update {
            OnUpdate::Warn => tracing::warn!("an update of the outbox table is ignored"),
            OnUpdate::Error => tracing::error!("an update of the outbox table is ignored"),
            OnUpdate::Fatal => return Err(error("an update of the outbox table is not allowed")),
        }
        Ok(None)
    }

    /// Debezium's own time of the change, or that of the column which has one.
    fn timestamp(&self, change: &View<'_>, row: &View<'_>) -> Result<Option<i64>, TransformError> {
        let Some(column) = &self.options.timestamp else {
            return change.int64("ts_ms");
        };
        let Some(timestamp) = row.int64(column)? else {
            return change.int64("ts_ms");
        };
        let schema = &row.fields[require_position(row.fields, column)?].schema;
        match schema.name.as_deref() {
            Some("io.debezium.time.Timestamp") => Ok(Some(timestamp)),
            Some("io.debezium.time.MicroTimestamp") => Ok(Some(timestamp / 1000)),
            Some("io.debezium.time.NanoTimestamp") => Ok(Some(timestamp / 1_000_000)),
            Some(_) | None => Err(error(format!(
                "column \"{column}\" is of a type that cannot be the event's timestamp"
            ))),
        }
    }

    /// The payload, out of its JSON if it is to be.
    fn payload(
        &mut self,
        value: &Datum,
        schema: &Arc<Schema>,
    ) -> Result<SchemaAndValue, TransformError> {
        let plain = SchemaAndValue::new(Arc::clone(schema), value.clone());
        let Some(nulls) = self.options.expand else {
            return Ok(plain);
        };
        let Datum::String(text) = value else {
            if *value != Datum::Null {
                tracing::warn!("the payload is no string, so it cannot be expanded as JSON");
            }
            return Ok(plain);
        };
        match expand(&self.options.payload, text, nulls)? {
            Expanded::Not => {
                tracing::warn!("the payload could not be expanded as JSON, it stays a string");
                Ok(plain)
            }
            Expanded::WithoutSchema => Ok(SchemaAndValue {
                schema: None,
                ..plain
            }),
            Expanded::Struct(schema, value) => {
                Ok(SchemaAndValue::new(self.schemas.shared(schema), value))
            }
        }
    }

    /// The value with the payload and what else is to be in it.
    fn value(
        &mut self,
        payload: &SchemaAndValue,
        row: &View<'_>,
        row_schema: &Schema,
    ) -> Result<SchemaAndValue, TransformError> {
        let payload_schema = payload.schema.as_ref();
        let payload_schema = payload_schema
            .ok_or_else(|| error("an empty JSON array has no schema to put beside other fields"))?;
        let route = row.string(&self.options.route_by)?;
        let schema = match &self.options.schema_version {
            None => self.values.by_payload.get(payload_schema, |payload| {
                value_schema(&self.options, payload, row_schema, route).map(Arc::new)
            })?,
            Some(column) => {
                let version = row.int32(column)?;
                let known = match self.values.by_version.entry(version) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(free) => {
                        let schema =
                            value_schema(&self.options, payload_schema, row_schema, route)?;
                        let schema = Arc::new(Schema { version, ..schema });
                        free.insert((Arc::clone(payload_schema), schema))
                    }
                };
                // A value that is no struct fits any schema of its kind.
                if matches!(payload.value, Datum::Struct(_)) && known.0 != *payload_schema {
                    return Err(error(
                        "the payload's schema is not that of the first record of its version",
                    ));
                }
                &mut known.1
            }
        };
        let fields = fields_of(schema)?;
        let mut values = vec![Datum::Null; fields.len()];
        require_fit(&fields[0], &payload.value)?;
        values[0] = payload.value.clone();
        for added in &self.options.additional {
            let is_missing = self.options.ignores_missing && !row.has(&added.field);
            if added.placement == Placement::Envelope && !is_missing {
                let index = require_position(fields, &added.alias)?;
                let value = row.get(&added.field)?;
                require_fit(&fields[index], value)?;
                values[index] = value.clone();
            }
        }
        Ok(SchemaAndValue::new(
            Arc::clone(schema),
            Datum::Struct(values),
        ))
    }

    fn route(
        &mut self,
        record: &SourceRecord,
        change_schema: &Arc<Schema>,
    ) -> Result<SourceRecord, TransformError> {
        let change = View::of(&record.value, "Detect Debezium Operation")?;
        let shape = self.shapes.get(change_schema, |envelope| {
            Shape::new(envelope, &self.options.payload, &mut self.schemas)
        })?;
        let (row_schema, columns) = (Arc::clone(&shape.row), shape.columns.clone());
        let row = change.structure("after")?;
        let row = row.ok_or_else(|| error("only a struct is supported for [Read Outbox Event]"))?;
        let column = |name: &str| -> Result<SchemaAndValue, TransformError> {
            let schema = &columns[require_position(row.fields, name)?];
            Ok(SchemaAndValue::new(
                Arc::clone(schema),
                row.get(name)?.clone(),
            ))
        };
        let payload = column(&self.options.payload)?;
        let timestamp = self.timestamp(&change, &row)?;
        let mut headers = record.headers.clone();
        headers.push(Header {
            name: Arc::clone(&self.id_name),
            value: column(&self.options.id)?,
        });
        let payload = match &payload.schema {
            Some(schema) => self.payload(&payload.value, schema)?,
            None => payload,
        };
        let is_empty = is_blank(&payload.value);
        let value = if self.options.has_envelope() {
            self.value(&payload, &row, &row_schema)?
        } else {
            payload
        };
        let mut partition = None;
        for added in &self.options.additional {
            if self.options.ignores_missing && !row.has(&added.field) {
                continue;
            }
            match added.placement {
                Placement::Header => headers.push(Header {
                    name: added.alias.as_str().into(),
                    value: column(&added.field)?,
                }),
                Placement::Partition => partition = row.int32(&added.field)?,
                Placement::Envelope => {}
            }
        }
        let topic = row.string(&self.options.route_by)?.ok_or_else(|| {
            error(format!(
                "column \"{}\" is null, so it names no topic",
                self.options.route_by
            ))
        })?;
        Ok(SourceRecord {
            topic: self
                .options
                .topic
                .route(topic)
                .map_or_else(|| topic.into(), Arc::from),
            partition,
            key: column(&self.options.key)?,
            value: if is_empty && self.options.tombstone_on_empty_payload {
                SchemaAndValue::NULL
            } else {
                value
            },
            timestamp,
            headers,
        })
    }
}

impl Transform for EventRouter {
    fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            return Ok(None);
        }
        let Some(schema) = envelope(&record) else {
            return Ok(Some(record));
        };
        let change = View::of(&record.value, "Detect Debezium Operation")?;
        match change.string("op")? {
            Some("d") => Ok(None),
            Some("u") => self.update(),
            Some(_) => self.route(&record, &schema).map(Some),
            None => Err(error("the change has no operation")),
        }
    }
}

impl Shape {
    fn new(
        envelope: &Schema,
        payload: &str,
        schemas: &mut KnownSchemas,
    ) -> Result<Self, TransformError> {
        let fields = fields_of(envelope)?;
        let after = position(fields, "after").ok_or_else(|| error("unknown field: after"))?;
        let row = &fields[after].schema;
        let columns = fields_of(row)?.iter().map(|column| {
            if column.name == payload {
                schemas.shared(column.schema.clone())
            } else {
                Arc::new(column.schema.clone())
            }
        });
        Ok(Self {
            columns: columns.collect(),
            row: Arc::new(row.clone()),
        })
    }
}

enum Expanded {
    /// It is no JSON, or none that has a schema.
    Not,
    /// An empty array.
    WithoutSchema,
    Struct(Schema, Datum),
}

fn expand(name: &str, text: &str, nulls: NullField) -> Result<Expanded, TransformError> {
    let Some(document) = json_schema::parse(text) else {
        return Ok(Expanded::Not);
    };
    let Ok(schema) = json_schema::schema(Some(name), &document, nulls) else {
        return Ok(Expanded::Not);
    };
    let Some(schema) = schema else {
        return Ok(Expanded::WithoutSchema);
    };
    // Debezium has taken the new schema by now and keeps the string, so that no converter can write the record.
    if !matches!(schema.kind, Kind::Struct(_)) {
        return Err(error(
            "the payload is a JSON array, which Debezium cannot expand either",
        ));
    }
    let value = json_schema::value(&document, &schema)?;
    Ok(Expanded::Struct(schema, value))
}

fn value_schema(
    options: &EventRouterOptions,
    payload: &Schema,
    row: &Schema,
    route: Option<&str>,
) -> Result<Schema, TransformError> {
    let columns = fields_of(row)?;
    let mut fields = vec![Field::new(PAYLOAD, payload.clone())];
    for added in &options.additional {
        if added.placement != Placement::Envelope {
            continue;
        }
        match position(columns, &added.field) {
            Some(index) => fields.push(Field::new(&added.alias, columns[index].schema.clone())),
            None if options.ignores_missing => {}
            None => {
                return Err(error(format!(
                    "unable to find field {} in event",
                    added.field
                )));
            }
        }
    }
    let route = route.unwrap_or("null");
    let name = match row.name.as_deref() {
        None => route.to_owned(),
        Some(name) => match name.rsplit_once('.') {
            Some((namespace, last)) => format!("{namespace}.{route}.{last}"),
            None => format!("{route}.{name}"),
        },
    };
    Ok(Schema {
        name: Some(name.into()),
        ..Schema::new(Kind::Struct(fields))
    })
}

fn is_blank(payload: &Datum) -> bool {
    match payload {
        Datum::Null => true,
        // `String.trim` of Java.
        Datum::String(text) => text.chars().all(|char| char <= ' '),
        Datum::Boolean(_)
        | Datum::Int(_)
        | Datum::Float32(_)
        | Datum::Float64(_)
        | Datum::Bytes(_)
        | Datum::Array(_)
        | Datum::Map(_)
        | Datum::Struct(_) => false,
    }
}
