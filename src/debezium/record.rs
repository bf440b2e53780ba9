//! Finished records, as the producer sends them: one arena of bytes and a list of what lies where.

use std::ops::Range;
use std::sync::Arc;

/// Records in the order in which they must be sent.
///
/// Made to be cleared and used again: once it has grown, appending a record allocates nothing.
#[derive(Debug, Default)]
pub struct RecordBuffer {
    bytes: Vec<u8>,
    /// The topics of this batch. Kept here, so that a record costs no reference count.
    topics: Vec<Arc<str>>,
    records: Vec<Placement>,
}

/// One record of a [`RecordBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub topic: &'a Arc<str>,
    /// `None` leaves the choice to the partitioner.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Comes before the context headers.
    pub key_header: Option<(&'static str, &'a [u8])>,
    /// Whether [`super::headers::context_headers`] belong to this record.
    pub context_headers: bool,
}

/// Where a record lies in the arena.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    /// Of [`RecordBuffer::topic_index`].
    pub(super) topic: usize,
    pub(super) partition: Option<i32>,
    pub(super) key: Option<Range<usize>>,
    pub(super) value: Option<Range<usize>>,
    pub(super) key_header: Option<(&'static str, Range<usize>)>,
    pub(super) context_headers: bool,
}

impl RecordBuffer {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all keys, values and headers so far.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// How many changes the records from the `first`-th on are: all but tombstones.
    #[must_use]
    pub fn changes_from(&self, first: usize) -> usize {
        let records = &self.records[first..];
        records
            .iter()
            .filter(|record| record.value.is_some())
            .count()
    }

    /// The record appended as the `index`-th, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        self.records
            .get(index)
            .map(|placement| self.record(placement))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.records.iter().map(|placement| self.record(placement))
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.topics.clear();
        self.records.clear();
    }

    /// Where the bytes of the next records go.
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The number of `topic` in this batch.
    pub(super) fn topic_index(&mut self, topic: &Arc<str>) -> usize {
        // From the end, because changes of one table come in runs.
        if let Some(index) = self
            .topics
            .iter()
            .rposition(|known| Arc::ptr_eq(known, topic))
        {
            return index;
        }
        self.topics.push(Arc::clone(topic));
        self.topics.len() - 1
    }

    pub(super) fn push(&mut self, placement: Placement) {
        self.records.push(placement);
    }

    fn record(&self, placement: &Placement) -> Record<'_> {
        let slice = |range: &Range<usize>| &self.bytes[range.clone()];
        Record {
            topic: &self.topics[placement.topic],
            partition: placement.partition,
            key: placement.key.as_ref().map(slice),
            value: placement.value.as_ref().map(slice),
            key_header: placement
                .key_header
                .as_ref()
                .map(|(name, range)| (*name, slice(range))),
            context_headers: placement.context_headers,
        }
    }
}
