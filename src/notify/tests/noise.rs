//! Floods, repeats, mutes and quiet hours: everything is told once, or counted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::notify::noise::{Decision, Held, Mute, Noise, NoiseChanges, NoiseState};
use crate::notify::notice::{Content, Notice};
use crate::notify::quiet::QuietHours;

const START: &str = "2026-11-22T10:00:00Z";

fn at(seconds: f64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs_f64(seconds)
}

fn noise(rule: &str, quiet: &str) -> (TableRules, Noise) {
    let text = format!(
        "{}{FAILED}{rule}\n",
        HEAD.replace("channel =", &format!("{quiet}\nchannel ="))
    );
    let file = NotifyFile::parse(&text).unwrap();
    let (rules, problems) = compile_for(&file, &relation(ReplicaIdentity::Full), "");
    assert_eq!(problems, []);
    (rules.unwrap(), Noise::new(&file, NoiseState::default()))
}

/// One commit that changes one row's status.
fn step(rules: &TableRules, id: &str, from: &str, lsn: u64) -> Candidate {
    let (old, new) = (
        transaction(id, from, "0.10", "USD"),
        transaction(id, "FAILED", "0.10", "USD"),
    );
    let mut matches = CommitMatches::default();
    matches.change(rules, &mut LastStates::default(), &update(&old, &new));
    matches
        .commit(commit_at(lsn, START), &origin())
        .candidates
        .remove(0)
}

fn sum(notice: &Notice) -> String {
    match &notice.content {
        Content::Change(change) => change.amount.as_ref().unwrap().amount.to_string(),
        Content::Digest(digest) => digest.sums[0].total.to_string(),
    }
}

#[test]
fn a_flood_of_commits_is_three_messages_and_then_a_digest_a_window() {
    let (rules, mut noise) = noise("", "");
    let (mut single, mut digests) = (0_u64, Vec::new());
    for number in 0..50_000_u32 {
        let now = at(f64::from(number) * 60.0 / 50_000.0);
        for digest in noise.due(now) {
            digests.push((now, digest));
        }
        match noise.decide(
            step(
                &rules,
                &number.to_string(),
                "PENDING",
                u64::from(number) + 1,
            ),
            now,
        ) {
            Decision::Send(_) => {
                single += 1;
                assert!(number < 3, "only the leading edge goes at once");
            }
            Decision::Held {
                why: Held::Window, ..
            } => {}
            decision @ (Decision::Held { .. } | Decision::Repeated(_) | Decision::Muted { .. }) => {
                panic!("{decision:?}")
            }
        }
    }
    while let Some(next) = noise.next_due(at(60.0)) {
        digests.extend(noise.due(next).into_iter().map(|digest| (next, digest)));
    }
    assert_eq!(single, 3);
    let counted: u64 = digests.iter().map(|(_, digest)| digest.count()).sum();
    assert_eq!(single + counted, 50_000);
    let waits: Vec<_> = digests
        .windows(2)
        .map(|pair| pair[1].0.duration_since(pair[0].0).as_secs())
        .collect();
    assert_eq!(waits, [20, 40], "windows of 10, 20 and 40 s");
    let total: f64 = digests
        .iter()
        .map(|(_, digest)| sum(digest).parse::<f64>().unwrap())
        .sum();
    assert!((total - 4_999.7).abs() < 1e-6, "{total}");
}

#[test]
fn a_window_keeps_as_many_of_the_greatest_amounts_as_the_rule_says() {
    let (rules, mut noise) = noise("collapse = { burst = 1, window = \"10s\", top = 7 }", "");
    for number in 1..=20 {
        noise.decide(
            step(&rules, &number.to_string(), "PENDING", number),
            at(1.0),
        );
    }
    let [digest] = noise.due(at(12.0)).try_into().unwrap();
    let Content::Digest(digest) = digest.content else {
        panic!("{:?} is no digest", digest.content)
    };
    assert_eq!((digest.count, digest.sums[0].top.len()), (19, 7));
}

#[test]
fn after_a_quiet_window_messages_go_at_once_again() {
    let (rules, mut noise) = noise("collapse = { burst = 1, window = \"10s\" }", "");
    let mut decide = |seconds: f64, lsn| {
        let due = noise.due(at(seconds));
        let sent = matches!(
            noise.decide(step(&rules, "a", "PENDING", lsn), at(seconds)),
            Decision::Send(_)
        );
        (due.len(), sent)
    };
    assert_eq!(decide(0.0, 1), (0, true));
    assert_eq!(decide(1.0, 2), (0, false));
    assert_eq!(
        decide(10.0, 3),
        (1, false),
        "the digest was this window's message"
    );
    assert_eq!(decide(30.0, 4), (1, false));
    assert_eq!(decide(70.5, 5), (1, false));
    assert_eq!(decide(1_000.0, 6), (1, false));
    assert_eq!(decide(2_000.0, 7), (1, false));
    assert_eq!(noise.due(at(2_300.0)).len(), 1);
    assert!(noise.due(at(2_600.1)).is_empty());
    assert!(matches!(
        noise.decide(step(&rules, "a", "PENDING", 8), at(2_601.0)),
        Decision::Send(_)
    ));
}

#[test]
fn the_state_survives_a_restart() {
    let (rules, mut noise) = noise("collapse = { burst = 1 }\ndedupe = \"1h\"", "");
    for (lsn, id) in ["a", "b", "c"].iter().enumerate() {
        noise.decide(step(&rules, id, "PENDING", lsn as u64 + 1), at(0.0));
    }
    let stored = noise.state.take_changes().unwrap();
    assert_eq!(stored.len(), 1 + 3, "a window and three changes");
    assert_eq!(noise.state.take_changes().unwrap(), NoiseChanges::new());
    let stored = stored.into_iter().map(|(key, json)| (key, json.unwrap()));
    noise.state = NoiseState::load(stored).unwrap();
    let due = noise.due(at(10.0));
    assert_eq!((due.len(), due[0].count()), (1, 2));
    assert!(matches!(
        noise.decide(step(&rules, "a", "PENDING", 9), at(11.0)),
        Decision::Repeated(_)
    ));
    // What is not told any more is not stored any more: the window, once the flood is over, and what was told an hour ago.
    assert!(noise.due(at(3_700.0)).is_empty());
    noise.forget(at(3_700.0));
    let gone = noise.state.take_changes().unwrap();
    let gone: Vec<_> = gone.into_values().map(|json| json.is_some()).collect();
    assert_eq!(gone, [true, false, false, false], "one was repeated");
}

#[test]
fn what_is_stored_does_not_grow_with_the_windows_that_are_open() {
    let (rules, mut noise) = noise("collapse = { burst = 1 }\ndedupe = \"1h\"", "");
    for number in 0..10_000_u32 {
        let mut candidate = step(&rules, &number.to_string(), "PENDING", u64::from(number));
        candidate.notice.destination = format!("ops-{number}");
        noise.decide(candidate, at(0.0));
    }
    assert_eq!(noise.state.take_changes().unwrap().len(), 20_000);
    let candidate = step(&rules, "a", "PENDING", 20_000);
    assert!(matches!(
        noise.decide(candidate, at(1.0)),
        Decision::Send(_)
    ));
    assert!(noise.due(at(1.0)).is_empty());
    noise.forget(at(1.0));
    assert_eq!(noise.state.take_changes().unwrap().len(), 2);
}

#[test]
fn an_equal_change_of_the_same_key_is_told_once_an_hour_and_counted() {
    let (rules, mut noise) = noise("dedupe = \"1h\"\ncollapse = { burst = 100 }", "");
    let mut decide =
        |id: &str, from: &str, seconds: f64| noise.decide(step(&rules, id, from, 1), at(seconds));
    assert!(matches!(decide("a", "B", 0.0), Decision::Send(notice) if notice.repeats == 0));
    assert!(matches!(decide("a", "B", 60.0), Decision::Repeated(_)));
    assert!(
        matches!(decide("a", "C", 61.0), Decision::Send(_)),
        "another step"
    );
    assert!(
        matches!(decide("b", "B", 62.0), Decision::Send(_)),
        "another row"
    );
    assert!(matches!(decide("a", "B", 3_599.9), Decision::Repeated(_)));
    assert!(matches!(decide("a", "B", 3_600.0), Decision::Send(notice) if notice.repeats == 2));
    assert!(matches!(decide("a", "B", 3_700.0), Decision::Repeated(_)));
}

fn mute(rule: Option<&str>, key: Option<&str>, seconds: f64) -> Mute {
    Mute {
        id: 7,
        rule: rule.map(str::to_owned),
        key: key.map(str::to_owned),
        until: at(seconds),
        by: "sam".to_owned(),
        why: "known".to_owned(),
    }
}

#[test]
fn mutes_hold_for_their_rule_and_key_until_they_expire() {
    let (rules, mut noise) = noise("collapse = { burst = 100 }", "");
    let queued = step(&rules, "a", "PENDING", 1);
    noise.set_mutes(vec![
        mute(Some("failed"), Some("a"), 7_200.0),
        mute(Some("other"), None, 7_200.0),
    ]);
    assert!(matches!(
        noise.decide(step(&rules, "a", "PENDING", 2), at(1.0)),
        Decision::Muted { mute: 7, .. }
    ));
    assert!(matches!(
        noise.decide(step(&rules, "b", "PENDING", 3), at(1.0)),
        Decision::Send(_)
    ));
    assert_eq!(
        noise.mute_of(&queued.notice, queued.identity.as_deref(), at(2.0)),
        Some(7),
        "what was queued before it, too"
    );
    assert!(
        matches!(
            noise.decide(step(&rules, "a", "PENDING", 4), at(7_200.0)),
            Decision::Send(_)
        ),
        "it expired"
    );
    noise.set_mutes(vec![mute(None, None, 9_000.0)]);
    assert!(matches!(
        noise.decide(step(&rules, "b", "PENDING", 5), at(8_000.0)),
        Decision::Muted { .. }
    ));
    noise.set_mutes(Vec::new());
    assert!(matches!(
        noise.decide(step(&rules, "b", "PENDING", 6), at(8_000.0)),
        Decision::Send(_)
    ));
}

const LONDON: &str = "quiet = { tz = \"Europe/London\", from = \"22:00\", to = \"07:00\", break_through = [\"critical\"] }";

#[test]
fn quiet_hours_hold_and_summarise_and_let_the_critical_through() {
    let (rules, mut noise) = noise("", LONDON);
    // A Saturday night in which the clocks go forward: 07:00 is 06:00 UTC.
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    assert!(matches!(
        noise.decide(
            step(&rules, "a", "PENDING", 1),
            time("2026-03-28T21:59:59Z")
        ),
        Decision::Send(_)
    ));
    for (lsn, text) in [
        "2026-03-28T22:00:00Z",
        "2026-03-29T00:30:00Z",
        "2026-03-29T05:59:59Z",
    ]
    .iter()
    .enumerate()
    {
        let decision = noise.decide(step(&rules, "a", "PENDING", lsn as u64 + 2), time(text));
        assert!(
            matches!(
                decision,
                Decision::Held {
                    why: Held::Quiet,
                    ..
                }
            ),
            "{decision:?}"
        );
        assert!(noise.due(time(text)).is_empty());
    }
    let mut critical = step(&rules, "a", "PENDING", 9);
    critical.notice.severity = crate::notify::notice::Severity::Critical;
    assert!(matches!(
        noise.decide(critical, time("2026-03-29T03:00:00Z")),
        Decision::Send(_)
    ));
    assert_eq!(
        noise.next_due(time("2026-03-29T03:00:00Z")),
        Some(time("2026-03-29T06:00:00Z"))
    );
    let due = noise.due(time("2026-03-29T06:00:00Z"));
    assert_eq!(
        (due.len(), due[0].count(), sum(&due[0])),
        (1, 3, "0.30".to_owned())
    );
    assert!(noise.due(time("2026-03-29T06:00:01Z")).is_empty());
}

#[test]
fn quiet_hours_follow_the_wall_clock() {
    let hours = |from: &str, to: &str| {
        let quiet = crate::notify::config::Quiet {
            tz: "Europe/London".to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            break_through: Vec::new(),
        };
        QuietHours::new(&quiet).unwrap()
    };
    let end = |hours: &QuietHours, text: &str| {
        hours.end(text.parse().unwrap()).map(|end| end.to_string())
    };
    let night = hours("22:00", "07:00");
    for (now, expected) in [
        ("2026-01-10T21:59:59Z", None),
        ("2026-01-10T22:00:00Z", Some("2026-01-11T07:00:00Z")),
        ("2026-01-11T06:59:59Z", Some("2026-01-11T07:00:00Z")),
        ("2026-01-11T07:00:00Z", None),
        // Summer time: an hour earlier in UTC.
        ("2026-07-10T21:00:00Z", Some("2026-07-11T06:00:00Z")),
        // The night that has an hour more, and the one that has one less.
        ("2026-10-24T21:00:00Z", Some("2026-10-25T07:00:00Z")),
        ("2026-03-28T22:00:00Z", Some("2026-03-29T06:00:00Z")),
    ] {
        assert_eq!(end(&night, now).as_deref(), expected, "{now}");
    }
    let day = hours("12:00", "13:00");
    assert_eq!(
        end(&day, "2026-01-10T12:30:00Z").as_deref(),
        Some("2026-01-10T13:00:00Z")
    );
    assert_eq!(end(&day, "2026-01-10T13:00:00Z"), None);
    // 01:30 does not exist on 29 March, and exists twice on 25 October.
    let gap = hours("22:00", "01:30");
    assert_eq!(
        end(&gap, "2026-03-29T00:00:00Z").as_deref(),
        Some("2026-03-29T01:30:00Z")
    );
    assert_eq!(
        end(&gap, "2026-10-25T00:00:00Z").as_deref(),
        Some("2026-10-25T00:30:00Z")
    );
    assert_eq!(end(&gap, "2026-10-25T00:45:00Z"), None);
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_for_ever() {
    let (rules, mut noise) = noise(
        "collapse = { burst = 1, window = \"10s\" }\ndedupe = \"1h\"",
        "",
    );
    noise.decide(step(&rules, "a", "PENDING", 1), at(3_600.0));
    assert!(matches!(
        noise.decide(step(&rules, "b", "PENDING", 2), at(3_601.0)),
        Decision::Held { .. }
    ));
    assert_eq!(noise.due(at(0.0)).len(), 1);
}

#[test]
fn the_age_of_what_was_held_counts_from_its_release_and_is_never_negative() {
    let (rules, mut noise) = noise("", "");
    let mut sent = None;
    for number in 0..4 {
        let candidate = step(&rules, &number.to_string(), "PENDING", number + 1);
        if let Decision::Send(notice) = noise.decide(candidate, at(0.0)) {
            sent = Some(notice);
        }
    }
    let sent = sent.unwrap();
    let committed_at = sent.commit.committed_at;
    let second = Duration::from_secs(1);
    assert_eq!(sent.age(committed_at + second), second);
    assert_eq!(sent.age(committed_at - second), Duration::ZERO);
    let end = noise.next_due(at(0.0)).unwrap();
    let digest = &noise.due(end)[0];
    assert_eq!(digest.age(end + second), second);
}
