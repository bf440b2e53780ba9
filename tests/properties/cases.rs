//! A table with what happens to it: rows come, change and go.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use walstreet::config::connector::ConnectorConfig;

use super::kinds::{KINDS, SCALARS_ONLY};
use crate::trees;

/// SQL NULL is `None`.
pub(super) type Value = Option<String>;

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) settings: Settings,
    /// `REPLICA IDENTITY FULL`, else `DEFAULT`.
    pub(super) full: bool,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    /// As SQL names it.
    pub(super) type_name: String,
    pub(super) nullable: bool,
}

/// A value a column, and the update: `None` leaves the column as it is.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) inserted: Vec<Value>,
    pub(super) updated: Vec<Option<Value>>,
}

#[derive(Clone)]
pub(super) struct Settings(pub(super) ConnectorConfig);

/// A failed case shows what matters of the configuration.
impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:?} {:?}",
            self.0.values, self.0.value_converter
        )
    }
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let settings = (trees::config(), any::<bool>()).prop_map(|(mut config, unknown)| {
        config.values.include_unknown = unknown;
        Settings(config)
    });
    let columns = vec(
        (
            0..KINDS.len(),
            weighted(0.3, Just(())),
            weighted(0.85, Just(())),
        ),
        1..9,
    );
    let table = columns.prop_flat_map(|picked| {
        let (columns, values): (Vec<_>, Vec<_>) = picked
            .into_iter()
            .map(|(index, array, nullable)| {
                let array = array.is_some() && index < SCALARS_ONLY;
                column(index, array, nullable.is_some())
            })
            .unzip();
        let updates: Vec<_> = values
            .iter()
            .map(|value| weighted(0.6, value.clone()))
            .collect();
        let row = (values, updates).prop_map(|(inserted, updated)| Row { inserted, updated });
        (Just(columns), vec(row, 1..4))
    });
    (settings, any::<bool>(), table).prop_map(|(settings, full, (columns, rows))| Case {
        settings,
        full,
        columns,
        rows,
    })
}

fn column(index: usize, array: bool, nullable: bool) -> (Column, BoxedStrategy<Value>) {
    let kind = KINDS[index];
    let values = if array {
        kind.array().boxed()
    } else {
        kind.value().boxed()
    };
    let suffix = if array { "[]" } else { "" };
    let column = Column {
        type_name: format!("{}{suffix}", kind.name),
        nullable,
    };
    let values = if nullable {
        values
    } else {
        values.prop_filter("not null", Option::is_some).boxed()
    };
    (column, values)
}
