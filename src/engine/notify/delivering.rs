//! The thread that stores and delivers, with a runtime of its own: whatever happens there, the stream goes on.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::Error;
use crate::notify::clock::Clock;
use crate::notify::delivery::{Counters, Delivery, Destination, Metrics, Wake};
use crate::notify::notice::Notice;
use crate::notify::outbox::{Outbox, OutboxError, Standing};
use crate::notify::slack::client::SlackClient;

type Destinations = Vec<(Destination, SlackClient)>;

#[derive(Debug)]
pub(super) struct Delivering {
    shared: Arc<Shared>,
    runtime: Handle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    current: Mutex<Current>,
    /// Of a reload: takes the place of what runs.
    next: Mutex<Option<Destinations>>,
    stop: CancellationToken,
}

/// What runs now.
#[derive(Debug)]
struct Current {
    wake: Wake,
    metrics: Metrics,
    cancel: CancellationToken,
    /// It ended by itself: the outbox is damaged.
    has_failed: bool,
}

/// How every destination stands: what it counted, and what waits for it.
#[derive(Debug, Default)]
pub struct Standings {
    pub counters: BTreeMap<String, Counters>,
    pub queues: BTreeMap<String, Standing>,
    pub outbox_bytes: i64,
    /// The delivery runs, and the outbox can be read.
    pub is_healthy: bool,
}

impl Delivering {
    pub(super) fn start(outbox: Arc<Outbox>, destinations: Destinations) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let stop = CancellationToken::new();
        let delivery = Delivery::new(Arc::clone(&outbox), destinations)?;
        let shared = Arc::new(Shared {
            current: Mutex::new(Current::of(&delivery, &stop)),
            next: Mutex::new(None),
            stop,
        });
        let handle = runtime.handle().clone();
        let thread = std::thread::Builder::new().name("walstreet-slack".to_owned());
        let thread = thread.spawn({
            let shared = Arc::clone(&shared);
            move || {
                runtime.block_on(async {
                    shared.deliver(&outbox, delivery).await;
                    // What is stored waits for the next process then.
                    shared.stop.cancelled().await;
                });
            }
        });
        Ok(Self {
            shared,
            runtime: handle,
            thread: Mutex::new(Some(thread.map_err(Error::Thread)?)),
        })
    }

    /// Runs something on the thread. The receiver hears when it ended, or loses its sender when that was in a panic.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) -> Receiver<()> {
        let (ended, end) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            task.await;
            if ended.send(()).is_err() {
                tracing::debug!("nobody waits for the end of what was stored");
            }
        });
        end
    }

    /// There is something new in the outbox.
    pub(super) fn wake(&self) -> Waker {
        Waker(Arc::clone(&self.shared))
    }

    pub(super) fn replace(&self, destinations: Destinations) {
        *lock(&self.shared.next) = Some(destinations);
        lock(&self.shared.current).cancel.cancel();
    }

    pub(super) fn standings(&self, outbox: &Outbox, names: Vec<String>) -> Standings {
        let (counters, has_failed) = {
            let current = lock(&self.shared.current);
            (current.metrics.snapshot(), current.has_failed)
        };
        let read = || -> Result<(BTreeMap<String, Standing>, i64), OutboxError> {
            let mut queues = outbox.standings()?;
            // Of those that the file does not have any more, what is kept for them.
            queues.retain(|name, standing| names.contains(name) || standing.is_kept());
            for name in names {
                queues.entry(name).or_default();
            }
            Ok((queues, outbox.bytes()?))
        };
        let read = read();
        let is_healthy = read.is_ok() && !has_failed;
        let (queues, outbox_bytes) = read.unwrap_or_default();
        Standings {
            counters,
            queues,
            outbox_bytes,
            is_healthy,
        }
    }

    pub(super) fn stop(&self) {
        self.shared.stop.cancel();
        let ended = lock(&self.thread).take().map(JoinHandle::join);
        if let Some(Err(_)) = ended {
            tracing::error!("the delivery to Slack ended in a panic");
        }
    }
}

/// Tells the delivery of new notices.
#[derive(Clone, Debug)]
pub(super) struct Waker(Arc<Shared>);

impl Waker {
    pub(super) fn wake(&self, notices: &[Notice]) {
        let destinations = notices.iter().map(|notice| notice.destination.clone());
        lock(&self.0.current).wake.wake(destinations);
    }
}

impl Current {
    fn of(delivery: &Delivery, stop: &CancellationToken) -> Self {
        Self {
            wake: delivery.wake(),
            metrics: delivery.metrics(),
            cancel: stop.child_token(),
            has_failed: false,
        }
    }
}

impl Shared {
    async fn deliver(&self, outbox: &Arc<Outbox>, mut delivery: Delivery) {
        loop {
            let cancel = lock(&self.current).cancel.clone();
            if let Err(error) = delivery.run(cancel).await {
                self.failed(&error);
                return;
            }
            if self.stop.is_cancelled() {
                return;
            }
            let Some(destinations) = lock(&self.next).take() else {
                return;
            };
            // What the old lanes had no time to hear of.
            let now_ms = Clock::start().now().wall_ms();
            let renewed = outbox
                .what_was_sending_is_unknown(now_ms)
                .map_err(Error::from)
                .and_then(|()| Ok(Delivery::new(Arc::clone(outbox), destinations)?));
            delivery = match renewed {
                Ok(delivery) => delivery,
                Err(error) => return self.failed(&error),
            };
            delivery.count_on(lock(&self.current).metrics.snapshot());
            *lock(&self.current) = Current::of(&delivery, &self.stop);
        }
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) {
        let cause = error.source().map(ToString::to_string);
        tracing::error!(%error, cause, "nothing is delivered to Slack any more: restart walstreet; Kafka goes on");
        lock(&self.current).has_failed = true;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
