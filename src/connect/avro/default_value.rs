//! Defaults as JSON (`AvroData.defaultValueFromConnect`).

use super::name;
use super::schema_text::is_avro_map;
use crate::config::avro::AvroDataOptions;
use crate::connect::java_float;
use crate::connect::json::write_string_of_characters;
use crate::connect::schema::{Datum, Kind, Schema};

/// As `connect.default`.
pub(super) fn write(schema: &Schema, datum: &Datum, options: &AvroDataOptions, out: &mut Vec<u8>) {
    Writer {
        options,
        widens_floats: false,
        out,
    }
    .datum(schema, datum);
}

/// As `default` of a field, where Avro makes doubles of floats.
pub(super) fn write_of_field(
    schema: &Schema,
    datum: &Datum,
    options: &AvroDataOptions,
    out: &mut Vec<u8>,
) {
    Writer {
        options,
        widens_floats: true,
        out,
    }
    .datum(schema, datum);
}

struct Writer<'a> {
    options: &'a AvroDataOptions,
    widens_floats: bool,
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    fn datum(&mut self, schema: &Schema, datum: &Datum) {
        match datum {
            Datum::Null => self.text("null"),
            Datum::Boolean(value) => self.text(if *value { "true" } else { "false" }),
            Datum::Int(value) => self.text(itoa::Buffer::new().format(*value)),
            Datum::Float32(value) if self.widens_floats => self.float64(f64::from(*value)),
            Datum::Float32(value) if value.is_finite() => java_float::write_f32(*value, self.out),
            Datum::Float32(value) => self.string(java_float::special(f64::from(*value))),
            Datum::Float64(value) => self.float64(*value),
            Datum::String(text) => self.string(text),
            // Each byte is a character, as ISO-8859-1 has it.
            Datum::Bytes(bytes) => {
                let text: String = bytes.iter().copied().map(char::from).collect();
                self.string(&text);
            }
            Datum::Array(elements) => {
                if let Kind::Array(items) = &schema.kind {
                    self.list(elements, |writer, element| writer.datum(items, element));
                }
            }
            Datum::Map(entries) => {
                if let Kind::Map(keys, values) = &schema.kind {
                    self.map(keys, values, entries);
                }
            }
            Datum::Struct(values) => self.structure(schema, values),
        }
    }

    fn float64(&mut self, value: f64) {
        if value.is_finite() {
            java_float::write_f64(value, self.out);
        } else {
            self.string(java_float::special(value));
        }
    }

    fn list<T>(&mut self, elements: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.text("[");
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.text(",");
            }
            write(self, element);
        }
        self.text("]");
    }

    fn map(&mut self, keys: &Schema, values: &Schema, entries: &[(Datum, Datum)]) {
        if !is_avro_map(keys, self.options) {
            return self.list(entries, |writer, (key, value)| {
                writer.text("[");
                writer.datum(keys, key);
                writer.text(",");
                writer.datum(values, value);
                writer.text("]");
            });
        }
        self.text("{");
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.text(",");
            }
            self.datum(keys, key);
            self.text(":");
            self.datum(values, value);
        }
        self.text("}");
    }

    fn structure(&mut self, schema: &Schema, values: &[Datum]) {
        let Kind::Struct(fields) = &schema.kind else {
            return;
        };
        self.text("{");
        for (index, (field, value)) in fields.iter().zip(values).enumerate() {
            if index > 0 {
                self.text(",");
            }
            let name = name::scrubbed(&field.name, self.options.scrub_invalid_names);
            self.string(&name);
            self.text(":");
            let value = match (value, &field.schema.default) {
                (Datum::Null, Some(default)) => default,
                (value, _) => value,
            };
            self.datum(&field.schema, value);
        }
        self.text("}");
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) {
        write_string_of_characters(text.as_bytes(), self.out);
    }
}
