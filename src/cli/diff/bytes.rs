//! Bytes made comparable: the topic prefix replaced, the parts that differ in every run cut out. Nothing is parsed and printed
//! again, so that field order and spelling stay what they are.

use std::borrow::Cow;

use super::volatile::Span;

/// Stands for the prefix and for a part that was cut out; a control character is never raw in JSON.
const PLACEHOLDER: u8 = 1;

/// Replaces the prefix wherever it stands as a word: in schema names, in `source.name`, in headers and keys.
pub(super) fn without_prefix<'a>(bytes: &'a [u8], prefix: &str) -> Cow<'a, [u8]> {
    let prefix = prefix.as_bytes();
    if prefix.is_empty() {
        return Cow::Borrowed(bytes);
    }
    let mut replaced = Vec::new();
    let mut copied = 0;
    for found in memchr::memmem::find_iter(bytes, prefix) {
        let end = found + prefix.len();
        let before = found.checked_sub(1).and_then(|at| bytes.get(at));
        let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if is_word(before) || is_word(bytes.get(end)) {
            continue;
        }
        replaced.extend_from_slice(&bytes[copied..found]);
        replaced.push(PLACEHOLDER);
        copied = end;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    replaced.extend_from_slice(&bytes[copied..]);
    Cow::Owned(replaced)
}

/// What must be equal on both sides. `spans` are in the order of their positions.
pub(super) fn comparable(bytes: &[u8], spans: &[Span], prefix: &str) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    for span in spans {
        kept.extend_from_slice(&without_prefix(&bytes[copied..span.start], prefix));
        kept.push(PLACEHOLDER);
        copied = span.end;
    }
    kept.extend_from_slice(&without_prefix(&bytes[copied..], prefix));
    kept
}

/// The topic's name without the connector's own prefix, for people: `*.public.orders`.
pub(super) fn topic_pattern(topic: &str, prefix: &str) -> String {
    if topic == prefix {
        return "*".to_owned();
    }
    if let Some(rest) = topic.strip_prefix(prefix)
        && rest.starts_with('.')
    {
        return format!("*{rest}");
    }
    match topic.strip_suffix(prefix) {
        Some(start) if start.ends_with('.') => format!("{start}*"),
        _ => topic.to_owned(),
    }
}

/// Whether two different spellings are the same number, as Debezium's Java spells it: JDK 17 prints a digit more than
/// needed for some doubles and floats (JDK-4511638), JDK 19 and everybody else the shortest form.
pub(super) fn is_same_number(left: &[u8], right: &[u8]) -> bool {
    let (Some(left), Some(right)) = (JavaFloat::parse(left), JavaFloat::parse(right)) else {
        return false;
    };
    if left.is_scientific != right.is_scientific {
        return false;
    }
    let as_double = |number: &JavaFloat<'_>| number.text.parse().map(f64::to_bits).ok();
    let as_float = |number: &JavaFloat<'_>| number.text.parse().map(f32::to_bits).ok();
    if as_double(&left) == as_double(&right) {
        return true;
    }
    // A float has up to nine digits; one spelled too long has one digit more than needed.
    let are_floats = left.digits <= 9 && right.digits <= 9;
    let are_close = left.digits.abs_diff(right.digits) <= 1;
    are_floats && are_close && as_float(&left) == as_float(&right)
}

/// `-?D+.D+` or `-?D.D+E-?D+` without needless zeros, the only shapes that Java prints.
struct JavaFloat<'a> {
    text: &'a str,
    digits: usize,
    is_scientific: bool,
}

impl<'a> JavaFloat<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (mantissa, exponent) = match text.split_once('E') {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (whole, fraction) = mantissa.split_once('.')?;
        let whole = unsigned(whole);
        let is_java = is_digits(whole)
            && is_digits(fraction)
            && (fraction == "0" || !fraction.ends_with('0'))
            && exponent.is_none_or(|exponent| whole.len() == 1 && is_digits(unsigned(exponent)));
        is_java.then_some(Self {
            text,
            digits: whole.len() + fraction.len(),
            is_scientific: exponent.is_some(),
        })
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix('-').unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> String {
        String::from_utf8(without_prefix(text.as_bytes(), "cdc").into_owned()).unwrap()
    }

    #[test]
    fn a_prefix_is_replaced_only_where_it_is_a_word() {
        assert_eq!(
            replaced(r#""name":"cdc","n":"cdc.t.Key""#),
            "\"name\":\"\u{1}\",\"n\":\"\u{1}.t.Key\""
        );
        assert_eq!(
            replaced("__debezium-heartbeat.cdc"),
            "__debezium-heartbeat.\u{1}"
        );
        assert_eq!(replaced("acdc cdcd cdc2"), "acdc cdcd cdc2");
    }

    #[test]
    fn topics_of_both_sides_meet_under_one_name() {
        assert_eq!(topic_pattern("cdc.public.t", "cdc"), "*.public.t");
        assert_eq!(
            topic_pattern("__debezium-heartbeat.cdc", "cdc"),
            "__debezium-heartbeat.*"
        );
        assert_eq!(topic_pattern("cdcx.public.t", "cdc"), "cdcx.public.t");
    }

    #[test]
    fn the_spellings_of_one_double_are_the_same_number() {
        // The first is what JDK 17 prints, the second the shortest text of the same bits.
        assert!(is_same_number(
            b"5.6843418860808015E-14",
            b"5.684341886080802E-14"
        ));
        assert!(is_same_number(b"1.9999999999999998E23", b"2.0E23"));
        assert!(is_same_number(b"9.999999999999999E22", b"1.0E23"));
        assert!(is_same_number(b"1.17549435E-38", b"1.1754944E-38"));
    }

    #[test]
    fn numbers_that_java_never_prints_or_that_differ_are_not_the_same() {
        assert!(!is_same_number(b"1e10", b"1.0E10"));
        assert!(!is_same_number(b"2.0E-3", b"0.002"));
        assert!(!is_same_number(b"10.0E9", b"1.0E10"));
        assert!(!is_same_number(b"1.50", b"1.5"));
        assert!(!is_same_number(b"10000000000", b"1.0E10"));
        assert!(!is_same_number(b"0.0", b"-0.0"));
        assert!(!is_same_number(b"0.1", b"0.10000000000000002"));
        assert!(!is_same_number(b"1.00000001", b"1.0"));
    }
}
