//! `io.debezium.transforms.ByLogicalTableRouter`: changes of several tables in one topic, with a key that tells them apart.

use std::sync::Arc;

use super::choice::{choice, required};
use super::fields::{Derived, View, envelope, error, fields_of, replace_nulls, require_position};
use crate::connect::record::SourceRecord;
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::regex_router::RegexRouter;
use crate::connect::transform::{Transform, TransformError};

pub(super) struct ByLogicalTableRouter {
    topic: RegexRouter,
    /// `None` leaves the key's fields as they are.
    identifier: Option<Identifier>,
    adjustment: Adjustment,
    keys: Derived<Arc<Schema>>,
    envelopes: Derived<Arc<Schema>>,
}

/// The field that says which table a key is of.
struct Identifier {
    name: String,
    /// Makes it of the topic; without, it is the topic.
    pattern: Option<RegexRouter>,
}

/// `schema.name.adjustment.mode`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Adjustment {
    None,
    Avro,
    AvroUnicode,
}

impl ByLogicalTableRouter {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let topic = RegexRouter::of(
            ("topic.regex", required(options, "topic.regex")?),
            ("topic.replacement", required(options, "topic.replacement")?),
        )?;
        let identifier = Identifier::new(options)?;
        let is_unique = options.boolean("key.enforce.uniqueness", true)?;
        if let Some(size) = options.text("logical.table.cache.size") {
            let size: Result<i32, _> = size.parse();
            size.map_err(|_| OptionError::new("logical.table.cache.size", "is no integer"))?;
        }
        let adjustments = [
            ("none", Adjustment::None),
            ("avro", Adjustment::Avro),
            ("avro_unicode", Adjustment::AvroUnicode),
        ];
        Ok(Self {
            topic,
            identifier: is_unique.then_some(identifier),
            adjustment: choice(
                options,
                "schema.name.adjustment.mode",
                &adjustments,
                Adjustment::None,
            )?,
            keys: Derived::default(),
            envelopes: Derived::default(),
        })
    }

    fn route_key(&mut self, record: &mut SourceRecord, topic: &str) -> Result<(), TransformError> {
        if record.key.value == Datum::Null {
            record.key.schema = None;
            return Ok(());
        }
        let (Some(schema), Datum::Struct(values)) = (&record.key.schema, &mut record.key.value)
        else {
            return Err(error("only a struct is supported for [Updating schema]"));
        };
        let routed = self.keys.get(schema, |schema| {
            let mut fields = fields_of(schema)?.to_vec();
            if let Some(identifier) = &self.identifier {
                fields.push(Field::new(&identifier.name, Schema::new(Kind::String)));
            }
            Ok(Arc::new(renamed(
                schema,
                &self.adjustment.adjust(topic, "Key"),
                fields,
            )))
        })?;
        if let Some(identifier) = &self.identifier {
            values.push(Datum::String(identifier.of(&record.topic)));
        }
        record.key.schema = Some(Arc::clone(routed));
        Ok(())
    }
}

impl Transform for ByLogicalTableRouter {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let Some(topic) = self.topic.route(&record.topic) else {
            return Ok(Some(record));
        };
        if topic.is_empty() {
            tracing::warn!(topic = %record.topic, "the topic's replacement is empty, the record stays where it was");
            return Ok(Some(record));
        }
        self.route_key(&mut record, &topic)?;
        if !record.is_tombstone()
            && let Some(schema) = envelope(&record)
        {
            View::of(&record.value, "Updating schema")?;
            let adjustment = self.adjustment;
            let routed = self.envelopes.get(&schema, |schema| {
                routed_envelope(schema, &adjustment, &topic).map(Arc::new)
            })?;
            if let Datum::Struct(values) = &mut record.value.value {
                replace_nulls(fields_of(&schema)?, values);
            }
            record.value.schema = Some(Arc::clone(routed));
        }
        record.topic = topic.into();
        Ok(Some(record))
    }
}

impl Identifier {
    fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let name = options.text("key.field.name");
        let regex = options.text("key.field.regex").unwrap_or_default();
        let replacement = options.text("key.field.replacement").unwrap_or_default();
        let pattern = match (regex, replacement) {
            ("", _) => None,
            (_, "") => {
                return Err(OptionError::new(
                    "key.field.replacement",
                    "must be non-empty if key.field.regex is set",
                ));
            }
            _ => Some(RegexRouter::of(
                ("key.field.regex", regex),
                ("key.field.replacement", replacement),
            )?),
        };
        Ok(Self {
            name: name.unwrap_or("__dbz__physicalTableIdentifier").to_owned(),
            pattern,
        })
    }

    fn of(&self, topic: &str) -> String {
        let replaced = self
            .pattern
            .as_ref()
            .and_then(|pattern| pattern.route(topic));
        replaced.unwrap_or_else(|| topic.to_owned())
    }
}

/// Both rows get the schema of `before`.
fn routed_envelope(
    schema: &Schema,
    adjustment: &Adjustment,
    topic: &str,
) -> Result<Schema, TransformError> {
    let mut fields = fields_of(schema)?.to_vec();
    let before = &fields[require_position(&fields, "before")?].schema;
    let row = renamed(
        before,
        &adjustment.adjust(topic, "Value"),
        fields_of(before)?.to_vec(),
    );
    for field in &mut fields {
        if matches!(field.name.as_str(), "before" | "after") {
            field.schema = row.clone();
        }
    }
    Ok(renamed(
        schema,
        &adjustment.adjust(topic, "Envelope"),
        fields,
    ))
}

/// Everything of the schema but its name, fields and default.
fn renamed(schema: &Schema, name: &str, fields: Vec<Field>) -> Schema {
    Schema {
        kind: Kind::Struct(fields),
        name: Some(name.to_owned().into()),
        default: None,
        ..schema.clone()
    }
}

impl Adjustment {
    /// `SchemaNameAdjuster`.
    fn adjust(self, topic: &str, suffix: &str) -> String {
        let name = format!("{topic}.{suffix}");
        match self {
            Self::None => name,
            Self::Avro => name.encode_utf16().enumerate().map(underscored).collect(),
            Self::AvroUnicode => name.encode_utf16().enumerate().map(escaped).collect(),
        }
    }
}

/// The ASCII character that an Avro name may have at this place.
fn valid(index: usize, unit: u16) -> Option<char> {
    let char = char::from(u8::try_from(unit).ok()?);
    let is_valid = char.is_ascii_alphabetic()
        || char == '_'
        || index > 0 && (char.is_ascii_digit() || char == '.');
    is_valid.then_some(char)
}

fn underscored((index, unit): (usize, u16)) -> String {
    match valid(index, unit) {
        Some(char) => char.to_string(),
        // Two names that differ in the first digit stay different.
        None if index == 0 && (0x30..0x3A).contains(&unit) => format!("_{}", unit - 0x30),
        None => "_".to_owned(),
    }
}

fn escaped((index, unit): (usize, u16)) -> String {
    match valid(index, unit) {
        Some(char) if char != '_' => char.to_string(),
        _ if unit < 0x100 => format!("_u00{unit:x}"),
        _ => format!("_u{unit:x}"),
    }
}
