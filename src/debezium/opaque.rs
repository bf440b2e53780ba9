//! Types that Debezium does not know (`include.unknown.datatypes`): the bytes of their text, by `binary.handling.mode`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::conversion::Problem;
use super::types::Placeholder;
use crate::config::connector::BinaryMode;
use crate::connect::java_float;
use crate::connect::schema::Kind;
use crate::connect::sink::Sink;

/// Kind and placeholder of binary values, those of `bytea` included.
pub(super) fn binary(mode: BinaryMode) -> (Kind, Placeholder) {
    match mode {
        BinaryMode::Bytes => (Kind::Bytes, Placeholder::Bytes),
        BinaryMode::Hex => (Kind::String, Placeholder::Text),
        BinaryMode::Base64 | BinaryMode::Base64UrlSafe => (Kind::String, Placeholder::None),
    }
}

pub(super) fn write_binary<S: Sink>(bytes: &[u8], mode: BinaryMode, sink: &mut S) {
    match mode {
        BinaryMode::Bytes => sink.bytes(bytes),
        BinaryMode::Base64 => sink.string(STANDARD.encode(bytes).as_bytes()),
        BinaryMode::Base64UrlSafe => sink.string(URL_SAFE.encode(bytes).as_bytes()),
        BinaryMode::Hex => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            sink.string(digits.as_bytes());
        }
    }
}

/// Lines, segments, boxes, paths, polygons and circles go through pgjdbc, which spells their numbers as Java does.
pub(super) fn write_geometric<S: Sink>(
    text: &[u8],
    mode: BinaryMode,
    sink: &mut S,
) -> Result<(), Problem> {
    const PROBLEM: Problem = Problem("geometric type");
    let mut out = Vec::with_capacity(text.len() * 2);
    for part in text.split_inclusive(|byte| is_punctuation(*byte)) {
        let (number, punctuation) = match part.split_last() {
            Some((last, number)) if is_punctuation(*last) => (number, Some(*last)),
            _ => (part, None),
        };
        if !number.is_empty() {
            let number = std::str::from_utf8(number).map_err(|_| PROBLEM)?;
            java_float::write(number.parse().map_err(|_| PROBLEM)?, &mut out);
        }
        out.extend(punctuation);
    }
    write_binary(&out, mode, sink);
    Ok(())
}

fn is_punctuation(byte: u8) -> bool {
    b"()[]{}<>,".contains(&byte)
}

pub(super) fn is_geometric(built_in: &str) -> bool {
    matches!(
        built_in,
        "line" | "lseg" | "box" | "path" | "polygon" | "circle"
    )
}
