//! Messages, one a line, for people.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::builtin_types::builtin_types;
use crate::connect::calendar::civil_from_days;
use crate::postgres::catalog::Types;
use crate::postgres::pgoutput::{
    Cell, Message, OldTuple, Relation, RelationColumn, ReplicaIdentity, Tuple,
};
use crate::postgres::{Lsn, PgTimestamp};

/// Knows the tables that the messages so far described.
pub(super) struct Listing {
    relations: FxHashMap<u32, Relation>,
    types: Types,
    streaming: bool,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            relations: FxHashMap::default(),
            types: builtin_types(),
            streaming: false,
        }
    }
}

impl Listing {
    /// Whether the next message belongs to a segment of an unfinished transaction and so carries its xid.
    pub(super) fn streaming(&self) -> bool {
        self.streaming
    }

    pub(super) fn print(
        &mut self,
        lsn: Lsn,
        message: &Message<'_>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if let Message::Relation { relation, .. } = message {
            self.relations.insert(relation.id, relation.clone());
        }
        let starts = matches!(message, Message::StreamStart { .. });
        let stops = matches!(message, Message::StreamStop);
        self.streaming = starts || (self.streaming && !stops);
        writeln!(out, "{lsn}  {}", self.line(message))
    }

    fn line(&self, message: &Message<'_>) -> String {
        match message {
            Message::Begin {
                final_lsn,
                committed_at,
                xid,
            } => format!(
                "begin     xid {xid}, commits at {final_lsn}, {}",
                utc(*committed_at)
            ),
            Message::Commit {
                end_lsn,
                committed_at,
                ..
            } => format!("commit    ends at {end_lsn}, {}", utc(*committed_at)),
            Message::Origin { commit_lsn, name } => {
                format!("origin    {name}, committed there at {commit_lsn}")
            }
            Message::Relation { relation, .. } => self.relation(relation),
            Message::Type {
                oid, schema, name, ..
            } => format!("type      {schema}.{name}, OID {oid}"),
            Message::Insert {
                relation_id, new, ..
            } => format!(
                "insert    {}: {}",
                self.name(*relation_id),
                self.row(*relation_id, *new)
            ),
            Message::Update {
                relation_id,
                old,
                new,
                ..
            } => self.update(*relation_id, *old, *new),
            Message::Delete {
                relation_id, old, ..
            } => format!(
                "delete    {}: {}",
                self.name(*relation_id),
                self.old(*relation_id, *old)
            ),
            Message::Truncate {
                relation_ids,
                cascade,
                restart_identity,
                ..
            } => {
                let names: Vec<String> = relation_ids.iter().map(|id| self.name(*id)).collect();
                let cascade = if *cascade { " cascade" } else { "" };
                let restart = if *restart_identity {
                    " restart identity"
                } else {
                    ""
                };
                format!("truncate  {}{cascade}{restart}", names.join(", "))
            }
            Message::Logical {
                transactional,
                prefix,
                content,
                ..
            } => {
                let inside = if *transactional { "" } else { " (no xid)" };
                format!("message   {prefix}{inside}: {}", quoted(content))
            }
            Message::StreamStart { xid, first_segment } => {
                let first = if *first_segment { ", the first" } else { "" };
                format!("segment   of xid {xid}{first}")
            }
            Message::StreamStop => "segment end".to_owned(),
            Message::StreamCommit { xid, end_lsn, .. } => {
                format!("commit    of streamed xid {xid}, ends at {end_lsn}")
            }
            Message::StreamAbort {
                xid,
                subtransaction_xid,
            } => format!("abort     of xid {subtransaction_xid} in streamed xid {xid}"),
        }
    }

    fn relation(&self, relation: &Relation) -> String {
        let identity = match relation.replica_identity {
            ReplicaIdentity::Default => "DEFAULT",
            ReplicaIdentity::Nothing => "NOTHING",
            ReplicaIdentity::Full => "FULL",
            ReplicaIdentity::Index => "USING INDEX",
        };
        let columns: Vec<String> = relation
            .columns
            .iter()
            .map(|column| self.column(column))
            .collect();
        format!(
            "relation  {} = {}.{} ({}) REPLICA IDENTITY {identity}",
            relation.id,
            relation.schema,
            relation.name,
            columns.join(", ")
        )
    }

    fn column(&self, column: &RelationColumn) -> String {
        let key = if column.is_key { "*" } else { "" };
        let r#type = self.types.get(column.type_oid).map_or_else(
            || format!("OID {}", column.type_oid),
            |r#type| r#type.name.clone(),
        );
        format!("{key}{} {type}", column.name)
    }

    fn name(&self, relation_id: u32) -> String {
        self.relations.get(&relation_id).map_or_else(
            || format!("relation {relation_id}"),
            |relation| format!("{}.{}", relation.schema, relation.name),
        )
    }

    fn update(&self, relation_id: u32, old: Option<OldTuple<'_>>, new: Tuple<'_>) -> String {
        let (name, new) = (self.name(relation_id), self.row(relation_id, new));
        old.map_or_else(
            || format!("update    {name}: {new}"),
            |old| format!("update    {name}: {} -> {new}", self.old(relation_id, old)),
        )
    }

    fn old(&self, relation_id: u32, old: OldTuple<'_>) -> String {
        match old {
            OldTuple::Full(row) => self.row(relation_id, row),
            OldTuple::Key(row) => format!("key {}", self.row(relation_id, row)),
        }
    }

    fn row(&self, relation_id: u32, row: Tuple<'_>) -> String {
        let relation = self.relations.get(&relation_id);
        let names = relation.map_or(&[][..], |relation| &relation.columns);
        let mut names = names.iter();
        let cells = row.cells().map(|cell| match names.next() {
            Some(column) => format!("{}={}", column.name, value(cell)),
            None => value(cell),
        });
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    }
}

fn value(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::UnchangedToast => "(unchanged)".to_owned(),
        Cell::Text(text) => quoted(text),
        Cell::Binary(bytes) => format!("{} bytes of binary", bytes.len()),
    }
}

fn quoted(bytes: &[u8]) -> String {
    format!("'{}'", String::from_utf8_lossy(bytes).escape_debug())
}

fn utc(time: PgTimestamp) -> String {
    const DAY_US: i64 = 86_400_000_000;
    let unix_us = time.unix_us();
    let (year, month, day) = civil_from_days(unix_us.div_euclid(DAY_US));
    let of_day_us = unix_us.rem_euclid(DAY_US);
    let (seconds, us) = (of_day_us / 1_000_000, of_day_us % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{us:06} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::pgoutput::{push_null, push_text};

    fn printed(listing: &mut Listing, message: &Message<'_>) -> String {
        let mut out = Vec::new();
        listing.print(Lsn(0x100), message, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_transaction_reads_like_one() {
        let mut listing = Listing::default();
        let begin = Message::Begin {
            final_lsn: Lsn(0x200),
            committed_at: PgTimestamp(1_000_001),
            xid: 7,
        };
        assert_eq!(
            printed(&mut listing, &begin),
            "0/100  begin     xid 7, commits at 0/200, 2000-01-01 00:00:01.000001 UTC\n"
        );
        let column = |name: &str, is_key, type_oid| RelationColumn {
            is_key,
            name: name.to_owned(),
            type_oid,
            type_modifier: -1,
        };
        let relation = Relation {
            id: 9,
            schema: "public".to_owned(),
            name: "t".to_owned(),
            replica_identity: ReplicaIdentity::Default,
            columns: vec![column("id", true, 23), column("mood", false, 99_999)],
        };
        let described = Message::Relation {
            streamed_xid: None,
            relation,
        };
        assert_eq!(
            printed(&mut listing, &described),
            "0/100  relation  9 = public.t (*id int4, mood OID 99999) REPLICA IDENTITY DEFAULT\n"
        );
        let mut cells = Vec::new();
        push_text(&mut cells, b"it's\n");
        push_null(&mut cells);
        let update = Message::Update {
            streamed_xid: None,
            relation_id: 9,
            old: Some(OldTuple::Key(Tuple::new(2, &cells).unwrap())),
            new: Tuple::new(2, &cells).unwrap(),
        };
        assert_eq!(
            printed(&mut listing, &update),
            "0/100  update    public.t: key (id='it\\'s\\n', mood=null) -> (id='it\\'s\\n', mood=null)\n"
        );
    }

    #[test]
    fn messages_of_a_segment_are_decoded_with_their_xid() {
        let mut listing = Listing::default();
        assert!(!listing.streaming());
        let start = Message::StreamStart {
            xid: 1,
            first_segment: true,
        };
        printed(&mut listing, &start);
        assert!(listing.streaming());
        printed(&mut listing, &Message::StreamStop);
        assert!(!listing.streaming());
    }
}
