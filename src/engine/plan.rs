//! Where to begin: what the stored offset and the snapshot mode say together. Pure. Whether the slot still
//! reaches back that far is `postgres::slot`'s question.

use crate::change::resume::InTransaction;
use crate::config::connector::SnapshotMode;
use crate::connect::offset::{MessageType, SnapshotKind, SourceOffset};
use crate::postgres::Lsn;

/// What to do first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartPlan {
    /// Read the rows that are there, then stream from the snapshot's position.
    Snapshot,
    /// Stream from where the slot stands: nothing was stored, and the mode asks for no rows.
    StreamFromSlot,
    Stream(StreamStart),
}

/// A position in the stream to go on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamStart {
    /// The server sends every transaction that commits at or after this, or after the slot's confirmed position when that is
    /// further.
    pub from: Lsn,
    pub last_commit_lsn: Option<Lsn>,
    /// What of the first transaction was sent before.
    pub sent: Option<InTransaction>,
    /// The transaction whose beginning was sent, if transactions have records of their own.
    pub begun: Option<u32>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(
        "the stored offset is that of an unfinished initial snapshot, and snapshot.mode=no_data forbids to take it again; \
         set snapshot.mode=initial, or remove the offset"
    )]
    UnfinishedSnapshot,
    #[error(
        "the stored offset belongs to an incremental snapshot, which walstreet cannot continue yet; \
         let Debezium finish or stop it first"
    )]
    IncrementalSnapshot,
}

/// Chooses how to start.
///
/// # Errors
/// When the mode contradicts the stored offset.
pub fn plan(mode: SnapshotMode, stored: Option<&SourceOffset>) -> Result<StartPlan, PlanError> {
    let Some(stored) = stored else {
        return Ok(match mode {
            SnapshotMode::Initial => StartPlan::Snapshot,
            SnapshotMode::NoData => StartPlan::StreamFromSlot,
        });
    };
    if let Some(snapshot) = stored
        .snapshot
        .filter(|snapshot| !snapshot.snapshot_completed)
    {
        match (snapshot.kind, mode) {
            (SnapshotKind::Initial, SnapshotMode::Initial) => return Ok(StartPlan::Snapshot),
            (SnapshotKind::Initial, SnapshotMode::NoData) => {
                return Err(PlanError::UnfinishedSnapshot);
            }
            (SnapshotKind::Incremental, _) => return Err(PlanError::IncrementalSnapshot),
            // The rows of an ad-hoc snapshot are read again only when it is asked for again; the stream goes on.
            (SnapshotKind::Blocking, _) => {}
        }
    }
    Ok(StartPlan::Stream(stream_start(stored)))
}

/// Up to where the slot may have moved without a loss (`PostgresConnection.validateLogPosition`).
#[must_use]
pub fn needed_from(stored: &SourceOffset) -> Lsn {
    Lsn::from_i64(stored.lsn_proc.unwrap_or(stored.lsn))
}

fn stream_start(stored: &SourceOffset) -> StreamStart {
    let last_commit_lsn = stored.last_commit_lsn().map(Lsn::from_i64);
    let sent = sent_of_first_transaction(stored);
    let from = match (stored.lsn_proc, stored.lsn_commit) {
        // Between two transactions, ours; or a finished snapshot without a change since: the slot's consistent point.
        (None, _) => Lsn::from_i64(stored.lsn),
        (Some(_), Some(lsn_commit)) => Lsn::from_i64(lsn_commit),
        // Inside the very first transaction: all that is known is that the slot was not confirmed beyond its start.
        (Some(_), None) => Lsn::ZERO,
    };
    StreamStart {
        from,
        last_commit_lsn,
        sent,
        begun: stored
            .transaction_id
            .as_deref()
            .and_then(|xid| xid.parse().ok()),
    }
}

/// `None` when the offset stands between two transactions.
fn sent_of_first_transaction(stored: &SourceOffset) -> Option<InTransaction> {
    let lsn_proc = stored.lsn_proc?;
    let lsn = match stored.message_type? {
        MessageType::Begin | MessageType::Commit => return None,
        // `lsn_proc` is that of the change before it. Outside a transaction there is no `txId` either.
        MessageType::Message => stored.lsn,
        // All tables of a statement share their LSN; until the last of them was sent `lsn_proc` stays behind.
        MessageType::Truncate | MessageType::Insert | MessageType::Update | MessageType::Delete => {
            lsn_proc
        }
    };
    Some(InTransaction {
        xid: u32::try_from(stored.tx_id?).ok()?,
        lsn: Lsn::from_i64(lsn),
        sent_at_lsn: stored
            .lsn_events_processed
            .and_then(|count| u64::try_from(count).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(json: &str) -> SourceOffset {
        SourceOffset::parse(json.as_bytes()).unwrap()
    }

    fn planned(json: &str) -> StartPlan {
        plan(SnapshotMode::Initial, Some(&stored(json))).unwrap()
    }

    #[test]
    fn without_an_offset_the_mode_decides() {
        assert_eq!(plan(SnapshotMode::Initial, None), Ok(StartPlan::Snapshot));
        assert_eq!(
            plan(SnapshotMode::NoData, None),
            Ok(StartPlan::StreamFromSlot)
        );
    }

    #[test]
    fn the_slot_may_stand_at_the_end_of_the_commit_or_the_idle_position_that_was_stored() {
        let between = stored(r#"{"lsn_commit":100,"lsn":200,"txId":7,"ts_usec":1}"#);
        assert_eq!(needed_from(&between), Lsn::from_i64(200));
        let inside = stored(r#"{"lsn_proc":150,"lsn_commit":100,"lsn":150,"txId":8,"ts_usec":1}"#);
        assert_eq!(needed_from(&inside), Lsn::from_i64(150));
        let rows_only = stored(r#"{"lsn":50,"txId":7,"ts_usec":1}"#);
        assert_eq!(needed_from(&rows_only), Lsn::from_i64(50));
    }

    #[test]
    fn an_unfinished_snapshot_starts_again_or_is_refused() {
        let offset = stored(
            r#"{"last_snapshot_record":false,"lsn":50,"txId":7,"ts_usec":1,"snapshot":"INITIAL","snapshot_completed":false}"#,
        );
        assert_eq!(
            plan(SnapshotMode::Initial, Some(&offset)),
            Ok(StartPlan::Snapshot)
        );
        assert_eq!(
            plan(SnapshotMode::NoData, Some(&offset)),
            Err(PlanError::UnfinishedSnapshot)
        );
    }

    #[test]
    fn after_a_finished_snapshot_the_stream_starts_at_its_position_with_no_commit_known() {
        let plan = planned(
            r#"{"last_snapshot_record":true,"lsn":50,"txId":7,"ts_usec":1,"snapshot":"INITIAL","snapshot_completed":true}"#,
        );
        assert_eq!(
            plan,
            StartPlan::Stream(StreamStart {
                from: Lsn(50),
                last_commit_lsn: None,
                sent: None,
                begun: None,
            })
        );
    }

    #[test]
    fn an_offset_of_a_row_goes_on_inside_its_transaction() {
        let plan = planned(
            r#"{"lsn_proc":80,"messageType":"INSERT","lsn_commit":60,"lsn":80,"txId":7,"ts_usec":1}"#,
        );
        let sent = Some(InTransaction {
            xid: 7,
            lsn: Lsn(80),
            sent_at_lsn: None,
        });
        assert_eq!(
            plan,
            StartPlan::Stream(StreamStart {
                from: Lsn(60),
                last_commit_lsn: Some(Lsn(60)),
                sent,
                begun: None
            })
        );
    }

    #[test]
    fn an_offset_inside_the_first_transaction_starts_at_the_slot() {
        let plan =
            planned(r#"{"lsn_proc":80,"messageType":"INSERT","lsn":80,"txId":7,"ts_usec":1}"#);
        let sent = Some(InTransaction {
            xid: 7,
            lsn: Lsn(80),
            sent_at_lsn: None,
        });
        assert_eq!(
            plan,
            StartPlan::Stream(StreamStart {
                from: Lsn::ZERO,
                last_commit_lsn: Some(Lsn(80)),
                sent,
                begun: None
            })
        );
    }

    #[test]
    fn an_offset_of_a_commit_stands_between_transactions() {
        let plan = planned(
            r#"{"lsn_proc":79,"messageType":"COMMIT","lsn_commit":80,"lsn":79,"txId":7,"ts_usec":1}"#,
        );
        assert_eq!(
            plan,
            StartPlan::Stream(StreamStart {
                from: Lsn(80),
                last_commit_lsn: Some(Lsn(80)),
                sent: None,
                begun: None,
            })
        );
    }

    #[test]
    fn a_running_incremental_snapshot_is_refused_and_not_forgotten() {
        let offset = stored(
            r#"{"lsn_proc":80,"messageType":"INSERT","lsn_commit":60,"lsn":80,"txId":7,"ts_usec":1,
                "incremental_snapshot_collections":"[]","incremental_snapshot_primary_key":"aced"}"#,
        );
        let refused = plan(SnapshotMode::Initial, Some(&offset));
        assert_eq!(refused, Err(PlanError::IncrementalSnapshot));
    }
}
