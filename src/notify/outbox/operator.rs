//! What an operator sees of the outbox, and decides.

use std::collections::BTreeMap;

use rusqlite::params;

use super::audit::Audit;
use super::{Outbox, OutboxError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Sending,
    Sent,
    Unknown,
    Held,
    Dead,
    Folded,
    Muted,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::Folded => "folded",
            Self::Muted => "muted",
        }
    }
}

/// A notice in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub delivery_id: String,
    pub destination: String,
    pub rule: String,
    pub created_at_ms: i64,
    pub attempts: u32,
    pub reason: Option<String>,
}

/// Which notices are sent once more. What is `None` asks for every one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replay<'a> {
    pub delivery_id: Option<&'a str>,
    pub rule: Option<&'a str>,
    /// Queued at that time or later.
    pub since_ms: Option<i64>,
}

/// How a destination stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub queued: i64,
    pub held: i64,
    pub dead: i64,
    pub oldest_at_ms: Option<i64>,
}

impl Standing {
    /// Whether something is kept that its destination may still get.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.queued + self.held > 0
    }
}

impl Outbox {
    /// The oldest notices in a state, of every destination.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self, state: State, most: u32) -> Result<Vec<Listed>, OutboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT delivery_id, destination, rule, created_at, attempts, reason FROM notice
                 WHERE state = ?1 ORDER BY seq LIMIT ?2",
            )?;
            let rows = statement.query_map(params![state.name(), most], |row| {
                Ok(Listed {
                    delivery_id: row.get(0)?,
                    destination: row.get(1)?,
                    rule: row.get(2)?,
                    created_at_ms: row.get(3)?,
                    attempts: row.get(4)?,
                    reason: row.get(5)?,
                })
            })?;
            rows.collect()
        })
    }

    /// How every destination stands that has something left. Costs what is left, not what was delivered.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn standings(&self) -> Result<BTreeMap<String, Standing>, OutboxError> {
        const SQL: &str = "
            SELECT destination, sum(queued), sum(held), sum(dead), min(oldest_at) FROM (
                SELECT destination, 1 AS queued, 0 AS held, 0 AS dead, created_at AS oldest_at
                FROM notice WHERE state IN ('pending', 'sending', 'unknown')
                UNION ALL
                SELECT destination, 0, state = 'held', state = 'dead', NULL FROM notice
                WHERE state IN ('unknown', 'held', 'dead') AND state <> 'unknown')
            GROUP BY destination";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            let rows = statement.query_map([], |row| {
                let standing = Standing {
                    queued: row.get(1)?,
                    held: row.get(2)?,
                    dead: row.get(3)?,
                    oldest_at_ms: row.get(4)?,
                };
                Ok((row.get(0)?, standing))
            })?;
            rows.collect()
        })
    }

    /// How one of them stands.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn standing(&self, destination: &str) -> Result<Standing, OutboxError> {
        let mut standings = self.standings()?;
        Ok(standings.remove(destination).unwrap_or_default())
    }

    /// The destinations that have a notice or a wait, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn destinations(&self) -> Result<Vec<String>, OutboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT name FROM destination UNION SELECT destination FROM notice ORDER BY 1",
            )?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The delivery that begins like this: people copy what a message shows of it.
    ///
    /// # Errors
    /// When there is none or more than one, or the file cannot be read.
    pub fn delivery(&self, beginning: &str) -> Result<String, OutboxError> {
        let found: Vec<String> = self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT delivery_id FROM notice WHERE substr(delivery_id, 1, length(?1)) = ?1 LIMIT 2",
            )?;
            statement.query_map([beginning], |row| row.get(0))?.collect()
        })?;
        match <[String; 1]>::try_from(found) {
            Ok([delivery_id]) => Ok(delivery_id),
            Err(found) => Err(OutboxError::NoSuchNotice {
                delivery_id: beginning.to_owned(),
                expected: if found.is_empty() { "stored" } else { "single" },
            }),
        }
    }

    /// What was delivered, refused, held or muted goes to its destination once more, and says that it may be a repeat. Digests that
    /// notices were folded into are theirs. How many there were.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn replay(&self, which: Replay<'_>, now_ms: i64) -> Result<u64, OutboxError> {
        const WHICH: &str = "state IN ('sent', 'dead', 'held', 'muted') AND notice <> '' AND (?1 IS NULL OR delivery_id = ?1)
            AND (?2 IS NULL OR rule = ?2) AND (?3 IS NULL OR created_at >= ?3)";
        let Replay {
            delivery_id,
            rule,
            since_ms,
        } = which;
        self.write(|transaction| {
            transaction.execute(
                &format!(
                    "INSERT INTO audit (at, destination, delivery_id, what, detail)
                     SELECT ?4, destination, delivery_id, 'replayed by an operator', state FROM notice WHERE {WHICH}"
                ),
                params![delivery_id, rule, since_ms, now_ms],
            )?;
            let replayed = transaction.execute(
                &format!("UPDATE notice SET state = 'pending', repeat = 1, step = 0, plain = 0, reason = NULL WHERE {WHICH}"),
                params![delivery_id, rule, since_ms],
            )?;
            Ok(replayed as u64)
        })
    }

    /// A parked destination is tried again at once; whether it was one.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn retry(&self, destination: &str, now_ms: i64) -> Result<bool, OutboxError> {
        self.write(|transaction| {
            let sql = "UPDATE destination SET wait_until = NULL WHERE name = ?1 AND parked_at IS NOT NULL";
            let changed = transaction.execute(sql, [destination])?;
            if changed > 0 {
                Audit {
                    at_ms: now_ms,
                    destination,
                    delivery_id: None,
                    what: "retried by an operator",
                    detail: None,
                    facts: None,
                }
                .record(transaction)?;
            }
            Ok(changed > 0)
        })
    }

    /// A held or dead notice goes back into its lane; it says that it may be a repeat.
    ///
    /// # Errors
    /// When there is none with this id, or the file takes nothing.
    pub fn resend(&self, delivery_id: &str, now_ms: i64) -> Result<(), OutboxError> {
        let sql = "UPDATE notice SET state = 'pending', repeat = 1 WHERE delivery_id = ?1 AND state IN ('held', 'dead')";
        self.decide(
            delivery_id,
            "held or dead",
            sql,
            "resent by an operator",
            now_ms,
        )
    }

    /// A held notice is in the channel: an operator saw it.
    ///
    /// # Errors
    /// When there is none with this id, or the file takes nothing.
    pub fn acknowledge(&self, delivery_id: &str, now_ms: i64) -> Result<(), OutboxError> {
        let sql = "UPDATE notice SET state = 'sent' WHERE delivery_id = ?1 AND state = 'held'";
        self.decide(
            delivery_id,
            "held",
            sql,
            "acknowledged by an operator",
            now_ms,
        )
    }

    fn decide(
        &self,
        delivery_id: &str,
        expected: &'static str,
        sql: &str,
        what: &str,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let changed = self.write(|transaction| {
            let changed = transaction.execute(sql, [delivery_id])?;
            if changed > 0 {
                Audit {
                    at_ms: now_ms,
                    destination: "",
                    delivery_id: Some(delivery_id),
                    what,
                    detail: None,
                    facts: None,
                }
                .record(transaction)?;
            }
            Ok(changed)
        })?;
        if changed == 0 {
            return Err(OutboxError::NoSuchNotice {
                delivery_id: delivery_id.to_owned(),
                expected,
            });
        }
        Ok(())
    }
}
