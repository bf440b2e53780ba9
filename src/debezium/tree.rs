//! Records as trees, for transforms and for converters other than `JsonConverter`.

use std::sync::Arc;

use crate::connect::record::{Header, SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Kind, Schema};

/// Records in the order in which they must be sent.
#[derive(Debug)]
pub struct SourceRecords {
    records: Vec<SourceRecord>,
    context_headers: Vec<Header>,
}

impl SourceRecords {
    /// `context_headers` are those of [`super::headers::context_headers`].
    #[must_use]
    pub fn new(context_headers: &[(String, Vec<u8>)]) -> Self {
        // `DebeziumHeaderProducer` gives all of them one schema.
        let schema = Arc::new(Schema::new(Kind::String));
        let header = |(name, text): &(String, Vec<u8>)| Header {
            name: name.as_str().into(),
            value: SchemaAndValue::new(
                Arc::clone(&schema),
                Datum::String(String::from_utf8_lossy(text).into_owned()),
            ),
        };
        Self {
            records: Vec::new(),
            context_headers: context_headers.iter().map(header).collect(),
        }
    }

    /// Takes all records out, in order.
    pub fn drain(&mut self) -> impl ExactSizeIterator<Item = SourceRecord> {
        self.records.drain(..)
    }

    pub(super) fn context_headers(&self) -> &[Header] {
        &self.context_headers
    }

    pub(super) fn push(&mut self, record: SourceRecord) {
        self.records.push(record);
    }
}
