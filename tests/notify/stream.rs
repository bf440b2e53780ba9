//! What is told of the stream, and what is not.

use std::time::{Duration, Instant};

use super::{PAID, Stage};
use crate::support::connector::Connector;

#[test]
fn status_changes_are_told_rolled_back_ones_and_snapshot_rows_are_not() {
    let mut stage = Stage::set(PAID).full_identity();
    let running = stage.connector.start_streaming();
    // The statements of one call are one transaction, unless they say otherwise.
    for sql in [
        "UPDATE shop.orders SET status = 'PAID' WHERE id = 1",
        "BEGIN; UPDATE shop.orders SET status = 'PAID' WHERE id = 2; ROLLBACK",
        "BEGIN; UPDATE shop.orders SET status = 'PAID' WHERE id = 3;
         SAVEPOINT s; UPDATE shop.orders SET status = 'PAID' WHERE id = 4; ROLLBACK TO s; COMMIT",
        "UPDATE shop.orders SET status = 'LOST' WHERE id = 5",
        "UPDATE shop.orders SET note = 'seen' WHERE id = 1",
    ] {
        stage.database.sql(sql);
    }
    let texts = stage.slack.wait_until_told(2);
    assert_eq!(
        texts,
        [
            ":information_source: orders 1: NEW → PAID, 1.25 EUR",
            ":information_source: orders 3: NEW → PAID, 3.25 EUR",
        ]
    );
    stage.wait_for_records(1004);
    running.terminate().expect(0, &[]);
    assert_eq!(stage.slack.told(), 2);
}

#[test]
fn a_restart_repeats_nothing_and_what_happened_meanwhile_is_told() {
    let mut stage = Stage::set(PAID).full_identity();
    let running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    running.kill();
    stage.set_status("PAID", "id = 2");
    let running = stage.connector.start_streaming();
    stage.slack.wait_until_told(2);
    running.terminate().expect(0, &[]);
    stage.set_status("PAID", "id = 3");
    let running = stage.connector.start_streaming();
    let texts = stage.slack.wait_until_told(3);
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert_eq!(stage.slack.duplicates(), 0);
    running.terminate().expect(0, &[]);
}

#[test]
fn one_update_of_50_000_rows_is_one_digest_with_exact_counts_and_sums() {
    let mut stage = Stage::set(PAID).full_identity();
    stage.database.sql(
        "ALTER TABLE shop.orders DISABLE TRIGGER remember;
         INSERT INTO shop.orders SELECT n, 'NEW', n + 0.25, 'USD', 'none' FROM generate_series(1001, 51000) n",
    );
    let running = stage.connector.start_streaming();
    stage.wait_for_records(51_000);
    stage.set_status("PAID", "id > 1000");
    let committed = Instant::now();
    let texts = stage.slack.wait_until_told(50_000);
    let took = committed.elapsed();
    // 1001.25 + … + 51000.25.
    assert_eq!(
        texts,
        [":information_source: paid: 50,000 changes, NEW → PAID; 1,300,037,500.00 USD"]
    );
    // Without optimisation, and with other tests beside it, it takes longer.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });
    let peak = peak_mb(running.pid());
    running.terminate().expect(0, &[]);

    let mut without = Connector::new(&stage.database.config(), &stage.broker);
    let running = without.start_streaming();
    stage.set_status("SENT", "id > 1000");
    stage.wait_for_records(151_000);
    let peak_without = peak_mb(running.pid());
    running.terminate().expect(0, &[]);
    println!("told after {took:?}, {peak} MB at most, {peak_without} MB without the notifier");
    assert!(took < limit, "{took:?}");
    assert!(peak < peak_without + 32, "{peak} MB");
}

/// What the process took of memory at most.
fn peak_mb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn old_values_come_from_the_snapshot_where_the_server_does_not_send_them() {
    let mut stage = Stage::set_with(
        "old_state = \"local_store\"",
        &PAID.replace("to = ", "from = [\"NEW\"]\nto = "),
    );
    let running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    stage.set_status("SEEN", "id = 2");
    running.kill();
    let running = stage.connector.start_streaming();
    // From SEEN, which the rule does not want, and from NEW.
    stage.set_status("PAID", "id = 2");
    stage.set_status("PAID", "id = 3");
    let texts = stage.slack.wait_until_told(2);
    assert_eq!(
        texts,
        [
            ":information_source: orders 1: NEW → PAID, 1.25 EUR",
            ":information_source: orders 3: NEW → PAID, 3.25 EUR",
        ]
    );
    running.terminate().expect(0, &[]);
}
