//! `time` and `timetz`: `12:34:56.789`, `24:00:00`, `12:34:56+05:30`.

use super::Malformed;
use super::cursor::Cursor;

/// Microseconds since midnight; `24:00:00` is a whole day.
pub fn parse_time(text: &[u8]) -> Result<i64, Malformed> {
    let mut cursor = Cursor::new(text);
    match read_time(&mut cursor) {
        Some(time) if cursor.is_empty() => Ok(time),
        _ => Err(Malformed("time")),
    }
}

/// Local time of day and how far it is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZonedTime {
    pub microseconds: i64,
    pub offset_seconds: i64,
}

impl ZonedTime {
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(text);
        let parts = read_time(&mut cursor).zip(read_offset(&mut cursor));
        match parts {
            Some((microseconds, offset_seconds)) if cursor.is_empty() => Ok(Self {
                microseconds,
                offset_seconds,
            }),
            _ => Err(Malformed("time with time zone")),
        }
    }
}

pub(super) fn read_time(cursor: &mut Cursor<'_>) -> Option<i64> {
    let hour = cursor.pair()?;
    let minute = cursor.take(b":").then(|| cursor.pair())??;
    let second = cursor.take(b":").then(|| cursor.pair())??;
    let microseconds = cursor.microseconds()?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(seconds * 1_000_000 + i64::from(microseconds))
}

/// `+02`, `-05:30`, `+00:19:32`.
pub(super) fn read_offset(cursor: &mut Cursor<'_>) -> Option<i64> {
    let sign = match cursor.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    cursor.take(if sign > 0 { b"+" } else { b"-" });
    let mut seconds = i64::from(cursor.pair()?) * 3600;
    if cursor.take(b":") {
        seconds += i64::from(cursor.pair()?) * 60;
    }
    if cursor.take(b":") {
        seconds += i64::from(cursor.pair()?);
    }
    Some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_microseconds_since_midnight() {
        for (text, expected) in [
            ("00:00:00", 0),
            ("12:34:56.789012", 45_296_789_012),
            ("01:02:03.1", 3_723_100_000),
            ("24:00:00", 86_400_000_000),
        ] {
            assert_eq!(parse_time(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn offsets_may_have_minutes_and_seconds() {
        for (text, microseconds, offset_seconds) in [
            ("12:34:56+02", 45_296_000_000, 7200),
            ("00:00:00.5-05:30", 500_000, -19_800),
            ("00:00:00+00:19:32", 0, 1172),
        ] {
            assert_eq!(
                ZonedTime::parse(text.as_bytes()),
                Ok(ZonedTime {
                    microseconds,
                    offset_seconds
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1:02:03",
            "01:02",
            "01:02:03.",
            "01:02:03.1234567",
            "01:02:03+00",
        ] {
            assert!(parse_time(text.as_bytes()).is_err(), "{text}");
        }
        for text in [
            "01:02:03",
            "01:02:03+",
            "01:02:03+1",
            "01:02:03+01:02:03:04",
        ] {
            assert!(ZonedTime::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
