//! `bit` and `varbit`: `10101`.

use super::Malformed;

const MALFORMED: Malformed = Malformed("bit string");

/// Whether any bit is set.
pub fn any(text: &[u8]) -> Result<bool, Malformed> {
    text.iter()
        .try_fold(false, |any, &bit| Ok(is_set(bit)? | any))
}

/// Hands the bits to `take` as `BitSet.toByteArray` gives them: the last bit first, and nothing above the highest that is set.
/// Short strings never touch the heap.
pub fn decode<R>(text: &[u8], take: impl FnOnce(&[u8]) -> R) -> Result<R, Malformed> {
    let mut short = [0; 64];
    let mut long = Vec::new();
    let byte_count = text.len().div_ceil(8);
    let out = match short.get_mut(..byte_count) {
        Some(short) => short,
        None => {
            long.resize(byte_count, 0);
            &mut long[..]
        }
    };
    for (place, &bit) in text.iter().rev().enumerate() {
        out[place / 8] |= u8::from(is_set(bit)?) << (place % 8);
    }
    let length = out
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    Ok(take(&out[..length]))
}

fn is_set(bit: u8) -> Result<bool, Malformed> {
    match bit {
        b'0' => Ok(false),
        b'1' => Ok(true),
        _ => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_become_little_endian_bytes_without_zeros_at_the_end() {
        for (text, expected) in [
            ("", &[][..]),
            ("000", &[]),
            ("101", &[5]),
            ("10000001", &[0x81]),
            ("100000001", &[1, 1]),
            ("000000001", &[1]),
        ] {
            assert_eq!(
                decode(text.as_bytes(), <[u8]>::to_vec),
                Ok(expected.to_vec()),
                "{text}"
            );
        }
        let long = decode(&[b'1'; 1000], <[u8]>::to_vec).unwrap();
        assert_eq!(long, [0xFF; 125]);
        assert_eq!(decode(b"102", <[u8]>::len), Err(MALFORMED));
        assert_eq!(any(b"001"), Ok(true));
        assert_eq!(any(b"0"), Ok(false));
    }
}
