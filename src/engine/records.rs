//! Changes → records that can be sent, on one of two ways: JSON straight from the row, or trees through transforms and converters.

use super::error::Error;
use super::pipeline::Pipeline;
use crate::change::{Change, Position};
use crate::config::connector::ConnectorConfig;
use crate::debezium::encoder::TableEncoder;
use crate::debezium::heartbeat::HeartbeatEncoder;
use crate::debezium::message::MessageEncoder;
use crate::debezium::record::RecordBuffer;
use crate::debezium::transaction::{TransactionMonitor, TransactionRecord};
use crate::debezium::tree::SourceRecords;

/// Records on their way out.
pub struct Records {
    /// Ready to be sent.
    pub buffer: RecordBuffer,
    /// `None` on the straight way.
    trees: Option<Trees>,
}

struct Trees {
    records: SourceRecords,
    pipeline: Pipeline,
}

impl Records {
    /// JSON, whatever the configuration says.
    pub fn straight() -> Self {
        Self {
            buffer: RecordBuffer::new(),
            trees: None,
        }
    }

    /// The way is decided here, once a start. Also says what the user should know of the transforms.
    pub fn new(
        config: &ConnectorConfig,
        context_headers: &[(String, Vec<u8>)],
    ) -> Result<(Self, Vec<String>), Error> {
        // Made on the straight way, too: an unused predicate has to be right all the same.
        let (pipeline, warnings) = Pipeline::new(config)?;
        let mut records = Self::straight();
        if config.needs_tree() {
            records.trees = Some(Trees {
                records: SourceRecords::new(context_headers),
                pipeline,
            });
        }
        Ok((records, warnings))
    }

    /// The records of one change, and how many changes they are. `now_ns` is the wall clock.
    #[inline]
    pub fn change(
        &mut self,
        encoder: &mut TableEncoder,
        change: &Change<'_>,
        now_ns: i64,
    ) -> Result<u64, Error> {
        let encoded = match &mut self.trees {
            None => encoder.encode(change, now_ns, &mut self.buffer),
            Some(trees) => {
                let encoded = encoder.encode_tree(change, now_ns, &mut trees.records);
                if encoded.is_err() {
                    // What there is of a change that failed.
                    trees.records.drain().for_each(drop);
                }
                encoded
            }
        };
        let changes = encoded.map_err(|source| Error::Encode {
            table: encoder.topic().to_string(),
            lsn: change.position.lsn,
            source,
        })?;
        self.finish()?;
        Ok(changes)
    }

    /// The record of one `pg_logical_emit_message`.
    pub fn message(
        &mut self,
        encoder: &mut MessageEncoder,
        (prefix, content): (&str, &[u8]),
        position: &Position<'_>,
        now_ms: i64,
    ) -> Result<(), Error> {
        match &mut self.trees {
            None => encoder.encode(prefix, content, position, now_ms, &mut self.buffer),
            Some(trees) => {
                encoder.encode_tree(prefix, content, position, now_ms, &mut trees.records);
            }
        }
        self.finish()
    }

    /// The record of the beginning or the end of a transaction.
    pub fn transaction(
        &mut self,
        monitor: &TransactionMonitor,
        record: &TransactionRecord,
    ) -> Result<(), Error> {
        match &mut self.trees {
            None => monitor.encode(record, &mut self.buffer),
            Some(trees) => monitor.encode_tree(record, &mut trees.records),
        }
        self.finish()
    }

    pub fn heartbeat(&mut self, encoder: &HeartbeatEncoder, now_ms: i64) -> Result<(), Error> {
        match &mut self.trees {
            None => encoder.encode(now_ms, &mut self.buffer),
            Some(trees) => encoder.encode_tree(now_ms, &mut trees.records),
        }
        self.finish()
    }

    #[inline]
    fn finish(&mut self) -> Result<(), Error> {
        if let Some(trees) = &mut self.trees {
            for record in trees.records.drain() {
                trees.pipeline.finish(record, &mut self.buffer)?;
            }
        }
        Ok(())
    }
}
