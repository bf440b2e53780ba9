//! The outbox: what is to be told, on disk before PostgreSQL hears that we have it, until Slack has it.
//!
//! ```text
//! pending ─▶ sending ─▶ sent
//!    ▲          │  ╲──▶ unknown ─▶ sent | pending | held
//!    ╰──────────╯  ╲──▶ dead
//! pending ─▶ folded (into a digest, when there is too much) | muted (by an operator)
//! ```
//!
//! `sending` is in the file before the request is written, and on disk before the answer is taken: a process that is killed finds it at
//! its next start, when every `sending` notice is `unknown`. Only a power cut can take it, and then there are
//! [doubts](Outbox::doubts_before_ms). A destination that waits or is parked keeps its notices pending.

mod audit;
mod checkpoint;
mod disk;
mod error;
mod fold;
mod intake;
mod lock;
mod mutes;
mod noise;
mod operator;
mod queue;
mod states;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use checkpoint::Checkpoints;
use disk::Disk;
use lock::Lock;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use audit::{AuditLine, Untold, Why};
pub use disk::Write;
pub use error::OutboxError;
pub use fold::{Capacity, Folded};
pub use intake::Intake;
pub use mutes::Muted;
pub use operator::{Listed, Replay, Standing, State};
pub use queue::{Ending, Opened, Queued, Wait};
pub use thread::Thread;

const DATABASE: &str = "outbox.db";
const FORMAT: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// More than there are: a change needs some twenty, and parsing them again would take longer than running them.
const STATEMENTS: usize = 64;

/// One process has it at a time.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    connection: Mutex<Connection>,
    disk: Disk,
    /// Of the process that delivers.
    checkpoints: Option<Checkpoints>,
    doubts_before_ms: Option<i64>,
    /// Held as long as the file is open by the process that delivers.
    lock: Option<Lock>,
}

impl Outbox {
    /// Opens or creates `outbox.db` in the directory. What was being sent when the last process ended is `unknown` now.
    ///
    /// # Errors
    /// When another process has it, or the file cannot be used.
    pub fn open(directory: &Path, now_ms: i64) -> Result<Self, OutboxError> {
        let unusable = |source| OutboxError::Directory {
            path: directory.to_owned(),
            source,
        };
        std::fs::create_dir_all(directory).map_err(unusable)?;
        let lock = Lock::take(directory)?;
        let is_after_power_cut = lock.is_after_power_cut();
        let mut outbox = Self::of(directory.join(DATABASE), Some(lock))?;
        outbox.doubts_before_ms = is_after_power_cut.then_some(now_ms);
        let checkpoints = outbox.read(|connection| Checkpoints::begin(&outbox.path, connection))?;
        outbox.checkpoints = Some(checkpoints);
        outbox.what_was_sending_is_unknown(now_ms)?;
        Ok(outbox)
    }

    /// Opens the outbox of a process that may be delivering, to look at it and to decide as an operator.
    ///
    /// # Errors
    /// When there is none, or the file cannot be used.
    pub fn beside(directory: &Path) -> Result<Self, OutboxError> {
        let path = directory.join(DATABASE);
        if !path.exists() {
            return Err(OutboxError::Missing { path });
        }
        Self::of(path, None)
    }

    fn of(path: PathBuf, lock: Option<Lock>) -> Result<Self, OutboxError> {
        let connection = connect(&path).map_err(|source| OutboxError::sql(&path, source))?;
        let disk = Disk::of(&path).map_err(|source| OutboxError::Directory {
            path: path.clone(),
            source,
        })?;
        let outbox = Self {
            path,
            connection: Mutex::new(connection),
            disk,
            checkpoints: None,
            doubts_before_ms: None,
            lock,
        };
        outbox.prepare()?;
        Ok(outbox)
    }

    /// When the machine went down under the last process: since when we know what is sent. Of every destination one request of before
    /// may be forgotten, the one that was on its way.
    #[must_use]
    pub fn doubts_before_ms(&self) -> Option<i64> {
        self.doubts_before_ms
    }

    /// An orderly end: nothing is being sent, and nothing is written any more. The next process has no doubts.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn end_orderly(&self) -> Result<(), OutboxError> {
        self.sync(self.disk.written())?;
        let ended = self.lock.as_ref().map_or(Ok(()), Lock::end);
        ended.map_err(|source| OutboxError::Directory {
            path: self.path.clone(),
            source,
        })
    }

    /// Whether a process has it to deliver.
    pub fn is_delivered(&self) -> bool {
        let Some(directory) = self.path.parent() else {
            return false;
        };
        self.lock.is_some() || Lock::is_taken(directory)
    }

    /// Another number after somebody else wrote: an operator's command.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn version(&self) -> Result<i64, OutboxError> {
        self.read(|connection| {
            connection.pragma_query_value(None, "data_version", |row| row.get(0))
        })
    }

    /// How much of the disk it takes, without the write-ahead log.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn bytes(&self) -> Result<i64, OutboxError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                [],
                |row| row.get(0),
            )
        })
    }

    fn prepare(&self) -> Result<(), OutboxError> {
        let format: i64 = self.read(|connection| {
            connection.pragma_query_value(None, "user_version", |row| row.get(0))
        })?;
        match format {
            FORMAT => Ok(()),
            0 => self.write(|transaction| {
                transaction.execute_batch(include_str!("schema.sql"))?;
                transaction.pragma_update(None, "user_version", FORMAT)
            }),
            found => Err(OutboxError::Newer {
                path: self.path.clone(),
                found,
            }),
        }
    }

    /// Nobody waits for the answers to what is being sent any more.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn what_was_sending_is_unknown(&self, now_ms: i64) -> Result<(), OutboxError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO audit (at, destination, delivery_id, what, detail)
                 SELECT ?1, destination, delivery_id, 'unknown', 'ended while sending'
                 FROM notice WHERE state IN ('pending', 'sending', 'unknown') AND state = 'sending'",
                [now_ms],
            )?;
            transaction.execute(
                "UPDATE notice SET state = 'unknown' WHERE state IN ('pending', 'sending', 'unknown') AND state = 'sending'",
                [],
            )?;
            Ok(())
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // SQLite undoes a transaction that a panic left: the connection is good.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        query(&self.connection()).map_err(|source| OutboxError::sql(&self.path, source))
    }

    /// Whether everything up to this write is on disk.
    pub fn is_synced(&self, write: Write) -> bool {
        self.disk.is_synced(write)
    }

    /// Everything up to this write is on disk when it returns.
    ///
    /// # Errors
    /// When the disk does not take it: then nothing is on disk for certain any more.
    pub fn sync(&self, write: Write) -> Result<(), OutboxError> {
        self.disk.sync(write)
    }

    /// The same, and the thread of the caller does other things meanwhile.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub async fn sync_beside(self: &Arc<Self>, write: Write) -> Result<(), OutboxError> {
        let outbox = Arc::clone(self);
        let synced = tokio::task::spawn_blocking(move || outbox.sync(write));
        // The runtime ends: nothing is known of the disk.
        synced
            .await
            .unwrap_or_else(|error| Err(self.disk.unsynced(error.into())))
    }

    /// All of it, on disk with everything before it, or nothing.
    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let (changed, write) = self.write_soon(change)?;
        self.sync(write)?;
        Ok(changed)
    }

    /// All of it or nothing, on disk after [`Self::sync`]. Until then only a power cut can undo it, never what was written before it.
    fn write_soon<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<(T, Write), OutboxError> {
        let mut connection = self.connection();
        let before = connection.total_changes();
        let changed = write(&mut connection, change)
            .map_err(|source| OutboxError::sql(&self.path, source))?;
        let is_changed = connection.total_changes() > before;
        let write = if is_changed {
            self.disk.wrote()
        } else {
            self.disk.written()
        };
        Ok((changed, write))
    }
}

fn write<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changed = change(&transaction)?;
    transaction.commit()?;
    Ok(changed)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement whose table has a partial index is parsed again for every parameter.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // `Outbox::sync` brings commits to the disk.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let verdict: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if verdict == "ok" {
        Ok(connection)
    } else {
        let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err(rusqlite::Error::SqliteFailure(corrupt, Some(verdict)))
    }
}

#[cfg(test)]
mod beside_tests;
#[cfg(all(test, target_os = "linux"))]
mod cache_tests;
#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
