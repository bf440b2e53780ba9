//! `SimpleDateFormat.format`.

use super::calendar::{date_of, day_of};
use super::{DAYS, Item, Letter, MONTHS, SimpleDateFormat};

const MS_PER_DAY: i64 = 86_400_000;

impl SimpleDateFormat {
    /// A point in time, in milliseconds since 1970.
    #[must_use]
    pub fn format(&self, milliseconds: i64) -> String {
        let moment = Moment::new(milliseconds);
        let mut text = String::new();
        for item in &self.0 {
            match item {
                Item::Literal(literal) => text.push_str(literal),
                Item::Field(letter, count) => moment.write(*letter, *count, &mut text),
            }
        }
        text
    }
}

struct Moment {
    days: i64,
    /// 0 is 1 BC.
    year: i64,
    month: u32,
    day: u32,
    ms_of_day: i64,
}

impl Moment {
    fn new(milliseconds: i64) -> Self {
        let days = milliseconds.div_euclid(MS_PER_DAY);
        let (year, month, day) = date_of(days);
        Self {
            days,
            year,
            month,
            day,
            ms_of_day: milliseconds.rem_euclid(MS_PER_DAY),
        }
    }

    fn write(&self, letter: Letter, count: usize, text: &mut String) {
        let hour = self.ms_of_day / 3_600_000;
        let name = match letter {
            Letter::Era if self.year > 0 => "AD",
            Letter::Era => "BC",
            Letter::Month if count >= 3 => shortened(MONTHS[self.month as usize - 1], count),
            Letter::DayOfWeek => shortened(DAYS[self.day_of_week()], count),
            Letter::AmPm if hour < 12 => "AM",
            Letter::AmPm => "PM",
            Letter::ZoneName if count >= 4 => "Coordinated Universal Time",
            Letter::ZoneName => "UTC",
            Letter::ZoneOffset => "+0000",
            Letter::IsoZone => "Z",
            Letter::Year
            | Letter::Month
            | Letter::DayOfMonth
            | Letter::DayOfYear
            | Letter::DayOfWeekInMonth
            | Letter::DayNumber
            | Letter::Hour
            | Letter::HourFromOne
            | Letter::HalfDayHour
            | Letter::HalfDayHourFromOne
            | Letter::Minute
            | Letter::Second
            | Letter::Millisecond => {
                let number = self.number(letter, count);
                return text.push_str(&format!("{number:0count$}"));
            }
        };
        text.push_str(name);
    }

    fn number(&self, letter: Letter, count: usize) -> i64 {
        let hour = self.ms_of_day / 3_600_000;
        match letter {
            Letter::Year => {
                let year = if self.year > 0 {
                    self.year
                } else {
                    1 - self.year
                };
                if count == 2 { year % 100 } else { year }
            }
            Letter::Month => self.month.into(),
            Letter::DayOfMonth => self.day.into(),
            Letter::DayOfYear => self.days - day_of(self.year, 1, 1) + 1,
            Letter::DayOfWeekInMonth => (i64::from(self.day) - 1) / 7 + 1,
            Letter::DayNumber => self.day_of_week() as i64 + 1,
            Letter::Hour => hour,
            Letter::HourFromOne => (hour + 23) % 24 + 1,
            Letter::HalfDayHour => hour % 12,
            Letter::HalfDayHourFromOne => (hour + 11) % 12 + 1,
            Letter::Minute => self.ms_of_day / 60_000 % 60,
            Letter::Second => self.ms_of_day / 1000 % 60,
            Letter::Millisecond => self.ms_of_day % 1000,
            Letter::Era
            | Letter::DayOfWeek
            | Letter::AmPm
            | Letter::ZoneName
            | Letter::ZoneOffset
            | Letter::IsoZone => unreachable!("names are written as such"),
        }
    }

    /// 0 is Monday.
    fn day_of_week(&self) -> usize {
        usize::try_from((self.days + 3).rem_euclid(7)).expect("a week has seven days")
    }
}

fn shortened(name: &str, count: usize) -> &str {
    if count >= 4 { name } else { &name[..3] }
}
