//! Status changes told to Slack from the stream that Kafka gets, unable to slow or to stop Kafka.
//!
//! ```text
//! stream's thread                      the notifier's thread
//! Change ▶ rules ▶ CommitMatches ─▶ inbox ─▶ noise ▶ outbox ▶ lanes ─▶ Slack
//!             ▲                                        │      ╰──▶ disk (fsync)
//!   confirms what Kafka has and what is on disk ◀──────╯
//! ```
//!
//! The stream's thread never waits for the disk: it leaves what a commit comes to in the inbox. Slack is behind the outbox, so
//! that nothing of it reaches the stream. Only when the outbox takes nothing the position is not confirmed to PostgreSQL.

mod delivering;
pub mod destinations;
mod error;
mod inbox;
mod rest;
mod storing;
mod tally;
mod telling;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use delivering::Delivering;
pub use delivering::Standings;
pub use error::Error;
pub use tally::Tally;
pub(super) use telling::Telling;

use crate::notify::clock::Clock;
use crate::notify::config::NotifyFile;
use crate::notify::identity_key;
use crate::notify::outbox::{Outbox, OutboxError, Standing};

/// The notifier of a process: its outbox and what delivers from it. It outlives the runs of the engine.
#[derive(Debug)]
pub struct Notifier {
    path: PathBuf,
    outbox: Arc<Outbox>,
    identity_key: Vec<u8>,
    rules: Mutex<Arc<NotifyFile>>,
    /// Counts the files that were taken.
    generation: AtomicU64,
    tally: Arc<Tally>,
    delivering: Delivering,
}

impl Notifier {
    /// Opens the outbox and begins to deliver what it holds.
    ///
    /// # Errors
    /// When the file or what it names cannot be used, or another process has the outbox.
    pub fn start(path: &Path) -> Result<Self, Error> {
        let file = read(path)?;
        let destinations = destinations::open(&file)?;
        let directory = &file.notify.state_dir;
        let outbox = Arc::new(Outbox::open(directory, Clock::start().now().wall_ms())?);
        let identity_key =
            identity_key::load_or_make(directory).map_err(|source| Error::IdentityKey {
                directory: directory.clone(),
                source,
            })?;
        report_removed(&outbox, &file)?;
        let delivering = Delivering::start(Arc::clone(&outbox), destinations)?;
        Ok(Self {
            path: path.to_owned(),
            outbox,
            identity_key,
            rules: Mutex::new(Arc::new(file)),
            generation: AtomicU64::new(0),
            tally: Arc::default(),
            delivering,
        })
    }

    /// Reads the file again: rules change at the next commit, destinations at once. The old ones stay when the new file is wrong.
    ///
    /// # Errors
    /// What is wrong with the new file.
    pub fn reload(&self) -> Result<(), Error> {
        let file = read(&self.path)?;
        if file.notify.state_dir != self.file().notify.state_dir {
            return Err(Error::StateDirectoryChanged);
        }
        self.delivering.replace(destinations::open(&file)?);
        report_removed(&self.outbox, &file)?;
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(file);
        self.generation.fetch_add(1, Relaxed);
        Ok(())
    }

    /// How the destinations stand, for metrics.
    #[must_use]
    pub fn standings(&self) -> Standings {
        self.delivering.standings(&self.outbox, names(&self.file()))
    }

    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Ends the delivery in an orderly way: requests on their way get ten seconds.
    pub fn stop(&self) {
        self.delivering.stop();
        if let Err(error) = self.outbox.end_orderly() {
            tracing::warn!(%error, "the outbox did not end in order: the next start may look for messages that were sent");
        }
    }

    fn file(&self) -> Arc<NotifyFile> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }
}

fn names(file: &NotifyFile) -> Vec<String> {
    file.destinations.keys().cloned().collect()
}

/// Destinations that the file does not have any more, with what is kept for them.
fn removed(outbox: &Outbox, names: &[String]) -> Result<BTreeMap<String, Standing>, OutboxError> {
    let mut standings = outbox.standings()?;
    standings.retain(|name, standing| !names.contains(name) && standing.is_kept());
    Ok(standings)
}

fn report_removed(outbox: &Outbox, file: &NotifyFile) -> Result<(), OutboxError> {
    for (destination, standing) in removed(outbox, &names(file))? {
        tracing::warn!(
            destination,
            queued = standing.queued,
            held = standing.held,
            "a destination is not in the notifier's file any more: its notices are kept until it is there again, and \
             `walstreet notify queue` lists them"
        );
    }
    Ok(())
}

/// Reads and checks a notifier's file.
///
/// # Errors
/// When it is not there, or every problem that can be seen without the database.
pub fn read(path: &Path) -> Result<NotifyFile, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    NotifyFile::parse(&text).map_err(|problems| Error::File {
        path: path.to_owned(),
        problems,
    })
}
