//! What happened to which row: one type for a change wherever it came from. Pure.

pub mod assembler;
pub mod filter;
pub mod resume;

use crate::postgres::pgoutput::{OldTuple, Tuple};
use crate::postgres::{Lsn, PgTimestamp};

/// A change of one row, a truncate of one table, or a row that a snapshot read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    pub relation_id: u32,
    pub position: Position<'a>,
    pub kind: ChangeKind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChangeKind<'a> {
    /// A row that a snapshot read.
    Read {
        row: Tuple<'a>,
        marker: SnapshotMarker,
    },
    Insert {
        new: Tuple<'a>,
    },
    Update {
        old: Option<OldTuple<'a>>,
        new: Tuple<'a>,
    },
    Delete {
        old: OldTuple<'a>,
    },
    Truncate,
}

/// Where a change stands in the WAL and in its transaction: what Debezium's source block tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position<'a> {
    /// Start of the WAL record that carries the change; several changes can share one.
    pub lsn: Lsn,
    /// End of the last commit before this transaction, as far as it is known.
    pub last_commit_lsn: Option<Lsn>,
    /// `None` for a message outside a transaction.
    pub xid: Option<u64>,
    /// Commit time, or the start of the snapshot.
    pub committed_at: PgTimestamp,
    pub origin: Option<Origin<'a>>,
    /// The oldest transaction whose catalog rows the slot keeps, when it is fetched (`xmin.fetch.interval.ms`).
    pub slot_xmin: Option<i64>,
    /// Only when transactions have records of their own.
    pub order: Option<Order>,
}

/// Which of its transaction a change is, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub in_transaction: u64,
    pub in_table: u64,
}

/// Where a replicated transaction was first committed (`pg_replication_origin`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    pub name: &'a str,
    pub commit_lsn: Lsn,
}

/// Debezium's `source.snapshot` of a row that the initial snapshot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMarker {
    First,
    FirstInDataCollection,
    True,
    LastInDataCollection,
    Last,
}
