//! `java.math.BigDecimal`, as far as conversions need it.

use num_bigint::BigInt;

/// `unscaled` × 10^-`scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigDecimal {
    pub unscaled: BigInt,
    pub scale: i32,
}

impl BigDecimal {
    /// The constructor from a text; `None` is its `NumberFormatException`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let magnitude: BigInt = digits.parse().ok()?;
        let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
        Some(Self {
            unscaled: if mantissa.starts_with('-') {
                -magnitude
            } else {
                magnitude
            },
            scale: i32::try_from(scale).ok()?,
        })
    }

    /// `longValue`: the fraction is dropped, and so is what does not fit in 64 bits.
    #[must_use]
    pub fn long_value(&self) -> i64 {
        // From 10^64 on, the lowest 64 bits are zeros.
        if self.scale <= -64 {
            return 0;
        }
        let digits = self.unscaled.magnitude().to_string().len();
        if usize::try_from(self.scale).is_ok_and(|scale| scale >= digits) {
            return 0;
        }
        low_64_bits(&self.whole())
    }

    /// `doubleValue`.
    #[must_use]
    pub fn double_value(&self) -> f64 {
        let text = self.to_exponential();
        text.parse().expect("digits and an exponent are a number")
    }

    /// `floatValue`.
    #[must_use]
    pub fn float_value(&self) -> f32 {
        let text = self.to_exponential();
        text.parse().expect("digits and an exponent are a number")
    }

    /// `toBigIntegerExact`; `None` if there is a fraction, or more zeros than anyone writes.
    #[must_use]
    pub fn to_exact_integer(&self) -> Option<BigInt> {
        const MANY_ZEROS: i32 = 10_000;
        let zero = BigInt::ZERO;
        if self.unscaled == zero {
            return Some(zero);
        }
        if self.scale < -MANY_ZEROS {
            return None;
        }
        let scale = usize::try_from(self.scale).unwrap_or(0);
        if scale > self.unscaled.magnitude().to_string().len() {
            return None;
        }
        let whole = self.whole();
        let power = BigInt::from(10).pow(u32::try_from(scale).ok()?);
        (scale == 0 || &whole * power == self.unscaled).then_some(whole)
    }

    /// Without the fraction. Only for scales of a size that can be computed.
    fn whole(&self) -> BigInt {
        let power = BigInt::from(10).pow(self.scale.unsigned_abs());
        if self.scale > 0 {
            &self.unscaled / power
        } else {
            &self.unscaled * power
        }
    }

    fn to_exponential(&self) -> String {
        format!("{}e{}", self.unscaled, -i64::from(self.scale))
    }
}

fn low_64_bits(number: &BigInt) -> i64 {
    let fill = if number.sign() == num_bigint::Sign::Minus {
        0xFF
    } else {
        0
    };
    let mut low = [fill; 8];
    for (low, byte) in low.iter_mut().zip(number.to_signed_bytes_le()) {
        *low = byte;
    }
    i64::from_le_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `new BigDecimal(text)` has for `longValue` and `doubleValue`.
    #[test]
    fn numbers_are_read_and_narrowed_as_by_java() {
        for (text, long, double) in [
            ("1.50", 1, 1.5),
            ("-1.99", -1, -1.99),
            ("+7", 7, 7.0),
            (".5", 0, 0.5),
            ("5.", 5, 5.0),
            ("1e3", 1000, 1000.0),
            ("1E+70", 0, 1e70),
            ("1e-400", 0, 0.0),
            ("18446744073709551617", 1, 1.844_674_407_370_955_2e19),
            ("-9223372036854775809", i64::MAX, -9.223_372_036_854_776e18),
        ] {
            let number = BigDecimal::parse(text).unwrap();
            assert_eq!(number.long_value(), long, "{text}");
            assert_eq!(
                number.double_value().to_bits(),
                f64::to_bits(double),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "+", ".", "1e", "e1", "1 ", "0x1", "NaN", "1.2.3", "--1"] {
            assert_eq!(BigDecimal::parse(text), None, "{text}");
        }
    }
}
