//! Out of the outbox: the next notice of a destination, and what became of it.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use super::{Audit, Outbox, OutboxError};
use crate::notify::notice::Notice;
use crate::notify::slack::answer::Posted;

/// A notice that is next in its destination's lane.
#[derive(Clone, Debug)]
pub struct Queued {
    pub seq: i64,
    pub notice: Notice,
    /// It was sent, and nobody knows whether it arrived.
    pub unknown: bool,
    pub step: u8,
    pub plain: bool,
    pub repeat: bool,
    pub attempts: u32,
    /// When the last request was written.
    pub started_at_ms: Option<i64>,
    /// The thread that the last request replied to.
    pub thread_ts: Option<String>,
}

/// What is written down before a request is.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    pub seq: i64,
    pub body_hash: &'a str,
    pub thread_ts: Option<&'a str>,
}

/// What became of a notice that was being sent or was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Sent {
        posted: Option<Posted>,
    },
    /// The reply is there, the edit of its root is not yet.
    NextStep,
    /// The same again; Slack's "too fast" is no attempt.
    Again {
        counts: bool,
    },
    /// Again, saying that it may be a repeat.
    AgainAsRepeat,
    /// Again, as text alone.
    AgainAsPlain,
    /// Again from the start: what it replied to or edited is gone.
    AgainAsRoot,
    Unknown,
    /// An operator decides.
    Held,
    Dead,
}

/// Until when a destination is closed, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    pub until_ms: Option<i64>,
    pub parked_at_ms: Option<i64>,
    pub reason: Option<String>,
}

const QUEUED: &str = "seq, notice, state = 'unknown', step, plain, repeat, attempts, started_at, thread_ts, delivery_id";

impl Outbox {
    /// Unknown ones first, for they were first; then by severity; within a key in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&self, destination: &str) -> Result<Option<Queued>, OutboxError> {
        let sql = format!(
            "SELECT {QUEUED} FROM notice AS candidate
             WHERE destination = ?1 AND state = ?2 AND NOT EXISTS (
                 SELECT 1 FROM notice AS earlier
                 WHERE earlier.destination = candidate.destination AND earlier.fifo_key = candidate.fifo_key
                   AND earlier.seq < candidate.seq AND earlier.state IN ('pending', 'sending', 'unknown'))
             ORDER BY severity DESC, seq LIMIT 1"
        );
        let found = self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            for state in ["unknown", "pending"] {
                let row = statement.query_row([destination, state], RawQueued::read);
                if let Some(found) = row.optional()? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })?;
        found.map(RawQueued::parse).transpose()
    }

    /// On disk when it returns: only then may the request be written.
    ///
    /// # Errors
    /// When the file takes nothing: nothing may be sent then.
    pub fn begin(&self, opened: Opened<'_>, now_ms: i64) -> Result<(), OutboxError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "UPDATE notice SET state = 'sending', attempts = attempts + 1, started_at = ?2, body_hash = ?3, thread_ts = ?4
                     WHERE seq = ?1",
                )?
                .execute(params![opened.seq, now_ms, opened.body_hash, opened.thread_ts])?;
            Ok(())
        })
    }

    /// What became of it, with Slack's word for why.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn end(
        &self,
        queued: &Queued,
        ending: &Ending,
        label: &str,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let (change, what) = change(ending);
        let sql = format!("UPDATE notice SET {change}, reason = ?2 WHERE seq = ?1");
        self.write(|transaction| {
            transaction
                .prepare_cached(&sql)?
                .execute(params![queued.seq, label])?;
            if let Ending::Sent {
                posted: Some(posted),
            } = ending
            {
                transaction.execute(
                    "UPDATE notice SET channel = ?2, ts = ?3 WHERE seq = ?1",
                    params![queued.seq, posted.channel, posted.ts],
                )?;
            }
            Audit {
                at_ms: now_ms,
                destination: &queued.notice.destination,
                delivery_id: Some(queued.notice.id.as_str()),
                what,
                detail: Some(label),
            }
            .record(transaction)
        })
    }

    /// Closes a destination, or opens it with an empty [`Wait`].
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn set_wait(&self, destination: &str, wait: &Wait, now_ms: i64) -> Result<(), OutboxError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO destination (name, wait_until, parked_at, reason) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET wait_until = excluded.wait_until, parked_at = excluded.parked_at,
                     reason = excluded.reason",
                params![destination, wait.until_ms, wait.parked_at_ms, wait.reason],
            )?;
            let what = match (wait.parked_at_ms, wait.until_ms) {
                (Some(_), _) => "parked",
                (None, Some(_)) => "waiting",
                (None, None) => "open",
            };
            Audit {
                at_ms: now_ms,
                destination,
                delivery_id: None,
                what,
                detail: wait.reason.as_deref(),
            }
            .record(transaction)
        })
    }

    /// As it was stored last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn wait(&self, destination: &str) -> Result<Wait, OutboxError> {
        self.read(|connection| {
            let sql = "SELECT wait_until, parked_at, reason FROM destination WHERE name = ?1";
            let found = connection.query_row(sql, [destination], |row| {
                Ok(Wait {
                    until_ms: row.get(0)?,
                    parked_at_ms: row.get(1)?,
                    reason: row.get(2)?,
                })
            });
            Ok(found.optional()?.unwrap_or_default())
        })
    }

    /// Forgets what was delivered or folded and threads that were not used for so long, and what the audit says of then.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn prune(&self, keep: Duration, now_ms: i64) -> Result<(), OutboxError> {
        let before = now_ms.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        self.write(|transaction| {
            for sql in [
                "DELETE FROM notice WHERE state IN ('sent', 'folded') AND created_at < ?1",
                "DELETE FROM thread WHERE used_at < ?1",
                "DELETE FROM audit WHERE at < ?1",
            ] {
                transaction.execute(sql, [before])?;
            }
            Ok(())
        })
    }
}

/// The columns that an ending changes, and its name in the audit.
fn change(ending: &Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Sent { .. } => ("state = 'sent', notice = ''", "sent"),
        Ending::NextStep => ("state = 'pending', step = 1", "replied"),
        Ending::Again { counts: true } => ("state = 'pending'", "again"),
        Ending::Again { counts: false } => (
            "state = 'pending', attempts = max(attempts - 1, 0)",
            "again",
        ),
        Ending::AgainAsRepeat => ("state = 'pending', repeat = 1", "possible repeat"),
        Ending::AgainAsPlain => ("state = 'pending', plain = 1", "again as text"),
        Ending::AgainAsRoot => ("state = 'pending', step = 0", "again as a new message"),
        Ending::Unknown => ("state = 'unknown'", "unknown"),
        Ending::Held => ("state = 'held'", "held"),
        Ending::Dead => ("state = 'dead'", "dead"),
    }
}

/// A row before its JSON is read.
struct RawQueued {
    seq: i64,
    notice: String,
    unknown: bool,
    step: u8,
    plain: bool,
    repeat: bool,
    attempts: u32,
    started_at_ms: Option<i64>,
    thread_ts: Option<String>,
    delivery_id: String,
}

impl RawQueued {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            notice: row.get(1)?,
            unknown: row.get(2)?,
            step: row.get(3)?,
            plain: row.get(4)?,
            repeat: row.get(5)?,
            attempts: row.get(6)?,
            started_at_ms: row.get(7)?,
            thread_ts: row.get(8)?,
            delivery_id: row.get(9)?,
        })
    }

    fn parse(self) -> Result<Queued, OutboxError> {
        let notice = serde_json::from_str(&self.notice).map_err(|source| OutboxError::Notice {
            delivery_id: self.delivery_id,
            source,
        })?;
        Ok(Queued {
            seq: self.seq,
            notice,
            unknown: self.unknown,
            step: self.step,
            plain: self.plain,
            repeat: self.repeat,
            attempts: self.attempts,
            started_at_ms: self.started_at_ms,
            thread_ts: self.thread_ts,
        })
    }
}
