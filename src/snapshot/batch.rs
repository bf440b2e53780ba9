//! Rows on their way from the table reader to the encoder: batches in a bounded channel, buffers going back to be filled again.

use tokio::sync::mpsc;

use crate::change::SnapshotMarker;

/// How many full batches may wait. With the one being filled, the one held back and the one being encoded this bounds the memory
/// of a snapshot to about 2 MB, but for rows that are larger than a batch.
const WAITING: usize = 3;

/// A buffer that one huge row made larger than this is not filled again.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// Some rows of one table, in the form of [`Tuple`](crate::postgres::pgoutput::Tuple): never none.
#[derive(Debug)]
pub struct RowBatch {
    pub(super) table: usize,
    pub(super) column_count: u16,
    pub(super) bytes: Vec<u8>,
    pub(super) row_ends: Vec<usize>,
    pub(super) first: SnapshotMarker,
    pub(super) last: SnapshotMarker,
}

impl RowBatch {
    pub(super) fn empty() -> Self {
        Self {
            table: 0,
            column_count: 0,
            bytes: Vec::new(),
            row_ends: Vec::new(),
            first: SnapshotMarker::True,
            last: SnapshotMarker::True,
        }
    }

    /// Which of the tables that were to be read.
    #[must_use]
    pub fn table(&self) -> usize {
        self.table
    }

    #[must_use]
    pub fn column_count(&self) -> u16 {
        self.column_count
    }

    #[must_use]
    pub fn row_count(&self) -> usize {
        self.row_ends.len()
    }

    /// The rows' cells and markers, in order.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], SnapshotMarker)> {
        let last_row = self.row_ends.len().saturating_sub(1);
        let mut start = 0;
        self.row_ends.iter().enumerate().map(move |(row, end)| {
            let cells = &self.bytes[start..*end];
            start = *end;
            let marker = match row {
                row if row == last_row => self.last,
                0 => self.first,
                _ => SnapshotMarker::True,
            };
            (cells, marker)
        })
    }
}

/// The reader's end of the channel.
#[derive(Debug)]
pub struct BatchSender {
    full: mpsc::Sender<RowBatch>,
    spare: mpsc::Receiver<RowBatch>,
}

/// The encoder's end of the channel.
#[derive(Debug)]
pub struct BatchReceiver {
    full: mpsc::Receiver<RowBatch>,
    spare: mpsc::Sender<RowBatch>,
}

#[must_use]
pub fn channel() -> (BatchSender, BatchReceiver) {
    let (full_sender, full) = mpsc::channel(WAITING);
    // Never full: there are not more batches than wait, are filled, are held back and are encoded.
    let (spare, spare_receiver) = mpsc::channel(WAITING + 3);
    let sender = BatchSender {
        full: full_sender,
        spare: spare_receiver,
    };
    (sender, BatchReceiver { full, spare })
}

impl BatchSender {
    /// A batch without rows, with the buffers of one that came back, if there is one.
    pub(super) fn spare(&mut self) -> RowBatch {
        self.spare.try_recv().unwrap_or_else(|_| RowBatch::empty())
    }

    /// Waits while too many batches wait. False when nobody takes them any more.
    pub(super) async fn send(&self, batch: RowBatch) -> bool {
        self.full.send(batch).await.is_ok()
    }
}

impl BatchReceiver {
    /// The next batch; `None` when the reader ended, well or not: its result says which.
    pub async fn recv(&mut self) -> Option<RowBatch> {
        self.full.recv().await
    }

    /// [`recv`](Self::recv) for a thread outside of the runtime.
    pub fn blocking_recv(&mut self) -> Option<RowBatch> {
        self.full.blocking_recv()
    }

    /// Gives the batch's buffers back.
    pub fn recycle(&self, mut batch: RowBatch) {
        if batch.bytes.capacity() <= MAX_KEPT_BYTES {
            batch.bytes.clear();
            batch.row_ends.clear();
            // When the reader ended, nobody needs them.
            self.spare.try_send(batch).ok();
        }
    }
}
