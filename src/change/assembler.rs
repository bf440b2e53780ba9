//! pgoutput messages, in the order of the stream → changes with their position. Pure.
//!
//! Keeps what the messages of one transaction share: its xid and commit time (`Begin`), its origin, and the end of the
//! commit before it.

use super::{Change, ChangeKind, Origin, Position};
use crate::postgres::pgoutput::{Message, Relation};
use crate::postgres::{Lsn, PgTimestamp};

/// What one message of the stream means.
#[derive(Debug, PartialEq)]
pub enum Step<'a> {
    /// A transaction begins. `final_lsn` is the start of its commit record.
    Begin {
        xid: u32,
        final_lsn: Lsn,
        committed_at: PgTimestamp,
    },
    /// The shape of a table, sent before its first row and again after it changed.
    Relation(Relation),
    Change(Change<'a>),
    /// One truncate statement: a change for every table of it, in the statement's order.
    Truncate {
        relation_ids: Vec<u32>,
        position: Position<'a>,
    },
    /// `pg_logical_emit_message`.
    Logical {
        transactional: bool,
        prefix: &'a str,
        content: &'a [u8],
        position: Position<'a>,
    },
    /// The transaction is complete; everything that commits later is sent when the stream starts at `end_lsn`.
    Commit {
        xid: u32,
        end_lsn: Lsn,
        committed_at: PgTimestamp,
    },
    /// Nothing that concerns rows: an origin or a type.
    Nothing,
}

/// The server sent what we did not ask for, or in an order it must not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    #[error(
        "the server sent {what} at {lsn} outside a transaction; reconnect, and report this if it happens again"
    )]
    OutsideTransaction { what: &'static str, lsn: Lsn },
    #[error(
        "the server sent {what} at {lsn}, which only protocol versions above the one asked for contain"
    )]
    NotAskedFor { what: &'static str, lsn: Lsn },
}

#[derive(Debug)]
struct Transaction {
    xid: u32,
    committed_at: PgTimestamp,
    origin: Option<(String, Lsn)>,
}

/// The state between the messages of one stream.
#[derive(Debug, Default)]
pub struct Assembler {
    transaction: Option<Transaction>,
    last_commit_lsn: Option<Lsn>,
    /// Debezium keeps the time of the transaction before for messages that belong to none.
    last_committed_at: PgTimestamp,
    slot_xmin: Option<i64>,
}

impl Assembler {
    /// `last_commit_lsn` is what the stored offset knows of the last commit: it is the first element of `source.sequence`.
    #[must_use]
    pub fn new(last_commit_lsn: Option<Lsn>, started_at: PgTimestamp) -> Self {
        Self {
            transaction: None,
            last_commit_lsn,
            last_committed_at: started_at,
            slot_xmin: None,
        }
    }

    /// What was fetched of the slot: the position of every change shows it from now on.
    pub fn fetched(&mut self, slot_xmin: Option<i64>) {
        self.slot_xmin = slot_xmin;
    }

    /// Whether a transaction has begun and not ended.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// The transaction that has begun and not ended.
    #[must_use]
    pub fn xid(&self) -> Option<u32> {
        self.transaction.as_ref().map(|transaction| transaction.xid)
    }

    /// The end of the last commit that was read, or known from the offset.
    #[must_use]
    pub fn last_commit_lsn(&self) -> Option<Lsn> {
        self.last_commit_lsn
    }

    /// What `message`, found at `lsn`, means.
    ///
    /// # Errors
    /// When a row comes outside a transaction, or a message that protocol version 1 does not have.
    pub fn assemble<'a>(
        &'a mut self,
        lsn: Lsn,
        message: Message<'a>,
    ) -> Result<Step<'a>, AssembleError> {
        match message {
            Message::Begin {
                final_lsn,
                committed_at,
                xid,
            } => {
                self.transaction = Some(Transaction {
                    xid,
                    committed_at,
                    origin: None,
                });
                Ok(Step::Begin {
                    xid,
                    final_lsn,
                    committed_at,
                })
            }
            Message::Commit {
                end_lsn,
                committed_at,
                ..
            } => self.commit(lsn, end_lsn, committed_at),
            Message::Origin { commit_lsn, name } => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.origin = Some((name.to_owned(), commit_lsn));
                }
                Ok(Step::Nothing)
            }
            Message::Relation { relation, .. } => Ok(Step::Relation(relation)),
            Message::Type { .. } => Ok(Step::Nothing),
            Message::Insert {
                relation_id, new, ..
            } => self.change("an insert", lsn, relation_id, ChangeKind::Insert { new }),
            Message::Update {
                relation_id,
                old,
                new,
                ..
            } => self.change(
                "an update",
                lsn,
                relation_id,
                ChangeKind::Update { old, new },
            ),
            Message::Delete {
                relation_id, old, ..
            } => self.change("a delete", lsn, relation_id, ChangeKind::Delete { old }),
            Message::Truncate { relation_ids, .. } => Ok(Step::Truncate {
                relation_ids,
                position: self.position("a truncate", lsn)?,
            }),
            Message::Logical {
                transactional,
                prefix,
                content,
                ..
            } => self.logical(transactional, lsn, prefix, content),
            Message::StreamStart { .. } | Message::StreamStop => {
                not_asked_for("a segment of an unfinished transaction", lsn)
            }
            Message::StreamCommit { .. } => {
                not_asked_for("the commit of a streamed transaction", lsn)
            }
            Message::StreamAbort { .. } => {
                not_asked_for("the abort of a streamed transaction", lsn)
            }
        }
    }

    fn commit(
        &mut self,
        lsn: Lsn,
        end_lsn: Lsn,
        committed_at: PgTimestamp,
    ) -> Result<Step<'static>, AssembleError> {
        let transaction = self
            .transaction
            .take()
            .ok_or(AssembleError::OutsideTransaction {
                what: "a commit",
                lsn,
            })?;
        self.last_commit_lsn = Some(end_lsn);
        self.last_committed_at = committed_at;
        Ok(Step::Commit {
            xid: transaction.xid,
            end_lsn,
            committed_at,
        })
    }

    fn change<'a>(
        &'a self,
        what: &'static str,
        lsn: Lsn,
        relation_id: u32,
        kind: ChangeKind<'a>,
    ) -> Result<Step<'a>, AssembleError> {
        Ok(Step::Change(Change {
            relation_id,
            position: self.position(what, lsn)?,
            kind,
        }))
    }

    /// A message outside a transaction carries no xid, the time of the last transaction, and counts as a commit
    /// (Debezium's `PostgresOffsetContext.updateWalPosition`).
    fn logical<'a>(
        &'a mut self,
        transactional: bool,
        lsn: Lsn,
        prefix: &'a str,
        content: &'a [u8],
    ) -> Result<Step<'a>, AssembleError> {
        if transactional {
            let position = self.position("a transactional message", lsn)?;
            return Ok(Step::Logical {
                transactional,
                prefix,
                content,
                position,
            });
        }
        self.last_commit_lsn = Some(lsn);
        let position = Position {
            lsn,
            last_commit_lsn: Some(lsn),
            xid: None,
            committed_at: self.last_committed_at,
            origin: None,
            slot_xmin: self.slot_xmin,
            order: None,
        };
        Ok(Step::Logical {
            transactional,
            prefix,
            content,
            position,
        })
    }

    fn position(&self, what: &'static str, lsn: Lsn) -> Result<Position<'_>, AssembleError> {
        let transaction = self
            .transaction
            .as_ref()
            .ok_or(AssembleError::OutsideTransaction { what, lsn })?;
        Ok(Position {
            lsn,
            last_commit_lsn: self.last_commit_lsn,
            xid: Some(u64::from(transaction.xid)),
            committed_at: transaction.committed_at,
            origin: transaction
                .origin
                .as_ref()
                .map(|(name, commit_lsn)| Origin {
                    name,
                    commit_lsn: *commit_lsn,
                }),
            slot_xmin: self.slot_xmin,
            order: None,
        })
    }
}

fn not_asked_for<'a>(what: &'static str, lsn: Lsn) -> Result<Step<'a>, AssembleError> {
    Err(AssembleError::NotAskedFor { what, lsn })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Message<'static> = Message::Begin {
        final_lsn: Lsn(200),
        committed_at: PgTimestamp(5),
        xid: 7,
    };
    const COMMIT: Message<'static> = Message::Commit {
        flags: 0,
        commit_lsn: Lsn(200),
        end_lsn: Lsn(248),
        committed_at: PgTimestamp(5),
    };

    fn truncate() -> Message<'static> {
        Message::Truncate {
            streamed_xid: None,
            cascade: false,
            restart_identity: false,
            relation_ids: vec![1],
        }
    }

    fn position_of(step: Step<'_>) -> Position<'_> {
        let Step::Truncate { position, .. } = step else {
            panic!("{step:?}")
        };
        position
    }

    #[test]
    fn the_first_transaction_knows_no_commit_before_it_and_the_second_does() {
        let mut assembler = Assembler::new(None, PgTimestamp(0));
        assembler.assemble(Lsn(100), BEGIN).unwrap();
        let first = position_of(assembler.assemble(Lsn(100), truncate()).unwrap());
        assert_eq!(
            (first.lsn, first.last_commit_lsn, first.xid),
            (Lsn(100), None, Some(7))
        );
        assembler.assemble(Lsn(248), COMMIT).unwrap();
        assembler.assemble(Lsn(248), BEGIN).unwrap();
        let second = position_of(assembler.assemble(Lsn(248), truncate()).unwrap());
        assert_eq!(second.last_commit_lsn, Some(Lsn(248)));
    }

    #[test]
    fn an_origin_lasts_until_its_transaction_ends() {
        let mut assembler = Assembler::new(None, PgTimestamp(0));
        assembler.assemble(Lsn(100), BEGIN).unwrap();
        assembler
            .assemble(
                Lsn(0),
                Message::Origin {
                    commit_lsn: Lsn(9),
                    name: "node_a",
                },
            )
            .unwrap();
        let first = position_of(assembler.assemble(Lsn(100), truncate()).unwrap());
        assert_eq!(
            first.origin,
            Some(Origin {
                name: "node_a",
                commit_lsn: Lsn(9)
            })
        );
        assembler.assemble(Lsn(248), COMMIT).unwrap();
        assembler.assemble(Lsn(248), BEGIN).unwrap();
        assert_eq!(
            position_of(assembler.assemble(Lsn(250), truncate()).unwrap()).origin,
            None
        );
    }

    #[test]
    fn a_message_outside_a_transaction_counts_as_a_commit() {
        let mut assembler = Assembler::new(None, PgTimestamp(3));
        let message = Message::Logical {
            streamed_xid: None,
            transactional: false,
            lsn: Lsn(50),
            prefix: "p",
            content: b"c",
        };
        let Step::Logical { position, .. } = assembler.assemble(Lsn(50), message).unwrap() else {
            panic!()
        };
        assert_eq!(
            (position.xid, position.committed_at),
            (None, PgTimestamp(3))
        );
        assembler.assemble(Lsn(100), BEGIN).unwrap();
        let after = position_of(assembler.assemble(Lsn(100), truncate()).unwrap());
        assert_eq!(after.last_commit_lsn, Some(Lsn(50)));
    }

    #[test]
    fn a_row_outside_a_transaction_is_refused() {
        let mut assembler = Assembler::default();
        assert!(matches!(
            assembler.assemble(Lsn(1), truncate()),
            Err(AssembleError::OutsideTransaction { .. })
        ));
        assert!(matches!(
            assembler.assemble(Lsn(1), COMMIT),
            Err(AssembleError::OutsideTransaction { .. })
        ));
    }

    #[test]
    fn messages_of_protocol_2_are_refused() {
        let mut assembler = Assembler::default();
        let start = Message::StreamStart {
            xid: 1,
            first_segment: true,
        };
        assert!(matches!(
            assembler.assemble(Lsn(1), start),
            Err(AssembleError::NotAskedFor { .. })
        ));
    }
}
