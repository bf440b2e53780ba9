//! The last value of watched columns, for tables whose old rows the server does not send (`old_state = "local_store"`).
//!
//! Held in memory, one entry for each row and watched column; the outbox stores what a commit changed, and loads all at the start.

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::row::Value;

/// Longer values are no states, and are not kept.
const MAX_STATE: usize = 256;

#[derive(Debug, Default)]
pub struct LastStates {
    committed: FxHashMap<String, State>,
    /// Of the transaction that is being read.
    pending: FxHashMap<String, State>,
}

/// What is known of one column of one row. The bytes are those that the server sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Null,
    Text(Box<[u8]>),
    /// The row is gone, or its value is too long.
    Forgotten,
}

impl LastStates {
    /// What was stored.
    #[must_use]
    pub fn load(stored: impl IntoIterator<Item = (String, State)>) -> Self {
        let kept = stored
            .into_iter()
            .filter(|(_, state)| *state != State::Forgotten);
        Self {
            committed: kept.collect(),
            pending: FxHashMap::default(),
        }
    }

    /// The transaction is complete: what the outbox must store, where [`State::Forgotten`] deletes.
    pub fn commit(&mut self) -> HashMap<String, State> {
        let changed: HashMap<_, _> = self.pending.drain().collect();
        for (id, state) in &changed {
            if *state == State::Forgotten {
                self.committed.remove(id);
            } else {
                self.committed.insert(id.clone(), state.clone());
            }
        }
        changed
    }

    /// The transaction was not completed.
    pub fn discard(&mut self) {
        self.pending.clear();
    }

    pub(super) fn get(&self, id: &str) -> Option<Value<'_>> {
        match self.known(id)? {
            State::Null => Some(Value::Null),
            State::Text(text) => Some(Value::Text(text)),
            State::Forgotten => None,
        }
    }

    fn known(&self, id: &str) -> Option<&State> {
        self.pending.get(id).or_else(|| self.committed.get(id))
    }

    pub(super) fn remember(&mut self, id: String, value: Value<'_>) {
        let state = match value {
            Value::Null => State::Null,
            Value::Text(text) if text.len() <= MAX_STATE => State::Text(text.into()),
            Value::Text(_) => State::Forgotten,
            // An unchanged TOASTed value: what is known stays.
            Value::Unknown => return,
        };
        // Most changes leave it as it was: nothing to store.
        if self.known(&id) != Some(&state) {
            self.pending.insert(id, state);
        }
    }

    pub(super) fn forget(&mut self, id: String) {
        self.pending.insert(id, State::Forgotten);
    }
}
