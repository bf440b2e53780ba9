//! One table's changes → its records (`RelationalChangeRecordEmitter`, `EventDispatcher`).

use std::ops::Range;
use std::sync::Arc;

use super::converter::{ConvertError, Phase};
use super::envelope::{Circumstances, EnvelopeEncoder, Images};
use super::headers::{NEW_KEY, OLD_KEY};
use super::key::KeyEncoder;
use super::names::{field_name, schema_name};
use super::plan::{Plan, reads_column};
use super::record::{Placement, RecordBuffer};
use super::row::{Row, RowEncoder, WriteError, struct_schema};
use super::source::SourceBlock;
use super::topic::data_topic;
use crate::change::{Change, ChangeKind};
use crate::config::connector::{ConnectorConfig, SkippedOperations};
use crate::postgres::catalog::{Column, Table, Types};
use crate::postgres::pgoutput::{OldTuple, Relation, Tuple};

/// Everything that is decided once a table: made when a Relation message arrives or when a snapshot begins a table.
pub struct TableEncoder {
    /// `schema.table`.
    table: String,
    topic: Arc<str>,
    key: Option<KeyEncoder>,
    envelope: EnvelopeEncoder,
    skipped: SkippedOperations,
    tombstones: bool,
    context_headers: bool,
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
        let row = RowEncoder::new(named, config.value_converter);
        let source = SourceBlock::new(config, plan.schema, plan.name);
        Self {
            table: format!("{}.{}", plan.schema, plan.name),
            key: plan.key_encoder(&names, types, config),
            envelope: EnvelopeEncoder::new(
                &names,
                row_schema,
                row,
                source,
                &config.value_converter,
            ),
            skipped: config.records.skipped,
            tombstones: config.records.tombstones_on_delete,
            context_headers: config.records.extended_headers,
            topic: topic.into(),
        }
    }

    /// `schema.table`.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    #[must_use]
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// Appends the records of one change: none if its operation is skipped, two for a delete with its tombstone, three for a
    /// change of the key. `now_ns` is the wall clock in nanoseconds since 1970.
    ///
    /// After an error the buffer holds whole records only, none of them of this change.
    pub fn encode(
        &mut self,
        change: &Change<'_>,
        now_ns: i64,
        out: &mut RecordBuffer,
    ) -> Result<(), EncodeError> {
        let mut circumstances = Circumstances {
            position: change.position,
            marker: None,
            now_ns,
        };
        match change.kind {
            ChangeKind::Read { row, marker } => {
                circumstances.marker = Some(marker);
                self.create("r", row, &circumstances, out)
            }
            ChangeKind::Insert { .. } if self.skipped.create => Ok(()),
            ChangeKind::Insert { new } => self.create("c", new, &circumstances, out),
            ChangeKind::Update { old, new } => self.update(old, new, &circumstances, out),
            ChangeKind::Delete { .. } if self.skipped.delete => Ok(()),
            ChangeKind::Delete { old } => self.delete(old, &circumstances, out),
            ChangeKind::Truncate if self.skipped.truncate => Ok(()),
            ChangeKind::Truncate => {
                let value = self.write_value(
                    &Images {
                        op: "t",
                        before: None,
                        after: None,
                    },
                    &circumstances,
                    out,
                )?;
                self.push(None, Some(value), None, out);
                Ok(())
            }
        }
    }

    fn create(
        &mut self,
        op: &'static str,
        new: Tuple<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut RecordBuffer,
    ) -> Result<(), EncodeError> {
        let Some(new) = self.row(new, None)? else {
            return Ok(());
        };
        let key = self.write_key(new, out)?;
        let value = self.write_value(
            &Images {
                op,
                before: None,
                after: Some(new),
            },
            circumstances,
            out,
        )?;
        self.push(key, Some(value), None, out);
        Ok(())
    }

    fn update(
        &mut self,
        old: Option<OldTuple<'_>>,
        new: Tuple<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut RecordBuffer,
    ) -> Result<(), EncodeError> {
        let old = old.map(tuple_of);
        let Some(new) = self.row(new, old)? else {
            return Ok(());
        };
        let before = match old {
            Some(old) => self.row(old, None)?,
            None => None,
        };
        if let Some(before) = before
            && self.key_changed(before, new)?
        {
            return self.change_key(before, new, circumstances, out);
        }
        if self.skipped.update {
            return Ok(());
        }
        let key = self.write_key(new, out)?;
        let value = self.write_value(
            &Images {
                op: "u",
                before,
                after: Some(new),
            },
            circumstances,
            out,
        )?;
        self.push(key, Some(value), None, out);
        Ok(())
    }

    fn delete(
        &mut self,
        old: OldTuple<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut RecordBuffer,
    ) -> Result<(), EncodeError> {
        let Some(old) = self.row(tuple_of(old), None)? else {
            return Ok(());
        };
        let key = self.write_key(old, out)?;
        let value = self.write_value(
            &Images {
                op: "d",
                before: Some(old),
                after: None,
            },
            circumstances,
            out,
        )?;
        self.push(key.clone(), Some(value), None, out);
        if self.tombstones {
            self.push(key, None, None, out);
        }
        Ok(())
    }

    /// A row that moved to another key is deleted under the old one and created under the new one.
    fn change_key(
        &mut self,
        old: Row<'_>,
        new: Row<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut RecordBuffer,
    ) -> Result<(), EncodeError> {
        let delete = if self.skipped.delete {
            None
        } else {
            let key = self.write_key(old, out)?;
            let header = self.write_key_header(NEW_KEY, new, out)?;
            let value = self.write_value(
                &Images {
                    op: "d",
                    before: Some(old),
                    after: None,
                },
                circumstances,
                out,
            )?;
            Some((key, value, header))
        };
        let create = if self.skipped.create {
            None
        } else {
            let key = self.write_key(new, out)?;
            let header = self.write_key_header(OLD_KEY, old, out)?;
            let circumstances = match &delete {
                Some(_) => circumstances.of_next(),
                None => *circumstances,
            };
            let value = self.write_value(
                &Images {
                    op: "c",
                    before: None,
                    after: Some(new),
                },
                &circumstances,
                out,
            )?;
            Some((key, value, header))
        };
        if let Some((key, value, header)) = delete {
            self.push(key.clone(), Some(value), header.clone(), out);
            if self.tombstones {
                self.push(key, None, header, out);
            }
        }
        if let Some((key, value, header)) = create {
            self.push(key, Some(value), header, out);
        }
        Ok(())
    }

    /// `None` for a row without columns, which Debezium skips.
    fn row<'a>(
        &self,
        tuple: Tuple<'a>,
        old: Option<Tuple<'a>>,
    ) -> Result<Option<Row<'a>>, EncodeError> {
        if tuple.column_count() == 0 {
            return Ok(None);
        }
        let expected = self.envelope.column_count();
        if usize::from(tuple.column_count()) != expected {
            let actual = tuple.column_count();
            return Err(EncodeError::ColumnCount {
                table: self.table.clone(),
                expected,
                actual,
            });
        }
        Ok(Some(Row { tuple, old }))
    }

    fn key_changed(&mut self, old: Row<'_>, new: Row<'_>) -> Result<bool, EncodeError> {
        let Some(key) = &mut self.key else {
            return Ok(false);
        };
        key.changed(old, new).map_err(|error| self.error(error))
    }

    fn write_key(
        &self,
        row: Row<'_>,
        out: &mut RecordBuffer,
    ) -> Result<Option<Range<usize>>, EncodeError> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let bytes = out.bytes_mut();
        let start = bytes.len();
        key.write(row, bytes).map_err(|error| self.error(error))?;
        Ok(Some(start..bytes.len()))
    }

    fn write_key_header(
        &self,
        name: &'static str,
        row: Row<'_>,
        out: &mut RecordBuffer,
    ) -> Result<Option<KeyHeader>, EncodeError> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let bytes = out.bytes_mut();
        let start = bytes.len();
        key.write_header(row, bytes)
            .map_err(|error| self.error(error))?;
        Ok(Some((name, start..bytes.len())))
    }

    fn write_value(
        &mut self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut RecordBuffer,
    ) -> Result<Range<usize>, EncodeError> {
        let bytes = out.bytes_mut();
        let start = bytes.len();
        self.envelope
            .write(images, circumstances, bytes)
            .map_err(|error| self.error(error))?;
        Ok(start..bytes.len())
    }

    fn push(
        &self,
        key: Option<Range<usize>>,
        value: Option<Range<usize>>,
        key_header: Option<KeyHeader>,
        out: &mut RecordBuffer,
    ) {
        let topic = out.topic_index(&self.topic);
        out.push(Placement {
            topic,
            partition: None,
            key,
            value,
            key_header,
            context_headers: self.context_headers,
        });
    }

    #[cold]
    fn error(&self, error: WriteError) -> EncodeError {
        let table = self.table.clone();
        match error {
            WriteError::Convert(source) => EncodeError::Convert { table, source },
            WriteError::Binary => EncodeError::Binary { table },
        }
    }
}

type KeyHeader = (&'static str, Range<usize>);

fn tuple_of(old: OldTuple<'_>) -> Tuple<'_> {
    match old {
        OldTuple::Full(tuple) | OldTuple::Key(tuple) => tuple,
    }
}
