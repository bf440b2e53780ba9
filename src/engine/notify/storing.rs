//! What stores: what commits came to goes through the noise rules into the outbox, one write for all that came meanwhile. It runs on the
//! thread of the lanes, which have the outbox between them anyway: no thread has to wake for what is new. A lane brings it to the disk with
//! the mark that it is sending; if none does, this does, and only then the commits count as stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::Release};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::delivering::Waker;
use super::inbox::{Inbox, Letters};
use super::rest::Rest;
use super::tally::{Tally, add, observe};
use crate::notify::collapse::Candidate;
use crate::notify::config::NotifyFile;
use crate::notify::last_states::State;
use crate::notify::noise::{Decision, Held, Noise, NoiseChanges};
use crate::notify::notice::Notice;
use crate::notify::outbox::{Intake, Outbox, OutboxError, Untold, Why, Write};
use crate::postgres::Lsn;

/// After the outbox took nothing.
const RETRY: Duration = Duration::from_secs(1);
/// Without news.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Lines of the audit that wait while the disk takes nothing.
const MOST_UNTOLD: usize = 10_000;
/// What was written waits so long at most for a lane to bring it to the disk. Positions are confirmed less often.
const LONGEST_UNSYNCED: Duration = Duration::from_millis(20);
/// What is stale waits so long at most for the stream to reach the present.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Storing {
    pub(super) outbox: Arc<Outbox>,
    pub(super) source: String,
    pub(super) noise: Noise,
    pub(super) file: Arc<NotifyFile>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) waker: Waker,
    pub(super) tally: Arc<Tally>,
    /// Commits up to here are on disk.
    pub(super) stored: Arc<AtomicU64>,
    pub(super) pending: Pending,
    pub(super) written: Written,
    pub(super) catch_up: CatchUp,
}

/// In the outbox, and not on disk for certain.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Commits up to here are written.
    watermark: Lsn,
    /// Since when the first write waits, and the last one.
    waiting: Option<(Instant, Write)>,
}

/// Decided, and not on disk yet. Bounded by the windows of the rules, however long the disk takes nothing.
#[derive(Debug, Default)]
pub(super) struct Pending {
    notices: Vec<Notice>,
    untold: Vec<Untold>,
    states: HashMap<String, State>,
    noise: NoiseChanges,
    watermark: Lsn,
    /// Windows changed.
    has_decided: bool,
    is_refused: bool,
}

/// What happened while nobody read the stream: one digest for each rule and destination.
#[derive(Debug, Default)]
pub(super) struct CatchUp {
    folded: BTreeMap<(usize, String), Candidate>,
    since: Option<Instant>,
}

impl Storing {
    /// Until the inbox is closed.
    pub(super) async fn run(mut self) {
        let mut rest = Rest::default();
        loop {
            let letters = self.inbox.take(self.wait()).await;
            self.take_synced();
            let is_closed = letters.is_closed;
            self.take(letters);
            self.tell_due();
            let began = Instant::now();
            let stored = self.store();
            let has_stored = stored.as_ref().is_ok_and(|has_stored| *has_stored);
            let ended = Instant::now();
            let synced = match stored {
                Ok(_) if is_closed || self.written.is_overdue() => self.sync().await,
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
            match synced {
                Ok(()) => self.accepted(),
                Err(error) => self.refused(&error),
            }
            if is_closed {
                return;
            }
            if has_stored {
                // What is due is told in time, however much comes.
                let pause = rest.after(began, ended).min(self.until_due());
                self.inbox.wait_until_closed(pause).await;
            }
        }
    }

    fn wait(&self) -> Duration {
        if self.pending.is_refused {
            return RETRY;
        }
        let catch_up = self.catch_up.since.map_or(LONGEST_WAIT, |since| {
            LONGEST_CATCH_UP.saturating_sub(since.elapsed())
        });
        let unsynced = self.written.since().map_or(LONGEST_WAIT, |since| {
            LONGEST_UNSYNCED.saturating_sub(since.elapsed())
        });
        // A clock that is set differently must not make us sleep for long.
        let due = self.until_due();
        due.min(catch_up).min(unsynced).min(LONGEST_WAIT)
    }

    /// Until a window or quiet hours end.
    fn until_due(&self) -> Duration {
        let now = Timestamp::now();
        self.noise.next_due(now).map_or(LONGEST_WAIT, |due| {
            Duration::try_from(due.duration_since(now)).unwrap_or_default()
        })
    }

    fn take(&mut self, mut letters: Letters) {
        let now = Timestamp::now();
        if let Some(file) = letters.rules.take() {
            let state = std::mem::take(&mut self.noise.state);
            self.noise = Noise::new(&file, state);
            self.file = file;
        }
        let mut is_present = letters.is_present || letters.is_closed;
        let candidates = letters.take_candidates();
        self.take_mutes(now);
        for candidate in candidates {
            let committed_at = candidate.notice.commit.committed_at;
            let ahead = committed_at.duration_since(now).as_millis();
            self.tally
                .clock_ahead_ms
                .store(u64::try_from(ahead).unwrap_or(0), Relaxed);
            if self.file.notify.is_stale(committed_at, now) {
                self.catch_up.add(candidate);
                add(&self.tally.stale, 1);
            } else {
                is_present = true;
                self.decide_caught_up(now);
                self.decide(candidate, now);
            }
        }
        if is_present || self.catch_up.is_overdue() {
            self.decide_caught_up(now);
        }
        self.pending.states.extend(letters.states);
        self.pending.watermark = self.pending.watermark.max(letters.watermark);
    }

    /// An operator's command writes them into the outbox meanwhile.
    fn take_mutes(&mut self, now: Timestamp) {
        match self.outbox.mutes(now.as_millisecond()) {
            Ok(mutes) => self.noise.set_mutes(mutes),
            Err(error) => {
                tracing::warn!(%error, "could not read the mutes: those known so far apply")
            }
        }
    }

    fn decide_caught_up(&mut self, now: Timestamp) {
        for candidate in std::mem::take(&mut self.catch_up).folded.into_values() {
            self.decide(candidate, now);
        }
    }

    fn decide(&mut self, candidate: Candidate, now: Timestamp) {
        self.pending.has_decided = true;
        match self.noise.decide(candidate, now) {
            Decision::Send(notice) => self.pending.notices.push(notice),
            Decision::Held {
                notice,
                why,
                digest,
            } => {
                let (counter, why) = match why {
                    Held::Window => (&self.tally.held_window, Why::Window { digest }),
                    Held::Quiet => (&self.tally.held_quiet, Why::Quiet { digest }),
                };
                add(counter, 1);
                self.pending.leave_untold(Untold::new(&notice, why));
            }
            Decision::Repeated(notice) => {
                add(&self.tally.repeated, 1);
                self.pending
                    .leave_untold(Untold::new(&notice, Why::Repeated));
            }
            Decision::Muted { notice, mute } => {
                add(&self.tally.muted, 1);
                self.pending
                    .leave_untold(Untold::new(&notice, Why::Muted { mute }));
            }
        }
    }

    fn tell_due(&mut self) {
        let now = Timestamp::now();
        let due = self.noise.due(now);
        self.noise.forget(now);
        if !due.is_empty() {
            self.pending.has_decided = true;
            for notice in &due {
                let held = Duration::try_from(now.duration_since(notice.began()));
                observe(&self.tally.hold, held.unwrap_or_default());
            }
            self.pending.notices.extend(due);
        }
    }

    /// Whether something was written.
    fn store(&mut self) -> Result<bool, OutboxError> {
        // What waits for the present is not told yet: nothing after it may be called told.
        let watermark = if self.catch_up.folded.is_empty() {
            self.pending.watermark
        } else {
            Lsn::ZERO
        };
        let reached = self.written.watermark.max(Lsn(self.stored.load(Relaxed)));
        let is_further = watermark > reached;
        if !is_further && !self.pending.has_decided && self.pending.states.is_empty() {
            return Ok(false);
        }
        let began = Instant::now();
        let write = self.write(is_further.then_some(watermark))?;
        let since = self.written.since().unwrap_or(began);
        self.written.waiting = Some((since, write));
        if is_further {
            self.written.watermark = watermark;
        }
        self.tell_lanes();
        add(&self.tally.stores, 1);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        add(&self.tally.store_us, took);
        Ok(true)
    }

    /// A lane may have brought to the disk what was written.
    fn take_synced(&mut self) {
        if let Some((_, write)) = self.written.waiting
            && self.outbox.is_synced(write)
        {
            self.written.waiting = None;
            self.stored.fetch_max(self.written.watermark.0, Release);
        }
    }

    /// What was written is on disk, and its commits are stored.
    async fn sync(&mut self) -> Result<(), OutboxError> {
        if let Some((_, write)) = self.written.waiting {
            self.outbox.sync_beside(write).await?;
        }
        self.take_synced();
        Ok(())
    }

    fn write(&mut self, watermark: Option<Lsn>) -> Result<Write, OutboxError> {
        match self.noise.state.take_changes() {
            Ok(changes) => self.pending.noise.extend(changes),
            Err(error) => tracing::error!(%error, "could not write down the rules' windows"),
        }
        let pending = &self.pending;
        let intake = Intake {
            source: &self.source,
            watermark,
            notices: &pending.notices,
            untold: &pending.untold,
            noise: &pending.noise,
            states: &pending.states,
        };
        let now_ms = Timestamp::now().as_millisecond();
        self.outbox.store(intake, now_ms)
    }

    fn tell_lanes(&mut self) {
        let now = Timestamp::now();
        for notice in &self.pending.notices {
            observe(&self.tally.enqueued, notice.age(now));
        }
        let told = std::mem::take(&mut self.pending.notices);
        add(&self.tally.queued, told.len() as u64);
        self.pending = Pending {
            watermark: self.pending.watermark,
            is_refused: self.pending.is_refused,
            ..Pending::default()
        };
        if !told.is_empty() {
            self.waker.wake(&told);
        }
    }

    fn accepted(&mut self) {
        if self.pending.is_refused {
            tracing::info!("the outbox takes notices again: positions are confirmed again");
        }
        self.pending.is_refused = false;
        self.tally.is_refused.store(false, Relaxed);
        if self.written.waiting.is_none() {
            self.inbox.settle();
        }
    }

    fn refused(&mut self, error: &OutboxError) {
        add(&self.tally.store_failures, 1);
        if !self.pending.is_refused {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(
                %error, cause,
                "the outbox takes nothing: no position is confirmed to PostgreSQL, which keeps its WAL, until it does; Kafka goes on"
            );
        }
        self.pending.is_refused = true;
        self.tally.is_refused.store(true, Relaxed);
    }
}

impl Written {
    fn since(&self) -> Option<Instant> {
        self.waiting.map(|(since, _)| since)
    }

    fn is_overdue(&self) -> bool {
        self.since()
            .is_some_and(|since| since.elapsed() >= LONGEST_UNSYNCED)
    }
}

impl Pending {
    /// A line of the audit each; more than [`MOST_UNTOLD`] share lines, with exact counts.
    fn leave_untold(&mut self, untold: Untold) {
        if self.untold.len() < MOST_UNTOLD {
            return self.untold.push(untold);
        }
        match self
            .untold
            .iter_mut()
            .rev()
            .find(|last| last.is_like(&untold))
        {
            Some(last) => last.absorb(&untold),
            None => self.untold.push(untold),
        }
    }
}

impl CatchUp {
    fn add(&mut self, candidate: Candidate) {
        self.since.get_or_insert_with(Instant::now);
        let lane = (candidate.rule, candidate.notice.destination.clone());
        match self.folded.get_mut(&lane) {
            Some(folded) => {
                folded.notice.fold(candidate.notice);
                folded.identity = None;
            }
            None => {
                self.folded.insert(lane, candidate);
            }
        }
    }

    fn is_overdue(&self) -> bool {
        self.since
            .is_some_and(|since| since.elapsed() >= LONGEST_CATCH_UP)
    }
}
