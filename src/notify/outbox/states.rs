//! The last values of watched columns, for tables whose old rows the server does not send.

use std::collections::HashMap;

use rusqlite::{Transaction, params};

use super::{Outbox, OutboxError};
use crate::notify::last_states::State;

impl Outbox {
    /// Everything that is remembered of a source's rows.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn states(&self, source: &str) -> Result<Vec<(String, State)>, OutboxError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT id, state FROM last_state WHERE source = ?1")?;
            let rows = statement.query_map([source], |row| {
                let text: Option<Vec<u8>> = row.get(1)?;
                let state = text.map_or(State::Null, |text| State::Text(text.into_boxed_slice()));
                Ok((row.get(0)?, state))
            })?;
            rows.collect()
        })
    }
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    source: &str,
    states: &HashMap<String, State>,
) -> rusqlite::Result<()> {
    const REMEMBER: &str = "INSERT INTO last_state (source, id, state) VALUES (?1, ?2, ?3)
         ON CONFLICT (source, id) DO UPDATE SET state = excluded.state";
    let mut remember = transaction.prepare_cached(REMEMBER)?;
    let mut forget =
        transaction.prepare_cached("DELETE FROM last_state WHERE source = ?1 AND id = ?2")?;
    for (id, state) in states {
        match state {
            State::Null => remember.execute(params![source, id, None::<&[u8]>])?,
            State::Text(text) => remember.execute(params![source, id, text.as_ref()])?,
            State::Forgotten => forget.execute(params![source, id])?,
        };
    }
    Ok(())
}
