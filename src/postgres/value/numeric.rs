//! `numeric`: `-1234.50`, `0`, `NaN`, `Infinity`.

use num_bigint::BigInt;

use super::Malformed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numeric<'a> {
    Finite(Decimal<'a>),
    NaN,
    Infinity,
    NegativeInfinity,
}

/// The digits of a number, left and right of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal<'a> {
    text: &'a [u8],
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> Numeric<'a> {
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        match text {
            b"NaN" => Ok(Self::NaN),
            b"Infinity" => Ok(Self::Infinity),
            b"-Infinity" => Ok(Self::NegativeInfinity),
            _ => Decimal::parse(text).map(Self::Finite),
        }
    }
}

impl<'a> Decimal<'a> {
    pub const ZERO: Self = Self {
        text: b"0",
        negative: false,
        whole: b"0",
        fraction: b"",
    };

    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        let (negative, unsigned) = text
            .strip_prefix(b"-")
            .map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = match unsigned.iter().position(|&byte| byte == b'.') {
            Some(point) => (&unsigned[..point], &unsigned[point + 1..]),
            None => (unsigned, &[][..]),
        };
        let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(Malformed("numeric"));
        }
        Ok(Self {
            text,
            negative,
            whole,
            fraction,
        })
    }

    /// Digits after the point.
    #[must_use]
    pub fn scale(&self) -> usize {
        self.fraction.len()
    }

    /// Without the zeros at the end of the fraction.
    #[must_use]
    pub fn stripped(self) -> Self {
        let end = self.fraction.iter().rposition(|&digit| digit != b'0');
        Self {
            fraction: &self.fraction[..end.map_or(0, |last| last + 1)],
            ..self
        }
    }

    /// Hands `take` the number as `BigDecimal.toPlainString` spells it, with at least `scale` digits after the point.
    pub fn with_text<R>(&self, scale: usize, take: impl FnOnce(&[u8]) -> R) -> R {
        let missing = scale.saturating_sub(self.fraction.len());
        if missing == 0 {
            return take(self.text);
        }
        let point: &[u8] = if self.fraction.is_empty() { b"." } else { b"" };
        take(&[self.text, point, &b"0".repeat(missing)].concat())
    }

    /// The number × 10^`scale`, or `None` if digits other than 0 would be lost.
    #[must_use]
    pub fn unscaled(&self, scale: usize) -> Option<Unscaled> {
        let (kept, dropped) = self.fraction.split_at(self.fraction.len().min(scale));
        if dropped.iter().any(|&digit| digit != b'0') {
            return None;
        }
        Some(self.join(kept, scale - kept.len()))
    }

    /// The number × 10^`scale`, rounded half away from zero.
    #[must_use]
    pub fn unscaled_rounded(&self, scale: usize) -> Unscaled {
        let (kept, dropped) = self.fraction.split_at(self.fraction.len().min(scale));
        let truncated = self.join(kept, scale - kept.len());
        match dropped.first() {
            Some(b'5'..) => {
                let one = BigInt::from(if self.negative { -1 } else { 1 });
                Unscaled::big(&(BigInt::from_signed_bytes_be(truncated.as_bytes()) + one))
            }
            _ => truncated,
        }
    }

    fn join(&self, fraction: &[u8], zeros: usize) -> Unscaled {
        let digits = || self.whole.iter().chain(fraction);
        match self.whole.len() + fraction.len() + zeros {
            // 10^18 fits 64 bits, 10^38 fits 128.
            ..=18 => {
                let number = digits().fold(0, |number: i64, digit| {
                    number * 10 + i64::from(digit - b'0')
                });
                let number = (0..zeros).fold(number, |number, _| number * 10);
                Unscaled::small((if self.negative { -number } else { number }).into())
            }
            19..=38 => {
                let number = digits().fold(0, |number: i128, digit| {
                    number * 10 + i128::from(digit - b'0')
                });
                let number = (0..zeros).fold(number, |number, _| number * 10);
                Unscaled::small(if self.negative { -number } else { number })
            }
            _ => {
                let mut text = Vec::with_capacity(self.whole.len() + fraction.len() + zeros + 1);
                text.extend_from_slice(if self.negative { b"-" } else { b"" });
                text.extend(digits());
                text.resize(text.len() + zeros, b'0');
                Unscaled::big(&BigInt::parse_bytes(&text, 10).expect("digits are a number"))
            }
        }
    }
}

/// An integer as `BigInteger.toByteArray` gives it: big-endian two's complement, no byte more than needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscaled(Bytes);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Bytes {
    Small { bytes: [u8; 16], start: usize },
    Large(Vec<u8>),
}

impl Unscaled {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Small { bytes, start } => &bytes[*start..],
            Bytes::Large(bytes) => bytes,
        }
    }

    fn small(number: i128) -> Self {
        // The bits that only repeat the sign; one of them must stay.
        let sign_bits = if number < 0 {
            number.leading_ones()
        } else {
            number.leading_zeros()
        };
        let start = (sign_bits as usize - 1) / 8;
        Self(Bytes::Small {
            bytes: number.to_be_bytes(),
            start,
        })
    }

    fn big(number: &BigInt) -> Self {
        Self(Bytes::Large(number.to_signed_bytes_be()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finite(text: &str) -> Decimal<'_> {
        match Numeric::parse(text.as_bytes()) {
            Ok(Numeric::Finite(decimal)) => decimal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn special_values_are_not_numbers() {
        assert_eq!(Numeric::parse(b"NaN"), Ok(Numeric::NaN));
        assert_eq!(Numeric::parse(b"Infinity"), Ok(Numeric::Infinity));
        assert_eq!(Numeric::parse(b"-Infinity"), Ok(Numeric::NegativeInfinity));
        for text in ["", "-", ".", "1e5", "1.2.3", "+1", "1,5", "nan"] {
            assert!(Numeric::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn digits_are_never_lost_silently() {
        assert_eq!(finite("1.239").unscaled(2), None);
        assert_eq!(finite("1.230").unscaled(2).unwrap().as_bytes(), [123]);
        assert_eq!(finite("1.235").unscaled_rounded(2).as_bytes(), [124]);
        assert_eq!(finite("-1.235").unscaled_rounded(2).as_bytes(), [0x84]);
        assert_eq!(finite("1.234").unscaled_rounded(2).as_bytes(), [123]);
    }

    #[test]
    fn stripping_leaves_whole_numbers_alone() {
        assert_eq!(finite("1.10").stripped().scale(), 1);
        assert_eq!(finite("100").stripped(), finite("100"));
        assert_eq!(finite("1.5").with_text(3, <[u8]>::to_vec), b"1.500");
        assert_eq!(finite("-15").with_text(2, <[u8]>::to_vec), b"-15.00");
        assert_eq!(
            finite("0.00").stripped().unscaled(0).unwrap().as_bytes(),
            [0]
        );
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_a_big_integer(text in "-?[0-9]{1,45}", fraction in "[0-9]{0,30}", zeros in 0_usize..30) {
            let expected: BigInt = format!("{text}{fraction}{}", "0".repeat(zeros)).parse().unwrap();
            let number = format!("{text}.{fraction}");
            let unscaled = finite(&number).unscaled(fraction.len() + zeros).unwrap();
            prop_assert_eq!(unscaled.as_bytes(), expected.to_signed_bytes_be());
        }

        #[test]
        fn small_numbers_take_no_byte_too_many(number: i64) {
            let text = number.to_string();
            let unscaled = finite(&text).unscaled(0).unwrap();
            prop_assert_eq!(unscaled.as_bytes(), BigInt::from(number).to_signed_bytes_be());
        }
    }
}
