//! One table's changes → its records (`RelationalChangeRecordEmitter`, `EventDispatcher`).

use std::sync::Arc;

use super::converter::{ConvertError, Phase};
use super::emitter::{Emitter, Rules};
use super::envelope::EnvelopeEncoder;
use super::names::{field_name, schema_name};
use super::plan::{Plan, reads_column};
use super::record::RecordBuffer;
use super::row::{RowEncoder, WriteError, struct_schema};
use super::source::SourceBlock;
use super::topic::data_topic;
use super::tree::SourceRecords;
use super::writer::{BytesWriter, Parts, RecordWriter, TreeWriter};
use crate::change::Change;
use crate::config::connector::ConnectorConfig;
use crate::postgres::catalog::{Column, Table, Types};
use crate::postgres::pgoutput::Relation;

/// Everything that is decided once a table: made when a Relation message arrives or when a snapshot begins a table.
pub struct TableEncoder {
    /// `schema.table`.
    table: String,
    rules: Rules,
    parts: Parts,
}

#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(
        "could not write a row of table \"{table}\": it has {actual} columns, its relation {expected}"
    )]
    ColumnCount {
        table: String,
        expected: usize,
        actual: u16,
    },
    #[error(
        "could not write a row of table \"{table}\": it has a value in binary form, which was not asked for"
    )]
    Binary { table: String },
    #[error("could not write a row of table \"{table}\"")]
    Convert { table: String, source: ConvertError },
}

impl EncodeError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::ColumnCount { .. } | Self::Binary { .. } => false,
            Self::Convert { source, .. } => source.is_retriable(),
        }
    }
}

impl TableEncoder {
    /// An encoder of streamed changes. The wire tells names and types, the catalog the rest; a column that the catalog does not
    /// know (any more) is optional, and a table that it does not know has no key.
    #[must_use]
    pub fn for_stream(
        relation: &Relation,
        table: Option<&Table>,
        types: &Types,
        config: &ConnectorConfig,
    ) -> Self {
        let known = |name: &str| {
            table.and_then(|table| table.columns.iter().find(|column| column.name == name))
        };
        let columns = relation.columns.iter().map(|wire| {
            let known = known(&wire.name);
            Column {
                name: wire.name.clone(),
                type_oid: wire.type_oid,
                type_modifier: wire.type_modifier,
                nullable: known.is_none_or(|column| column.nullable),
                default: known.and_then(|column| column.default.clone()),
                generated: known.is_some_and(|column| column.generated),
            }
        });
        let columns: Vec<Column> = columns.collect();
        let key = table.map_or(&[][..], |table| &table.key);
        let plan = Plan {
            schema: &relation.schema,
            name: &relation.name,
            columns: &columns,
            key,
            phase: Phase::Stream,
        };
        Self::new(&plan, types, config)
    }

    /// An encoder of snapshot rows, which have the cells of those `table.columns` that [`super::plan::reads_column`] says, in that order.
    #[must_use]
    pub fn for_snapshot(table: &Table, types: &Types, config: &ConnectorConfig) -> Self {
        let read = |column: &&Column| reads_column(table, &column.name, config);
        let columns: Vec<Column> = table.columns.iter().filter(read).cloned().collect();
        let plan = Plan {
            schema: &table.schema,
            name: &table.name,
            columns: &columns,
            key: &table.key,
            phase: Phase::Snapshot,
        };
        Self::new(&plan, types, config)
    }

    fn new(plan: &Plan<'_>, types: &Types, config: &ConnectorConfig) -> Self {
        let topic = data_topic(config, plan.schema, plan.name);
        let names = schema_name(config.names.schemas, &topic);
        let field = |column: &Column| field_name(config.names.fields, &column.name);
        let fields: Vec<String> = plan.columns.iter().map(field).collect();
        let columns: Vec<_> = plan
            .columns
            .iter()
            .map(|column| plan.converter(column, types, config))
            .collect();
        let captured = fields.iter().zip(&columns);
        let row_schema = struct_schema(
            format!("{names}.Value"),
            captured.filter_map(|(field, converter)| Some((field.as_str(), converter.as_ref()?))),
        );
        let named = fields.into_iter().zip(columns);
        let named = named
            .map(|(field, converter)| Some((field, converter?)))
            .collect();
        let options = config.value_converter.json_options();
        let row = RowEncoder::new(named, options);
        let source = SourceBlock::new(config, plan.schema, plan.name);
        Self {
            table: format!("{}.{}", plan.schema, plan.name),
            rules: Rules {
                skipped: config.records.skipped,
                tombstones: config.records.tombstones_on_delete,
                skip_unchanged: config.records.skip_unchanged,
            },
            parts: Parts {
                key: plan.key_encoder(&names, types, config),
                envelope: EnvelopeEncoder::new(&names, row_schema, row, source, &options),
                context_headers: config.records.extended_headers,
                topic: topic.into(),
            },
        }
    }

    /// `schema.table`.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    #[must_use]
    pub fn topic(&self) -> &Arc<str> {
        &self.parts.topic
    }

    /// Appends the records of one change: none if its operation is skipped, two for a delete with its tombstone, three for a
    /// change of the key. `now_ns` is the wall clock in nanoseconds since 1970.
    ///
    /// Returns how many changes these are: all records but tombstones. After an error the buffer holds whole records only, none of them of this change.
    pub fn encode(
        &mut self,
        change: &Change<'_>,
        now_ns: i64,
        out: &mut RecordBuffer,
    ) -> Result<u64, EncodeError> {
        let parts = &mut self.parts;
        let written = emit(self.rules, BytesWriter { parts, out }, change, now_ns);
        written.map_err(|error| self.error(error))
    }

    /// As [`encode`](Self::encode), but as trees, for transforms and for converters other than `JsonConverter`.
    pub fn encode_tree(
        &mut self,
        change: &Change<'_>,
        now_ns: i64,
        out: &mut SourceRecords,
    ) -> Result<u64, EncodeError> {
        let parts = &mut self.parts;
        let written = emit(self.rules, TreeWriter { parts, out }, change, now_ns);
        written.map_err(|error| self.error(error))
    }

    #[cold]
    fn error(&self, error: WriteError) -> EncodeError {
        let table = self.table.clone();
        match error {
            WriteError::Convert(source) => EncodeError::Convert { table, source },
            WriteError::Binary => EncodeError::Binary { table },
            WriteError::ColumnCount { expected, actual } => EncodeError::ColumnCount {
                table,
                expected,
                actual,
            },
        }
    }
}

#[inline]
fn emit<W: RecordWriter>(
    rules: Rules,
    writer: W,
    change: &Change<'_>,
    now_ns: i64,
) -> Result<u64, WriteError> {
    Emitter::new(rules, writer, change.position, now_ns).emit(change.kind)
}
