//! `io.debezium.transforms.TimezoneConverter`: times of a change in a time zone.

use std::time::SystemTime;

use super::choice::required;
use super::fields::{View, envelope, error, fields_of, or_default, position};
use super::iso_time;
use super::timezone_rules::{Rules, Scope};
use super::zone::Zone;
use crate::connect::record::SourceRecord;
use crate::connect::schema::{Datum, Field, Kind, logical};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

const UNSUPPORTED: [&str; 6] = [
    "io.debezium.time.Date",
    "io.debezium.time.MicroTime",
    "io.debezium.time.NanoTime",
    "io.debezium.time.Time",
    logical::DATE,
    logical::TIME,
];

pub(super) struct TimezoneConverter {
    zone: Zone,
    rules: Rules,
    warned: bool,
}

impl TimezoneConverter {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        const ZONE: &str = "converted.timezone";
        let rules = Rules::new(options)?;
        let zone = Zone::parse(required(options, ZONE)?).ok_or_else(|| {
            let problem =
                "is neither a geographic time zone (America/Los_Angeles) nor an offset (+08:00)";
            OptionError::new(ZONE, problem)
        })?;
        Ok(Self {
            zone,
            rules,
            warned: false,
        })
    }

    fn convert_row(
        &mut self,
        is_source: bool,
        scope: &Scope,
        fields: &[Field],
        values: &mut [Datum],
    ) -> Result<(), TransformError> {
        for (field, value) in fields.iter().zip(values) {
            let name = field.schema.name.as_deref();
            let is_epoch = is_source && matches!(field.name.as_str(), "ts_ms" | "ts_us" | "ts_ns");
            if !scope.includes(&field.name) {
                continue;
            }
            if name.is_some_and(|name| UNSUPPORTED.contains(&name)) {
                self.warn(field);
                continue;
            }
            let current = or_default(&field.schema, value);
            if *current == Datum::Null {
                continue;
            }
            let converted = match name {
                Some(name) => self.converted(name, current),
                None if is_epoch => self.converted_epoch(&field.name, current),
                None => Ok(None),
            };
            if let Some(converted) =
                converted.map_err(|problem| error(format!("field \"{}\" {problem}", field.name)))?
            {
                *value = converted;
            }
        }
        Ok(())
    }

    fn warn(&mut self, field: &Field) {
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                field = field.name,
                "dates and times of the day are not converted to another time zone"
            );
        }
    }

    /// `None` for what is no time with a date or zone.
    fn converted(&self, name: &str, value: &Datum) -> Result<Option<Datum>, &'static str> {
        let units_per_second = match name {
            "io.debezium.time.ZonedTimestamp" => {
                return text(value, |text| iso_time::date_time_in(&self.zone, text));
            }
            "io.debezium.time.ZonedTime" => {
                return text(value, |text| iso_time::time_in(self.offset_now(), text));
            }
            "io.debezium.time.Timestamp" | logical::TIMESTAMP => 1000,
            "io.debezium.time.MicroTimestamp" => 1_000_000,
            "io.debezium.time.NanoTimestamp" => 1_000_000_000,
            _ => return Ok(None),
        };
        let Datum::Int(value) = value else {
            return Err("is no timestamp");
        };
        let local = value.div_euclid(units_per_second);
        let offset = i64::from(self.zone.offset_at_local(local)) * units_per_second;
        Ok(Some(Datum::Int(value.wrapping_sub(offset))))
    }

    /// A time of the source block, moved by the offset.
    fn converted_epoch(&self, name: &str, value: &Datum) -> Result<Option<Datum>, &'static str> {
        let units_per_second = match name {
            "ts_ms" => 1000,
            "ts_us" => 1_000_000,
            _ => 1_000_000_000,
        };
        let Datum::Int(value) = value else {
            return Err("is no epoch");
        };
        let offset = self.zone.offset_at(value.div_euclid(units_per_second));
        Ok(Some(Datum::Int(
            value + i64::from(offset) * units_per_second,
        )))
    }

    /// Debezium shows a time of the day with the offset of the day on which it does so.
    fn offset_now(&self) -> i32 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        self.zone.offset_at(seconds.unwrap_or_default())
    }
}

impl Transform for TimezoneConverter {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            return Ok(Some(record));
        }
        let Some(schema) = envelope(&record) else {
            return Ok(Some(record));
        };
        let change = View::of(&record.value, "timezone conversion")?;
        let source = change.structure("source").ok().flatten();
        let table = source.and_then(|source| source.string("table").ok().flatten());
        let Some(scopes) = self.rules.scopes(&record.topic, table) else {
            return Ok(Some(record));
        };
        let fields = fields_of(&schema)?;
        let Datum::Struct(values) = &mut record.value.value else {
            return Ok(Some(record));
        };
        let structs = [
            ("before", Some(scopes.before)),
            ("after", Some(scopes.after)),
            ("source", scopes.source),
        ];
        for (name, scope) in structs {
            let (Some(index), Some(scope)) = (position(fields, name), scope) else {
                continue;
            };
            if let (Kind::Struct(fields), Datum::Struct(values)) =
                (&fields[index].schema.kind, &mut values[index])
            {
                self.convert_row(name == "source", &scope, fields, values)?;
            }
        }
        Ok(Some(record))
    }
}

fn text(
    value: &Datum,
    convert: impl FnOnce(&str) -> Option<String>,
) -> Result<Option<Datum>, &'static str> {
    let Datum::String(text) = value else {
        return Err("is no text");
    };
    let converted = convert(text).ok_or("is no time with an offset")?;
    Ok(Some(Datum::String(converted)))
}
