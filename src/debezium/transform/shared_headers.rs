//! Debezium's delete and the tombstone after it share one headers object, and some transforms add headers to the object
//! itself: the tombstone then carries what was added to the delete.

use std::sync::Arc;

use crate::connect::record::{Header, SourceRecord};
use crate::connect::schema::Datum;

#[derive(Default)]
pub(super) struct SharedHeaders {
    delete: Option<Delete>,
}

struct Delete {
    topic: Arc<str>,
    key: Datum,
    /// How it came to the transform; a tombstone that comes otherwise has headers of its own.
    headers: Vec<Header>,
    added: Vec<Header>,
}

impl SharedHeaders {
    /// Adds the headers to a record that is a change.
    pub(super) fn add(&mut self, record: &mut SourceRecord, op: Option<&str>, added: Vec<Header>) {
        self.delete = (op == Some("d")).then(|| Delete {
            topic: Arc::clone(&record.topic),
            key: record.key.value.clone(),
            headers: record.headers.clone(),
            added: added.clone(),
        });
        record.headers.extend(added);
    }

    /// Gives a tombstone what was added to its delete.
    pub(super) fn add_to_tombstone(&mut self, record: &mut SourceRecord) {
        let Some(delete) = self.delete.take() else {
            return;
        };
        if delete.topic == record.topic
            && delete.key == record.key.value
            && delete.headers == record.headers
        {
            record.headers.extend(delete.added);
        }
    }
}
