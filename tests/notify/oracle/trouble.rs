//! What goes wrong, drawn from a seed: every kind comes before one comes again.

use std::collections::BTreeMap;

use walstreet::notify::random::Random;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A fault of the fake Slack's, for a few requests.
    Fault(&'static str),
    /// A fault that lasts, until an operator repairs it and says so.
    Broken(&'static str),
    /// Connections are refused for a while.
    Closed,
    /// SIGTERM, and a start.
    Restart,
    /// `kill -9`, and a start.
    Kill,
}

const TROUBLES: [Trouble; 18] = [
    Trouble::Fault("429=1*2"),
    Trouble::Fault("429=2*1"),
    Trouble::Fault("error=ratelimited*1"),
    Trouble::Fault("status=500*1"),
    Trouble::Fault("status=502*1"),
    Trouble::Fault("status=503*2"),
    Trouble::Fault("error=fatal_error*1"),
    Trouble::Fault("refuse*1"),
    Trouble::Fault("drop*2"),
    Trouble::Fault("bad-json*1"),
    Trouble::Fault("empty*1"),
    Trouble::Fault("slow=700*2"),
    Trouble::Broken("archived"),
    Trouble::Broken("revoked"),
    Trouble::Broken("redirect"),
    Trouble::Closed,
    Trouble::Restart,
    Trouble::Kill,
];
/// Nothing is heard of these for half a minute: only where there is time for it.
const LONG: [Trouble; 2] = [Trouble::Fault("hang*1"), Trouble::Fault("429=20*1")];

pub(super) struct Troubles {
    all: Vec<Trouble>,
    left: Vec<Trouble>,
    random: Random,
    pub(super) had: BTreeMap<String, u64>,
}

impl Troubles {
    pub(super) fn new(seed: u64, has_time: bool) -> Self {
        let mut all = TROUBLES.to_vec();
        if has_time {
            all.extend(LONG);
        }
        Self {
            all,
            left: Vec::new(),
            random: Random::seeded(seed),
            had: BTreeMap::new(),
        }
    }

    pub(super) fn next(&mut self) -> Trouble {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
        }
        let at = self.random.below(self.left.len() as u64);
        let next = self.left.swap_remove(usize::try_from(at).unwrap());
        *self.had.entry(format!("{next:?}")).or_default() += 1;
        next
    }

    /// From `least`, up to `most`.
    pub(super) fn ms(&mut self, least: u64, most: u64) -> std::time::Duration {
        std::time::Duration::from_millis(least + self.random.below(most - least))
    }
}
