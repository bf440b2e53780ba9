//! A notice: what one destination is told of one change, or of many at once. The outbox stores it, Slack's client renders it.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::digest::{DEFAULT_TOP, Digest};
use super::escape::{Markup, Mention, Url};
use crate::postgres::Lsn;

/// One notice for one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub id: DeliveryId,
    pub rule: String,
    /// Which wording of the rule it was: the audit tells it.
    #[serde(default)]
    pub rule_version: String,
    pub destination: String,
    pub severity: Severity,
    pub mentions: Vec<Mention>,
    pub conversation: Conversation,
    /// The commit it tells of, the last one for a digest of several.
    pub commit: Commit,
    /// Equal changes of the same key that were not told since its last message.
    pub repeats: u64,
    /// When the end of a window or of quiet hours let go of it.
    #[serde(default)]
    pub held_until: Option<Timestamp>,
    /// How many of the greatest amounts a digest keeps, should it become one: the rule's `collapse.top`.
    #[serde(default = "default_top")]
    pub top: usize,
    pub content: Content,
}

fn default_top() -> usize {
    DEFAULT_TOP
}

/// Names a notice for ever: the same commit read again gives the same id. 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(String);

/// What a [`DeliveryId`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryOrigin<'a> {
    /// `IDENTIFY_SYSTEM`'s `systemid`.
    pub system_identifier: &'a str,
    pub slot: &'a str,
    pub commit_lsn: Lsn,
    /// Of the matching change in its commit; of a digest, of its first change.
    pub ordinal: u64,
    pub rule: &'a str,
    pub destination: &'a str,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Info,
    Warning,
    Critical,
}

/// Where in the channel a notice goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    pub mode: ConversationMode,
    /// Names the thread or the edited message, within rule and destination. `None`: a message of its own, whatever the mode.
    pub key: Option<String>,
    /// A reply that is shown in the channel too (`reply_broadcast`).
    pub broadcast: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConversationMode {
    #[default]
    #[serde(rename = "flat")]
    Flat,
    /// The first message of a key starts a thread, the others reply.
    #[serde(rename = "thread")]
    Thread,
    /// One message for a key, edited.
    #[serde(rename = "update")]
    Update,
    /// Edited, and every step a reply.
    #[serde(rename = "update+thread")]
    UpdateAndThread,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    #[serde(with = "lsn_text")]
    pub lsn: Lsn,
    pub xid: u64,
    /// By the database's clock.
    pub committed_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    Change(Box<RowChange>),
    Digest(Box<Digest>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    Insert,
    Update,
    Delete,
}

/// One matching change of one row. Only exposed columns are here, masked already; nothing is escaped except markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowChange {
    /// `schema.table`.
    pub table: String,
    pub operation: Operation,
    /// The key's values, joined with `, `.
    pub key: String,
    /// The watched column before and after; `None` where there is none: the rule watches none, an insert, a delete.
    pub from: Option<String>,
    pub to: Option<String>,
    /// Of an edited message: the values that the watched column had before `from`, oldest first.
    pub trail: Vec<String>,
    pub amount: Option<Money>,
    pub fields: Vec<Field>,
    /// From the rule's template.
    pub title: Option<Markup>,
    pub body: Option<Markup>,
    pub link: Option<Url>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub amount: Amount,
    /// Empty where the rule names no currency column.
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: String,
    pub value: String,
}

impl DeliveryOrigin<'_> {
    #[must_use]
    pub fn id(&self) -> DeliveryId {
        let mut hash = Sha256::new();
        for part in [
            self.system_identifier,
            self.slot,
            self.rule,
            self.destination,
        ] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(&self.commit_lsn.0.to_be_bytes());
        hash.update(&self.ordinal.to_be_bytes());
        DeliveryId(hex(&hash.finish()[..16]))
    }
}

impl DeliveryId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it for people to tell deliveries apart.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

/// States of one key that an edited message shows.
const MAX_TRAIL: usize = 20;

impl RowChange {
    /// Continues the trail of an earlier change of the same key, whose message this one edits.
    pub fn follow(&mut self, earlier: &Self) {
        let mut trail = earlier.trail.clone();
        trail.extend(earlier.from.clone());
        // It may have a trail of its own, of edits that were never sent.
        if earlier.to.as_ref() != self.trail.first().or(self.from.as_ref()) {
            trail.extend(earlier.to.clone());
        }
        trail.append(&mut self.trail);
        let excess = trail.len().saturating_sub(MAX_TRAIL);
        self.trail = trail.split_off(excess);
    }
}

impl Notice {
    /// When the first of its changes was committed.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        let span = match &self.content {
            Content::Change(_) => None,
            Content::Digest(digest) => digest.span,
        };
        span.map_or(self.commit.committed_at, |(first, _)| first.committed_at)
    }

    /// How long ago it could have been told: since its commit, or since what held it let go of it. Zero while the database's
    /// clock is ahead of ours.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Duration {
        let since = self.held_until.unwrap_or(self.commit.committed_at);
        Duration::try_from(now.duration_since(since)).unwrap_or_default()
    }

    /// How many changes it tells of.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.content {
            Content::Change(_) => 1,
            Content::Digest(digest) => digest.count,
        }
    }

    /// Takes a later notice of the same rule and destination into this one, which becomes a digest with exact counts and sums.
    /// The id stays; a digest belongs to no single conversation.
    pub fn fold(&mut self, later: Self) {
        debug_assert_eq!(
            (&self.rule, &self.destination),
            (&later.rule, &later.destination)
        );
        let mut digest = self.take_digest();
        match later.content {
            Content::Change(change) => {
                digest.add(&change);
                digest.at(&later.commit);
            }
            Content::Digest(other) => digest.merge(*other),
        }
        if self.conversation.key != later.conversation.key {
            self.conversation.key = None;
        }
        self.repeats += later.repeats;
        self.severity = self.severity.max(later.severity);
        self.commit = if later.commit.lsn >= self.commit.lsn {
            later.commit
        } else {
            self.commit
        };
        self.content = Content::Digest(Box::new(digest));
    }

    fn take_digest(&mut self) -> Digest {
        let empty = Content::Digest(Box::default());
        match std::mem::replace(&mut self.content, empty) {
            Content::Digest(digest) => *digest,
            Content::Change(change) => {
                let mut digest = Digest::new(self.top);
                digest.add(&change);
                digest.at(&self.commit);
                digest
            }
        }
    }
}

/// 32 hexadecimal digits that stand for these texts in this order.
pub(super) fn digest_of(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finish()[..16])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

/// LSNs as people and PostgreSQL write them.
mod lsn_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::postgres::Lsn;

    pub(super) fn serialize<S: Serializer>(lsn: &Lsn, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(lsn)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Lsn, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
