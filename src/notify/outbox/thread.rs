//! Which message a conversation belongs to, across restarts. Written with what became of the request.

use rusqlite::{OptionalExtension, params};

use super::{Outbox, OutboxError};
use crate::notify::notice::{Notice, RowChange};

/// The root of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub channel: String,
    pub ts: String,
    /// What the root tells now.
    pub told: Option<RowChange>,
}

impl Outbox {
    /// The root that the notice's conversation has already.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn thread(&self, notice: &Notice) -> Result<Option<Thread>, OutboxError> {
        let Some(key) = thread_key(notice) else {
            return Ok(None);
        };
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT channel, ts, told FROM thread WHERE destination = ?1 AND key = ?2",
                )?
                .query_row([&notice.destination, &key], |row| {
                    Ok(Thread {
                        channel: row.get(0)?,
                        ts: row.get(1)?,
                        told: row
                            .get::<_, Option<String>>(2)?
                            .and_then(|told| serde_json::from_str(&told).ok()),
                    })
                })
                .optional()
        })
    }

    /// # Errors
    /// When the file takes nothing.
    pub fn remember_thread(
        &self,
        notice: &Notice,
        thread: &Thread,
        now_ms: i64,
    ) -> Result<(), OutboxError> {
        let Some(key) = thread_key(notice) else {
            return Ok(());
        };
        let told = thread.told.as_ref().map(serde_json::to_string).transpose();
        let told = told.map_err(|source| OutboxError::Notice {
            delivery_id: notice.id.as_str().to_owned(),
            source,
        })?;
        self.write_soon(|transaction| {
            transaction.execute(
                "INSERT INTO thread (destination, key, channel, ts, told, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (destination, key) DO UPDATE SET channel = excluded.channel, ts = excluded.ts, told = excluded.told,
                     used_at = excluded.used_at",
                params![notice.destination, key, thread.channel, thread.ts, told, now_ms],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// A thread that goes on does not end with its time.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn touch_thread(&self, notice: &Notice, now_ms: i64) -> Result<(), OutboxError> {
        self.write_soon(|transaction| {
            transaction.execute(
                "UPDATE thread SET used_at = ?3 WHERE destination = ?1 AND key = ?2",
                params![notice.destination, thread_key(notice), now_ms],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// # Errors
    /// When the file takes nothing.
    pub fn forget_thread(&self, notice: &Notice) -> Result<(), OutboxError> {
        let Some(key) = thread_key(notice) else {
            return Ok(());
        };
        self.write_soon(|transaction| {
            transaction.execute(
                "DELETE FROM thread WHERE destination = ?1 AND key = ?2",
                [&notice.destination, &key],
            )?;
            Ok(())
        })?;
        Ok(())
    }
}

fn thread_key(notice: &Notice) -> Option<String> {
    let key = notice.conversation.key.as_ref()?;
    Some(format!("{}\u{1f}{key}", notice.rule))
}
