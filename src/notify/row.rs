//! The row of a change as rules see it: the cells of captured columns, found by position.

use crate::change::ChangeKind;
use crate::notify::notice::Operation;
use crate::postgres::pgoutput::{Cell, Cells, OldTuple, Tuple};

/// The tuples of one change.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub operation: Operation,
    old: Option<Tuple<'a>>,
    /// The old tuple has key columns only.
    old_is_key: bool,
    new: Option<Tuple<'a>>,
    /// A column's old value that the server did not send.
    remembered: Option<(usize, Value<'a>)>,
}

/// The cells of a row before and after a change, passed once from left to right.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    old: Option<Cells<'a>>,
    new: Option<Cells<'a>>,
    passed: usize,
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Text(&'a [u8]),
    /// The server did not send it: there is no such row, no old tuple with it, or it is a TOASTed value that did not change
    /// and no old tuple has it either.
    Unknown,
}

impl<'a> Row<'a> {
    /// `None` for what rules do not see: snapshot rows, which never notify, and truncates.
    #[must_use]
    pub fn of(kind: &ChangeKind<'a>) -> Option<Self> {
        match *kind {
            ChangeKind::Read { .. } | ChangeKind::Truncate => None,
            ChangeKind::Insert { new } => Some(Self {
                operation: Operation::Insert,
                old: None,
                old_is_key: false,
                new: Some(new),
                remembered: None,
            }),
            ChangeKind::Update { old, new } => {
                let (old, old_is_key) = old.map_or((None, false), split);
                Some(Self {
                    operation: Operation::Update,
                    old,
                    old_is_key,
                    new: Some(new),
                    remembered: None,
                })
            }
            ChangeKind::Delete { old } => {
                let (old, old_is_key) = split(old);
                Some(Self {
                    operation: Operation::Delete,
                    old,
                    old_is_key,
                    new: None,
                    remembered: None,
                })
            }
        }
    }

    /// As [`Self::of`], and a snapshot's row as an inserted one.
    #[must_use]
    pub(super) fn stored(kind: &ChangeKind<'a>) -> Option<Self> {
        match *kind {
            ChangeKind::Read { row, .. } => Self::of(&ChangeKind::Insert { new: row }),
            ChangeKind::Insert { .. }
            | ChangeKind::Update { .. }
            | ChangeKind::Delete { .. }
            | ChangeKind::Truncate => Self::of(kind),
        }
    }

    /// The same with a column's old value that the server did not send.
    #[must_use]
    pub(super) fn remembering(self, column: usize, value: Value<'a>) -> Self {
        Self {
            remembered: Some((column, value)),
            ..self
        }
    }

    /// The value that a key column had: an old tuple is sent only when the key changed.
    #[must_use]
    pub(super) fn was(&self, column: usize) -> Value<'a> {
        match self.before(column) {
            Value::Unknown => self.after(column),
            value @ (Value::Null | Value::Text(_)) => value,
        }
    }

    #[must_use]
    pub(super) fn walk(&self) -> Walk<'a> {
        Walk {
            old: self.old.map(|tuple| tuple.cells()),
            new: self.new.map(|tuple| tuple.cells()),
            passed: 0,
        }
    }

    /// The column's values before and after the change; `None` if an update left it as it was. `cells` are its own.
    #[must_use]
    #[inline]
    pub(super) fn step(
        &self,
        column: usize,
        (old, new): (Option<Cell<'a>>, Option<Cell<'a>>),
    ) -> Option<(Value<'a>, Value<'a>)> {
        let before = self.value_before(column, value(old));
        let after = match value(new) {
            Value::Unknown if self.new.is_some() => before,
            value @ (Value::Null | Value::Text(_) | Value::Unknown) => value,
        };
        let is_same = matches!(new, Some(Cell::UnchangedToast))
            || (before == after && before != Value::Unknown);
        (self.operation != Operation::Update || !is_same).then_some((before, after))
    }

    /// The column's value before the change.
    #[must_use]
    #[inline]
    pub fn before(&self, column: usize) -> Value<'a> {
        self.value_before(column, cell(self.old, column))
    }

    #[inline]
    fn value_before(&self, column: usize, sent: Value<'a>) -> Value<'a> {
        if let Some((remembered, value)) = self.remembered
            && remembered == column
        {
            return value;
        }
        match sent {
            // Columns outside the key are sent as null.
            Value::Null if self.old_is_key => Value::Unknown,
            value @ (Value::Null | Value::Text(_) | Value::Unknown) => value,
        }
    }

    /// The column's value after the change; an unchanged TOASTed value comes from the old tuple.
    #[must_use]
    #[inline]
    pub fn after(&self, column: usize) -> Value<'a> {
        match cell(self.new, column) {
            Value::Unknown if self.new.is_some() => self.before(column),
            value @ (Value::Null | Value::Text(_) | Value::Unknown) => value,
        }
    }

    /// Whether an update left the column as it was; `None` if the old value is not known.
    #[must_use]
    #[inline]
    pub fn is_unchanged(&self, column: usize) -> Option<bool> {
        if let Some(new) = self.new
            && matches!(new.cells().nth(column), Some(Cell::UnchangedToast))
        {
            return Some(true);
        }
        match (self.before(column), self.after(column)) {
            (Value::Unknown, _) | (_, Value::Unknown) => None,
            (old, new) => Some(old == new),
        }
    }

    /// What the row is now, or was before it was deleted.
    #[must_use]
    pub fn current(&self, column: usize) -> Value<'a> {
        if self.new.is_some() {
            self.after(column)
        } else {
            self.before(column)
        }
    }
}

impl<'a> Walk<'a> {
    /// The old and the new cell of a column to the right of all that were asked for.
    #[inline]
    pub(super) fn to(&mut self, column: usize) -> (Option<Cell<'a>>, Option<Cell<'a>>) {
        let skipped = column - self.passed;
        self.passed = column + 1;
        let cell = |cells: &mut Option<Cells<'a>>| cells.as_mut().and_then(|it| it.nth(skipped));
        (cell(&mut self.old), cell(&mut self.new))
    }
}

impl<'a> Value<'a> {
    /// `None` for null and for what is not known.
    #[must_use]
    pub fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Unknown => None,
        }
    }
}

fn split(old: OldTuple<'_>) -> (Option<Tuple<'_>>, bool) {
    match old {
        OldTuple::Full(tuple) => (Some(tuple), false),
        OldTuple::Key(tuple) => (Some(tuple), true),
    }
}

#[inline]
fn cell(tuple: Option<Tuple<'_>>, column: usize) -> Value<'_> {
    value(tuple.and_then(|tuple| tuple.cells().nth(column)))
}

#[inline]
fn value(cell: Option<Cell<'_>>) -> Value<'_> {
    match cell {
        // We never ask the server for binary values.
        None | Some(Cell::UnchangedToast | Cell::Binary(_)) => Value::Unknown,
        Some(Cell::Null) => Value::Null,
        Some(Cell::Text(text)) => Value::Text(text),
    }
}
