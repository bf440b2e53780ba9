//! Less noise, nothing lost: repeats are counted, mutes are said, quiet hours and floods are held and told as one digest.
//!
//! A state machine: candidates and the time go in, decisions come out. The outbox stores what changed of its state beside the notices,
//! in the same transaction.

mod repeats;
mod windows;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use self::repeats::{Repeats, Seen};
use self::windows::{Window, Windows};
use super::collapse::Candidate;
use super::config::{Collapse, NotifyFile};
use super::notice::{Content, DeliveryId, Notice};
use super::quiet::QuietHours;

/// What of the state must be stored, JSON by key; `None` for what is gone.
pub type NoiseChanges = BTreeMap<String, Option<String>>;

/// Beginnings of the keys.
const WINDOW: &str = "window ";
const TOLD: &str = "told ";

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

/// What must survive a restart, by rule and destination, and by rule, destination, identity, from and to.
#[derive(Debug, Default)]
pub struct NoiseState {
    windows: Windows,
    repeats: Repeats,
    /// The time as it was said last: it can be set back.
    said: Timestamp,
    /// Nothing is known of when windows and quiet hours end: the settings are new, or the clock was set back.
    looks_at_all: bool,
}

/// Decides with the settings of one file; the state outlives it.
#[derive(Debug)]
pub struct Noise {
    rules: BTreeMap<String, RuleNoise>,
    quiet: BTreeMap<String, QuietHours>,
    mutes: Vec<Mute>,
    pub state: NoiseState,
}

#[derive(Clone, Copy, Debug)]
struct RuleNoise {
    collapse: Collapse,
    dedupe: Option<Duration>,
}

impl NoiseState {
    /// As it was stored.
    ///
    /// # Errors
    /// When something else is stored.
    pub fn load(
        stored: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, serde_json::Error> {
        let (mut windows, mut told) = (Windows::default(), FxHashMap::default());
        for (key, json) in stored {
            if let Some(key) = key.strip_prefix(WINDOW) {
                windows.load(key.to_owned(), serde_json::from_str(&json)?);
            } else if let Some(key) = key.strip_prefix(TOLD) {
                told.insert(key.to_owned(), serde_json::from_str(&json)?);
            }
        }
        Ok(Self {
            windows,
            repeats: Repeats::load(told),
            ..Self::default()
        })
    }

    /// What changed since this was asked last.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which does not happen.
    pub fn take_changes(&mut self) -> Result<NoiseChanges, serde_json::Error> {
        let mut changes = NoiseChanges::new();
        for (key, window) in self.windows.take_changed() {
            let json = window.map(serde_json::to_string).transpose()?;
            changes.insert(format!("{WINDOW}{key}"), json);
        }
        for (key, told) in self.repeats.take_changed() {
            let json = told.map(serde_json::to_string).transpose()?;
            changes.insert(format!("{TOLD}{key}"), json);
        }
        Ok(changes)
    }

    fn say(&mut self, now: Timestamp) {
        self.looks_at_all |= now < self.said;
        self.said = now;
    }
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
            mutes: Vec::new(),
            state: NoiseState {
                looks_at_all: true,
                ..state
            },
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
        self.state.say(now);
        let settings = self.settings(&notice.rule);
        if let Some(decision) =
            self.repeated(&mut notice, identity.as_deref(), settings.dedupe, now)
        {
            return decision;
        }
        let is_quiet = self
            .quiet
            .get(&notice.destination)
            .is_some_and(|quiet| quiet.holds(notice.severity, now));
        let collapse = settings.collapse;
        let key = super::notice::digest_of(&[&notice.rule, &notice.destination]);
        let new = || Window::new(now, collapse.window.0);
        // The first messages of a window go at once, the others wait for its end.
        let digest = self.state.windows.change(key, new, |window| {
            if is_quiet {
                return Some(window.hold_quietly(&notice));
            }
            window.pass(&notice, collapse.burst, collapse.window.0, now)
        });
        let why = if is_quiet { Held::Quiet } else { Held::Window };
        match digest {
            None => Decision::Send(notice),
            Some(digest) => Decision::Held {
                notice,
                why,
                digest,
            },
        }
    }

    /// The digests whose time has come: of windows that end, of quiet hours that are over.
    pub fn due(&mut self, now: Timestamp) -> Vec<Notice> {
        self.state.say(now);
        let looks_at_all = std::mem::take(&mut self.state.looks_at_all);
        let (rules, quiet) = (&self.rules, &self.quiet);
        let is_quiet = |name: &str| {
            quiet
                .get(name)
                .is_some_and(|hours| hours.end(now).is_some())
        };
        let holds = |held: &Notice| {
            let hours = quiet.get(&held.destination);
            hours.is_some_and(|hours| hours.holds(held.severity, now))
        };
        let base = |rule: &str| rules.get(rule).map(|rule| rule.collapse.window.0);
        self.state
            .windows
            .due(now, looks_at_all, is_quiet, holds, base)
    }

    /// When [`Self::due`] must be asked next.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let windows = &self.state.windows;
        let quiet = windows.quiet_destinations().map(|name| {
            let hours = self.quiet.get(name);
            hours.and_then(|hours| hours.end(now)).unwrap_or(now)
        });
        windows.next_end().into_iter().chain(quiet).min()
    }

    /// Takes the mutes as they are stored; an operator's command writes them.
    pub fn set_mutes(&mut self, mutes: Vec<Mute>) {
        self.mutes = mutes;
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
        self.mutes.iter().find(applies).map(|mute| mute.id)
    }

    /// Forgets what no longer matters.
    pub fn forget(&mut self, now: Timestamp) {
        let longest = self.rules.values().filter_map(|rule| rule.dedupe).max();
        self.state.repeats.forget(longest.unwrap_or_default(), now);
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
        match self.state.repeats.see(key, dedupe, now) {
            Seen::Again => Some(Decision::Repeated(notice.clone())),
            Seen::New { repeats } => {
                notice.repeats = repeats;
                None
            }
        }
    }
}
