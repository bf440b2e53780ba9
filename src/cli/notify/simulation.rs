//! Rules on a stream that is not told: what each decision would be. The same rules, collapse and noise as in production.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::change::Change;
use crate::change::assembler::{AssembleError, Assembler, Step};
use crate::notify::collapse::{CommitMatches, StreamOrigin};
use crate::notify::config::{NotifyFile, Problem};
use crate::notify::last_states::LastStates;
use crate::notify::noise::{Decision, Noise, NoiseState};
use crate::notify::notice::{Commit, Content, Notice};
use crate::notify::rules::{RuleError, Table, TableRules};
use crate::postgres::pgoutput::{Message, Relation};
use crate::postgres::{Lsn, PgTimestamp};

pub(super) struct Simulation<'f> {
    file: &'f NotifyFile,
    secret: Vec<u8>,
    assembler: Assembler,
    rules: HashMap<u32, Option<TableRules>>,
    matches: CommitMatches,
    states: LastStates,
    noise: Noise,
    pub(super) tally: Tally,
}

/// What would have been told.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) commits: u64,
    pub(super) changes: u64,
    /// By rule and destination.
    pub(super) told: BTreeMap<(String, String), Told>,
    /// By rule: the first error, and how many there were.
    pub(super) errors: BTreeMap<String, (RuleError, u64)>,
    pub(super) problems: Vec<Problem>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) matched: u64,
    pub(super) messages: u64,
    pub(super) digests: u64,
    /// Changes that the digests count.
    pub(super) digested: u64,
    pub(super) repeated: u64,
}

/// What happens to a notice, for a line of its own.
#[derive(Debug)]
pub(super) enum Event {
    Sent(Notice),
    Held(Notice),
    Repeated(Notice),
}

impl<'f> Simulation<'f> {
    pub(super) fn new(file: &'f NotifyFile) -> Self {
        Self {
            file,
            secret: secret(file),
            assembler: Assembler::new(None, PgTimestamp::default()),
            rules: HashMap::new(),
            matches: CommitMatches::default(),
            states: LastStates::default(),
            noise: Noise::new(file, NoiseState::default()),
            tally: Tally::default(),
        }
    }

    /// One message of a stream. `key` says which columns are the primary key of a table; `now` is the time that windows and quiet hours
    /// go by at a commit.
    pub(super) fn message(
        &mut self,
        lsn: Lsn,
        message: Message<'_>,
        key: impl FnOnce(&Relation) -> Vec<String>,
        now: impl FnOnce(Timestamp) -> Timestamp,
    ) -> Result<Vec<Event>, AssembleError> {
        let mut assembler = std::mem::take(&mut self.assembler);
        let mut events = Vec::new();
        match assembler.assemble(lsn, message)? {
            Step::Relation(relation) => {
                let key = key(&relation);
                self.describe(&relation, &key);
            }
            Step::Change(change) => self.change(&change),
            Step::Commit {
                xid,
                end_lsn,
                committed_at,
            } => {
                let committed_at =
                    Timestamp::from_microsecond(committed_at.unix_us()).unwrap_or_default();
                let commit = Commit {
                    lsn: end_lsn,
                    xid: u64::from(xid),
                    committed_at,
                };
                events = self.commit(commit, now(committed_at));
            }
            Step::Begin { .. } | Step::Truncate { .. } | Step::Logical { .. } | Step::Nothing => {}
        }
        self.assembler = assembler;
        Ok(events)
    }

    /// A table as it is from now on.
    pub(super) fn describe(&mut self, relation: &Relation, key: &[String]) {
        let table = Table {
            relation,
            key,
            captured: &|_| true,
        };
        let (rules, problems) = TableRules::compile(self.file, table, &self.secret);
        for problem in problems {
            if !self.tally.problems.contains(&problem) {
                self.tally.problems.push(problem);
            }
        }
        self.rules.insert(relation.id, rules);
    }

    pub(super) fn change(&mut self, change: &Change<'_>) {
        self.tally.changes += 1;
        if let Some(Some(rules)) = self.rules.get(&change.relation_id) {
            self.matches.change(rules, &mut self.states, change);
        }
    }

    /// The transaction is complete. First come digests whose time was over before it.
    pub(super) fn commit(&mut self, commit: Commit, now: Timestamp) -> Vec<Event> {
        self.tally.commits += 1;
        let mut events = self.due(now);
        let origin = StreamOrigin {
            system_identifier: String::new(),
            slot: String::new(),
        };
        let outcome = self.matches.commit(commit, &origin);
        self.states.commit();
        for (error, count) in outcome.errors {
            let known = self.tally.errors.entry(error.rule().to_owned());
            known.or_insert((error, 0)).1 += count;
        }
        for candidate in outcome.candidates {
            self.told(&candidate.notice).matched += candidate.notice.count();
            match self.noise.decide(candidate, now) {
                Decision::Send(notice) => events.push(self.sent(notice)),
                Decision::Held { notice, .. } => events.push(Event::Held(notice)),
                // No mute stands in an empty state.
                Decision::Repeated(notice) | Decision::Muted { notice, .. } => {
                    self.told(&notice).repeated += 1;
                    events.push(Event::Repeated(notice));
                }
            }
        }
        events
    }

    /// Digests whose time comes until then.
    pub(super) fn due(&mut self, until: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        // Windows follow each other: as often as something is held.
        let mut now = self.noise.next_due(Timestamp::MIN);
        while let Some(at) = now.filter(|at| *at <= until) {
            for notice in self.noise.due(at) {
                events.push(self.sent(notice));
            }
            now = self.noise.next_due(at).filter(|next| *next > at);
        }
        events
    }

    fn sent(&mut self, notice: Notice) -> Event {
        let count = notice.count();
        let is_digest = matches!(notice.content, Content::Digest(_));
        let told = self.told(&notice);
        if is_digest {
            told.digests += 1;
            told.digested += count;
        } else {
            told.messages += 1;
        }
        Event::Sent(notice)
    }

    fn told(&mut self, notice: &Notice) -> &mut Told {
        let lane = (notice.rule.clone(), notice.destination.clone());
        self.tally.told.entry(lane).or_default()
    }
}

/// Hashed masks look as in production where its key can be read.
pub(super) fn secret(file: &NotifyFile) -> Vec<u8> {
    std::fs::read(file.notify.state_dir.join("identity.key"))
        .unwrap_or_else(|_| b"walstreet notify".to_vec())
}

/// The primary key when no catalog is asked: the columns of a rule's conversation, else `id`, else the first exposed column whose name
/// ends in `id`.
pub(super) fn guessed_key(file: &NotifyFile, table: &str) -> Vec<String> {
    let of_table = file
        .rules
        .iter()
        .filter(|rule| rule.table.get_ref() == table);
    let conversation = of_table
        .map(|rule| &rule.conversation.key)
        .find(|key| !key.is_empty());
    if let Some(key) = conversation {
        return key.iter().map(|column| column.get_ref().clone()).collect();
    }
    let singular = table
        .rsplit_once('.')
        .map_or(table, |(_, name)| name)
        .trim_end_matches('s');
    let columns = || {
        file.exposed(table)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.get_ref())
    };
    let named = |wanted: &str| columns().find(|name| *name == wanted);
    let key = named("id")
        .or_else(|| named(&format!("{singular}_id")))
        .or_else(|| columns().find(|name| name.ends_with("id")));
    key.cloned().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::change_line::{ChangeLine, LineTable};
    use super::*;

    const FILE: &str = r#"
[notify]
state_dir = "/nonexistent"
[notify.expose]
"public.transactions" = { transaction_id = "plain", status = "plain" }
[destination.quick]
kind = "slack_webhook"
url = { env = "URL" }
[[rule]]
name = "failed"
table = "public.transactions"
column = "status"
to = ["FAILED"]
to_dest = ["quick"]
"#;

    #[test]
    fn the_past_is_told_as_production_would_have_told_it() {
        let file = NotifyFile::parse(FILE).unwrap();
        assert_eq!(
            guessed_key(&file, "public.transactions"),
            ["transaction_id"]
        );
        let line = |id: u32, to: &str| {
            let text = format!(
                r#"{{"before":{{"transaction_id":"{id}","status":"PENDING"}},"after":{{"transaction_id":"{id}","status":"{to}"}}}}"#
            );
            ChangeLine::parse(&text).unwrap()
        };
        let table = LineTable::new(&file, "public.transactions", &line(0, "FAILED"));
        let mut simulation = Simulation::new(&file);
        simulation.describe(&table.relation, &["transaction_id".to_owned()]);
        let mut commit = |changes: &[ChangeLine], number: u64| {
            for change in changes {
                table.change(change, Lsn(number), |change| simulation.change(change));
            }
            let commit = Commit {
                lsn: Lsn(number),
                xid: number,
                committed_at: Timestamp::from_second(i64::try_from(number).unwrap()).unwrap(),
            };
            simulation.commit(commit, commit.committed_at);
        };
        commit(&[line(1, "FAILED"), line(2, "CAPTURED")], 1);
        let many: Vec<_> = (10..30).map(|id| line(id, "FAILED")).collect();
        commit(&many, 1_000);
        for number in 0..5 {
            commit(&[line(number, "FAILED")], 2_000 + u64::from(number));
        }
        simulation.due(Timestamp::MAX);
        let lane = ("failed".to_owned(), "quick".to_owned());
        // One alone; one transaction of twenty; three of five at once, two as the digest of their window.
        let told = Told {
            matched: 26,
            messages: 4,
            digests: 2,
            digested: 22,
            repeated: 0,
        };
        assert_eq!(simulation.tally.told[&lane], told);
        assert_eq!(
            (simulation.tally.commits, simulation.tally.changes),
            (7, 27)
        );
        assert!(simulation.tally.problems.is_empty() && simulation.tally.errors.is_empty());
    }
}
