//! `Cast.castValueToType`: one value as another primitive type.

use num_bigint::BigInt;

use super::TransformError;
use crate::connect::big_decimal::BigDecimal;
use crate::connect::header::HeaderSink;
use crate::connect::schema::{Datum, Kind, Schema, logical};
use crate::connect::sink::write_datum;

/// A type to cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
}

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "int8" => Ok(Self::Int8),
            "int16" => Ok(Self::Int16),
            "int32" => Ok(Self::Int32),
            "int64" => Ok(Self::Int64),
            "float32" => Ok(Self::Float32),
            "float64" => Ok(Self::Float64),
            "boolean" => Ok(Self::Boolean),
            "string" => Ok(Self::String),
            other => Err(format!(
                "cannot cast to \"{other}\"; the types are int8, int16, int32, int64, float32, float64, boolean and string"
            )),
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Int8 => Kind::Int8,
            Self::Int16 => Kind::Int16,
            Self::Int32 => Kind::Int32,
            Self::Int64 => Kind::Int64,
            Self::Float32 => Kind::Float32,
            Self::Float64 => Kind::Float64,
            Self::Boolean => Kind::Boolean,
            Self::String => Kind::String,
        }
    }
}

pub(super) fn cast(schema: &Schema, value: Datum, target: Target) -> Result<Datum, TransformError> {
    if value == Datum::Null {
        return Ok(Datum::Null);
    }
    let problem = |problem| {
        let to = format!("{target:?}").to_lowercase();
        TransformError(format!("cannot cast a value to {to}: {problem}"))
    };
    if matches!(
        schema.kind,
        Kind::Array(_) | Kind::Map(..) | Kind::Struct(_)
    ) {
        return Err(problem("arrays, maps and structs cannot be cast"));
    }
    if target == Target::String {
        return Ok(Datum::String(to_text(schema, &value)));
    }
    let value = if let Datum::String(text) = &value {
        parse(text, target)
    } else {
        Number::of(schema, &value).map(|number| number.narrow(target))
    };
    value.ok_or_else(|| problem("it is bytes, or a text that is no number of this type"))
}

/// `castToString`, which is what header values look like.
fn to_text(schema: &Schema, value: &Datum) -> String {
    let mut text = Vec::new();
    write_datum(schema, value, &mut HeaderSink::new(&mut text));
    String::from_utf8(text).expect("a value's text is made of strings")
}

/// `java.lang.Number`, or a boolean as 0 or 1.
enum Number {
    Integer(i64),
    Float32(f32),
    Float64(f64),
    Decimal(BigDecimal),
}

impl Number {
    /// Dates and times are the numbers that encode them (`Cast.encodeLogicalType`).
    fn of(schema: &Schema, value: &Datum) -> Option<Self> {
        match value {
            Datum::Boolean(value) => Some(Self::Integer((*value).into())),
            Datum::Int(value) => Some(Self::Integer(*value)),
            Datum::Float32(value) => Some(Self::Float32(*value)),
            Datum::Float64(value) => Some(Self::Float64(*value)),
            Datum::Bytes(bytes) if schema.name.as_deref() == Some(logical::DECIMAL) => {
                Some(Self::Decimal(BigDecimal {
                    unscaled: BigInt::from_signed_bytes_be(bytes),
                    scale: schema.decimal_scale(),
                }))
            }
            Datum::Null
            | Datum::String(_)
            | Datum::Bytes(_)
            | Datum::Array(_)
            | Datum::Map(_)
            | Datum::Struct(_) => None,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "as `Number.byteValue` and the like"
    )]
    fn narrow(&self, target: Target) -> Datum {
        match target {
            Target::Int8 => Datum::Int((self.int() as i8).into()),
            Target::Int16 => Datum::Int((self.int() as i16).into()),
            Target::Int32 => Datum::Int(self.int().into()),
            Target::Int64 => Datum::Int(self.long()),
            Target::Float32 => Datum::Float32(self.float()),
            Target::Float64 => Datum::Float64(self.double()),
            Target::Boolean => Datum::Boolean(self.long() != 0),
            Target::String => unreachable!("texts are made from the value itself"),
        }
    }

    /// `intValue`: integers lose their high bits, floating-point numbers stop at the limits.
    #[expect(clippy::cast_possible_truncation, reason = "as Java")]
    fn int(&self) -> i32 {
        match self {
            Self::Integer(value) => *value as i32,
            Self::Float32(value) => *value as i32,
            Self::Float64(value) => *value as i32,
            Self::Decimal(value) => value.long_value() as i32,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "as Java")]
    fn long(&self) -> i64 {
        match self {
            Self::Integer(value) => *value,
            Self::Float32(value) => *value as i64,
            Self::Float64(value) => *value as i64,
            Self::Decimal(value) => value.long_value(),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "as Java")]
    fn float(&self) -> f32 {
        match self {
            Self::Integer(value) => *value as f32,
            Self::Float32(value) => *value,
            Self::Float64(value) => *value as f32,
            Self::Decimal(value) => value.float_value(),
        }
    }

    fn double(&self) -> f64 {
        match self {
            Self::Integer(value) => *value as f64,
            Self::Float32(value) => f64::from(*value),
            Self::Float64(value) => *value,
            Self::Decimal(value) => value.double_value(),
        }
    }
}

/// `Byte.parseByte` and the like, `Float.parseFloat`, `Double.parseDouble`, `Boolean.parseBoolean`.
fn parse(text: &str, target: Target) -> Option<Datum> {
    match target {
        Target::Int8 => text
            .parse::<i8>()
            .ok()
            .map(|value| Datum::Int(value.into())),
        Target::Int16 => text
            .parse::<i16>()
            .ok()
            .map(|value| Datum::Int(value.into())),
        Target::Int32 => text
            .parse::<i32>()
            .ok()
            .map(|value| Datum::Int(value.into())),
        Target::Int64 => text.parse().ok().map(Datum::Int),
        Target::Float32 => floating(text)?.parse().ok().map(Datum::Float32),
        Target::Float64 => floating(text)?.parse().ok().map(Datum::Float64),
        Target::Boolean => Some(Datum::Boolean(text.eq_ignore_ascii_case("true"))),
        Target::String => unreachable!("a text is a text already"),
    }
}

/// A floating-point literal of Java, spelled for Rust. The hexadecimal form is not understood.
fn floating(text: &str) -> Option<&str> {
    // `String.trim` takes away everything up to the blank.
    let text = text.trim_matches(|char: char| char <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, "NaN" | "Infinity") {
        return Some(text);
    }
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let is_digit = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_digit).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(unscaled: i64, scale: i32) -> (Schema, Datum) {
        let schema = Schema::named(Kind::Bytes, logical::DECIMAL, 1);
        let bytes = BigInt::from(unscaled).to_signed_bytes_be();
        (
            schema.parameter("scale", scale.to_string()),
            Datum::Bytes(bytes),
        )
    }

    fn text(text: &str) -> (Schema, Datum) {
        (Schema::new(Kind::String), Datum::String(text.to_owned()))
    }

    /// What `Cast$Value` of connect-transforms 4.3.1 made of them.
    #[test]
    fn values_are_narrowed_as_by_java() {
        let int64 = |value| (Schema::new(Kind::Int64), Datum::Int(value));
        let float64 = |value| (Schema::new(Kind::Float64), Datum::Float64(value));
        let date = |days| {
            (
                Schema::named(Kind::Int32, logical::DATE, 1),
                Datum::Int(days),
            )
        };
        let string = |text: &str| Datum::String(text.to_owned());
        for ((schema, value), target, expected) in [
            (int64(300), Target::Int8, Datum::Int(44)),
            (int64(1 << 40), Target::Int32, Datum::Int(0)),
            (int64(1 << 40), Target::Boolean, Datum::Boolean(true)),
            (int64(7), Target::String, string("7")),
            (float64(1e10), Target::Int32, Datum::Int(i32::MAX.into())),
            (float64(1e10), Target::Int8, Datum::Int(-1)),
            (float64(0.5), Target::Boolean, Datum::Boolean(false)),
            (float64(1e10), Target::String, string("1.0E10")),
            (decimal(-199, 2), Target::Int16, Datum::Int(-1)),
            (decimal(150, 2), Target::Float64, Datum::Float64(1.5)),
            (decimal(150, 2), Target::String, string("1.50")),
            (date(19_782), Target::Int64, Datum::Int(19_782)),
            (date(19_782), Target::String, string("2024-02-29")),
            (text("+5"), Target::Int8, Datum::Int(5)),
            (text("TRUE"), Target::Boolean, Datum::Boolean(true)),
            (text("yes"), Target::Boolean, Datum::Boolean(false)),
            (text(" 1.5e3f "), Target::Float32, Datum::Float32(1500.0)),
            (
                text("-Infinity"),
                Target::Float64,
                Datum::Float64(f64::NEG_INFINITY),
            ),
        ] {
            assert_eq!(cast(&schema, value, target), Ok(expected), "{target:?}");
        }
    }

    #[test]
    fn what_java_cannot_cast_is_an_error() {
        let bytes = (Schema::new(Kind::Bytes), Datum::Bytes(vec![1]));
        let array = Schema::new(Kind::Array(Box::new(Schema::new(Kind::Int32))));
        for ((schema, value), target) in [
            (text("128"), Target::Int8),
            (text("1.0"), Target::Int64),
            (text(" 1"), Target::Int64),
            (text("inf"), Target::Float64),
            (text(""), Target::Float32),
            (bytes, Target::Int8),
            ((array, Datum::Array(vec![])), Target::String),
        ] {
            assert!(cast(&schema, value, target).is_err(), "{target:?}");
        }
    }
}
