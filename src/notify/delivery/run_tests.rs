//! The whole of delivery over sockets: outbox, lanes, client and the fake Slack.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::{bot, webhook};
use super::*;
use crate::notify::clock::Clock;
use crate::notify::fake_slack::server::{FakeSlack, listen};
use crate::notify::fake_slack::workspace::{Pace, Workspace};
use crate::notify::notice::Notice;
use crate::notify::outbox::{Intake, Outbox, Replay};
use crate::notify::sample::notice;
use crate::notify::slack::client::{Connections, Timeouts};
use crate::postgres::Lsn;

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

/// A fake Slack, an outbox, and who delivers from the one to the other.
struct Delivering {
    slack: FakeSlack,
    outbox: Arc<Outbox>,
    directory: tempfile::TempDir,
    wake: Wake,
    metrics: Metrics,
    cancel: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
    running: JoinHandle<Result<(), DeliveryError>>,
}

impl Delivering {
    /// To the bot's channel `ops` and the webhook `quick`.
    async fn start(fault: Option<&str>) -> Self {
        let listener = listen(Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut workspace = Workspace::new(Pace::default(), 1);
        if let Some(fault) = fault {
            workspace.faults.add(fault.parse().unwrap());
        }
        let slack = FakeSlack::new(workspace);
        let cancel = CancellationToken::new();
        let server = tokio::spawn(slack.clone().serve(listener, cancel.clone()));

        let directory = tempfile::tempdir().unwrap();
        let outbox = Arc::new(Outbox::open(directory.path(), 1).unwrap());
        let api = format!("{address}/api");
        let hook = format!("{address}/services/T0/hook/key");
        let connections = Connections::new(Timeouts::default()).unwrap();
        let destinations = vec![
            (
                Destination {
                    // The sample is of 2023.
                    capacity: Capacity {
                        max_age: Duration::MAX,
                        ..Capacity::default()
                    },
                    ..bot("ops", UnknownPolicy::Reconcile)
                },
                connections.bot(&api, "xoxb-1").unwrap(),
            ),
            (webhook("quick"), connections.webhook(&hook).unwrap()),
        ];
        let delivery = Delivery::new(Arc::clone(&outbox), destinations).unwrap();
        Self {
            slack,
            outbox,
            directory,
            wake: delivery.wake(),
            metrics: delivery.metrics(),
            server,
            running: tokio::spawn(delivery.run(cancel.clone())),
            cancel,
        }
    }

    fn store(&self, notices: &[Notice]) {
        let intake = Intake {
            source: "s",
            watermark: Some(Lsn(1)),
            untold: &[],
            notices,
            noise: &Default::default(),
            states: &std::collections::HashMap::new(),
        };
        self.outbox
            .store(intake, Clock::start().now().wall_ms())
            .unwrap();
        self.wake.wake(["ops".to_owned(), "quick".to_owned()]);
    }

    fn sent(&self) -> u64 {
        let counters = self.metrics.snapshot();
        counters.get("ops").map_or(0, |counters| counters.sent)
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let wait = async {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .unwrap();
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.running.await.unwrap().unwrap();
        self.server.await.unwrap().unwrap();
    }
}

#[test]
fn two_destinations_are_told_and_a_stop_is_orderly() {
    block_on(async {
        let delivering = Delivering::start(Some("drop*1@C1")).await;
        delivering.store(&[
            notice("ops", "a", 1),
            notice("ops", "b", 2),
            notice("quick", "a", 1),
        ]);
        delivering
            .until(|delivering| {
                delivering.slack.workspace().log.len() >= 3 && delivering.sent() == 2
            })
            .await;
        let (slack, metrics) = (delivering.slack.clone(), delivering.metrics.clone());
        delivering.stop().await;
        assert_eq!(slack.workspace().counters.duplicates, 0);
        assert_eq!(metrics.snapshot()["ops"].found, 1);
        assert_eq!(metrics.snapshot()["quick"].sent, 1);
    });
}

#[test]
fn an_operator_is_heard_while_there_is_news_without_a_pause() {
    block_on(async {
        let delivering = Delivering::start(None).await;
        delivering.store(&[notice("ops", "a", 1)]);
        delivering.until(|delivering| delivering.sent() == 1).await;
        let beside = Outbox::beside(delivering.directory.path()).unwrap();
        beside
            .replay(Replay::default(), Clock::start().now().wall_ms())
            .unwrap();
        delivering
            .until(|delivering| {
                delivering.wake.wake(["quick".to_owned()]);
                delivering.sent() == 2
            })
            .await;
        delivering.stop().await;
    });
}
