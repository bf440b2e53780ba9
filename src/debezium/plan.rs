//! Which columns a table's records have.

use super::converter::{ColumnConverter, Phase};
use super::key::{KeyColumn, KeyEncoder};
use super::names::field_name;
use super::source_type::SourceType;
use super::topic::key_field;
use crate::config::connector::{ColumnAction, ColumnRule, ConnectorConfig, KeyRule, RuleTarget};
use crate::postgres::catalog::{Column, Table, Types};

/// What an encoder is made from.
pub(super) struct Plan<'a> {
    pub(super) schema: &'a str,
    pub(super) name: &'a str,
    /// One a cell of the rows.
    pub(super) columns: &'a [Column],
    /// Names of the key columns in key order, as the catalog has them.
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
        let converter = ColumnConverter::new(column, types, &config.values, self.phase)?;
        let is_snapshot = self.phase == Phase::Snapshot;
        let source = SourceType::of(column, types, is_snapshot)?;
        Some(match self.rule(column, &source, config) {
            Some(rule) => converter.changed(&rule.action, &source),
            None => converter,
        })
    }

    /// Rules change values only: keys are as they are.
    fn rule<'c>(
        &self,
        column: &Column,
        source: &SourceType,
        config: &'c ConnectorConfig,
    ) -> Option<&'c ColumnRule> {
        config.column_rules.iter().find(|rule| {
            let name = match rule.target {
                RuleTarget::Column => &column.name,
                RuleTarget::Datatype => &source.name,
            };
            rule.patterns
                .matches(&format!("{}.{}.{name}", self.schema, self.name))
        })
    }

    /// `None` for a table without a key.
    pub(super) fn key_encoder(
        &self,
        names: &str,
        types: &Types,
        config: &ConnectorConfig,
    ) -> Option<KeyEncoder> {
        let position = |name: &str| self.columns.iter().position(|column| column.name == name);
        let key = key_columns(self.schema, self.name, self.columns, self.key, config);
        let positions: Vec<usize> = key.into_iter().filter_map(position).collect();
        let fixed = key_field(config, self.schema, self.name);
        if positions.is_empty() && fixed.is_none() {
            return None;
        }
        let key_column = |position: usize| {
            let column = &self.columns[position];
            // Column filters do not apply to keys, whatever the manual says of them.
            let converter = ColumnConverter::new(column, types, &config.values, self.phase)?;
            Some(KeyColumn {
                position,
                name: field_name(config.names.fields, &column.name),
                converter,
            })
        };
        let columns = positions.into_iter().filter_map(key_column).collect();
        Some(KeyEncoder::new(
            names,
            columns,
            fixed,
            config.key_converter.json_options(),
        ))
    }
}

/// Whether a snapshot reads a column: all captured ones, and those of the key.
///
/// Debezium reads the captured ones only and puts the type's zero into the key for the others, so that all rows of a table get
/// one key; from the stream the same rows have the right one.
#[must_use]
pub fn reads_column(table: &Table, column: &str, config: &ConnectorConfig) -> bool {
    is_captured(&table.schema, &table.name, column, config)
        || key_columns(
            &table.schema,
            &table.name,
            &table.columns,
            &table.key,
            config,
        )
        .contains(&column)
}

/// The columns that `message.key.columns` names, in its order, else those of the catalog's key (`Key.CustomKeyMapper`).
fn key_columns<'a>(
    schema: &str,
    table: &str,
    columns: &'a [Column],
    catalog_key: &'a [String],
    config: &ConnectorConfig,
) -> Vec<&'a str> {
    for KeyRule(patterns) in &config.keys {
        let mut chosen: Vec<&str> = Vec::new();
        for pattern in &patterns.0 {
            let names = columns.iter().map(|column| column.name.as_str());
            let matching =
                names.filter(|name| pattern.is_match(&format!("{schema}.{table}.{name}")));
            chosen.extend(
                matching
                    .filter(|name| !chosen.contains(name))
                    .collect::<Vec<_>>(),
            );
        }
        if !chosen.is_empty() {
            return chosen;
        }
    }
    catalog_key.iter().map(String::as_str).collect()
}

/// Whether the records have a column as it is in the database: neither left out nor masked, hashed or cut.
#[must_use]
pub fn is_unaltered(config: &ConnectorConfig, schema: &str, table: &str, column: &str) -> bool {
    let name = format!("{schema}.{table}.{column}");
    let alters = |rule: &ColumnRule| match (rule.target, &rule.action) {
        (_, ColumnAction::PropagateType) | (RuleTarget::Datatype, _) => false,
        (
            RuleTarget::Column,
            ColumnAction::Truncate { .. } | ColumnAction::Mask { .. } | ColumnAction::Hash { .. },
        ) => rule.patterns.matches(&name),
    };
    is_captured(schema, table, column, config) && !config.column_rules.iter().any(alters)
}

fn is_captured(schema: &str, table: &str, column: &str, config: &ConnectorConfig) -> bool {
    config
        .filters
        .columns
        .accepts(&format!("{schema}.{table}.{column}"))
}
