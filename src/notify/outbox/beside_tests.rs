//! An operator's commands beside the process that delivers.

use jiff::Timestamp;

use super::*;
use crate::notify::noise::Mute;
use crate::notify::notice::{Content, ConversationMode, Notice};
use crate::notify::sample::{in_conversation, notice};
use crate::postgres::Lsn;

fn with(notices: &[Notice]) -> (tempfile::TempDir, Outbox) {
    let directory = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(directory.path(), 1).unwrap();
    let intake = Intake {
        source: "s",
        watermark: Some(Lsn(9_000)),
        notices,
        noise: &Default::default(),
        untold: &[],
        states: &std::collections::HashMap::new(),
    };
    outbox.store(intake, 10).unwrap();
    (directory, outbox)
}

fn mute(key: &str) -> Mute {
    Mute {
        id: 0,
        rule: None,
        key: Some(key.to_owned()),
        until: Timestamp::from_millisecond(5_000).unwrap(),
        by: "alex".to_owned(),
        why: "known".to_owned(),
    }
}

fn whats(outbox: &Outbox) -> Vec<String> {
    let lines = outbox.audit(0, 0, 100).unwrap();
    lines.into_iter().map(|line| line.what).collect()
}

#[test]
fn a_mute_is_seen_by_the_process_that_delivers_and_ends() {
    let (directory, outbox) = with(&[notice("ops", "a", 1), notice("ops", "b", 2)]);
    let before = outbox.version().unwrap();
    let beside = Outbox::beside(directory.path()).unwrap();
    assert!(beside.is_delivered());
    let muted = beside.mute(&mute("a"), 20).unwrap();
    assert_eq!(muted, Muted { id: 1, queued: 1 });
    assert_ne!(outbox.version().unwrap(), before);
    let next = outbox.next("ops").unwrap().unwrap();
    assert_eq!(next.notice.id, notice("ops", "b", 2).id);
    assert_eq!(outbox.mutes(4_999).unwrap()[0].key.as_deref(), Some("a"));
    assert!(outbox.mutes(5_000).unwrap().is_empty());
    assert!(beside.unmute(1, "alex", 30).unwrap() && !beside.unmute(1, "alex", 30).unwrap());
    assert!(outbox.mutes(40).unwrap().is_empty());
    assert_eq!(
        whats(&outbox),
        ["queued", "queued", "muted", "mute", "unmute"]
    );
    drop(outbox);
    assert!(!beside.is_delivered());
}

#[test]
fn what_an_operator_took_out_of_the_queue_is_not_sent() {
    let (directory, outbox) = with(&[notice("ops", "a", 1)]);
    let queued = outbox.next("ops").unwrap().unwrap();
    let beside = Outbox::beside(directory.path()).unwrap();
    beside.mute(&mute("a"), 20).unwrap();
    let opened = Opened {
        seq: queued.seq,
        body_hash: "x",
        thread_ts: None,
    };
    assert_eq!(outbox.begin(opened, 30).unwrap(), None);
    let all = Replay::default();
    assert_eq!(beside.replay(all, 40).unwrap(), 1);
    assert!(outbox.next("ops").unwrap().unwrap().repeat);
    assert!(outbox.begin(opened, 50).unwrap().is_some());
    assert_eq!(beside.replay(all, 60).unwrap(), 0, "it is on its way");
}

#[test]
fn the_audit_tells_where_a_notice_comes_from_and_how_it_went() {
    let (_directory, outbox) = with(&[notice("ops", "a", 1)]);
    let queued = outbox.next("ops").unwrap().unwrap();
    let opened = Opened {
        seq: queued.seq,
        body_hash: "abc",
        thread_ts: None,
    };
    outbox.begin(opened, 30).unwrap();
    let sent = Ending::Sent { posted: None };
    outbox.end(&queued, &sent, "ok", 1_700_000_000_250).unwrap();
    let lines = outbox.audit(0, 0, 100).unwrap();
    let origin = lines[0].facts.as_ref().unwrap();
    assert_eq!(
        (&origin["rule_version"], &origin["from"], &origin["to"]),
        (&"1".into(), &"PENDING".into(), &"FAILED".into())
    );
    assert_eq!(
        (&origin["lsn"], &origin["key"]),
        (&"0/64".into(), &"a".into())
    );
    let sent = lines[1].facts.as_ref().unwrap();
    assert_eq!(
        (
            &sent["attempts"],
            &sent["body_sha256"],
            &sent["commit_to_sent_ms"]
        ),
        (&1.into(), &"abc".into(), &250.into())
    );
}

#[test]
fn edits_of_one_message_become_the_latest_with_the_whole_trail() {
    let step = |number, from: &str, to: &str| {
        let mut notice = in_conversation(notice("ops", "a", number), ConversationMode::Update, "a");
        if let Content::Change(change) = &mut notice.content {
            (change.from, change.to) = (Some(from.to_owned()), Some(to.to_owned()));
        }
        notice
    };
    let steps = [step(1, "B", "C"), step(2, "C", "D"), step(3, "D", "E")];
    let (_directory, outbox) = with(&steps);
    let first = outbox.next("ops").unwrap().unwrap();
    let mut latest = outbox.latest_edit(&first, 20).unwrap().unwrap();
    let queued = outbox.next("ops").unwrap().unwrap();
    assert_eq!(queued.notice, latest.notice);
    let (Content::Change(change), Content::Change(told)) =
        (&mut latest.notice.content, step(9, "A", "B").content)
    else {
        panic!("they are changes");
    };
    change.follow(&told);
    assert_eq!(change.trail, ["A", "B", "C"]);
    assert_eq!(
        (change.from.as_deref(), change.to.as_deref()),
        (Some("D"), Some("E"))
    );
    assert_eq!(
        outbox
            .latest_edit(&queued, 30)
            .unwrap()
            .map(|later| later.seq),
        None
    );
}

#[test]
fn a_parked_destination_is_tried_when_an_operator_says_so() {
    let (directory, outbox) = with(&[]);
    let parked = Wait {
        until_ms: Some(9_000),
        parked_at_ms: Some(5),
        reason: Some("not_in_channel".to_owned()),
    };
    outbox.set_wait("ops", &parked, 5).unwrap();
    let beside = Outbox::beside(directory.path()).unwrap();
    assert_eq!(beside.destinations().unwrap(), ["ops"]);
    assert!(beside.retry("ops", 6).unwrap() && !beside.retry("quick", 6).unwrap());
    assert_eq!(outbox.wait("ops").unwrap().until_ms, None);
    assert!(Outbox::beside(&directory.path().join("none")).is_err());
}
