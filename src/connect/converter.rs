//! Converters of whole records' parts: what becomes of a key, a value or a header (`org.apache.kafka.connect.storage.Converter`).
//!
//! Records without transforms do not come here: their JSON is written straight from the row.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::header::HeaderSink;
use super::json::{self, JsonSink};
use super::record::SchemaAndValue;
use super::schema::{Datum, Kind, Schema};
use super::sink::{write_datum, write_schemaless};
use super::{fit, java_text};
use crate::config::connector::{ConverterConfig, HeaderConverterConfig, JsonConverterOptions};

/// `schemas.cache.size`.
const CACHED_SCHEMAS: usize = 1000;

/// How keys or values become bytes.
#[derive(Debug)]
pub enum Converter {
    Json(JsonConverter),
    String,
    ByteArray,
}

/// How headers become bytes.
#[derive(Debug)]
pub enum HeaderConverter {
    /// `SimpleHeaderConverter`
    Simple,
    Other(Converter),
}

/// A value that a converter has no form for: Connect's `DataException`. Says no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{converter} cannot write {problem}")]
pub struct ConvertError {
    pub converter: &'static str,
    pub problem: String,
}

impl ConvertError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl Converter {
    #[must_use]
    pub fn new(config: &ConverterConfig) -> Self {
        match config {
            ConverterConfig::Json(options) => Self::Json(JsonConverter::new(options)),
            ConverterConfig::String => Self::String,
            ConverterConfig::ByteArray => Self::ByteArray,
        }
    }

    /// Appends the bytes; false when the record gets a null instead. After an error `out` may hold a part of them.
    pub fn convert(
        &mut self,
        _topic: &str,
        data: &SchemaAndValue,
        out: &mut Vec<u8>,
    ) -> Result<bool, ConvertError> {
        match self {
            Self::Json(converter) => converter.convert(data, out),
            Self::String => {
                let failed = |problem| failed("StringConverter", problem);
                let SchemaAndValue { schema, value } = data;
                if *value == Datum::Null {
                    return Ok(false);
                }
                java_text::write(schema.as_deref(), value, out).map_err(failed)?;
                Ok(true)
            }
            Self::ByteArray => write_bytes(data, out),
        }
    }
}

impl HeaderConverter {
    #[must_use]
    pub fn new(config: &HeaderConverterConfig) -> Self {
        match config {
            HeaderConverterConfig::Simple => Self::Simple,
            HeaderConverterConfig::Json(options) => {
                Self::Other(Converter::Json(JsonConverter::new(options)))
            }
            HeaderConverterConfig::String => Self::Other(Converter::String),
            HeaderConverterConfig::ByteArray => Self::Other(Converter::ByteArray),
        }
    }

    /// As [`Converter::convert`].
    pub fn convert(
        &mut self,
        topic: &str,
        data: &SchemaAndValue,
        out: &mut Vec<u8>,
    ) -> Result<bool, ConvertError> {
        match (self, data) {
            (Self::Other(converter), _) => converter.convert(topic, data, out),
            (
                Self::Simple,
                SchemaAndValue {
                    value: Datum::Null, ..
                },
            ) => Ok(false),
            (Self::Simple, SchemaAndValue { schema, value }) => {
                let mut sink = HeaderSink::new(out);
                match schema {
                    Some(schema) => {
                        fit::check(schema, value, true)
                            .map_err(|problem| failed("SimpleHeaderConverter", problem))?;
                        write_datum(schema, value, &mut sink);
                    }
                    None => write_schemaless(value, &mut sink),
                }
                Ok(true)
            }
        }
    }
}

/// `org.apache.kafka.connect.json.JsonConverter`
#[derive(Debug)]
pub struct JsonConverter {
    options: JsonConverterOptions,
    /// Rendered schemas by their addresses, which are kept.
    schemas: FxHashMap<usize, (Arc<Schema>, Vec<u8>)>,
}

impl JsonConverter {
    #[must_use]
    pub fn new(options: &JsonConverterOptions) -> Self {
        Self {
            options: *options,
            schemas: FxHashMap::default(),
        }
    }

    /// As [`Converter::convert`].
    pub fn convert(
        &mut self,
        data: &SchemaAndValue,
        out: &mut Vec<u8>,
    ) -> Result<bool, ConvertError> {
        if data.schema.is_none() && data.value == Datum::Null {
            return Ok(false);
        }
        if !self.options.schemas {
            self.write_payload(data, out)?;
            return Ok(true);
        }
        out.extend_from_slice(b"{\"schema\":");
        match &data.schema {
            Some(schema) => out.extend_from_slice(self.rendered(schema)),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"payload\":");
        self.write_payload(data, out)?;
        out.push(b'}');
        Ok(true)
    }

    fn write_payload(&self, data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<(), ConvertError> {
        let mut sink = JsonSink::new(out, &self.options);
        match &data.schema {
            Some(schema) => {
                fit::check(schema, &data.value, self.options.replace_null_with_default)
                    .map_err(|problem| failed("JsonConverter", problem))?;
                write_datum(schema, &data.value, &mut sink);
            }
            None => write_schemaless(&data.value, &mut sink),
        }
        Ok(())
    }

    fn rendered(&mut self, schema: &Arc<Schema>) -> &[u8] {
        // A transform that makes a schema for every record must not fill the memory.
        if self.schemas.len() >= CACHED_SCHEMAS {
            self.schemas.clear();
        }
        let decimal_format = self.options.decimal_format;
        let (_, text) = self
            .schemas
            .entry(Arc::as_ptr(schema).addr())
            .or_insert_with(|| {
                let mut text = Vec::new();
                json::write_schema(schema, None, decimal_format, &mut text);
                (Arc::clone(schema), text)
            });
        text
    }
}

/// `org.apache.kafka.connect.converters.ByteArrayConverter`
fn write_bytes(data: &SchemaAndValue, out: &mut Vec<u8>) -> Result<bool, ConvertError> {
    let is_bytes = |schema: &Arc<Schema>| schema.kind == Kind::Bytes;
    match &data.value {
        _ if !data.schema.as_ref().is_none_or(is_bytes) => Err(failed(
            "ByteArrayConverter",
            "a value whose schema is not bytes",
        )),
        Datum::Null => Ok(false),
        Datum::Bytes(bytes) => {
            out.extend_from_slice(bytes);
            Ok(true)
        }
        Datum::Boolean(_)
        | Datum::Int(_)
        | Datum::Float32(_)
        | Datum::Float64(_)
        | Datum::String(_)
        | Datum::Array(_)
        | Datum::Map(_)
        | Datum::Struct(_) => Err(failed("ByteArrayConverter", "a value that is not bytes")),
    }
}

#[cold]
fn failed(converter: &'static str, problem: &str) -> ConvertError {
    ConvertError {
        converter,
        problem: problem.to_owned(),
    }
}
