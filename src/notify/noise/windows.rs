//! The windows of floods, one for each rule and destination, and what quiet hours hold. Found by when they end, so that open ones cost
//! nothing until then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::notify::notice::{DeliveryId, Notice};

/// A flood's window doubles to this.
const MAX_WINDOW: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    /// Messages sent in the open window; the first opens it.
    sent: u32,
    window_start: Timestamp,
    window: Duration,
    held: Option<Notice>,
    /// Held until the quiet hours end.
    quiet: Option<Notice>,
}

#[derive(Debug, Default)]
pub(super) struct Windows {
    by_key: FxHashMap<String, Window>,
    ends: BTreeSet<(Timestamp, String)>,
    /// Those that quiet hours hold something of, by destination.
    quiet: BTreeMap<String, BTreeSet<String>>,
    changed: BTreeSet<String>,
}

impl Windows {
    /// As it was stored.
    pub(super) fn load(&mut self, key: String, window: Window) {
        self.index(&key, &window);
        self.by_key.insert(key, window);
    }

    pub(super) fn change<T>(
        &mut self,
        key: String,
        new: impl FnOnce() -> Window,
        change: impl FnOnce(&mut Window) -> T,
    ) -> T {
        let mut window = self.take(&key).unwrap_or_else(new);
        let changed = change(&mut window);
        self.put(key, window);
        changed
    }

    /// The digests whose time has come. `is_quiet` says whether a destination has quiet hours, `holds` whether they hold a notice,
    /// `base` how long a rule's first window is.
    pub(super) fn due(
        &mut self,
        now: Timestamp,
        looks_at_all: bool,
        is_quiet: impl Fn(&str) -> bool,
        holds: impl Fn(&Notice) -> bool,
        base: impl Fn(&str) -> Option<Duration>,
    ) -> Vec<Notice> {
        let mut due = Vec::new();
        for key in self.over(now, looks_at_all, is_quiet) {
            let waits = |window: &Window| !window.is_over(now) && window.quiet.is_none();
            if self.by_key.get(&key).is_some_and(waits) {
                continue;
            }
            let Some(mut window) = self.take(&key) else {
                continue;
            };
            if let Some(held) = window.quiet.take_if(|held| !holds(held)) {
                due.push(held);
            }
            if window.is_over(now) {
                let base = window.held.as_ref().and_then(|held| base(&held.rule));
                due.extend(window.roll(now, base));
            }
            if window.is_needed(now) {
                self.put(key, window);
            }
        }
        for notice in &mut due {
            notice.held_until = Some(now);
        }
        due
    }

    /// When a window ends next.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// Destinations whose quiet hours hold something.
    pub(super) fn quiet_destinations(&self) -> impl Iterator<Item = &str> {
        self.quiet.keys().map(String::as_str)
    }

    /// Those that changed since this was asked last, `None` for those that are gone.
    pub(super) fn take_changed(&mut self) -> Vec<(String, Option<&Window>)> {
        let changed = std::mem::take(&mut self.changed);
        let window = |key: String| {
            let window = self.by_key.get(&key);
            (key, window)
        };
        changed.into_iter().map(window).collect()
    }

    fn over(
        &self,
        now: Timestamp,
        looks_at_all: bool,
        is_quiet: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        if looks_at_all {
            return self.by_key.keys().cloned().collect();
        }
        let ended = self.ends.iter().take_while(|(end, _)| *end <= now);
        let loud = self
            .quiet
            .iter()
            .filter(|(destination, _)| !is_quiet(destination));
        let loud = loud.flat_map(|(_, keys)| keys);
        ended.map(|(_, key)| key).chain(loud).cloned().collect()
    }

    fn take(&mut self, key: &str) -> Option<Window> {
        let window = self.by_key.remove(key)?;
        self.changed.insert(key.to_owned());
        self.ends.remove(&(window.end(), key.to_owned()));
        if let Some(quiet) = &window.quiet
            && let Some(keys) = self.quiet.get_mut(&quiet.destination)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.quiet.remove(&quiet.destination);
            }
        }
        Some(window)
    }

    fn put(&mut self, key: String, window: Window) {
        self.index(&key, &window);
        self.changed.insert(key.clone());
        self.by_key.insert(key, window);
    }

    fn index(&mut self, key: &str, window: &Window) {
        if let Some(quiet) = &window.quiet {
            let keys = self.quiet.entry(quiet.destination.clone()).or_default();
            keys.insert(key.to_owned());
        }
        // One that is kept for what quiet hours hold alone ends with them.
        if window.held.is_some() || window.quiet.is_none() {
            self.ends.insert((window.end(), key.to_owned()));
        }
    }
}

impl Window {
    pub(super) fn new(now: Timestamp, window: Duration) -> Self {
        Self {
            sent: 0,
            window_start: now,
            window,
            held: None,
            quiet: None,
        }
    }

    /// `None` for a notice that goes at once, as the first ones of a window do; the others wait for its end, in this digest.
    pub(super) fn pass(
        &mut self,
        notice: &Notice,
        burst: u32,
        window: Duration,
        now: Timestamp,
    ) -> Option<DeliveryId> {
        if self.is_over(now) && self.held.is_none() {
            (self.sent, self.window_start, self.window) = (0, now, window);
        }
        if self.sent < burst && self.held.is_none() {
            self.sent += 1;
            return None;
        }
        Some(hold(&mut self.held, notice))
    }

    /// In this digest.
    pub(super) fn hold_quietly(&mut self, notice: &Notice) -> DeliveryId {
        hold(&mut self.quiet, notice)
    }

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

    fn is_needed(&self, now: Timestamp) -> bool {
        self.held.is_some() || self.quiet.is_some() || !self.is_over(now)
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

fn hold(held: &mut Option<Notice>, notice: &Notice) -> DeliveryId {
    match held {
        Some(held) => {
            held.fold(notice.clone());
            held.id.clone()
        }
        None => held.insert(notice.clone()).id.clone(),
    }
}
