//! Lanes against the fake Slack, on a virtual clock.

use std::time::Duration;

use super::world::{World, bot, many, seconds, webhook};
use super::*;
use crate::notify::notice::{Content, ConversationMode};
use crate::notify::outbox::State;
use crate::notify::sample::{in_conversation, notice};

#[test]
fn too_fast_once_is_one_message_later_and_no_attempt() {
    for destination in [bot("ops", UnknownPolicy::Resend), webhook("ops")] {
        let mut world = World::new(vec![destination]);
        world.fault("429=3*1");
        world.store(&many("ops", 1));
        world.run(seconds(10));
        assert_eq!(world.slack.log.len(), 1);
        let (refused, accepted) = (world.requests[0].0, world.requests[1].0);
        assert!(accepted - refused >= seconds(3), "{:?}", accepted - refused);
        let sent = world.outbox().list(State::Sent, 10).unwrap();
        assert_eq!(sent[0].attempts, 1);
        assert_eq!(world.counters().rate_limited, 1);
    }
}

#[test]
fn a_storm_of_429_loses_nothing_and_never_exceeds_the_pace() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
    world.fault("429=1*200");
    world.store(&many("ops", 500));
    world.run(seconds(1_200));
    assert_eq!(world.slack.log.len(), 500);
    assert_eq!(world.slack.counters.duplicates, 0);
    assert_eq!(world.counters().rate_limited, 200);
    let times: Vec<_> = world.requests.iter().map(|(at, _)| *at).collect();
    for pair in times[1..].windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(999), "{pair:?}");
    }
}

#[test]
fn retry_after_has_a_default_a_floor_and_a_cap() {
    for (fault, least, most) in [
        ("429*1", 30, 34),
        ("429=0*1", 1, 3),
        ("429=soon*1", 30, 34),
        ("429=86400*1", 900, 1_000),
    ] {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
        world.fault(fault);
        world.store(&many("ops", 1));
        world.run(seconds(2_000));
        let wait = world.requests[1].0 - world.requests[0].0;
        assert!(
            wait >= seconds(least) && wait <= seconds(most),
            "{fault}: {wait:?}"
        );
        assert_eq!(
            world.counters().waits_cut,
            u64::from(fault == "429=86400*1")
        );
    }
}

#[test]
fn a_wait_survives_a_restart() {
    let destinations = [bot("ops", UnknownPolicy::Resend)];
    let mut world = World::new(destinations.to_vec());
    world.fault("429=60*1");
    world.store(&many("ops", 1));
    world.run(seconds(5));
    world.restart(&destinations);
    world.run(seconds(50));
    assert_eq!(world.requests.len(), 1);
    world.run(seconds(20));
    assert_eq!(world.slack.log.len(), 1);
}

#[test]
fn the_word_ratelimited_in_a_success_is_a_wait_too() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
    world.fault("error=ratelimited*1");
    world.store(&many("ops", 1));
    world.run(seconds(40));
    assert_eq!(world.slack.log.len(), 1);
    assert_eq!(world.counters().rate_limited, 1);
}

#[test]
fn a_hanging_channel_holds_up_no_other_lane() {
    let mut world = World::new(vec![webhook("slow"), webhook("quick")]);
    world.fault("hang@slow");
    world.store(&many("slow", 1));
    world.store(&many("quick", 3));
    world.run(seconds(120));
    assert_eq!(world.slack.log.len(), 3);
    assert!(world.lanes[0].counters.unknown > 0);
}

#[test]
fn a_lost_answer_is_a_marked_repeat_or_found_again_or_held() {
    let lost = |destination: Destination| {
        let mut world = World::new(vec![destination]);
        world.fault("drop*1");
        world.store(&many("ops", 3));
        world.run(seconds(120));
        world
    };
    let resent = lost(bot("ops", UnknownPolicy::Resend));
    assert_eq!(resent.slack.counters.duplicates, 1);
    assert_eq!(resent.counters().repeated, 1);
    assert!(
        resent.slack.log[1]
            .body
            .to_string()
            .contains("possible repeat")
    );
    assert!(
        !resent.slack.log[2]
            .body
            .to_string()
            .contains("possible repeat")
    );

    let found = lost(bot("ops", UnknownPolicy::Reconcile));
    assert_eq!(
        (found.slack.log.len(), found.slack.counters.duplicates),
        (3, 0)
    );
    assert_eq!(found.counters().found, 1);

    let held = lost(bot("ops", UnknownPolicy::Hold));
    assert_eq!(
        (held.slack.log.len(), held.slack.counters.duplicates),
        (3, 0)
    );
    assert_eq!(held.outbox().list(State::Held, 10).unwrap().len(), 1);
}

#[test]
fn a_destination_that_closes_before_the_look_is_looked_into_when_it_opens() {
    for word in ["revoked", "archived", "redirect"] {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Reconcile)]);
        world.fault("drop*1");
        world.fault(&format!("{word}*1@conversations.history"));
        world.store(&many("ops", 2));
        world.run(seconds(600));
        assert_eq!(
            (world.slack.log.len(), world.slack.counters.duplicates),
            (2, 0),
            "{word}"
        );
        assert_eq!((world.counters().parked, world.counters().found), (1, 1));
        assert!(!world.counters().is_parked);
    }
}

#[test]
fn what_never_arrived_is_sent_again_after_two_looks() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Reconcile)]);
    world.fault("hang*1");
    world.store(&many("ops", 1));
    world.run(seconds(120));
    assert_eq!(
        (world.slack.log.len(), world.slack.counters.duplicates),
        (1, 0)
    );
    // The post, two looks, the post.
    assert_eq!(world.requests.len(), 4);
    assert!(
        !world.slack.log[0]
            .body
            .to_string()
            .contains("possible repeat")
    );
}

#[test]
fn a_closed_destination_keeps_its_queue_and_opens_by_itself() {
    for fault in [
        "revoked",
        "archived",
        "error=not_in_channel",
        "error=no_service",
        "redirect",
    ] {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
        world.fault(fault);
        world.store(&many("ops", 4));
        world.run(seconds(1_000));
        assert_eq!(world.counters().parked, 1, "{fault}: one alarm");
        assert_eq!(
            world.requests.len(),
            4,
            "{fault}: the first and a probe each five minutes"
        );
        assert_eq!(world.outbox().standing("ops").unwrap().queued, 4);
        world.slack.faults.clear();
        world.run(seconds(320));
        assert_eq!(world.slack.log.len(), 4, "{fault}");
        assert!(!world.counters().is_parked);
        assert!(world.counters().dead.is_empty());
    }
}

#[test]
fn a_parked_destination_is_parked_after_a_restart_and_tried_at_once() {
    let destinations = [bot("ops", UnknownPolicy::Resend)];
    let mut world = World::new(destinations.to_vec());
    world.fault("revoked");
    world.store(&many("ops", 1));
    world.run(seconds(5));
    world.restart(&destinations);
    assert!(world.counters().is_parked);
    world.slack.faults.clear();
    world.run(seconds(5));
    assert_eq!(world.slack.log.len(), 1);
}

#[test]
fn refused_blocks_are_tried_once_as_text_and_then_given_up() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
    world.fault("error=invalid_blocks*1");
    world.store(&many("ops", 1));
    world.run(seconds(10));
    assert_eq!(world.slack.log.len(), 1);
    assert!(world.slack.log[0].body["attachments"].is_null());

    world.fault("error=invalid_blocks*2");
    world.store(&[notice("ops", "x", 50), notice("ops", "y", 51)]);
    world.run(seconds(10));
    assert_eq!(world.slack.log.len(), 2, "the next one flows");
    let dead = world.outbox().list(State::Dead, 10).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason.as_deref(), Some("invalid_blocks"));
    assert_eq!(world.counters().dead["invalid_blocks"], 1);
}

#[test]
fn an_unknown_word_ends_as_other() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
    world.fault("error=who_knows*2");
    world.store(&many("ops", 1));
    world.run(seconds(10));
    assert_eq!(world.counters().dead["other"], 1);
}

#[test]
fn a_conversation_is_a_thread_or_an_edited_message_or_both() {
    let told = |mode| {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
        let told = (1..=3).map(|number| in_conversation(notice("ops", "a", number), mode, "a"));
        world.store(&told.collect::<Vec<_>>());
        world.run(seconds(60));
        let replies = world
            .slack
            .posted
            .iter()
            .filter(|posted| posted.thread_ts.is_some());
        let edits: u32 = world.slack.posted.iter().map(|posted| posted.edits).sum();
        (world.slack.posted.len(), replies.count(), edits)
    };
    assert_eq!(told(ConversationMode::Flat), (3, 0, 0));
    assert_eq!(told(ConversationMode::Thread), (3, 2, 0));
    // Both wait when the root is there: only the latest is told.
    assert_eq!(told(ConversationMode::Update), (1, 0, 1));
    assert_eq!(told(ConversationMode::UpdateAndThread), (3, 2, 2));
}

#[test]
fn a_thread_goes_on_after_a_restart() {
    let destinations = [bot("ops", UnknownPolicy::Resend)];
    let mut world = World::new(destinations.to_vec());
    let told = |number| in_conversation(notice("ops", "a", number), ConversationMode::Thread, "a");
    world.store(&[told(1)]);
    world.run(seconds(5));
    world.restart(&destinations);
    world.store(&[told(2)]);
    world.run(seconds(5));
    assert_eq!(
        world.slack.posted[1].thread_ts.as_ref(),
        Some(&world.slack.posted[0].ts)
    );
}

#[test]
fn a_root_that_is_gone_or_locked_is_replaced() {
    let cases = [
        (
            ConversationMode::Update,
            "error=message_not_found*1@chat.update",
        ),
        (
            ConversationMode::Update,
            "error=edit_window_closed*1@chat.update",
        ),
        (
            ConversationMode::Thread,
            "error=restricted_action_thread_locked*1",
        ),
    ];
    for (mode, fault) in cases {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
        let told = |number| in_conversation(notice("ops", "a", number), mode, "a");
        world.store(&[told(1)]);
        world.run(seconds(5));
        world.fault(fault);
        world.store(&[told(2)]);
        world.run(seconds(10));
        assert_eq!(world.slack.posted.len(), 2, "{fault}");
        assert_eq!(world.slack.posted[1].thread_ts, None);
        let root = world.outbox().thread(&told(3)).unwrap().unwrap();
        assert_eq!(root.ts, world.slack.posted[1].ts, "{fault}");
    }
}

#[test]
fn a_jump_of_the_wall_clock_changes_no_pace_and_no_wait() {
    for jump_us in [3_600_000_000_i64, -3_600_000_000] {
        let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
        world.fault("429=5*1");
        world.store(&many("ops", 10));
        world.run(seconds(2));
        world.now.wall_us = world.now.wall_us.checked_add_signed(jump_us).unwrap();
        world.run(seconds(20));
        assert_eq!(world.slack.log.len(), 10);
        let times: Vec<_> = world.requests.iter().map(|(at, _)| *at).collect();
        assert!(times[1] - times[0] >= seconds(5));
        assert!(
            times[10] - times[1] >= Duration::from_millis(8_900),
            "{times:?}"
        );
    }
}

#[test]
fn slack_is_down_for_an_hour_and_everything_arrives_once() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Reconcile)]);
    world.fault("status=503");
    world.store(&many("ops", 40));
    world.run(seconds(3_600));
    assert!(
        world.requests.len() < 60,
        "{} requests to a dead Slack",
        world.requests.len()
    );
    world.slack.faults.clear();
    world.run(seconds(400));
    assert_eq!(
        (world.slack.log.len(), world.slack.counters.duplicates),
        (40, 0)
    );
    assert!(world.texts().iter().all(|text| !text.is_empty()));
}

#[test]
fn an_edited_message_keeps_the_trail_of_its_values() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Resend)]);
    let told = |number, from: &str, to: &str| {
        let mut told = in_conversation(notice("ops", "a", number), ConversationMode::Update, "a");
        let Content::Change(change) = &mut told.content else {
            panic!("a change");
        };
        change.from = Some(from.to_owned());
        change.to = Some(to.to_owned());
        told
    };
    world.store(&[
        told(1, "PENDING", "AUTHORIZED"),
        told(2, "AUTHORIZED", "CAPTURED"),
        told(3, "CAPTURED", "REFUNDED"),
    ]);
    world.run(seconds(60));
    assert_eq!(world.slack.posted.len(), 1);
    let shown = world.slack.posted[0].body.to_string();
    for state in ["PENDING", "AUTHORIZED", "CAPTURED", "REFUNDED"] {
        assert!(shown.contains(state), "{state}: {shown}");
    }
}
