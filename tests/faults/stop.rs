//! SIGTERM while changes come.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{self, assert_same, streamed, wait_until_caught_up};
use crate::support::eventually;

const STOPS: usize = 4;

#[test]
fn stopped_under_load_it_repeats_nothing_and_loses_nothing() {
    let Stage {
        database: _database,
        numbers,
        broker,
        mut connector,
    } = Stage::set(&[]);
    // As in a worker's file: only the stop itself stores the position.
    connector.set_worker("offset.flush.interval.ms", "60000");
    let mut running = connector.start_streaming();
    let writers = numbers.write(Duration::ZERO);
    for _ in 0..STOPS {
        thread::sleep(Duration::from_millis(500));
        let ended = running.terminate();
        ended.expect(0, &["stopping"]);
        assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
        running = connector.start_streaming();
    }
    writers.stop();
    let mut records = Vec::new();
    wait_until_caught_up(&broker, &numbers, &mut records);
    running.terminate().expect(0, &["stopping"]);

    let expected = numbers::expected(&numbers.committed(), Lsn::ZERO);
    assert_same(&streamed(&records), &expected);
}

#[test]
fn stopped_while_the_broker_is_away_it_ends_and_loses_nothing() {
    let Stage {
        database: _database,
        numbers,
        broker,
        mut connector,
    } = Stage::set(&[]);
    let running = connector.start_streaming();
    let writers = numbers.write(Duration::from_millis(2));
    thread::sleep(Duration::from_millis(300));
    broker.down();
    thread::sleep(Duration::from_millis(300));
    let ended = running.terminate();
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    ended.expect(1, &["records were not acknowledged within"]);
    broker.up();

    let _running = connector.start_streaming();
    writers.stop();
    let mut records = Vec::new();
    wait_until_caught_up(&broker, &numbers, &mut records);
    let expected = numbers::expected(&numbers.committed(), Lsn::ZERO);
    assert_same(&numbers::without_repeats(streamed(&records)), &expected);
}

/// The transaction is sent again, which Kafka's readers must expect, but nobody waits for its end for ever.
#[test]
fn stopped_in_the_middle_of_a_large_transaction_it_ends_in_time() {
    const ROWS: usize = 20_000;
    const ROWS_TOPIC: &str = "srv.shop.rows";
    let mut stage = Stage::set(&[(ROWS_TOPIC, 2)]);
    stage
        .numbers
        .sql("CREATE TABLE shop.rows (id int PRIMARY KEY)");
    stage
        .connector
        .set("producer.override.buffer.memory", "1048576");
    let running = stage.connector.start_streaming();
    stage.broker.slow_down(Duration::from_millis(500));
    stage.numbers.sql(&format!(
        "INSERT INTO shop.rows SELECT generate_series(1, {ROWS})"
    ));
    eventually(
        || "a first row".to_owned(),
        || (stage.broker.count(ROWS_TOPIC) > 0).then_some(()),
    );
    let ended = running.terminate();
    ended.expect(0, &["stopping"]);
    assert!(ended.took < Duration::from_secs(12), "{:?}", ended.took);
    stage.broker.slow_down(Duration::ZERO);
    assert!(stage.broker.count(ROWS_TOPIC) < 20_000, "not in the middle");

    let _running = stage.connector.start_streaming();
    let mut ids = BTreeSet::new();
    eventually(
        || "all rows".to_owned(),
        || {
            let records = stage.broker.new_records(ROWS_TOPIC);
            ids.extend(
                records
                    .iter()
                    .map(|record| record.key_json()["id"].as_u64()),
            );
            (ids.len() == ROWS).then_some(())
        },
    );
}

#[test]
fn a_slot_that_is_to_be_dropped_is_there_until_the_stop_and_gone_after_it() {
    let mut stage = Stage::set(&[]);
    stage.connector.set("slot.drop.on.stop", "true");
    let running = stage.connector.start_streaming();
    assert_eq!(stage.slot("active"), "t");
    running.terminate().expect(0, &["stopping"]);
    assert_eq!(stage.slot("count(*)"), "0");
}
