//! Exact decimals: sums and comparisons of `numeric` of any length.
//!
//! `rust_decimal` ends at 28 digits and `bigdecimal` knows no `NaN` and no `Infinity`, which PostgreSQL's `numeric` has;
//! what is needed besides `num-bigint` is little.

use std::cmp::Ordering;
use std::fmt;
use std::ops::AddAssign;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};
use serde::{Deserialize, Serialize};

/// Digits left and right of the point that PostgreSQL's `numeric` can have
/// (<https://www.postgresql.org/docs/current/datatype-numeric.html>): an exponent cannot make us write more.
const MAX_WHOLE_DIGITS: i64 = 131_072;
const MAX_SCALE: i64 = 16_383;

/// A finite decimal: `unscaled` × 10^-`scale`. The scale is kept, `10.50` stays `10.50`; equality is that of the numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    unscaled: BigInt,
    scale: u32,
}

/// A `numeric` value, ordered as PostgreSQL orders them: `NaN` is equal to itself and greater than everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Amount {
    NegativeInfinity,
    Finite(Decimal),
    Infinity,
    NaN,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is not a decimal number")]
pub struct NotADecimal;

impl Decimal {
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.unscaled.sign() == Sign::Minus
    }

    fn at_scale(&self, scale: u32) -> BigInt {
        &self.unscaled * BigInt::from(10).pow(scale.saturating_sub(self.scale))
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self {
            unscaled: number.into(),
            scale: 0,
        }
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self {
            unscaled: number.into(),
            scale: 0,
        }
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            None => (text, 0),
            Some((number, exponent)) => (number, exponent.parse::<i64>().map_err(|_| NotADecimal)?),
        };
        let (sign, digits) = match number.as_bytes().first() {
            Some(b'-') => (Sign::Minus, &number[1..]),
            Some(b'+') => (Sign::Plus, &number[1..]),
            Some(_) | None => (Sign::Plus, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(NotADecimal);
        }
        let length = |part: &str| i64::try_from(part.len()).map_err(|_| NotADecimal);
        let scale = length(fraction)?.checked_sub(exponent).ok_or(NotADecimal)?;
        if scale > MAX_SCALE || length(whole)? > MAX_WHOLE_DIGITS || -scale > MAX_WHOLE_DIGITS {
            return Err(NotADecimal);
        }
        let mut digits = [whole, fraction].concat();
        let zeros = usize::try_from(-scale).unwrap_or(0);
        digits.extend(std::iter::repeat_n('0', zeros));
        let magnitude = BigInt::parse_bytes(digits.as_bytes(), 10).ok_or(NotADecimal)?;
        Ok(Self {
            unscaled: if sign == Sign::Minus {
                -magnitude
            } else {
                magnitude
            },
            scale: u32::try_from(scale).unwrap_or(0),
        })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        let scale = self.scale as usize;
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if self.is_negative() { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl TryFrom<String> for Decimal {
    type Error = NotADecimal;

    fn try_from(text: String) -> Result<Self, NotADecimal> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.unscaled.cmp(&other.unscaled);
        }
        let scale = self.scale.max(other.scale);
        self.at_scale(scale).cmp(&other.at_scale(scale))
    }
}

impl AddAssign<&Self> for Decimal {
    fn add_assign(&mut self, other: &Self) {
        let scale = self.scale.max(other.scale);
        if self.scale < scale {
            self.unscaled = self.at_scale(scale);
            self.scale = scale;
        }
        if other.scale == scale {
            self.unscaled += &other.unscaled;
        } else {
            self.unscaled += other.at_scale(scale);
        }
    }
}

impl Amount {
    fn rank(&self) -> u8 {
        match self {
            Self::NegativeInfinity => 0,
            Self::Finite(_) => 1,
            Self::Infinity => 2,
            Self::NaN => 3,
        }
    }
}

impl FromStr for Amount {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        match text {
            "NaN" => Ok(Self::NaN),
            "Infinity" => Ok(Self::Infinity),
            "-Infinity" => Ok(Self::NegativeInfinity),
            _ => text.parse().map(Self::Finite),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NegativeInfinity => f.write_str("-Infinity"),
            Self::Finite(decimal) => decimal.fmt(f),
            Self::Infinity => f.write_str("Infinity"),
            Self::NaN => f.write_str("NaN"),
        }
    }
}

impl TryFrom<String> for Amount {
    type Error = NotADecimal;

    fn try_from(text: String) -> Result<Self, NotADecimal> {
        text.parse()
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Finite(left), Self::Finite(right)) => left.cmp(right),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }
}

/// A number for people: thousands separated, `1,234.50`, and a number of many digits by its magnitude.
#[must_use]
pub fn grouped(amount: &Amount) -> String {
    let text = amount.to_string();
    let Amount::Finite(_) = amount else {
        return text;
    };
    let (sign, unsigned) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut out = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_keep_every_digit_and_their_scale() {
        let forty = "1234567890123456789012345678901234567890.000000000000000000000000000001";
        for text in [
            "0",
            "0.00",
            "10.50",
            "-0.001",
            "NaN",
            "Infinity",
            "-Infinity",
            forty,
        ] {
            assert_eq!(amount(text).to_string(), text);
        }
        assert_eq!(
            amount("1e-30").to_string(),
            format!("0.{}1", "0".repeat(29))
        );
        assert_eq!(amount("1.5E3").to_string(), "1500");
        assert_eq!(amount("+7").to_string(), "7");
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1,000",
            "1.2.3",
            "0x10",
            " 1",
            "1e",
            "1e99999999999",
            "1e200000",
            "1e-20000",
            "--1",
            "nan",
        ] {
            assert_eq!(text.parse::<Amount>(), Err(NotADecimal), "{text}");
        }
    }

    #[test]
    fn amounts_are_ordered_as_postgresql_orders_numeric() {
        // select x from (values …) order by x::numeric
        let ordered = [
            "-Infinity",
            "-500.01",
            "-1e-30",
            "0",
            "1e-30",
            "499.999",
            "500.00",
            "500.001",
            "Infinity",
            "NaN",
        ];
        for (left, right) in ordered.iter().zip(&ordered[1..]) {
            assert!(amount(left) < amount(right), "{left} < {right}");
        }
        assert_eq!(amount("500"), amount("500.00"));
        assert_eq!(amount("NaN"), amount("NaN"));
    }

    #[test]
    fn people_read_thousands() {
        for (text, read) in [
            ("1234567.50", "1,234,567.50"),
            ("-999", "-999"),
            ("-1000", "-1,000"),
            ("NaN", "NaN"),
            ("0.1", "0.1"),
        ] {
            assert_eq!(grouped(&amount(text)), read);
        }
    }

    proptest! {
        #[test]
        fn a_sum_is_that_of_the_integers(parts in prop::collection::vec((-1_000_000_000_i64..1_000_000_000, 0_u32..6), 0..50)) {
            let mut sum = Decimal::default();
            let mut expected = 0_i128;
            for (unscaled, scale) in parts {
                sum += &Decimal { unscaled: unscaled.into(), scale };
                expected += i128::from(unscaled) * 10_i128.pow(6 - scale);
            }
            prop_assert_eq!(sum, Decimal { unscaled: expected.into(), scale: 6 });
        }
    }
}
