//! `BigDecimal.toString`.

use num_bigint::BigInt;

/// Writes `unscaled` (big-endian two's complement) × 10^-`scale`.
pub(super) fn write_java(unscaled: &[u8], scale: i32, out: &mut Vec<u8>) {
    let text = BigInt::from_signed_bytes_be(unscaled).to_string();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |digits| ("-", digits));
    out.extend_from_slice(sign.as_bytes());
    let digits = digits.as_bytes();
    let length = i64::try_from(digits.len()).expect("a number has fewer than 2^63 digits");
    let adjusted = length - 1 - i64::from(scale);
    if scale == 0 {
        out.extend_from_slice(digits);
    } else if scale > 0 && adjusted >= -6 {
        write_plain(digits, scale.unsigned_abs() as usize, out);
    } else {
        write_scientific(digits, adjusted, out);
    }
}

fn write_plain(digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    if let Some(whole) = digits.len().checked_sub(scale).filter(|whole| *whole > 0) {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', scale - digits.len()));
        out.extend_from_slice(digits);
    }
}

fn write_scientific(digits: &[u8], exponent: i64, out: &mut Vec<u8>) {
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    if exponent != 0 {
        out.push(b'E');
        out.extend_from_slice(if exponent > 0 { b"+" } else { b"" });
        out.extend_from_slice(itoa::Buffer::new().format(exponent).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_spelled_as_java_does() {
        // `new BigDecimal(new BigInteger(…), …).toString()`, from the class's documentation.
        for (unscaled, scale, text) in [
            (123, 0, "123"),
            (-123, 0, "-123"),
            (123, -1, "1.23E+3"),
            (123, -3, "1.23E+5"),
            (123, 1, "12.3"),
            (123, 5, "0.00123"),
            (123, 10, "1.23E-8"),
            (-123, 12, "-1.23E-10"),
            (150, 2, "1.50"),
            (0, 2, "0.00"),
            (0, 7, "0E-7"),
            (1, 7, "1E-7"),
        ] {
            let mut out = Vec::new();
            write_java(
                &BigInt::from(unscaled).to_signed_bytes_be(),
                scale,
                &mut out,
            );
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
