//! What is done to a value of one type: text output → datum, as `PostgresValueConverter` does it.

use super::temporal::{self, Clock, DateForm, LocalDateTime, TimeForm};
use super::{geometry, hstore, opaque, vector};
use crate::config::connector::{BinaryMode, DecimalMode, HstoreMode, IntervalMode};
use crate::connect::sink::Sink;
use crate::postgres::value::Malformed;
use crate::postgres::value::array::{Element, Elements};
use crate::postgres::value::date::Date;
use crate::postgres::value::interval::Interval;
use crate::postgres::value::money::Money;
use crate::postgres::value::numeric::{Decimal, Numeric, Unscaled};
use crate::postgres::value::point::Point;
use crate::postgres::value::time::{ZonedTime, parse_time};
use crate::postgres::value::timestamp::Timestamp;
use crate::postgres::value::{bits, bytea};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Conversion {
    Boolean,
    Integer,
    Float32,
    Float64,
    Text,
    Numeric(NumericForm),
    Money {
        mode: DecimalMode,
        scale: usize,
    },
    Bytes(BinaryMode),
    Bit,
    Bits,
    Date(DateForm, Clock),
    Time(TimeForm, Clock),
    ZonedTime,
    Timestamp(TimeForm),
    ZonedTimestamp {
        digits: u32,
    },
    Interval(IntervalMode),
    Point,
    Hstore(HstoreMode),
    /// PostGIS `geometry` and `geography`.
    Ewkb,
    /// pgvector's `vector`.
    DoubleVector,
    /// pgvector's `halfvec`.
    FloatVector,
    /// pgvector's `sparsevec`.
    SparseVector,
    Array {
        element: Box<Conversion>,
        nullable_elements: bool,
        separators: &'static [u8],
    },
    /// A type that Debezium does not know; geometric ones look a little different.
    Opaque {
        mode: BinaryMode,
        geometric: bool,
    },
    /// `oidvector` and `int2vector`: pgjdbc finds no element.
    EmptyArray,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumericForm {
    /// `org.apache.kafka.connect.data.Decimal`
    Decimal {
        scale: usize,
    },
    /// `io.debezium.data.VariableScaleDecimal`
    VariableScale,
    /// Zeros are added up to `scale`.
    Text {
        scale: usize,
    },
    Double,
}

/// Why a value has no datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Problem(pub(super) &'static str);

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self(malformed.0)
    }
}

const NOT_A_NUMBER: Problem = Problem("NaN or infinity, which a decimal cannot hold,");

impl Conversion {
    /// On an error the sink may hold a part of the value.
    pub(super) fn write<S: Sink>(&self, text: &[u8], sink: &mut S) -> Result<(), Problem> {
        match self {
            Self::Text => sink.string(text),
            Self::Integer => sink.int(parse_integer(text)?),
            Self::Boolean => sink.boolean(parse_boolean(text)?),
            Self::Float32 => sink.float32(parse_float(text)?),
            Self::Float64 => sink.float64(parse_float(text)?),
            Self::Numeric(form) => write_numeric(text, *form, sink)?,
            Self::Money { mode, scale } => write_money(text, *mode, *scale, sink)?,
            Self::Bytes(mode) => write_bytea(text, *mode, sink)?,
            Self::Bit if text.is_empty() => return Err(Problem("an empty bit string")),
            Self::Bit => sink.boolean(bits::any(text)?),
            Self::Bits => bits::decode(text, |bytes| sink.bytes(bytes))?,
            Self::Date(form, clock) => {
                temporal::write_date(Date::parse(text)?, *form, *clock, sink)?
            }
            Self::Time(form, clock) => temporal::write_time(parse_time(text)?, *form, *clock, sink),
            Self::ZonedTime => temporal::write_zoned_time(ZonedTime::parse(text)?, sink)?,
            Self::Timestamp(form) => {
                temporal::write_timestamp(Timestamp::parse(text)?, *form, sink)?
            }
            Self::ZonedTimestamp { digits } => write_timestamptz(text, *digits, sink)?,
            Self::Interval(mode) => write_interval(Interval::parse(text)?, *mode, sink),
            Self::Point => geometry::write_point(Point::parse(text)?, sink),
            Self::Hstore(mode) => hstore::write(text, *mode, sink)?,
            Self::Ewkb => geometry::write_ewkb(text, sink)?,
            Self::DoubleVector => vector::write(text, sink, S::float64)?,
            Self::FloatVector => vector::write(text, sink, S::float32)?,
            Self::SparseVector => vector::write_sparse(text, sink)?,
            Self::Array {
                element,
                nullable_elements,
                separators,
            } => {
                let elements = Elements::parse_separated(text, separators)?;
                write_array(elements, element, *nullable_elements, sink)?;
            }
            Self::Opaque {
                mode,
                geometric: true,
            } => opaque::write_geometric(text, *mode, sink)?,
            Self::Opaque {
                mode,
                geometric: false,
            } => opaque::write_binary(text, *mode, sink),
            Self::EmptyArray => write_empty_array(sink),
        }
        Ok(())
    }

    /// What Debezium puts where there is no value and there must be one.
    pub(super) fn write_zero<S: Sink>(&self, sink: &mut S) {
        match self {
            Self::Boolean | Self::Bit => sink.boolean(false),
            Self::Integer => sink.int(0),
            Self::Float32 => sink.float32(0.0),
            Self::Float64 => sink.float64(0.0),
            Self::Text => sink.string(b""),
            Self::Numeric(form) => write_decimal(ZERO, *form, sink).expect("0 fits any scale"),
            Self::Money { mode, scale } => write_money_zero(*mode, *scale, sink),
            Self::Bits => sink.bytes(b""),
            Self::Bytes(mode) | Self::Opaque { mode, .. } => opaque::write_binary(b"", *mode, sink),
            Self::Date(form, _) => temporal::write_days(0, *form, sink),
            Self::Time(form, clock) => temporal::write_time(0, *form, *clock, sink),
            Self::ZonedTime => sink.string(b"00:00:00Z"),
            Self::Timestamp(form) => {
                let epoch = LocalDateTime {
                    seconds: 0,
                    nanoseconds: 0,
                };
                temporal::write_local_date_time(epoch, *form, sink)
                    .expect("1970 is not far from 1970");
            }
            Self::ZonedTimestamp { .. } => sink.string(b"1970-01-01T00:00:00Z"),
            Self::Interval(mode) => write_interval(Interval::default(), *mode, sink),
            Self::Point => geometry::write_origin(sink),
            Self::Hstore(mode) => hstore::write_empty(*mode, sink),
            Self::Ewkb => geometry::write_empty(sink),
            Self::SparseVector => vector::write_no_entries(sink),
            Self::DoubleVector | Self::FloatVector | Self::Array { .. } | Self::EmptyArray => {
                write_empty_array(sink)
            }
        }
    }
}

const ZERO: Decimal<'static> = Decimal::ZERO;

fn parse_integer(text: &[u8]) -> Result<i64, Problem> {
    const PROBLEM: Problem = Problem("integer");
    let (negative, digits) = text
        .strip_prefix(b"-")
        .map_or((false, text), |digits| (true, digits));
    if !(1..=19).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(PROBLEM);
    }
    // 19 digits fit 64 bits without a sign.
    let number = digits
        .iter()
        .fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    let number = if negative {
        0_i64.checked_sub_unsigned(number)
    } else {
        0_i64.checked_add_unsigned(number)
    };
    number.ok_or(PROBLEM)
}

fn parse_boolean(text: &[u8]) -> Result<bool, Problem> {
    match text {
        b"t" => Ok(true),
        b"f" => Ok(false),
        _ => Err(Problem("boolean")),
    }
}

/// PostgreSQL's `NaN`, `Infinity` and `-Infinity` are Rust's too.
fn parse_float<F: std::str::FromStr>(text: &[u8]) -> Result<F, Problem> {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or(Problem("floating-point number"))
}

fn write_numeric<S: Sink>(text: &[u8], form: NumericForm, sink: &mut S) -> Result<(), Problem> {
    // Names of the constants of `SpecialValueDecimal`.
    let (name, number): (&[u8], f64) = match Numeric::parse(text)? {
        Numeric::Finite(decimal) => return write_decimal(decimal, form, sink),
        Numeric::NaN => (b"NAN", f64::NAN),
        Numeric::Infinity => (b"POSITIVE_INFINITY", f64::INFINITY),
        Numeric::NegativeInfinity => (b"NEGATIVE_INFINITY", f64::NEG_INFINITY),
    };
    match form {
        NumericForm::Decimal { .. } | NumericForm::VariableScale => return Err(NOT_A_NUMBER),
        NumericForm::Text { .. } => sink.string(name),
        NumericForm::Double => sink.float64(number),
    }
    Ok(())
}

fn write_decimal<S: Sink>(
    decimal: Decimal<'_>,
    form: NumericForm,
    sink: &mut S,
) -> Result<(), Problem> {
    match form {
        NumericForm::Decimal { scale } => {
            let unscaled = decimal
                .unscaled(scale)
                .ok_or(Problem("more digits than the scale has"))?;
            sink.decimal(unscaled.as_bytes(), scale_as_i32(scale));
        }
        NumericForm::VariableScale => write_variable_scale(decimal.stripped(), sink),
        NumericForm::Text { scale } => decimal.with_text(scale, |text| sink.string(text)),
        NumericForm::Double => sink.float64(decimal.with_text(0, parse_float)?),
    }
    Ok(())
}

fn scale_as_i32(scale: usize) -> i32 {
    scale
        .try_into()
        .expect("a numeric has fewer than 2^31 digits")
}

fn write_variable_scale<S: Sink>(decimal: Decimal<'_>, sink: &mut S) {
    let scale = decimal.scale();
    let unscaled: Unscaled = decimal
        .unscaled(scale)
        .expect("a number fits its own scale");
    sink.begin_struct();
    sink.field(0, "scale");
    sink.int(scale_as_i32(scale).into());
    sink.field(1, "value");
    sink.bytes(unscaled.as_bytes());
    sink.end_struct();
}

fn write_money<S: Sink>(
    text: &[u8],
    mode: DecimalMode,
    scale: usize,
    sink: &mut S,
) -> Result<(), Problem> {
    let money = Money::parse(text)?;
    match mode {
        DecimalMode::Precise => {
            sink.decimal(
                money.decimal()?.unscaled_rounded(scale).as_bytes(),
                scale_as_i32(scale),
            );
        }
        DecimalMode::String => sink.string(money.as_text()),
        DecimalMode::Double => sink.float64(parse_float(money.as_text())?),
    }
    Ok(())
}

fn write_money_zero<S: Sink>(mode: DecimalMode, scale: usize, sink: &mut S) {
    match mode {
        DecimalMode::Precise => sink.decimal(&[0], scale_as_i32(scale)),
        DecimalMode::String => ZERO.with_text(scale, |text| sink.string(text)),
        DecimalMode::Double => sink.float64(0.0),
    }
}

fn write_bytea<S: Sink>(text: &[u8], mode: BinaryMode, sink: &mut S) -> Result<(), Problem> {
    if mode == BinaryMode::Hex
        && let Some(digits) = bytea::hex_digits(text)
    {
        sink.string(digits);
        return Ok(());
    }
    bytea::decode(text, |bytes| opaque::write_binary(bytes, mode, sink))?;
    Ok(())
}

fn write_timestamptz<S: Sink>(text: &[u8], digits: u32, sink: &mut S) -> Result<(), Problem> {
    if temporal::copy_utc_timestamp(text, digits, sink).is_none() {
        temporal::write_zoned_timestamp(Timestamp::parse_zoned(text)?, digits, sink);
    }
    Ok(())
}

fn write_interval<S: Sink>(interval: Interval, mode: IntervalMode, sink: &mut S) {
    match mode {
        IntervalMode::Numeric => temporal::write_micro_duration(interval, sink),
        IntervalMode::String => temporal::write_iso_duration(interval, sink),
    }
}

/// Debezium does not support more than one dimension: the inner arrays are shown as nulls.
fn write_array<S: Sink>(
    elements: Elements<'_>,
    conversion: &Conversion,
    nullable_elements: bool,
    sink: &mut S,
) -> Result<(), Problem> {
    sink.begin_array();
    for (index, element) in elements.enumerate() {
        sink.element(index);
        match element? {
            Element::Text(text) => conversion.write(&text, sink)?,
            Element::Null | Element::Array(_) if nullable_elements => sink.null(),
            Element::Null | Element::Array(_) => {
                return Err(Problem("a null among elements that must not be null"));
            }
        }
    }
    sink.end_array();
    Ok(())
}

fn write_empty_array<S: Sink>(sink: &mut S) {
    sink.begin_array();
    sink.end_array();
}
