//! hstore as the text of a JSON object or as a map (`hstore.handling.mode`).
//!
//! Debezium keeps the entries in a `java.util.HashMap` and shows them in its order.

use super::conversion::Problem;
use crate::config::connector::HstoreMode;
use crate::connect::java_hash::HashOrder;
use crate::connect::json::write_string_of_characters;
use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::value::hstore::{self, Entry};

pub(super) fn schema(mode: HstoreMode) -> Schema {
    match mode {
        HstoreMode::Json => Schema::named(Kind::String, "io.debezium.data.Json", 1),
        HstoreMode::Map => Schema::new(Kind::Map(
            Box::new(Schema::new(Kind::String)),
            Box::new(Schema::new(Kind::String).optional(true)),
        )),
    }
}

pub(super) fn write<S: Sink>(text: &[u8], mode: HstoreMode, sink: &mut S) -> Result<(), Problem> {
    let entries = HashOrder::default().arrange(hstore::parse(text)?, |entry| &entry.0);
    write_entries(&entries, mode, sink);
    Ok(())
}

pub(super) fn write_empty<S: Sink>(mode: HstoreMode, sink: &mut S) {
    write_entries(&[], mode, sink);
}

/// What stands for an unchanged TOASTed value: the placeholder as key and value.
pub(super) fn write_unavailable<S: Sink>(placeholder: &[u8], mode: HstoreMode, sink: &mut S) {
    let entry = (placeholder.into(), Some(placeholder.into()));
    write_entries(&[entry], mode, sink);
}

fn write_entries<S: Sink>(entries: &[Entry<'_>], mode: HstoreMode, sink: &mut S) {
    match mode {
        HstoreMode::Json => sink.string(&json(entries)),
        HstoreMode::Map => write_map(entries, sink),
    }
}

/// Jackson writes this text as characters, not as bytes: nothing beyond ASCII is escaped.
fn json(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string_of_characters(key, &mut out);
        out.push(b':');
        match value {
            Some(value) => write_string_of_characters(value, &mut out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    out
}

fn write_map<S: Sink>(entries: &[Entry<'_>], sink: &mut S) {
    sink.begin_string_map();
    for (index, (key, value)) in entries.iter().enumerate() {
        sink.string_key(index, &String::from_utf8_lossy(key));
        match value {
            Some(value) => sink.string(value),
            None => sink.null(),
        }
    }
    sink.end_string_map();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_escapes_nothing_beyond_ascii() {
        let entries = hstore::parse("\"😀\"=>\"a\u{1}\\\"é\", \"n\"=>NULL".as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(json(&entries)).unwrap(),
            "{\"😀\":\"a\\u0001\\\"é\",\"n\":null}"
        );
    }
}
