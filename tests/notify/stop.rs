//! A stop while a message is on its way.

use std::time::Duration;

use super::{PAID, Stage};

#[test]
fn a_stop_waits_for_the_answer_that_is_on_its_way() {
    let mut stage = Stage::set(PAID).full_identity();
    let running = stage.connector.start_streaming();
    stage.slack.fault("slow=2000*1");
    stage.set_status("PAID", "id = 1");
    // Slack has it, and we do not know yet.
    stage.slack.wait_until_told(1);
    let ended = running.terminate();
    ended.expect(0, &[]);
    assert!(ended.took < Duration::from_secs(9), "{:?}", ended.took);
    assert!(stage.audit().iter().any(|line| line["what"] == "sent"));
    // Else the next start after a power cut would look for messages.
    let lock = std::fs::read_to_string(stage.state_dir().join("outbox.lock"));
    assert_eq!(lock.unwrap(), "");
    let running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 2");
    let texts = stage.slack.wait_until_told(2);
    assert_eq!((texts.len(), stage.slack.duplicates()), (2, 0));
    running.terminate().expect(0, &[]);
}

#[test]
fn a_stop_does_not_wait_for_ever_and_the_next_start_looks_for_the_message() {
    let mut stage = Stage::set(PAID).full_identity();
    let running = stage.connector.start_streaming();
    stage.slack.fault("slow=60000*1");
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    let ended = running.terminate();
    ended.expect(0, &[]);
    assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
    let running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 2");
    stage.slack.wait_until_told(2);
    // It was found, and not sent again.
    assert_eq!(stage.slack.duplicates(), 0);
    // It writes down what Slack answered.
    running.terminate().expect(0, &[]);
    let audit = stage.audit();
    let what: Vec<_> = audit
        .iter()
        .filter_map(|line| line["what"].as_str())
        .collect();
    assert_eq!(
        what.iter().filter(|what| **what == "unknown").count(),
        1,
        "{what:?}"
    );
    assert_eq!(
        what.iter().filter(|what| **what == "sent").count(),
        2,
        "{what:?}"
    );
}
