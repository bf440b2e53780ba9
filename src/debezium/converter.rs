//! A column's text output → its datum, as Debezium's `TableSchemaBuilder` and `PostgresValueConverter` make it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::conversion::{Conversion, Problem};
use super::mapper::ValueChange;
use super::source_type::SourceType;
use super::temporal::Clock;
use super::types::{Mapper, Mapping, Placeholder};
use super::{default, hstore, mapper};
use crate::config::connector::{ColumnAction, ValueOptions};
use crate::connect::datum_sink::DatumSink;
use crate::connect::schema::Schema;
use crate::connect::sink::{Sink, write_datum};
use crate::postgres::catalog::{Column, Types};

/// Where rows come from: Debezium reads a snapshot through JDBC and the stream with its own decoder, and a few types differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Snapshot,
    Stream,
}

/// What is decided once per column.
#[derive(Debug)]
pub struct ColumnConverter {
    name: String,
    schema: Schema,
    conversion: Conversion,
    always_null: bool,
    /// The column's; the field of a `geometry` takes nulls in any case.
    nullable: bool,
    placeholder: Placeholder,
    /// `unavailable.value.placeholder`.
    unavailable: Vec<u8>,
    /// Of a rule in the configuration.
    change: Option<ValueChange>,
    /// One warning a column is enough, however many rows there are.
    warned: AtomicBool,
}

/// A value that has no datum, in a field that takes no null. Debezium stops here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not convert {problem} in column \"{column}\", which is NOT NULL; exclude the column or change its type"
)]
pub struct ConvertError {
    column: String,
    problem: &'static str,
}

impl ConvertError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl ColumnConverter {
    /// `None`: Debezium leaves columns of this type out.
    #[must_use]
    pub fn new(
        column: &Column,
        types: &Types,
        options: &ValueOptions,
        phase: Phase,
    ) -> Option<Self> {
        let (dates, delivers_names) = match phase {
            Phase::Snapshot => (Clock::JavaSql, true),
            Phase::Stream => (Clock::JavaTime, options.include_unknown),
        };
        let mapping = Mapper {
            types,
            options,
            dates,
            delivers_names,
        }
        .column(column)?;
        let default = column.default.as_deref().and_then(|expression| {
            default::parse(
                expression,
                types.get(column.type_oid)?,
                column.type_modifier,
                &mapping,
            )
        });
        let Mapping {
            schema,
            conversion,
            placeholder,
            always_null,
        } = mapping;
        Some(Self {
            name: column.name.clone(),
            schema: Schema {
                optional: schema.optional || column.nullable,
                default,
                ..schema
            },
            nullable: column.nullable,
            conversion,
            always_null,
            placeholder,
            unavailable: options.unavailable_placeholder.clone(),
            change: None,
            warned: AtomicBool::new(false),
        })
    }

    /// As a rule of the configuration wants it.
    #[must_use]
    pub(super) fn changed(self, action: &ColumnAction, source: &SourceType) -> Self {
        let (schema, change) = mapper::apply(action, &self.name, source, self.schema);
        Self {
            schema,
            change,
            ..self
        }
    }

    /// With the column's nullability, default and parameters.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// A value in the type's text output. What cannot be converted becomes null with a warning
    /// (`event.converting.failure.handling.mode=warn`), or an error where the field takes no null.
    pub fn convert<S: Sink>(&self, text: &[u8], sink: &mut S) -> Result<(), ConvertError> {
        match &self.change {
            None => self.convert_unchanged(text, sink),
            Some(change) => {
                let mut value = DatumSink::default();
                self.convert_unchanged(text, &mut value)?;
                self.write_changed(change, value, sink);
                Ok(())
            }
        }
    }

    fn convert_unchanged<S: Sink>(&self, text: &[u8], sink: &mut S) -> Result<(), ConvertError> {
        if self.always_null {
            self.null_unchanged(sink);
            return Ok(());
        }
        let mark = sink.mark();
        self.conversion.write(text, sink).or_else(|problem| {
            sink.rewind(mark);
            self.failed(problem, sink)
        })
    }

    /// SQL NULL, and likewise a column that the server did not send in a delete's old tuple: null if the column is nullable
    /// (shown as the default if there is one and the sink wants so), else the default, else the type's zero.
    pub fn null<S: Sink>(&self, sink: &mut S) {
        match &self.change {
            None => self.null_unchanged(sink),
            Some(change) => {
                let mut value = DatumSink::default();
                self.null_unchanged(&mut value);
                self.write_changed(change, value, sink);
            }
        }
    }

    fn null_unchanged<S: Sink>(&self, sink: &mut S) {
        match &self.schema.default {
            Some(default) if !self.nullable || sink.replaces_null_with_default() => {
                write_datum(&self.schema, default, sink);
            }
            _ if self.nullable => sink.null(),
            _ => self.conversion.write_zero(sink),
        }
    }

    /// A TOASTed value that the update did not change and whose old value is not known.
    pub fn unavailable<S: Sink>(&self, sink: &mut S) -> Result<(), ConvertError> {
        match &self.change {
            None => self.unavailable_unchanged(sink),
            Some(change) => {
                let mut value = DatumSink::default();
                self.unavailable_unchanged(&mut value)?;
                self.write_changed(change, value, sink);
                Ok(())
            }
        }
    }

    /// A rule gets to see the null too.
    fn write_changed<S: Sink>(&self, change: &ValueChange, value: DatumSink, sink: &mut S) {
        let value = value.finish().expect("a conversion writes one value");
        write_datum(&self.schema, &change.apply(value), sink);
    }

    fn unavailable_unchanged<S: Sink>(&self, sink: &mut S) -> Result<(), ConvertError> {
        match self.placeholder {
            Placeholder::None => return self.failed(Problem("an unchanged TOASTed value"), sink),
            Placeholder::Text => sink.string(&self.unavailable_text()),
            Placeholder::Bytes => sink.bytes(&self.unavailable),
            Placeholder::Hstore(mode) => {
                hstore::write_unavailable(&self.unavailable_text(), mode, sink);
            }
            Placeholder::TextArray => array_of(sink, |sink| sink.string(&self.unavailable_text())),
            Placeholder::BytesArray => array_of(sink, |sink| sink.bytes(&self.unavailable)),
            Placeholder::UuidArray => match name_uuid(&self.unavailable) {
                Some(uuid) => array_of(sink, |sink| sink.string(uuid.as_bytes())),
                None => {
                    return self.failed(
                        Problem("an unchanged TOASTed array of uuid, without MD5 in OpenSSL,"),
                        sink,
                    );
                }
            },
            Placeholder::ByteNumbers => self.byte_numbers(sink),
        }
        Ok(())
    }

    /// Java's bytes have a sign.
    fn byte_numbers<S: Sink>(&self, sink: &mut S) {
        sink.begin_array();
        for (index, &byte) in self.unavailable.iter().enumerate() {
            sink.element(index);
            sink.int(byte.cast_signed().into());
        }
        sink.end_array();
    }

    fn unavailable_text(&self) -> Cow<'_, [u8]> {
        match String::from_utf8_lossy(&self.unavailable) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }

    fn failed<S: Sink>(&self, problem: Problem, sink: &mut S) -> Result<(), ConvertError> {
        if !self.schema.optional && self.schema.default.is_none() {
            return Err(ConvertError {
                column: self.name.clone(),
                problem: problem.0,
            });
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                column = self.name,
                problem = problem.0,
                "a value could not be converted and is shown as null"
            );
        }
        match &self.schema.default {
            Some(_) => self.null_unchanged(sink),
            None => sink.null(),
        }
        Ok(())
    }
}

fn array_of<S: Sink>(sink: &mut S, write: impl FnOnce(&mut S)) {
    sink.begin_array();
    sink.element(0);
    write(sink);
    sink.end_array();
}

/// `UUID.nameUUIDFromBytes`: the MD5 of the bytes, marked as version 3. OpenSSL in FIPS mode has no MD5.
fn name_uuid(bytes: &[u8]) -> Option<String> {
    let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), bytes).ok()?;
    let digest: [u8; 16] = digest.as_ref().try_into().ok()?;
    Some(
        uuid::Builder::from_md5_bytes(digest)
            .into_uuid()
            .to_string(),
    )
}
