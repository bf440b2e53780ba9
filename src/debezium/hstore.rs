//! hstore as the text of a JSON object or as a map (`hstore.handling.mode`).
//!
//! Debezium keeps the entries in a `java.util.HashMap` and shows them in its order, so this file computes that order.

use super::conversion::Problem;
use crate::config::connector::HstoreMode;
use crate::connect::json::write_string_of_characters;
use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::value::hstore::{self, Entry};

const FIRST_TABLE: usize = 16;
/// A bucket that has this many entries grows the table instead of becoming longer, as long as the table is small.
const LONG_BUCKET: usize = 8;
const SMALL_TABLE: usize = 64;

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
    write_entries(&in_java_order(hstore::parse(text)?), mode, sink);
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

/// The order in which a `HashMap` that got the entries one after another yields them: by bucket, in a bucket by arrival. (A
/// bucket of more than eight entries in a table of 64 or more is a tree in Java, whose order is another one.)
fn in_java_order(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    if entries.len() < 2 {
        return entries;
    }
    let mut hashed: Vec<_> = entries
        .into_iter()
        .map(|entry| (spread_hash(&entry.0), entry))
        .collect();
    let hashes: Vec<u32> = hashed.iter().map(|(hash, _)| *hash).collect();
    let table = table_size(&hashes);
    hashed.sort_by_key(|(hash, _)| bucket(*hash, table));
    hashed.into_iter().map(|(_, entry)| entry).collect()
}

/// `HashMap.hash(String)`.
fn spread_hash(key: &[u8]) -> u32 {
    let hash = String::from_utf8_lossy(key)
        .encode_utf16()
        .fold(0_u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
    hash ^ (hash >> 16)
}

fn bucket(hash: u32, table: usize) -> usize {
    hash as usize & (table - 1)
}

/// How large the table is in the end. It doubles when it is three quarters full.
fn table_size(hashes: &[u32]) -> usize {
    let mut table = FIRST_TABLE;
    for (size, &hash) in hashes.iter().enumerate() {
        if table < SMALL_TABLE {
            let in_bucket = |other: &&u32| bucket(**other, table) == bucket(hash, table);
            if hashes[..size].iter().filter(in_bucket).count() > LONG_BUCKET - 1 {
                table *= 2;
            }
        }
        if size + 1 > table / 4 * 3 {
            table *= 2;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `java.util.HashMap` of JDK 17: keys in the order in which they were put, and as the map yields them.
    const JAVA: [(&str, &str); 7] = [
        ("zz|aa|mm|k1|k2", "zz|aa|mm|k1|k2"),
        ("a|q\"|b|c d|é||日本|😀|Z", "|a|q\"|b|c d|😀|é|Z|日本"),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11",
            "key1|key2|key0|key5|key6|key3|key4|key9|key7|key8|key11|key10",
        ),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11|key12",
            "key1|key2|key0|key5|key6|key3|key4|key9|key7|key8|key11|key10|key12",
        ),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11|key12|key13|key14|key15|key16|key17|key18|key19|key20|key21|key22|key23|key24|key25|key26|key27|key28|key29|key30|key31|key32|key33|key34|key35|key36|key37|key38|key39|key40|key41|key42|key43|key44|key45|key46|key47|key48|key49",
            "key1|key2|key0|key5|key6|key3|key4|key9|key40|key7|key8|key44|key43|key42|key41|key37|key36|key35|key34|key39|key38|key11|key10|key48|key47|key46|key45|key49|key22|key21|key20|key15|key14|key13|key12|key19|key18|key17|key16|key33|key32|key31|key30|key26|key25|key24|key23|key29|key28|key27",
        ),
        // All of the first nine have one hash: the ninth makes the table grow.
        (
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|q1|w7|e5",
            "q1|w7|AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|e5",
        ),
        (
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|BBAaAaBB|q1|w7",
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|BBAaAaBB|q1|w7",
        ),
    ];

    #[test]
    fn entries_come_in_the_order_of_a_java_hash_map() {
        for (put, expected) in JAVA {
            let entries = put.split('|').map(|key| (key.as_bytes().into(), None));
            let ordered = in_java_order(entries.collect());
            let keys: Vec<_> = ordered
                .iter()
                .map(|(key, _)| std::str::from_utf8(key).unwrap())
                .collect();
            assert_eq!(keys.join("|"), expected);
        }
    }

    #[test]
    fn json_text_escapes_nothing_beyond_ascii() {
        let entries = hstore::parse("\"😀\"=>\"a\u{1}\\\"é\", \"n\"=>NULL".as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(json(&entries)).unwrap(),
            "{\"😀\":\"a\\u0001\\\"é\",\"n\":null}"
        );
    }
}
