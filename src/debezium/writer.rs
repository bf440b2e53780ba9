//! The two forms of a table's records: bytes of `JsonConverter`, and trees.

use std::sync::Arc;

use super::envelope::{Circumstances, EnvelopeEncoder, Images};
use super::key::KeyEncoder;
use super::record::{Headers, Placement, RecordBuffer};
use super::row::{Row, WriteError};
use super::tree::SourceRecords;
use crate::connect::record::{Header, SchemaAndValue, SourceRecord};

/// What the records of one table are made with.
pub(super) struct Parts {
    pub(super) topic: Arc<str>,
    pub(super) key: Option<KeyEncoder>,
    pub(super) envelope: EnvelopeEncoder,
    pub(super) context_headers: bool,
}

impl Parts {
    pub(super) fn key_changed(&mut self, old: Row<'_>, new: Row<'_>) -> Result<bool, WriteError> {
        match &mut self.key {
            Some(key) => key.changed(old, new),
            None => Ok(false),
        }
    }
}

/// Writes the records of one table in one form.
pub(super) trait RecordWriter {
    /// A record that is written and does not count yet.
    type Draft;

    fn parts(&mut self) -> &mut Parts;

    /// The key is that of the row there is, or that there was.
    fn draft(
        &mut self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Result<Self::Draft, WriteError>;

    /// The tombstone that follows a delete.
    fn tombstone(deleted: &Self::Draft) -> Self::Draft;

    fn push(&mut self, draft: Self::Draft);
}

/// Writes JSON, without a detour.
pub(super) struct BytesWriter<'a> {
    pub(super) parts: &'a mut Parts,
    pub(super) out: &'a mut RecordBuffer,
}

impl RecordWriter for BytesWriter<'_> {
    type Draft = Placement;

    fn parts(&mut self) -> &mut Parts {
        self.parts
    }

    #[inline]
    fn draft(
        &mut self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Result<Placement, WriteError> {
        let parts = &mut *self.parts;
        let mut key = None;
        let mut headers = if parts.context_headers {
            Headers::Context
        } else {
            Headers::None
        };
        if let (Some(encoder), Some(row)) = (&parts.key, images.row()) {
            let bytes = self.out.bytes_mut();
            let start = bytes.len();
            encoder.write(row, bytes)?;
            key = Some(start..bytes.len());
            if let Some((name, other)) = images.other_key {
                let start = bytes.len();
                encoder.write_header(other, bytes)?;
                headers = Headers::KeyAndContext(name, start..bytes.len());
            }
        }
        let bytes = self.out.bytes_mut();
        let start = bytes.len();
        parts.envelope.write(images, circumstances, bytes)?;
        let value = Some(start..bytes.len());
        Ok(Placement {
            topic: self.out.topic_index(&parts.topic),
            partition: None,
            timestamp: None,
            key,
            value,
            headers,
        })
    }

    fn tombstone(deleted: &Placement) -> Placement {
        Placement {
            value: None,
            ..deleted.clone()
        }
    }

    #[inline]
    fn push(&mut self, draft: Placement) {
        self.out.push(draft);
    }
}

/// Builds trees.
pub(super) struct TreeWriter<'a> {
    pub(super) parts: &'a mut Parts,
    pub(super) out: &'a mut SourceRecords,
}

impl RecordWriter for TreeWriter<'_> {
    type Draft = SourceRecord;

    fn parts(&mut self) -> &mut Parts {
        self.parts
    }

    fn draft(
        &mut self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Result<SourceRecord, WriteError> {
        let mut key = SchemaAndValue::NULL;
        let mut headers = Vec::new();
        if let (Some(encoder), Some(row)) = (&self.parts.key, images.row()) {
            key = encoder.tree(row)?;
            if let Some((name, other)) = images.other_key {
                let value = encoder.tree(other)?;
                let name = name.into();
                headers.push(Header { name, value });
            }
        }
        if self.parts.context_headers {
            headers.extend_from_slice(self.out.context_headers());
        }
        Ok(SourceRecord {
            topic: Arc::clone(&self.parts.topic),
            partition: None,
            key,
            value: self.parts.envelope.tree(images, circumstances)?,
            timestamp: None,
            headers,
        })
    }

    fn tombstone(deleted: &SourceRecord) -> SourceRecord {
        SourceRecord {
            topic: Arc::clone(&deleted.topic),
            partition: deleted.partition,
            key: deleted.key.clone(),
            value: SchemaAndValue::NULL,
            timestamp: deleted.timestamp,
            headers: deleted.headers.clone(),
        }
    }

    fn push(&mut self, draft: SourceRecord) {
        self.out.push(draft);
    }
}
