//! What can be made to go wrong, and when: `KIND[=VALUE][*TIMES | %PERCENT][@TARGET]`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::notify::random::Random;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// `429=SECONDS`; `429` alone sends no `Retry-After`. The text is sent as it is, so that rubbish can be tried.
    TooMany { retry_after: Option<String> },
    /// `status=NUMBER`: nothing stored, a page of a proxy as the body.
    Status(u16),
    /// `error=WORD`: Slack's own answer with this word.
    Error(String),
    /// `archived`: the channel is archived.
    Archived,
    /// `revoked`: the token is revoked, the webhook removed.
    Revoked,
    /// `refuse`: the connection is closed, nothing stored.
    Refuse,
    /// `hang`: nothing stored and never an answer.
    Hang,
    /// `drop`: the message is stored, then the connection is closed without an answer.
    Drop,
    /// `bad-json`: stored; the answer is cut short.
    BadJson,
    /// `empty`: stored; status 200 and no body.
    Empty,
    /// `redirect`: status 302 to the same path elsewhere.
    Redirect,
    /// `slow=MILLISECONDS`: stored, answered late.
    Slow(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    Times(u32),
    Percent(u8),
    Always,
}

/// One fault, until its times are used up or it is cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    chance: Chance,
    /// A method such as `chat.update`, or a channel.
    target: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "could not read fault \"{text}\": expected KIND[=VALUE][*TIMES|%PERCENT][@METHOD or @CHANNEL] with a kind of 429, \
     status, error, archived, revoked, refuse, hang, drop, bad-json, empty, redirect or slow"
)]
pub struct FaultError {
    text: String,
}

impl Fault {
    fn hits(&mut self, method: &str, channel: &str, random: &mut Random) -> bool {
        if let Some(target) = &self.target
            && target != method
            && target != channel
        {
            return false;
        }
        match &mut self.chance {
            Chance::Times(0) => false,
            Chance::Times(left) => {
                *left -= 1;
                true
            }
            Chance::Percent(percent) => random.below(100) < u64::from(*percent),
            Chance::Always => true,
        }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        parse(text).ok_or_else(|| FaultError {
            text: text.to_owned(),
        })
    }
}

impl FaultKind {
    /// Without its value.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "429",
            Self::Status(_) => "status",
            Self::Error(_) => "error",
            Self::Archived => "archived",
            Self::Revoked => "revoked",
            Self::Refuse => "refuse",
            Self::Hang => "hang",
            Self::Drop => "drop",
            Self::BadJson => "bad-json",
            Self::Empty => "empty",
            Self::Redirect => "redirect",
            Self::Slow(_) => "slow",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match &self.kind {
            FaultKind::TooMany {
                retry_after: Some(seconds),
            } => write!(f, "={seconds}")?,
            FaultKind::Status(status) => write!(f, "={status}")?,
            FaultKind::Error(word) => write!(f, "={word}")?,
            FaultKind::Slow(delay) => write!(f, "={}", delay.as_millis())?,
            FaultKind::TooMany { retry_after: None }
            | FaultKind::Archived
            | FaultKind::Revoked
            | FaultKind::Refuse
            | FaultKind::Hang
            | FaultKind::Drop
            | FaultKind::BadJson
            | FaultKind::Empty
            | FaultKind::Redirect => {}
        }
        match self.chance {
            Chance::Times(times) => write!(f, "*{times}")?,
            Chance::Percent(percent) => write!(f, "%{percent}")?,
            Chance::Always => {}
        }
        match &self.target {
            Some(target) => write!(f, "@{target}"),
            None => Ok(()),
        }
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (text, target) = match text.split_once('@') {
        Some((text, target)) => (text, Some(target.to_owned())),
        None => (text, None),
    };
    let (text, chance) = match (text.split_once('*'), text.split_once('%')) {
        (Some((text, times)), None) => (text, Chance::Times(times.parse().ok()?)),
        (None, Some((text, percent))) => (text, Chance::Percent(percent.parse().ok()?)),
        (None, None) => (text, Chance::Always),
        (Some(_), Some(_)) => return None,
    };
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let kind = match (name, value) {
        ("429", value) => FaultKind::TooMany {
            retry_after: value.map(str::to_owned),
        },
        ("status", Some(status)) => FaultKind::Status(status.parse().ok()?),
        ("error", Some(word)) => FaultKind::Error(word.to_owned()),
        ("archived", None) => FaultKind::Archived,
        ("revoked", None) => FaultKind::Revoked,
        ("refuse", None) => FaultKind::Refuse,
        ("hang", None) => FaultKind::Hang,
        ("drop", None) => FaultKind::Drop,
        ("bad-json", None) => FaultKind::BadJson,
        ("empty", None) => FaultKind::Empty,
        ("redirect", None) => FaultKind::Redirect,
        ("slow", Some(ms)) => FaultKind::Slow(Duration::from_millis(ms.parse().ok()?)),
        (_, _) => return None,
    };
    Some(Fault {
        kind,
        chance,
        target,
    })
}

/// The faults that are switched on, and the seeded dice.
#[derive(Debug)]
pub struct Faults {
    active: Vec<Fault>,
    random: Random,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self {
            active: Vec::new(),
            random: Random::seeded(seed),
        }
    }

    pub fn add(&mut self, fault: Fault) {
        self.active.push(fault);
    }

    pub fn clear(&mut self) {
        self.active.clear();
    }

    pub fn active(&self) -> &[Fault] {
        &self.active
    }

    /// The first fault that strikes this request.
    pub fn strike(&mut self, method: &str, channel: &str) -> Option<FaultKind> {
        let at = self
            .active
            .iter_mut()
            .position(|fault| fault.hits(method, channel, &mut self.random))?;
        let kind = self.active[at].kind.clone();
        self.active.retain(|fault| fault.chance != Chance::Times(0));
        Some(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_it_is_written() {
        for text in [
            "429=3*2",
            "429*1",
            "status=503%10",
            "error=invalid_blocks*1@chat.update",
            "archived@C1",
            "revoked",
            "refuse*2",
            "hang*1",
            "drop%5",
            "bad-json*1",
            "empty*1",
            "redirect*1",
            "slow=200",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        for wrong in ["", "status", "error", "hang=1", "429*x", "drop*1%2", "boom"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fault_strikes_its_target_and_its_times_only() {
        let mut faults = Faults::new(1);
        faults.add("error=x*2@C1".parse().unwrap());
        assert_eq!(faults.strike("chat.postMessage", "C2"), None);
        assert!(faults.strike("chat.postMessage", "C1").is_some());
        assert!(faults.strike("chat.postMessage", "C1").is_some());
        assert_eq!(faults.strike("chat.postMessage", "C1"), None);
        assert!(faults.active().is_empty());
    }

    #[test]
    fn chances_are_about_right_and_repeat_with_the_seed() {
        let strikes = |seed| {
            let mut faults = Faults::new(seed);
            faults.add("drop%20".parse().unwrap());
            (0..1000)
                .filter(|_| faults.strike("m", "c").is_some())
                .count()
        };
        assert!((150..250).contains(&strikes(7)), "{}", strikes(7));
        assert_eq!(strikes(7), strikes(7));
    }
}
