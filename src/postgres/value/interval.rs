//! `interval` in `IntervalStyle=postgres`: `1 year 2 mons -3 days +04:05:06.789`.

use super::Malformed;
use super::cursor::Cursor;

/// The parts as PostgreSQL prints them, each with its own sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub years: i64,
    pub months: i64,
    pub days: i64,
    pub hours: i64,
    pub minutes: i64,
    pub seconds: i64,
    pub microseconds: i64,
}

impl Interval {
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut interval = Self::default();
        let mut cursor = Cursor::new(text);
        interval
            .read_parts(&mut cursor)
            .filter(|()| !text.is_empty())
            .ok_or(Malformed("interval"))?;
        Ok(interval)
    }

    fn read_parts(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        while !cursor.is_empty() {
            let sign = if cursor.take(b"-") { -1 } else { 1 };
            cursor.take(b"+");
            let number = cursor.number()?;
            if cursor.take(b":") {
                self.read_time(sign, number, cursor)?;
            } else {
                *self.unit(cursor)? = sign * number;
            }
            if !cursor.is_empty() && !cursor.take(b" ") {
                return None;
            }
        }
        Some(())
    }

    fn read_time(&mut self, sign: i64, hours: i64, cursor: &mut Cursor<'_>) -> Option<()> {
        self.hours = sign * hours;
        self.minutes = sign * i64::from(cursor.pair()?);
        if cursor.take(b":") {
            self.seconds = sign * i64::from(cursor.pair()?);
            self.microseconds = sign * i64::from(cursor.microseconds()?);
        }
        Some(())
    }

    fn unit(&mut self, cursor: &mut Cursor<'_>) -> Option<&mut i64> {
        if cursor.take(b" year") {
            cursor.take(b"s");
            Some(&mut self.years)
        } else if cursor.take(b" mon") {
            cursor.take(b"s");
            Some(&mut self.months)
        } else if cursor.take(b" day") {
            cursor.take(b"s");
            Some(&mut self.days)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_own_sign() {
        let interval = |years, months, days, hours, minutes, seconds, microseconds| Interval {
            years,
            months,
            days,
            hours,
            minutes,
            seconds,
            microseconds,
        };
        for (text, expected) in [
            (
                "1 year 2 mons 3 days 04:05:06.789012",
                interval(1, 2, 3, 4, 5, 6, 789_012),
            ),
            (
                "-1 years -2 mons +3 days -04:05:06.5",
                interval(-1, -2, 3, -4, -5, -6, -500_000),
            ),
            ("1 mon", interval(0, 1, 0, 0, 0, 0, 0)),
            ("-1 days +23:59:59", interval(0, 0, -1, 23, 59, 59, 0)),
            ("-00:00:00.000001", interval(0, 0, 0, 0, 0, 0, -1)),
            (
                "2562047788:00:54.775807",
                interval(0, 0, 0, 2_562_047_788, 0, 54, 775_807),
            ),
            ("00:00:00", interval(0, 0, 0, 0, 0, 0, 0)),
        ] {
            assert_eq!(Interval::parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "1",
            "1 week",
            "P1D",
            "infinity",
            "1 day 2",
            "01:2:03",
            "1 day  01:02:03",
        ] {
            assert!(Interval::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
