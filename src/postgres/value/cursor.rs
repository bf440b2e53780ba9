//! Reads a text of a fixed grammar from the left.

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes `literal` if it comes next.
    pub(super) fn take(&mut self, literal: &[u8]) -> bool {
        let Some(rest) = self.rest.strip_prefix(literal) else {
            return false;
        };
        self.rest = rest;
        true
    }

    /// As many digits as there are, as a number.
    pub(super) fn number(&mut self) -> Option<i64> {
        let length = self.digit_count();
        let (digits, rest) = self.rest.split_at(length);
        if !(1..=18).contains(&length) {
            return None;
        }
        self.rest = rest;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')),
        )
    }

    /// Two digits.
    pub(super) fn pair(&mut self) -> Option<u32> {
        let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] = self.rest else {
            return None;
        };
        self.rest = rest;
        Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
    }

    /// A point and up to six digits, as microseconds; 0 if there is no point.
    pub(super) fn microseconds(&mut self) -> Option<u32> {
        if !self.take(b".") {
            return Some(0);
        }
        let length = self.digit_count();
        let (digits, rest) = self.rest.split_at(length);
        if !(1..=6).contains(&length) {
            return None;
        }
        self.rest = rest;
        let number = digits
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        Some((length..6).fold(number, |number, _| number * 10))
    }

    fn digit_count(&self) -> usize {
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit());
        end.unwrap_or(self.rest.len())
    }
}
