//! `date`: `2024-02-29`, `0044-03-15 BC`, `12345-01-01`, `infinity`.

use super::Malformed;
use super::cursor::Cursor;

const MALFORMED: Malformed = Malformed("date");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    Civil(Civil),
    Infinity,
    NegativeInfinity,
}

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical: 1 BC is year 0.
    pub year: i64,
    pub month: u32,
    pub day: u32,
}

impl Date {
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        match text {
            b"infinity" => return Ok(Self::Infinity),
            b"-infinity" => return Ok(Self::NegativeInfinity),
            _ => {}
        }
        let mut cursor = Cursor::new(text);
        let mut civil = Civil::read(&mut cursor).ok_or(MALFORMED)?;
        if cursor.take(b" BC") {
            civil = civil.before_christ();
        }
        if cursor.is_empty() {
            Ok(Self::Civil(civil))
        } else {
            Err(MALFORMED)
        }
    }
}

impl Civil {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let year = cursor.number()?;
        let month = cursor.take(b"-").then(|| cursor.pair())??;
        let day = cursor.take(b"-").then(|| cursor.pair())??;
        let is_day = (1..=12).contains(&month) && (1..=31).contains(&day);
        is_day.then_some(Self { year, month, day })
    }

    /// The same day of the year before Christ.
    pub(super) fn before_christ(self) -> Self {
        Self {
            year: 1 - self.year,
            ..self
        }
    }

    /// Days since 1970-01-01, counted in eras of 400 years that begin on 1 March of year 0.
    #[must_use]
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str) -> i64 {
        match Date::parse(text.as_bytes()) {
            Ok(Date::Civil(civil)) => civil.days(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn days_are_counted_from_1970_also_before_christ() {
        // From PostgreSQL: `SELECT '…'::date - '1970-01-01'`.
        for (text, expected) in [
            ("1970-01-01", 0),
            ("2024-02-29", 19_782),
            ("1969-12-31", -1),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
            ("5874897-12-31", 2_145_042_905),
            ("0044-03-15 BC", -735_160),
            ("4713-01-01 BC", -2_440_550),
        ] {
            assert_eq!(days(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "2024",
            "2024-2-29",
            "2024-02-29x",
            "2024-13-01",
            "2024-01-00",
            "NaN",
            "99999999999999999999-01-01",
        ] {
            assert_eq!(Date::parse(text.as_bytes()), Err(MALFORMED), "{text}");
        }
    }
}
