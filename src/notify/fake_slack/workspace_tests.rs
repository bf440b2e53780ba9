//! The fake Slack answers as Slack does.

use serde_json::{Value, json};

use super::super::call::micros;
use super::*;

fn at(seconds: u64) -> Moment {
    Moment {
        monotonic: Duration::from_secs(seconds),
        wall_us: 1_700_000_000_000_000 + seconds * 1_000_000,
    }
}

fn call(method: &str, body: &Value) -> Request {
    Request {
        target: Target::Method(method.to_owned()),
        authorization: Some("Bearer xoxb-1".to_owned()),
        json_body: true,
        body: body.to_string().into_bytes(),
        parameters: BTreeMap::new(),
    }
}

fn read(method: &str, parameters: &[(&str, &str)]) -> Request {
    let owned = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        target: Target::Method(method.to_owned()),
        authorization: Some("Bearer xoxb-1".to_owned()),
        parameters: owned.collect(),
        ..Request::default()
    }
}

fn webhook(body: &Value) -> Request {
    Request {
        target: Target::Webhook("T0/B0/secret".to_owned()),
        json_body: true,
        body: body.to_string().into_bytes(),
        ..Request::default()
    }
}

fn json_of(reply: Reply) -> Value {
    match reply {
        Reply::Answer(answer) => serde_json::from_str(&answer.body).unwrap(),
        Reply::Close | Reply::Hang => panic!("no answer"),
    }
}

fn status_and_body(reply: Reply) -> (u16, String) {
    match reply {
        Reply::Answer(answer) => (answer.status, answer.body),
        Reply::Close | Reply::Hang => panic!("no answer"),
    }
}

fn workspace() -> Workspace {
    Workspace::new(Pace::default(), 1)
}

fn tagged(text: &str, id: &str) -> Value {
    json!({"channel": "C1", "text": text, "metadata": {"event_type": "x", "event_payload": {"delivery_id": id}}})
}

#[test]
fn a_post_gets_a_ts_and_a_reply_needs_its_root() {
    let mut slack = workspace();
    let root = json_of(slack.answer(&call("chat.postMessage", &tagged("a", "1")), at(1)));
    let mut reply = tagged("b", "2");
    reply["thread_ts"] = root["ts"].clone();
    let reply = json_of(slack.answer(&call("chat.postMessage", &reply), at(2)));
    assert_eq!(reply["ok"], true);
    assert!(micros(reply["ts"].as_str().unwrap()) > micros(root["ts"].as_str().unwrap()));
    let lost = json!({"channel": "C1", "text": "c", "thread_ts": "1.000001"});
    let lost = json_of(slack.answer(&call("chat.postMessage", &lost), at(3)));
    assert_eq!(lost["error"], "cannot_reply_to_message");
}

#[test]
fn a_channel_takes_its_burst_and_then_one_a_second() {
    let mut slack = workspace();
    let post = call("chat.postMessage", &json!({"channel": "C1", "text": "a"}));
    let statuses: Vec<_> = (0..7)
        .map(|_| status_and_body(slack.answer(&post, at(10))).0)
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    let other = call("chat.postMessage", &json!({"channel": "C2", "text": "a"}));
    assert_eq!(status_and_body(slack.answer(&other, at(10))).0, 200);
    assert_eq!(status_and_body(slack.answer(&post, at(11))).0, 200);
    assert_eq!(slack.counters.rate_limited, 2);
}

#[test]
fn an_update_changes_the_message_and_keeps_its_metadata() {
    let mut slack = workspace();
    let root = json_of(slack.answer(&call("chat.postMessage", &tagged("a", "1")), at(1)));
    let update = json!({"channel": "C1", "ts": root["ts"], "text": "b"});
    assert_eq!(
        json_of(slack.answer(&call("chat.update", &update), at(2)))["ok"],
        true
    );
    assert_eq!(slack.posted.len(), 1);
    assert_eq!(slack.posted[0].body["text"], "b");
    assert_eq!(
        slack.posted[0].body["metadata"]["event_payload"]["delivery_id"],
        "1"
    );
    let missing = json!({"channel": "C1", "ts": "1.2", "text": "b"});
    let missing = json_of(slack.answer(&call("chat.update", &missing), at(3)));
    assert_eq!(missing["error"], "message_not_found");
}

#[test]
fn history_shows_metadata_only_when_asked_and_leaves_replies_to_replies() {
    let mut slack = workspace();
    let root = json_of(slack.answer(&call("chat.postMessage", &tagged("a", "1")), at(1)));
    let mut reply = tagged("b", "2");
    reply["thread_ts"] = root["ts"].clone();
    slack.answer(&call("chat.postMessage", &reply), at(2));
    let plain = json_of(slack.answer(&read("conversations.history", &[("channel", "C1")]), at(3)));
    assert_eq!(plain["messages"].as_array().unwrap().len(), 1);
    assert!(plain["messages"][0]["metadata"].is_null());
    let ts = root["ts"].as_str().unwrap();
    let parameters = [
        ("channel", "C1"),
        ("ts", ts),
        ("include_all_metadata", "true"),
    ];
    let replies = json_of(slack.answer(&read("conversations.replies", &parameters), at(3)));
    assert_eq!(
        replies["messages"][1]["metadata"]["event_payload"]["delivery_id"],
        "2"
    );
}

#[test]
fn the_same_delivery_twice_is_counted() {
    let mut slack = workspace();
    for second in 1..4 {
        slack.answer(&call("chat.postMessage", &tagged("a", "1")), at(second));
    }
    assert_eq!(slack.counters.duplicates, 2);
}

#[test]
fn a_webhook_answers_with_a_word_and_its_status() {
    let mut slack = workspace();
    assert_eq!(
        status_and_body(slack.answer(&webhook(&json!({"text": "a"})), at(1))),
        (200, "ok".to_owned())
    );
    assert_eq!(
        status_and_body(slack.answer(&webhook(&json!({})), at(2))),
        (400, "no_text".to_owned())
    );
    slack.faults.add("archived*1".parse().unwrap());
    assert_eq!(
        status_and_body(slack.answer(&webhook(&json!({"text": "a"})), at(3))),
        (410, "channel_is_archived".to_owned())
    );
}

#[test]
fn a_bot_needs_a_bot_token() {
    let mut slack = workspace();
    let mut post = call("auth.test", &json!({}));
    assert_eq!(json_of(slack.answer(&post, at(1)))["ok"], true);
    post.authorization = None;
    assert_eq!(json_of(slack.answer(&post, at(1)))["error"], "not_authed");
    post.authorization = Some("Bearer secret".to_owned());
    assert_eq!(json_of(slack.answer(&post, at(1)))["error"], "invalid_auth");
}

#[test]
fn drop_stores_the_message_and_hang_and_refuse_do_not() {
    let mut slack = workspace();
    let post = call("chat.postMessage", &json!({"channel": "C1", "text": "a"}));
    for (fault, reply, stored) in [
        ("drop*1", Reply::Close, 1),
        ("hang*1", Reply::Hang, 1),
        ("refuse*1", Reply::Close, 1),
    ] {
        slack.faults.add(fault.parse().unwrap());
        assert_eq!(slack.answer(&post, at(1)), reply);
        assert_eq!(slack.log.len(), stored, "{fault}");
    }
}
