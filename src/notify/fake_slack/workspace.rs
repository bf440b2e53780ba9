//! The workspace behind the fake Slack: a request and the time go in, an answer comes out; no socket, no clock.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::call::Call;
use super::checks::{self, Refusal};
use super::fault::{FaultKind, Faults};
use super::markup;
use crate::notify::clock::Moment;
use crate::notify::pace::Bucket;
use crate::notify::slack::limits;

/// How fast a workspace lets itself be written to.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub interval: Duration,
    pub burst: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: limits::CHANNEL_INTERVAL,
            // A little more than we use: a request can be late on its way and its successor not.
            burst: limits::CHANNEL_BURST + 2,
        }
    }
}

/// A request as far as Slack looks at it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `chat.postMessage` and so on, or the path of a webhook without `/services/`.
    pub target: Target,
    pub authorization: Option<String>,
    pub json_body: bool,
    pub body: Vec<u8>,
    /// Of the address or of a form.
    pub parameters: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Method(String),
    Webhook(String),
}

impl Default for Target {
    fn default() -> Self {
        Self::Method(String::new())
    }
}

/// What goes over the wire, if anything does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Answer(Answer),
    /// The connection is closed.
    Close,
    /// The connection stays open and nothing comes.
    Hang,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub location: Option<String>,
    pub body: String,
    pub delay: Duration,
}

/// A message as the channel shows it now.
#[derive(Clone, Debug, Serialize)]
pub struct Posted {
    pub ts: String,
    pub channel: String,
    pub thread_ts: Option<String>,
    pub body: Value,
    pub edits: u32,
    pub delivery_id: Option<String>,
    /// The same delivery was accepted before.
    pub repeated: bool,
    pub at_ms: u64,
}

/// Everything that was accepted, in order: the oracle of tests.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    pub method: String,
    pub channel: String,
    pub ts: String,
    pub thread_ts: Option<String>,
    pub delivery_id: Option<String>,
    pub at_ms: u64,
    /// Mentions and foreign links that Slack would have acted on.
    pub mentions: Vec<String>,
    /// Slack makes several messages of a text above 4,000 characters.
    pub pieces: usize,
    pub body: Value,
    /// The fault that struck the request: its answer may not have arrived.
    pub fault: Option<&'static str>,
}

/// What was asked, accepted or not.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counters {
    pub requests: u64,
    pub accepted: u64,
    pub updates: u64,
    pub rate_limited: u64,
    pub refused: u64,
    pub faults: u64,
    /// The same by kind.
    pub struck: BTreeMap<&'static str, u64>,
    /// Accepted deliveries beyond the first of each delivery id.
    pub duplicates: u64,
}

#[derive(Debug)]
pub struct Workspace {
    pace: Pace,
    pub faults: Faults,
    /// What the page calls a channel, by its id.
    pub names: BTreeMap<String, String>,
    /// What tokens may do, as Slack's header says it.
    pub scopes: String,
    pub counters: Counters,
    pub posted: Vec<Posted>,
    pub log: Vec<Accepted>,
    posts: BTreeMap<String, Bucket>,
    updates: BTreeMap<String, Bucket>,
    last_ts_us: u64,
}

impl Workspace {
    pub fn new(pace: Pace, seed: u64) -> Self {
        Self {
            pace,
            faults: Faults::new(seed),
            names: BTreeMap::new(),
            scopes: "chat:write,channels:history".to_owned(),
            counters: Counters::default(),
            posted: Vec::new(),
            log: Vec::new(),
            posts: BTreeMap::new(),
            updates: BTreeMap::new(),
            last_ts_us: 0,
        }
    }

    /// Forgets messages, log and counters; faults stay.
    pub fn forget(&mut self) {
        self.posted.clear();
        self.log.clear();
        self.counters = Counters::default();
        self.posts.clear();
        self.updates.clear();
    }

    pub fn answer(&mut self, request: &Request, now: Moment) -> Reply {
        self.counters.requests += 1;
        let call = match Call::read(request) {
            Ok(call) => call,
            Err(refusal) => return self.refuse(request.is_webhook(), &refusal),
        };
        match self.faults.strike(call.method, &call.channel) {
            Some(fault) => {
                self.counters.faults += 1;
                *self.counters.struck.entry(fault.name()).or_default() += 1;
                let before = self.log.len();
                let reply = self.faulty(&fault, &call, now);
                for accepted in &mut self.log[before..] {
                    accepted.fault = Some(fault.name());
                }
                reply
            }
            None => self.fair(&call, now),
        }
    }

    /// The answer of a Slack in good health.
    fn fair(&mut self, call: &Call<'_>, now: Moment) -> Reply {
        if let Some(seconds) = self.too_fast(call, now) {
            return self.too_many(call.webhook, Some(seconds.to_string()));
        }
        let result = match call.method {
            "auth.test" => Ok(json!({"ok": true, "team": "Fake", "user": "walstreet"})),
            "chat.postMessage" => self.post(call, now),
            "chat.update" => self.update(call, now),
            "conversations.history" => Ok(self.history(call)),
            "conversations.replies" => self.replies(call),
            _ => Err(Refusal::new("unknown_method", call.method)),
        };
        match result {
            Ok(_) if call.webhook => answer(200, "ok"),
            Ok(body) => answer(200, body.to_string()),
            Err(refusal) => self.refuse(call.webhook, &refusal),
        }
    }

    fn faulty(&mut self, fault: &FaultKind, call: &Call<'_>, now: Moment) -> Reply {
        let after = |reply: Reply, change: &dyn Fn(Answer) -> Reply| match reply {
            Reply::Answer(answer) => change(answer),
            Reply::Close | Reply::Hang => reply,
        };
        match fault {
            FaultKind::TooMany { retry_after } => self.too_many(call.webhook, retry_after.clone()),
            FaultKind::Status(status) => answer(*status, "<html><body>bad gateway</body></html>"),
            FaultKind::Error(word) => self.refuse_with(call.webhook, word, ""),
            FaultKind::Archived if call.webhook => {
                self.refuse_with(true, "channel_is_archived", "")
            }
            FaultKind::Archived => self.refuse_with(false, "is_archived", ""),
            FaultKind::Revoked if call.webhook => self.refuse_with(true, "no_service", ""),
            FaultKind::Revoked => self.refuse_with(false, "token_revoked", ""),
            FaultKind::Refuse => Reply::Close,
            FaultKind::Hang => Reply::Hang,
            FaultKind::Drop => after(self.fair(call, now), &|_| Reply::Close),
            FaultKind::BadJson => after(self.fair(call, now), &|whole| {
                let half = whole.body.len() / 2;
                answer(whole.status, whole.body.get(..half).unwrap_or_default())
            }),
            FaultKind::Empty => after(self.fair(call, now), &|whole| answer(whole.status, "")),
            FaultKind::Redirect => Reply::Answer(Answer {
                status: 302,
                location: Some("https://example.invalid/elsewhere".to_owned()),
                ..Answer::default()
            }),
            FaultKind::Slow(delay) => after(self.fair(call, now), &|whole| {
                Reply::Answer(Answer {
                    delay: *delay,
                    ..whole
                })
            }),
        }
    }

    /// The seconds to wait, when this call comes too early.
    fn too_fast(&mut self, call: &Call<'_>, now: Moment) -> Option<u64> {
        let bucket = match call.method {
            "chat.postMessage" => self
                .posts
                .entry(call.channel.clone())
                .or_insert_with(|| Bucket::new(self.pace.interval, self.pace.burst)),
            "chat.update" => self
                .updates
                .entry(call.credential.to_owned())
                .or_insert_with(|| Bucket::per_minute(limits::TIER_3_PER_MINUTE, 10)),
            _ => return None,
        };
        if bucket.try_take(now.monotonic) {
            return None;
        }
        let wait = bucket.ready_at().saturating_sub(now.monotonic);
        Some(wait.as_secs() + 1)
    }

    fn too_many(&mut self, webhook: bool, retry_after: Option<String>) -> Reply {
        self.counters.rate_limited += 1;
        let body = if webhook {
            json!({"retry_after": 1, "ok": false, "error": "rate_limited"})
        } else {
            json!({"ok": false, "error": "ratelimited"})
        };
        Reply::Answer(Answer {
            status: 429,
            retry_after,
            body: body.to_string(),
            ..Answer::default()
        })
    }

    fn refuse(&mut self, webhook: bool, refusal: &Refusal) -> Reply {
        self.refuse_with(webhook, refusal.word, &refusal.why)
    }

    fn refuse_with(&mut self, webhook: bool, word: &str, why: &str) -> Reply {
        self.counters.refused += 1;
        if webhook {
            return answer(webhook_status(word), word);
        }
        let body = json!({"ok": false, "error": word, "response_metadata": {"messages": [why]}});
        answer(200, body.to_string())
    }

    fn post(&mut self, call: &Call<'_>, now: Moment) -> Result<Value, Refusal> {
        checks::check(&call.body)?;
        let thread_ts = call.body["thread_ts"].as_str().map(str::to_owned);
        if let Some(thread) = &thread_ts
            && self.find(&call.channel, thread).is_none()
        {
            return Err(Refusal::new("cannot_reply_to_message", "thread_ts"));
        }
        self.counters.accepted += 1;
        let ts = self.next_ts(now);
        let delivery_id = delivery_id(&call.body);
        let repeated = delivery_id.is_some()
            && self
                .posted
                .iter()
                .any(|posted| posted.delivery_id == delivery_id);
        self.counters.duplicates += u64::from(repeated);
        self.record(call, &ts, thread_ts.clone(), now);
        self.posted.push(Posted {
            ts: ts.clone(),
            channel: call.channel.clone(),
            thread_ts,
            body: call.body.clone(),
            edits: 0,
            delivery_id,
            repeated,
            at_ms: now.wall_us / 1_000,
        });
        Ok(json!({"ok": true, "channel": call.channel, "ts": ts, "message": call.body}))
    }

    fn update(&mut self, call: &Call<'_>, now: Moment) -> Result<Value, Refusal> {
        checks::check(&call.body)?;
        let ts = call.body["ts"].as_str().unwrap_or_default().to_owned();
        let at = self
            .find(&call.channel, &ts)
            .ok_or_else(|| Refusal::new("message_not_found", "ts"))?;
        let old = &self.posted[at].body;
        if has_rich_text(old) && !has_rich_text(&call.body) {
            return Err(Refusal::new("block_mismatch", "rich_text"));
        }
        let mut body = call.body.clone();
        if body["metadata"].is_null() && !old["metadata"].is_null() {
            body["metadata"] = old["metadata"].clone();
        }
        self.counters.updates += 1;
        let thread_ts = self.posted[at].thread_ts.clone();
        self.record(call, &ts, thread_ts, now);
        self.posted[at].body = body;
        self.posted[at].edits += 1;
        Ok(json!({"ok": true, "channel": call.channel, "ts": ts, "text": call.body["text"]}))
    }

    fn record(&mut self, call: &Call<'_>, ts: &str, thread_ts: Option<String>, now: Moment) {
        let text = call.body["text"].as_str().unwrap_or_default();
        self.log.push(Accepted {
            method: call.method.to_owned(),
            channel: call.channel.clone(),
            ts: ts.to_owned(),
            thread_ts,
            delivery_id: delivery_id(&call.body),
            at_ms: now.wall_us / 1_000,
            mentions: markup::mentions(&call.body),
            pieces: text.chars().count().div_ceil(limits::TEXT_SPLIT).max(1),
            body: call.body.clone(),
            fault: None,
        });
    }

    /// Newest first, without thread replies.
    fn history(&self, call: &Call<'_>) -> Value {
        let found: Vec<_> = self
            .posted
            .iter()
            .rev()
            .filter(|posted| posted.channel == call.channel && call.is_in_range(&posted.ts))
            .filter(|posted| posted.thread_ts.is_none() || posted.body["reply_broadcast"] == true)
            .map(|posted| call.shown(posted))
            .collect();
        call.page(found)
    }

    /// The root, then its replies, oldest first.
    fn replies(&self, call: &Call<'_>) -> Result<Value, Refusal> {
        let root = call.parameter("ts");
        if self.find(&call.channel, root).is_none() {
            return Err(Refusal::new("thread_not_found", "ts"));
        }
        let found: Vec<_> = self
            .posted
            .iter()
            .filter(|posted| posted.channel == call.channel)
            .filter(|posted| {
                let replies = posted.thread_ts.as_deref() == Some(root);
                posted.ts == root || (replies && call.is_in_range(&posted.ts))
            })
            .map(|posted| call.shown(posted))
            .collect();
        Ok(call.page(found))
    }

    fn find(&self, channel: &str, ts: &str) -> Option<usize> {
        self.posted
            .iter()
            .position(|posted| posted.channel == channel && posted.ts == ts)
    }

    /// Slack names a message by the moment it was posted at, and no two alike.
    fn next_ts(&mut self, now: Moment) -> String {
        self.last_ts_us = now.wall_us.max(self.last_ts_us + 1);
        let us = self.last_ts_us;
        format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
    }
}

impl Request {
    fn is_webhook(&self) -> bool {
        matches!(self.target, Target::Webhook(_))
    }
}

fn answer(status: u16, body: impl Into<String>) -> Reply {
    Reply::Answer(Answer {
        status,
        body: body.into(),
        ..Answer::default()
    })
}

/// From Slack's change log of 2016, which gave webhooks real statuses.
fn webhook_status(word: &str) -> u16 {
    match word {
        "action_prohibited" | "invalid_token" | "posting_to_general_channel_denied" => 403,
        "channel_not_found" | "no_service" | "no_team" | "no_service_id" => 404,
        "channel_is_archived" => 410,
        "rollup_error" => 500,
        _ => 400,
    }
}

fn delivery_id(body: &Value) -> Option<String> {
    body["metadata"]["event_payload"]["delivery_id"]
        .as_str()
        .map(str::to_owned)
}

fn has_rich_text(body: &Value) -> bool {
    let of = |value: &Value| {
        let blocks = value["blocks"].as_array();
        blocks.is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "rich_text"))
    };
    let attachments = body["attachments"].as_array();
    of(body) || attachments.is_some_and(|attachments| attachments.iter().any(of))
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;
