//! Which tables and columns are captured, and the order in which a snapshot reads them. Pure.

use std::cmp::Ordering;

use crate::config::connector::{Filter, Filters, PatternList};

/// Debezium's `RelationalTableFilters` and `PostgresConnectorConfig.SystemTablesPredicate`.
#[derive(Clone, Debug)]
pub struct TableFilter {
    filters: Filters,
}

impl TableFilter {
    #[must_use]
    pub fn new(filters: &Filters) -> Self {
        Self {
            filters: filters.clone(),
        }
    }

    #[must_use]
    pub fn accepts(&self, schema: &str, table: &str) -> bool {
        !(self.filters.ignore_builtin && is_builtin(schema, table))
            && self.filters.schemas.accepts(schema)
            && self.filters.tables.accepts(&format!("{schema}.{table}"))
    }

    #[must_use]
    pub fn accepts_column(&self, schema: &str, table: &str, column: &str) -> bool {
        self.filters
            .columns
            .accepts(&format!("{schema}.{table}.{column}"))
    }

    /// The snapshot's order: by the first pattern of `table.include.list` that matches, then by `schema.table` as Java compares
    /// strings (`RelationalSnapshotChangeEventSource.sort`, `TableId.compareTo`).
    #[must_use]
    pub fn snapshot_order(&self, left: (&str, &str), right: (&str, &str)) -> Ordering {
        let left = format!("{}.{}", left.0, left.1);
        let right = format!("{}.{}", right.0, right.1);
        let rank = |name: &str| match &self.filters.tables {
            Filter::Include(patterns) => patterns.position(name).unwrap_or(patterns.0.len()),
            Filter::All | Filter::Exclude(_) => 0,
        };
        rank(&left)
            .cmp(&rank(&right))
            .then_with(|| left.encode_utf16().cmp(right.encode_utf16()))
    }
}

/// Whether `snapshot.include.collection.list` lets the initial snapshot read the table's rows.
#[must_use]
pub fn in_snapshot(collections: Option<&PatternList>, schema: &str, table: &str) -> bool {
    collections.is_none_or(|patterns| patterns.matches(&format!("{schema}.{table}")))
}

/// What `table.ignore.builtin` leaves out.
fn is_builtin(schema: &str, table: &str) -> bool {
    schema == "pg_catalog"
        || schema == "information_schema"
        || schema.starts_with("pg_temp")
        || table == "spatial_ref_sys"
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn patterns(list: &[&str]) -> PatternList {
        let whole = |pattern: &&str| Regex::new(&format!("(?i)^(?:{pattern})$")).unwrap();
        PatternList(list.iter().map(whole).collect())
    }

    fn sorted(filters: &Filters, tables: &[(&'static str, &'static str)]) -> Vec<String> {
        let filter = TableFilter::new(filters);
        let mut tables = tables.to_vec();
        tables.sort_by(|left, right| filter.snapshot_order(*left, *right));
        tables
            .iter()
            .map(|(schema, table)| format!("{schema}.{table}"))
            .collect()
    }

    #[test]
    fn built_in_tables_are_ignored_unless_told_otherwise() {
        let mut filters = Filters {
            ignore_builtin: true,
            ..Filters::default()
        };
        let ignoring = TableFilter::new(&filters);
        filters.ignore_builtin = false;
        let keeping = TableFilter::new(&filters);
        for (schema, table) in [
            ("pg_catalog", "pg_class"),
            ("information_schema", "sql_features"),
            ("pg_temp_3", "t"),
            ("public", "spatial_ref_sys"),
        ] {
            assert!(!ignoring.accepts(schema, table), "{schema}.{table}");
            assert!(keeping.accepts(schema, table), "{schema}.{table}");
        }
        assert!(ignoring.accepts("public", "orders"));
    }

    #[test]
    fn a_table_must_pass_the_schema_filter_and_the_table_filter() {
        let filters = Filters {
            schemas: Filter::Include(patterns(&["inventory"])),
            tables: Filter::Exclude(patterns(&["inventory\\.secrets"])),
            ..Filters::default()
        };
        let filter = TableFilter::new(&filters);
        assert!(filter.accepts("Inventory", "orders"));
        assert!(!filter.accepts("inventory", "secrets"));
        assert!(!filter.accepts("public", "orders"));
    }

    /// Recorded: `50_table_include`, and the list of `00_default_schemas`.
    #[test]
    fn the_include_list_orders_the_snapshot_and_names_within_a_pattern() {
        let included = Filters {
            tables: Filter::Include(patterns(&[
                "public\\.zz.*",
                "inventory\\..*",
                "public\\..*",
            ])),
            ..Filters::default()
        };
        let tables = [
            ("public", "a"),
            ("public", "Up.per"),
            ("inventory", "orders"),
            ("public", "zz_end"),
            ("inventory", "customers"),
        ];
        assert_eq!(
            sorted(&included, &tables),
            [
                "public.zz_end",
                "inventory.customers",
                "inventory.orders",
                "public.Up.per",
                "public.a"
            ]
        );
        let all = [
            ("public", "col_a"),
            ("public", "MixedCase"),
            ("public", "col a"),
            ("Weird Schema", "Table With.Dots-and_Dashes"),
            ("public", "1starts$digit"),
            ("inventory", "orders"),
        ];
        assert_eq!(
            sorted(&Filters::default(), &all),
            [
                "Weird Schema.Table With.Dots-and_Dashes",
                "inventory.orders",
                "public.1starts$digit",
                "public.MixedCase",
                "public.col a",
                "public.col_a",
            ]
        );
    }

    #[test]
    fn the_snapshot_list_limits_rows_only_when_it_is_given() {
        assert!(in_snapshot(None, "public", "a"));
        let list = patterns(&["public\\.a"]);
        assert!(in_snapshot(Some(&list), "public", "a"));
        assert!(!in_snapshot(Some(&list), "public", "b"));
    }
}
