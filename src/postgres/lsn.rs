//! A position in the write-ahead log.

use std::fmt;
use std::str::FromStr;

/// Byte position in the WAL (`pg_lsn`). Displayed as PostgreSQL does: `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    pub const ZERO: Self = Self(0);

    /// Debezium shows LSNs as Java longs.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "Debezium reinterprets the bits as a signed long")]
    pub fn as_i64(self) -> i64 {
        self.0 as i64
    }

    /// The LSN of a Java long.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "the inverse of `as_i64`")]
    pub fn from_i64(value: i64) -> Self {
        Self(value as u64)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// The text is not two hexadecimal numbers of at most 32 bits with a slash between them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an LSN like 16/B374D848")]
pub struct ParseLsnError(String);

impl FromStr for Lsn {
    type Err = ParseLsnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseLsnError(text.to_owned());
        let (high, low) = text.split_once('/').ok_or_else(error)?;
        let half = |digits: &str| u32::from_str_radix(digits, 16).map_err(|_| error());
        Ok(Self(u64::from(half(high)?) << 32 | u64::from(half(low)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_that_of_pg_lsn() {
        assert_eq!(Lsn(0x16_B374_D848).to_string(), "16/B374D848");
        assert_eq!("16/B374D848".parse(), Ok(Lsn(0x16_B374_D848)));
        assert!("16B374D848".parse::<Lsn>().is_err());
        assert!("1/123456789".parse::<Lsn>().is_err());
    }
}
