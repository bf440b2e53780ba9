//! `Float.toString` and `Double.toString` of JDK 19 and later, which print the shortest digits that read back.

/// A finite number.
pub(super) fn write_f64(value: f64, out: &mut Vec<u8>) {
    // Java wants two digits if one would do; only subnormals with hardly any precision have a second digit that is not 0.
    if value.abs() < 1e-320 && value != 0.0 {
        return lay_out(&format!("{value:.1e}"), out);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    if is_plain(value.abs()) {
        // There zmij writes as Java does.
        return out.extend_from_slice(text.as_bytes());
    }
    lay_out(text, out);
}

/// A finite number.
pub(super) fn write_f32(value: f32, out: &mut Vec<u8>) {
    if value.abs() < 1e-42 && value != 0.0 {
        return lay_out(&format!("{value:.1e}"), out);
    }
    lay_out(zmij::Buffer::new().format_finite(value), out);
}

/// Any number.
pub(super) fn write_single(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        write_f32(value, out);
    } else {
        out.extend_from_slice(special(value.into()).as_bytes());
    }
}

/// Any number.
pub fn write(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        write_f64(value, out);
    } else {
        out.extend_from_slice(special(value).as_bytes());
    }
}

/// How Java spells what is not finite.
pub(super) fn special(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Whether Java writes a number of this size without an exponent.
fn is_plain(magnitude: f64) -> bool {
    (1e-3..1e7).contains(&magnitude)
}

/// Brings the digits of `text`, a number in any notation, into Java's: plain from 1e-3 up to 1e7, else with an exponent.
fn lay_out(text: &str, out: &mut Vec<u8>) {
    let (negative, unsigned) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    if negative {
        out.push(b'-');
    }
    let mut buffer = [0; 32];
    let (length, point) = significant_digits(unsigned, &mut buffer);
    let digits = &buffer[..length];
    if digits.is_empty() {
        out.extend_from_slice(b"0.0");
    } else if (-2..=7).contains(&point) {
        write_plain(digits, point, out);
    } else {
        write_exponential(digits, point, out);
    }
}

/// The digits without leading and trailing zeros, and where the decimal point stands: the number is 0.DIGITS × 10^point.
fn significant_digits(text: &str, digits: &mut [u8; 32]) -> (usize, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut point: i32 = exponent.parse().expect("an exponent is a small integer");
    let mut length = 0;
    let mut before_point = true;
    for byte in mantissa.bytes() {
        if byte == b'.' {
            before_point = false;
            continue;
        }
        if length == 0 && byte == b'0' {
            point -= i32::from(!before_point);
            continue;
        }
        point += i32::from(before_point);
        digits[length] = byte;
        length += 1;
    }
    while length > 0 && digits[length - 1] == b'0' {
        length -= 1;
    }
    (length, point)
}

fn write_plain(digits: &[u8], point: i32, out: &mut Vec<u8>) {
    let Ok(whole) = usize::try_from(point) else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(digits);
        return;
    };
    if whole == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(&digits[..whole.min(digits.len())]);
    out.extend(std::iter::repeat_n(
        b'0',
        whole.saturating_sub(digits.len()),
    ));
    out.push(b'.');
    match digits.get(whole..) {
        Some(fraction) if !fraction.is_empty() => out.extend_from_slice(fraction),
        _ => out.push(b'0'),
    }
}

fn write_exponential(digits: &[u8], point: i32, out: &mut Vec<u8>) {
    out.push(digits[0]);
    out.push(b'.');
    out.extend_from_slice(if digits.len() > 1 { &digits[1..] } else { b"0" });
    out.push(b'E');
    out.extend_from_slice(itoa::Buffer::new().format(point - 1).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn f64_text(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn f32_text(value: f32) -> String {
        let mut out = Vec::new();
        write_f32(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_are_spelled_as_java_does() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1234.5, "-1234.5"),
            (0.001, "0.001"),
            (0.0012345, "0.0012345"),
            (0.00099, "9.9E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (12_345_678.0, "1.2345678E7"),
            (123_456_789.125, "1.23456789125E8"),
            (1e300, "1.0E300"),
            (2e23, "2.0E23"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::from_bits(1), "4.9E-324"),
            (0.1, "0.1"),
            (100.0, "100.0"),
            (1_234_567.890_123, "1234567.890123"),
            (0.001_000_000_000_000_000_2, "0.0010000000000000002"),
        ] {
            assert_eq!(f64_text(value), text);
        }
    }

    #[test]
    fn floats_are_spelled_as_java_does() {
        for (value, text) in [
            (1.1, "1.1"),
            (16_777_216.0, "1.6777216E7"),
            (123_456_789.0, "1.2345679E8"),
            (1e-40, "1.0E-40"),
            (f32::from_bits(1), "1.4E-45"),
            (f32::MAX, "3.4028235E38"),
        ] {
            assert_eq!(f32_text(value), text);
        }
    }

    proptest! {
        #[test]
        fn numbers_of_everyday_size_have_a_point_and_no_exponent(value in 1e-3_f64..1e7) {
            let (mut laid_out, text) = (Vec::new(), f64_text(value));
            lay_out(&format!("{value:e}"), &mut laid_out);
            prop_assert_eq!(text.into_bytes(), laid_out);
        }

        #[test]
        fn a_double_reads_back_as_itself(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(f64_text(value).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn a_float_reads_back_as_itself(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(f32_text(value).parse::<f32>().unwrap().to_bits(), bits);
        }
    }
}
