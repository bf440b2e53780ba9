//! Less noise, nothing lost: repeats are counted, mutes are said, quiet hours and floods are held and told as one digest.
//!
//! A state machine: candidates and the time go in, decisions come out. The outbox stores its state beside the notices, in the same
//! transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::collapse::Candidate;
use super::config::{Collapse, NotifyFile};
use super::notice::{Content, DeliveryId, Notice};
use super::quiet::QuietHours;

/// A flood's window doubles to this.
const MAX_WINDOW: Duration = Duration::from_secs(300);
/// Repeats remembered: the oldest are forgotten first, and told again at worst.
const MAX_REMEMBERED: usize = 200_000;

/// What became of a candidate. What is not sent is counted somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Send(Notice),
    /// Folded into a digest that is sent at the end of the window or of the quiet hours.
    Held {
        notice: Notice,
        why: Held,
        digest: DeliveryId,
    },
    /// An equal change of the same key was told less than `dedupe` ago; the key's next message counts it.
    Repeated(Notice),
    Muted {
        notice: Notice,
        mute: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    Window,
    Quiet,
}

/// An operator's wish not to hear of something for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    pub id: u64,
    /// `None`: every rule.
    pub rule: Option<String>,
    /// A row's identity or its key as messages show it; `None`: every row.
    pub key: Option<String>,
    pub until: Timestamp,
    pub by: String,
    pub why: String,
}

/// What must survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoiseState {
    /// By rule and destination.
    lanes: BTreeMap<String, Lane>,
    /// When an equal change was last told, and how many were not told since; by rule, destination, identity, from and to.
    told: BTreeMap<String, Told>,
    mutes: Vec<Mute>,
    next_mute: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lane {
    /// Messages sent in the open window; the first opens it.
    sent: u32,
    window_start: Timestamp,
    window: Duration,
    held: Option<Notice>,
    /// Held until the quiet hours end.
    quiet: Option<Notice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    repeats: u64,
}

/// Decides with the settings of one file; the state outlives it.
#[derive(Debug)]
pub struct Noise {
    rules: BTreeMap<String, RuleNoise>,
    quiet: BTreeMap<String, QuietHours>,
    pub state: NoiseState,
}

#[derive(Clone, Copy, Debug)]
struct RuleNoise {
    collapse: Collapse,
    dedupe: Option<Duration>,
}

impl Noise {
    #[must_use]
    pub fn new(file: &NotifyFile, state: NoiseState) -> Self {
        let settings = |rule: &super::config::RuleConfig| RuleNoise {
            collapse: rule.collapse,
            dedupe: rule.dedupe.map(|period| period.0),
        };
        let rules = file
            .rules
            .iter()
            .map(|rule| (rule.name.get_ref().clone(), settings(rule)));
        let quiet = file.destinations.iter().filter_map(|(name, destination)| {
            let quiet = destination.get_ref().quiet.as_ref()?;
            Some((name.clone(), QuietHours::new(quiet.get_ref())?))
        });
        Self {
            rules: rules.collect(),
            quiet: quiet.collect(),
            state,
        }
    }

    /// Decides one candidate.
    pub fn decide(&mut self, candidate: Candidate, now: Timestamp) -> Decision {
        let Candidate {
            mut notice,
            identity,
            ..
        } = candidate;
        if let Some(mute) = self.mute_of(&notice, identity.as_deref(), now) {
            return Decision::Muted { notice, mute };
        }
        let settings = self.settings(&notice.rule);
        if let Some(decision) =
            self.repeated(&mut notice, identity.as_deref(), settings.dedupe, now)
        {
            return decision;
        }
        if let Some(quiet) = self.quiet.get(&notice.destination)
            && quiet.holds(notice.severity, now)
        {
            let quiet = &mut self.lane(&notice, settings.collapse, now).quiet;
            return hold(quiet, notice, Held::Quiet);
        }
        self.through_window(notice, settings.collapse, now)
    }

    /// The digests whose time has come: of windows that end, of quiet hours that are over.
    pub fn due(&mut self, now: Timestamp) -> Vec<Notice> {
        let mut due = Vec::new();
        let (rules, quiet) = (&self.rules, &self.quiet);
        for lane in self.state.lanes.values_mut() {
            if let Some(held) = lane.quiet.take() {
                match quiet.get(&held.destination) {
                    Some(hours) if hours.holds(held.severity, now) => lane.quiet = Some(held),
                    Some(_) | None => due.push(held),
                }
            }
            if lane.is_over(now) {
                let base = lane
                    .held
                    .as_ref()
                    .and_then(|held| rules.get(&held.rule))
                    .map(|rule| rule.collapse.window.0);
                due.extend(lane.roll(now, base));
            }
        }
        self.state
            .lanes
            .retain(|_, lane| lane.held.is_some() || lane.quiet.is_some() || !lane.is_over(now));
        for notice in &mut due {
            notice.held_until = Some(now);
        }
        due
    }

    /// When [`Self::due`] must be asked next.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = self
            .state
            .lanes
            .values()
            .filter(|lane| lane.held.is_some())
            .map(Lane::end);
        let quiet = self.state.lanes.values().filter_map(|lane| {
            let held = lane.quiet.as_ref()?;
            Some(
                self.quiet
                    .get(&held.destination)
                    .and_then(|hours| hours.end(now))
                    .unwrap_or(now),
            )
        });
        windows.chain(quiet).min()
    }

    /// Takes the mutes as they are stored; an operator's command writes them.
    pub fn set_mutes(&mut self, mutes: Vec<Mute>) {
        self.state.mutes = mutes;
    }

    /// Mutes, and returns the mute's number.
    pub fn mute(&mut self, mut mute: Mute) -> u64 {
        self.state.next_mute += 1;
        mute.id = self.state.next_mute;
        self.state.mutes.push(mute);
        self.state.next_mute
    }

    /// Whether there was such a mute.
    pub fn unmute(&mut self, id: u64) -> bool {
        let before = self.state.mutes.len();
        self.state.mutes.retain(|mute| mute.id != id);
        self.state.mutes.len() < before
    }

    #[must_use]
    pub fn mutes(&self, now: Timestamp) -> Vec<&Mute> {
        self.state
            .mutes
            .iter()
            .filter(|mute| mute.until > now)
            .collect()
    }

    /// The mute that a notice falls under, if any: the delivery asks again for what was queued before the mute.
    #[must_use]
    pub fn mute_of(&self, notice: &Notice, identity: Option<&str>, now: Timestamp) -> Option<u64> {
        let key = match &notice.content {
            Content::Change(change) => Some(change.key.as_str()),
            Content::Digest(_) => None,
        };
        let applies = |mute: &&Mute| {
            mute.until > now
                && mute.rule.as_ref().is_none_or(|rule| *rule == notice.rule)
                && mute
                    .key
                    .as_deref()
                    .is_none_or(|muted| Some(muted) == key || Some(muted) == identity)
        };
        self.state.mutes.iter().find(applies).map(|mute| mute.id)
    }

    /// Forgets what no longer matters.
    pub fn forget(&mut self, now: Timestamp) {
        self.state.mutes.retain(|mute| mute.until > now);
        let longest = self
            .rules
            .values()
            .filter_map(|rule| rule.dedupe)
            .max()
            .unwrap_or_default();
        self.state
            .told
            .retain(|_, told| elapsed(told.at, now) < longest || told.repeats > 0);
        if self.state.told.len() > MAX_REMEMBERED {
            let mut times: Vec<_> = self.state.told.values().map(|told| told.at).collect();
            times.sort_unstable();
            let oldest_kept = times[times.len() - MAX_REMEMBERED];
            self.state.told.retain(|_, told| told.at >= oldest_kept);
        }
    }

    fn settings(&self, rule: &str) -> RuleNoise {
        // A rule that a reload removed, with notices still on their way.
        let gone = RuleNoise {
            collapse: Collapse::default(),
            dedupe: None,
        };
        self.rules.get(rule).copied().unwrap_or(gone)
    }

    fn repeated(
        &mut self,
        notice: &mut Notice,
        identity: Option<&str>,
        dedupe: Option<Duration>,
        now: Timestamp,
    ) -> Option<Decision> {
        let (Some(dedupe), Some(identity), Content::Change(change)) =
            (dedupe, identity, &notice.content)
        else {
            return None;
        };
        let state = |value: &Option<String>| {
            value
                .as_ref()
                .map_or("-".to_owned(), |value| format!("={value}"))
        };
        let parts = [
            &notice.rule,
            &notice.destination,
            identity,
            &state(&change.from),
            &state(&change.to),
        ];
        let key = super::notice::digest_of(&parts);
        match self.state.told.get_mut(&key) {
            Some(told) if elapsed(told.at, now) < dedupe => {
                told.repeats += 1;
                Some(Decision::Repeated(notice.clone()))
            }
            known => {
                notice.repeats = known.map_or(0, |told| told.repeats);
                self.state.told.insert(
                    key,
                    Told {
                        at: now,
                        repeats: 0,
                    },
                );
                None
            }
        }
    }

    /// The first messages go at once, the others wait for the end of the window.
    fn through_window(&mut self, notice: Notice, collapse: Collapse, now: Timestamp) -> Decision {
        let lane = self.lane(&notice, collapse, now);
        if lane.is_over(now) && lane.held.is_none() {
            lane.open(now, collapse.window.0);
        }
        if lane.sent < collapse.burst && lane.held.is_none() {
            lane.sent += 1;
            return Decision::Send(notice);
        }
        hold(&mut lane.held, notice, Held::Window)
    }

    fn lane(&mut self, notice: &Notice, collapse: Collapse, now: Timestamp) -> &mut Lane {
        let key = super::notice::digest_of(&[&notice.rule, &notice.destination]);
        self.state.lanes.entry(key).or_insert_with(|| Lane {
            sent: 0,
            window_start: now,
            window: collapse.window.0,
            held: None,
            quiet: None,
        })
    }
}

impl Lane {
    fn end(&self) -> Timestamp {
        let window = SignedDuration::try_from(self.window).unwrap_or(SignedDuration::MAX);
        self.window_start
            .checked_add(window)
            .unwrap_or(Timestamp::MAX)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        // A clock that was set back must not hold for ever what is held.
        now >= self.end() || now < self.window_start
    }

    fn open(&mut self, now: Timestamp, window: Duration) {
        (self.sent, self.window_start, self.window) = (0, now, window);
    }

    /// The end of a window: what was held is told, and the flood's next window is twice as long; a window in which nothing was
    /// held ends the flood.
    fn roll(&mut self, now: Timestamp, base: Option<Duration>) -> Option<Notice> {
        let held = self.held.take();
        if held.is_some() {
            let window = self
                .window
                .saturating_mul(2)
                .min(MAX_WINDOW.max(base.unwrap_or_default()));
            // The digest is this window's message: during a flood, one a window.
            (self.sent, self.window_start, self.window) = (u32::MAX, now, window);
        }
        held
    }
}

fn hold(held: &mut Option<Notice>, notice: Notice, why: Held) -> Decision {
    let digest = match held {
        Some(held) => {
            held.fold(notice.clone());
            held.id.clone()
        }
        None => held.insert(notice.clone()).id.clone(),
    };
    Decision::Held {
        notice,
        why,
        digest,
    }
}

/// Zero if the clock was set back.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}
