//! A change as a JSON line, from a table's history or from an operator: `{"at": …, "before": {…}, "after": {…}}` → a change. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::change::{Change, ChangeKind, Position};
use crate::notify::config::NotifyFile;
use crate::postgres::pgoutput::{
    Cell, OldTuple, Relation, RelationColumn, ReplicaIdentity, Tuple, push_cell,
};
use crate::postgres::{Lsn, PgTimestamp};

/// Values keep their text: an amount is exact.
pub(super) type WrittenRow = BTreeMap<String, Box<RawValue>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeLine {
    pub(super) at: Option<Timestamp>,
    /// Lines of one number are one transaction.
    pub(super) xid: Option<u64>,
    #[serde(default)]
    before: Option<WrittenRow>,
    #[serde(default)]
    after: Option<WrittenRow>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeLineError {
    #[error(
        "the line is not {{\"before\": {{…}}, \"after\": {{…}}}}, with \"at\" and \"xid\" if you like; an insert has no before, a delete no after"
    )]
    Shape {
        #[from]
        source: serde_json::Error,
    },
    #[error("the line has neither \"before\" nor \"after\"")]
    Empty,
}

const BOOL: u32 = 16;
const TEXT: u32 = 25;
const NUMERIC: u32 = 1700;

const RELATION_ID: u32 = 1;

/// A table as lines and the file tell of it.
pub(super) struct LineTable {
    pub(super) relation: Relation,
}

impl ChangeLine {
    pub(super) fn parse(text: &str) -> Result<Self, ChangeLineError> {
        let line: Self = serde_json::from_str(text)?;
        if line.before.is_none() && line.after.is_none() {
            return Err(ChangeLineError::Empty);
        }
        Ok(line)
    }

    /// From two rows.
    pub(super) fn of(before: Option<WrittenRow>, after: Option<WrittenRow>) -> Self {
        Self {
            at: None,
            xid: None,
            before,
            after,
        }
    }

    /// An `after` alone is an insert, and updates are what most rules are about.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&String, &RawValue)> {
        let rows = [&self.after, &self.before];
        rows.into_iter()
            .flatten()
            .flatten()
            .map(|(name, value)| (name, &**value))
    }
}

impl LineTable {
    /// The exposed columns, and those of the first line.
    pub(super) fn new(file: &NotifyFile, table: &str, first: &ChangeLine) -> Self {
        let mut types: BTreeMap<String, u32> = BTreeMap::new();
        for (name, _) in file.exposed(table).into_iter().flatten() {
            types.insert(name.get_ref().clone(), TEXT);
        }
        for (name, value) in first.columns() {
            types.insert(name.clone(), type_of(value));
        }
        let rules = file
            .rules
            .iter()
            .filter(|rule| rule.table.get_ref() == table);
        for amount in rules.filter_map(|rule| rule.amount_columns()) {
            types.insert(amount.column.into_inner(), NUMERIC);
        }
        let (schema, name) = table.split_once('.').unwrap_or(("public", table));
        let column = |(name, type_oid)| RelationColumn {
            is_key: true,
            name,
            type_oid,
            type_modifier: -1,
        };
        Self {
            relation: Relation {
                id: RELATION_ID,
                schema: schema.to_owned(),
                name: name.to_owned(),
                replica_identity: ReplicaIdentity::Full,
                columns: types.into_iter().map(column).collect(),
            },
        }
    }

    /// Hands the change on; its cells live as long as the call.
    pub(super) fn change<T>(
        &self,
        line: &ChangeLine,
        lsn: Lsn,
        take: impl FnOnce(&Change<'_>) -> T,
    ) -> T {
        let (before, after) = (
            line.before.as_ref().map(|row| self.cells(row)),
            line.after.as_ref().map(|row| self.cells(row)),
        );
        let kind = match (&before, &after) {
            (None, None) => ChangeKind::Truncate,
            (None, Some(new)) => ChangeKind::Insert {
                new: self.tuple(new),
            },
            (Some(old), None) => ChangeKind::Delete {
                old: OldTuple::Full(self.tuple(old)),
            },
            (Some(old), Some(new)) => ChangeKind::Update {
                old: Some(OldTuple::Full(self.tuple(old))),
                new: self.tuple(new),
            },
        };
        take(&Change {
            relation_id: RELATION_ID,
            position: Position {
                lsn,
                last_commit_lsn: None,
                xid: line.xid,
                committed_at: PgTimestamp::default(),
                origin: None,
                slot_xmin: None,
                order: None,
            },
            kind,
        })
    }

    fn tuple<'c>(&self, cells: &'c [u8]) -> Tuple<'c> {
        let columns = u16::try_from(self.relation.columns.len()).unwrap_or(u16::MAX);
        Tuple::new(columns, cells).expect("we wrote a cell for every column")
    }

    fn cells(&self, row: &WrittenRow) -> Vec<u8> {
        let mut cells = Vec::new();
        for column in &self.relation.columns {
            let text = row.get(&column.name).and_then(|value| text_of(value));
            let cell = text
                .as_deref()
                .map_or(Cell::Null, |text| Cell::Text(text.as_bytes()));
            push_cell(&mut cells, cell);
        }
        cells
    }
}

fn type_of(value: &RawValue) -> u32 {
    match value.get().as_bytes().first() {
        Some(b't' | b'f') => BOOL,
        Some(b'-' | b'0'..=b'9') => NUMERIC,
        Some(_) | None => TEXT,
    }
}

/// As PostgreSQL writes it; `None` for null.
fn text_of(value: &RawValue) -> Option<String> {
    let written = value.get();
    match written.as_bytes().first() {
        Some(b'n') | None => None,
        Some(b'"') => serde_json::from_str(written).ok(),
        Some(b't') => Some("t".to_owned()),
        Some(b'f') => Some("f".to_owned()),
        Some(_) => Some(written.to_owned()),
    }
}
