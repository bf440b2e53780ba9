//! The log goes into the database beside those who write, by a connection of its own; they wait only for what they wrote meanwhile. The
//! log then begins anew: in blocks that the file has already, which reach the disk without the file system's journal. What is written over
//! in part has to be in the system's cache, else a message waits until it was read.

use std::path::Path;
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{FORMAT, Outbox, OutboxError, Write};

/// So many writes are some 2 MB of log, which are written over again before the system's cache forgets them.
const EVERY: u64 = 100;
/// When there is little to tell.
const AT_LATEST: Duration = Duration::from_secs(10);
/// In bytes: what a flood left beyond is cut off when the log begins anew.
const KEPT_LOG: u32 = 4 << 20;
/// The first has the work, the next ones what was written meanwhile: the log begins anew only when that is nothing.
const PASSES: u32 = 3;
/// In pages of 4 KB: writers that never pause wait for the rest then.
const LONG_LOG: i64 = 4_000;
/// A log that nobody brought into the database for so long is the writers' own work.
const LONGEST_LOG: i64 = 16_000;

#[derive(Debug)]
pub(super) struct Checkpoints(Mutex<Checkpoint>);

#[derive(Debug)]
struct Checkpoint {
    connection: Connection,
    /// What was written before the log began anew.
    before: Write,
    at: Instant,
}

impl Checkpoint {
    fn is_due(&self, written: Write) -> bool {
        let writes = written.after(self.before);
        writes >= EVERY || (writes > 0 && self.at.elapsed() >= AT_LATEST)
    }

    fn begun_anew(&mut self, before: Write) {
        (self.before, self.at) = (before, Instant::now());
    }
}

impl Checkpoints {
    /// Of the connection of the process that delivers. What an earlier process wrote is in the database from here on, and on disk,
    /// whether it came to that or not.
    pub(super) fn begin(database: &Path, writer: &Connection) -> rusqlite::Result<Self> {
        run(writer, "RESTART")?;
        writer.pragma_update_and_check(None, "wal_autocheckpoint", LONGEST_LOG, |_| Ok(()))?;
        writer.pragma_update_and_check(None, "journal_size_limit", KEPT_LOG, |_| Ok(()))?;
        Ok(Self(Mutex::new(Checkpoint {
            connection: Connection::open(database)?,
            before: Write::NONE,
            at: Instant::now(),
        })))
    }
}

impl Outbox {
    /// To be called once a second or so. Brings the log into the database when there is enough of it or it is old, so that it begins anew;
    /// and keeps it in the system's cache. It takes as long as the disk needs; nobody else waits, unless the log is very long.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn tend_log(&self) -> Result<(), OutboxError> {
        let Some(Checkpoints(checkpoint)) = &self.checkpoints else {
            return Ok(());
        };
        let mut checkpoint = match checkpoint.try_lock() {
            Ok(checkpoint) => checkpoint,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The disk is slow: the last call has not ended yet.
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        if checkpoint.is_due(self.disk.written()) {
            self.checkpoint(&mut checkpoint)?;
        }
        self.disk.keep_in_cache()
    }

    fn checkpoint(&self, checkpoint: &mut Checkpoint) -> Result<(), OutboxError> {
        let (mut passes, mut length) = (0, 0);
        while passes < PASSES && length < LONG_LOG {
            passes += 1;
            let written = self.disk.written();
            let log = run(&checkpoint.connection, "PASSIVE");
            length = log.map_err(|source| OutboxError::sql(&self.path, source))?;
            if self.disk.written() == written {
                checkpoint.begun_anew(written);
                return self.write_first();
            }
        }
        if length >= LONG_LOG {
            let connection = self.connection();
            checkpoint.begun_anew(self.disk.written());
            run(&connection, "PASSIVE").map_err(|source| OutboxError::sql(&self.path, source))?;
        }
        Ok(())
    }

    /// What is written first into a log that begins anew waits for the disk, which has to know of it. No message does.
    fn write_first(&self) -> Result<(), OutboxError> {
        let written =
            self.write_soon(|transaction| transaction.pragma_update(None, "user_version", FORMAT));
        written.map(|_| ())
    }
}

/// How long the log was, in pages.
fn run(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    let mut length = 0;
    connection.pragma(None, "wal_checkpoint", mode, |row| {
        length = row.get(1)?;
        Ok(())
    })?;
    Ok(length)
}
