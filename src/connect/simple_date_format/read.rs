//! `SimpleDateFormat.parse`, lenient as it is by default: numbers beyond their range carry over, text after the match is
//! ignored.

use super::calendar::day_of;
use super::{DAYS, FormatError, Item, Letter, MONTHS, Number, SimpleDateFormat};

impl SimpleDateFormat {
    /// Milliseconds since 1970.
    pub fn parse(&self, text: &str) -> Result<i64, FormatError> {
        let mut reader = Reader {
            text,
            position: 0,
            fields: Fields::default(),
        };
        for (index, item) in self.0.iter().enumerate() {
            match item {
                Item::Literal(literal) => reader.literal(literal)?,
                Item::Field(letter, count) => {
                    // Before another number, one has as many digits as the pattern has letters (`shouldObeyCount`).
                    let next = self.0.get(index + 1);
                    let obeys_count = matches!(next, Some(Item::Field(Letter::Number(_), _)));
                    reader.field(*letter, *count, obeys_count)?;
                }
            }
        }
        reader.fields.moment()
    }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
    fields: Fields,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn mismatch(&self) -> FormatError {
        FormatError::Mismatch(self.position)
    }

    fn literal(&mut self, literal: &str) -> Result<(), FormatError> {
        if !self.rest().starts_with(literal) {
            return Err(self.mismatch());
        }
        self.position += literal.len();
        Ok(())
    }

    fn field(
        &mut self,
        letter: Letter,
        count: usize,
        obeys_count: bool,
    ) -> Result<(), FormatError> {
        let start = self.position;
        let blanks = self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        self.position += blanks;
        if self.rest().is_empty() {
            return Err(self.mismatch());
        }
        match letter {
            Letter::Era => self.fields.is_bc = self.name(&["AD", "BC"])? == 1,
            Letter::MonthName => {
                self.fields.month = i64::try_from(self.name(&MONTHS)?).expect("twelve months") + 1;
            }
            Letter::DayOfWeekName => {
                self.name(&DAYS)?;
                self.fields.has_week_day = true;
            }
            Letter::AmPm => self.fields.afternoon = Some(self.name(&["AM", "PM"])? == 1),
            Letter::ZoneName | Letter::ZoneOffset => self.zone()?,
            Letter::IsoZone => self.iso_zone(count)?,
            Letter::Number(kind) => {
                let end = obeys_count.then_some(start + count);
                let (number, digits) = self.number(end)?;
                if kind == Number::Year && count <= 2 && digits == 2 {
                    return Err(FormatError::TwoDigitYear);
                }
                self.fields.set(kind, number.into());
            }
        }
        Ok(())
    }

    /// A number up to `end`, which the text must reach, and how long it is.
    fn number(&mut self, end: Option<usize>) -> Result<(i32, usize), FormatError> {
        let end = end.unwrap_or(self.text.len());
        let text = self.text.get(self.position..end);
        let text = text.ok_or_else(|| self.mismatch())?;
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let rest = unsigned.trim_start_matches(|char: char| char.is_ascii_digit());
        let digits = &unsigned[..unsigned.len() - rest.len()];
        if digits.is_empty() {
            return Err(self.mismatch());
        }
        let length = text.len() - rest.len();
        self.position += length;
        let number = digits.parse::<i64>().unwrap_or(i64::MAX);
        let number = if text.starts_with('-') {
            -number
        } else {
            number
        };
        #[expect(clippy::cast_possible_truncation, reason = "as `Number.intValue`")]
        Ok((number as i32, length))
    }

    /// Which of the names comes next, whole or its first three letters, in any case.
    fn name(&mut self, names: &[&str]) -> Result<usize, FormatError> {
        let rest = self.rest();
        let starts_with = |name: &str| {
            let start = rest.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        for length in [usize::MAX, 3] {
            for (index, name) in names.iter().enumerate() {
                let name = &name[..name.len().min(length)];
                if starts_with(name) {
                    self.position += name.len();
                    return Ok(index);
                }
            }
        }
        Err(self.mismatch())
    }

    /// `z` and `Z`: UTC, GMT, GMT+h:mm or +hhmm. Other names of zones are not known.
    fn zone(&mut self) -> Result<(), FormatError> {
        let named = self.name(&["UTC", "GMT"]);
        let is_gmt = named == Ok(1);
        match (named, self.sign()) {
            (Ok(1) | Err(_), Some(sign)) => {
                let offset = self.offset(is_gmt, is_gmt, true)?;
                self.fields.offset_minutes = sign * offset;
                Ok(())
            }
            (Ok(_), _) => {
                self.fields.offset_minutes = 0;
                Ok(())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// `X`: Z, or +hh, +hhmm or +hh:mm, by the number of letters.
    fn iso_zone(&mut self, count: usize) -> Result<(), FormatError> {
        if self.rest().starts_with('Z') {
            self.position += 1;
            self.fields.offset_minutes = 0;
            return Ok(());
        }
        let sign = self.sign().ok_or_else(|| self.mismatch())?;
        self.fields.offset_minutes = sign * self.offset(count == 3, false, count > 1)?;
        Ok(())
    }

    /// Steps over a sign, if one comes next before something else.
    fn sign(&mut self) -> Option<i64> {
        let sign = match self.rest().bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.position += 1;
        Some(sign)
    }

    /// `subParseNumericZone`, in minutes.
    fn offset(
        &mut self,
        colon: bool,
        short_hour: bool,
        has_minutes: bool,
    ) -> Result<i64, FormatError> {
        let mut hours = self.digit()?;
        match self.digit() {
            Ok(second) => hours = hours * 10 + second,
            Err(error) if !short_hour => return Err(error),
            Err(_) => {}
        }
        if !has_minutes {
            return if hours > 23 {
                Err(self.mismatch())
            } else {
                Ok(hours * 60)
            };
        }
        if colon {
            self.literal(":")?;
        }
        let minutes = self.digit()? * 10 + self.digit()?;
        if hours > 23 || minutes > 59 {
            return Err(self.mismatch());
        }
        Ok(hours * 60 + minutes)
    }

    fn digit(&mut self) -> Result<i64, FormatError> {
        let digit = self.rest().bytes().next().filter(u8::is_ascii_digit);
        let digit = digit.ok_or_else(|| self.mismatch())?;
        self.position += 1;
        Ok(i64::from(digit - b'0'))
    }
}

/// What was read; of fields that exclude each other, the last one counts.
struct Fields {
    year: i64,
    is_bc: bool,
    month: i64,
    day: Option<Day>,
    has_week_day: bool,
    hour: Option<i64>,
    half_day_hour: Option<i64>,
    /// Whether it was PM that was read.
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    millisecond: i64,
    offset_minutes: i64,
}

enum Day {
    OfMonth(i64),
    OfYear(i64),
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            year: 1970,
            is_bc: false,
            month: 1,
            day: None,
            has_week_day: false,
            hour: None,
            half_day_hour: None,
            afternoon: None,
            minute: 0,
            second: 0,
            millisecond: 0,
            offset_minutes: 0,
        }
    }
}

impl Fields {
    fn set(&mut self, kind: Number, number: i64) {
        match kind {
            Number::Year => self.year = number,
            Number::Month => self.month = number,
            Number::DayOfMonth => self.day = Some(Day::OfMonth(number)),
            Number::DayOfYear => self.day = Some(Day::OfYear(number)),
            Number::DayOfWeekInMonth | Number::DayOfWeek => self.has_week_day = true,
            Number::Hour => self.hour = Some(number),
            Number::HourFromOne => self.hour = Some(if number == 24 { 0 } else { number }),
            Number::HalfDayHour => self.half_day_hour = Some(number),
            Number::HalfDayHourFromOne => {
                self.half_day_hour = Some(if number == 12 { 0 } else { number });
            }
            Number::Minute => self.minute = number,
            Number::Second => self.second = number,
            Number::Millisecond => self.millisecond = number,
        }
    }

    fn moment(&self) -> Result<i64, FormatError> {
        let year = if self.is_bc { 1 - self.year } else { self.year };
        let days = match self.day {
            None if self.has_week_day => return Err(FormatError::WeekDay),
            None => day_of(year, self.month, 1),
            Some(Day::OfMonth(day)) => day_of(year, self.month, day),
            Some(Day::OfYear(day)) => day_of(year, 1, day),
        };
        let hours = match (self.hour, self.half_day_hour, self.afternoon) {
            (Some(hour), None, _) | (Some(hour), _, None) => hour,
            (_, hour, afternoon) => {
                hour.unwrap_or(0) + if afternoon == Some(true) { 12 } else { 0 }
            }
        };
        let minutes = (days * 24 + hours) * 60 + self.minute - self.offset_minutes;
        let milliseconds = i128::from(minutes * 60 + self.second) * 1000;
        #[expect(clippy::cast_possible_truncation, reason = "as Java's calendar")]
        Ok((milliseconds + i128::from(self.millisecond)) as i64)
    }
}
