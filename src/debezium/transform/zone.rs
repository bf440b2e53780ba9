//! Time zones with the offsets of `java.time.zone.ZoneRules`.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

const SECONDS_PER_DAY: i64 = 86_400;

/// The calendar repeats itself, weekdays included.
const SECONDS_PER_400_YEARS: i64 = 146_097 * SECONDS_PER_DAY;

/// Java knows no offset beyond.
const MAX_OFFSET_SECONDS: i32 = 18 * 3600;

#[derive(Clone, Debug)]
pub(super) enum Zone {
    Offset(i32),
    Region(TimeZone),
}

impl Zone {
    /// `America/Los_Angeles`, `+08:00`, `-03:30:15`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with(['+', '-']) {
            return parse_offset(text).map(Self::Offset);
        }
        let zone = TimeZone::get(text).ok()?;
        // Java's names are case-sensitive.
        (zone.iana_name() == Some(text)).then_some(Self::Region(zone))
    }

    /// Seconds east of UTC at a moment, in seconds since 1970.
    pub(super) fn offset_at(&self, seconds: i64) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Region(zone) => zone.to_offset(in_range(seconds)).seconds(),
        }
    }

    /// Seconds east of UTC at a local time, in seconds since 1970-01-01 00:00 there. What the clock shows twice, or never,
    /// has the offset from before it was turned.
    pub(super) fn offset_at_local(&self, seconds: i64) -> i32 {
        match self {
            Self::Offset(offset) => *offset,
            Self::Region(zone) => {
                let local = Offset::UTC.to_datetime(in_range(seconds));
                let offset = match zone.to_ambiguous_timestamp(local).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => {
                        before
                    }
                };
                offset.seconds()
            }
        }
    }
}

/// `±HH:MM` or `±HH:MM:SS`, as seconds east of UTC.
pub(super) fn parse_offset(text: &str) -> Option<i32> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let mut seconds = 0;
    let mut units = [3600, 60, 1].into_iter();
    for part in text[1..].split(':') {
        let number: i32 = part.parse().ok().filter(|_| part.len() == 2)?;
        let unit = units.next()?;
        if unit < 3600 && number > 59 {
            return None;
        }
        seconds += number * unit;
    }
    let is_offset = units.len() < 2 && seconds <= MAX_OFFSET_SECONDS;
    is_offset.then_some(sign * seconds)
}

/// The same point in the rules of a zone, in the years that the zone database reaches: later years follow the last rules, all
/// earlier ones the first.
fn in_range(seconds: i64) -> Timestamp {
    let (min, max) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let margin = 2 * SECONDS_PER_DAY;
    let seconds = if seconds > max - margin {
        let beyond = seconds - (max - margin);
        seconds - (beyond / SECONDS_PER_400_YEARS + 1) * SECONDS_PER_400_YEARS
    } else {
        seconds.max(min + margin)
    };
    Timestamp::from_second(seconds).expect("it was brought into range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_java() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        // From `ZoneRules.getOffset`: 2024-03-31T02:30 is in the gap, 2024-10-27T02:30 there twice.
        for (local, expected) in [
            (1_711_852_200, 3600),
            (1_729_996_200, 7200),
            (1_719_792_000, 7200),
            (1_704_067_200, 3600),
        ] {
            assert_eq!(berlin.offset_at_local(local), expected, "{local}");
        }
        let summer_12024 = 1_719_792_000 + 25 * SECONDS_PER_400_YEARS;
        assert_eq!(berlin.offset_at(summer_12024), 7200);
        assert_eq!(
            berlin.offset_at(i64::MIN / 2),
            3208,
            "the mean time of Berlin"
        );
    }

    #[test]
    fn a_zone_is_a_region_or_an_offset() {
        for (text, expected) in [
            ("+08:00", 28_800),
            ("-03:30:15", -12_615),
            ("+18:00", 64_800),
        ] {
            assert_eq!(Zone::parse(text).unwrap().offset_at(0), expected);
        }
        for text in [
            "europe/berlin",
            "Mars/Olympus",
            "+8",
            "+19:00",
            "08:00",
            "+08:00:00:00",
            "",
        ] {
            assert!(Zone::parse(text).is_none(), "{text}");
        }
    }
}
