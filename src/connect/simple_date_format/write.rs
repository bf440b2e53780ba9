//! `SimpleDateFormat.format`.

use super::calendar::{date_of, day_of};
use super::{DAYS, Item, Letter, MONTHS, Number, SimpleDateFormat};

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
            Letter::MonthName => shortened(MONTHS[self.month as usize - 1], count),
            Letter::DayOfWeekName => shortened(DAYS[self.day_of_week()], count),
            Letter::AmPm if hour < 12 => "AM",
            Letter::AmPm => "PM",
            Letter::ZoneName if count >= 4 => "Coordinated Universal Time",
            Letter::ZoneName => "UTC",
            Letter::ZoneOffset => "+0000",
            Letter::IsoZone => "Z",
            Letter::Number(kind) => {
                let number = self.number(kind, count);
                return text.push_str(&format!("{number:0count$}"));
            }
        };
        text.push_str(name);
    }

    fn number(&self, kind: Number, count: usize) -> i64 {
        let hour = self.ms_of_day / 3_600_000;
        match kind {
            Number::Year => {
                let year = if self.year > 0 {
                    self.year
                } else {
                    1 - self.year
                };
                if count == 2 { year % 100 } else { year }
            }
            Number::Month => self.month.into(),
            Number::DayOfMonth => self.day.into(),
            Number::DayOfYear => self.days - day_of(self.year, 1, 1) + 1,
            Number::DayOfWeekInMonth => (i64::from(self.day) - 1) / 7 + 1,
            Number::DayOfWeek => self.day_of_week() as i64 + 1,
            Number::Hour => hour,
            Number::HourFromOne => (hour + 23) % 24 + 1,
            Number::HalfDayHour => hour % 12,
            Number::HalfDayHourFromOne => (hour + 11) % 12 + 1,
            Number::Minute => self.ms_of_day / 60_000 % 60,
            Number::Second => self.ms_of_day / 1000 % 60,
            Number::Millisecond => self.ms_of_day % 1000,
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
