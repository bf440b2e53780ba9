//! Lengths of time as people write them: `10s`, `15m`, `1h`, `30d`.

use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Period(pub Duration);

#[derive(Debug, thiserror::Error)]
#[error("a period is a number and its unit: 500ms, 10s, 15m, 1h or 30d")]
pub struct NotAPeriod;

impl Period {
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl TryFrom<String> for Period {
    type Error = NotAPeriod;

    fn try_from(text: String) -> Result<Self, NotAPeriod> {
        let unit = text
            .find(|character: char| !character.is_ascii_digit())
            .ok_or(NotAPeriod)?;
        let (number, unit) = text.split_at(unit);
        let number: u64 = number.parse().map_err(|_| NotAPeriod)?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(NotAPeriod),
        };
        let period = number.checked_mul(milliseconds).ok_or(NotAPeriod)?;
        Ok(Self(Duration::from_millis(period)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_its_unit() {
        let period = |text: &str| {
            Period::try_from(text.to_owned())
                .ok()
                .map(|period| period.0)
        };
        assert_eq!(period("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(period("15m"), Some(Duration::from_secs(900)));
        assert_eq!(period("30d"), Some(Duration::from_secs(2_592_000)));
        for text in [
            "",
            "15",
            "m",
            "-1s",
            "1.5h",
            "1 h",
            "1w",
            "99999999999999999999s",
        ] {
            assert_eq!(period(text), None, "{text}");
        }
    }
}
