//! What became of each change that a rule matched.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{PAID, Stage};
use crate::support::eventually;

/// How often each order became PAID, by the audit: told alone, repeated, muted or held back for a digest; and how many changes the
/// digests of single commits count.
fn explained(audit: &[Value]) -> (BTreeMap<String, u64>, u64) {
    let digests: BTreeSet<&str> = audit
        .iter()
        .filter_map(|line| line["digest"].as_str())
        .collect();
    let (mut single, mut in_digests) = (BTreeMap::new(), 0);
    for line in audit {
        let what = line["what"].as_str().unwrap();
        let is_release = digests.contains(line["delivery_id"].as_str().unwrap_or_default());
        let is_decision = match what {
            "queued" => !is_release,
            "repeated" | "held back" => true,
            // Without facts it was queued before the mute.
            "muted" => line["rule"].is_string(),
            _ => false,
        };
        match line["key"].as_str() {
            Some(key) if is_decision => *single.entry(key.to_owned()).or_default() += 1,
            None if is_decision => in_digests += line["changes"].as_u64().unwrap(),
            Some(_) | None => {}
        }
    }
    (single, in_digests)
}

#[test]
fn every_matching_change_can_be_explained_from_the_audit() {
    let rules = format!("{PAID}dedupe = \"1h\"\ncollapse = {{ window = \"1s\" }}\n");
    let mut stage = Stage::set(&rules).full_identity();
    let running = stage.connector.start_streaming();
    // Alone, then as a repeat.
    stage.set_status("PAID", "id = 1");
    stage.slack.wait_until_told(1);
    stage.set_status("NEW", "id = 1");
    stage.set_status("PAID", "id = 1");
    // Two at once, then a window.
    for id in 2..=9 {
        stage.set_status("PAID", &format!("id = {id}"));
    }
    // One digest of a commit.
    stage.set_status("PAID", "id BETWEEN 11 AND 30");
    stage.slack.wait_until_told(29);
    let mute = [
        "mute", "--rule", "paid", "--for", "1h", "--why", "test", "--by", "test",
    ];
    assert!(stage.command(&mute).status.success());
    stage.set_status("PAID", "id = 10");

    let is_muted = |line: &Value| line["what"] == "muted";
    eventually(
        || format!("a muted change in {:#?}", stage.audit()),
        || stage.audit().iter().any(is_muted).then_some(()),
    );
    thread::sleep(Duration::from_millis(500));
    let audit = stage.audit();
    let (single, in_digests) = explained(&audit);
    let mut expected: BTreeMap<String, u64> = (2..=10).map(|id| (id.to_string(), 1)).collect();
    expected.insert("1".to_owned(), 2);
    assert_eq!((&single, in_digests), (&expected, 20), "{audit:#?}");
    let history = "SELECT count(*) FROM public.history WHERE now = 'PAID'";
    let history: u64 = stage.database.sql(history).trim().parse().unwrap();
    assert_eq!(single.values().sum::<u64>() + in_digests, history);

    let why = |key: &str| {
        let of_key = audit.iter().filter(|line| line["key"] == key);
        let what = of_key.map(|line| line["what"].as_str().unwrap().to_owned());
        what.filter(|what| what != "sent").collect::<Vec<_>>()
    };
    assert_eq!(why("1"), ["queued", "repeated"]);
    assert_eq!(why("9"), ["held back"]);
    assert_eq!(why("10"), ["muted"]);
    // The digest that a change was held back for was sent.
    let digests = audit.iter().filter_map(|line| line["digest"].as_str());
    for digest in digests {
        let is_sent = |line: &Value| line["what"] == "sent" && line["delivery_id"] == digest;
        assert!(audit.iter().any(is_sent), "{digest} in {audit:#?}");
    }
    running.terminate().expect(0, &[]);
}
