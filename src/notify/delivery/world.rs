//! A world for tests of lanes: the fake Slack and a clock, the real bodies and answers, no socket and no waiting.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::notify::clock::Moment;
use crate::notify::fake_slack::workspace::{self, Pace, Reply, Target, Workspace};
use crate::notify::notice::Notice;
use crate::notify::outbox::{Intake, Outbox};
use crate::notify::random::Random;
use crate::notify::sample::notice;
use crate::notify::slack::answer::{LookOutcome, Outcome, RawAnswer, unanswered};
use crate::notify::slack::error_class::ErrorClass;
use crate::postgres::Lsn;

const START_WALL_US: u64 = 1_700_000_000_000_000;

pub(super) fn bot(name: &str, unknown: UnknownPolicy) -> Destination {
    Destination {
        name: name.to_owned(),
        kind: DestinationKind::Bot {
            channel: "C1".to_owned(),
            token_name: "token".to_owned(),
        },
        unknown,
        capacity: Capacity::default(),
    }
}

pub(super) fn webhook(name: &str) -> Destination {
    Destination {
        kind: DestinationKind::Webhook,
        ..bot(name, UnknownPolicy::Resend)
    }
}

/// Where a process may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// `sending` is in the file, the request is not written.
    Sending,
    /// Slack answered, and we did not take the answer.
    Asked,
    /// The answer is in the file.
    Answered,
}

pub(super) struct Killer {
    pub(super) random: Random,
    pub(super) points: &'static [Point],
    /// The machine goes down, and not the process alone.
    pub(super) cuts_power: bool,
    pub(super) killed: Vec<Point>,
}

/// A world with its own time.
pub(super) struct World {
    pub(super) directory: tempfile::TempDir,
    /// What of it is on disk, for a power cut.
    disk: Option<tempfile::TempDir>,
    pub(super) outbox: Option<Outbox>,
    pub(super) slack: Workspace,
    pub(super) lanes: Vec<Lane>,
    pub(super) paces: Paces,
    pub(super) now: Moment,
    watermark: u64,
    /// Kills the process now and then.
    pub(super) killer: Option<Killer>,
    /// When requests reached Slack, by destination.
    pub(super) requests: Vec<(Duration, String)>,
    /// Nobody listens where Slack was.
    pub(super) is_away: bool,
}

impl World {
    pub(super) fn new(destinations: Vec<Destination>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = Moment {
            monotonic: Duration::from_secs(100),
            wall_us: START_WALL_US,
        };
        let outbox = Outbox::open(directory.path(), now.wall_ms()).unwrap();
        let lanes = lanes(&destinations, &outbox, now);
        Self {
            directory,
            disk: None,
            outbox: Some(outbox),
            slack: Workspace::new(Pace::default(), 1),
            lanes,
            paces: Paces::default(),
            now,
            watermark: 0,
            killer: None,
            requests: Vec::new(),
            is_away: false,
        }
    }

    /// What the outbox takes of the disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.directory.path()).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    }

    pub(super) fn fault(&mut self, fault: &str) {
        self.slack.faults.add(fault.parse().unwrap());
    }

    pub(super) fn outbox(&self) -> &Outbox {
        self.outbox.as_ref().unwrap()
    }

    pub(super) fn store(&mut self, notices: &[Notice]) {
        self.watermark += 1;
        let intake = Intake {
            source: "s",
            watermark: Some(Lsn(self.watermark)),
            notices,
            noise: &Default::default(),
            untold: &[],
            states: &std::collections::HashMap::new(),
        };
        self.outbox().store(intake, self.now.wall_ms()).unwrap();
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now.monotonic += by;
        self.now.wall_us += u64::try_from(by.as_micros()).unwrap();
    }

    /// `kill -9`: what is in the files at this moment is all that is left.
    fn kill(&mut self) {
        self.directory = copy(&self.directory);
        self.restart_all();
    }

    /// Everything that was written until now is on disk.
    pub(super) fn sync(&mut self) {
        self.disk = Some(copy(&self.directory));
    }

    /// What was written since the last [`Self::sync`] is lost.
    pub(super) fn cut_power(&mut self) {
        self.directory = copy(self.disk.as_ref().unwrap());
        std::fs::write(self.directory.path().join("outbox.lock"), "another boot").unwrap();
        self.restart_all();
    }

    fn restart_all(&mut self) {
        let destinations: Vec<_> = self.lanes.iter().map(Lane::destination).cloned().collect();
        self.restart(&destinations);
    }

    /// Whether the process was killed at this point.
    fn may_die(&mut self, point: Point) -> bool {
        let Some(killer) = &mut self.killer else {
            return false;
        };
        let dies = killer.points.contains(&point) && killer.random.below(100) < 8;
        if dies {
            killer.killed.push(point);
            if killer.cuts_power {
                self.cut_power();
            } else {
                self.kill();
            }
        }
        dies
    }

    /// The process ends, whatever was on its way, and another one starts.
    pub(super) fn restart(&mut self, destinations: &[Destination]) {
        let path = self.directory.path().to_owned();
        self.lanes.clear();
        self.outbox = None;
        self.outbox = Some(Outbox::open(&path, self.now.wall_ms()).unwrap());
        self.lanes = lanes(destinations, self.outbox(), self.now);
        self.paces = Paces::default();
    }

    /// Runs all lanes for so long, answering every request after 50 ms.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now.monotonic + span;
        while self.now.monotonic < end {
            let mut until = end;
            for at in 0..self.lanes.len() {
                until = until.min(self.turn(at).unwrap_or(end));
            }
            let left = until.saturating_sub(self.now.monotonic);
            self.advance(left.max(Duration::from_millis(1)));
        }
        self.outbox().tend_log().unwrap();
    }

    /// One lane until it waits; until when.
    pub(super) fn turn(&mut self, at: usize) -> Option<Duration> {
        loop {
            let outbox = self.outbox.as_ref().unwrap();
            match self.lanes[at]
                .next(outbox, &mut self.paces, self.now)
                .unwrap()
            {
                Step::Send { request, .. } => {
                    if self.may_die(Point::Sending) {
                        return Some(self.now.monotonic);
                    }
                    let answer = self.ask(at, &request);
                    if self.may_die(Point::Asked) {
                        return Some(self.now.monotonic);
                    }
                    if self.killer.as_ref().is_some_and(|killer| killer.cuts_power) {
                        // What the lane does before it takes the answer.
                        self.sync();
                    }
                    let outbox = self.outbox.as_ref().unwrap();
                    self.lanes[at]
                        .answered(&answer, outbox, &mut self.paces, self.now)
                        .unwrap();
                    if self.may_die(Point::Answered) {
                        return Some(self.now.monotonic);
                    }
                }
                Step::Wait(until) => return Some(until),
                Step::Idle => return None,
                Step::Busy => panic!("one request at a time"),
            }
        }
    }

    /// The way over the wire, without the wire.
    pub(super) fn ask(&mut self, at: usize, request: &Request) -> Answer {
        self.requests
            .push((self.now.monotonic, self.lanes[at].name().to_owned()));
        self.advance(Duration::from_millis(50));
        let webhook = matches!(self.lanes[at].destination().kind, DestinationKind::Webhook);
        let asked = wire(request, webhook, self.lanes[at].name());
        if self.is_away {
            let error = unanswered(ErrorClass::Transient, "connect");
            return match request {
                Request::Look(_) => Answer::Looked(LookOutcome::Failed(error)),
                Request::Post(_) | Request::Update(_) => Answer::Written(Outcome::Failed(error)),
            };
        }
        let reply = self.slack.answer(&asked, self.now);
        let lost = |label| unanswered(ErrorClass::Unknown, label);
        let (answer, error) = match reply {
            Reply::Answer(answer) => (answer, None),
            Reply::Close => (workspace::Answer::default(), Some(lost("connection_lost"))),
            Reply::Hang => {
                self.advance(Duration::from_secs(30));
                (workspace::Answer::default(), Some(lost("timeout")))
            }
        };
        let raw = RawAnswer {
            status: answer.status,
            retry_after: answer.retry_after.as_deref(),
            body: &answer.body,
        };
        match (request, error) {
            (Request::Look(_), Some(error)) => Answer::Looked(LookOutcome::Failed(error)),
            (Request::Look(look), None) => {
                Answer::Looked(raw.of_look(&look.channel, &look.delivery_id))
            }
            (Request::Post(_) | Request::Update(_), Some(error)) => {
                Answer::Written(Outcome::Failed(error))
            }
            (Request::Post(_) | Request::Update(_), None) if webhook => {
                Answer::Written(raw.of_webhook())
            }
            (Request::Post(_) | Request::Update(_), None) => Answer::Written(raw.of_method()),
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.lanes[0].counters
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        let log = self.slack.log.iter();
        log.map(|accepted| accepted.body["text"].as_str().unwrap())
            .collect()
    }
}

fn copy(directory: &tempfile::TempDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["outbox.db", "outbox.db-wal"] {
        let from = directory.path().join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    copy
}

pub(super) fn lanes(destinations: &[Destination], outbox: &Outbox, now: Moment) -> Vec<Lane> {
    let lane = |destination: &Destination| Lane::new(destination.clone(), outbox, 1, now).unwrap();
    destinations.iter().map(lane).collect()
}

pub(super) fn wire(request: &Request, webhook: bool, name: &str) -> workspace::Request {
    let (method, body, parameters) = match request {
        Request::Post(body) => ("chat.postMessage", body.clone(), BTreeMap::new()),
        Request::Update(body) => ("chat.update", body.clone(), BTreeMap::new()),
        Request::Look(look) => {
            let method = match look.thread_ts {
                Some(_) => "conversations.replies",
                None => "conversations.history",
            };
            let thread = look.thread_ts.clone().unwrap_or_default();
            let parameters = [
                ("channel", look.channel.clone()),
                ("oldest", look.oldest.clone()),
                ("latest", look.latest.clone()),
                ("ts", thread),
                ("include_all_metadata", "true".to_owned()),
            ];
            let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
            (method, Value::Null, BTreeMap::from(parameters))
        }
    };
    workspace::Request {
        target: if webhook {
            Target::Webhook(format!("T0/{name}/key"))
        } else {
            Target::Method(method.to_owned())
        },
        authorization: Some("Bearer xoxb-1".to_owned()),
        json_body: !body.is_null(),
        body: body.to_string().into_bytes(),
        parameters,
    }
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn many(destination: &str, count: u64) -> Vec<Notice> {
    let notice = |number: u64| notice(destination, &number.to_string(), number);
    (1..=count).map(notice).collect()
}
