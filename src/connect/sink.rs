//! Where a converted value goes: the one interface between the type mapping and the forms a value can take.

use super::schema::{Datum, Field, Kind, Schema, logical};

/// Takes one value of a schema, part by part, in schema order.
///
/// Elements and fields announce themselves with their index, so that a text form knows where separators go without keeping
/// state.
pub trait Sink {
    /// Whether a null of a schema with a default is shown as that default: Connect's `Struct.get`, and `JsonConverter` unless
    /// `replace.null.with.default=false`.
    fn replaces_null_with_default(&self) -> bool;

    fn null(&mut self);
    fn boolean(&mut self, value: bool);
    fn int(&mut self, value: i64);
    fn float32(&mut self, value: f32);
    fn float64(&mut self, value: f64);
    /// UTF-8.
    fn string(&mut self, text: &[u8]);
    fn bytes(&mut self, bytes: &[u8]);
    /// `org.apache.kafka.connect.data.Decimal`; `unscaled` is big-endian two's complement.
    fn decimal(&mut self, unscaled: &[u8], scale: i32);
    /// `org.apache.kafka.connect.data.Date`.
    fn date(&mut self, days: i32);
    /// `org.apache.kafka.connect.data.Time`.
    fn time(&mut self, milliseconds: i32);
    /// `org.apache.kafka.connect.data.Timestamp`.
    fn timestamp(&mut self, milliseconds: i64);

    fn begin_array(&mut self);
    /// Before each element.
    fn element(&mut self, index: usize);
    fn end_array(&mut self);

    fn begin_struct(&mut self);
    /// Before each field's value.
    fn field(&mut self, index: usize, name: &str);
    fn end_struct(&mut self);

    /// A map with string keys; in JSON it looks like a struct.
    fn begin_string_map(&mut self) {
        self.begin_struct();
    }
    /// Before each entry's value.
    fn string_key(&mut self, index: usize, key: &str) {
        self.field(index, key);
    }
    fn end_string_map(&mut self) {
        self.end_struct();
    }

    /// A map with other keys; in JSON it is an array of pairs.
    fn begin_map(&mut self) {
        self.begin_array();
    }
    /// Before each entry's key.
    fn map_key(&mut self, index: usize) {
        self.element(index);
        self.begin_array();
        self.element(0);
    }
    /// Before each entry's value.
    fn map_value(&mut self) {
        self.element(1);
    }
    fn end_map_entry(&mut self) {
        self.end_array();
    }
    fn end_map(&mut self) {
        self.end_array();
    }

    /// Where to come back to when the value that follows turns out to be impossible.
    fn mark(&self) -> Mark;
    /// Forgets everything since `mark`.
    fn rewind(&mut self, mark: Mark);
}

/// A place in what a sink was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub(super) length: usize,
    /// Containers that are open.
    pub(super) depth: usize,
}

/// Writes an owned value, with defaults in place of nulls where the sink wants them.
pub fn write_datum<S: Sink>(schema: &Schema, datum: &Datum, sink: &mut S) {
    match datum {
        Datum::Null => match &schema.default {
            Some(default) if sink.replaces_null_with_default() => {
                write_datum(schema, default, sink)
            }
            _ => sink.null(),
        },
        Datum::Boolean(value) => sink.boolean(*value),
        Datum::Int(value) => write_int(schema, *value, sink),
        Datum::Float32(value) => sink.float32(*value),
        Datum::Float64(value) => sink.float64(*value),
        Datum::String(text) => sink.string(text.as_bytes()),
        Datum::Bytes(bytes) => match schema.name.as_deref() {
            Some(logical::DECIMAL) => sink.decimal(bytes, schema.decimal_scale()),
            _ => sink.bytes(bytes),
        },
        Datum::Array(elements) => {
            let Kind::Array(items) = &schema.kind else {
                unreachable!("an array datum has an array schema")
            };
            write_elements(items, elements, sink);
        }
        Datum::Map(entries) => {
            let Kind::Map(keys, values) = &schema.kind else {
                unreachable!("a map datum has a map schema")
            };
            write_entries(keys, values, entries, sink);
        }
        Datum::Struct(values) => {
            let Kind::Struct(fields) = &schema.kind else {
                unreachable!("a struct datum has a struct schema")
            };
            write_fields(fields, values, sink);
        }
    }
}

/// Writes a value that has no schema, as its Java class would be: a map with string keys only is an object.
pub fn write_schemaless<S: Sink>(datum: &Datum, sink: &mut S) {
    match datum {
        Datum::Null => sink.null(),
        Datum::Boolean(value) => sink.boolean(*value),
        Datum::Int(value) => sink.int(*value),
        Datum::Float32(value) => sink.float32(*value),
        Datum::Float64(value) => sink.float64(*value),
        Datum::String(text) => sink.string(text.as_bytes()),
        Datum::Bytes(bytes) => sink.bytes(bytes),
        Datum::Array(elements) | Datum::Struct(elements) => {
            sink.begin_array();
            for (index, element) in elements.iter().enumerate() {
                sink.element(index);
                write_schemaless(element, sink);
            }
            sink.end_array();
        }
        Datum::Map(entries) => write_schemaless_entries(entries, sink),
    }
}

fn write_schemaless_entries<S: Sink>(entries: &[(Datum, Datum)], sink: &mut S) {
    let texts = entries.iter().map(|(key, value)| match key {
        Datum::String(key) => Some((key, value)),
        Datum::Null
        | Datum::Boolean(_)
        | Datum::Int(_)
        | Datum::Float32(_)
        | Datum::Float64(_)
        | Datum::Bytes(_)
        | Datum::Array(_)
        | Datum::Map(_)
        | Datum::Struct(_) => None,
    });
    if let Some(texts) = texts.collect::<Option<Vec<_>>>() {
        sink.begin_string_map();
        for (index, (key, value)) in texts.into_iter().enumerate() {
            sink.string_key(index, key);
            write_schemaless(value, sink);
        }
        sink.end_string_map();
        return;
    }
    sink.begin_map();
    for (index, (key, value)) in entries.iter().enumerate() {
        sink.map_key(index);
        write_schemaless(key, sink);
        sink.map_value();
        write_schemaless(value, sink);
        sink.end_map_entry();
    }
    sink.end_map();
}

fn write_int<S: Sink>(schema: &Schema, value: i64, sink: &mut S) {
    match schema.name.as_deref() {
        Some(logical::DATE) => sink.date(value.try_into().expect("days fit in 32 bits")),
        Some(logical::TIME) => sink.time(
            value
                .try_into()
                .expect("milliseconds of a day fit in 32 bits"),
        ),
        Some(logical::TIMESTAMP) => sink.timestamp(value),
        _ => sink.int(value),
    }
}

fn write_elements<S: Sink>(items: &Schema, elements: &[Datum], sink: &mut S) {
    sink.begin_array();
    for (index, element) in elements.iter().enumerate() {
        sink.element(index);
        write_datum(items, element, sink);
    }
    sink.end_array();
}

fn write_entries<S: Sink>(
    keys: &Schema,
    values: &Schema,
    entries: &[(Datum, Datum)],
    sink: &mut S,
) {
    if keys.kind == Kind::String {
        sink.begin_string_map();
        for (index, (key, value)) in entries.iter().enumerate() {
            let Datum::String(key) = key else {
                unreachable!("a key of a string-keyed map is a string")
            };
            sink.string_key(index, key);
            write_datum(values, value, sink);
        }
        sink.end_string_map();
        return;
    }
    sink.begin_map();
    for (index, (key, value)) in entries.iter().enumerate() {
        sink.map_key(index);
        write_datum(keys, key, sink);
        sink.map_value();
        write_datum(values, value, sink);
        sink.end_map_entry();
    }
    sink.end_map();
}

fn write_fields<S: Sink>(fields: &[Field], values: &[Datum], sink: &mut S) {
    sink.begin_struct();
    for (index, (field, value)) in fields.iter().zip(values).enumerate() {
        sink.field(index, &field.name);
        write_datum(&field.schema, value, sink);
    }
    sink.end_struct();
}
