//! What users and Connect write: literals, date patterns, regular expressions, lists of them, decimals. The first byte chooses.
#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use walstreet::config::patterns::{compile_anywhere, compile_whole, parse_key_rules, parse_list};
use walstreet::connect::big_decimal::BigDecimal;
use walstreet::connect::header::HeaderSink;
use walstreet::connect::literal;
use walstreet::connect::simple_date_format::SimpleDateFormat;
use walstreet::connect::sink::write_datum;

/// A longer regular expression only takes longer to compile.
const MAX_PATTERN_BYTES: usize = 48;

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, rest)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match which % 5 {
        0 => literals(text),
        1 => dates(text),
        2 => decimals(text),
        3 if text.len() <= MAX_PATTERN_BYTES => expressions(text),
        _ if text.len() <= MAX_PATTERN_BYTES => lists(text),
        _ => {}
    }
});

/// What a literal stands for has a text, and this is a literal again.
fn literals(text: &str) {
    let Ok(parsed) = literal::parse(text) else {
        return;
    };
    let Some(schema) = parsed.schema else {
        return;
    };
    let mut shown = Vec::new();
    write_datum(&schema, &parsed.value, &mut HeaderSink::new(&mut shown));
    let shown = String::from_utf8(shown).expect("a value's text is UTF-8");
    // Mixed arrays are refused, and a string in an array can look like anything when its quotes are gone.
    let _again = literal::parse(&shown);
}

/// Before a zero byte the pattern, behind it a text.
fn dates(text: &str) {
    let (pattern, text) = text.split_once('\0').unwrap_or((text, ""));
    let Ok(format) = SimpleDateFormat::new(pattern) else {
        return;
    };
    for milliseconds in [0, -1, i64::MAX, i64::MIN, 1_700_000_000_123] {
        // Reading back need not succeed: adjacent numbers, years of two digits.
        let _again = format.parse(&format.format(milliseconds));
    }
    if let Ok(milliseconds) = format.parse(text) {
        black_box(format.format(milliseconds));
    }
}

fn decimals(text: &str) {
    if let Some(decimal) = BigDecimal::parse(text) {
        black_box(decimal.long_value());
        assert!(!decimal.double_value().is_nan());
        assert!(!decimal.float_value().is_nan());
        black_box(decimal.to_exact_integer());
    }
}

/// What matches as a whole matches somewhere.
fn expressions(text: &str) {
    let (pattern, text) = text.split_once('\0').unwrap_or((text, "public.customers"));
    let (whole, anywhere) = (compile_whole(pattern), compile_anywhere(pattern));
    if let (Ok(whole), Ok(anywhere)) = (whole, anywhere) {
        assert!(!whole.is_match(text) || anywhere.is_match(text));
    }
}

fn lists(text: &str) {
    let _list = parse_list(text);
    let _rules = parse_key_rules(text);
}
