//! Lines of COPY → batches. A full batch is held back until the next one, or the end, tells its last row's marker.

use super::batch::{BatchSender, RowBatch};
use super::copy_text::{LineError, append_cells};
use super::marker::marker;

/// Large enough that handing over costs nothing, small enough that a batch stays in the second-level cache.
const BATCH_BYTES: usize = 256 * 1024;

/// Nobody takes the rows any more.
#[derive(Debug)]
pub(super) struct Abandoned;

#[derive(Debug)]
pub(super) struct Batcher<'a> {
    sender: &'a mut BatchSender,
    /// Being filled.
    filling: RowBatch,
    held: Option<RowBatch>,
    /// Table of the last row that was sent.
    sent_table: Option<usize>,
}

impl<'a> Batcher<'a> {
    pub(super) fn new(sender: &'a mut BatchSender) -> Self {
        let filling = sender.spare();
        Self {
            sender,
            filling,
            held: None,
            sent_table: None,
        }
    }

    /// The rows that follow are the table's; the previous table was ended.
    pub(super) fn start_table(&mut self, table: usize, column_count: u16) {
        self.filling.table = table;
        self.filling.column_count = column_count;
    }

    /// Adds a row and says whether the batch is full now.
    #[inline]
    pub(super) fn push(&mut self, line: &[u8]) -> Result<bool, LineError> {
        let batch = &mut self.filling;
        append_cells(line, batch.column_count, &mut batch.bytes)?;
        batch.row_ends.push(batch.bytes.len());
        Ok(batch.bytes.len() >= BATCH_BYTES)
    }

    /// Ends the batch, and sends the one before it.
    pub(super) async fn flush(&mut self) -> Result<(), Abandoned> {
        if self.filling.row_ends.is_empty() {
            return Ok(());
        }
        let mut next = self.sender.spare();
        next.table = self.filling.table;
        next.column_count = self.filling.column_count;
        let full = std::mem::replace(&mut self.filling, next);
        let next_table = full.table;
        match self.held.replace(full) {
            Some(held) => self.send(held, Some(next_table)).await,
            None => Ok(()),
        }
    }

    /// After the last table: sends what is left, with the snapshot's last row.
    pub(super) async fn finish(mut self) -> Result<(), Abandoned> {
        match self.held.take() {
            Some(held) => self.send(held, None).await,
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        mut batch: RowBatch,
        next_table: Option<usize>,
    ) -> Result<(), Abandoned> {
        settle_markers(&mut batch, self.sent_table, next_table);
        self.sent_table = Some(batch.table);
        if self.sender.send(batch).await {
            Ok(())
        } else {
            Err(Abandoned)
        }
    }
}

/// The rows between the first and the last have neighbours of their own table and are `true`.
fn settle_markers(batch: &mut RowBatch, previous: Option<usize>, next: Option<usize>) {
    let table = batch.table;
    if batch.row_ends.len() == 1 {
        batch.last = marker(previous, table, next);
    } else {
        batch.first = marker(previous, table, Some(table));
        batch.last = marker(Some(table), table, next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::channel;
    use super::*;
    use crate::change::SnapshotMarker;

    /// Reads tables of so many rows, and ends a batch after every `rows_per_batch`.
    fn markers(rows_of_tables: &[usize], rows_per_batch: usize) -> Vec<SnapshotMarker> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (mut sender, mut receiver) = channel();
        let tables = rows_of_tables.to_vec();
        let read = async move {
            let mut batcher = Batcher::new(&mut sender);
            for (table, rows) in tables.iter().enumerate() {
                batcher.start_table(table, 1);
                for row in 1..=*rows {
                    batcher.push(b"x\n").unwrap();
                    if row % rows_per_batch == 0 {
                        batcher.flush().await.unwrap();
                    }
                }
                batcher.flush().await.unwrap();
            }
            batcher.finish().await.unwrap();
            drop(sender);
        };
        let take = async move {
            let mut markers = Vec::new();
            while let Some(batch) = receiver.recv().await {
                markers.extend(batch.rows().map(|(_, marker)| marker));
                receiver.recycle(batch);
            }
            markers
        };
        runtime.block_on(async { tokio::join!(read, take).1 })
    }

    #[test]
    fn markers_do_not_depend_on_where_batches_end() {
        for tables in [
            &[5, 0, 1, 4][..],
            &[1],
            &[0, 2, 0],
            &[3, 3],
            &[0],
            &[1, 1, 1],
        ] {
            let whole = markers(tables, 100);
            assert_eq!(whole.len(), tables.iter().sum::<usize>());
            for rows_per_batch in 1..5 {
                assert_eq!(
                    markers(tables, rows_per_batch),
                    whole,
                    "{tables:?} {rows_per_batch}"
                );
            }
        }
    }

    #[test]
    fn a_reader_without_a_taker_stops() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (mut sender, receiver) = channel();
        drop(receiver);
        let mut batcher = Batcher::new(&mut sender);
        batcher.start_table(0, 1);
        batcher.push(b"x\n").unwrap();
        runtime.block_on(async {
            batcher.flush().await.unwrap();
            assert!(batcher.finish().await.is_err());
        });
    }
}
