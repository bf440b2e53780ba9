//! The log goes into the database beside those who write, by a connection of its own; they wait only for what they wrote meanwhile. The
//! log then begins anew: in blocks that the file has already, which reach the disk without the file system's journal.

use std::path::Path;
use std::sync::Mutex;

use rusqlite::Connection;

use super::{Outbox, OutboxError, Write};

/// So many writes are some 8 MB of log. Fewer, and the disk is busy with the same pages again and again.
const EVERY: u64 = 500;
/// In pages of 4 KB: writers that never pause wait for the rest then, so that the log can begin anew.
const LONG_LOG: i64 = 4_000;
/// A log that nobody brought into the database for so long is the writers' own work.
const LONGEST_LOG: i64 = 16_000;

#[derive(Debug)]
pub(super) struct Checkpoints(Mutex<Checkpoint>);

#[derive(Debug)]
struct Checkpoint {
    connection: Connection,
    /// What was written before the last one.
    before: Write,
}

impl Checkpoints {
    /// Of the connection of the process that delivers. What an earlier process wrote is in the database from here on, and on disk,
    /// whether it came to that or not.
    pub(super) fn begin(database: &Path, writer: &Connection) -> rusqlite::Result<Self> {
        run(writer, "RESTART")?;
        writer.pragma_update_and_check(None, "wal_autocheckpoint", LONGEST_LOG, |_| Ok(()))?;
        Ok(Self(Mutex::new(Checkpoint {
            connection: Connection::open(database)?,
            before: Write::NONE,
        })))
    }
}

impl Outbox {
    /// Brings the log into the database when there is enough of it. It takes as long as the disk needs; nobody else waits.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn checkpoint(&self) -> Result<(), OutboxError> {
        let Some(Checkpoints(checkpoint)) = &self.checkpoints else {
            return Ok(());
        };
        // Else one is running.
        let Ok(mut checkpoint) = checkpoint.try_lock() else {
            return Ok(());
        };
        let written = self.disk.written();
        if written.after(checkpoint.before) < EVERY {
            return Ok(());
        }
        checkpoint.before = written;
        let log = run(&checkpoint.connection, "PASSIVE");
        let log = log.map_err(|source| OutboxError::sql(&self.path, source))?;
        if log >= LONG_LOG {
            self.read(|connection| run(connection, "PASSIVE"))?;
        }
        Ok(())
    }
}

/// How long the log was, in pages.
fn run(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    let mut log = 0;
    connection.pragma(None, "wal_checkpoint", mode, |row| {
        log = row.get(1)?;
        Ok(())
    })?;
    Ok(log)
}
