//! One process delivers from an outbox at a time. While it does, its lock file names the boot of the machine: a process that finds another
//! boot's name knows that the machine went down and took with it what was written and not on disk.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::OutboxError;

const LOCK: &str = "outbox.lock";
/// Another value after every start of the machine: proc(5). Containers see that of their host.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Where there is no such file every end that was not orderly may have been the machine's.
const SOME_BOOT: &str = "some boot";

#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    is_after_power_cut: bool,
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, OutboxError> {
        let unusable = |source| OutboxError::Directory {
            path: directory.to_owned(),
            source,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(directory.join(LOCK))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Self::begin(file).map_err(unusable),
            Err(TryLockError::WouldBlock) => Err(OutboxError::Locked {
                path: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    fn begin(mut file: File) -> io::Result<Self> {
        let mut before = String::new();
        file.read_to_string(&mut before)?;
        let boot = fs::read_to_string(BOOT_ID);
        let is_same = boot.as_ref().is_ok_and(|boot| *boot == before);
        let lock = Self {
            is_after_power_cut: !before.is_empty() && !is_same,
            file,
        };
        // After a power cut the doubts stay until an orderly end: this process may be killed before it could resolve them.
        if !lock.is_after_power_cut {
            lock.name(boot.as_deref().unwrap_or(SOME_BOOT))?;
        }
        Ok(lock)
    }

    /// The machine went down under the last process that had it.
    pub(super) fn is_after_power_cut(&self) -> bool {
        self.is_after_power_cut
    }

    /// Everything is on disk, and nothing is written any more.
    pub(super) fn end(&self) -> io::Result<()> {
        self.name("")
    }

    fn name(&self, boot: &str) -> io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(boot.as_bytes())?;
        file.sync_all()
    }

    /// Whether a process has it.
    pub(super) fn is_taken(directory: &Path) -> bool {
        let file = File::options().write(true).open(directory.join(LOCK));
        !file.is_ok_and(|file| file.try_lock().is_ok())
    }
}
