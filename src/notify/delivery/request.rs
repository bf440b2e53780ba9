//! From a queued notice to the request that tells it.

use std::fmt::Write as _;

use jiff::Timestamp;
use openssl::sha::sha256;
use serde_json::{Map, Value, json};

use super::{Destination, DestinationKind};
use crate::notify::clock::Moment;
use crate::notify::message::Message;
use crate::notify::notice::{ConversationMode, Notice};
use crate::notify::outbox::{Queued, Thread};
use crate::notify::render::Sending;
use crate::notify::slack::client::Look;

/// What goes to Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Post(Value),
    Update(Value),
    Look(Look),
}

/// What a request does to its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A message of its own, and perhaps the root of a thread.
    Root,
    Reply,
    /// Doing it twice is doing it once.
    Edit,
}

/// Slack's clock may differ from ours by so much.
const CLOCK_SKEW_MS: i64 = 60_000;
/// Later than that a lost request cannot have arrived.
const LATEST_ARRIVAL_MS: i64 = 120_000;

pub(super) fn role(queued: &Queued, destination: &Destination, thread: Option<&Thread>) -> Role {
    let conversation = &queued.notice.conversation;
    let can_thread = matches!(destination.kind, DestinationKind::Bot { .. });
    if !can_thread || conversation.key.is_none() || thread.is_none() {
        return Role::Root;
    }
    match (conversation.mode, queued.step) {
        (ConversationMode::Flat, _) => Role::Root,
        (ConversationMode::Thread, _) | (ConversationMode::UpdateAndThread, 0) => Role::Reply,
        (ConversationMode::Update, _) | (ConversationMode::UpdateAndThread, _) => Role::Edit,
    }
}

/// The request for a notice that was never sent and begins its conversation.
#[must_use]
pub fn first(notice: &Notice, destination: &Destination, now: Moment) -> Request {
    let queued = Queued {
        seq: 0,
        notice: notice.clone(),
        unknown: false,
        step: 0,
        plain: false,
        repeat: false,
        attempts: 0,
        started_at_ms: None,
        thread_ts: None,
    };
    write(&queued, destination, (Role::Root, None), now)
}

/// The body of `chat.postMessage`, `chat.update` or a webhook.
pub(super) fn write(
    queued: &Queued,
    destination: &Destination,
    (role, thread): (Role, Option<&Thread>),
    now: Moment,
) -> Request {
    let sending = Sending {
        now: Timestamp::from_millisecond(now.wall_ms()).unwrap_or_default(),
        possible_repeat: queued.repeat,
    };
    let message = if queued.plain {
        Message::plain(&queued.notice, sending)
    } else {
        Message::render(&queued.notice, sending)
    };
    let mut body = Map::new();
    if let DestinationKind::Bot { channel, .. } = &destination.kind {
        body.insert("channel".to_owned(), json!(channel));
    }
    if let Value::Object(message) = json!(message) {
        body.extend(message);
    }
    match (role, thread) {
        (Role::Root, _) | (_, None) => Request::Post(Value::Object(body)),
        (Role::Reply, Some(thread)) => {
            body.insert("thread_ts".to_owned(), json!(thread.ts));
            if queued.notice.conversation.broadcast {
                body.insert("reply_broadcast".to_owned(), json!(true));
            }
            Request::Post(Value::Object(body))
        }
        (Role::Edit, Some(thread)) => {
            body.insert("channel".to_owned(), json!(thread.channel));
            body.insert("ts".to_owned(), json!(thread.ts));
            // Not arguments of chat.update.
            body.shift_remove("unfurl_links");
            body.shift_remove("unfurl_media");
            Request::Update(Value::Object(body))
        }
    }
}

/// Where a lost delivery would be; `None` where we cannot look.
pub(super) fn look(
    queued: &Queued,
    destination: &Destination,
    thread_ts: Option<&str>,
    now: Moment,
) -> Option<Look> {
    let DestinationKind::Bot { channel, .. } = &destination.kind else {
        return None;
    };
    let (oldest, latest) = match queued.started_at_ms {
        Some(started_at) => (started_at, started_at + LATEST_ARRIVAL_MS),
        // At any time since its commit.
        None => (queued.notice.began().as_millisecond(), now.wall_ms()),
    };
    Some(Look {
        channel: channel.clone(),
        thread_ts: thread_ts.map(str::to_owned),
        oldest: seconds(oldest - CLOCK_SKEW_MS),
        latest: seconds(latest + CLOCK_SKEW_MS),
        delivery_id: queued.notice.id.as_str().to_owned(),
    })
}

pub(super) fn hash(request: &Request) -> String {
    let body = match request {
        Request::Post(body) | Request::Update(body) => body.to_string(),
        Request::Look(_) => String::new(),
    };
    let mut text = String::with_capacity(64);
    for byte in sha256(body.as_bytes()) {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}000", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}
