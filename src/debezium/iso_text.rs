//! Texts of ISO 8601 as `java.time` formats them, put together on the stack.

use crate::connect::calendar::civil_from_days;

/// Longer than any date, time or duration.
const CAPACITY: usize = 128;

pub(super) struct IsoText {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Default for IsoText {
    fn default() -> Self {
        Self {
            bytes: [0; CAPACITY],
            length: 0,
        }
    }
}

impl IsoText {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    pub(super) fn number(&mut self, number: i64) {
        self.extend(itoa::Buffer::new().format(number).as_bytes());
    }

    /// `2024-02-29`; years need four digits, and a sign if they have more or are negative.
    pub(super) fn date(&mut self, (year, month, day): (i64, u32, u32)) {
        match year {
            0..=9999 => {
                self.pair(year / 100);
                self.pair(year % 100);
            }
            -9999..0 => {
                self.push(b'-');
                self.pair(-year / 100);
                self.pair(-year % 100);
            }
            _ => {
                if year > 0 {
                    self.push(b'+');
                }
                self.number(year);
            }
        }
        self.push(b'-');
        self.pair(month.into());
        self.push(b'-');
        self.pair(day.into());
    }

    /// `12:34:56`.
    pub(super) fn time(&mut self, second_of_day: i64) {
        self.pair(second_of_day / 3600);
        self.push(b':');
        self.pair(second_of_day / 60 % 60);
        self.push(b':');
        self.pair(second_of_day % 60);
    }

    /// `2024-02-29T12:34:56`, of seconds since 1970.
    pub(super) fn date_time(&mut self, seconds: i64) {
        self.date(civil_from_days(seconds.div_euclid(86_400)));
        self.push(b'T');
        self.time(seconds.rem_euclid(86_400));
    }

    /// A point and as many digits as are needed, none for 0.
    pub(super) fn fraction(&mut self, nanoseconds: u32) {
        if nanoseconds == 0 {
            return;
        }
        let (mut number, mut digits) = (nanoseconds, 9);
        while number.is_multiple_of(10) {
            number /= 10;
            digits -= 1;
        }
        self.push(b'.');
        self.padded(number, digits);
    }

    /// A point and that many digits of the fraction, none if there are to be none.
    pub(super) fn padded_fraction(&mut self, microseconds: u32, digits: u32) {
        if digits == 0 {
            return self.fraction(microseconds * 1000);
        }
        self.push(b'.');
        self.padded(microseconds / 10_u32.pow(6 - digits), digits);
    }

    fn padded(&mut self, number: u32, digits: u32) {
        let start = self.length;
        self.length += digits as usize;
        let mut number = number;
        for place in (start..self.length).rev() {
            self.bytes[place] = digit(number % 10);
            number /= 10;
        }
    }

    fn pair(&mut self, number: i64) {
        let number = u32::try_from(number).expect("two digits are not negative");
        self.push(digit(number / 10));
        self.push(digit(number % 10));
    }

    fn extend(&mut self, text: &[u8]) {
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
        self.length += text.len();
    }
}

fn digit(number: u32) -> u8 {
    b'0' + u8::try_from(number).expect("a digit is below 10")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(build: impl FnOnce(&mut IsoText)) -> String {
        let mut text = IsoText::default();
        build(&mut text);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn years_have_four_digits_or_a_sign() {
        for (year, expected) in [
            (2024, "2024-02-09"),
            (1, "0001-02-09"),
            (0, "0000-02-09"),
            (-43, "-0043-02-09"),
            (-12_345, "-12345-02-09"),
            (10_000, "+10000-02-09"),
        ] {
            assert_eq!(built(|text| text.date((year, 2, 9))), expected);
        }
    }

    #[test]
    fn fractions_are_as_short_as_possible_or_of_a_given_length() {
        assert_eq!(built(|text| text.fraction(0)), "");
        assert_eq!(built(|text| text.fraction(100_000_000)), ".1");
        assert_eq!(built(|text| text.fraction(1000)), ".000001");
        assert_eq!(built(|text| text.padded_fraction(120_000, 6)), ".120000");
        assert_eq!(built(|text| text.padded_fraction(120_000, 3)), ".120");
        assert_eq!(built(|text| text.padded_fraction(0, 0)), "");
        assert_eq!(built(|text| text.padded_fraction(120_000, 0)), ".12");
        assert_eq!(built(|text| text.date_time(-1)), "1969-12-31T23:59:59");
    }
}
