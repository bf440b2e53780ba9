//! The judge: the history that a trigger kept, against everything that Slack accepted.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use walstreet::notify::fake_slack::workspace::Accepted;

use super::reading::{self, Amount, Counted, Meaning, Told};

/// A committed change.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) operation: String,
    /// The new status; empty for a delete.
    pub(super) to: String,
    pub(super) told: Told,
    pub(super) at_ms: u64,
}

/// A rule and one of its destinations: which changes it must tell of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    pub(super) rule: &'static str,
    /// As the fake Slack names it.
    pub(super) channel: &'static str,
    pub(super) wants: fn(&Change) -> bool,
    /// A message may come twice when its answer was lost.
    pub(super) may_repeat: bool,
}

/// When answers could be lost without a fault of Slack's: a kill, a closed connection.
pub(super) type Cuts = Vec<u64>;

/// Accepted that long before a cut, its answer may not have arrived.
const NEAR_MS: u64 = 2_000;
/// Slack stored these, and their answer was lost.
const LOSES_ANSWER: [&str; 4] = ["drop", "bad-json", "empty", "slow"];

/// What became of one lane.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) expected: u64,
    pub(super) singles: u64,
    pub(super) digests: u64,
    pub(super) in_digests: u64,
    /// Explained by a lost answer.
    pub(super) repeats: u64,
    pub(super) problems: Vec<String>,
    /// From commit to acceptance, of what was told alone.
    pub(super) lags: Vec<Lag>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    pub(super) committed_at_ms: u64,
    pub(super) ms: u64,
}

impl Verdict {
    pub(super) fn is_complete(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            expected,
            singles,
            digests,
            in_digests,
            repeats,
            ..
        } = self;
        write!(
            f,
            "{expected} changes = {singles} messages + {in_digests} in {digests} digests; {repeats} repeats"
        )?;
        self.problems
            .iter()
            .take(20)
            .try_for_each(|problem| write!(f, "\n    ✗ {problem}"))
    }
}

/// Every change that the lane wants is told exactly once, and nothing else is.
pub(super) fn judge(lane: Lane, history: &[Change], log: &[Accepted], cuts: &Cuts) -> Verdict {
    let mut verdict = Verdict::default();
    let mut open: HashMap<&Told, Vec<u64>> = HashMap::new();
    for change in history.iter().filter(|change| (lane.wants)(change)) {
        verdict.expected += 1;
        open.entry(&change.told).or_default().push(change.at_ms);
    }
    let mut digests = Counted::default();
    for accepted in firsts(lane, log, cuts, &mut verdict) {
        match reading::read(&accepted.body) {
            Meaning::One(told) => {
                verdict.singles += 1;
                match open.get_mut(&told).and_then(|times| times.pop()) {
                    Some(at_ms) => verdict.lags.push(Lag {
                        committed_at_ms: at_ms,
                        ms: accepted.at_ms.saturating_sub(at_ms),
                    }),
                    None => verdict.problems.push(format!("told, not so: {told:?}")),
                }
            }
            Meaning::Many(counted) => {
                verdict.digests += 1;
                verdict.in_digests += counted.count;
                digests.add(&counted);
            }
        }
    }
    let mut left = Counted::default();
    for (told, times) in &open {
        times.iter().for_each(|_| left.count(told));
    }
    verdict.problems.extend(left.differences(&digests));
    verdict
}

/// The posts of a lane, each delivery once.
fn firsts<'l>(
    lane: Lane,
    log: &'l [Accepted],
    cuts: &Cuts,
    verdict: &mut Verdict,
) -> Vec<&'l Accepted> {
    let mut seen: BTreeMap<&str, &Accepted> = BTreeMap::new();
    let mut firsts = Vec::new();
    let posts = log.iter().filter(|accepted| {
        let rule = &accepted.body["metadata"]["event_payload"]["rule"];
        accepted.method == "chat.postMessage"
            && accepted.channel == lane.channel
            && rule == lane.rule
    });
    for accepted in posts {
        let id = accepted.delivery_id.as_deref().expect("an id");
        match seen.insert(id, accepted) {
            None => firsts.push(accepted),
            Some(before) if lane.may_repeat && lost_its_answer(before, cuts) => {
                verdict.repeats += 1;
            }
            Some(before) => verdict.problems.push(format!(
                "twice without a reason: {id}, at {} ({:?}) and at {}",
                before.at_ms, before.fault, accepted.at_ms
            )),
        }
    }
    firsts
}

fn lost_its_answer(accepted: &Accepted, cuts: &Cuts) -> bool {
    // What was written before the cut can be read a little after it.
    let near = |cut: &u64| (accepted.at_ms - 500..=accepted.at_ms + NEAR_MS).contains(cut);
    let struck = accepted
        .fault
        .is_some_and(|fault| LOSES_ANSWER.contains(&fault));
    struck || cuts.iter().any(near)
}

impl Counted {
    fn count(&mut self, told: &Told) {
        self.count += 1;
        *self.steps.entry(in_digests(&told.step)).or_default() += 1;
        match &told.amount {
            Amount::Missing => self.without_amount += 1,
            Amount::Millionths(millionths) => {
                let sum = self.sums.entry(told.currency.clone()).or_default();
                sum.millionths += millionths;
                sum.finite += 1;
            }
            Amount::NotFinite(_) => {
                self.sums
                    .entry(told.currency.clone())
                    .or_default()
                    .not_finite += 1;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.without_amount += other.without_amount;
        for (step, count) in &other.steps {
            *self.steps.entry(step.clone()).or_default() += count;
        }
        for (currency, other) in &other.sums {
            let sum = self.sums.entry(currency.clone()).or_default();
            sum.millionths += other.millionths;
            sum.finite += other.finite;
            sum.not_finite += other.not_finite;
        }
    }

    /// What the history leaves for digests, against what they say.
    fn differences(&self, digests: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if (self.count, self.without_amount) != (digests.count, digests.without_amount) {
            found.push(format!(
                "digests say {} changes ({} without amount), and there were {} ({})",
                digests.count, digests.without_amount, self.count, self.without_amount
            ));
        }
        if self.steps != digests.steps {
            found.push(format!("steps: {:?}, not {:?}", digests.steps, self.steps));
        }
        if self.sums != digests.sums {
            found.push(format!("sums: {:?}, not {:?}", digests.sums, self.sums));
        }
        found
    }
}

/// Digests have no words for a row that was not there before or is not any more.
fn in_digests(step: &str) -> String {
    if let Some(to) = step.strip_prefix("new, ") {
        return format!("nothing → {to}");
    }
    match step.strip_prefix("deleted, was ") {
        Some(from) => format!("{from} → nothing"),
        None => step.to_owned(),
    }
}

/// Whatever Slack would act on must be ours: the time of the commit, and the dashboard's link.
pub(super) fn foreign_markup(log: &[Accepted]) -> Vec<String> {
    let is_ours = |token: &String| {
        let link = token.strip_prefix("<https://pay.example/tx/");
        let is_link = link
            .and_then(|link| link.strip_suffix("|open>"))
            .is_some_and(|id| {
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
            });
        is_link || token.starts_with("<!date^")
    };
    let tokens = log.iter().flat_map(|accepted| &accepted.mentions);
    tokens.filter(|token| !is_ours(token)).cloned().collect()
}
