//! `money` in any `lc_monetary`: `$1,234.57`, `-$0.50`, `($1.00)`, `1.234,57 €`.

use super::Malformed;
use super::numeric::Decimal;

const MALFORMED: Malformed = Malformed("money");

/// Digits enough for 2^63 with every separator PostgreSQL may put between them.
const MAX_LENGTH: usize = 40;

/// A plain decimal text, ready for [`Decimal::parse`].
#[derive(Clone, Copy, Debug)]
pub struct Money {
    text: [u8; MAX_LENGTH],
    length: usize,
}

impl Money {
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let point = decimal_point(text);
        let mut money = Self {
            text: [0; MAX_LENGTH],
            length: 0,
        };
        if text.contains(&b'-') || text.contains(&b'(') {
            money.push(b'-')?;
        }
        for (index, &byte) in text.iter().enumerate() {
            if Some(index) == point {
                money.push(b'.')?;
            } else if byte.is_ascii_digit() {
                money.push(byte)?;
            }
        }
        money.decimal().map(|_| money)
    }

    /// The amount as `BigDecimal.toPlainString` spells it.
    #[must_use]
    pub fn as_text(&self) -> &[u8] {
        &self.text[..self.length]
    }

    pub fn decimal(&self) -> Result<Decimal<'_>, Malformed> {
        Decimal::parse(self.as_text()).map_err(|_| MALFORMED)
    }

    fn push(&mut self, byte: u8) -> Result<(), Malformed> {
        *self.text.get_mut(self.length).ok_or(MALFORMED)? = byte;
        self.length += 1;
        Ok(())
    }
}

/// Where the fraction begins. The text does not say which of point and comma that is: the last separator, unless it stands for
/// thousands because it comes more than once or three digits follow it and there is no other kind.
fn decimal_point(text: &[u8]) -> Option<usize> {
    let is_separator = |byte: &u8| matches!(byte, b'.' | b',');
    let first_digit = text.iter().position(u8::is_ascii_digit)?;
    let last_digit = text.iter().rposition(u8::is_ascii_digit)?;
    let number = &text[first_digit..=last_digit];
    let last = number.iter().rposition(is_separator)?;
    let (before, fraction) = (&number[..last], &number[last + 1..]);
    let has_other_kind = before
        .iter()
        .any(|byte| is_separator(byte) && *byte != number[last]);
    let repeats = before.contains(&number[last]);
    (!repeats && (has_other_kind || fraction.len() != 3)).then_some(first_digit + last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_is_guessed_from_the_separators() {
        for (text, expected) in [
            ("$1,234.57", "1234.57"),
            ("-$92,233,720,368,547,758.08", "-92233720368547758.08"),
            ("($1.00)", "-1.00"),
            ("$0.07", "0.07"),
            ("1.234,57 €", "1234.57"),
            ("-1 234,50 kr", "-1234.50"),
            ("¥1,235", "1235"),
            ("¥1,234,567", "1234567"),
            ("Fr. 12.50", "12.50"),
        ] {
            assert_eq!(
                Money::parse(text.as_bytes()).unwrap().as_text(),
                expected.as_bytes(),
                "{text}"
            );
        }
        assert!(Money::parse(b"$").is_err());
        assert!(Money::parse(&[b'1'; 50]).is_err());
    }
}
