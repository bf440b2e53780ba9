//! The forms between which `TimestampConverter` converts; what they have in common is a `java.util.Date`, in milliseconds.

use super::TransformError;
use crate::connect::schema::{Datum, Kind, Schema, logical};
use crate::connect::simple_date_format::SimpleDateFormat;

const MS_PER_DAY: i64 = 86_400_000;

#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) target: Form,
    pub(super) precision: Precision,
    pub(super) format: Option<SimpleDateFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Precision {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Form {
    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Text => Schema::new(Kind::String),
            Self::Unix => Schema::new(Kind::Int64),
            Self::Date => Schema::named(Kind::Int32, logical::DATE, 1),
            Self::Time => Schema::named(Kind::Int32, logical::TIME, 1),
            Self::Timestamp => Schema::named(Kind::Int64, logical::TIMESTAMP, 1),
        }
    }

    /// `timestampTypeFromSchema`: other names than Connect's own, such as Debezium's, mean nothing.
    fn of(schema: &Schema) -> Option<Self> {
        match (schema.name.as_deref(), &schema.kind) {
            (Some(logical::TIMESTAMP), _) => Some(Self::Timestamp),
            (Some(logical::DATE), _) => Some(Self::Date),
            (Some(logical::TIME), _) => Some(Self::Time),
            (_, Kind::String) => Some(Self::Text),
            (_, Kind::Int64) => Some(Self::Unix),
            _ => None,
        }
    }
}

impl Conversion {
    pub(super) fn convert(&self, schema: &Schema, value: Datum) -> Result<Datum, TransformError> {
        let form = Form::of(schema).ok_or_else(|| {
            let name = schema.name.as_deref().unwrap_or("this type");
            TransformError(format!(
                "{name} is no timestamp format: a string, an int64, or Connect's Date, Time or Timestamp (time.precision.mode=connect) is expected"
            ))
        })?;
        match (form, value) {
            (_, Datum::Null) => Ok(Datum::Null),
            (Form::Text, Datum::String(text)) => self.parse(&text).map(|ms| self.express(ms)),
            (Form::Unix, Datum::Int(unix)) => {
                Ok(self.express(self.precision.to_milliseconds(unix)))
            }
            (Form::Date, Datum::Int(days)) => Ok(self.express(days.saturating_mul(MS_PER_DAY))),
            (Form::Time | Form::Timestamp, Datum::Int(ms)) => Ok(self.express(ms)),
            _ => unreachable!("a value has the type of its schema"),
        }
    }

    fn parse(&self, text: &str) -> Result<i64, TransformError> {
        let format = self.format.as_ref().ok_or_else(|| {
            TransformError("to read a timestamp from a string, set the option format".to_owned())
        })?;
        format
            .parse(text)
            .map_err(|error| TransformError(format!("could not parse a timestamp: {error}")))
    }

    fn express(&self, milliseconds: i64) -> Datum {
        let days = milliseconds.div_euclid(MS_PER_DAY);
        match self.target {
            Form::Text => {
                let format = self.format.as_ref();
                let format = format.expect("the target type string needs a format");
                Datum::String(format.format(milliseconds))
            }
            Form::Unix => Datum::Int(self.precision.of_milliseconds(milliseconds)),
            #[expect(clippy::cast_possible_truncation, reason = "as `Date.fromLogical`")]
            Form::Date => Datum::Int((days as i32).into()),
            Form::Time => Datum::Int(milliseconds.rem_euclid(MS_PER_DAY)),
            Form::Timestamp => Datum::Int(milliseconds),
        }
    }
}

/// `TimeUnit`, which rounds towards zero and stops at the limits.
impl Precision {
    fn to_milliseconds(self, unix: i64) -> i64 {
        match self {
            Self::Seconds => unix.saturating_mul(1000),
            Self::Milliseconds => unix,
            Self::Microseconds => unix / 1000,
            Self::Nanoseconds => unix / 1_000_000,
        }
    }

    fn of_milliseconds(self, milliseconds: i64) -> i64 {
        match self {
            Self::Seconds => milliseconds / 1000,
            Self::Milliseconds => milliseconds,
            Self::Microseconds => milliseconds.saturating_mul(1000),
            Self::Nanoseconds => milliseconds.saturating_mul(1_000_000),
        }
    }
}
