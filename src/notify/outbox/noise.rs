//! What the noise rules remember, a row for each window and for each change that is not told again.

use rusqlite::{Transaction, params};

use super::{Outbox, OutboxError};
use crate::notify::noise::NoiseChanges;

impl Outbox {
    /// All that is remembered of a source, JSON by key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn noise(&self, source: &str) -> Result<Vec<(String, String)>, OutboxError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT key, state FROM noise WHERE source = ?1")?;
            let rows = statement.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    source: &str,
    changes: &NoiseChanges,
) -> rusqlite::Result<()> {
    let mut remember = transaction.prepare_cached(
        "INSERT INTO noise (source, key, state) VALUES (?1, ?2, ?3)
         ON CONFLICT (source, key) DO UPDATE SET state = excluded.state",
    )?;
    let mut forget =
        transaction.prepare_cached("DELETE FROM noise WHERE source = ?1 AND key = ?2")?;
    for (key, state) in changes {
        match state {
            Some(state) => remember.execute(params![source, key, state])?,
            None => forget.execute(params![source, key])?,
        };
    }
    Ok(())
}
