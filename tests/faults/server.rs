//! The server is idle, restarts or stalls.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{self, Numbers, assert_same, streamed, wait_until_caught_up, without_repeats};
use crate::support::connector::Connector;
use crate::support::eventually;
use crate::support::kafka::Broker;
use crate::support::postgres::Postgres;

impl Stage {
    /// Runs `sql`, which writes nothing that is captured, and waits until PostgreSQL may forget its WAL.
    fn assert_confirmed_after(&self, sql: &str) {
        for _ in 0..3 {
            self.database.sql(sql);
            let written = self.current();
            eventually(
                || format!("a confirmation of {written}"),
                || (self.confirmed() >= written).then_some(()),
            );
        }
    }
}

/// Without this the server keeps all WAL since the last change that was captured.
#[test]
fn an_idle_captured_table_does_not_hold_the_wal_of_busy_others() {
    for publication in ["all_tables", "filtered"] {
        let mut stage = Stage::set(&[("srv.message", 1)]);
        stage
            .database
            .sql("CREATE SCHEMA other; CREATE TABLE other.busy (id int)");
        stage
            .connector
            .set("publication.autocreate.mode", publication)
            .set("status.update.interval.ms", "200");
        let running = stage.connector.start_streaming();
        stage.assert_confirmed_after("INSERT INTO other.busy SELECT generate_series(1, 1000)");
        stage.assert_confirmed_after("BEGIN; INSERT INTO shop.numbers VALUES (99, 1); ROLLBACK");
        stage.assert_confirmed_after("VACUUM other.busy");
        stage.assert_confirmed_after(
            "SELECT pg_logical_emit_message(false, 'outside', 'of transactions')",
        );
        running.terminate().expect(0, &["stopping"]);
    }
}

/// With the intervals that Debezium and Connect have by default.
#[test]
fn a_server_that_shuts_down_is_not_held_up_and_found_again() {
    let mut postgres = Postgres::start();
    let numbers = Numbers::create(postgres.config());
    let broker = Broker::start(&[numbers::TOPIC_SPEC]);
    let mut connector = Connector::new(&postgres.config(), &broker);
    connector.set_worker("offset.flush.interval.ms", "60000");
    let mut running = connector.start_streaming();
    let writers = numbers.write(Duration::from_millis(2));
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        postgres.begin_fast_shutdown();
        let status = postgres.wait_until_stopped();
        let took = started.elapsed();
        assert!(status.success(), "{}", postgres.log());
        assert!(
            took < Duration::from_secs(10),
            "it took {took:?}:\n{}",
            running.log()
        );
        thread::sleep(Duration::from_millis(300));
        postgres.start_again(&[]);
    }
    writers.stop();
    running.wait_for_log("trying again in");
    let mut records = Vec::new();
    wait_until_caught_up(&broker, &numbers, &mut records);
    let expected = numbers::expected(&numbers.committed(), Lsn::ZERO);
    assert_same(&without_repeats(streamed(&records)), &expected);
    assert!(running.is_alive());
}

#[test]
fn a_walsender_that_stalls_is_given_up_and_waited_for() {
    let mut stage = Stage::set(&[]);
    let mut running = stage.connector.start_streaming();
    let walsender = stage.slot("active_pid");
    signal(&walsender, "STOP");
    stage
        .numbers
        .sql("UPDATE shop.numbers SET n = 1 WHERE grp = 0");
    running.wait_for_log("the server was silent for 4s");
    running.wait_for_log("waiting for the slot");
    signal(&walsender, "CONT");
    let mut records = Vec::new();
    wait_until_caught_up(&stage.broker, &stage.numbers, &mut records);
    assert_eq!(streamed(&records)[&0], [1]);
}

fn signal(pid: &str, signal: &str) {
    let status = Command::new("kill").args(["-s", signal, pid]).status();
    assert!(status.unwrap().success());
}
