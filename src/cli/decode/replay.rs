//! Messages → records, without a catalog. Pure.

use rustc_hash::FxHashMap;

use super::builtin_types::builtin_types;
use crate::change::assembler::{AssembleError, Assembler, Step};
use crate::change::filter::TableFilter;
use crate::change::{Change, ChangeKind, Position};
use crate::config::connector::ConnectorConfig;
use crate::debezium::encoder::TableEncoder;
use crate::debezium::message::MessageEncoder;
use crate::debezium::record::RecordBuffer;
use crate::debezium::transaction::TransactionMonitor;
use crate::engine;
use crate::engine::records::Records;
use crate::postgres::catalog::{Column, Table, Types};
use crate::postgres::pgoutput::{Message, Relation, RelationColumn, ReplicaIdentity};
use crate::postgres::{Lsn, PgTimestamp};

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(transparent)]
    Records(#[from] engine::Error),
    #[error(
        "the change is of relation {relation_id}, which no line before described; capture from where a decoding session \
         begins"
    )]
    UnknownRelation { relation_id: u32 },
}

/// What one capture has told so far.
pub(super) struct Replay {
    config: ConnectorConfig,
    filter: TableFilter,
    types: Types,
    assembler: Assembler,
    messages: MessageEncoder,
    tables: Tables,
    records: Records,
}

/// Writes the records of the tables that are known.
#[derive(Default)]
struct Tables {
    /// `None` for a table that the filters leave out.
    encoders: FxHashMap<u32, Option<TableEncoder>>,
    transactions: Option<TransactionMonitor>,
}

impl Replay {
    pub(super) fn new(config: ConnectorConfig) -> Result<Self, Error> {
        Ok(Self {
            filter: TableFilter::new(&config.filters),
            types: builtin_types(),
            assembler: Assembler::new(None, PgTimestamp::default()),
            messages: MessageEncoder::new(&config),
            tables: Tables {
                transactions: TransactionMonitor::new(&config, None),
                ..Tables::default()
            },
            records: Records::new(&config, &[])?.0,
            config,
        })
    }

    /// The records of one message.
    pub(super) fn message(
        &mut self,
        lsn: Lsn,
        message: Message<'_>,
    ) -> Result<&RecordBuffer, Error> {
        self.records.buffer.clear();
        match self.assembler.assemble(lsn, message)? {
            Step::Relation(relation) => self.describe(&relation),
            Step::Change(change) => self.tables.encode(&change, &mut self.records)?,
            Step::Truncate {
                relation_ids,
                position,
            } => {
                for relation_id in relation_ids {
                    let change = Change {
                        relation_id,
                        position,
                        kind: ChangeKind::Truncate,
                    };
                    self.tables.encode(&change, &mut self.records)?;
                }
            }
            Step::Logical {
                transactional,
                prefix,
                content,
                mut position,
            } if self.messages.accepts(prefix) => {
                let monitor = self.tables.transactions.as_mut();
                position.order = monitor
                    .filter(|_| transactional)
                    .map(TransactionMonitor::count_message);
                let now_ms = clock_us(&position) / 1_000;
                self.records
                    .message(&mut self.messages, (prefix, content), &position, now_ms)?;
            }
            Step::Begin {
                xid, committed_at, ..
            } => {
                if let Some(monitor) = &mut self.tables.transactions
                    && let Some(record) = monitor.begin(xid, lsn, committed_at)
                {
                    self.records.transaction(monitor, &record)?;
                }
            }
            Step::Commit {
                xid, committed_at, ..
            } => {
                if let Some(monitor) = &mut self.tables.transactions {
                    let record = monitor.end(xid, lsn, committed_at);
                    self.records.transaction(monitor, &record)?;
                }
            }
            Step::Logical { .. } | Step::Nothing => {}
        }
        Ok(&self.records.buffer)
    }

    fn describe(&mut self, relation: &Relation) {
        let captured = self.filter.accepts(&relation.schema, &relation.name);
        let encoder = captured.then(|| {
            let table = table_of(relation);
            TableEncoder::for_stream(relation, Some(&table), &self.types, &self.config)
        });
        self.tables.encoders.insert(relation.id, encoder);
    }
}

impl Tables {
    fn encode(&mut self, change: &Change<'_>, records: &mut Records) -> Result<(), Error> {
        let relation_id = change.relation_id;
        let encoder = self.encoders.get_mut(&relation_id);
        match encoder.ok_or(Error::UnknownRelation { relation_id })? {
            Some(encoder) => {
                let now_ns = clock_us(&change.position).saturating_mul(1_000);
                let mut change = *change;
                let monitor = self.transactions.as_mut();
                change.position.order = monitor
                    .as_ref()
                    .map(|monitor| monitor.next_of(encoder.table()));
                let changes = records.change(encoder, &change, now_ns)?;
                if let Some(monitor) = monitor {
                    monitor.count(encoder.table(), changes);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// The same capture gives the same records: no clock of ours.
fn clock_us(position: &Position<'_>) -> i64 {
    position.committed_at.unix_us()
}

/// The table as far as its relation tells.
fn table_of(relation: &Relation) -> Table {
    // FULL marks every column, which is no key.
    let has_key = match relation.replica_identity {
        ReplicaIdentity::Default | ReplicaIdentity::Index => true,
        ReplicaIdentity::Nothing | ReplicaIdentity::Full => false,
    };
    let is_key = |column: &&RelationColumn| has_key && column.is_key;
    Table {
        schema: relation.schema.clone(),
        name: relation.name.clone(),
        columns: relation
            .columns
            .iter()
            .map(|column| Column {
                name: column.name.clone(),
                type_oid: column.type_oid,
                type_modifier: column.type_modifier,
                nullable: !is_key(&column),
                default: None,
                generated: false,
            })
            .collect(),
        key: relation
            .columns
            .iter()
            .filter(is_key)
            .map(|column| column.name.clone())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(replica_identity: ReplicaIdentity) -> Relation {
        let column = |name: &str, is_key| RelationColumn {
            is_key,
            name: name.to_owned(),
            type_oid: 23,
            type_modifier: -1,
        };
        let marks_all = replica_identity == ReplicaIdentity::Full;
        Relation {
            id: 1,
            schema: "public".to_owned(),
            name: "t".to_owned(),
            replica_identity,
            columns: vec![column("a", marks_all), column("b", true)],
        }
    }

    #[test]
    fn the_identity_is_the_key_unless_it_is_the_whole_row() {
        let table = table_of(&relation(ReplicaIdentity::Default));
        assert_eq!(table.key, ["b"]);
        let nullable: Vec<bool> = table.columns.iter().map(|column| column.nullable).collect();
        assert_eq!(nullable, [true, false]);
        let table = table_of(&relation(ReplicaIdentity::Full));
        assert!(table.key.is_empty() && table.columns.iter().all(|column| column.nullable));
    }
}
