//! Converters of whole records' parts: what becomes of a key, a value or a header (`org.apache.kafka.connect.storage.Converter`).
//!
//! Records without transforms do not come here: their JSON is written straight from the row.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::avro;
use super::avro::converter::AvroConverter;
use super::avro::registry::SchemaRegistry;
use super::header::HeaderSink;
use super::json::{self, JsonSink};
use super::record::SchemaAndValue;
use super::schema::{Datum, Kind, Schema};
use super::sink::{write_datum, write_schemaless};
use super::{fit, java_text};
use crate::config::avro::RegistryOptions;
use crate::config::connector::{ConverterConfig, HeaderConverterConfig, JsonConverterOptions};

/// `schemas.cache.size`.
const CACHED_SCHEMAS: usize = 1000;

/// How keys or values become bytes.
#[derive(Debug)]
pub enum Converter {
    Json(JsonConverter),
    String,
    ByteArray,
    Avro(Box<AvroConverter>),
}

/// How headers become bytes.
#[derive(Debug)]
pub enum HeaderConverter {
    /// `SimpleHeaderConverter`
    Simple,
    Other(Converter),
}

/// A value that a converter has no form for: Connect's `DataException`. Says no values.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("{converter} cannot write {problem}")]
    Value {
        converter: &'static str,
        problem: String,
    },
    #[error(transparent)]
    Avro(#[from] avro::error::Error),
}

impl ConvertError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Value { .. } => false,
            Self::Avro(error) => error.is_retriable(),
        }
    }
}

impl Converter {
    /// `open_registry` makes the client of a converter that needs one.
    pub fn new<E>(
        config: &ConverterConfig,
        is_key: bool,
        open_registry: impl FnOnce(&RegistryOptions) -> Result<Box<dyn SchemaRegistry>, E>,
    ) -> Result<Self, E> {
        Ok(match config {
            ConverterConfig::Json(options) => Self::Json(JsonConverter::new(options)),
            ConverterConfig::String => Self::String,
            ConverterConfig::ByteArray => Self::ByteArray,
            ConverterConfig::Avro(options) => {
                let registry = open_registry(&options.registry)?;
                let options = options.as_ref().clone();
                Self::Avro(Box::new(AvroConverter::new(is_key, options, registry)))
            }
        })
    }

    /// Appends the bytes; false when the record gets a null instead. After an error `out` may hold a part of them.
    pub fn convert(
        &mut self,
        topic: &str,
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
            Self::Avro(converter) => Ok(converter.convert(topic, data, out)?),
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
    ConvertError::Value {
        converter,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::DecimalFormat;
    use crate::connect::schema::{Field, logical};

    fn text(converter: &mut Converter, data: &SchemaAndValue) -> Result<Option<String>, String> {
        let mut out = Vec::new();
        match converter.convert("t", data, &mut out) {
            Ok(true) => Ok(Some(String::from_utf8(out).unwrap())),
            Ok(false) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn made(config: &ConverterConfig) -> Converter {
        Converter::new(config, false, |_| Err("no registry here")).unwrap()
    }

    fn json(schemas: bool) -> Converter {
        made(&ConverterConfig::Json(JsonConverterOptions {
            schemas,
            decimal_format: DecimalFormat::Base64,
            replace_null_with_default: true,
        }))
    }

    fn schemaless(value: Datum) -> SchemaAndValue {
        SchemaAndValue {
            schema: None,
            value,
        }
    }

    fn typed(schema: Schema, value: Datum) -> SchemaAndValue {
        SchemaAndValue::new(Arc::new(schema), value)
    }

    /// The cases of `JsonConverter.fromConnectData`.
    #[test]
    fn json_of_nulls_and_of_values_without_schema() {
        let map = |key| Datum::Map(vec![(key, Datum::Int(1))]);
        let optional = Schema::new(Kind::String).optional(true);
        for (data, without, with) in [
            (SchemaAndValue::NULL, None, None),
            (
                typed(optional, Datum::Null),
                Some("null"),
                Some(r#"{"schema":{"type":"string","optional":true},"payload":null}"#),
            ),
            (
                schemaless(map(Datum::String("k".to_owned()))),
                Some(r#"{"k":1}"#),
                Some(r#"{"schema":null,"payload":{"k":1}}"#),
            ),
            (
                schemaless(map(Datum::Int(7))),
                Some("[[7,1]]"),
                Some(r#"{"schema":null,"payload":[[7,1]]}"#),
            ),
        ] {
            assert_eq!(text(&mut json(false), &data).unwrap().as_deref(), without);
            assert_eq!(text(&mut json(true), &data).unwrap().as_deref(), with);
        }
    }

    #[test]
    fn a_value_that_is_not_of_its_schema_is_an_error_and_no_panic() {
        let required = typed(Schema::new(Kind::Int32), Datum::Null);
        let error = text(&mut json(false), &required).unwrap_err();
        assert_eq!(
            error,
            "JsonConverter cannot write a null for a field that is required and has no default value"
        );
        let field = |name: &str| Field::new(name, Schema::new(Kind::Int32));
        let structure = Schema::new(Kind::Struct(vec![field("a"), field("b")]));
        for data in [
            typed(Schema::new(Kind::Int32), Datum::String("1".to_owned())),
            typed(Schema::new(Kind::Int8), Datum::Int(128)),
            typed(structure, Datum::Struct(vec![Datum::Int(1)])),
        ] {
            assert!(text(&mut json(true), &data).is_err(), "{data:?}");
        }
    }

    /// `Struct.toString` leaves nulls out; collections and decimals have Java's texts.
    #[test]
    fn strings_are_what_java_makes_of_the_object() {
        let decimal = Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", "2");
        let list = Schema::new(Kind::Array(Box::new(Schema::new(Kind::Int32))));
        let schema = Schema::new(Kind::Struct(vec![
            Field::new("id", Schema::new(Kind::Int32)),
            Field::new("none", Schema::new(Kind::String).optional(true)),
            Field::new("n", decimal),
            Field::new("l", list),
            Field::new("f", Schema::new(Kind::Float64)),
        ]));
        let value = Datum::Struct(vec![
            Datum::Int(7),
            Datum::Null,
            Datum::Bytes(vec![0x96]),
            Datum::Array(vec![Datum::Int(1), Datum::Null]),
            Datum::Float64(1e7),
        ]);
        let mut converter = made(&ConverterConfig::String);
        assert_eq!(
            text(&mut converter, &typed(schema, value))
                .unwrap()
                .as_deref(),
            Some("Struct{id=7,n=-1.06,l=[1, null],f=1.0E7}")
        );
        assert_eq!(text(&mut converter, &SchemaAndValue::NULL), Ok(None));
    }

    /// `ByteBuffer.toString` and `Date.toString` tell the same for the same value, `byte[].toString` does not.
    #[test]
    fn strings_of_buffers_and_dates_are_javas_and_arrays_have_none() {
        let mut converter = made(&ConverterConfig::String);
        let bytes = |schema| typed(schema, Datum::Bytes(vec![1, 2, 3]));
        let date = |name, value| typed(Schema::named(Kind::Int32, name, 1), Datum::Int(value));
        for (data, expected) in [
            (
                bytes(Schema::new(Kind::Bytes)),
                "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]",
            ),
            (date(logical::DATE, 19_782), "Thu Feb 29 00:00:00 UTC 2024"),
            (
                date(logical::TIME, 47_655_123),
                "Thu Jan 01 13:14:15 UTC 1970",
            ),
            (date(logical::DATE, -703_383), "Tue Mar 17 00:00:00 UTC 44"),
        ] {
            let written = text(&mut converter, &data).unwrap();
            assert_eq!(written.as_deref(), Some(expected));
        }
        let bits = Schema::named(Kind::Bytes, "io.debezium.data.Bits", 1);
        assert!(text(&mut converter, &bytes(bits)).is_err());
        let wkb = Field::new("wkb", Schema::new(Kind::Bytes));
        let point = Kind::Struct(vec![wkb]);
        let point = Schema::named(point, "io.debezium.data.geometry.Point", 1);
        let value = Datum::Struct(vec![Datum::Bytes(vec![1])]);
        assert!(text(&mut converter, &typed(point, value)).is_err());
    }

    #[test]
    fn bytes_go_through_as_they_are() {
        let mut converter = made(&ConverterConfig::ByteArray);
        let bytes = |bytes: &[u8]| typed(Schema::new(Kind::Bytes), Datum::Bytes(bytes.to_vec()));
        assert_eq!(
            text(&mut converter, &bytes(b"ab")),
            Ok(Some("ab".to_owned()))
        );
        let number = typed(Schema::new(Kind::Int32), Datum::Int(1));
        assert!(text(&mut converter, &number).is_err());
    }

    #[test]
    fn schemas_that_are_made_for_every_record_do_not_pile_up() {
        let mut converter = JsonConverter::new(&JsonConverterOptions {
            schemas: true,
            decimal_format: DecimalFormat::Base64,
            replace_null_with_default: true,
        });
        for _ in 0..3 * CACHED_SCHEMAS {
            let data = typed(Schema::new(Kind::Int32), Datum::Int(1));
            converter.convert(&data, &mut Vec::new()).unwrap();
        }
        assert!(converter.schemas.len() <= CACHED_SCHEMAS);
    }
}
