//! Values → Avro binary, by their Connect schema (`AvroData.fromConnectData`, then `GenericDatumWriter`).
//!
//! <https://avro.apache.org/docs/1.11.1/specification/#binary-encoding>

use super::schema_text::{is_avro_map, puts_null_last};
use crate::config::avro::AvroDataOptions;
use crate::connect::schema::{Datum, Field, Kind, Schema};

/// A value that its schema does not describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    Null,
    /// What the schema wants.
    Expected(&'static str),
}

/// Appends a value as a whole message has it: bytes stand alone, without their length.
pub fn write_top(
    schema: &Schema,
    datum: &Datum,
    options: &AvroDataOptions,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if let Datum::Bytes(bytes) = datum
        && schema.kind == Kind::Bytes
        && !schema.optional
    {
        out.extend_from_slice(bytes);
        return Ok(());
    }
    write(schema, datum, options, out)
}

fn write(
    schema: &Schema,
    datum: &Datum,
    options: &AvroDataOptions,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if schema.optional {
        let is_second = (*datum == Datum::Null) == puts_null_last(schema);
        write_long(i64::from(is_second), out);
        if *datum == Datum::Null {
            return Ok(());
        }
    }
    match (&schema.kind, datum) {
        (_, Datum::Null) => return Err(Misfit::Null),
        (Kind::Boolean, Datum::Boolean(value)) => out.push(u8::from(*value)),
        (Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64, Datum::Int(value)) => {
            write_long(*value, out);
        }
        (Kind::Float32, Datum::Float32(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
        }
        (Kind::Float64, Datum::Float64(value)) => {
            out.extend_from_slice(&value.to_le_bytes());
        }
        (Kind::String, Datum::String(text)) => write_bytes(text.as_bytes(), out),
        (Kind::Bytes, Datum::Bytes(bytes)) => write_bytes(bytes, out),
        (Kind::Array(items), Datum::Array(elements)) => {
            write_block(elements, out, |element, out| {
                write(items, element, options, out)
            })?;
        }
        (Kind::Map(keys, values), Datum::Map(entries)) => {
            write_map(keys, values, entries, options, out)?;
        }
        (Kind::Struct(fields), Datum::Struct(values)) => {
            write_fields(fields, values, options, out)?;
        }
        (kind, _) => return Err(Misfit::Expected(kind_name(kind))),
    }
    Ok(())
}

/// An unset field is its default (`Struct.get`), unless `ignore.default.for.nullables` says otherwise.
fn write_fields(
    fields: &[Field],
    values: &[Datum],
    options: &AvroDataOptions,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if fields.len() != values.len() {
        return Err(Misfit::Expected("a value of every field"));
    }
    for (field, value) in fields.iter().zip(values) {
        let value = match (value, &field.schema.default) {
            (Datum::Null, Some(default)) if !options.ignore_default_for_nullables => default,
            (value, _) => value,
        };
        write(&field.schema, value, options, out)?;
    }
    Ok(())
}

/// `AvroData` puts the entries into a `HashMap` and so writes them in its order. A map that comes from Debezium is one
/// already, with its entries in that order.
fn write_map(
    keys: &Schema,
    values: &Schema,
    entries: &[(Datum, Datum)],
    options: &AvroDataOptions,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    let is_map = is_avro_map(keys, options);
    write_block(entries, out, |(key, value), out| {
        if !is_map {
            write(keys, key, options, out)?;
        } else if let Datum::String(key) = key {
            write_bytes(key.as_bytes(), out);
        } else {
            return Err(Misfit::Expected("a text as key of a map"));
        }
        write(values, value, options, out)
    })
}

/// The items of an array or map: one block with their count, then an empty one.
fn write_block<T>(
    items: &[T],
    out: &mut Vec<u8>,
    mut write_item: impl FnMut(&T, &mut Vec<u8>) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    if !items.is_empty() {
        write_length(items.len(), out);
        for item in items {
            write_item(item, out)?;
        }
    }
    write_long(0, out);
    Ok(())
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    let length = i64::try_from(length).expect("nothing in memory is longer than 2^63 bytes");
    write_long(length, out);
}

/// Zig-zag, then seven bits a byte, the lowest first. Avro's int and long look the same.
fn write_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest > 0x7F {
        out.push(low_byte(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_byte(rest));
}

fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "a boolean",
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => "an integer",
        Kind::Float32 => "a float",
        Kind::Float64 => "a double",
        Kind::String => "a text",
        Kind::Bytes => "bytes",
        Kind::Array(_) => "an array",
        Kind::Map(..) => "a map",
        Kind::Struct(_) => "a struct",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_bytes_of_the_specification() {
        for (value, bytes) in [
            (0, &[0x00][..]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (-64, &[0x7F]),
            (64, &[0x80, 0x01]),
            (i64::MIN, &[0xFF; 9]),
        ] {
            let mut out = Vec::new();
            write_long(value, &mut out);
            assert_eq!(out[..bytes.len()], *bytes, "{value}");
        }
    }
}
