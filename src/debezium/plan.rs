//! Which columns a table's records have.

use super::converter::{ColumnConverter, Phase};
use super::key::{KeyColumn, KeyEncoder};
use crate::config::connector::ConnectorConfig;
use crate::postgres::catalog::{Column, Table, Types};

/// What an encoder is made from.
pub(super) struct Plan<'a> {
    pub(super) schema: &'a str,
    pub(super) name: &'a str,
    /// One a cell of the rows.
    pub(super) columns: &'a [Column],
    /// Names of the key columns in key order.
    pub(super) key: &'a [String],
    pub(super) phase: Phase,
}

impl Plan<'_> {
    /// `None` for a column that the filters exclude, or of a type that Debezium leaves out.
    pub(super) fn converter(
        &self,
        column: &Column,
        types: &Types,
        config: &ConnectorConfig,
    ) -> Option<ColumnConverter> {
        if !is_captured(self.schema, self.name, &column.name, config) {
            return None;
        }
        ColumnConverter::new(column, types, &config.values, self.phase)
    }

    /// `None` for a table without a key.
    pub(super) fn key_encoder(
        &self,
        topic: &str,
        types: &Types,
        config: &ConnectorConfig,
    ) -> Option<KeyEncoder> {
        let position = |name: &String| self.columns.iter().position(|column| column.name == *name);
        let positions: Vec<usize> = self.key.iter().filter_map(position).collect();
        if positions.is_empty() {
            return None;
        }
        let key_column = |position: usize| {
            let column = &self.columns[position];
            // Column filters do not apply to keys, whatever the manual says of them.
            let converter = ColumnConverter::new(column, types, &config.values, self.phase)?;
            Some(KeyColumn {
                position,
                name: column.name.clone(),
                converter,
            })
        };
        let columns = positions.into_iter().filter_map(key_column).collect();
        Some(KeyEncoder::new(topic, columns, config.key_converter))
    }
}

/// Whether a snapshot reads a column: all captured ones, and those of the key.
///
/// Debezium reads the captured ones only and puts the type's zero into the key for the others, so that all rows of a table get
/// one key; from the stream the same rows have the right one.
#[must_use]
pub fn reads_column(table: &Table, column: &str, config: &ConnectorConfig) -> bool {
    is_captured(&table.schema, &table.name, column, config)
        || table.key.iter().any(|key| key == column)
}

fn is_captured(schema: &str, table: &str, column: &str, config: &ConnectorConfig) -> bool {
    config
        .filters
        .columns
        .accepts(&format!("{schema}.{table}.{column}"))
}
