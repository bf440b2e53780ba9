//! Killed again and again, with a Slack that fails now and then: nothing is lost, and what comes twice is bounded.

use std::collections::BTreeSet;

use super::world::{Killer, Point, World, bot, many, seconds, webhook};
use super::*;
use crate::notify::random::Random;

const SEEDS: u64 = 10;
const NOTICES: u64 = 12;

struct Ended {
    duplicates: u64,
    /// Kills after the request was on its way.
    ambiguous: u64,
    /// Answers that Slack's side lost.
    lost: u64,
}

/// Everything is told at least once.
fn survive(
    destination: Destination,
    seed: u64,
    points: &'static [Point],
    faults: &[&str],
) -> Ended {
    let mut world = World::new(vec![destination]);
    world.slack.faults = crate::notify::fake_slack::fault::Faults::new(seed);
    faults.iter().for_each(|fault| world.fault(fault));
    world.killer = Some(Killer {
        random: Random::seeded(seed),
        points,
        killed: Vec::new(),
    });
    world.store(&many("ops", NOTICES));
    world.run(seconds(3_000));
    let told: BTreeSet<_> = world
        .slack
        .log
        .iter()
        .filter_map(|accepted| accepted.delivery_id.clone())
        .collect();
    assert_eq!(told.len() as u64, NOTICES, "seed {seed}");
    assert_eq!(
        world.outbox().standing("ops").unwrap().queued,
        0,
        "seed {seed}"
    );
    let killed = &world.killer.as_ref().unwrap().killed;
    Ended {
        duplicates: world.slack.counters.duplicates,
        ambiguous: killed
            .iter()
            .filter(|point| **point == Point::Asked)
            .count() as u64,
        lost: world.slack.counters.faults,
    }
}

#[test]
fn killed_at_any_point_loses_nothing_and_repeats_only_what_was_on_its_way() {
    let all = &[Point::Sending, Point::Asked, Point::Answered];
    let mut kills = 0;
    for seed in 0..SEEDS {
        let ended = survive(bot("ops", UnknownPolicy::Resend), seed, all, &[]);
        assert!(ended.duplicates <= ended.ambiguous, "seed {seed}");
        kills += ended.ambiguous;
    }
    assert!(kills > 3, "{kills} kills prove little");
}

#[test]
fn killed_outside_of_the_exchange_repeats_nothing() {
    let outside = &[Point::Sending, Point::Answered];
    for seed in 0..SEEDS {
        let ended = survive(bot("ops", UnknownPolicy::Resend), seed, outside, &[]);
        assert_eq!(ended.duplicates, 0, "seed {seed}");
    }
}

#[test]
fn looking_into_the_channel_leaves_no_repeat_at_all() {
    let all = &[Point::Sending, Point::Asked, Point::Answered];
    let faults = [
        "429=2%5",
        "status=503%5",
        "status=500%5",
        "drop%10",
        "hang%3",
        "refuse%3",
    ];
    for seed in 0..SEEDS {
        let ended = survive(bot("ops", UnknownPolicy::Reconcile), seed, all, &faults);
        assert_eq!(ended.duplicates, 0, "seed {seed}");
    }
}

#[test]
fn a_webhook_of_a_failing_slack_repeats_no_more_than_answers_were_lost() {
    let all = &[Point::Sending, Point::Asked, Point::Answered];
    for seed in 0..SEEDS {
        let ended = survive(webhook("ops"), seed, all, &["429=2%5", "drop%10", "hang%3"]);
        assert!(
            ended.duplicates <= ended.ambiguous + ended.lost,
            "seed {seed}"
        );
    }
}
