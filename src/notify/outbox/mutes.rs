//! Mutes: an operator's wish not to hear of something for a while. They stand in the file, so that a command can write one
//! while another process delivers, and that process sees it.

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde_json::json;

use super::audit::Audit;
use super::{Outbox, OutboxError};
use crate::notify::noise::Mute;

/// What a mute did at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Muted {
    pub id: u64,
    /// Notices that waited in the queue and are not sent now.
    pub queued: u64,
}

/// Of a queued change, the key that its message shows; a digest has none.
const SHOWN_KEY: &str = "json_extract(notice, '$.content.change.key')";

impl Outbox {
    /// Mutes from now on, and what is queued already. `mute.id` is given by the outbox.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn mute(&self, mute: &Mute, now_ms: i64) -> Result<Muted, OutboxError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO mute (rule, key, until, by, why) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    mute.rule,
                    mute.key,
                    mute.until.as_millisecond(),
                    mute.by,
                    mute.why
                ],
            )?;
            let id = transaction.last_insert_rowid();
            let which = format!(
                "state = 'pending' AND step = 0 AND (?1 IS NULL OR rule = ?1) AND (?2 IS NULL OR {SHOWN_KEY} = ?2)"
            );
            transaction.execute(
                &format!(
                    "INSERT INTO audit (at, destination, delivery_id, what, detail)
                     SELECT ?3, destination, delivery_id, 'muted', 'mute ' || ?4 FROM notice WHERE {which}"
                ),
                params![mute.rule, mute.key, now_ms, id],
            )?;
            let queued = transaction.execute(
                &format!("UPDATE notice SET state = 'muted', reason = 'mute ' || ?3 WHERE {which}"),
                params![mute.rule, mute.key, id],
            )?;
            let facts = json!({ "mute": id, "rule": mute.rule, "key": mute.key, "until": mute.until, "by": mute.by });
            record(transaction, "mute", Some(&mute.why), facts, now_ms)?;
            Ok(Muted {
                id: u64::try_from(id).unwrap_or_default(),
                queued: queued as u64,
            })
        })
    }

    /// Whether there was such a mute.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn unmute(&self, id: u64, by: &str, now_ms: i64) -> Result<bool, OutboxError> {
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        self.write(|transaction| {
            let removed = transaction.execute("DELETE FROM mute WHERE id = ?1", [id])?;
            if removed > 0 {
                let facts = json!({ "mute": id, "by": by });
                record(transaction, "unmute", None, facts, now_ms)?;
            }
            Ok(removed > 0)
        })
    }

    /// Those that are not over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn mutes(&self, now_ms: i64) -> Result<Vec<Mute>, OutboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, rule, key, until, by, why FROM mute WHERE until > ?1 ORDER BY id",
            )?;
            statement.query_map([now_ms], mute)?.collect()
        })
    }
}

fn mute(row: &Row<'_>) -> rusqlite::Result<Mute> {
    let id: i64 = row.get(0)?;
    Ok(Mute {
        id: u64::try_from(id).unwrap_or_default(),
        rule: row.get(1)?,
        key: row.get(2)?,
        until: Timestamp::from_millisecond(row.get(3)?).unwrap_or(Timestamp::MAX),
        by: row.get(4)?,
        why: row.get(5)?,
    })
}

fn record(
    transaction: &rusqlite::Transaction<'_>,
    what: &str,
    detail: Option<&str>,
    facts: serde_json::Value,
    now_ms: i64,
) -> rusqlite::Result<()> {
    Audit {
        at_ms: now_ms,
        destination: "",
        delivery_id: None,
        what,
        detail,
        facts: Some(facts),
    }
    .record(transaction)
}
