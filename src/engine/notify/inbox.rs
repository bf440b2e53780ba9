//! What commits came to, on its way from the stream's thread to what stores it. Bounded, and never waited for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::notify::collapse::Candidate;
use crate::notify::config::NotifyFile;
use crate::notify::last_states::State;
use crate::postgres::Lsn;

/// More candidates than these wait only while the disk does not answer; further ones are folded into a digest for each rule and
/// destination, exact in counts and sums.
const MOST_CANDIDATES: usize = 10_000;

/// What was left since it was last taken.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) candidates: Vec<Candidate>,
    folded: BTreeMap<(usize, String), Candidate>,
    pub(super) states: HashMap<String, State>,
    /// The last commit that is in here whole.
    pub(super) watermark: Lsn,
    /// A file that was read again.
    pub(super) rules: Option<Arc<NotifyFile>>,
    /// The stream reached the present.
    pub(super) is_present: bool,
    pub(super) is_closed: bool,
    is_new: bool,
    /// Something that was taken is not on disk yet.
    is_open: bool,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    letters: Mutex<Letters>,
    arrived: Notify,
    settled: Condvar,
}

impl Letters {
    pub(super) fn add(&mut self, candidate: Candidate) {
        if self.candidates.len() < MOST_CANDIDATES {
            self.candidates.push(candidate);
            return;
        }
        let lane = (candidate.rule, candidate.notice.destination.clone());
        match self.folded.get_mut(&lane) {
            Some(folded) => folded.notice.fold(candidate.notice),
            None => {
                let candidate = Candidate {
                    identity: None,
                    ..candidate
                };
                self.folded.insert(lane, candidate);
            }
        }
    }

    /// All of them, in the order of their commits except for what was folded.
    pub(super) fn take_candidates(&mut self) -> Vec<Candidate> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.extend(std::mem::take(&mut self.folded).into_values());
        candidates
    }
}

impl Inbox {
    pub(super) fn leave(&self, write: impl FnOnce(&mut Letters)) {
        let mut letters = self.lock();
        write(&mut letters);
        letters.is_new = true;
        drop(letters);
        self.arrived.notify_one();
    }

    /// Takes what is there, at once if there is anything new, else after `timeout`.
    pub(super) async fn take(&self, timeout: Duration) -> Letters {
        self.wait(timeout, |letters| letters.is_new).await;
        let mut letters = self.lock();
        let is_open = letters.is_open || letters.is_new;
        let taken = std::mem::take(&mut *letters);
        letters.is_open = is_open;
        taken
    }

    /// Waits, unless nothing more comes.
    pub(super) async fn wait_until_closed(&self, timeout: Duration) {
        self.wait(timeout, |letters| letters.is_closed).await;
    }

    /// Until the letters are so, or the time is over.
    async fn wait(&self, timeout: Duration, are_so: impl Fn(&Letters) -> bool) {
        let arrive = async {
            while !are_so(&self.lock()) {
                self.arrived.notified().await;
            }
        };
        drop(tokio::time::timeout(timeout, arrive).await);
    }

    /// Everything that was taken is on disk.
    pub(super) fn settle(&self) {
        self.lock().is_open = false;
        self.settled.notify_all();
    }

    /// Whether everything that was left so far is on disk in time.
    pub(super) fn wait_until_stored(&self, timeout: Duration) -> bool {
        let waits = |letters: &mut Letters| letters.is_new || letters.is_open;
        let (letters, _) = self
            .settled
            .wait_timeout_while(self.lock(), timeout, waits)
            .unwrap_or_else(PoisonError::into_inner);
        !letters.is_new && !letters.is_open
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
