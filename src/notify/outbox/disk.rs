//! What of the outbox is on disk. SQLite appends to its log with `synchronous = NORMAL`: into the system's cache, where it outlives the
//! process. One call here brings all that was appended to the disk, for everybody who waits for it.
//!
//! SQLite itself calls fsync only where its files depend on each other: around checkpoints (<https://sqlite.org/wal.html>).

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, PoisonError};

use super::OutboxError;

const READ_BYTES: usize = 64 << 10;

/// Something that was written and is on disk only after [`super::Outbox::sync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write(u64);

impl Write {
    pub(super) const NONE: Self = Self(0);

    /// How many there were after an earlier one.
    pub(super) fn after(self, earlier: Self) -> u64 {
        self.0 - earlier.0
    }
}

#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    log_path: PathBuf,
    log: File,
    /// One at a time: who waits finds that it was done for them.
    syncing: Mutex<()>,
    /// How often something was written, and how many of these are on disk.
    written: AtomicU64,
    synced: AtomicU64,
    /// The system may have dropped what it could not write, and says so only once.
    has_failed: AtomicBool,
}

impl Disk {
    /// Of a database that is open in WAL mode.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let mut log_path = database.as_os_str().to_owned();
        log_path.push("-wal");
        let log = File::options().write(true).open(&log_path)?;
        if let Some(directory) = database.parent() {
            // That there is a log at all.
            File::open(directory)?.sync_all()?;
        }
        Ok(Self {
            path: database.to_owned(),
            log_path: log_path.into(),
            log,
            syncing: Mutex::new(()),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        })
    }

    /// Reads the log: what of it was not in the system's cache is there again.
    pub(super) fn keep_in_cache(&self) -> Result<(), OutboxError> {
        let read = File::open(&self.log_path)
            .map(|log| BufReader::with_capacity(READ_BYTES, log))
            .and_then(|mut log| io::copy(&mut log, &mut io::sink()));
        read.map(|_| ()).map_err(|source| OutboxError::Directory {
            path: self.path.clone(),
            source,
        })
    }

    /// Something was appended to the log.
    pub(super) fn wrote(&self) -> Write {
        Write(self.written.fetch_add(1, Release) + 1)
    }

    /// All that was appended so far.
    pub(super) fn written(&self) -> Write {
        Write(self.written.load(Acquire))
    }

    pub(super) fn is_synced(&self, write: Write) -> bool {
        self.synced.load(Acquire) >= write.0
    }

    /// Everything up to this write is on disk when it returns.
    pub(super) fn sync(&self, write: Write) -> Result<(), OutboxError> {
        if self.is_synced(write) {
            return Ok(());
        }
        let _one = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_synced(write) {
            return Ok(());
        }
        let written = self.written();
        let synced = if self.has_failed.load(Acquire) {
            Err(io::Error::other("an earlier attempt failed"))
        } else {
            self.log.sync_data()
        };
        if let Err(source) = synced {
            self.has_failed.store(true, Release);
            return Err(self.unsynced(source));
        }
        self.synced.store(written.0, Release);
        Ok(())
    }

    pub(super) fn unsynced(&self, source: io::Error) -> OutboxError {
        OutboxError::Unsynced {
            path: self.path.clone(),
            source,
        }
    }
}
