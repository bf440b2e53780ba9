//! What is wrong with a configuration, a server or a row, and whether the program says so.

use std::time::Duration;

use walstreet::config::connector::DatabaseConfig;
use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{self, assert_same, streamed, wait_until_caught_up};
use crate::support::connector::{Connector, Ended, slot_name};
use crate::support::eventually;
use crate::support::kafka::Broker;
use crate::support::postgres::{Options, Postgres};

/// Something failed while running.
const FAILED: i32 = 1;
/// The configuration is wrong.
const USAGE: i32 = 2;

impl Ended {
    /// It did not even try again.
    fn expect_final(&self, code: i32, sentences: &[&str]) {
        self.expect(code, sentences);
        assert!(!self.log.contains("trying again"), "{}", self.log);
        assert!(self.took < Duration::from_secs(10), "{:?}", self.took);
    }
}

#[test]
fn a_server_that_does_not_let_us_in_is_told_at_once() {
    let postgres = Postgres::start_with(&Options {
        hba: Some("host all all 127.0.0.1/32 scram-sha-256"),
        ..Options::default()
    });
    postgres.sql(
        "CREATE ROLE replicator LOGIN REPLICATION PASSWORD 'right'; CREATE ROLE reader LOGIN PASSWORD 'right';
         CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY);
         GRANT USAGE ON SCHEMA shop TO replicator, reader; GRANT SELECT ON shop.t TO replicator, reader;
         CREATE PUBLICATION dbz_publication FOR ALL TABLES",
    );
    let broker = Broker::start(&[]);
    let run = |user: &str, password: &str, dbname: &str| {
        let config = DatabaseConfig {
            user: user.to_owned(),
            password: Some(password.to_owned()),
            dbname: dbname.to_owned(),
            ..postgres.config()
        };
        Connector::new(&config, &broker).start().wait()
    };
    let wrong_password = run("replicator", "geheim", "postgres");
    let sentence = "password authentication failed for user \"replicator\"";
    wrong_password.expect_final(FAILED, &[sentence]);
    assert!(!wrong_password.log.contains("geheim"));
    run("replicator", "right", "nowhere")
        .expect_final(FAILED, &["database \"nowhere\" does not exist"]);
    run("reader", "right", "postgres")
        .expect_final(FAILED, &["hint: run ALTER ROLE \"reader\" REPLICATION"]);
}

#[test]
fn a_server_without_room_for_a_slot_is_told_with_the_remedy() {
    let mut postgres = Postgres::start();
    postgres.sql("CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY)");
    let broker = Broker::start(&[]);
    let mut connector = Connector::new(&postgres.config(), &broker);
    connector.set("errors.max.retries", "0");
    let mut run_with = |settings: &[&str]| {
        postgres.begin_fast_shutdown();
        postgres.wait_until_stopped();
        postgres.start_again(settings);
        connector.start().wait()
    };
    run_with(&["wal_level = replica"]).expect_final(
        FAILED,
        &["wal_level is \"replica\": run ALTER SYSTEM SET wal_level = 'logical' and restart"],
    );
    run_with(&["wal_level = logical", "max_replication_slots = 0"]).expect_final(
        FAILED,
        &["all 0 replication slots of the server are in use: drop one, or run ALTER SYSTEM SET"],
    );
    run_with(&["max_replication_slots = 1", "max_wal_senders = 0"])
        .expect(FAILED, &["max_wal_senders"]);

    postgres.begin_fast_shutdown();
    postgres.wait_until_stopped();
    // One sender is enough, also for a snapshot beside a slot that is there.
    postgres.start_again(&["max_wal_senders = 1", "max_replication_slots = 2"]);
    let slot = slot_name(&postgres.config());
    postgres.sql(&format!(
        "SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"
    ));
    let mut running = connector.start_streaming();
    running.wait_for_log("snapshot read rows=");
}

#[test]
fn a_slot_of_somebody_else_is_refused() {
    let mut stage = Stage::set(&[]);
    let other = Stage::set(&[]);
    let slot = slot_name(&stage.database.config());
    let mut run_with = |create: &str, expected: &str| {
        other.database.sql(&format!("SELECT {create}"));
        stage
            .connector
            .start()
            .wait()
            .expect_final(FAILED, &[expected]);
        other
            .database
            .sql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    };
    run_with(
        &format!("pg_create_logical_replication_slot('{slot}', 'pgoutput')"),
        &format!(
            "replication slot \"{slot}\" belongs to database \"{}\"",
            other.database.name
        ),
    );
    run_with(
        &format!("pg_create_logical_replication_slot('{slot}', 'test_decoding')"),
        &format!("replication slot \"{slot}\" uses plugin \"test_decoding\", not pgoutput"),
    );
    run_with(
        &format!("pg_create_physical_replication_slot('{slot}')"),
        &format!("replication slot \"{slot}\" is a physical slot"),
    );
}

#[test]
fn a_slot_that_another_process_streams_from_is_waited_for_as_configured() {
    let mut stage = Stage::set(&[]);
    let first = stage.connector.start_streaming();
    let holder = stage.slot("active_pid");
    stage
        .connector
        .set("slot.max.retries", "2")
        .set("errors.max.retries", "0");
    let ended = stage.connector.start().wait();
    let sentence = format!("is active for PID {holder}");
    ended.expect(FAILED, &["waiting for the slot", "retry=2", &sentence]);
    assert!(!ended.log.contains("retry=3"), "{}", ended.log);
    assert!(first.is_alive());
    first.terminate();
}

#[test]
fn an_offset_whose_changes_are_gone_is_refused_with_the_remedy() {
    let mut stage = Stage::set(&[]);
    let slot = slot_name(&stage.database.config());
    let running = stage.connector.start_streaming();
    stage.numbers.sql("UPDATE shop.numbers SET n = 1");
    let written = stage.current();
    eventually(
        || "a confirmation".to_owned(),
        || (stage.confirmed() >= written).then_some(()),
    );
    running.terminate().expect(0, &[]);
    stage
        .database
        .sql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    stage.numbers.sql("UPDATE shop.numbers SET n = 2");
    let missing = stage.connector.start().wait();
    let remedy = "remove the stored offset, so that a new snapshot is taken";
    missing.expect_final(
        FAILED,
        &["does not exist: changes since then are lost", remedy],
    );

    stage.database.sql(&format!(
        "SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')"
    ));
    let gap = stage.connector.start().wait();
    gap.expect_final(FAILED, &["are no longer available on the server", remedy]);
}

#[test]
fn a_configuration_that_contradicts_itself_or_is_misspelt_is_told_at_once() {
    let mut stage = Stage::set(&[]);
    stage
        .connector
        .set("table.include.list", "shop.a")
        .set("table.exclude.list", "shop.b");
    let ended = stage.connector.start().wait();
    ended.expect_final(USAGE, &["table.include.list", "table.exclude.list"]);

    let mut stage = Stage::set(&[]);
    stage.connector.set("snapshot.mod", "no_data");
    let mut running = stage.connector.start();
    running.wait_for_log("snapshot.mod");
    running.wait_for_log("streaming slot=");
}

#[test]
fn a_row_too_large_for_kafka_stops_the_connector_and_is_there_after_the_limit_was_raised() {
    let mut stage = Stage::set(&[]);
    stage
        .connector
        .set("producer.override.max.request.size", "20000");
    let running = stage.connector.start_streaming();
    stage
        .numbers
        .sql("UPDATE shop.numbers SET n = 1 WHERE grp = 0");
    stage
        .numbers
        .sql("UPDATE shop.numbers SET n = 2, note = repeat('x', 50000) WHERE grp = 0");
    let unacknowledged = stage.current();
    stage
        .numbers
        .sql("UPDATE shop.numbers SET n = 3, note = '' WHERE grp = 0");
    let ended = running.wait();
    ended.expect(
        FAILED,
        &[
            "for topic \"srv.shop.numbers\" is larger than max.request.size (20000 bytes)",
            "raise producer.override.max.request.size",
        ],
    );
    assert!(
        !ended.log.contains("xxx"),
        "rows do not belong into the log"
    );
    assert!(stage.confirmed() < unacknowledged);

    stage
        .connector
        .set("producer.override.max.request.size", "200000");
    let _running = stage.connector.start_streaming();
    let mut records = Vec::new();
    wait_until_caught_up(&stage.broker, &stage.numbers, &mut records);
    let expected = numbers::expected(&stage.numbers.committed(), Lsn::ZERO);
    assert_same(&streamed(&records), &expected);
}
