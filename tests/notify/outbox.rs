//! The state directory: one process at a time, and what happens when it takes nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::metrics::get;
use super::{PAID, Stage};
use crate::support::connector::Running;
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

/// A limit on the size of files stands for a full disk: whatever would make one longer is refused.
#[test]
fn on_a_full_disk_nothing_is_confirmed_and_all_is_told_when_there_is_space_again() {
    let mut stage = Stage::set(PAID).full_identity();
    stage
        .connector
        .through(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    stage
        .connector
        .arguments(&["--metrics-listen", "127.0.0.1:0"]);
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    let pid = Pid::from_raw(running.pid().cast_signed());
    let limit = |most: Option<u64>| {
        let limits = Rlimit {
            current: most,
            maximum: None,
        };
        prlimit(pid, Resource::Fsize, limits).unwrap();
    };
    // Less than the outbox is, more than the log becomes.
    let size = fs::metadata(stage.state_dir().join("outbox.db-wal"))
        .unwrap()
        .len();
    let most = 32 << 10;
    assert!(size > most, "{size}");
    limit(Some(most));

    let before = stage.current();
    stage.set_status("PAID", "id = 2");
    stage.wait_for_records(1002);
    running.wait_for_log("the outbox takes nothing");
    assert_eq!(
        health(&running),
        (
            503,
            "the outbox takes nothing: no position is confirmed\n".to_owned()
        )
    );
    stage.set_status("PAID", "id = 3");
    stage.wait_for_records(1003);
    thread::sleep(Duration::from_secs(1));
    assert!(stage.confirmed() <= before);
    assert_eq!(stage.slack.told(), 1);

    limit(None);
    let texts = stage.slack.wait_until_told(3);
    assert_eq!(texts.len(), 3, "{texts:#?}");
    let after = stage.current();
    stage.set_status("LOST", "id = 4");
    eventually(
        || format!("a confirmed position after {after}"),
        || (stage.confirmed() > after).then_some(()),
    );
    assert_eq!(health(&running), (200, "ok\n".to_owned()));
    running.terminate().expect(0, &["takes notices again"]);
}

fn health(running: &Running) -> (u16, String) {
    get(running, "/health")
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

#[test]
fn a_damaged_outbox_is_refused_with_what_rescues_it() {
    let mut stage = Stage::set(PAID).full_identity();
    stage.connector.start_streaming().kill();
    let outbox = stage.state_dir().join("outbox.db");
    let mut bytes = fs::read(&outbox).unwrap();
    fs::remove_file(outbox.with_extension("db-wal")).ok();
    bytes.splice(..bytes.len().min(64), [0x5A; 64]);
    fs::write(&outbox, bytes).unwrap();
    let ended = stage.connector.start().wait();
    ended.expect(
        1,
        &["is damaged", "sqlite3 outbox.db .recover", "move it away"],
    );
}
