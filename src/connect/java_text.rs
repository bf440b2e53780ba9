//! `Object.toString` of the classes that values have in Java, as `StringConverter` uses it.

use std::sync::LazyLock;

use super::schema::{Datum, Field, Kind, Schema, logical};
use super::simple_date_format::SimpleDateFormat;
use super::{decimal, java_float};

/// `java.util.Date.toString` of a Java process in UTC, which those of Debezium's images are.
static DATE_TEXT: LazyLock<SimpleDateFormat> = LazyLock::new(|| {
    SimpleDateFormat::new("EEE MMM dd HH:mm:ss zzz y").expect("it has letters that are known")
});

/// Bits, and the geometry of a point.
const BYTE_ARRAY: &str = "a Java byte array, whose text is another one for every object";

/// Appends the text. `Err` for values whose text Java does not make of the value alone.
pub(super) fn write(
    schema: Option<&Schema>,
    datum: &Datum,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    match datum {
        Datum::Null => out.extend_from_slice(b"null"),
        Datum::Boolean(value) => write_boolean(*value, out),
        Datum::Int(value) => match java_date(schema, *value) {
            Some(milliseconds) => {
                out.extend_from_slice(DATE_TEXT.format(milliseconds).as_bytes());
            }
            None => write_int(*value, out),
        },
        Datum::Float32(value) => java_float::write_single(*value, out),
        Datum::Float64(value) => java_float::write(*value, out),
        Datum::String(text) => out.extend_from_slice(text.as_bytes()),
        Datum::Bytes(bytes) => match schema {
            Some(schema) if schema.name.as_deref() == Some(logical::DECIMAL) => {
                decimal::write_java(bytes, schema.decimal_scale(), out);
            }
            Some(schema) if schema.name.is_some() => return Err(BYTE_ARRAY),
            // What Debezium wraps, like what a column of type bytea holds.
            Some(_) | None => {
                let length = bytes.len();
                out.extend_from_slice(
                    format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]").as_bytes(),
                );
            }
        },
        Datum::Array(elements) => write_list(schema, elements, out)?,
        Datum::Map(entries) => write_map(schema, entries, out)?,
        Datum::Struct(values) => write_struct(schema, values, out)?,
    }
    Ok(())
}

#[inline]
pub(super) fn write_boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

#[inline]
pub(super) fn write_int(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Milliseconds since 1970 of what is a `java.util.Date` in Java.
fn java_date(schema: Option<&Schema>, value: i64) -> Option<i64> {
    const MS_PER_DAY: i64 = 86_400_000;
    match schema?.name.as_deref()? {
        logical::DATE => Some(value * MS_PER_DAY),
        logical::TIME | logical::TIMESTAMP => Some(value),
        _ => None,
    }
}

/// `AbstractCollection.toString`.
fn write_list(
    schema: Option<&Schema>,
    elements: &[Datum],
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let mut items = None;
    if let Some(Kind::Array(of)) = schema.map(|schema| &schema.kind) {
        items = Some(&**of);
    }
    out.push(b'[');
    for (index, element) in elements.iter().enumerate() {
        separate(index, b", ", out);
        write(items, element, out)?;
    }
    out.push(b']');
    Ok(())
}

/// `AbstractMap.toString`.
fn write_map(
    schema: Option<&Schema>,
    entries: &[(Datum, Datum)],
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let (mut keys, mut values) = (None, None);
    if let Some(Kind::Map(of_keys, of_values)) = schema.map(|schema| &schema.kind) {
        (keys, values) = (Some(&**of_keys), Some(&**of_values));
    }
    out.push(b'{');
    for (index, (key, value)) in entries.iter().enumerate() {
        separate(index, b", ", out);
        write(keys, key, out)?;
        out.push(b'=');
        write(values, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// `Struct.toString`, which leaves nulls out.
fn write_struct(
    schema: Option<&Schema>,
    values: &[Datum],
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let mut fields: &[Field] = &[];
    if let Some(Kind::Struct(of)) = schema.map(|schema| &schema.kind) {
        fields = of;
    }
    let name = schema.and_then(|schema| schema.name.as_deref());
    let has_arrays = name.is_some_and(|name| name.starts_with("io.debezium.data.geometry."));
    out.extend_from_slice(b"Struct{");
    let shown = fields.iter().zip(values);
    let shown = shown.filter(|(_, value)| **value != Datum::Null);
    for (index, (field, value)) in shown.enumerate() {
        separate(index, b",", out);
        out.extend_from_slice(field.name.as_bytes());
        out.push(b'=');
        if has_arrays && matches!(value, Datum::Bytes(_)) {
            return Err(BYTE_ARRAY);
        }
        write(Some(&field.schema), value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn separate(index: usize, separator: &[u8], out: &mut Vec<u8>) {
    if index > 0 {
        out.extend_from_slice(separator);
    }
}
