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
    /// Headers of single records: name and value.
    headers: Vec<(Arc<str>, Option<Range<usize>>)>,
}

/// One record of a [`RecordBuffer`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub topic: &'a Arc<str>,
    /// `None` leaves the choice to the partitioner.
    pub partition: Option<i32>,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since 1970; `None` leaves it to the producer.
    pub timestamp: Option<i64>,
    pub headers: RecordHeaders<'a>,
}

impl<'a> Record<'a> {
    /// The headers but for those of [`super::headers::context_headers`] on [`RecordHeaders::Context`], in order.
    pub fn own_headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
        let (one, many) = match self.headers {
            RecordHeaders::None | RecordHeaders::Context => (None, None),
            RecordHeaders::KeyAndContext(name, value) => (Some((name, Some(value))), None),
            RecordHeaders::Own(headers) => (None, Some(headers)),
        };
        let many = many.into_iter().flat_map(|headers| headers.iter());
        one.into_iter().chain(many)
    }
}

/// The headers of a record.
#[derive(Clone, Copy, Debug)]
pub enum RecordHeaders<'a> {
    None,
    /// Those of [`super::headers::context_headers`].
    Context,
    /// This one, then those of [`super::headers::context_headers`].
    KeyAndContext(&'static str, &'a [u8]),
    Own(OwnHeaders<'a>),
}

/// Headers of one record.
#[derive(Clone, Copy, Debug)]
pub struct OwnHeaders<'a> {
    headers: &'a [(Arc<str>, Option<Range<usize>>)],
    bytes: &'a [u8],
}

impl<'a> OwnHeaders<'a> {
    /// Name and value; a value can be null.
    fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
        let bytes = self.bytes;
        self.headers.iter().map(move |(name, value)| {
            let value = value.as_ref().map(|range| &bytes[range.clone()]);
            (&**name, value)
        })
    }
}

/// Where a record lies in the arena.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    /// Of [`RecordBuffer::topic_index`].
    pub(crate) topic: usize,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Option<Range<usize>>,
    pub(crate) headers: Headers,
}

/// [`RecordHeaders`] in the arena.
#[derive(Clone, Debug)]
pub(crate) enum Headers {
    None,
    Context,
    KeyAndContext(&'static str, Range<usize>),
    /// Of [`RecordBuffer::headers`].
    Own(Range<usize>),
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

    /// The topics of the records, each once.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<str>> {
        self.topics.iter()
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.topics.clear();
        self.records.clear();
        self.headers.clear();
    }

    /// Where the bytes of the next records go.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The number of `topic` in this batch.
    pub(crate) fn topic_index(&mut self, topic: &Arc<str>) -> usize {
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

    /// Appends what `write` writes, unless it says that there is nothing: then, and after an error, no byte is left of it.
    pub(crate) fn append<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<bool, E>,
    ) -> Result<Option<Range<usize>>, E> {
        let start = self.bytes.len();
        let written = write(&mut self.bytes);
        if !matches!(written, Ok(true)) {
            self.bytes.truncate(start);
        }
        Ok(written?.then_some(start..self.bytes.len()))
    }

    /// The place of the next header.
    pub(crate) fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// A header of a record that comes next, its value a range of the bytes.
    pub(crate) fn push_header(&mut self, name: Arc<str>, value: Option<Range<usize>>) {
        self.headers.push((name, value));
    }

    /// Appends the record whose key begins at `key_start` and whose value at `value_start` and ends here; without headers.
    pub(crate) fn push_bare(
        &mut self,
        topic: usize,
        partition: Option<i32>,
        [key_start, value_start]: [usize; 2],
    ) {
        self.push(Placement {
            topic,
            partition,
            timestamp: None,
            key: Some(key_start..value_start),
            value: Some(value_start..self.bytes.len()),
            headers: Headers::None,
        });
    }

    pub(crate) fn push(&mut self, placement: Placement) {
        self.records.push(placement);
    }

    fn record(&self, placement: &Placement) -> Record<'_> {
        let slice = |range: &Range<usize>| &self.bytes[range.clone()];
        let headers = match &placement.headers {
            Headers::None => RecordHeaders::None,
            Headers::Context => RecordHeaders::Context,
            Headers::KeyAndContext(name, range) => RecordHeaders::KeyAndContext(name, slice(range)),
            Headers::Own(range) => RecordHeaders::Own(OwnHeaders {
                headers: &self.headers[range.clone()],
                bytes: &self.bytes,
            }),
        };
        Record {
            topic: &self.topics[placement.topic],
            partition: placement.partition,
            key: placement.key.as_ref().map(slice),
            value: placement.value.as_ref().map(slice),
            timestamp: placement.timestamp,
            headers,
        }
    }
}
