//! Masks of exposed columns, and the last net: card numbers never leave, wherever they stand.

use std::net::IpAddr;

use openssl::sha::Sha256;
use serde::Deserialize;

/// How a column's values leave the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    Plain,
    Last4,
    /// What PCI DSS 3.4.1 allows to be displayed of a card number.
    First6Last4,
    /// The network of an address: /24 of IPv4, /48 of IPv6.
    Ip24,
    /// The first letter and the domain.
    Email,
    /// Eight hexadecimal digits that are the same for the same value; keyed, so that they cannot be looked up.
    Hash8,
}

/// Card numbers have 13 to 19 digits (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const HIDDEN: char = '•';

impl Mask {
    /// The value as it may be shown. `key` is a secret of the installation, for [`Mask::Hash8`].
    #[must_use]
    pub fn apply(self, value: &str, key: &[u8]) -> String {
        match self {
            Self::Plain => hide_card_numbers(value),
            Self::Last4 => ends(value, 0, 4),
            Self::First6Last4 => ends(value, 6, 4),
            Self::Ip24 => network(value),
            Self::Email => email(value),
            Self::Hash8 => hash(value, key),
        }
    }
}

/// All digits but the last four of whatever looks like a card number: 13 to 19 digits, single spaces or dashes between them,
/// that pass the Luhn check.
#[must_use]
pub fn hide_card_numbers(text: &str) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits < *CARD_DIGITS.start() {
        return text.to_owned();
    }
    let mut characters: Vec<char> = text.chars().collect();
    let mut start = 0;
    while start < characters.len() {
        if !characters[start].is_ascii_digit() {
            start += 1;
            continue;
        }
        let run = digit_run(&characters, start);
        hide_in_run(&mut characters, &run);
        start = run.last().map_or(start, |last| *last) + 1;
    }
    characters.into_iter().collect()
}

/// Where the digits are that follow each other with at most one space or dash between them.
fn digit_run(characters: &[char], start: usize) -> Vec<usize> {
    let mut run = vec![start];
    let mut at = start + 1;
    while let Some(character) = characters.get(at) {
        let next_is_digit = characters.get(at + 1).is_some_and(char::is_ascii_digit);
        if character.is_ascii_digit() {
            run.push(at);
        } else if !(matches!(character, ' ' | '-' | '\u{a0}') && next_is_digit) {
            break;
        }
        at += 1;
    }
    run
}

fn hide_in_run(characters: &mut [char], run: &[usize]) {
    // Longer runs are no card number as a whole, and any ten windows of one hold a valid one by chance.
    if !CARD_DIGITS.contains(&run.len()) {
        return;
    }
    let digits: Vec<u32> = run
        .iter()
        .filter_map(|&at| characters[at].to_digit(10))
        .collect();
    if is_luhn_valid(&digits) {
        for &at in &run[..run.len() - 4] {
            characters[at] = HIDDEN;
        }
    }
}

fn is_luhn_valid(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            if place % 2 == 1 {
                doubled(digit)
            } else {
                digit
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The first and last characters, where at least as many stay hidden as are shown.
fn ends(value: &str, first: usize, last: usize) -> String {
    let characters: Vec<char> = value.chars().collect();
    let (first, last) = match characters.len() {
        length if length >= first + last + 3 => (first, last),
        length if length >= 2 * last && last > 0 => (0, last),
        _ => (0, 0),
    };
    let begin: String = characters[..first].iter().collect();
    let end: String = characters[characters.len() - last..].iter().collect();
    format!("{begin}{HIDDEN}{HIDDEN}{HIDDEN}{end}")
}

fn network(value: &str) -> String {
    let address = value.split_once('/').map_or(value, |(address, _)| address);
    match address.trim().parse() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => ends(value, 0, 0),
    }
}

fn email(value: &str) -> String {
    match value.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && domain.contains('.') => {
            let first: String = local.chars().take(1).collect();
            format!(
                "{first}{HIDDEN}{HIDDEN}{HIDDEN}@{}",
                hide_card_numbers(domain)
            )
        }
        Some(_) | None => ends(value, 0, 0),
    }
}

fn hash(value: &str, key: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(&(key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(value.as_bytes());
    let [a, b, c, d, ..] = hash.finish();
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_show_what_they_promise_and_no_more() {
        for (mask, value, shown) in [
            (Mask::Last4, "4111111111111111", "•••1111"),
            (Mask::Last4, "1234567", "•••4567"),
            (Mask::Last4, "123456", "•••"),
            (Mask::First6Last4, "4111111111111111", "411111•••1111"),
            (Mask::First6Last4, "123456789012", "•••9012"),
            (Mask::First6Last4, "", "•••"),
            (Mask::Ip24, "203.0.113.77", "203.0.113.0/24"),
            (Mask::Ip24, "203.0.113.77/32", "203.0.113.0/24"),
            (Mask::Ip24, "2001:db8:1:2::9", "2001:db8:1::/48"),
            (Mask::Ip24, "not an address", "•••"),
            (Mask::Email, "jane.doe@example.com", "j•••@example.com"),
            (Mask::Email, "é@example.com", "é•••@example.com"),
            (Mask::Email, "nobody", "•••"),
            (Mask::Plain, "order 17", "order 17"),
            (
                Mask::Plain,
                "card 4111 1111 1111 1111",
                "card •••• •••• •••• 1111",
            ),
        ] {
            assert_eq!(mask.apply(value, b"k"), shown, "{mask:?} of {value}");
        }
    }

    #[test]
    fn a_hash_is_stable_and_keyed() {
        let hash = |value, key: &[u8]| Mask::Hash8.apply(value, key);
        assert_eq!(hash("u1", b"a"), hash("u1", b"a"));
        assert_ne!(hash("u1", b"a"), hash("u1", b"b"));
        assert_ne!(hash("u1", b"a"), hash("u2", b"a"));
        assert_eq!(hash("u1", b"a").len(), 8);
    }

    #[test]
    fn card_numbers_are_hidden_in_every_writing() {
        // Test numbers of the card schemes: 13, 15, 16 and 19 digits.
        for (text, shown) in [
            ("4222222222222", "•••••••••2222"),
            ("378282246310005", "•••••••••••0005"),
            ("5555-5555-5555-4444.", "••••-••••-••••-4444."),
            (
                "4111 1111 1111 1111 and 4111111111111111",
                "•••• •••• •••• 1111 and ••••••••••••1111",
            ),
            ("x4111111111111111y", "x••••••••••••1111y"),
            ("6304000000000000000", "•••••••••••••••0000"),
            ("63040000000000000000", "63040000000000000000"),
            ("4111111111111112", "4111111111111112"),
            ("12345", "12345"),
        ] {
            assert_eq!(hide_card_numbers(text), shown);
        }
    }
}
