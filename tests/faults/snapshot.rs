//! The initial snapshot: killed and stopped in the middle, while rows change.

use std::collections::BTreeSet;
use std::time::Duration;

use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{self, Sent, TOPIC, Writers, assert_same, wait_until_caught_up};
use crate::support::connector::{Running, slot_name};
use crate::support::eventually;
use crate::support::kafka::Record;

const ROWS: i64 = 6_000;
const ROWS_TOPIC: &str = "srv.shop.rows";

/// Numbers that change, beside rows enough to be interrupted among them: they are read in several batches, and at most a
/// thousand records are on the way to a broker that takes its time.
fn set_stage() -> Stage {
    let mut stage = Stage::set(&[(ROWS_TOPIC, 2)]);
    stage.numbers.sql(&format!(
        "CREATE TABLE shop.rows (id bigint PRIMARY KEY, note text);
         INSERT INTO shop.rows SELECT id, repeat('there before ', 25) FROM generate_series(1, {ROWS}) id"
    ));
    stage.broker.slow_down(Duration::from_millis(100));
    stage
        .connector
        .set("producer.override.buffer.memory", "1048576");
    stage
}

impl Stage {
    /// Starts it and waits until it has sent so many more rows.
    fn start_and_wait_for_rows(&mut self, count: i64) -> Running {
        let before = self.broker.count(ROWS_TOPIC);
        let running = self.connector.start();
        eventually(
            || format!("{count} rows"),
            || (self.broker.count(ROWS_TOPIC) >= before + count).then_some(()),
        );
        running
    }

    fn wait_for_slot(&self) {
        let slot = slot_name(&self.database.config());
        let query = format!(
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}' AND confirmed_flush_lsn IS NOT NULL"
        );
        eventually(
            || "the slot".to_owned(),
            || (self.numbers.sql(&query) == "1").then_some(()),
        );
    }

    /// Runs to the end of the snapshot and on to the last change: all that the last run sent.
    fn finish(mut self, writers: Writers) {
        self.broker.slow_down(Duration::ZERO);
        self.broker.new_records(ROWS_TOPIC);
        self.broker.new_records(TOPIC);
        let mut running = self.connector.start_streaming();
        writers.stop();
        self.numbers
            .sql("UPDATE shop.rows SET note = 'later' WHERE id <= 3");
        let mut numbers = Vec::new();
        wait_until_caught_up(&self.broker, &self.numbers, &mut numbers);
        let mut rows = Vec::new();
        eventually(
            || format!("{ROWS} rows and three changes"),
            || {
                rows.extend(self.broker.new_records(ROWS_TOPIC));
                (rows.len() >= usize::try_from(ROWS + 3).unwrap()).then_some(())
            },
        );
        running.wait_for_log("snapshot read rows=");
        self.assert_no_open_transaction();
        assert_each_once(&rows);
        self.assert_exact_join(&numbers);
    }

    /// One would keep VACUUM from its work for as long as the stream lasts.
    fn assert_no_open_transaction(&self) {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
        assert_eq!(self.numbers.sql(open), "0");
    }

    /// The stream goes on for every number exactly where the snapshot found it.
    fn assert_exact_join(&self, records: &[Record]) {
        let (found, streamed) = (numbers::found(records), numbers::streamed(records));
        let mut expected = numbers::expected(&self.numbers.committed(), Lsn::ZERO);
        for (group, committed) in &mut expected {
            let [found] = found[group][..] else {
                panic!("group {group} was found {:?}", found[group]);
            };
            committed.retain(|n| *n > found);
        }
        let expected: Sent = expected
            .into_iter()
            .filter(|(_, committed)| !committed.is_empty())
            .collect();
        assert_same(&streamed, &expected);
    }
}

/// Every row was read once, and each of the later changes came once.
fn assert_each_once(rows: &[Record]) {
    let mut seen = BTreeSet::new();
    for row in rows {
        let (id, op) = (
            row.key_json()["id"].as_i64(),
            row.json()["op"].as_str().unwrap().to_owned(),
        );
        assert!(seen.insert((op, id.unwrap())), "{row:?} came twice");
    }
    let ids = |wanted: &str| -> Vec<i64> {
        let of_op = seen.iter().filter(|(op, _)| op == wanted);
        of_op.map(|(_, id)| *id).collect()
    };
    assert_eq!(ids("r"), (1..=ROWS).collect::<Vec<_>>());
    assert_eq!(ids("u"), [1, 2, 3]);
}

#[test]
fn killed_during_the_snapshot_it_takes_it_again_and_joins_the_stream_exactly() {
    let mut stage = set_stage();
    let writers = stage.numbers.write(Duration::from_millis(2));

    let running = stage.connector.start();
    stage.wait_for_slot();
    running.kill();

    for count in [1, ROWS / 3] {
        let running = stage.start_and_wait_for_rows(count);
        assert!(
            !running.log().contains("snapshot read"),
            "not in the middle"
        );
        running.kill();
    }

    // All rows were read, and the last of them are on their way.
    stage.broker.slow_down(Duration::from_millis(300));
    let mut running = stage.connector.start();
    running.wait_for_log("snapshot read rows=");
    running.kill();

    stage.finish(writers);
}

#[test]
fn stopped_during_the_snapshot_it_ends_in_order_and_takes_it_again() {
    let mut stage = set_stage();
    let writers = stage.numbers.write(Duration::from_millis(2));

    let running = stage.start_and_wait_for_rows(ROWS / 3);
    let ended = running.terminate();
    ended.expect(0, &["stopping"]);
    assert!(!ended.log.contains("snapshot read"), "not in the middle");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);

    // With the slot there, the snapshot belongs to a temporary one.
    let running = stage.start_and_wait_for_rows(ROWS / 3);
    running.terminate().expect(0, &["stopping"]);
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE temporary AND database = current_database()";
    assert_eq!(stage.numbers.sql(slots), "0");

    stage.finish(writers);
}
