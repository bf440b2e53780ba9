//! The broker goes away, is not there yet, or refuses.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaRespErr;
use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{
    self, assert_same, stored_position, streamed, wait_until_caught_up, without_repeats,
};
use crate::support::eventually;

const BULK_TOPIC: &str = "srv.shop.bulk";

/// Rows of 10 kB each: several times what may wait in memory.
const BULK_ROWS: usize = 4_000;
const BULK: &str =
    "INSERT INTO shop.bulk SELECT id, repeat(md5(id::text), 320) FROM generate_series(1, 4000) id";

/// The producer's buffer of 8 MiB, what librdkafka adds to each record, and the buffers of the stream.
const MEMORY_LIMIT: u64 = 32 * 1024 * 1024;

/// Longer than the server's `wal_sender_timeout`, twice.
const OUTAGE: Duration = Duration::from_secs(5);

#[test]
fn while_the_broker_is_away_the_stream_waits_and_nothing_is_confirmed() {
    let mut stage = Stage::set(&[(BULK_TOPIC, 2)]);
    stage
        .numbers
        .sql("CREATE TABLE shop.bulk (id int PRIMARY KEY, note text)");
    let running = stage.connector.start_streaming();
    let writers = stage.numbers.write(Duration::from_millis(2));
    eventually(
        || "the first numbers".to_owned(),
        || (stage.broker.count(numbers::TOPIC) > 100).then_some(()),
    );
    let walsender = stage.slot("active_pid");
    let memory = running.resident_bytes();

    stage.broker.changes_down();
    let gone_at = Instant::now();
    stage.numbers.sql("INSERT INTO shop.bulk VALUES (0, '')");
    let unacknowledged = stage.current();
    thread::sleep(Duration::from_millis(500));
    assert!(stage.confirmed() < unacknowledged);
    stage.numbers.sql(BULK);
    while gone_at.elapsed() < OUTAGE {
        thread::sleep(Duration::from_millis(500));
        assert!(stage.confirmed() < unacknowledged);
    }
    assert_eq!(
        stage.slot("active_pid"),
        walsender,
        "the connection was lost"
    );
    let grown = running.resident_bytes().saturating_sub(memory);
    assert!(grown < MEMORY_LIMIT, "{grown} bytes more are in use");

    stage.broker.up();
    writers.stop();
    let mut records = Vec::new();
    wait_until_caught_up(&stage.broker, &stage.numbers, &mut records);
    let expected = numbers::expected(&stage.numbers.committed(), Lsn::ZERO);
    assert_same(&without_repeats(streamed(&records)), &expected);
    let mut bulk: Vec<_> = stage
        .broker
        .new_records(BULK_TOPIC)
        .iter()
        .map(|record| record.key_json()["id"].as_u64())
        .collect();
    bulk.sort_unstable();
    bulk.dedup();
    assert_eq!(bulk.len(), 1 + BULK_ROWS);
    assert_eq!(stage.slot("active_pid"), walsender);
    eventually(
        || format!("a confirmation of {unacknowledged}"),
        || (stage.confirmed() >= unacknowledged).then_some(()),
    );
}

#[test]
fn a_broker_that_is_not_there_at_the_start_is_named_and_waited_for() {
    let mut stage = Stage::set(&[]);
    stage.broker.down();
    let started = Instant::now();
    let mut running = stage.connector.start();
    running.wait_for_log("trying again in");
    let took = started.elapsed();
    let sentence = format!(
        "could not reach any Kafka broker at {}",
        stage.broker.servers()
    );
    running.wait_for_log(&sentence);
    assert!(took < Duration::from_secs(10), "it said so after {took:?}");
    stage.broker.up();
    running.wait_for_log("streaming slot=");
}

#[test]
fn it_can_be_stopped_while_it_waits_for_the_broker() {
    let mut stage = Stage::set(&[]);
    stage.broker.down();
    let running = stage.connector.start();
    thread::sleep(Duration::from_millis(500));
    let ended = running.terminate();
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    ended.expect(0, &["stopping"]);
}

#[test]
fn a_topic_without_permission_stops_the_connector_and_confirms_nothing() {
    let mut stage = Stage::set(&[]);
    let running = stage.connector.start_streaming();
    let stored = || stored_position(&stage.broker, None);
    eventually(|| "an offset".to_owned(), stored);
    let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    stage.broker.refuse_writes(&[denied]);
    stage
        .numbers
        .sql("UPDATE shop.numbers SET n = 1 WHERE grp = 0");
    let unacknowledged = stage.current();
    let ended = running.wait();
    ended.expect(
        1,
        &["not allowed to use topic \"srv.shop.numbers\": grant DESCRIBE and WRITE"],
    );
    assert!(stage.confirmed() < unacknowledged);

    let _running = stage.connector.start_streaming();
    let mut records = Vec::new();
    wait_until_caught_up(&stage.broker, &stage.numbers, &mut records);
    assert_eq!(streamed(&records)[&0], [1]);
}
