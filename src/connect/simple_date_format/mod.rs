//! `java.text.SimpleDateFormat` in UTC and in English.

mod calendar;
mod read;
mod write;

/// A pattern, taken apart.
#[derive(Clone, Debug)]
pub struct SimpleDateFormat(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(String),
    Field(Letter, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letter {
    Era,
    MonthName,
    DayOfWeekName,
    AmPm,
    /// UTC or +0000 (`z` and `Z`).
    ZoneName,
    ZoneOffset,
    /// `X`.
    IsoZone,
    Number(Number),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Year,
    Month,
    DayOfMonth,
    DayOfYear,
    DayOfWeekInMonth,
    /// 1 is Monday.
    DayOfWeek,
    /// 0 to 23.
    Hour,
    /// 1 to 24.
    HourFromOne,
    /// 0 to 11.
    HalfDayHour,
    /// 1 to 12.
    HalfDayHourFromOne,
    Minute,
    Second,
    Millisecond,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("SimpleDateFormat knows no pattern letter '{0}'; text stands between single quotes")]
    Unknown(char),
    #[error(
        "the pattern letter '{0}' counts weeks as the Java process's locale does, which is not supported; years are 'y'"
    )]
    Weeks(char),
    #[error("the pattern has a single quote without its counterpart")]
    Quote,
    #[error("the text does not match the pattern at byte {0}")]
    Mismatch(usize),
    #[error("a year of two digits, whose century depends on the clock, cannot be read")]
    TwoDigitYear,
    #[error("a day of the week alone, or counted within its month, cannot be read")]
    WeekDay,
}

impl FormatError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unknown(_)
            | Self::Weeks(_)
            | Self::Quote
            | Self::Mismatch(_)
            | Self::TwoDigitYear
            | Self::WeekDay => false,
        }
    }
}

impl SimpleDateFormat {
    pub fn new(pattern: &str) -> Result<Self, FormatError> {
        let (mut items, mut rest) = (Vec::new(), pattern);
        while let Some(first) = rest.chars().next() {
            let length = if first == '\'' {
                let (text, length) = quoted(rest)?;
                add_literal(&mut items, &text);
                length
            } else if first.is_ascii_alphabetic() {
                let length = rest.len() - rest.trim_start_matches(first).len();
                items.push(Item::Field(Letter::new(first, length)?, length));
                length
            } else {
                add_literal(&mut items, first.encode_utf8(&mut [0; 4]));
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        Ok(Self(items))
    }
}

impl Letter {
    fn new(letter: char, count: usize) -> Result<Self, FormatError> {
        let number = match letter {
            'M' | 'L' if count >= 3 => return Ok(Self::MonthName),
            'G' => return Ok(Self::Era),
            'E' => return Ok(Self::DayOfWeekName),
            'a' => return Ok(Self::AmPm),
            'z' => return Ok(Self::ZoneName),
            'Z' => return Ok(Self::ZoneOffset),
            'X' => return Ok(Self::IsoZone),
            'y' => Number::Year,
            'M' | 'L' => Number::Month,
            'd' => Number::DayOfMonth,
            'D' => Number::DayOfYear,
            'F' => Number::DayOfWeekInMonth,
            'u' => Number::DayOfWeek,
            'H' => Number::Hour,
            'k' => Number::HourFromOne,
            'K' => Number::HalfDayHour,
            'h' => Number::HalfDayHourFromOne,
            'm' => Number::Minute,
            's' => Number::Second,
            'S' => Number::Millisecond,
            'Y' | 'w' | 'W' => return Err(FormatError::Weeks(letter)),
            _ => return Err(FormatError::Unknown(letter)),
        };
        Ok(Self::Number(number))
    }
}

/// The text between the quotes at the start of `pattern`, and how long it is with them. Two quotes are one, everywhere.
fn quoted(pattern: &str) -> Result<(String, usize), FormatError> {
    if pattern.starts_with("''") {
        return Ok(("'".to_owned(), 2));
    }
    let (mut text, mut position) = (String::new(), 1);
    loop {
        let rest = &pattern[position..];
        let end = rest.find('\'').ok_or(FormatError::Quote)?;
        text.push_str(&rest[..end]);
        position += end + 1;
        if !pattern[position..].starts_with('\'') {
            return Ok((text, position));
        }
        text.push('\'');
        position += 1;
    }
}

fn add_literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(literal)) => literal.push_str(text),
        Some(Item::Field(..)) | None => items.push(Item::Literal(text.to_owned())),
    }
}

/// English names, as Java has them.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Monday.
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `java.tsv` is what `SimpleDateFormat` of Java 17 and 25 printed and read: F, pattern, milliseconds, text; and R, pattern,
    /// text, milliseconds or E for a `ParseException`.
    #[test]
    fn java_prints_and_reads_the_same() {
        let mut differences = Vec::new();
        for line in include_str!("java.tsv").lines() {
            let columns: Vec<_> = line.split('\t').collect();
            let [direction, pattern, input, expected] = columns[..] else {
                panic!("{line}");
            };
            let format = SimpleDateFormat::new(pattern).unwrap();
            let found = match direction {
                "F" => format.format(input.parse().unwrap()),
                _ => match format.parse(input) {
                    Ok(milliseconds) => milliseconds.to_string(),
                    Err(FormatError::TwoDigitYear | FormatError::WeekDay) => continue,
                    Err(_) => "E".to_owned(),
                },
            };
            if found != expected {
                differences.push(format!("{line}: {found}"));
            }
        }
        assert_eq!(differences, Vec::<String>::new());
    }

    #[test]
    fn letters_without_support_are_refused_by_name() {
        for (pattern, error) in [
            ("YYYY-MM-dd", FormatError::Weeks('Y')),
            ("ww", FormatError::Weeks('w')),
            ("yyyy-MM-ddThh", FormatError::Unknown('T')),
            ("yyyy'T", FormatError::Quote),
        ] {
            assert_eq!(SimpleDateFormat::new(pattern).unwrap_err(), error);
        }
    }
}
