//! Which records a change becomes (`RelationalChangeRecordEmitter`), whatever form they are written in.

use super::envelope::{Circumstances, Images};
use super::headers::{NEW_KEY, OLD_KEY};
use super::row::{Row, WriteError};
use super::writer::RecordWriter;
use crate::change::{ChangeKind, Position};
use crate::config::connector::SkippedOperations;
use crate::postgres::pgoutput::{OldTuple, Tuple};

/// What the configuration leaves out.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) skipped: SkippedOperations,
    pub(super) tombstones: bool,
    /// Updates that change no captured column.
    pub(super) skip_unchanged: bool,
}

/// Emits the records of one change.
pub(super) struct Emitter<'a, W> {
    rules: Rules,
    writer: W,
    circumstances: Circumstances<'a>,
    /// Records that were pushed, without tombstones.
    changes: u64,
}

impl<'a, W: RecordWriter> Emitter<'a, W> {
    #[inline]
    pub(super) fn new(rules: Rules, writer: W, position: Position<'a>, now_ns: i64) -> Self {
        let circumstances = Circumstances {
            position,
            marker: None,
            now_ns,
        };
        Self {
            rules,
            writer,
            circumstances,
            changes: 0,
        }
    }

    /// All of a change's records are drafted before the first is pushed: an error leaves none of them.
    #[inline]
    pub(super) fn emit(mut self, kind: ChangeKind<'_>) -> Result<u64, WriteError> {
        let skipped = self.rules.skipped;
        let emitted = match kind {
            ChangeKind::Read { row, marker } => {
                self.circumstances.marker = Some(marker);
                // A snapshot reads rows of a table without captured columns as well.
                let row = self.checked(row, None)?;
                self.record(&Images::new("r", None, Some(row)))
            }
            ChangeKind::Insert { .. } if skipped.create => Ok(()),
            ChangeKind::Insert { new } => self.create("c", new),
            ChangeKind::Update { old, new } => self.update(old.map(tuple_of), new),
            ChangeKind::Delete { .. } if skipped.delete => Ok(()),
            ChangeKind::Delete { old } => self.delete(tuple_of(old)),
            ChangeKind::Truncate if skipped.truncate => Ok(()),
            ChangeKind::Truncate => self.record(&Images::new("t", None, None)),
        };
        emitted.map(|()| self.changes)
    }

    fn create(&mut self, op: &'static str, new: Tuple<'_>) -> Result<(), WriteError> {
        match self.row(new, None)? {
            Some(new) => self.record(&Images::new(op, None, Some(new))),
            None => Ok(()),
        }
    }

    fn update(&mut self, old: Option<Tuple<'_>>, new: Tuple<'_>) -> Result<(), WriteError> {
        let Some(new) = self.row(new, old)? else {
            return Ok(());
        };
        let before = match old {
            Some(old) => self.row(old, None)?,
            None => None,
        };
        if let Some(before) = before
            && self.rules.skip_unchanged
            && self.writer.parts().envelope.is_same(before, new)?
        {
            return Ok(());
        }
        if let Some(before) = before
            && self.writer.parts().key_changed(before, new)?
        {
            return self.change_key(before, new);
        }
        if self.rules.skipped.update {
            return Ok(());
        }
        self.record(&Images::new("u", before, Some(new)))
    }

    fn delete(&mut self, old: Tuple<'_>) -> Result<(), WriteError> {
        let Some(old) = self.row(old, None)? else {
            return Ok(());
        };
        let deleted = self.draft(&Images::new("d", Some(old), None))?;
        self.push_deleted(deleted);
        Ok(())
    }

    /// A row that moved to another key is deleted under the old one and created under the new one.
    fn change_key(&mut self, old: Row<'_>, new: Row<'_>) -> Result<(), WriteError> {
        let mut deleted = None;
        if !self.rules.skipped.delete {
            let images = Images::new("d", Some(old), None).with_other_key(NEW_KEY, new);
            deleted = Some(self.draft(&images)?);
            self.circumstances = self.circumstances.of_next();
        }
        let mut created = None;
        if !self.rules.skipped.create {
            let images = Images::new("c", None, Some(new)).with_other_key(OLD_KEY, old);
            created = Some(self.draft(&images)?);
        }
        if let Some(deleted) = deleted {
            self.push_deleted(deleted);
        }
        if let Some(created) = created {
            self.push(created);
        }
        Ok(())
    }

    #[inline]
    fn record(&mut self, images: &Images<'_>) -> Result<(), WriteError> {
        let draft = self.draft(images)?;
        self.push(draft);
        Ok(())
    }

    #[inline]
    fn draft(&mut self, images: &Images<'_>) -> Result<W::Draft, WriteError> {
        self.writer.draft(images, &self.circumstances)
    }

    #[inline]
    fn push(&mut self, draft: W::Draft) {
        self.changes += 1;
        self.writer.push(draft);
    }

    fn push_deleted(&mut self, deleted: W::Draft) {
        let tombstone = self.rules.tombstones.then(|| W::tombstone(&deleted));
        self.push(deleted);
        if let Some(tombstone) = tombstone {
            self.writer.push(tombstone);
        }
    }

    /// `None` for a row without columns, which Debezium skips.
    #[inline]
    fn row<'r>(
        &mut self,
        tuple: Tuple<'r>,
        old: Option<Tuple<'r>>,
    ) -> Result<Option<Row<'r>>, WriteError> {
        if tuple.column_count() == 0 {
            return Ok(None);
        }
        self.checked(tuple, old).map(Some)
    }

    #[inline]
    fn checked<'r>(
        &mut self,
        tuple: Tuple<'r>,
        old: Option<Tuple<'r>>,
    ) -> Result<Row<'r>, WriteError> {
        let actual = tuple.column_count();
        let expected = self.writer.parts().envelope.column_count();
        if usize::from(actual) != expected {
            return Err(WriteError::ColumnCount { expected, actual });
        }
        Ok(Row { tuple, old })
    }
}

fn tuple_of(old: OldTuple<'_>) -> Tuple<'_> {
    match old {
        OldTuple::Full(tuple) | OldTuple::Key(tuple) => tuple,
    }
}
