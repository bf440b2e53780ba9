//! Changes → records that can be sent, on one of two ways: JSON straight from the row, or trees through transforms and converters.

use super::error::Error;
use super::pipeline::Pipeline;
use crate::change::{Change, Position};
use crate::config::connector::ConnectorConfig;
use crate::debezium::encoder::{EncodeError, TableEncoder};
use crate::debezium::heartbeat::HeartbeatEncoder;
use crate::debezium::message::MessageEncoder;
use crate::debezium::record::RecordBuffer;
use crate::debezium::transaction::{TransactionMonitor, TransactionRecord};
use crate::debezium::tree::SourceRecords;

/// Records on their way out.
pub(super) struct Records {
    /// Ready to be sent.
    pub(super) buffer: RecordBuffer,
    /// `None` on the straight way.
    trees: Option<Trees>,
}

struct Trees {
    records: SourceRecords,
    pipeline: Pipeline,
}

impl Records {
    /// JSON, whatever the configuration says.
    pub(super) fn straight() -> Self {
        Self {
            buffer: RecordBuffer::new(),
            trees: None,
        }
    }

    /// The way is decided here, once a start.
    pub(super) fn new(
        config: &ConnectorConfig,
        context_headers: &[(String, Vec<u8>)],
    ) -> Result<Self, Error> {
        let mut records = Self::straight();
        if config.needs_tree() {
            // The engine has shown the warnings.
            let (pipeline, _) = Pipeline::new(config)?;
            records.trees = Some(Trees {
                records: SourceRecords::new(context_headers),
                pipeline,
            });
        }
        Ok(records)
    }

    /// The records of one change, and how many changes they are. `now_ns` is the wall clock.
    #[inline]
    pub(super) fn change(
        &mut self,
        encoder: &mut TableEncoder,
        change: &Change<'_>,
        now_ns: i64,
    ) -> Result<u64, Error> {
        let failed = |encoder: &TableEncoder, source: EncodeError| Error::Encode {
            table: encoder.topic().to_string(),
            lsn: change.position.lsn,
            source,
        };
        match &mut self.trees {
            None => encoder
                .encode(change, now_ns, &mut self.buffer)
                .map_err(|error| failed(encoder, error)),
            Some(trees) => {
                let changes = encoder
                    .encode_tree(change, now_ns, &mut trees.records)
                    .map_err(|error| failed(encoder, error))?;
                trees.finish(&mut self.buffer)?;
                Ok(changes)
            }
        }
    }

    /// The record of one `pg_logical_emit_message`.
    pub(super) fn message(
        &mut self,
        encoder: &mut MessageEncoder,
        (prefix, content): (&str, &[u8]),
        position: &Position<'_>,
        now_ms: i64,
    ) -> Result<(), Error> {
        match &mut self.trees {
            None => {
                encoder.encode(prefix, content, position, now_ms, &mut self.buffer);
                Ok(())
            }
            Some(trees) => {
                encoder.encode_tree(prefix, content, position, now_ms, &mut trees.records);
                trees.finish(&mut self.buffer)
            }
        }
    }

    /// The record of the beginning or the end of a transaction.
    pub(super) fn transaction(
        &mut self,
        monitor: &TransactionMonitor,
        record: &TransactionRecord,
    ) -> Result<(), Error> {
        match &mut self.trees {
            None => {
                monitor.encode(record, &mut self.buffer);
                Ok(())
            }
            Some(trees) => {
                monitor.encode_tree(record, &mut trees.records);
                trees.finish(&mut self.buffer)
            }
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        encoder: &HeartbeatEncoder,
        now_ms: i64,
    ) -> Result<(), Error> {
        match &mut self.trees {
            None => {
                encoder.encode(now_ms, &mut self.buffer);
                Ok(())
            }
            Some(trees) => {
                encoder.encode_tree(now_ms, &mut trees.records);
                trees.finish(&mut self.buffer)
            }
        }
    }
}

impl Trees {
    fn finish(&mut self, out: &mut RecordBuffer) -> Result<(), Error> {
        for record in self.records.drain() {
            self.pipeline.finish(record, out)?;
        }
        Ok(())
    }
}
