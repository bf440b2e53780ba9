//! The loop that runs all lanes. It looks only at those that something happened to, or whose time has come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Answer, Counters, Destination, Lane, Paces, Request, Step};
use crate::notify::clock::{Clock, Moment};
use crate::notify::outbox::{Outbox, OutboxError, Write};
use crate::notify::random::Random;
use crate::notify::slack::client::SlackClient;

/// After the outbox took nothing: the disk may have space again.
const OUTBOX_RETRY: Duration = Duration::from_secs(5);
/// Without anything to do we look again, for notices that are too old.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(10);
/// How soon we see what an operator's command wrote into the outbox.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Threads go on for a month, and the audit is kept as long.
const KEEP: Duration = Duration::from_secs(30 * 24 * 3_600);
const PRUNE_INTERVAL: Duration = Duration::from_secs(3_600);
/// An idle connection is kept for 90 s (`reqwest`'s `pool_idle_timeout`): a message then finds one open.
const WARM_INTERVAL: Duration = Duration::from_secs(45);

#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("could not deliver notices")]
    Outbox(#[from] OutboxError),
    #[error("a request to Slack ended in a panic")]
    Request(#[from] JoinError),
}

impl DeliveryError {
    /// Whether trying again, unchanged, can succeed.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Outbox(error) => error.is_retriable(),
            Self::Request(_) => false,
        }
    }
}

/// The counters of every destination, to be read at any time.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<BTreeMap<String, Counters>>>);

impl Metrics {
    pub fn snapshot(&self) -> BTreeMap<String, Counters> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, lane: &Lane) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(lane.name().to_owned(), lane.counters.clone());
    }
}

/// Tells the delivery of new notices.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    destinations: Arc<Mutex<BTreeSet<String>>>,
    notify: Arc<Notify>,
}

impl Wake {
    /// The outbox has something new for these destinations.
    pub fn wake(&self, destinations: impl IntoIterator<Item = String>) {
        self.lock().extend(destinations);
        self.notify.notify_one();
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.destinations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lane with its socket.
#[derive(Debug)]
struct Wired {
    lane: Lane,
    client: SlackClient,
    /// Came back while the outbox took nothing.
    answer: Option<Answer>,
    retry_at: Duration,
    /// It has nothing to do before.
    due: Duration,
}

/// All lanes. The outbox is written by the engine too; [`Delivery::wake`] tells of new notices.
#[derive(Debug)]
pub struct Delivery {
    outbox: Arc<Outbox>,
    lanes: Vec<Wired>,
    paces: Paces,
    clock: Clock,
    wake: Wake,
    retry: Arc<Notify>,
    metrics: Metrics,
    /// Of the outbox, as we saw it last.
    version: i64,
    look_at: Duration,
    prune_at: Duration,
    warm_at: Duration,
}

impl Delivery {
    /// # Errors
    /// When the outbox cannot be read.
    pub fn new(
        outbox: Arc<Outbox>,
        destinations: Vec<(Destination, SlackClient)>,
    ) -> Result<Self, DeliveryError> {
        let clock = Clock::start();
        let now = clock.now();
        let mut seeds = Random::seeded(now.wall_us);
        let mut lanes = Vec::with_capacity(destinations.len());
        for (destination, client) in destinations {
            lanes.push(Wired {
                lane: Lane::new(destination, &outbox, seeds.number(), now)?,
                client,
                answer: None,
                retry_at: Duration::ZERO,
                due: Duration::ZERO,
            });
        }
        let version = outbox.version()?;
        Ok(Self {
            outbox,
            lanes,
            paces: Paces::default(),
            clock,
            wake: Wake::default(),
            retry: Arc::new(Notify::new()),
            metrics: Metrics::default(),
            version,
            look_at: now.monotonic,
            prune_at: now.monotonic,
            warm_at: now.monotonic,
        })
    }

    /// Goes on counting where an earlier delivery of this process ended: metrics do not begin anew with a reload.
    pub fn count_on(&mut self, mut earlier: BTreeMap<String, Counters>) {
        for wired in &mut self.lanes {
            if let Some(counters) = earlier.remove(wired.lane.name()) {
                let is_parked = wired.lane.counters.is_parked;
                wired.lane.counters = Counters {
                    is_parked,
                    ..counters
                };
            }
        }
    }

    /// Tell it after every store.
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Notify it after a reload: parked destinations are tried at once.
    pub fn retry(&self) -> Arc<Notify> {
        Arc::clone(&self.retry)
    }

    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Delivers until cancelled; then the requests on their way get ten seconds. What stays open is `unknown` at the next start.
    ///
    /// # Errors
    /// When the outbox is damaged.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), DeliveryError> {
        let (mut requests, mut warming) = (JoinSet::new(), JoinSet::new());
        let (wake, retry) = (Arc::clone(&self.wake.notify), Arc::clone(&self.retry));
        while !cancel.is_cancelled() {
            self.look(&mut warming)?;
            let until = self.step(&mut requests)?.min(self.look_at);
            let sleep = until.saturating_sub(self.clock.now().monotonic);
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(answered) = requests.join_next() => self.take(answered?),
                () = wake.notified() => {}
                () = retry.notified() => self.retry_now(),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        let drain = async {
            while let Some(answered) = requests.join_next().await {
                self.take(answered?);
                let now = self.clock.now();
                self.apply(now)?;
            }
            Ok::<(), DeliveryError>(())
        };
        // What is late is `unknown` at the next start.
        tokio::time::timeout(GRACE, drain).await.unwrap_or(Ok(()))
    }

    /// Once a second, however busy we are: whether an operator's command wrote into the outbox, and what else is due now and then.
    fn look(&mut self, warming: &mut JoinSet<()>) -> Result<(), DeliveryError> {
        let now = self.clock.now();
        if now.monotonic < self.look_at {
            return Ok(());
        }
        self.look_at = now.monotonic + LOOK_INTERVAL;
        self.warm(warming, now);
        self.tend_log();
        match self.look_into_outbox(now) {
            Err(error) if error.is_retriable() => {
                tracing::error!(%error, "could not look into the outbox: trying again in a second");
                Ok(())
            }
            looked => Ok(looked?),
        }
    }

    fn look_into_outbox(&mut self, now: Moment) -> Result<(), OutboxError> {
        if now.monotonic >= self.prune_at {
            self.prune_at = now.monotonic + PRUNE_INTERVAL;
            self.outbox.prune(KEEP, now.wall_ms())?;
        }
        let version = self.outbox.version()?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        for wired in &mut self.lanes {
            wired.lane.changed(&self.outbox)?;
            wired.due = Duration::ZERO;
        }
        Ok(())
    }

    fn retry_now(&mut self) {
        for wired in &mut self.lanes {
            wired.lane.retry_now();
            wired.due = Duration::ZERO;
        }
    }

    fn tend_log(&self) {
        let outbox = Arc::clone(&self.outbox);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = outbox.tend_log() {
                tracing::warn!(%error, "could not bring the outbox's log into its database: it grows until that works");
            }
        });
    }

    fn take(&mut self, (at, answer): (usize, Answer)) {
        if let Some(wired) = self.lanes.get_mut(at) {
            wired.answer = Some(answer);
            (wired.retry_at, wired.due) = (Duration::ZERO, Duration::ZERO);
        }
    }

    /// Takes answers and starts what is due; until when nothing else is.
    fn step(&mut self, requests: &mut JoinSet<(usize, Answer)>) -> Result<Duration, DeliveryError> {
        let now = self.clock.now();
        self.apply(now)?;
        let woken = self.wake.take();
        let mut until = now.monotonic + LONGEST_SLEEP;
        for (at, wired) in self.lanes.iter_mut().enumerate() {
            let is_woken = woken.contains(wired.lane.name());
            wired.due = wired
                .retry_at
                .max(if is_woken { Duration::ZERO } else { wired.due });
            if wired.due <= now.monotonic {
                wired.due = now.monotonic + LONGEST_SLEEP;
                match wired.lane.next(&self.outbox, &mut self.paces, now) {
                    Ok(Step::Send { request, mark }) => {
                        let (client, outbox) = (wired.client.clone(), Arc::clone(&self.outbox));
                        requests.spawn(async move {
                            let answer = send(&client, &request).await;
                            sync(&outbox, mark).await;
                            (at, answer)
                        });
                    }
                    Ok(Step::Wait(moment)) => wired.due = wired.due.min(moment),
                    Ok(Step::Idle | Step::Busy) => {}
                    Err(error) => wired.due = wired.hold_off(error, now)?,
                }
                self.metrics.set(&wired.lane);
            }
            until = until.min(wired.due);
        }
        Ok(until)
    }

    /// Opens a connection to each host that has none open: the next message then costs one way there and back.
    fn warm(&mut self, warming: &mut JoinSet<()>, now: Moment) {
        while warming.try_join_next().is_some() {}
        if now.monotonic < self.warm_at {
            return;
        }
        self.warm_at = now.monotonic + WARM_INTERVAL;
        let clients = self.lanes.iter().map(|wired| &wired.client);
        let hosts: BTreeMap<_, _> = clients
            .map(|client| (client.origin(), client.clone()))
            .collect();
        for client in hosts.into_values() {
            warming.spawn(async move { client.warm().await });
        }
    }

    fn apply(&mut self, now: Moment) -> Result<(), DeliveryError> {
        for wired in &mut self.lanes {
            let Some(answer) = &wired.answer else {
                continue;
            };
            if now.monotonic < wired.retry_at {
                continue;
            }
            match wired
                .lane
                .answered(answer, &self.outbox, &mut self.paces, now)
            {
                Ok(()) => wired.answer = None,
                Err(error) => {
                    wired.hold_off(error, now)?;
                }
            }
            self.metrics.set(&wired.lane);
        }
        Ok(())
    }
}

impl Wired {
    /// The outbox took nothing: later again, unless that cannot help.
    fn hold_off(&mut self, error: OutboxError, now: Moment) -> Result<Duration, OutboxError> {
        if !error.is_retriable() {
            return Err(error);
        }
        tracing::error!(destination = self.lane.name(), %error, "the outbox takes nothing: trying again in five seconds");
        self.retry_at = now.monotonic + OUTBOX_RETRY;
        Ok(self.retry_at)
    }
}

/// After the request, for it does not wait for the disk. The lane asks for it again before it takes the answer, and says then what went
/// wrong.
async fn sync(outbox: &Arc<Outbox>, mark: Option<Write>) {
    if let Some(mark) = mark {
        drop(outbox.sync_beside(mark).await);
    }
}

async fn send(client: &SlackClient, request: &Request) -> Answer {
    match request {
        Request::Post(body) => Answer::Written(client.post(body).await),
        Request::Update(body) => Answer::Written(client.update(body).await),
        Request::Look(look) => Answer::Looked(client.look(look).await),
    }
}
