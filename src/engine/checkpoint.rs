//! Positions to which everything was sent, and the source offsets they are stored as. Pure.

use crate::connect::offset::{SnapshotKind, SnapshotOffset, SourceOffset};
use crate::postgres::{Lsn, PgTimestamp};

/// A place from which a later run can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// Rows of the initial snapshot; only when it is `completed` the stream can start from `lsn`.
    Snapshot {
        lsn: Lsn,
        xid: u64,
        taken_at: PgTimestamp,
        completed: bool,
    },
    /// Between two transactions: `lsn` is the end of a commit, or what an idle server says it has read.
    BetweenTransactions {
        lsn: Lsn,
        /// The next change names it in `source.sequence`; an idle server can be far beyond it.
        last_commit_lsn: Option<Lsn>,
        xid: Option<u32>,
        committed_at: PgTimestamp,
    },
}

impl Checkpoint {
    /// What PostgreSQL may forget once the offset is stored.
    #[must_use]
    pub fn lsn(self) -> Lsn {
        match self {
            Self::Snapshot { lsn, .. } | Self::BetweenTransactions { lsn, .. } => lsn,
        }
    }

    /// The offset that Debezium can start from as well.
    ///
    /// Without `lsn_proc` Debezium starts its stream at `lsn` and sends all that comes, as after a snapshot. With it, it would
    /// search the stream for that LSN. Debezium stores the end of a commit there, which is where the next WAL record starts, and
    /// that can be a change in the middle of a transaction that was open at the time: from there on it would continue, and lose
    /// what came before it (dbz#76). Nor does it start when the slot's `restart_lsn` is beyond `lsn_proc`, which it can be on an
    /// idle server. `lsn_commit` is only shown: it is the first element of `source.sequence`.
    #[must_use]
    pub fn offset(self) -> SourceOffset {
        match self {
            Self::Snapshot {
                lsn,
                xid,
                taken_at,
                completed,
            } => SourceOffset {
                lsn: lsn.as_i64(),
                lsn_proc: None,
                lsn_commit: None,
                tx_id: i64::try_from(xid).ok(),
                ts_usec: Some(taken_at.unix_us()),
                message_type: None,
                snapshot: Some(SnapshotOffset {
                    kind: SnapshotKind::Initial,
                    last_snapshot_record: completed,
                    snapshot_completed: completed,
                }),
                lsn_events_processed: None,
                transaction_id: None,
            },
            Self::BetweenTransactions {
                lsn,
                last_commit_lsn,
                xid,
                committed_at,
            } => SourceOffset {
                lsn: lsn.as_i64(),
                lsn_proc: None,
                lsn_commit: last_commit_lsn.map(Lsn::as_i64),
                tx_id: xid.map(i64::from),
                ts_usec: Some(committed_at.unix_us()),
                message_type: None,
                snapshot: None,
                lsn_events_processed: None,
                transaction_id: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::SnapshotMode;
    use crate::engine::plan::{StartPlan, StreamStart, plan};

    fn planned_from(checkpoint: Checkpoint) -> StartPlan {
        let stored = SourceOffset::parse(&checkpoint.offset().render()).unwrap();
        plan(SnapshotMode::Initial, Some(&stored)).unwrap()
    }

    #[test]
    fn a_run_that_ended_between_transactions_goes_on_there_and_remembers_the_last_commit() {
        for last_commit_lsn in [Some(Lsn(800)), Some(Lsn(640)), None] {
            let checkpoint = Checkpoint::BetweenTransactions {
                lsn: Lsn(800),
                last_commit_lsn,
                xid: Some(7),
                committed_at: PgTimestamp(1),
            };
            let start = StreamStart {
                from: Lsn(800),
                last_commit_lsn,
                sent: None,
                begun: None,
            };
            assert_eq!(planned_from(checkpoint), StartPlan::Stream(start));
        }
    }

    #[test]
    fn debezium_searches_for_nothing_between_transactions_and_does_not_compare_it_to_the_slot() {
        let checkpoint = Checkpoint::BetweenTransactions {
            lsn: Lsn(800),
            last_commit_lsn: Some(Lsn(640)),
            xid: Some(7),
            committed_at: PgTimestamp::from_unix_us(1),
        };
        assert_eq!(
            String::from_utf8(checkpoint.offset().render()).unwrap(),
            r#"{"lsn_commit":640,"lsn":800,"txId":7,"ts_usec":1}"#
        );
    }

    #[test]
    fn an_unfinished_snapshot_is_taken_again_and_a_finished_one_is_not() {
        let rows = |completed| Checkpoint::Snapshot {
            lsn: Lsn(80),
            xid: 7,
            taken_at: PgTimestamp(1),
            completed,
        };
        assert_eq!(planned_from(rows(false)), StartPlan::Snapshot);
        let start = StreamStart {
            from: Lsn(80),
            last_commit_lsn: None,
            sent: None,
            begun: None,
        };
        assert_eq!(planned_from(rows(true)), StartPlan::Stream(start));
    }
}
