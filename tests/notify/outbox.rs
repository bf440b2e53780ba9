//! The state directory: one process at a time, and what happens when it takes nothing.

use std::thread;
use std::time::Duration;

use super::{PAID, Stage};
use crate::support::eventually;

#[test]
fn a_second_process_with_the_same_state_directory_refuses_to_start() {
    let mut stage = Stage::set(PAID).full_identity();
    let running = stage.connector.start_streaming();
    let second = stage.connector.start().wait();
    second.expect(1, &["another process uses the outbox"]);
    running.terminate().expect(0, &[]);
}

#[test]
fn while_the_outbox_takes_nothing_kafka_goes_on_and_the_position_waits() {
    let mut stage = Stage::set(PAID).full_identity();
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    let outbox = rusqlite::Connection::open(stage.state_dir().join("outbox.db")).unwrap();
    outbox.busy_timeout(Duration::from_secs(10)).unwrap();
    outbox
        .execute_batch("ALTER TABLE source RENAME TO away")
        .unwrap();

    let before = stage.current();
    stage.set_status("PAID", "id = 2");
    stage.wait_for_records(1002);
    running.wait_for_log("the outbox takes nothing");
    stage.set_status("LOST", "id = 3");
    stage.wait_for_records(1003);
    thread::sleep(Duration::from_secs(1));
    assert!(stage.confirmed() <= before);
    assert_eq!(stage.slack.told(), 1);

    outbox
        .execute_batch("ALTER TABLE away RENAME TO source")
        .unwrap();
    stage.slack.wait_until_told(2);
    let after = stage.current();
    stage.set_status("LOST", "id = 4");
    eventually(
        || format!("a confirmed position after {after}"),
        || (stage.confirmed() > after).then_some(()),
    );
    running.terminate().expect(0, &["takes notices again"]);
}

#[test]
fn while_slack_is_away_kafka_goes_on_and_no_wal_is_held() {
    let mut stage = Stage::set(PAID).full_identity();
    stage.slack.fault("status=500");
    let running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.wait_for_records(1001);
    let after = stage.current();
    stage.set_status("LOST", "id = 2");
    eventually(
        || format!("a confirmed position after {after}"),
        || (stage.confirmed() > after).then_some(()),
    );
    assert_eq!(stage.slack.told(), 0);
    stage.slack.no_fault();
    stage.slack.wait_until_told(1);
    running.terminate().expect(0, &[]);
}
