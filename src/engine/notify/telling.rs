//! One run's stream as the notifier sees it: which transactions were told before, what the others come to, and how far the position
//! may be confirmed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::inbox::Inbox;
use super::storing::{CatchUp, Pending, Storing, Written};
use super::tally::add;
use super::{Error, Notifier};
use crate::change::Change;
use crate::config::connector::ConnectorConfig;
use crate::debezium::plan::is_unaltered;
use crate::notify::collapse::{CommitMatches, StreamOrigin};
use crate::notify::config::{NotifyFile, OldState, Weight};
use crate::notify::last_states::LastStates;
use crate::notify::noise::{Noise, NoiseState};
use crate::notify::notice::Commit;
use crate::notify::rules::{RuleError, Table, TableRules};
use crate::postgres::catalog::Column;
use crate::postgres::catalog_query::CapturedTable;
use crate::postgres::connection::SystemIdentity;
use crate::postgres::pgoutput::{Relation, RelationColumn};
use crate::postgres::{Lsn, PgTimestamp};

/// How often a stream without matches writes how far it was read: only what must be read again after a restart depends on it.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(5);
/// A rule that fails on every row says so once in a while.
const ERROR_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) struct Telling<'a> {
    notifier: &'a Notifier,
    file: Arc<NotifyFile>,
    generation: u64,
    origin: StreamOrigin,
    matches: CommitMatches,
    states: LastStates,
    /// What committed before was told by an earlier run.
    told: Option<Lsn>,
    /// The transaction that is being read was.
    is_told: bool,
    /// The last commit that was read.
    reached: Lsn,
    /// The last one that the inbox knows of.
    handed: Lsn,
    handed_at: Instant,
    /// Something stale was handed, and the present not seen since.
    is_behind: bool,
    warned: BTreeMap<String, Instant>,
    inbox: Arc<Inbox>,
    stored: Arc<AtomicU64>,
    storing: Option<Receiver<()>>,
}

impl<'a> Telling<'a> {
    /// Continues where the outbox stands.
    pub(crate) fn begin(
        notifier: &'a Notifier,
        server: SystemIdentity,
        slot: &str,
    ) -> Result<Self, Error> {
        let (file, generation) = (notifier.file(), notifier.generation());
        let source = format!("{}/{slot}", server.system_id);
        let told = notifier.outbox.watermark(&source)?;
        if let Some(told) = told.filter(|told| *told > server.flushed) {
            return Err(Error::ServerBehind {
                told,
                server: server.flushed,
            });
        }
        let noise = NoiseState::load(notifier.outbox.noise(&source)?).map_err(Error::Noise)?;
        let states = LastStates::load(notifier.outbox.states(&source)?);
        let inbox = Arc::new(Inbox::default());
        let stored = Arc::new(AtomicU64::new(told.unwrap_or_default().0));
        let storing = Storing {
            outbox: Arc::clone(&notifier.outbox),
            source,
            noise: Noise::new(&file, noise),
            file: Arc::clone(&file),
            inbox: Arc::clone(&inbox),
            waker: notifier.delivering.wake(),
            tally: Arc::clone(&notifier.tally),
            stored: Arc::clone(&stored),
            pending: Pending::default(),
            written: Written::default(),
            catch_up: CatchUp::default(),
        };
        let storing = notifier.delivering.run(Box::pin(storing.run()));
        Ok(Self {
            notifier,
            file,
            generation,
            origin: StreamOrigin {
                system_identifier: server.system_id,
                slot: slot.to_owned(),
            },
            matches: CommitMatches::default(),
            states,
            told,
            is_told: false,
            reached: told.unwrap_or_default(),
            handed: told.unwrap_or_default(),
            handed_at: Instant::now(),
            is_behind: false,
            warned: BTreeMap::new(),
            inbox,
            stored,
            storing: Some(storing),
        })
    }

    /// Where to read from, when Kafka's position is `kafka`: the outbox may be behind it.
    pub(crate) fn read_from(&self, kafka: Lsn) -> Lsn {
        self.told.map_or(kafka, |told| told.min(kafka))
    }

    /// The stream begins at `from`. The first time this is on disk before anything else: whatever happens next, nothing that
    /// commits after it is left out.
    pub(crate) fn start_at(&mut self, from: Lsn) {
        const PATIENCE: Duration = Duration::from_secs(10);
        if self.told.is_none() {
            self.reached = from;
            self.hand(|_| {});
            self.inbox.wait_until_stored(PATIENCE);
        }
    }

    /// The rules of a table of the stream; what cannot work of them is said in the log.
    pub(crate) fn compile_for(
        &self,
        config: &ConnectorConfig,
        relation: &Relation,
        key: &[String],
    ) -> Option<TableRules> {
        let table = Table {
            relation,
            key,
            captured: &|column| is_unaltered(config, &relation.schema, &relation.name, column),
        };
        let (rules, problems) = TableRules::compile(&self.file, table, &self.notifier.identity_key);
        for problem in problems {
            match problem.weight {
                Weight::Error => tracing::error!(%problem, "a rule of the notifier cannot work"),
                Weight::Warning => {
                    tracing::warn!(%problem, "a rule of the notifier does not tell all")
                }
            }
        }
        rules
    }

    /// The rules of a table whose snapshot rows seed the last states, if they are needed.
    pub(crate) fn compile_for_seeds(
        &self,
        config: &ConnectorConfig,
        captured: &CapturedTable,
        columns: &[String],
    ) -> Option<TableRules> {
        if self.file.notify.old_state != OldState::LocalStore {
            return None;
        }
        let table = &captured.table;
        let read = table
            .columns
            .iter()
            .filter(|column| columns.contains(&column.name));
        let relation = Relation {
            id: captured.oid,
            schema: table.schema.clone(),
            name: table.name.clone(),
            replica_identity: captured.replica_identity,
            columns: read.map(relation_column).collect(),
        };
        // The stream says what is wrong with them.
        let table = Table {
            relation: &relation,
            key: &captured.table.key,
            captured: &|column| is_unaltered(config, &relation.schema, &relation.name, column),
        };
        TableRules::compile(&self.file, table, &self.notifier.identity_key).0
    }

    /// Rows of a snapshot: what later changes of them come from.
    pub(crate) fn seed<'c, E>(
        &mut self,
        rules: &TableRules,
        rows: impl Iterator<Item = Result<Change<'c>, E>>,
    ) -> Result<(), E> {
        for row in rows {
            self.matches.change(rules, &mut self.states, &row?);
        }
        let states = self.states.commit();
        self.inbox.leave(|letters| letters.states.extend(states));
        Ok(())
    }

    /// The snapshot is complete. Its position is stored only after the seeds are, unless the disk takes nothing.
    pub(crate) fn seeded(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(30);
        if !self.inbox.wait_until_stored(PATIENCE) {
            tracing::error!(
                "the outbox does not take what the snapshot's rows are: if walstreet is killed now, rules do not see their old values"
            );
        }
    }

    /// Whether the file was read again, so that every table must be compiled again.
    pub(crate) fn take_new_rules(&mut self) -> bool {
        let generation = self.notifier.generation();
        if generation == self.generation {
            return false;
        }
        self.generation = generation;
        self.file = self.notifier.file();
        self.inbox
            .leave(|letters| letters.rules = Some(Arc::clone(&self.file)));
        true
    }

    /// A transaction begins whose commit record is at `commit_lsn`.
    pub(crate) fn begin_transaction(&mut self, commit_lsn: Lsn) {
        self.is_told = self.told.is_some_and(|told| commit_lsn < told);
    }

    pub(crate) fn change(&mut self, rules: &TableRules, change: &Change<'_>) {
        if !self.is_told {
            self.matches.change(rules, &mut self.states, change);
        }
    }

    /// The transaction is complete.
    pub(crate) fn commit(&mut self, lsn: Lsn, xid: u32, committed_at: PgTimestamp) {
        self.reached = self.reached.max(lsn);
        if self.is_told {
            return;
        }
        let commit = Commit {
            lsn,
            xid: u64::from(xid),
            committed_at: Timestamp::from_microsecond(committed_at.unix_us()).unwrap_or_default(),
        };
        let outcome = self.matches.commit(commit, &self.origin);
        let states = self.states.commit();
        for (error, count) in outcome.errors {
            self.failed(&error, count);
        }
        if !outcome.candidates.is_empty() || !states.is_empty() {
            self.is_behind |= self
                .file
                .notify
                .is_stale(commit.committed_at, Timestamp::now());
            self.hand(|letters| {
                for candidate in outcome.candidates {
                    letters.add(candidate);
                }
                letters.states.extend(states);
            });
        } else if self.handed_at.elapsed() >= WATERMARK_INTERVAL {
            self.hand(|_| {});
        }
    }

    /// Everything that committed before was read.
    pub(crate) fn idle_at(&mut self, lsn: Lsn) {
        self.reached = self.reached.max(lsn);
        if self.handed_at.elapsed() >= WATERMARK_INTERVAL && self.reached > self.handed {
            self.hand(|_| {});
        }
    }

    /// There is nothing to read at the moment.
    pub(crate) fn at_present(&mut self) {
        if std::mem::take(&mut self.is_behind) {
            self.inbox.leave(|letters| letters.is_present = true);
        }
    }

    /// How far the position may be confirmed, when Kafka has everything up to `kafka`.
    pub(crate) fn confirmable(&self, kafka: Lsn) -> Lsn {
        let stored = Lsn(self.stored.load(Acquire));
        // Nothing after what was handed has to be stored.
        let has_all = stored >= self.handed;
        kafka.min(if has_all { self.reached } else { stored })
    }

    /// Stores what is left, for an orderly stop.
    pub(crate) fn finish(&mut self) {
        if self.reached > self.handed {
            self.hand(|_| {});
        }
        self.close();
    }

    fn hand(&mut self, write: impl FnOnce(&mut super::inbox::Letters)) {
        (self.handed, self.handed_at) = (self.reached, Instant::now());
        self.inbox.leave(|letters| {
            write(letters);
            letters.watermark = self.reached;
        });
    }

    fn failed(&mut self, error: &RuleError, count: u64) {
        add(&self.notifier.tally.rule_errors, count);
        let warned = self.warned.get(error.rule());
        if warned.is_none_or(|warned| warned.elapsed() >= ERROR_INTERVAL) {
            tracing::warn!(%error, changes = count, "a rule of the notifier failed on changes of one transaction");
            self.warned.insert(error.rule().to_owned(), Instant::now());
        }
    }

    fn close(&mut self) {
        if let Some(storing) = self.storing.take() {
            self.inbox.leave(|letters| letters.is_closed = true);
            if storing.recv().is_err() {
                tracing::error!("storing notices ended in a panic");
            }
        }
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

fn relation_column(column: &Column) -> RelationColumn {
    RelationColumn {
        is_key: false,
        name: column.name.clone(),
        type_oid: column.type_oid,
        type_modifier: column.type_modifier,
    }
}
