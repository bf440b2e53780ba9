//! Whether a value is one of its schema: what Java's casts and `Struct.validate` would find.

use super::schema::{Datum, Kind, Schema};

/// `Err` says what is wrong, without the value. With `defaults`, a null of a schema with a default is that default.
pub(super) fn check(schema: &Schema, datum: &Datum, defaults: bool) -> Result<(), &'static str> {
    match (&schema.kind, datum) {
        (_, Datum::Null) => {
            let replaced = defaults && schema.default.is_some();
            if replaced || schema.optional {
                Ok(())
            } else {
                Err("a null for a field that is required and has no default value")
            }
        }
        (Kind::Boolean, Datum::Boolean(_))
        | (Kind::Int64, Datum::Int(_))
        | (Kind::Float32, Datum::Float32(_))
        | (Kind::Float64, Datum::Float64(_))
        | (Kind::String, Datum::String(_))
        | (Kind::Bytes, Datum::Bytes(_)) => Ok(()),
        (Kind::Int8, Datum::Int(value)) => fits::<i8>(*value),
        (Kind::Int16, Datum::Int(value)) => fits::<i16>(*value),
        (Kind::Int32, Datum::Int(value)) => fits::<i32>(*value),
        (Kind::Array(items), Datum::Array(elements)) => elements
            .iter()
            .try_for_each(|element| check(items, element, defaults)),
        (Kind::Map(keys, values), Datum::Map(entries)) => {
            entries.iter().try_for_each(|(key, value)| {
                check(keys, key, defaults)?;
                check(values, value, defaults)
            })
        }
        (Kind::Struct(fields), Datum::Struct(values)) if fields.len() == values.len() => fields
            .iter()
            .zip(values)
            .try_for_each(|(field, value)| check(&field.schema, value, defaults)),
        (
            Kind::Boolean
            | Kind::Int8
            | Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::Float32
            | Kind::Float64
            | Kind::String
            | Kind::Bytes
            | Kind::Array(_)
            | Kind::Map(..)
            | Kind::Struct(_),
            _,
        ) => Err("a value of another type than its schema's"),
    }
}

fn fits<T: TryFrom<i64>>(value: i64) -> Result<(), &'static str> {
    match T::try_from(value) {
        Ok(_) => Ok(()),
        Err(_) => Err("a number that is too large for its schema"),
    }
}
