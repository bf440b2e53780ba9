//! Connect schema → Avro schema as JSON text (`AvroData.fromConnectSchema`, then `org.apache.avro.Schema.toString`).

use std::collections::HashMap;

use super::default_value;
use super::error::Error;
use super::name::{self, NAMESPACE};
use crate::config::avro::AvroDataOptions;
use crate::connect::json::write_string_of_characters;
use crate::connect::schema::{Field, Kind, Schema, logical};

/// Of a decimal whose precision is not known (`CONNECT_AVRO_DECIMAL_PRECISION_DEFAULT`).
const DEFAULT_PRECISION: &str = "64";

/// The text under which `schema` is registered.
pub fn avro_schema(schema: &Schema, options: &AvroDataOptions) -> Result<String, Error> {
    let mut writer = Writer {
        out: Vec::new(),
        options,
        defined: HashMap::new(),
        unnamed: Vec::new(),
        namespace: None,
    };
    writer.schema(schema)?;
    Ok(String::from_utf8(writer.out).expect("all that is written is UTF-8"))
}

/// The full name of the Avro record that a struct becomes; `None` for any other schema.
pub(super) fn record_name(
    schema: &Schema,
    options: &AvroDataOptions,
) -> Result<Option<String>, Error> {
    // An optional struct is a union, which has no name.
    if schema.optional || !matches!(schema.kind, Kind::Struct(_)) {
        return Ok(None);
    }
    let Some(name) = schema.name.as_deref() else {
        return Ok(Some(format!("{NAMESPACE}.ConnectDefault")));
    };
    let (namespace, name) = name::split(name, options.scrub_invalid_names)?;
    Ok(Some(match namespace {
        Some(namespace) => format!("{namespace}.{name}"),
        None => name,
    }))
}

/// Whether a map is an Avro map, and not an array of entries.
pub(super) fn is_avro_map(keys: &Schema, options: &AvroDataOptions) -> bool {
    keys.kind == Kind::String && (!keys.optional || options.allow_optional_map_keys)
}

struct Writer<'a> {
    out: Vec<u8>,
    options: &'a AvroDataOptions,
    /// Records that were written, by full name: a second use is a reference.
    defined: HashMap<String, &'a Kind>,
    /// Structs without a name, numbered from 1.
    unnamed: Vec<&'a Kind>,
    /// Of the record that is being written.
    namespace: Option<String>,
}

/// Namespace and name of a record.
type RecordName = (Option<String>, String);

impl<'a> Writer<'a> {
    /// With the union that an optional schema is: null comes last if there is a default, for Avro wants the default's type first.
    fn schema(&mut self, schema: &'a Schema) -> Result<(), Error> {
        if !schema.optional {
            return self.required(schema);
        }
        if puts_null_last(schema) {
            self.text("[");
            self.required(schema)?;
            self.text(",\"null\"]");
        } else {
            self.text("[\"null\",");
            self.required(schema)?;
            self.text("]");
        }
        Ok(())
    }

    fn required(&mut self, schema: &'a Schema) -> Result<(), Error> {
        match &schema.kind {
            Kind::Struct(fields) => return self.record(schema, fields),
            Kind::Array(items) => {
                self.text(r#"{"type":"array","items":"#);
                self.schema(items)?;
            }
            Kind::Map(keys, values) if is_avro_map(keys, self.options) => {
                self.text(r#"{"type":"map","values":"#);
                self.schema(values)?;
            }
            Kind::Map(keys, values) => {
                self.text(r#"{"type":"array","items":"#);
                self.entry(schema, keys, values)?;
            }
            Kind::Boolean
            | Kind::Int8
            | Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::Float32
            | Kind::Float64
            | Kind::String
            | Kind::Bytes => return self.primitive(schema),
        }
        let properties = self.properties(schema);
        self.out.extend(properties);
        self.text("}");
        Ok(())
    }

    /// A primitive without properties is its name alone.
    fn primitive(&mut self, schema: &Schema) -> Result<(), Error> {
        let properties = self.properties(schema);
        let name = primitive_name(&schema.kind);
        if properties.is_empty() {
            self.string(name);
        } else {
            self.text(r#"{"type":"#);
            self.string(name);
            self.out.extend(properties);
            self.text("}");
        }
        Ok(())
    }

    fn record(&mut self, schema: &'a Schema, fields: &'a [Field]) -> Result<(), Error> {
        let name = self.name_of(schema)?;
        if self.is_reference(&name, &schema.kind)? {
            return Ok(());
        }
        let outer = self.begin_record(&name);
        self.text(r#","fields":["#);
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                self.text(",");
            }
            let name = name::legal(&field.name, self.options.scrub_invalid_names)?;
            self.field(&name, &field.schema)?;
        }
        self.text("]");
        let properties = self.properties(schema);
        self.out.extend(properties);
        self.text("}");
        self.namespace = outer;
        Ok(())
    }

    /// The record of a key and a value.
    fn entry(
        &mut self,
        schema: &'a Schema,
        keys: &'a Schema,
        values: &'a Schema,
    ) -> Result<(), Error> {
        let name = match schema.name.as_deref() {
            Some(name) => name::split(name, self.options.scrub_invalid_names)?,
            None => (Some(NAMESPACE.to_owned()), "MapEntry".to_owned()),
        };
        if self.is_reference(&name, &schema.kind)? {
            return Ok(());
        }
        let outer = self.begin_record(&name);
        self.text(r#","fields":["#);
        self.field("key", keys)?;
        self.text(",");
        self.field("value", values)?;
        self.text("]");
        if schema.name.is_some() {
            self.text(r#","connect.internal.type":"MapEntry""#);
        }
        self.text("}");
        self.namespace = outer;
        Ok(())
    }

    fn name_of(&mut self, schema: &'a Schema) -> Result<RecordName, Error> {
        if let Some(name) = schema.name.as_deref() {
            return name::split(name, self.options.scrub_invalid_names);
        }
        let known = self.unnamed.iter().position(|kind| **kind == schema.kind);
        let index = known.unwrap_or_else(|| {
            self.unnamed.push(&schema.kind);
            self.unnamed.len() - 1
        });
        let number = if index == 0 {
            String::new()
        } else {
            (index + 1).to_string()
        };
        Ok((
            Some(NAMESPACE.to_owned()),
            format!("ConnectDefault{number}"),
        ))
    }

    /// Writes the name alone if the record was defined before.
    fn is_reference(&mut self, name: &RecordName, kind: &'a Kind) -> Result<bool, Error> {
        let (namespace, short) = name;
        let full = match namespace {
            Some(namespace) => format!("{namespace}.{short}"),
            None => short.clone(),
        };
        match self.defined.get(&full) {
            Some(known) if *known == kind => {
                let is_near = *namespace == self.namespace || namespace.is_none();
                self.string(if is_near { short } else { &full });
                Ok(true)
            }
            Some(_) => Err(Error::Redefined { name: full }),
            None => {
                self.defined.insert(full, kind);
                Ok(false)
            }
        }
    }

    /// Returns the namespace to come back to.
    fn begin_record(&mut self, (namespace, name): &RecordName) -> Option<String> {
        self.text(r#"{"type":"record","name":"#);
        self.string(name);
        match namespace {
            Some(inner) if self.namespace.as_ref() != Some(inner) => {
                self.text(r#","namespace":"#);
                self.string(inner);
            }
            None if self.namespace.is_some() => self.text(r#","namespace":"""#),
            Some(_) | None => {}
        }
        std::mem::replace(&mut self.namespace, namespace.clone())
    }

    fn field(&mut self, name: &str, schema: &'a Schema) -> Result<(), Error> {
        self.text(r#"{"name":"#);
        self.string(name);
        self.text(r#","type":"#);
        self.schema(schema)?;
        if let Some(doc) = schema
            .doc
            .as_deref()
            .filter(|_| self.options.discard_type_doc_default)
        {
            self.text(r#","doc":"#);
            self.string(doc);
        }
        match &schema.default {
            // Avro finds such a default invalid, and Confluent then leaves it out.
            Some(_) if schema.optional && !puts_null_last(schema) => {}
            Some(default) => {
                self.text(r#","default":"#);
                default_value::write_of_field(schema, default, self.options, &mut self.out);
            }
            None if schema.optional => self.text(r#","default":null"#),
            None => {}
        }
        self.text("}");
        Ok(())
    }

    /// Everything about a schema that Avro has no word for, in the order in which `AvroData` adds it.
    fn properties(&self, schema: &Schema) -> Vec<u8> {
        let mut properties = Properties(Vec::new());
        let is_decimal = schema.name.as_deref() == Some(logical::DECIMAL);
        if is_decimal {
            properties.number("scale", parameter(schema, "scale").unwrap_or("0"));
            let precision = parameter(schema, "connect.decimal.precision");
            properties.number("precision", precision.unwrap_or(DEFAULT_PRECISION));
        }
        if self.options.connect_meta_data {
            self.connect_properties(schema, &mut properties);
        }
        match schema.name.as_deref() {
            Some(logical::DECIMAL) => properties.string("logicalType", "decimal"),
            Some(logical::DATE) => properties.string("logicalType", "date"),
            Some(logical::TIME) => properties.string("logicalType", "time-millis"),
            Some(logical::TIMESTAMP) => properties.string("logicalType", "timestamp-millis"),
            _ => {}
        }
        properties.0
    }

    fn connect_properties(&self, schema: &Schema, properties: &mut Properties) {
        if let Some(doc) = &schema.doc {
            properties.string("connect.doc", doc);
        }
        if let Some(version) = schema.version {
            properties.number("connect.version", &version.to_string());
        }
        properties.parameters(schema);
        if let Some(default) = &schema.default {
            properties.name("connect.default");
            default_value::write(schema, default, self.options, &mut properties.0);
        }
        if let Some(name) = &schema.name {
            properties.string("connect.name", name);
        }
        match schema.kind {
            Kind::Int8 => properties.string("connect.type", "int8"),
            Kind::Int16 => properties.string("connect.type", "int16"),
            Kind::Boolean
            | Kind::Int32
            | Kind::Int64
            | Kind::Float32
            | Kind::Float64
            | Kind::String
            | Kind::Bytes
            | Kind::Array(_)
            | Kind::Map(..)
            | Kind::Struct(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        write_string_of_characters(text.as_bytes(), &mut self.out);
    }
}

/// Members of an object, each behind a comma.
struct Properties(Vec<u8>);

impl Properties {
    fn name(&mut self, name: &str) {
        self.0.push(b',');
        write_string_of_characters(name.as_bytes(), &mut self.0);
        self.0.push(b':');
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string_of_characters(value.as_bytes(), &mut self.0);
    }

    fn number(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn parameters(&mut self, schema: &Schema) {
        if schema.parameters.is_empty() {
            return;
        }
        self.name("connect.parameters");
        for (index, (name, value)) in schema.parameters.iter().enumerate() {
            self.0.push(if index == 0 { b'{' } else { b',' });
            write_string_of_characters(name.as_bytes(), &mut self.0);
            self.0.push(b':');
            write_string_of_characters(value.as_bytes(), &mut self.0);
        }
        self.0.push(b'}');
    }
}

/// An optional struct has null first in any case.
pub(super) fn puts_null_last(schema: &Schema) -> bool {
    schema.default.is_some() && !matches!(schema.kind, Kind::Struct(_))
}

fn parameter<'s>(schema: &'s Schema, name: &str) -> Option<&'s str> {
    let mut parameters = schema.parameters.iter();
    parameters.find_map(|(known, value)| (known == name).then_some(value.as_str()))
}

fn primitive_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Int8 | Kind::Int16 | Kind::Int32 => "int",
        Kind::Int64 => "long",
        Kind::Float32 => "float",
        Kind::Float64 => "double",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Array(_) | Kind::Map(..) | Kind::Struct(_) => {
            unreachable!("only primitives are asked for")
        }
    }
}
