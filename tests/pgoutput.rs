//! The decoder against messages that a PostgreSQL 15.18 walsender sent for the workload of the golden records
//! (protocol version 1, `messages` on; messages over 10 kB left out).

use std::collections::BTreeMap;

use walstreet::postgres::pgoutput::{Cell, Message, OldTuple, decode, encode};

const RECORDED: &str = include_str!("golden/pgoutput.jsonl");

#[derive(serde::Deserialize)]
struct Line {
    hex: String,
}

fn recorded() -> Vec<Vec<u8>> {
    let line = |line| serde_json::from_str::<Line>(line).unwrap().hex;
    RECORDED.lines().map(|text| bytes(&line(text))).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn recorded_messages_encode_to_the_bytes_they_were_decoded_from() {
    let mut seen = BTreeMap::<char, usize>::new();
    for bytes in recorded() {
        let message = decode(&bytes, false).unwrap();
        let mut again = Vec::new();
        encode(&message, &mut again);
        assert_eq!(again, bytes, "{message:?}");
        *seen.entry(char::from(bytes[0])).or_default() += 1;
    }
    let kinds: String = seen.keys().collect();
    assert_eq!(kinds, "BCDIMORTUY", "{seen:?}");
}

#[test]
fn recorded_messages_cut_anywhere_are_an_error() {
    for bytes in recorded().iter().filter(|bytes| bytes.len() < 500) {
        for length in 0..bytes.len() {
            assert!(
                decode(&bytes[..length], false).is_err(),
                "{length} of {bytes:02x?}"
            );
        }
    }
}

#[test]
fn rows_have_as_many_cells_as_their_relation_has_columns() {
    let mut columns = BTreeMap::new();
    let mut unchanged_toast = 0;
    for bytes in recorded() {
        let (relation_id, tuple) = match decode(&bytes, false).unwrap() {
            Message::Relation { relation, .. } => {
                columns.insert(relation.id, relation.columns.len());
                continue;
            }
            Message::Insert {
                relation_id, new, ..
            }
            | Message::Update {
                relation_id, new, ..
            } => (relation_id, new),
            Message::Delete {
                relation_id,
                old: OldTuple::Full(old) | OldTuple::Key(old),
                ..
            } => (relation_id, old),
            Message::Begin { .. }
            | Message::Commit { .. }
            | Message::Origin { .. }
            | Message::Type { .. }
            | Message::Truncate { .. }
            | Message::Logical { .. }
            | Message::StreamStart { .. }
            | Message::StreamStop
            | Message::StreamCommit { .. }
            | Message::StreamAbort { .. } => continue,
        };
        assert_eq!(usize::from(tuple.column_count()), columns[&relation_id]);
        assert_eq!(tuple.cells().count(), columns[&relation_id]);
        unchanged_toast += tuple
            .cells()
            .filter(|cell| *cell == Cell::UnchangedToast)
            .count();
    }
    assert!(unchanged_toast > 0);
}

#[test]
fn the_first_recorded_transaction_inserts_customer_1005() {
    let recorded = recorded();
    let Message::Relation { relation, .. } = decode(&recorded[1], false).unwrap() else {
        panic!("{:02x?}", recorded[1]);
    };
    let names: Vec<_> = relation
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(
        (relation.schema.as_str(), relation.name.as_str()),
        ("inventory", "customers")
    );
    assert_eq!(names, ["id", "first_name", "last_name", "email"]);
    let Message::Insert { new, .. } = decode(&recorded[2], false).unwrap() else {
        panic!("{:02x?}", recorded[2]);
    };
    let cells: Vec<_> = new.cells().collect();
    let expected = ["1005", "Kim", "Ö", "kim@x.org"].map(|text| Cell::Text(text.as_bytes()));
    assert_eq!(cells, expected);
}
