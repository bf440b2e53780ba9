//! Message → bytes: the inverse of `decode`.

use super::decode::{CASCADE, RESTART_IDENTITY};
use super::{Message, OldTuple, Relation, ReplicaIdentity, Tuple};

/// Appends the message as the server sends it. A message with a `streamed_xid` is one between `StreamStart` and
/// `StreamStop`.
///
/// # Panics
/// When a message that was not decoded has a count or length that its wire field cannot hold.
#[expect(
    clippy::too_many_lines,
    reason = "one arm a message, none of them worth a function"
)]
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    match message {
        Message::Begin {
            final_lsn,
            committed_at,
            xid,
        } => {
            out.push(b'B');
            out.extend_from_slice(&final_lsn.0.to_be_bytes());
            out.extend_from_slice(&committed_at.0.to_be_bytes());
            out.extend_from_slice(&xid.to_be_bytes());
        }
        Message::Commit {
            flags,
            commit_lsn,
            end_lsn,
            committed_at,
        } => {
            out.extend_from_slice(&[b'C', *flags]);
            out.extend_from_slice(&commit_lsn.0.to_be_bytes());
            out.extend_from_slice(&end_lsn.0.to_be_bytes());
            out.extend_from_slice(&committed_at.0.to_be_bytes());
        }
        Message::Origin { commit_lsn, name } => {
            out.push(b'O');
            out.extend_from_slice(&commit_lsn.0.to_be_bytes());
            push_name(out, name);
        }
        Message::Relation {
            streamed_xid,
            relation,
        } => {
            push_kind(out, b'R', *streamed_xid);
            push_relation(out, relation);
        }
        Message::Type {
            streamed_xid,
            oid,
            schema,
            name,
        } => {
            push_kind(out, b'Y', *streamed_xid);
            out.extend_from_slice(&oid.to_be_bytes());
            push_name(out, schema);
            push_name(out, name);
        }
        Message::Insert {
            streamed_xid,
            relation_id,
            new,
        } => {
            push_kind(out, b'I', *streamed_xid);
            out.extend_from_slice(&relation_id.to_be_bytes());
            push_tuple(out, b'N', *new);
        }
        Message::Update {
            streamed_xid,
            relation_id,
            old,
            new,
        } => {
            push_kind(out, b'U', *streamed_xid);
            out.extend_from_slice(&relation_id.to_be_bytes());
            if let Some(old) = old {
                push_old_tuple(out, *old);
            }
            push_tuple(out, b'N', *new);
        }
        Message::Delete {
            streamed_xid,
            relation_id,
            old,
        } => {
            push_kind(out, b'D', *streamed_xid);
            out.extend_from_slice(&relation_id.to_be_bytes());
            push_old_tuple(out, *old);
        }
        Message::Truncate {
            streamed_xid,
            cascade,
            restart_identity,
            relation_ids,
        } => {
            push_kind(out, b'T', *streamed_xid);
            let count = u32::try_from(relation_ids.len()).expect("tables are counted in 32 bits");
            out.extend_from_slice(&count.to_be_bytes());
            let cascade = if *cascade { CASCADE } else { 0 };
            let restart_identity = if *restart_identity {
                RESTART_IDENTITY
            } else {
                0
            };
            out.push(cascade | restart_identity);
            for id in relation_ids {
                out.extend_from_slice(&id.to_be_bytes());
            }
        }
        Message::Logical {
            streamed_xid,
            transactional,
            lsn,
            prefix,
            content,
        } => {
            push_kind(out, b'M', *streamed_xid);
            out.push(u8::from(*transactional));
            out.extend_from_slice(&lsn.0.to_be_bytes());
            push_name(out, prefix);
            let length = u32::try_from(content.len()).expect("PostgreSQL has no value of 4 GB");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(content);
        }
        Message::StreamStart { xid, first_segment } => {
            out.push(b'S');
            out.extend_from_slice(&xid.to_be_bytes());
            out.push(u8::from(*first_segment));
        }
        Message::StreamStop => out.push(b'E'),
        Message::StreamCommit {
            xid,
            flags,
            commit_lsn,
            end_lsn,
            committed_at,
        } => {
            out.push(b'c');
            out.extend_from_slice(&xid.to_be_bytes());
            out.push(*flags);
            out.extend_from_slice(&commit_lsn.0.to_be_bytes());
            out.extend_from_slice(&end_lsn.0.to_be_bytes());
            out.extend_from_slice(&committed_at.0.to_be_bytes());
        }
        Message::StreamAbort {
            xid,
            subtransaction_xid,
        } => {
            out.push(b'A');
            out.extend_from_slice(&xid.to_be_bytes());
            out.extend_from_slice(&subtransaction_xid.to_be_bytes());
        }
    }
}

fn push_kind(out: &mut Vec<u8>, kind: u8, streamed_xid: Option<u32>) {
    out.push(kind);
    if let Some(xid) = streamed_xid {
        out.extend_from_slice(&xid.to_be_bytes());
    }
}

fn push_relation(out: &mut Vec<u8>, relation: &Relation) {
    out.extend_from_slice(&relation.id.to_be_bytes());
    push_name(out, &relation.schema);
    push_name(out, &relation.name);
    out.push(match relation.replica_identity {
        ReplicaIdentity::Default => b'd',
        ReplicaIdentity::Nothing => b'n',
        ReplicaIdentity::Full => b'f',
        ReplicaIdentity::Index => b'i',
    });
    let count = u16::try_from(relation.columns.len()).expect("PostgreSQL has 1600 columns a table");
    out.extend_from_slice(&count.to_be_bytes());
    for column in &relation.columns {
        out.push(u8::from(column.is_key));
        push_name(out, &column.name);
        out.extend_from_slice(&column.type_oid.to_be_bytes());
        out.extend_from_slice(&column.type_modifier.to_be_bytes());
    }
}

fn push_old_tuple(out: &mut Vec<u8>, old: OldTuple<'_>) {
    match old {
        OldTuple::Full(tuple) => push_tuple(out, b'O', tuple),
        OldTuple::Key(tuple) => push_tuple(out, b'K', tuple),
    }
}

fn push_tuple(out: &mut Vec<u8>, kind: u8, tuple: Tuple<'_>) {
    out.push(kind);
    out.extend_from_slice(&tuple.column_count.to_be_bytes());
    out.extend_from_slice(tuple.bytes);
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::postgres::pgoutput::{Cell, RelationColumn, decode, push_cell};
    use crate::postgres::{Lsn, PgTimestamp};

    /// What messages are made of; [`Ingredients::messages`] makes one of each kind from it.
    #[derive(Clone, Debug)]
    struct Ingredients {
        streamed_xid: Option<u32>,
        ids: [u32; 3],
        positions: [u64; 2],
        time: i64,
        flags: [bool; 2],
        byte: u8,
        names: (String, String),
        old: Row,
        new: Row,
        content: Vec<u8>,
        columns: Vec<RelationColumn>,
        replica_identity: ReplicaIdentity,
    }

    #[derive(Clone, Debug)]
    struct Row {
        column_count: u16,
        bytes: Vec<u8>,
    }

    impl Row {
        fn tuple(&self) -> Tuple<'_> {
            Tuple::new(self.column_count, &self.bytes).unwrap()
        }
    }

    impl Ingredients {
        /// Every kind, the updates and deletes with every kind of old tuple.
        fn messages(&self) -> Vec<Message<'_>> {
            let streamed_xid = self.streamed_xid;
            let [xid, relation_id, oid] = self.ids;
            let [commit_lsn, end_lsn] = self.positions.map(Lsn);
            let committed_at = PgTimestamp(self.time);
            let (schema, name) = (self.names.0.as_str(), self.names.1.as_str());
            let (new, old) = (self.new.tuple(), self.old.tuple());
            let relation = Relation {
                id: relation_id,
                schema: schema.to_owned(),
                name: name.to_owned(),
                replica_identity: self.replica_identity,
                columns: self.columns.clone(),
            };
            let update = |old| Message::Update {
                streamed_xid,
                relation_id,
                old,
                new,
            };
            let delete = |old| Message::Delete {
                streamed_xid,
                relation_id,
                old,
            };
            vec![
                Message::Begin {
                    final_lsn: commit_lsn,
                    committed_at,
                    xid,
                },
                Message::Commit {
                    flags: self.byte,
                    commit_lsn,
                    end_lsn,
                    committed_at,
                },
                Message::Origin { commit_lsn, name },
                Message::Relation {
                    streamed_xid,
                    relation,
                },
                Message::Type {
                    streamed_xid,
                    oid,
                    schema,
                    name,
                },
                Message::Insert {
                    streamed_xid,
                    relation_id,
                    new,
                },
                update(None),
                update(Some(OldTuple::Full(old))),
                update(Some(OldTuple::Key(old))),
                delete(OldTuple::Full(old)),
                delete(OldTuple::Key(old)),
                Message::Truncate {
                    streamed_xid,
                    cascade: self.flags[0],
                    restart_identity: self.flags[1],
                    relation_ids: self.ids.to_vec(),
                },
                Message::Logical {
                    streamed_xid,
                    transactional: self.flags[0],
                    lsn: commit_lsn,
                    prefix: name,
                    content: &self.content,
                },
                Message::StreamStart {
                    xid,
                    first_segment: self.flags[0],
                },
                Message::StreamStop,
                Message::StreamCommit {
                    xid,
                    flags: self.byte,
                    commit_lsn,
                    end_lsn,
                    committed_at,
                },
                Message::StreamAbort {
                    xid,
                    subtransaction_xid: oid,
                },
            ]
        }
    }

    fn encoded(message: &Message<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        bytes
    }

    /// A name as the wire can carry it: UTF-8 without a zero byte.
    fn name() -> impl Strategy<Value = String> {
        "[^\0]{0,63}"
    }

    fn row() -> impl Strategy<Value = Row> {
        let cell = prop_oneof![
            Just((b'n', Vec::new())),
            Just((b'u', Vec::new())),
            any::<Vec<u8>>().prop_map(|value| (b't', value)),
            any::<Vec<u8>>().prop_map(|value| (b'b', value)),
        ];
        prop::collection::vec(cell, 0..8).prop_map(|cells| {
            let mut bytes = Vec::new();
            for (kind, value) in &cells {
                let cell = match kind {
                    b'n' => Cell::Null,
                    b'u' => Cell::UnchangedToast,
                    b't' => Cell::Text(value),
                    _ => Cell::Binary(value),
                };
                push_cell(&mut bytes, cell);
            }
            Row {
                column_count: u16::try_from(cells.len()).unwrap(),
                bytes,
            }
        })
    }

    fn columns() -> impl Strategy<Value = Vec<RelationColumn>> {
        let column = (any::<bool>(), name(), any::<u32>(), any::<i32>());
        prop::collection::vec(column, 0..6).prop_map(|columns| {
            let column = |(is_key, name, type_oid, type_modifier)| RelationColumn {
                is_key,
                name,
                type_oid,
                type_modifier,
            };
            columns.into_iter().map(column).collect()
        })
    }

    fn ingredients() -> impl Strategy<Value = Ingredients> {
        let identity = prop::sample::select(vec![
            ReplicaIdentity::Default,
            ReplicaIdentity::Nothing,
            ReplicaIdentity::Full,
            ReplicaIdentity::Index,
        ]);
        let fixed = (
            any::<Option<u32>>(),
            any::<[u32; 3]>(),
            any::<[u64; 2]>(),
            any::<i64>(),
            any::<[bool; 2]>(),
            any::<u8>(),
        );
        let sized = (
            (name(), name()),
            row(),
            row(),
            any::<Vec<u8>>(),
            columns(),
            identity,
        );
        (fixed, sized).prop_map(|(fixed, sized)| {
            let (streamed_xid, ids, positions, time, flags, byte) = fixed;
            let (names, old, new, content, columns, replica_identity) = sized;
            Ingredients {
                streamed_xid,
                ids,
                positions,
                time,
                flags,
                byte,
                names,
                old,
                new,
                content,
                columns,
                replica_identity,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_kind_of_message_decodes_to_what_was_encoded(ingredients in ingredients()) {
            let streaming = ingredients.streamed_xid.is_some();
            for message in ingredients.messages() {
                let bytes = encoded(&message);
                prop_assert_eq!(decode(&bytes, streaming), Ok(message));
            }
        }

        #[test]
        fn every_truncation_and_every_extra_byte_is_an_error(ingredients in ingredients()) {
            let streaming = ingredients.streamed_xid.is_some();
            for message in ingredients.messages() {
                let mut bytes = encoded(&message);
                for length in 0..bytes.len() {
                    let cut = bytes.get(..length).unwrap();
                    prop_assert!(decode(cut, streaming).is_err(), "{cut:02x?}");
                }
                bytes.push(0);
                prop_assert!(decode(&bytes, streaming).is_err(), "{bytes:02x?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn random_bytes_are_an_error_or_a_message_that_encodes_to_them(
            kind in prop::sample::select(b"IUDBCORYTMSEcA\0x".to_vec()),
            body in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"NKOntub\0\x01".to_vec())], 0..64),
            streaming: bool,
        ) {
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&body);
            if let Ok(message) = decode(&bytes, streaming) {
                prop_assert_eq!(encoded(&message), bytes);
            }
        }

        #[test]
        fn one_wrong_byte_is_an_error_or_a_message_that_encodes_to_it(
            ingredients in ingredients(), at: prop::sample::Index, value: u8,
        ) {
            let streaming = ingredients.streamed_xid.is_some();
            for message in ingredients.messages() {
                let mut bytes = encoded(&message);
                *at.get_mut(&mut bytes) = value;
                if let Ok(message) = decode(&bytes, streaming) {
                    prop_assert_eq!(encoded(&message), bytes);
                }
            }
        }
    }
}
