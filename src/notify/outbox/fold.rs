//! Too much in a lane: the oldest pending notices of a rule become one digest. Nothing is dropped.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::audit::Audit;
use super::intake::rank;
use super::{Outbox, OutboxError};
use crate::notify::notice::Notice;

/// How much a destination may keep before it is summarised.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    pub max_bytes: u64,
    pub max_age: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_age: Duration::from_secs(24 * 3600),
        }
    }
}

/// What one folding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Notices that are in a digest now and were not before.
    pub notices: u64,
}

/// At most so many at once: the transaction stays short.
const MOST: usize = 2_000;

struct Candidate {
    seq: i64,
    delivery_id: String,
    notice: String,
}

impl Outbox {
    /// Folds once when the destination keeps too much, and says how many notices went; 0 when there is nothing to fold.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn fold(
        &self,
        destination: &str,
        capacity: Capacity,
        now_ms: i64,
    ) -> Result<Folded, OutboxError> {
        let age = i64::try_from(capacity.max_age.as_millis()).unwrap_or(i64::MAX);
        let before = now_ms.saturating_sub(age);
        let Some(rule) = self.rule_to_fold(destination, capacity.max_bytes, before)? else {
            return Ok(Folded::default());
        };
        let candidates = self.candidates(destination, &rule)?;
        let Some((first, rest)) = candidates.split_first() else {
            return Ok(Folded::default());
        };
        let mut digest = parse(first)?;
        for later in rest {
            digest.fold(parse(later)?);
        }
        let body = serde_json::to_string(&digest).map_err(|source| OutboxError::Notice {
            delivery_id: first.delivery_id.clone(),
            source,
        })?;
        self.replace(destination, first, rest, (&digest, &body), now_ms)?;
        Ok(Folded {
            notices: rest.len() as u64,
        })
    }

    /// The rule of the oldest pending notice that has company, when there is too much or it is too old.
    fn rule_to_fold(
        &self,
        destination: &str,
        max_bytes: u64,
        before_ms: i64,
    ) -> Result<Option<String>, OutboxError> {
        let max_bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
        self.read(|connection| {
            let (bytes, oldest): (i64, Option<i64>) = connection
                .prepare_cached(
                    "SELECT coalesce(sum(length(notice)), 0), min(committed_at) FROM notice
                     WHERE destination = ?1 AND state = 'pending'",
                )?
                .query_row([destination], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if bytes <= max_bytes && oldest.is_none_or(|oldest| oldest >= before_ms) {
                return Ok(None);
            }
            connection
                .query_row(
                    "SELECT rule FROM notice
                     WHERE destination = ?1 AND state = 'pending' AND step = 0 AND repeat = 0
                     GROUP BY rule HAVING count(*) > 1 ORDER BY min(severity), min(seq) LIMIT 1",
                    [destination],
                    |row| row.get(0),
                )
                .optional()
        })
    }

    fn candidates(&self, destination: &str, rule: &str) -> Result<Vec<Candidate>, OutboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT seq, delivery_id, notice FROM notice
                 WHERE destination = ?1 AND rule = ?2 AND state = 'pending' AND step = 0 AND repeat = 0
                 ORDER BY seq LIMIT ?3",
            )?;
            let rows = statement.query_map(params![destination, rule, MOST as i64], |row| {
                Ok(Candidate {
                    seq: row.get(0)?,
                    delivery_id: row.get(1)?,
                    notice: row.get(2)?,
                })
            })?;
            rows.collect()
        })
    }

    fn replace(
        &self,
        destination: &str,
        first: &Candidate,
        rest: &[Candidate],
        (digest, body): (&Notice, &str),
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE notice SET notice = ?2, fifo_key = 'digest ' || rule, severity = ?3 WHERE seq = ?1",
                params![first.seq, body, rank(digest.severity)],
            )?;
            let mut fold = transaction.prepare(
                "UPDATE notice SET state = 'folded', folded_into = ?2, notice = '' WHERE seq = ?1",
            )?;
            for folded in rest {
                fold.execute([folded.seq, first.seq])?;
                Audit {
                    at_ms: now_ms,
                    destination,
                    delivery_id: Some(&folded.delivery_id),
                    what: "folded",
                    detail: Some(&first.delivery_id),
                    facts: None,
                }
                .record(transaction)?;
            }
            Ok(())
        })
    }
}

fn parse(candidate: &Candidate) -> Result<Notice, OutboxError> {
    serde_json::from_str(&candidate.notice).map_err(|source| OutboxError::Notice {
        delivery_id: candidate.delivery_id.clone(),
        source,
    })
}
