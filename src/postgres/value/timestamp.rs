//! `timestamp` and `timestamptz`: `2024-02-29 12:34:56.789012+05:30`, `0044-03-15 12:00:00.5 BC`, `infinity`.

use super::Malformed;
use super::cursor::Cursor;
use super::date::Civil;
use super::time::{read_offset, read_time};

const MALFORMED: Malformed = Malformed("timestamp");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// Microseconds since 1970-01-01 00:00:00, of UTC if the text has an offset. PostgreSQL's own limits (4713 BC to 294276)
    /// are wider than 64 bits of microseconds since 1970.
    At {
        seconds: i64,
        microseconds: u32,
    },
    Infinity,
    NegativeInfinity,
}

impl Timestamp {
    /// `timestamp without time zone`.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        parse(text, |_| Some(0))
    }

    /// `timestamp with time zone`.
    pub fn parse_zoned(text: &[u8]) -> Result<Self, Malformed> {
        parse(text, read_offset)
    }
}

fn parse(
    text: &[u8],
    offset: impl FnOnce(&mut Cursor<'_>) -> Option<i64>,
) -> Result<Timestamp, Malformed> {
    match text {
        b"infinity" => return Ok(Timestamp::Infinity),
        b"-infinity" => return Ok(Timestamp::NegativeInfinity),
        _ => {}
    }
    let mut cursor = Cursor::new(text);
    let timestamp = read(&mut cursor, offset).ok_or(MALFORMED)?;
    if cursor.is_empty() {
        Ok(timestamp)
    } else {
        Err(MALFORMED)
    }
}

fn read<'a>(
    cursor: &mut Cursor<'a>,
    offset: impl FnOnce(&mut Cursor<'a>) -> Option<i64>,
) -> Option<Timestamp> {
    let mut civil = Civil::read(cursor)?;
    let time = cursor.take(b" ").then(|| read_time(cursor))??;
    let offset = offset(cursor)?;
    if cursor.take(b" BC") {
        civil = civil.before_christ();
    }
    let seconds = civil.days() * 86_400 + time / 1_000_000 - offset;
    let microseconds = u32::try_from(time % 1_000_000).ok()?;
    Some(Timestamp::At {
        seconds,
        microseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_counted_from_1970() {
        for (text, seconds, microseconds) in [
            ("1970-01-01 00:00:00", 0, 0),
            ("2024-02-29 12:34:56.789012", 1_709_210_096, 789_012),
            ("1969-12-31 23:59:59.999999", -1, 999_999),
            ("0044-03-15 12:00:00.5 BC", -63_517_780_800, 500_000),
            ("294276-12-31 23:59:59.999999", 9_224_318_015_999, 999_999),
        ] {
            assert_eq!(
                Timestamp::parse(text.as_bytes()),
                Ok(Timestamp::At {
                    seconds,
                    microseconds
                }),
                "{text}"
            );
        }
    }

    #[test]
    fn an_offset_is_taken_away() {
        for (text, seconds) in [
            ("2024-02-29 12:34:56+02", 1_709_202_896),
            ("1900-01-01 00:19:32+00:19:32", -2_208_988_800),
            ("0044-03-15 12:00:00+00 BC", -63_517_780_800),
        ] {
            assert_eq!(
                Timestamp::parse_zoned(text.as_bytes()),
                Ok(Timestamp::At {
                    seconds,
                    microseconds: 0
                }),
                "{text}"
            );
        }
        assert_eq!(Timestamp::parse_zoned(b"infinity"), Ok(Timestamp::Infinity));
        assert_eq!(
            Timestamp::parse_zoned(b"-infinity"),
            Ok(Timestamp::NegativeInfinity)
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2024-02-29",
            "2024-02-29 12:34",
            "2024-02-29 12:34:56+02",
            "2024-02-29 12:34:56 AD",
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()), Err(MALFORMED), "{text}");
        }
        assert_eq!(
            Timestamp::parse_zoned(b"2024-02-29 12:34:56"),
            Err(MALFORMED)
        );
    }
}
