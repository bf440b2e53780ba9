//! The whole of delivery over sockets: outbox, lanes, client and the fake Slack.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::world::{bot, webhook};
use super::*;
use crate::notify::clock::Clock;
use crate::notify::fake_slack::server::{FakeSlack, listen};
use crate::notify::fake_slack::workspace::{Pace, Workspace};
use crate::notify::outbox::{Intake, Outbox};
use crate::notify::sample::notice;
use crate::notify::slack::client::{Connections, Timeouts};
use crate::postgres::Lsn;

#[test]
fn two_destinations_are_told_and_a_stop_is_orderly() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(deliver());
}

async fn deliver() {
    let listener = listen(Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut workspace = Workspace::new(Pace::default(), 1);
    workspace.faults.add("drop*1@C1".parse().unwrap());
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
    let (wake, metrics) = (delivery.wake(), delivery.metrics());
    let running = tokio::spawn(delivery.run(cancel.clone()));

    let intake = Intake {
        source: "s",
        watermark: Some(Lsn(1)),
        untold: &[],
        notices: &[
            notice("ops", "a", 1),
            notice("ops", "b", 2),
            notice("quick", "a", 1),
        ],
        noise: &Default::default(),
        states: &std::collections::HashMap::new(),
    };
    outbox
        .store(intake, Clock::start().now().wall_ms())
        .unwrap();
    wake.wake(["ops".to_owned(), "quick".to_owned()]);
    let all_told = async {
        while slack.workspace().log.len() < 3 || metrics.snapshot()["ops"].sent < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_told)
        .await
        .unwrap();
    cancel.cancel();
    running.await.unwrap().unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(slack.workspace().counters.duplicates, 0);
    assert_eq!(metrics.snapshot()["ops"].found, 1);
    assert_eq!(metrics.snapshot()["quick"].sent, 1);
}
