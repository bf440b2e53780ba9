//! What goes wrong with the outbox, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error("could not use \"{}\" as the notifier's state directory", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(
        "another process uses the outbox in \"{}\": two would deliver everything twice; stop it or give this one its own state_dir",
        path.display()
    )]
    Locked { path: PathBuf },
    #[error(
        "there is no outbox \"{}\": name the notify.toml of the walstreet that delivers, and run this where its state_dir is",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "the outbox \"{}\" is damaged: stop walstreet, keep a copy, rescue it with `sqlite3 outbox.db .recover`, or move it \
         away to start with an empty one (what was not delivered is then lost)",
        path.display()
    )]
    Corrupt {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("could not write to the outbox \"{}\": make the file and its directory writable", path.display())]
    ReadOnly {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("no space is left for the outbox \"{}\": nothing is acknowledged until there is", path.display())]
    Full {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("the outbox \"{}\" was written by a newer walstreet (format {found}): use that version", path.display())]
    Newer { path: PathBuf, found: i64 },
    #[error(
        "the disk did not take what was written to the outbox \"{}\": nothing is confirmed to PostgreSQL any more; check the disk and start \
         walstreet again",
        path.display()
    )]
    Unsynced { path: PathBuf, source: io::Error },
    #[error("could not use the outbox \"{}\"", path.display())]
    Sql {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("could not read notice {delivery_id} of the outbox")]
    Notice {
        delivery_id: String,
        source: serde_json::Error,
    },
    #[error("there is no {expected} notice {delivery_id}")]
    NoSuchNotice {
        delivery_id: String,
        expected: &'static str,
    },
}

impl OutboxError {
    /// Whether trying again, unchanged, can succeed.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Sql { .. } | Self::ReadOnly { .. } => true,
            Self::Directory { .. }
            | Self::Locked { .. }
            | Self::Missing { .. }
            | Self::Corrupt { .. }
            | Self::Unsynced { .. }
            | Self::Newer { .. }
            | Self::Notice { .. }
            | Self::NoSuchNotice { .. } => false,
        }
    }

    pub(super) fn sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let code = source.sqlite_error_code();
        if matches!(
            code,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ) {
            return Self::Corrupt { path, source };
        }
        if matches!(
            code,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
        ) {
            return Self::ReadOnly { path, source };
        }
        if code == Some(ErrorCode::DiskFull) {
            return Self::Full { path, source };
        }
        Self::Sql { path, source }
    }
}
