//! Slack is away for an hour while 20,000 changes match, and then says "too fast" again and again: on a virtual clock.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::world::{World, bot};
use super::*;
use crate::notify::collapse::Candidate;
use crate::notify::config::NotifyFile;
use crate::notify::noise::{Decision, Noise, NoiseState};
use crate::notify::notice::{Content, Money};
use crate::notify::outbox::Intake;
use crate::notify::sample::notice;
use crate::postgres::Lsn;

const CHANGES: u64 = 20_000;
/// Of the hour; what was committed in one is stored together.
const STEPS: u64 = 360;
const STEP: Duration = Duration::from_secs(10);
/// They share a channel and a token, and so their limits.
const DESTINATIONS: [&str; 2] = ["ops", "desk"];
const CURRENCIES: [&str; 2] = ["USD", "GBP"];

const FILE: &str = r#"
[notify]
state_dir = "/nowhere"
[notify.expose]
"public.transactions" = { transaction_id = "plain", status = "plain" }
[destination.ops]
kind = "slack_bot"
token = { env = "TOKEN" }
channel = "C1"
[destination.desk]
kind = "slack_bot"
token = { env = "TOKEN" }
channel = "C1"
[[rule]]
name = "failed"
table = "public.transactions"
column = "status"
to_dest = ["ops", "desk"]
"#;

#[test]
fn what_happened_while_slack_was_away_is_told_in_digests_at_the_pace_that_slack_wants() {
    let mut world = World::new(
        DESTINATIONS
            .map(|name| bot(name, UnknownPolicy::Reconcile))
            .to_vec(),
    );
    let mut flood = Flood::new();
    world.is_away = true;
    for step in 1..=STEPS {
        world.run(STEP);
        flood.commit(&world, CHANGES * step / STEPS);
    }
    let tries = world.requests.len();
    assert!(tries < 120, "{tries} requests to a Slack that is away");
    let (kept, bytes) = (world.outbox().bytes().unwrap(), world.disk_bytes());
    assert!(kept < 1 << 20, "{kept} bytes for {CHANGES} changes");
    assert!(bytes < 12 << 20, "{bytes} bytes with the log");

    world.is_away = false;
    world.fault("429=1*200");
    for _ in 0..STEPS / 2 {
        world.run(STEP);
        flood.commit(&world, CHANGES);
    }
    let times: Vec<_> = world.requests[tries..].iter().map(|(at, _)| *at).collect();
    for pair in times[1..].windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(999), "{pair:?}");
    }
    let mut sums = [0; 2];
    let told: u64 = world.texts().iter().map(|text| told(text, &mut sums)).sum();
    assert_eq!(told, 2 * CHANGES);
    assert_eq!(sums, flood.cents.map(|cents| 2 * cents));
    assert_eq!(world.slack.counters.duplicates, 0);
    assert_eq!(world.slack.counters.rate_limited, 200);
    assert!(world.slack.log.len() < 60, "{:#?}", world.texts());
}

/// The commits of an hour, with the noise rules before the outbox.
struct Flood {
    noise: Noise,
    number: u64,
    /// By currency, for each destination.
    cents: [u64; 2],
}

impl Flood {
    fn new() -> Self {
        Self {
            noise: Noise::new(&NotifyFile::parse(FILE).unwrap(), NoiseState::default()),
            number: 0,
            cents: [0; 2],
        }
    }

    /// As many commits as make it `number`, and what is due.
    fn commit(&mut self, world: &World, number: u64) {
        let now = Timestamp::from_millisecond(world.now.wall_ms()).unwrap();
        let mut notices = self.noise.due(now);
        while self.number < number {
            self.number += 1;
            for candidate in self.change() {
                match self.noise.decide(candidate, now) {
                    Decision::Send(notice) => notices.push(notice),
                    Decision::Held { .. } => {}
                    decision @ (Decision::Repeated(_) | Decision::Muted { .. }) => {
                        panic!("{decision:?}")
                    }
                }
            }
        }
        let noise = self.noise.state.take_changes().unwrap();
        let intake = Intake {
            source: "s",
            watermark: Some(Lsn(u64::try_from(world.now.wall_ms()).unwrap())),
            notices: &notices,
            untold: &[],
            noise: &noise,
            states: &HashMap::new(),
        };
        world.outbox().store(intake, world.now.wall_ms()).unwrap();
    }

    fn change(&mut self) -> Vec<Candidate> {
        let cents = 1_000 + self.number * 7_919 % 99_001;
        let at = usize::from(self.number.is_multiple_of(3));
        self.cents[at] += cents;
        let money = Money {
            amount: format!("{}.{:02}", cents / 100, cents % 100)
                .parse()
                .unwrap(),
            currency: CURRENCIES[at].to_owned(),
        };
        let candidate = |destination| {
            let mut notice = notice(destination, &self.number.to_string(), self.number);
            let Content::Change(change) = &mut notice.content else {
                panic!("a change");
            };
            change.amount = Some(money.clone());
            Candidate {
                notice,
                identity: Some(self.number.to_string()),
                rule: 0,
            }
        };
        DESTINATIONS.map(candidate).to_vec()
    }
}

/// How many changes a message tells of; its amounts, in cents, are added by currency.
fn told(text: &str, cents: &mut [u64; 2]) -> u64 {
    let words: Vec<_> = text.split(' ').collect();
    let mut count = 1;
    for pair in words.windows(2) {
        let number = || pair[0].replace([',', '.'], "").parse::<u64>().unwrap();
        let currency = pair[1].trim_end_matches(',');
        if let Some(at) = CURRENCIES.iter().position(|known| *known == currency) {
            cents[at] += number();
        } else if currency == "changes" || currency == "change" {
            count = number();
        }
    }
    count
}
