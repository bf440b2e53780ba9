//! The file read again while it runs.

use std::thread;
use std::time::Duration;

use super::metrics::{get, wait_for};
use super::{PAID, Stage};
use crate::support::eventually;

#[test]
fn a_changed_rule_counts_from_the_next_commit_and_a_wrong_file_changes_nothing() {
    let mut stage = Stage::set(PAID).full_identity();
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);

    stage.write_rules(
        "",
        &PAID.replace("PAID", "LOST").replace("\"paid\"", "\"lost\""),
    );
    running.signal("HUP");
    running.wait_for_log("the notifier's file was read again");
    stage.set_status("PAID", "id = 2");
    stage.set_status("LOST", "id = 3");
    let texts = stage.slack.wait_until_told(2);
    assert!(texts[1].contains("orders 3: NEW → LOST"), "{texts:#?}");

    stage.write_rules(
        "",
        &PAID.replace(
            "column = \"status\"",
            "column = \"status\"\ncolour = \"red\"",
        ),
    );
    running.signal("HUP");
    running.wait_for_log("goes on with the rules that it had");
    let log = running.log();
    let refusal = log
        .lines()
        .find(|line| line.contains("unknown key \"colour\""))
        .unwrap();
    assert!(
        refusal.contains("line ") && refusal.contains("column "),
        "{refusal}"
    );
    stage.set_status("LOST", "id = 4");
    let texts = stage.slack.wait_until_told(3);
    assert!(texts[2].contains("orders 4: NEW → LOST"), "{texts:#?}");

    // Another directory would be another outbox.
    let text = std::fs::read_to_string(stage.file())
        .unwrap()
        .replace("colour = \"red\"\n", "");
    std::fs::write(stage.file(), text.replace("/state\"", "/elsewhere\"")).unwrap();
    running.signal("HUP");
    running.wait_for_log("state_dir cannot change");
    stage.set_status("LOST", "id = 5");
    stage.slack.wait_until_told(4);
    running.terminate().expect(0, &[]);
}

#[test]
fn what_is_queued_for_a_removed_destination_is_kept_and_reported() {
    let mut stage = Stage::set("").full_identity();
    stage
        .connector
        .arguments(&["--metrics-listen", "127.0.0.1:0"]);
    let second = stage.destination("second", "C2");
    let both = format!(
        "{}\n{second}",
        PAID.replace("[\"ops\"]", "[\"ops\", \"second\"]")
    );
    stage.write_rules("", &both);
    stage.slack.fault("archived@C2");
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    running.wait_for_log("Slack refuses the destination");
    stage.slack.wait_until_told(1);

    stage.write_rules("", PAID);
    running.signal("HUP");
    running.wait_for_log("a destination is not in the notifier's file any more");
    assert!(
        running.log().contains("destination=\"second\" queued=1"),
        "{}",
        running.log()
    );
    stage.set_status("PAID", "id = 2");
    stage.slack.wait_until_told(2);
    let (_, metrics) = get(&running, "/metrics");
    assert!(
        metrics.contains("walstreet_notify_queue_depth{dest=\"second\"} 1\n"),
        "{metrics}"
    );
    // It counts on: the first message was sent before.
    wait_for(&running, "sent_total{dest=\"ops\"}", 2.0);
    let listed = stage.command(&["queue"]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.contains("second       1"), "{listed}");

    // In the file again, and repaired.
    stage.slack.no_fault();
    stage.write_rules("", &both);
    running.signal("HUP");
    let texts = eventually(
        || format!("a message in C2: {:#?}", running.log()),
        || Some(stage.slack.texts_of("C2")).filter(|texts| !texts.is_empty()),
    );
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("orders 1: NEW → PAID"), "{texts:#?}");
    running.terminate().expect(0, &[]);
}

#[test]
fn a_reload_while_slack_wants_us_to_wait_keeps_the_wait() {
    let mut stage = Stage::set(PAID).full_identity();
    stage.slack.fault("429=4*1");
    let mut running = stage.connector.start_streaming();
    let began = std::time::Instant::now();
    stage.set_status("PAID", "id = 1");
    thread::sleep(Duration::from_millis(1500));
    running.signal("HUP");
    running.wait_for_log("the notifier's file was read again");
    stage.slack.wait_until_told(1);
    assert!(
        began.elapsed() >= Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    running.terminate().expect(0, &[]);
}

#[test]
fn a_column_dropped_while_it_runs_stops_its_rule_and_no_other() {
    let plain = PAID
        .replace("amount = { column = \"amount\", per = \"currency\" }\n", "")
        .replace("\"paid\"", "\"plain\"");
    let mut stage = Stage::set(&format!("{PAID}{plain}")).full_identity();
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(2);
    stage
        .database
        .sql("DROP TRIGGER remember ON shop.orders; ALTER TABLE shop.orders DROP COLUMN amount");
    stage.set_status("PAID", "id = 2");
    running.wait_for_log("a rule of the notifier cannot work");
    let texts = stage.slack.wait_until_told(3);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(stage.slack.told(), 3);
    assert_eq!(texts[2], ":information_source: orders 2: NEW → PAID");
    let log = running.log();
    assert!(
        log.contains("rule \"paid\"") && log.contains("no column \"amount\""),
        "{log}"
    );
    running.terminate().expect(0, &[]);
}
