//! `xmin.fetch.interval.ms`: the slot's `catalog_xmin` for `source.xmin`, which is asked for at most so often.

use std::time::{Duration, Instant};

use super::error::Error;
use super::tables::Tables;

pub(super) struct SlotXmin {
    interval: Duration,
    last: Option<i64>,
    due: Instant,
}

impl SlotXmin {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            due: Instant::now() + interval,
        }
    }

    /// The last one, or a new one when none is known or it is time (`PostgresStreamingChangeEventSource.getSlotXmin`).
    pub(super) fn current(&mut self, tables: &mut Tables<'_>) -> Result<Option<i64>, Error> {
        let now = Instant::now();
        let is_due = now >= self.due;
        if is_due {
            self.due = now + self.interval;
        }
        if is_due || self.last.is_none() {
            self.last = tables.slot_xmin()?;
        }
        Ok(self.last)
    }
}
