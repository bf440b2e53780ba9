//! A request, read as Slack reads it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::checks::Refusal;
use super::workspace::{Posted, Request, Target};

/// A request that names its method, its channel and who asks.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) webhook: bool,
    pub(super) channel: String,
    pub(super) credential: &'a str,
    pub(super) body: Value,
    parameters: &'a BTreeMap<String, String>,
}

impl<'a> Call<'a> {
    pub(super) fn read(request: &'a Request) -> Result<Self, Refusal> {
        match &request.target {
            Target::Webhook(path) => Self::webhook(request, path),
            Target::Method(method) => Self::method(request, method),
        }
    }

    fn webhook(request: &'a Request, path: &'a str) -> Result<Self, Refusal> {
        let channel = path.split('/').nth(1).unwrap_or(path).to_owned();
        let body = serde_json::from_slice::<Value>(&request.body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Refusal::new("invalid_payload", "body"))?;
        Ok(Self {
            method: "chat.postMessage",
            webhook: true,
            channel,
            credential: path,
            body,
            parameters: &request.parameters,
        })
    }

    fn method(request: &'a Request, method: &'a str) -> Result<Self, Refusal> {
        let credential = request
            .authorization
            .as_deref()
            .and_then(|header| header.strip_prefix("Bearer "))
            .ok_or_else(|| Refusal::new("not_authed", "authorization"))?;
        if !credential.starts_with("xoxb-") {
            return Err(Refusal::new("invalid_auth", "authorization"));
        }
        let body = if request.json_body {
            serde_json::from_slice(&request.body)
                .map_err(|_| Refusal::new("invalid_json", "body"))?
        } else {
            Value::Null
        };
        let parameter = request.parameters.get("channel").map(String::as_str);
        let channel = body["channel"].as_str().or(parameter).unwrap_or_default();
        if channel.is_empty() && method != "auth.test" {
            return Err(Refusal::new("channel_not_found", "channel"));
        }
        Ok(Self {
            method,
            webhook: false,
            channel: channel.to_owned(),
            credential,
            body,
            parameters: &request.parameters,
        })
    }

    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// The ends are not part of the range, as in Slack.
    pub(super) fn is_in_range(&self, ts: &str) -> bool {
        let (oldest, latest) = (self.parameter("oldest"), self.parameter("latest"));
        (oldest.is_empty() || micros(ts) > micros(oldest))
            && (latest.is_empty() || micros(ts) < micros(latest))
    }

    pub(super) fn shown(&self, posted: &Posted) -> Value {
        let mut shown = posted.body.clone();
        shown["ts"] = json!(posted.ts);
        if let Some(thread) = &posted.thread_ts {
            shown["thread_ts"] = json!(thread);
        }
        if self.parameter("include_all_metadata") != "true"
            && let Some(object) = shown.as_object_mut()
        {
            object.remove("metadata");
        }
        shown
    }

    pub(super) fn page(&self, mut found: Vec<Value>) -> Value {
        let limit = self.parameter("limit").parse().unwrap_or(100);
        let has_more = found.len() > limit;
        found.truncate(limit);
        json!({"ok": true, "messages": found, "has_more": has_more})
    }
}

/// A `ts` in microseconds.
pub(super) fn micros(ts: &str) -> u64 {
    let (seconds, rest) = ts.split_once('.').unwrap_or((ts, ""));
    let rest = format!("{rest:0<6}");
    seconds.parse::<u64>().unwrap_or(0) * 1_000_000
        + rest
            .get(..6)
            .and_then(|rest| rest.parse::<u64>().ok())
            .unwrap_or(0)
}
