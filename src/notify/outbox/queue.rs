//! Out of the outbox: the next notice of a destination, and what became of it.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};

use super::audit::Audit;
use super::{Outbox, OutboxError, Write};
use crate::notify::notice::{Content, Notice};
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
    /// When the last request was written; an unknown one without was perhaps never.
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

/// What was delivered can be sent again for a week.
const REPLAYABLE_MS: i64 = 7 * 24 * 3_600_000;

const QUEUED: &str = "seq, notice, state = 'unknown', step, plain, repeat, attempts, started_at, thread_ts, delivery_id";

impl Outbox {
    /// Unknown ones first, for they were first; then by severity; within a key in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&self, destination: &str) -> Result<Option<Queued>, OutboxError> {
        let found = self.read(|connection| {
            // With the states of `notice_doubtful` and of `notice_queue`: SQLite walks those indexes and stops at the first.
            for state in [
                "state IN ('unknown', 'held', 'dead') AND state = 'unknown'",
                "state = 'pending'",
            ] {
                let sql = format!(
                    "SELECT {QUEUED} FROM notice AS candidate WHERE destination = ?1 AND {state} AND NOT EXISTS (
                         SELECT 1 FROM notice AS earlier
                         WHERE earlier.destination = candidate.destination AND earlier.fifo_key = candidate.fifo_key
                           AND earlier.seq < candidate.seq AND earlier.state IN ('pending', 'sending', 'unknown'))
                     ORDER BY severity DESC, seq LIMIT 1"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                let row = statement.query_row([destination], RawQueued::read);
                if let Some(found) = row.optional()? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })?;
        found.map(RawQueued::parse).transpose()
    }

    /// In the file when it returns: only then may the request be written. What became of it may be taken only after [`Self::sync`]: a power
    /// cut can make us forget one request of a destination, and [`Self::doubts_before_ms`] says so. `None` when an operator was faster
    /// and it is not to be sent.
    ///
    /// # Errors
    /// When the file takes nothing: nothing may be sent then.
    pub fn begin(&self, opened: Opened<'_>, now_ms: i64) -> Result<Option<Write>, OutboxError> {
        let (is_opened, write) = self.write_soon(|transaction| {
            let opened = transaction
                .prepare_cached(
                    "UPDATE notice SET state = 'sending', attempts = attempts + 1, started_at = ?2, body_hash = ?3, thread_ts = ?4
                     WHERE seq = ?1 AND state = 'pending'",
                )?
                .execute(params![opened.seq, now_ms, opened.body_hash, opened.thread_ts])?;
            Ok(opened > 0)
        })?;
        Ok(is_opened.then_some(write))
    }

    /// A power cut may have taken the mark that it was sent: it is `unknown`, and nobody knows since when.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn doubt(&self, queued: &Queued, now_ms: i64) -> Result<(), OutboxError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE notice SET state = 'unknown', started_at = NULL WHERE seq = ?1 AND state = 'pending'",
                [queued.seq],
            )?;
            Audit {
                at_ms: now_ms,
                destination: &queued.notice.destination,
                delivery_id: Some(queued.notice.id.as_str()),
                what: "unknown",
                detail: Some("power cut"),
                facts: None,
            }
            .record(transaction)
        })
    }

    /// The edits of the same message that wait behind this one: only the latest state is told, and the trail keeps the others. The
    /// last of them takes its place in the queue; `None` when there is none.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn latest_edit(&self, queued: &Queued, now_ms: i64) -> Result<Option<Queued>, OutboxError> {
        let sql = format!(
            "SELECT {QUEUED} FROM notice WHERE destination = ?1 AND fifo_key = (SELECT fifo_key FROM notice WHERE seq = ?2)
                 AND rule = ?3 AND state IN ('pending', 'sending', 'unknown') AND state = 'pending' AND step = 0 AND repeat = 0
                 AND plain = 0 AND seq > ?2
                 AND json_extract(notice, '$.conversation.key') = ?4 ORDER BY seq"
        );
        let Notice {
            destination,
            rule,
            conversation,
            ..
        } = &queued.notice;
        let waiting: Vec<RawQueued> = self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![destination, queued.seq, rule, conversation.key],
                RawQueued::read,
            )?;
            rows.collect()
        })?;
        let mut passed = vec![queued.clone()];
        for raw in waiting {
            let mut later = raw.parse()?;
            let earlier = passed.last().map(|earlier| &earlier.notice.content);
            if let (Content::Change(later), Some(Content::Change(earlier))) =
                (&mut later.notice.content, earlier)
            {
                later.follow(earlier);
            }
            passed.push(later);
        }
        let latest = passed.pop().filter(|_| !passed.is_empty());
        if let Some(latest) = &latest {
            self.replace_edits(&passed, latest, now_ms)?;
        }
        Ok(latest)
    }

    fn replace_edits(
        &self,
        passed: &[Queued],
        latest: &Queued,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let body = serde_json::to_string(&latest.notice).map_err(|source| OutboxError::Notice {
            delivery_id: latest.notice.id.as_str().to_owned(),
            source,
        })?;
        self.write(|transaction| {
            transaction.execute(
                "UPDATE notice SET notice = ?2 WHERE seq = ?1",
                params![latest.seq, body],
            )?;
            for queued in passed {
                transaction.execute(
                    "UPDATE notice SET state = 'folded', folded_into = ?2, notice = '' WHERE seq = ?1",
                    [queued.seq, latest.seq],
                )?;
                Audit {
                    at_ms: now_ms,
                    destination: &queued.notice.destination,
                    delivery_id: Some(queued.notice.id.as_str()),
                    what: "edited later",
                    detail: Some(latest.notice.id.as_str()),
                    facts: None,
                }
                .record(transaction)?;
            }
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
        // If a power cut undoes it, the notice is `unknown`, as it is when the process ends before the answer.
        let ended = self.write_soon(|transaction| {
            transaction
                .prepare_cached(&sql)?
                .execute(params![queued.seq, label])?;
            if let Ending::Sent {
                posted: Some(posted),
            } = ending
            {
                transaction
                    .prepare_cached("UPDATE notice SET channel = ?2, ts = ?3 WHERE seq = ?1")?
                    .execute(params![queued.seq, posted.channel, posted.ts])?;
            }
            Audit {
                at_ms: now_ms,
                destination: &queued.notice.destination,
                delivery_id: Some(queued.notice.id.as_str()),
                what,
                detail: Some(label),
                facts: facts(transaction, queued, ending, now_ms)?,
            }
            .record(transaction)
        });
        ended.map(|((), _)| ())
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
                facts: None,
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
                // They are in the order of their times: only what goes is visited.
                "DELETE FROM notice WHERE state IN ('sent', 'folded', 'muted')
                 AND seq < coalesce((SELECT seq FROM notice WHERE created_at >= ?1 ORDER BY seq LIMIT 1), 9223372036854775807)",
                "DELETE FROM thread WHERE used_at < ?1",
                "DELETE FROM audit
                 WHERE seq < coalesce((SELECT seq FROM audit WHERE at >= ?1 ORDER BY seq LIMIT 1), 9223372036854775807)",
            ] {
                transaction.execute(sql, [before])?;
            }
            transaction.execute("DELETE FROM mute WHERE until < ?1", [now_ms])?;
            transaction.execute(
                "UPDATE notice SET notice = '' WHERE state IN ('sent', 'muted') AND notice <> '' AND created_at < ?1",
                [now_ms.saturating_sub(REPLAYABLE_MS)],
            )?;
            Ok(())
        })
    }
}

/// How it was sent: for the audit.
fn facts(
    transaction: &Transaction<'_>,
    queued: &Queued,
    ending: &Ending,
    now_ms: i64,
) -> rusqlite::Result<Option<Value>> {
    let (attempts, body_hash): (u32, Option<String>) = transaction
        .prepare_cached("SELECT attempts, body_hash FROM notice WHERE seq = ?1")?
        .query_row([queued.seq], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut facts = json!({ "attempts": attempts, "body_sha256": body_hash });
    if let (Ending::Sent { posted }, Value::Object(facts)) = (ending, &mut facts) {
        let committed_at_ms = queued.notice.commit.committed_at.as_millisecond();
        facts.insert(
            "channel".to_owned(),
            json!(posted.as_ref().map(|posted| &posted.channel)),
        );
        facts.insert(
            "ts".to_owned(),
            json!(posted.as_ref().map(|posted| &posted.ts)),
        );
        // By two clocks: the database's and ours.
        facts.insert(
            "commit_to_sent_ms".to_owned(),
            json!(now_ms - committed_at_ms),
        );
    }
    Ok(Some(facts))
}

/// The columns that an ending changes, and its name in the audit.
fn change(ending: &Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Sent { .. } => ("state = 'sent'", "sent"),
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
