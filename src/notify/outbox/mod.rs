//! The outbox: what is to be told, on disk before PostgreSQL hears that we have it, until Slack has it.
//!
//! ```text
//! pending ─▶ sending ─▶ sent
//!    ▲          │  ╲──▶ unknown ─▶ sent | pending | held
//!    ╰──────────╯  ╲──▶ dead
//! pending ─▶ folded (into a digest, when there is too much) | muted (by an operator)
//! ```
//!
//! `sending` is on disk before the request is written; at start every `sending` notice is `unknown`. A destination that waits
//! or is parked keeps its notices pending.

mod audit;
mod error;
mod fold;
mod intake;
mod mutes;
mod noise;
mod operator;
mod queue;
mod states;
mod thread;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use audit::{AuditLine, Untold, Why};
pub use error::OutboxError;
pub use fold::{Capacity, Folded};
pub use intake::{Intake, Stored};
pub use mutes::Muted;
pub use operator::{Listed, Replay, Standing, State};
pub use queue::{Ending, Opened, Queued, Wait};
pub use thread::Thread;

const DATABASE: &str = "outbox.db";
const LOCK: &str = "outbox.lock";
const FORMAT: i64 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Something that was written and is on disk only after [`Outbox::sync`], or with what is written after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write(u64);

/// More than there are: a change needs some twenty, and parsing them again would take longer than running them.
const STATEMENTS: usize = 64;

/// One process has it at a time.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// How often something was written soon, and how many of these are on disk.
    written: AtomicU64,
    synced: AtomicU64,
    /// Held as long as the file is open by the process that delivers.
    lock: Option<File>,
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
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OutboxError::Locked {
                    path: directory.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let path = directory.join(DATABASE);
        let connection = connect(&path).map_err(|source| OutboxError::sql(&path, source))?;
        let outbox = Self {
            path,
            connection: Mutex::new(connection),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            lock: Some(lock),
        };
        outbox.prepare()?;
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
        let connection = connect(&path).map_err(|source| OutboxError::sql(&path, source))?;
        let outbox = Self {
            path,
            connection: Mutex::new(connection),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            lock: None,
        };
        outbox.prepare()?;
        Ok(outbox)
    }

    /// Whether a process has it to deliver.
    pub fn is_delivered(&self) -> bool {
        let Some(directory) = self.path.parent() else {
            return false;
        };
        let lock = File::options().write(true).open(directory.join(LOCK));
        let is_free = lock.is_ok_and(|lock| lock.try_lock().is_ok());
        self.lock.is_some() || !is_free
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
                 FROM notice WHERE state = 'sending'",
                [now_ms],
            )?;
            transaction.execute(
                "UPDATE notice SET state = 'unknown' WHERE state = 'sending'",
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
    fn is_synced(&self, write: Write) -> bool {
        self.synced.load(Relaxed) >= write.0
    }

    /// Everything up to this write is on disk when it returns.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn sync(&self, write: Write) -> Result<(), OutboxError> {
        let mut connection = self.connection();
        if self.is_synced(write) {
            return Ok(());
        }
        // A transaction without a change would not reach the disk.
        self::write(&mut connection, |transaction| {
            transaction.pragma_update(None, "user_version", FORMAT)
        })
        .map_err(|source| OutboxError::sql(&self.path, source))?;
        self.synced.store(self.written.load(Relaxed), Relaxed);
        Ok(())
    }

    /// All of it, on disk with everything before it, or nothing.
    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        let mut connection = self.connection();
        let before = connection.total_changes();
        let written = write(&mut connection, change)
            .map_err(|source| OutboxError::sql(&self.path, source))?;
        if connection.total_changes() > before {
            self.synced.store(self.written.load(Relaxed), Relaxed);
        }
        Ok(written)
    }

    /// For what became of a request: if a power cut undoes it, the notice is `unknown`, as it is when the process ends before the answer.
    fn write_soon(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), OutboxError> {
        self.write_numbered(change).map(|((), _)| ())
    }

    /// All of it or nothing, on disk with the next [`Self::write`] or [`Self::sync`]. Until then only a power cut can undo it, never what
    /// was written before it.
    fn write_numbered<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<(T, Write), OutboxError> {
        let mut connection = self.connection();
        let number = self.written.fetch_add(1, Relaxed) + 1;
        let relaxed = connection.pragma_update(None, "synchronous", "NORMAL");
        let written = relaxed.and_then(|()| write(&mut connection, change));
        let restored = connection.pragma_update(None, "synchronous", "FULL");
        let written = written.and_then(|written| restored.map(|()| (written, Write(number))));
        written.map_err(|source| OutboxError::sql(&self.path, source))
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
    // Every commit is on disk before we go on, except for what `write_numbered` writes.
    connection.pragma_update(None, "synchronous", "FULL")?;
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
#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
