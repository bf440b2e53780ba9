//! The notifier killed with `kill -9` at named points: nothing is lost, and what comes twice was on its way.
//!
//! A child process, this test binary again, fills an outbox and delivers it to a fake Slack of the parent. It kills itself at the
//! point that the seed chose; the next child goes on with its files. `WALSTREET_CRASH_SEEDS=200 cargo test notify_crash` runs
//! more seeds.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use walstreet::notify::clock::Moment;
use walstreet::notify::delivery::{
    Answer, Destination, DestinationKind, Lane, Paces, Request, Step, UnknownPolicy,
};
use walstreet::notify::fake_slack::server::{FakeSlack, listen};
use walstreet::notify::fake_slack::workspace::{Pace, Workspace};
use walstreet::notify::notice::Notice;
use walstreet::notify::outbox::{Capacity, Intake, Outbox};
use walstreet::notify::random::Random;
use walstreet::notify::slack::client::{Connections, SlackClient, Timeouts};
use walstreet::postgres::Lsn;

const NOTICES: u64 = 8;
const CHILD: &str = "WALSTREET_CRASH_CHILD";

/// Where the child dies, by name in the environment.
const POINTS: [&str; 7] = [
    "before fsync",
    "after fsync",
    "after sending",
    "after socket write",
    "after answer",
    "before mark sent",
    "during fold",
];

/// Slack may have taken the message then, and nobody knows.
fn is_in_flight(point: &str) -> bool {
    ["after socket write", "after answer", "before mark sent"].contains(&point)
}

fn seeds() -> u64 {
    let seeds = std::env::var("WALSTREET_CRASH_SEEDS").ok();
    seeds.map_or(20, |seeds| seeds.parse().unwrap())
}

#[test]
fn kill_9_loses_nothing_and_repeats_only_what_was_on_its_way() {
    let mut sum = Ended::default();
    for seed in 0..seeds() {
        let ended = survive(seed, "resend");
        // A lane has one message on its way at most. Where exactly the kill met it, only the kernel knows: the points are near it.
        assert!(ended.duplicates <= ended.kills, "seed {seed}: {ended:?}");
        sum.add(&ended);
    }
    println!("resend: {sum:?}");
    assert!(sum.kills > 0);
}

#[test]
fn kill_9_repeats_nothing_when_the_bot_may_look_into_the_channel() {
    let mut sum = Ended::default();
    for seed in 0..seeds() {
        let ended = survive(seed + 1_000, "reconcile");
        assert_eq!(ended.duplicates, 0, "seed {seed}: {ended:?}");
        sum.add(&ended);
    }
    println!("reconcile: {sum:?}");
    assert!(sum.kills > 0);
}

#[derive(Debug, Default)]
struct Ended {
    kills: u64,
    in_flight: u64,
    duplicates: u64,
    folded: u64,
}

impl Ended {
    fn add(&mut self, other: &Self) {
        self.kills += other.kills;
        self.in_flight += other.in_flight;
        self.duplicates += other.duplicates;
        self.folded += other.folded;
    }
}

/// Children die until one does not; everything is told then.
fn survive(seed: u64, policy: &str) -> Ended {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let pace = Pace {
        interval: Duration::ZERO,
        burst: 1_000,
    };
    let slack = FakeSlack::new(Workspace::new(pace, seed));
    let (port, cancel) = serve(&runtime, &slack);
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random::seeded(seed);
    let mut ended = Ended::default();
    for life in 0..4 {
        let point = POINTS[usize::try_from(random.below(7)).unwrap()];
        let point = if life == 3 { "never" } else { point };
        let status = child(directory.path(), port, policy, point, random.number());
        // What the dead child wrote is read by then; a real one looks five seconds later.
        std::thread::sleep(Duration::from_millis(30));
        if status.success() {
            continue;
        }
        assert_eq!(status.signal(), Some(9), "seed {seed}, {point}");
        ended.kills += 1;
        ended.in_flight += u64::from(is_in_flight(point));
    }
    let outbox = Outbox::beside(directory.path()).unwrap();
    let lines = outbox.audit(0, 0, 10_000).unwrap();
    let of = |what: &str| -> BTreeSet<String> {
        let lines = lines.iter().filter(|line| line.what == what);
        lines.filter_map(|line| line.delivery_id.clone()).collect()
    };
    let folded = of("folded");
    let workspace = slack.workspace();
    let mut told: BTreeSet<String> = folded.clone();
    told.extend(
        workspace
            .log
            .iter()
            .filter_map(|accepted| accepted.delivery_id.clone()),
    );
    let expected: BTreeSet<String> = (1..=NOTICES).map(id).collect();
    assert_eq!(told, expected, "seed {seed}: lost");
    assert_eq!(outbox.standing("ops").unwrap().queued, 0, "seed {seed}");
    ended.folded = folded.len() as u64;
    ended.duplicates = workspace.counters.duplicates;
    cancel.cancel();
    ended
}

fn serve(runtime: &Runtime, slack: &FakeSlack) -> (u16, CancellationToken) {
    let listener = runtime
        .block_on(listen(Ipv4Addr::LOCALHOST.into(), 0))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let cancel = CancellationToken::new();
    runtime.spawn(slack.clone().serve(listener, cancel.clone()));
    (port, cancel)
}

fn child(directory: &Path, port: u16, policy: &str, point: &str, seed: u64) -> ExitStatus {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "notify_crash::the_child",
            "--ignored",
            "--nocapture",
        ])
        .env(
            CHILD,
            json!([directory, port, policy, point, seed]).to_string(),
        )
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || output.status.signal().is_some(),
        "{text}"
    );
    output.status
}

#[test]
#[ignore = "it is the child of the tests above"]
fn the_child() {
    let arguments = std::env::var(CHILD).unwrap();
    let (directory, port, policy, point, seed): (std::path::PathBuf, u16, String, String, u64) =
        serde_json::from_str(&arguments).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut life = Life::new(&directory, &policy, point, seed);
    life.store();
    let api = format!("http://127.0.0.1:{port}/api");
    let client = Connections::new(Timeouts::default())
        .unwrap()
        .bot(&api, "xoxb-1")
        .unwrap();
    runtime.block_on(life.deliver(&client));
}

/// A process with a clock of its own, which runs ahead instead of waiting.
struct Life {
    outbox: Outbox,
    lane: Lane,
    now: Moment,
    point: String,
    random: Random,
    /// Requests until the point counts.
    skipped: u64,
}

impl Life {
    fn new(directory: &Path, policy: &str, point: String, seed: u64) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Moment {
            monotonic: Duration::from_secs(100),
            wall_us: u64::try_from(wall.as_micros()).unwrap(),
        };
        let max_bytes = if point == "during fold" { 1 } else { 64 << 20 };
        let destination = Destination {
            name: "ops".to_owned(),
            kind: DestinationKind::Bot {
                channel: "C1".to_owned(),
                token_name: "token".to_owned(),
            },
            unknown: match policy {
                "resend" => UnknownPolicy::Resend,
                _ => UnknownPolicy::Reconcile,
            },
            capacity: Capacity {
                max_bytes,
                max_age: Duration::MAX,
            },
        };
        let outbox = Outbox::open(directory, now.wall_ms()).unwrap();
        let mut random = Random::seeded(seed);
        Self {
            lane: Lane::new(destination, &outbox, 1, now).unwrap(),
            outbox,
            now,
            point,
            skipped: random.below(3),
            random,
        }
    }

    /// The commits that the outbox does not have yet, as PostgreSQL would send them again.
    fn store(&mut self) {
        let reached = self.outbox.watermark("s").unwrap().map_or(0, |lsn| lsn.0);
        for number in reached + 1..=NOTICES {
            self.die_during("before fsync", 3_000);
            let intake = Intake {
                source: "s",
                watermark: Some(Lsn(number)),
                notices: &[notice(number)],
                noise: &Default::default(),
                untold: &[],
                states: &Default::default(),
            };
            let stored = self.outbox.store(intake, self.now.wall_ms()).unwrap();
            if self.random.below(NOTICES) == 0 {
                self.outbox.sync(stored).unwrap();
                self.die_at("after fsync");
            }
        }
    }

    async fn deliver(&mut self, client: &SlackClient) {
        let mut paces = Paces::default();
        loop {
            self.die_during("during fold", 4_000);
            match self.lane.next(&self.outbox, &mut paces, self.now).unwrap() {
                Step::Send { request, .. } => {
                    self.skipped = self.skipped.saturating_sub(1);
                    let is_due = self.skipped == 0;
                    if is_due {
                        self.die_at("after sending");
                        self.die_during("after socket write", 8_000);
                    }
                    let answer = send(client, &request).await;
                    if is_due {
                        self.die_at("after answer");
                        self.die_during("before mark sent", 1_500);
                    }
                    let lane = &mut self.lane;
                    lane.answered(&answer, &self.outbox, &mut paces, self.now)
                        .unwrap();
                }
                Step::Wait(until) => {
                    let ahead = until.saturating_sub(self.now.monotonic);
                    self.now.monotonic += ahead;
                    self.now.wall_us += u64::try_from(ahead.as_micros()).unwrap();
                }
                Step::Idle => return,
                Step::Busy => panic!("one request at a time"),
            }
        }
    }

    fn die_at(&self, point: &str) {
        if self.point == point {
            kill();
        }
    }

    /// At some moment of what follows.
    fn die_during(&mut self, point: &str, within_us: u64) {
        if self.point == point {
            let delay = Duration::from_micros(self.random.below(within_us));
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                kill();
            });
        }
    }
}

fn kill() {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
    // The signal takes the process before it could do anything else.
    std::thread::sleep(Duration::from_secs(10));
}

async fn send(client: &SlackClient, request: &Request) -> Answer {
    match request {
        Request::Post(body) => Answer::Written(client.post(body).await),
        Request::Update(body) => Answer::Written(client.update(body).await),
        Request::Look(look) => Answer::Looked(client.look(look).await),
    }
}

fn id(number: u64) -> String {
    format!("{number:032x}")
}

fn notice(number: u64) -> Notice {
    serde_json::from_value(json!({
        "id": id(number), "rule": "failed", "destination": "ops", "severity": "info", "mentions": [],
        "conversation": { "mode": "flat", "key": null, "broadcast": false },
        "commit": { "lsn": Lsn(number).to_string(), "xid": number, "committed_at": "2026-11-22T10:00:00Z" },
        "repeats": 0,
        "content": { "change": {
            "table": "public.transactions", "operation": "update", "key": number.to_string(), "from": "PENDING", "to": "FAILED",
            "trail": [], "amount": null, "fields": [], "title": null, "body": null, "link": null
        } }
    }))
    .unwrap()
}
