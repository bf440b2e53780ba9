//! `bytea`: `\xdeadbeef`, or `bytea_output=escape`: `abc\000\\`.

use super::Malformed;

const MALFORMED: Malformed = Malformed("bytea");

/// The digits, if the text is in hexadecimal form.
#[must_use]
pub fn hex_digits(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"\\x")
}

/// Hands the decoded bytes to `take`; short ones never touch the heap.
pub fn decode<R>(text: &[u8], take: impl FnOnce(&[u8]) -> R) -> Result<R, Malformed> {
    let mut short = [0; 256];
    let mut long = Vec::new();
    // Neither form is shorter than what it stands for.
    let out = match short.get_mut(..text.len()) {
        Some(short) => short,
        None => {
            long.resize(text.len(), 0);
            &mut long[..]
        }
    };
    let length = match hex_digits(text) {
        Some(digits) => decode_hex(digits, out),
        None => decode_escape(text, out),
    };
    length.map(|length| take(&out[..length])).ok_or(MALFORMED)
}

fn decode_hex(digits: &[u8], out: &mut [u8]) -> Option<usize> {
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    for (pair, byte) in pairs.iter().zip(out) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(pairs.len())
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn decode_escape(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    let mut rest = text;
    while let [first, after @ ..] = rest {
        (out[length], rest) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (
                b'\\',
                [
                    a @ b'0'..=b'3',
                    b @ b'0'..=b'7',
                    c @ b'0'..=b'7',
                    after @ ..,
                ],
            ) => ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), after),
            (b'\\', _) => return None,
            (plain, after) => (*plain, after),
        };
        length += 1;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8]) -> Result<Vec<u8>, Malformed> {
        decode(text, <[u8]>::to_vec)
    }

    #[test]
    fn both_forms_are_decoded() {
        assert_eq!(decoded(b"\\x"), Ok(vec![]));
        assert_eq!(
            decoded(b"\\x00DEadbeef"),
            Ok(vec![0, 0xDE, 0xAD, 0xBE, 0xEF])
        );
        assert_eq!(
            decoded(b"abc\\000\\377\\\\x"),
            Ok(b"abc\x00\xFF\\x".to_vec())
        );
        assert_eq!(
            decoded(&[&b"\\x"[..], &[b'0'; 1000]].concat()),
            Ok(vec![0; 500])
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [&b"\\x0"[..], b"\\xzz", b"\\", b"\\9", b"\\400"] {
            assert_eq!(decoded(text), Err(MALFORMED));
        }
    }
}
