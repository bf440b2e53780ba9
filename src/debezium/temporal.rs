//! Dates, times, timestamps and intervals in the forms of `time.precision.mode` and `interval.handling.mode`.

use super::conversion::Problem;
use super::iso_text::IsoText;
use crate::connect::calendar::civil_from_days;
use crate::connect::sink::Sink;
use crate::postgres::value::date::{Civil, Date};
use crate::postgres::value::interval::Interval;
use crate::postgres::value::time::ZonedTime;
use crate::postgres::value::timestamp::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;
const MICROSECONDS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateForm {
    /// `io.debezium.time.Date`
    Days,
    /// `org.apache.kafka.connect.data.Date`
    Connect,
    /// `io.debezium.time.IsoDate`
    Iso,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeForm {
    Milliseconds,
    Microseconds,
    Nanoseconds,
    Connect,
    Iso,
}

/// How pgjdbc hands dates and times to Debezium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// As `java.time` values, or as text that Debezium reads itself.
    JavaTime,
    /// As `java.sql.Date` and `java.sql.Time`: dates in snapshots, dates and times in arrays.
    JavaSql,
}

/// A point of a calendar without zone, as `java.time.LocalDateTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalDateTime {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
}

impl LocalDateTime {
    /// What Debezium takes for `infinity`: pgjdbc's largest `Timestamp`, read as microseconds.
    const INFINITY: Self = Self {
        seconds: 9_223_372_036_825,
        nanoseconds: 200_000_000,
    };
    const NEGATIVE_INFINITY: Self = Self {
        seconds: -9_223_372_036_833,
        nanoseconds: 600_000_000,
    };

    fn at(seconds: i64, microseconds: u32) -> Self {
        Self {
            seconds,
            nanoseconds: microseconds * 1000,
        }
    }
}

pub(super) fn write_date<S: Sink>(
    date: Date,
    form: DateForm,
    clock: Clock,
    sink: &mut S,
) -> Result<(), Problem> {
    let days = match clock {
        Clock::JavaTime => java_time_days(date),
        Clock::JavaSql => java_sql_days(date)?,
    };
    write_days(days, form, sink);
    Ok(())
}

/// Debezium keeps days in 32 bits, whatever is cut off.
pub(super) fn write_days<S: Sink>(days: i64, form: DateForm, sink: &mut S) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`(int) LocalDate.toEpochDay()`"
    )]
    let short_days = days as i32;
    match form {
        DateForm::Days => sink.int(short_days.into()),
        DateForm::Connect => sink.date(short_days),
        DateForm::Iso => {
            let mut text = IsoText::default();
            text.date(civil_from_days(days));
            text.push(b'Z');
            sink.string(text.as_bytes());
        }
    }
}

fn java_time_days(date: Date) -> i64 {
    match date {
        Date::Civil(civil) => civil.days(),
        // `LocalDate.parse("-5877611-06-21")` and the day after it.
        Date::Infinity => -2_147_472_692,
        Date::NegativeInfinity => -2_147_472_691,
    }
}

/// `java.sql.Date` counts days before 1582-10-15 in the Julian calendar and forgets the era: what `toLocalDate` makes of it has
/// the same year, month and day, but for the ten days that the Gregorian reform left out.
fn java_sql_days(date: Date) -> Result<i64, Problem> {
    let civil = match date {
        Date::Civil(
            civil @ Civil {
                year: 1582,
                month: 10,
                day: 5..=14,
            },
        ) => return Ok(civil.days() + 10),
        Date::Civil(civil) if civil.year <= 0 => Civil {
            year: 1 - civil.year,
            ..civil
        },
        Date::Civil(civil) => civil,
        Date::Infinity => Civil {
            year: 292_278_994,
            month: 8,
            day: 16,
        },
        Date::NegativeInfinity => Civil {
            year: 292_269_055,
            month: 12,
            day: 2,
        },
    };
    let days = civil.days();
    let is_same = civil_from_days(days) == (civil.year, civil.month, civil.day);
    // A leap day before Christ.
    is_same
        .then_some(days)
        .ok_or(Problem("a leap day before Christ"))
}

pub(super) fn write_time<S: Sink>(microseconds: i64, form: TimeForm, clock: Clock, sink: &mut S) {
    let microseconds = match clock {
        Clock::JavaTime => microseconds,
        Clock::JavaSql => microseconds % MICROSECONDS_PER_DAY / 1000 * 1000,
    };
    match form {
        TimeForm::Milliseconds => sink.int(microseconds / 1000),
        TimeForm::Microseconds => sink.int(microseconds),
        TimeForm::Nanoseconds => sink.int(microseconds * 1000),
        TimeForm::Connect => {
            sink.time(
                (microseconds / 1000)
                    .try_into()
                    .expect("a day has fewer than 2^31 ms"),
            );
        }
        TimeForm::Iso => write_iso_time(microseconds, sink),
    }
}

/// What `24:00` is as a default.
pub(super) fn write_last_nanosecond<S: Sink>(form: TimeForm, sink: &mut S) {
    const LAST: i64 = MICROSECONDS_PER_DAY - 1;
    match form {
        TimeForm::Milliseconds | TimeForm::Microseconds | TimeForm::Connect => {
            write_time(LAST, form, Clock::JavaTime, sink);
        }
        TimeForm::Nanoseconds => sink.int(MICROSECONDS_PER_DAY * 1000 - 1),
        TimeForm::Iso => sink.string(b"23:59:59.999999999Z"),
    }
}

/// Debezium's formatter for `timetz` knows offsets of hours and minutes only.
pub(super) fn write_zoned_time<S: Sink>(time: ZonedTime, sink: &mut S) -> Result<(), Problem> {
    if time.offset_seconds % 60 != 0 {
        return Err(Problem("a time zone offset with seconds"));
    }
    write_iso_time(time.microseconds - time.offset_seconds * 1_000_000, sink);
    Ok(())
}

fn write_iso_time<S: Sink>(microseconds: i64, sink: &mut S) {
    let of_day = microseconds.rem_euclid(MICROSECONDS_PER_DAY);
    let mut text = IsoText::default();
    text.time(of_day / 1_000_000);
    text.fraction(micros_to_nanos(of_day % 1_000_000));
    text.push(b'Z');
    sink.string(text.as_bytes());
}

fn micros_to_nanos(microseconds: i64) -> u32 {
    u32::try_from(microseconds * 1000).expect("a second has fewer than 2^32 ns")
}

pub(super) fn write_timestamp<S: Sink>(
    timestamp: Timestamp,
    form: TimeForm,
    sink: &mut S,
) -> Result<(), Problem> {
    let point = match timestamp {
        Timestamp::At {
            seconds,
            microseconds,
        } => LocalDateTime::at(seconds, microseconds),
        Timestamp::Infinity if form == TimeForm::Nanoseconds => {
            sink.int(i64::MAX);
            return Ok(());
        }
        Timestamp::NegativeInfinity if form == TimeForm::Nanoseconds => {
            sink.int(i64::MIN);
            return Ok(());
        }
        Timestamp::Infinity => LocalDateTime::INFINITY,
        Timestamp::NegativeInfinity => LocalDateTime::NEGATIVE_INFINITY,
    };
    write_local_date_time(point, form, sink)
}

pub(super) fn write_local_date_time<S: Sink>(
    point: LocalDateTime,
    form: TimeForm,
    sink: &mut S,
) -> Result<(), Problem> {
    const TOO_FAR: Problem = Problem("a timestamp too far from 1970");
    let milliseconds = || {
        let whole = point.seconds.checked_mul(1000);
        whole
            .and_then(|whole| whole.checked_add((point.nanoseconds / 1_000_000).into()))
            .ok_or(TOO_FAR)
    };
    match form {
        TimeForm::Milliseconds => sink.int(milliseconds()?),
        TimeForm::Connect => sink.timestamp(milliseconds()?),
        TimeForm::Microseconds => {
            // `TimeUnit.SECONDS.toMicros` stops at the limits of 64 bits, the addition behind it does not.
            let whole = point.seconds.saturating_mul(1_000_000);
            sink.int(whole.wrapping_add(i64::from(point.nanoseconds / 1000)));
        }
        TimeForm::Nanoseconds => {
            let nanoseconds =
                i128::from(point.seconds) * 1_000_000_000 + i128::from(point.nanoseconds);
            sink.int(nanoseconds.try_into().map_err(|_| TOO_FAR)?);
        }
        TimeForm::Iso => {
            let mut text = IsoText::default();
            text.date_time(point.seconds);
            text.fraction(point.nanoseconds);
            text.push(b'Z');
            sink.string(text.as_bytes());
        }
    }
    Ok(())
}

/// A `timestamptz` of our era as a session in UTC prints it only needs other separators: no calendar is involved. `None` for any
/// other text.
pub(super) fn copy_utc_timestamp<S: Sink>(text: &[u8], digits: u32, sink: &mut S) -> Option<()> {
    let (
        &[
            _,
            _,
            _,
            _,
            b'-',
            _,
            _,
            b'-',
            _,
            _,
            b' ',
            _,
            _,
            b':',
            _,
            _,
            b':',
            _,
            _,
        ],
        rest,
    ) = text.split_first_chunk::<19>()?
    else {
        return None;
    };
    let fraction = match rest.strip_suffix(b"+00")? {
        b"" => &[],
        [b'.', fraction @ ..] => fraction,
        _ => return None,
    };
    let digits = digits as usize;
    if fraction.len() > digits {
        return None;
    }
    let mut iso = *b"0000-00-00T00:00:00.000000Z";
    iso[..10].copy_from_slice(&text[..10]);
    iso[11..19].copy_from_slice(&text[11..19]);
    iso[20..20 + fraction.len()].copy_from_slice(fraction);
    let end = if digits == 0 { 19 } else { 20 + digits };
    iso[end] = b'Z';
    sink.string(&iso[..=end]);
    Some(())
}

/// `io.debezium.time.ZonedTimestamp`: in UTC, with exactly as many digits as the column has.
pub(super) fn write_zoned_timestamp<S: Sink>(timestamp: Timestamp, digits: u32, sink: &mut S) {
    match timestamp {
        Timestamp::Infinity => sink.string(b"infinity"),
        Timestamp::NegativeInfinity => sink.string(b"-infinity"),
        Timestamp::At {
            seconds,
            microseconds,
        } => {
            let mut text = IsoText::default();
            text.date_time(seconds);
            text.padded_fraction(microseconds, digits);
            text.push(b'Z');
            sink.string(text.as_bytes());
        }
    }
}

/// `io.debezium.time.MicroDuration.durationMicros`, in the same steps of floating point.
pub(super) fn write_micro_duration<S: Sink>(interval: Interval, sink: &mut S) {
    const DAYS_PER_MONTH: f64 = 365.25 / 12.0;
    #[expect(clippy::cast_precision_loss, reason = "Debezium computes in double")]
    let [months, days, hours, minutes, seconds, microseconds] = [
        interval.years * 12 + interval.months,
        interval.days,
        interval.hours,
        interval.minutes,
        interval.seconds,
        interval.microseconds,
    ]
    .map(|part| part as f64);
    let days = months * DAYS_PER_MONTH + days;
    let seconds =
        ((days * 24.0 + hours) * 60.0 + minutes) * 60.0 + (seconds + microseconds / 1_000_000.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`(long)` saturates in the same way"
    )]
    sink.int((seconds * 1_000_000.0) as i64);
}

/// `io.debezium.time.Interval`: always all six parts, each with its sign.
pub(super) fn write_iso_duration<S: Sink>(interval: Interval, sink: &mut S) {
    let mut text = IsoText::default();
    text.push(b'P');
    for (number, unit) in [
        (interval.years, b'Y'),
        (interval.months, b'M'),
        (interval.days, b'D'),
    ] {
        text.number(number);
        text.push(unit);
    }
    text.push(b'T');
    for (number, unit) in [(interval.hours, b'H'), (interval.minutes, b'M')] {
        text.number(number);
        text.push(unit);
    }
    if interval.seconds == 0 && interval.microseconds < 0 {
        text.push(b'-');
    }
    text.number(interval.seconds);
    text.fraction(micros_to_nanos(interval.microseconds.abs()));
    text.push(b'S');
    sink.string(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::datum_sink::DatumSink;
    use crate::connect::schema::Datum;
    use proptest::prelude::*;

    fn snapshot_date(text: &str, form: DateForm) -> Result<Datum, Problem> {
        let mut sink = DatumSink::default();
        write_date(
            Date::parse(text.as_bytes()).unwrap(),
            form,
            Clock::JavaSql,
            &mut sink,
        )?;
        Ok(sink.finish().unwrap())
    }

    #[test]
    fn a_timestamp_of_utc_is_copied_as_it_would_be_computed() {
        for text in [
            "2024-02-29 12:34:56.789012+00",
            "0001-01-01 00:00:00+00",
            "9999-12-31 23:59:59.9+00",
        ] {
            for digits in [1, 3, 6]
                .into_iter()
                .filter(|digits| text.len() <= 23 + digits)
            {
                let digits = u32::try_from(digits).unwrap();
                let (mut copied, mut computed) = (DatumSink::default(), DatumSink::default());
                copy_utc_timestamp(text.as_bytes(), digits, &mut copied).unwrap();
                let timestamp = Timestamp::parse_zoned(text.as_bytes()).unwrap();
                write_zoned_timestamp(timestamp, digits, &mut computed);
                assert_eq!(copied.finish(), computed.finish(), "{text} {digits}");
            }
        }
        for text in [
            "10000-01-01 00:00:00+00",
            "2024-02-29 12:34:56+02",
            "0044-03-15 12:00:00+00 BC",
            "infinity",
        ] {
            assert!(
                copy_utc_timestamp(text.as_bytes(), 6, &mut DatumSink::default()).is_none(),
                "{text}"
            );
        }
    }

    /// Recorded from snapshots of Debezium 3.6.3.
    #[test]
    fn snapshots_show_old_dates_as_java_sql_date_does() {
        for (text, days, iso) in [
            ("2024-02-29", 19_782, "2024-02-29Z"),
            ("1582-10-15", -141_427, "1582-10-15Z"),
            ("1582-10-14", -141_418, "1582-10-24Z"),
            ("0001-01-01", -719_162, "0001-01-01Z"),
            ("0044-03-15 BC", -703_383, "0044-03-15Z"),
            ("0001-12-31 BC", -718_798, "0001-12-31Z"),
            ("4713-01-01 BC", 1_001_860, "4713-01-01Z"),
            ("5874897-12-31", 2_145_042_905, "+5874897-12-31Z"),
            ("infinity", -622_191_234, "+292278994-08-16Z"),
            ("-infinity", -625_821_272, "+292269055-12-02Z"),
        ] {
            assert_eq!(
                snapshot_date(text, DateForm::Days),
                Ok(Datum::Int(days)),
                "{text}"
            );
            assert_eq!(
                snapshot_date(text, DateForm::Iso),
                Ok(Datum::String(iso.to_owned())),
                "{text}"
            );
        }
        assert!(snapshot_date("0005-02-29 BC", DateForm::Days).is_err());
    }

    proptest! {
        #[test]
        fn a_day_comes_back_from_its_number(days in -3_000_000_i64..2_200_000_000) {
            let (year, month, day) = civil_from_days(days);
            prop_assert_eq!(Civil { year, month, day }.days(), days);
        }
    }
}
