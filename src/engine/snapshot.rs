//! The initial snapshot: tables in order, their rows through the encoders, the checkpoint at the end.

use std::sync::atomic::Ordering::Relaxed;

use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::checkpoint::Checkpoint;
use super::error::Error;
use super::notify::Telling;
use super::outlet::Outlet;
use super::progress::{Progress, add};
use super::records::Records;
use super::stream::now_ns;
use crate::change::filter::{TableFilter, in_snapshot};
use crate::change::{Change, ChangeKind, Position};
use crate::config::connector::ConnectorConfig;
use crate::debezium::encoder::TableEncoder;
use crate::debezium::plan::reads_column;
use crate::notify::rules::TableRules;
use crate::postgres::Lsn;
use crate::postgres::catalog::Types;
use crate::postgres::catalog_query::CapturedTable;
use crate::postgres::pgoutput::Tuple;
use crate::snapshot::batch::{self, RowBatch};
use crate::snapshot::session::{Session, TableRead};

/// Records are handed to the producer when their bytes reach this.
const SEND_BYTES: usize = 64 * 1024;

pub(super) struct Snapshot<'a> {
    pub(super) config: &'a ConnectorConfig,
    pub(super) runtime: &'a Handle,
    pub(super) progress: &'a Progress,
    pub(super) cancel: &'a CancellationToken,
    pub(super) types: &'a Types,
    /// The slot's consistent point: where the stream goes on.
    pub(super) lsn: Lsn,
}

/// One table to read, with what its rows become.
struct Source {
    read: TableRead,
    encoder: TableEncoder,
    /// Only where old values come from what was seen last: rows of a snapshot are never told.
    rules: Option<TableRules>,
}

impl Snapshot<'_> {
    /// Reads all captured tables under `exported` and sends their rows.
    pub(super) fn take(
        &self,
        client: Client,
        exported: Option<&str>,
        tables: &[CapturedTable],
        outlet: &mut Outlet<'_>,
        records: &mut Records,
        mut telling: Option<&mut Telling<'_>>,
    ) -> Result<(), Error> {
        let session = self.runtime.block_on(Session::begin(client, exported))?;
        let start = session.start();
        let mut sources = self.sources(tables, telling.as_deref());
        let reads: Vec<TableRead> = sources.iter().map(|source| source.read.clone()).collect();
        let (mut sender, mut receiver) = batch::channel();
        let reading = self.runtime.spawn(async move {
            let read = session.read(&reads, &mut sender).await;
            drop(sender);
            match read {
                Ok(_) => session.end().await.map(drop),
                Err(error) => Err(error),
            }
        });
        let checkpoint = |completed| Checkpoint::Snapshot {
            lsn: self.lsn,
            xid: start.xid,
            taken_at: start.taken_at,
            completed,
        };
        let position = Position {
            lsn: self.lsn,
            last_commit_lsn: None,
            xid: Some(start.xid),
            committed_at: start.taken_at,
            origin: None,
            slot_xmin: None,
            order: None,
        };
        while let Some(rows) = receiver.blocking_recv() {
            if self.cancel.is_cancelled() {
                return Err(Error::Stopped);
            }
            let source = &mut sources[rows.table()];
            encode(&mut source.encoder, &rows, position, outlet, records)?;
            if let (Some(telling), Some(rules)) = (telling.as_deref_mut(), &source.rules) {
                telling.seed(rules, changes(&rows, position))?;
            }
            outlet.send(&mut records.buffer)?;
            outlet.checkpoint(checkpoint(false));
            outlet.settle()?;
            add(&self.progress.snapshot_rows, rows.row_count());
            receiver.recycle(rows);
        }
        self.runtime
            .block_on(reading)
            .expect("the reading task neither panics nor is aborted")?;
        if let Some(telling) = telling {
            telling.seeded();
        }
        outlet.checkpoint(checkpoint(true));
        Ok(())
    }

    fn sources(&self, tables: &[CapturedTable], telling: Option<&Telling<'_>>) -> Vec<Source> {
        let filter = TableFilter::new(&self.config.filters);
        let only = self.config.snapshot.include_collections.as_ref();
        let mut captured: Vec<&CapturedTable> = tables
            .iter()
            .filter(|captured| in_snapshot(only, &captured.table.schema, &captured.table.name))
            .collect();
        captured.sort_by(|left, right| {
            let name = |captured: &CapturedTable| {
                (captured.table.schema.clone(), captured.table.name.clone())
            };
            let (left, right) = (name(left), name(right));
            filter.snapshot_order((&left.0, &left.1), (&right.0, &right.1))
        });
        let expected: u64 = captured
            .iter()
            .filter_map(|captured| captured.estimated_rows)
            .sum();
        self.progress.snapshot_rows.store(0, Relaxed);
        self.progress
            .snapshot_rows_expected
            .store(expected, Relaxed);
        captured
            .into_iter()
            .map(|captured| {
                let table = &captured.table;
                let read = TableRead::new(table, |column| reads_column(table, column, self.config));
                Source {
                    rules: telling.and_then(|telling| {
                        telling.compile_for_seeds(self.config, captured, &read.columns)
                    }),
                    read,
                    encoder: TableEncoder::for_snapshot(table, self.types, self.config),
                }
            })
            .collect()
    }
}

fn encode(
    encoder: &mut TableEncoder,
    rows: &RowBatch,
    position: Position<'_>,
    outlet: &mut Outlet<'_>,
    records: &mut Records,
) -> Result<(), Error> {
    for change in changes(rows, position) {
        let change = change?;
        records.change(encoder, &change, now_ns())?;
        if records.buffer.byte_len() >= SEND_BYTES {
            outlet.send(&mut records.buffer)?;
        }
    }
    Ok(())
}

fn changes<'a>(
    rows: &'a RowBatch,
    position: Position<'a>,
) -> impl Iterator<Item = Result<Change<'a>, Error>> {
    rows.rows().map(move |(cells, marker)| {
        let row = Tuple::new(rows.column_count(), cells).map_err(|source| Error::Decode {
            lsn: position.lsn,
            source,
        })?;
        Ok(Change {
            relation_id: 0,
            position,
            kind: ChangeKind::Read { row, marker },
        })
    })
}
