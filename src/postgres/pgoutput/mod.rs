//! Messages of the `pgoutput` plugin, protocol versions 1 and 2. Pure: bytes in, messages out, and back.
//!
//! Layouts: <https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html>.

#![deny(clippy::indexing_slicing)]

mod cursor;
mod decode;
mod encode;
mod tuple;

use super::{Lsn, PgTimestamp};

pub use cursor::DecodeError;
pub use decode::decode;
pub use encode::encode;
pub use tuple::{Cells, push_cell, push_null, push_text};

/// One message. Everything borrowed points into the bytes it was decoded from.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    Begin {
        final_lsn: Lsn,
        committed_at: PgTimestamp,
        xid: u32,
    },
    Commit {
        flags: u8,
        commit_lsn: Lsn,
        end_lsn: Lsn,
        committed_at: PgTimestamp,
    },
    Origin {
        commit_lsn: Lsn,
        name: &'a str,
    },
    Relation {
        streamed_xid: Option<u32>,
        relation: Relation,
    },
    Type {
        streamed_xid: Option<u32>,
        oid: u32,
        schema: &'a str,
        name: &'a str,
    },
    Insert {
        streamed_xid: Option<u32>,
        relation_id: u32,
        new: Tuple<'a>,
    },
    Update {
        streamed_xid: Option<u32>,
        relation_id: u32,
        old: Option<OldTuple<'a>>,
        new: Tuple<'a>,
    },
    Delete {
        streamed_xid: Option<u32>,
        relation_id: u32,
        old: OldTuple<'a>,
    },
    Truncate {
        streamed_xid: Option<u32>,
        cascade: bool,
        restart_identity: bool,
        relation_ids: Vec<u32>,
    },
    /// `pg_logical_emit_message`.
    Logical {
        streamed_xid: Option<u32>,
        transactional: bool,
        lsn: Lsn,
        prefix: &'a str,
        content: &'a [u8],
    },
    StreamStart {
        xid: u32,
        first_segment: bool,
    },
    StreamStop,
    StreamCommit {
        xid: u32,
        flags: u8,
        commit_lsn: Lsn,
        end_lsn: Lsn,
        committed_at: PgTimestamp,
    },
    StreamAbort {
        xid: u32,
        subtransaction_xid: u32,
    },
}

/// What the server tells of a table before it sends the table's first row, and again when the table changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    pub id: u32,
    /// Empty for `pg_catalog`.
    pub schema: String,
    pub name: String,
    pub replica_identity: ReplicaIdentity,
    pub columns: Vec<RelationColumn>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationColumn {
    /// Part of the replica identity.
    pub is_key: bool,
    pub name: String,
    pub type_oid: u32,
    /// -1 where the type has none.
    pub type_modifier: i32,
}

/// `pg_class.relreplident`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    Default,
    Nothing,
    Full,
    Index,
}

/// What the server sends of a row before an update or delete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OldTuple<'a> {
    /// `REPLICA IDENTITY FULL`.
    Full(Tuple<'a>),
    /// Key columns only, the others are null.
    Key(Tuple<'a>),
}

/// The columns of one row, checked once when decoded and read in place afterwards.
///
/// Snapshot rows have the same form, so that everything behind reads one kind of row. The layout is the wire's
/// `TupleData` without its column count: a kind byte `n`, `u`, `t` or `b` a column, the last two followed by an `Int32` length and the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuple<'a> {
    column_count: u16,
    bytes: &'a [u8],
}

/// One column of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    /// A TOASTed value that the statement did not change, and that the server therefore does not send.
    UnchangedToast,
    /// The type's text output.
    Text(&'a [u8]),
    /// The type's binary send format.
    Binary(&'a [u8]),
}
