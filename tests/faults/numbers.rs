//! Rows whose numbers several writers raise at once, what the server says was committed, and what of it reached Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tokio_postgres::{Client, NoTls};
use walstreet::config::connector::DatabaseConfig;
use walstreet::postgres::Lsn;

use crate::support::eventually;
use crate::support::kafka::{Broker, OFFSETS_TOPIC, Record};
use crate::support::postgres::psql;

pub(super) const TOPIC: &str = "srv.shop.numbers";
/// With its partitions.
pub(super) const TOPIC_SPEC: (&str, i32) = (TOPIC, 8);

const WRITERS: u64 = 3;
const GROUPS_OF_WRITER: u64 = 4;

/// The table, and a slot of its own that remembers the truth.
pub(super) struct Numbers {
    config: DatabaseConfig,
}

/// A transaction: where its commit ends, and its rows as (group, number).
pub(super) struct Committed {
    end: Lsn,
    rows: Vec<(u64, u64)>,
}

/// What one run of the connector sent: numbers by group, in order.
pub(super) type Sent = BTreeMap<u64, Vec<u64>>;

impl Numbers {
    /// A group is a row, and its number only grows.
    pub(super) fn create(config: DatabaseConfig) -> Self {
        let groups = WRITERS * GROUPS_OF_WRITER;
        psql(
            &config,
            &format!(
                "CREATE SCHEMA shop;
                 CREATE TABLE shop.numbers (grp int PRIMARY KEY, n bigint NOT NULL, note text);
                 INSERT INTO shop.numbers SELECT g, 0, 'none yet' FROM generate_series(0, {groups} - 1) g"
            ),
        );
        let numbers = Self { config };
        let slot = numbers.oracle_slot();
        numbers.sql(&format!(
            "SELECT pg_create_logical_replication_slot('{slot}', 'test_decoding')"
        ));
        numbers
    }

    pub(super) fn sql(&self, sql: &str) -> String {
        psql(&self.config, sql)
    }

    /// Writers at work, each with a `pause` between two transactions.
    pub(super) fn write(&self, pause: Duration) -> Writers {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..WRITERS)
            .map(|id| {
                let writer = Writer {
                    id,
                    config: self.config.clone(),
                    pause,
                    stop: Arc::clone(&stop),
                };
                thread::spawn(move || writer.run())
            })
            .collect();
        Writers { stop, threads }
    }

    /// All transactions since `create`, in the order of their commits, as PostgreSQL's own plugin shows them.
    pub(super) fn committed(&self) -> Vec<Committed> {
        let slot = self.oracle_slot();
        let changes = self.sql(&format!(
            "SELECT lsn, data FROM pg_logical_slot_peek_changes('{slot}', NULL, NULL)"
        ));
        let (mut committed, mut rows) = (Vec::new(), Vec::new());
        for line in changes.lines() {
            let (lsn, data) = line.split_once('|').unwrap();
            if let Some(row) = data.strip_prefix("table shop.numbers: UPDATE: grp[integer]:") {
                let (group, rest) = row.split_once(" n[bigint]:").unwrap();
                let (n, _) = rest.split_once(' ').unwrap();
                rows.push((group.parse().unwrap(), n.parse().unwrap()));
            } else if data.starts_with("COMMIT") {
                committed.push(Committed {
                    end: lsn.parse().unwrap(),
                    rows: std::mem::take(&mut rows),
                });
            }
        }
        committed
    }

    fn oracle_slot(&self) -> String {
        format!("oracle_of_{}", self.config.dbname)
    }
}

pub(super) struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    pub(super) fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.join();
        }
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Writer {
    id: u64,
    config: DatabaseConfig,
    pause: Duration,
    stop: Arc<AtomicBool>,
}

impl Writer {
    fn run(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut serial = 1;
            while !self.stopped() {
                // The server may be away.
                if let Ok(client) = self.connect().await {
                    while self.transaction(&client, &mut serial).await.is_ok() && !self.stopped() {
                        tokio::time::sleep(self.pause).await;
                    }
                }
                tokio::time::sleep(self.pause).await;
            }
        });
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::Config::new()
            .host(&self.config.host)
            .port(self.config.port)
            .user(&self.config.user)
            .dbname(&self.config.dbname)
            .connect(NoTls)
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Several rows in two statements, so that the transactions of the writers lie between each other in the WAL. One in
    /// seven is rolled back, another one in part.
    async fn transaction(
        &self,
        client: &Client,
        serial: &mut u64,
    ) -> Result<(), tokio_postgres::Error> {
        let kind = *serial % 7;
        let mut raise = || {
            let count = 1 + *serial % 4;
            let statements: Vec<String> = (*serial..*serial + count)
                .map(|serial| {
                    let group = self.id * GROUPS_OF_WRITER + serial % GROUPS_OF_WRITER;
                    format!("UPDATE shop.numbers SET n = {serial}, note = 'number {serial}' WHERE grp = {group}")
                })
                .collect();
            *serial += count;
            statements.join("; ")
        };
        let (first, second, third) = (raise(), raise(), raise());
        client.batch_execute(&format!("BEGIN; {first}")).await?;
        let rest = match kind {
            0 => format!("{second}; ROLLBACK"),
            1 => format!("SAVEPOINT s; {second}; ROLLBACK TO s; {third}; COMMIT"),
            _ => format!("{second}; COMMIT"),
        };
        client.batch_execute(&rest).await
    }
}

/// The position that the connector would continue from.
pub(super) fn stored_position(broker: &Broker, before: Option<Lsn>) -> Option<Lsn> {
    let newest = broker.new_records(OFFSETS_TOPIC).pop();
    newest.map(|record| position(&record.json())).or(before)
}

fn position(offset: &Value) -> Lsn {
    Lsn(offset["lsn"].as_u64().unwrap())
}

/// (group, number, op) of a record.
pub(super) fn number(record: &Record) -> (u64, u64, String) {
    let value = record.json();
    let after = &value["after"];
    let group = after["grp"].as_u64().unwrap();
    assert_eq!(record.key_json()["grp"], group);
    let op = value["op"].as_str().unwrap().to_owned();
    (group, after["n"].as_u64().unwrap(), op)
}

/// The streamed numbers by group, repeats included.
pub(super) fn streamed(records: &[Record]) -> Sent {
    sent_as("u", records)
}

/// The numbers that a snapshot found, by group.
pub(super) fn found(records: &[Record]) -> Sent {
    sent_as("r", records)
}

fn sent_as(wanted: &str, records: &[Record]) -> Sent {
    let mut sent = Sent::new();
    for (group, n, op) in records.iter().map(number) {
        if op == wanted {
            sent.entry(group).or_default().push(n);
        }
    }
    sent
}

/// What has to be sent from `start` on.
pub(super) fn expected(committed: &[Committed], start: Lsn) -> Sent {
    let mut expected = Sent::new();
    let later = committed.iter().filter(|committed| committed.end > start);
    for (group, n) in later.flat_map(|committed| &committed.rows) {
        expected.entry(*group).or_default().push(*n);
    }
    expected
}

/// Only the first of each number.
pub(super) fn without_repeats(mut sent: Sent) -> Sent {
    for numbers in sent.values_mut() {
        let mut seen = BTreeSet::new();
        numbers.retain(|n| seen.insert(*n));
    }
    sent
}

/// Every key's records begin with the first that was committed after `start`, and go on without gap or repeat.
pub(super) fn assert_continues(sent: &Sent, committed: &[Committed], start: Lsn) {
    let expected = expected(committed, start);
    for (group, numbers) in sent {
        let expected = expected.get(group).map_or(&[][..], Vec::as_slice);
        assert!(
            expected.starts_with(numbers),
            "group {group} from {start}: {}",
            first_difference(numbers, expected)
        );
    }
}

/// The same numbers of the same groups in the same order.
pub(super) fn assert_same(sent: &Sent, expected: &Sent) {
    let groups: BTreeSet<_> = sent.keys().chain(expected.keys()).collect();
    for group in groups {
        let [sent, expected] =
            [sent, expected].map(|numbers| numbers.get(group).map_or(&[][..], Vec::as_slice));
        assert!(
            sent == expected,
            "group {group}: {} sent, {} committed, {}",
            sent.len(),
            expected.len(),
            first_difference(sent, expected)
        );
    }
}

fn first_difference(sent: &[u64], expected: &[u64]) -> String {
    let same = sent
        .iter()
        .zip(expected)
        .take_while(|(left, right)| left == right);
    let same = same.count();
    let around = |numbers: &[u64]| {
        format!(
            "{:?}",
            &numbers[same.min(numbers.len())..(same + 3).min(numbers.len())]
        )
    };
    format!(
        "after {same} equal ones {} was sent for {}",
        around(sent),
        around(expected)
    )
}

/// Waits until the last committed number is in Kafka.
pub(super) fn wait_until_caught_up(broker: &Broker, numbers: &Numbers, records: &mut Vec<Record>) {
    let all = numbers.committed();
    let last: BTreeMap<u64, u64> = expected(&all, Lsn::ZERO)
        .into_iter()
        .filter_map(|(group, numbers)| Some((group, *numbers.last()?)))
        .collect();
    let mut missing = last.clone();
    eventually(
        || format!("the last numbers of {} groups", last.len()),
        || {
            let new = broker.new_records(TOPIC);
            for (group, n, _) in new.iter().map(number) {
                if missing.get(&group) == Some(&n) {
                    missing.remove(&group);
                }
            }
            records.extend(new);
            missing.is_empty().then_some(())
        },
    );
}
