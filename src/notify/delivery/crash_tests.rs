//! Killed again and again, with a Slack that fails now and then: nothing is lost, and what comes twice is bounded.

use std::collections::BTreeSet;

use super::world::{Killer, Point, World, bot, many, seconds, webhook};
use super::*;
use crate::notify::random::Random;

const SEEDS: u64 = 10;
const NOTICES: u64 = 12;
/// What ends: the process, or the machine.
const KILL: bool = false;
const POWER_CUT: bool = true;

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
    (points, cuts_power): (&'static [Point], bool),
    faults: &[&str],
) -> Ended {
    let mut world = World::new(vec![destination]);
    world.slack.faults = crate::notify::fake_slack::fault::Faults::new(seed);
    faults.iter().for_each(|fault| world.fault(fault));
    world.killer = Some(Killer {
        random: Random::seeded(seed),
        points,
        cuts_power,
        killed: Vec::new(),
    });
    world.store(&many("ops", NOTICES));
    world.sync();
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
        let ended = survive(bot("ops", UnknownPolicy::Resend), seed, (all, KILL), &[]);
        assert!(ended.duplicates <= ended.ambiguous, "seed {seed}");
        kills += ended.ambiguous;
    }
    assert!(kills > 3, "{kills} kills prove little");
}

#[test]
fn killed_outside_of_the_exchange_repeats_nothing() {
    let outside = &[Point::Sending, Point::Answered];
    for seed in 0..SEEDS {
        let ended = survive(
            bot("ops", UnknownPolicy::Resend),
            seed,
            (outside, KILL),
            &[],
        );
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
        let ended = survive(
            bot("ops", UnknownPolicy::Reconcile),
            seed,
            (all, KILL),
            &faults,
        );
        assert_eq!(ended.duplicates, 0, "seed {seed}");
    }
}

#[test]
fn a_webhook_of_a_failing_slack_repeats_no_more_than_answers_were_lost() {
    let all = &[Point::Sending, Point::Asked, Point::Answered];
    for seed in 0..SEEDS {
        let ended = survive(
            webhook("ops"),
            seed,
            (all, KILL),
            &["429=2%5", "drop%10", "hang%3"],
        );
        assert!(
            ended.duplicates <= ended.ambiguous + ended.lost,
            "seed {seed}"
        );
    }
}

#[test]
fn after_a_power_cut_a_look_finds_what_was_sent_without_a_mark_on_disk() {
    let all = &[Point::Sending, Point::Asked, Point::Answered];
    let mut cuts = 0;
    for seed in 0..SEEDS {
        let destination = bot("ops", UnknownPolicy::Reconcile);
        let ended = survive(destination, seed, (all, POWER_CUT), &["drop%10"]);
        assert_eq!(ended.duplicates, 0, "seed {seed}");
        cuts += ended.ambiguous;
    }
    assert!(cuts > 3, "{cuts} power cuts prove little");
}

#[test]
fn after_a_power_cut_a_webhook_says_what_may_be_a_repeat() {
    for seed in 0..SEEDS {
        let (points, cut) = (&[Point::Asked], POWER_CUT);
        let ended = survive(webhook("ops"), seed, (points, cut), &[]);
        // The one whose mark was lost, and the one before it, whose answer was.
        assert!(ended.duplicates <= 2 * ended.ambiguous, "seed {seed}");
    }
}

#[test]
fn a_doubt_after_a_power_cut_outlives_an_outbox_that_takes_nothing() {
    let mut world = World::new(vec![bot("ops", UnknownPolicy::Reconcile)]);
    world.store(&many("ops", 1));
    world.sync();
    world.advance(seconds(1));
    world.cut_power();
    let file = rusqlite::Connection::open(world.directory.path().join("outbox.db")).unwrap();
    let refuse =
        "CREATE TRIGGER refuse BEFORE UPDATE ON notice BEGIN SELECT raise(ABORT, 'no'); END";
    file.execute_batch(refuse).unwrap();
    let outbox = world.outbox.as_ref().unwrap();
    let lane = &mut world.lanes[0];
    lane.next(outbox, &mut world.paces, world.now).unwrap_err();
    file.execute_batch("DROP TRIGGER refuse").unwrap();
    let step = lane.next(outbox, &mut world.paces, world.now).unwrap();
    let Step::Send { request, .. } = step else {
        panic!("there is a notice");
    };
    assert!(matches!(request, Request::Look(_)), "{request:?}");
}

#[test]
fn what_a_power_cut_takes_and_the_stream_brings_again_is_found_in_the_channel() {
    for policy in [UnknownPolicy::Reconcile, UnknownPolicy::Resend] {
        let mut world = World::new(vec![bot("ops", policy)]);
        world.sync();
        world.store(&many("ops", 1));
        let Step::Send { request, .. } = world.lanes[0]
            .next(world.outbox.as_ref().unwrap(), &mut world.paces, world.now)
            .unwrap()
        else {
            panic!("there is a notice");
        };
        world.ask(0, &request);
        world.cut_power();
        world.store(&many("ops", 3));
        world.run(seconds(60));
        let log = world.slack.log.iter();
        let repeats = log.filter(|accepted| accepted.body.to_string().contains("possible repeat"));
        let repeats = repeats.count();
        let (sent, said) = match policy {
            UnknownPolicy::Resend => (4, 1),
            UnknownPolicy::Reconcile | UnknownPolicy::Hold => (3, 0),
        };
        assert_eq!((world.slack.log.len(), repeats), (sent, said), "{policy:?}");
    }
}
