//! One commit, one message: the matches of a transaction, a few of them whole, more of a rule as one exact digest.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::last_states::LastStates;
use super::notice::{
    Commit, Content, Conversation, ConversationMode, DeliveryOrigin, Notice, RowChange,
};
use super::rules::{CompiledRule, Match, RuleError, TableRules};
use crate::change::Change;
use std::sync::Arc;

use super::config::RuleConfig;

/// Where notices come from: part of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOrigin {
    /// `IDENTIFY_SYSTEM`'s `systemid`.
    pub system_identifier: String,
    pub slot: String,
}

/// The matches of the transaction that is being read. Its memory is bounded by rules, not by rows.
#[derive(Debug, Default)]
pub struct CommitMatches {
    rules: BTreeMap<usize, RuleMatches>,
    /// Of the next match in the commit.
    ordinal: u64,
    errors: BTreeMap<String, (RuleError, u64)>,
}

#[derive(Debug)]
struct RuleMatches {
    config: Arc<RuleConfig>,
    matches: Matches,
}

#[derive(Debug)]
enum Matches {
    Few(Vec<Told>),
    /// With the ordinal of its first match.
    Many(u64, Box<Digest>),
}

#[derive(Debug)]
struct Told {
    ordinal: u64,
    change: RowChange,
    identity: Option<String>,
}

/// A notice before the noise rules have seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub notice: Notice,
    /// [`Match::identity`] of its row; a digest has none.
    pub identity: Option<String>,
    /// In the file.
    pub rule: usize,
}

/// What one commit comes to.
#[derive(Debug, Default)]
pub struct CommitOutcome {
    pub candidates: Vec<Candidate>,
    /// The first error of each rule, and how many there were.
    pub errors: Vec<(RuleError, u64)>,
}

impl CommitMatches {
    /// Takes what the table's rules find in a change. The caller commits and discards `states` with this.
    pub fn change(&mut self, rules: &TableRules, states: &mut LastStates, change: &Change<'_>) {
        rules.matches(change, states, |found| match found {
            Ok(found) => self.found(&found),
            Err(error) => self.failed(error),
        });
    }

    /// The transaction was not completed: the stream broke off and will send it again.
    pub fn discard(&mut self) {
        *self = Self::default();
    }

    /// The transaction is complete.
    #[must_use]
    pub fn commit(&mut self, commit: Commit, origin: &StreamOrigin) -> CommitOutcome {
        let taken = std::mem::take(self);
        let mut outcome = CommitOutcome {
            candidates: Vec::new(),
            errors: taken.errors.into_values().collect(),
        };
        for (rule, matches) in taken.rules {
            let told = Telling {
                config: &matches.config,
                rule,
                commit,
                origin,
            };
            match matches.matches {
                Matches::Few(changes) => outcome
                    .candidates
                    .extend(changes.into_iter().flat_map(|change| told.change(change))),
                Matches::Many(ordinal, mut digest) => {
                    digest.at(&commit);
                    outcome.candidates.extend(told.digest(ordinal, &digest));
                }
            }
        }
        outcome
    }

    fn found(&mut self, found: &Match<'_, '_>) {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let rule = self
            .rules
            .entry(found.rule.index)
            .or_insert_with(|| RuleMatches::new(found.rule));
        let failed = rule.add(found, ordinal);
        if let Some(error) = failed {
            self.failed(error);
        }
    }

    fn failed(&mut self, error: RuleError) {
        let known = self
            .errors
            .entry(error.rule().to_owned())
            .or_insert((error, 0));
        known.1 += 1;
    }
}

impl RuleMatches {
    fn new(rule: &CompiledRule) -> Self {
        Self {
            config: Arc::clone(&rule.config),
            matches: Matches::Few(Vec::new()),
        }
    }

    fn add(&mut self, found: &Match<'_, '_>, ordinal: u64) -> Option<RuleError> {
        let limits = self.config.collapse;
        match &mut self.matches {
            Matches::Many(_, digest) => {
                digest.add(&found.counted());
                None
            }
            Matches::Few(changes) if changes.len() < limits.per_commit => {
                let (change, failed) = found.row_change();
                changes.push(Told {
                    ordinal,
                    change,
                    identity: found.identity(),
                });
                failed
            }
            Matches::Few(changes) => {
                let mut digest = Digest::new(limits.top);
                for told in changes.iter() {
                    digest.add(&told.change);
                }
                digest.add(&found.counted());
                let first = changes.first().map_or(ordinal, |told| told.ordinal);
                self.matches = Matches::Many(first, Box::new(digest));
                None
            }
        }
    }
}

/// What the notices of one rule in one commit share.
struct Telling<'t> {
    config: &'t RuleConfig,
    rule: usize,
    commit: Commit,
    origin: &'t StreamOrigin,
}

impl Telling<'_> {
    fn change(&self, told: Told) -> Vec<Candidate> {
        let settings = &self.config.conversation;
        let conversation = match settings.mode {
            ConversationMode::Flat => Conversation::default(),
            mode @ (ConversationMode::Thread
            | ConversationMode::Update
            | ConversationMode::UpdateAndThread) => Conversation {
                mode,
                key: told.identity.clone(),
                broadcast: settings.broadcast.as_ref().is_some_and(|states| {
                    states.contains(told.change.to.as_deref().map(str::as_bytes))
                }),
            },
        };
        let content = Content::Change(Box::new(told.change));
        self.candidates(
            told.ordinal,
            &conversation,
            &content,
            told.identity.as_ref(),
        )
    }

    fn digest(&self, ordinal: u64, digest: &Digest) -> Vec<Candidate> {
        let content = Content::Digest(Box::new(digest.clone()));
        self.candidates(ordinal, &Conversation::default(), &content, None)
    }

    /// One for each destination.
    fn candidates(
        &self,
        ordinal: u64,
        conversation: &Conversation,
        content: &Content,
        identity: Option<&String>,
    ) -> Vec<Candidate> {
        let rule = self.config.name.get_ref();
        let candidate = |destination: &toml::Spanned<String>| {
            let destination = destination.get_ref();
            let origin = DeliveryOrigin {
                system_identifier: &self.origin.system_identifier,
                slot: &self.origin.slot,
                commit_lsn: self.commit.lsn,
                ordinal,
                rule,
                destination,
            };
            let notice = Notice {
                id: origin.id(),
                rule: rule.clone(),
                rule_version: self.config.version.clone(),
                destination: destination.clone(),
                severity: self.config.severity,
                mentions: self.config.mention.clone(),
                conversation: conversation.clone(),
                commit: self.commit,
                repeats: 0,
                held_until: None,
                top: self.config.collapse.top,
                content: content.clone(),
            };
            Candidate {
                notice,
                identity: identity.cloned(),
                rule: self.rule,
            }
        };
        self.config.to_dest.iter().map(candidate).collect()
    }
}
