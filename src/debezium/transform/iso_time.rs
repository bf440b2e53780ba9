//! Times with an offset as texts, `DateTimeFormatter.ISO_OFFSET_DATE_TIME` and `ISO_OFFSET_TIME` of Java.

use super::zone::{Zone, parse_offset};
use crate::debezium::iso_text::IsoText;
use crate::postgres::value::date::Civil;

const SECONDS_PER_DAY: i64 = 86_400;

/// A clock time, in the offset that the text has.
struct Clock {
    second: i64,
    nanoseconds: u32,
    offset: i32,
}

/// The same moment in a zone, whose offset is that of the local time in the text, as Debezium asks for it.
pub(super) fn date_time_in(zone: &Zone, text: &str) -> Option<String> {
    let (date, time) = text.split_once('T')?;
    let clock = Clock::parse(time)?;
    let local = parse_date(date)?.days().checked_mul(SECONDS_PER_DAY)? + clock.second;
    let offset = zone.offset_at_local(local);
    let moved = local - i64::from(clock.offset) + i64::from(offset);
    let mut iso = IsoText::default();
    iso.date_time(moved);
    iso.fraction(clock.nanoseconds);
    write_offset(&mut iso, offset);
    String::from_utf8(iso.as_bytes().to_vec()).ok()
}

/// The same time of the day in an offset.
pub(super) fn time_in(offset: i32, text: &str) -> Option<String> {
    let clock = Clock::parse(text)?;
    let moved = clock.second - i64::from(clock.offset) + i64::from(offset);
    let mut iso = IsoText::default();
    iso.time(moved.rem_euclid(SECONDS_PER_DAY));
    iso.fraction(clock.nanoseconds);
    write_offset(&mut iso, offset);
    String::from_utf8(iso.as_bytes().to_vec()).ok()
}

fn parse_date(text: &str) -> Option<Civil> {
    let mut parts = text.rsplitn(3, '-');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let year = parts.next()?.parse().ok()?;
    Some(Civil { year, month, day })
}

impl Clock {
    /// `12:34:56.789+01:00`, seconds and fraction may be left out.
    fn parse(text: &str) -> Option<Self> {
        let (time, offset) = match text.strip_suffix('Z') {
            Some(time) => (time, 0),
            None => {
                let at = text.find(['+', '-'])?;
                (&text[..at], parse_offset(&text[at..])?)
            }
        };
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut second = 0;
        let mut units = [3600, 60, 1].into_iter();
        for part in time.split(':') {
            second += part.parse::<i64>().ok()? * units.next()?;
        }
        let digits = format!("{fraction:0<9}");
        let nanoseconds = digits.parse().ok().filter(|_| digits.len() == 9)?;
        Some(Self {
            second,
            nanoseconds,
            offset,
        })
    }
}

/// `Z`, `+01:00` or `+01:00:30`.
fn write_offset(iso: &mut IsoText, offset: i32) {
    if offset == 0 {
        iso.push(b'Z');
        return;
    }
    iso.push(if offset < 0 { b'-' } else { b'+' });
    let seconds = i64::from(offset.abs());
    let mut time = IsoText::default();
    time.time(seconds);
    let shown = if seconds % 60 == 0 { 5 } else { 8 };
    for byte in &time.as_bytes()[..shown] {
        iso.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected texts: `OffsetDateTime.withOffsetSameInstant` and its formatter.
    #[test]
    fn a_moment_is_shown_in_another_zone() {
        for (zone, text, expected) in [
            (
                "Europe/Berlin",
                "2024-07-01T12:00:00Z",
                "2024-07-01T14:00:00+02:00",
            ),
            (
                "Europe/Berlin",
                "2024-01-01T23:30:00.120Z",
                "2024-01-02T00:30:00.12+01:00",
            ),
            (
                "+05:30",
                "2024-01-01T00:00:00.000001+01:00",
                "2024-01-01T04:30:00.000001+05:30",
            ),
            ("UTC", "2024-01-01T00:00:00+01:00", "2023-12-31T23:00:00Z"),
            (
                "-08:00",
                "+12024-01-01T00:00:00Z",
                "+12023-12-31T16:00:00-08:00",
            ),
            (
                "+00:00:30",
                "-0043-03-15T00:00Z",
                "-0043-03-15T00:00:30+00:00:30",
            ),
        ] {
            let zone = Zone::parse(zone).unwrap();
            assert_eq!(date_time_in(&zone, text).as_deref(), Some(expected));
        }
        assert_eq!(
            time_in(3600, "23:30:00.5Z").as_deref(),
            Some("00:30:00.5+01:00")
        );
        assert_eq!(time_in(0, "24:00x"), None);
    }
}
