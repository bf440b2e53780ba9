//! The client against the fake Slack on a socket.

use std::net::Ipv4Addr;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::notify::fake_slack::server::{FakeSlack, listen};
use crate::notify::fake_slack::workspace::{Pace, Workspace};

const TOKEN: &str = "xoxb-canary-token";

/// A fake Slack that answers while `test` runs; `test` gets it and its address.
fn with_slack<F: Future<Output = ()>>(test: impl FnOnce(FakeSlack, String) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = listen(Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let pace = Pace {
            interval: Duration::ZERO,
            burst: 1,
        };
        let slack = FakeSlack::new(Workspace::new(pace, 1));
        let cancel = CancellationToken::new();
        let server = tokio::spawn(slack.clone().serve(listener, cancel.clone()));
        test(slack, address).await;
        cancel.cancel();
        server.await.unwrap().unwrap();
    });
}

fn connections() -> Connections {
    Connections::new(quick()).unwrap()
}

fn quick() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(2),
        request: Duration::from_millis(400),
    }
}

fn bot(address: &str) -> SlackClient {
    connections().bot(&format!("{address}/api"), TOKEN).unwrap()
}

fn message(id: &str) -> Value {
    json!({"channel": "C1", "text": "hello", "metadata": {"event_type": "x", "event_payload": {"delivery_id": id}}})
}

fn class(outcome: &Outcome) -> Option<(ErrorClass, &'static str)> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::Failed(error) => Some((error.class, error.label)),
    }
}

#[test]
fn every_method_goes_to_the_one_api_base() {
    with_slack(|slack, address| async move {
        let bot = bot(&address);
        let scopes = bot.auth_test().await.unwrap().unwrap();
        assert_eq!(scopes, ["chat:write", "channels:history"]);
        let Outcome::Accepted { posted } = bot.post(&message("d1")).await else {
            panic!("not accepted");
        };
        let posted = posted.unwrap();
        let update = json!({"channel": posted.channel, "ts": posted.ts, "text": "changed"});
        assert_eq!(class(&bot.update(&update).await), None);
        let mut look = Look {
            channel: "C1".to_owned(),
            thread_ts: None,
            oldest: "1.000000".to_owned(),
            latest: "9999999999.000000".to_owned(),
            delivery_id: "d1".to_owned(),
        };
        assert_eq!(bot.look(&look).await, LookOutcome::Found(posted.clone()));
        look.thread_ts = Some(posted.ts.clone());
        assert_eq!(bot.look(&look).await, LookOutcome::Found(posted));
        look.delivery_id = "d2".to_owned();
        assert_eq!(bot.look(&look).await, LookOutcome::Missing);
        assert_eq!(slack.workspace().counters.requests, 6);
    });
}

#[test]
fn every_fault_gets_its_class_and_no_redirect_is_followed() {
    with_slack(|slack, address| async move {
        let bot = bot(&address);
        let webhook = format!("{address}/services/T0/B0/canary-url");
        let webhook = connections().webhook(&webhook).unwrap();
        let cases = [
            ("status=500", ErrorClass::Unknown, "http_5xx"),
            ("status=502", ErrorClass::Unknown, "http_5xx"),
            ("status=503", ErrorClass::Transient, "http_503"),
            ("empty", ErrorClass::Unknown, "unreadable_answer"),
            ("redirect", ErrorClass::DestinationBroken, "http_3xx"),
            ("hang", ErrorClass::Unknown, "timeout"),
            ("slow=2000", ErrorClass::Unknown, "timeout"),
            ("drop", ErrorClass::Unknown, "connection_lost"),
            ("bad-json", ErrorClass::Unknown, "unreadable_answer"),
            ("429=3", ErrorClass::Wait, "ratelimited"),
            ("revoked", ErrorClass::DestinationBroken, "token_revoked"),
            ("error=no_such_word", ErrorClass::MessageBroken, "other"),
        ];
        for (fault, expected, label) in cases {
            slack.workspace().faults.clear();
            slack.workspace().faults.add(fault.parse().unwrap());
            let outcome = bot.post(&message("d")).await;
            assert_eq!(class(&outcome), Some((expected, label)), "{fault}");
            let webhook_class = class(&webhook.post(&message("d")).await).map(|(class, _)| class);
            assert_eq!(webhook_class, Some(expected), "webhook {fault}");
        }
    });
}

#[test]
fn nobody_listening_is_surely_not_delivered() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let free = listen(Ipv4Addr::LOCALHOST.into(), 0).await.unwrap();
        let address = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let outcome = bot(&address).post(&message("d")).await;
        assert_eq!(class(&outcome), Some((ErrorClass::Transient, "connect")));
    });
}

#[test]
fn no_secret_is_shown() {
    let bot = connections().bot("https://slack.com/api", TOKEN).unwrap();
    let webhook = connections()
        .webhook("https://hooks.slack.com/services/canary")
        .unwrap();
    let errors = [
        connections()
            .webhook("http://hooks.slack.com/services/canary")
            .unwrap_err(),
        connections().webhook("canary").unwrap_err(),
        connections()
            .bot("https://slack.com/api", "canary\n")
            .unwrap_err(),
    ];
    let shown = format!(
        "{bot:?} {webhook:?} {errors:?} {}",
        errors.each_ref().map(ToString::to_string).join(" ")
    );
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn plain_http_is_only_for_this_machine() {
    for good in [
        "http://127.0.0.1:9393/api",
        "http://localhost/api",
        "http://[::1]:1/api",
    ] {
        assert!(connections().bot(good, TOKEN).is_ok(), "{good}");
    }
    let refused = connections().bot("http://slack.example/api", TOKEN);
    assert!(matches!(refused, Err(ClientError::Plaintext { .. })));
}
