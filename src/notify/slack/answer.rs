//! An HTTP answer of Slack's, read: no socket here.

use std::fmt;

use serde_json::Value;

use super::error_class::{ErrorAnswer, ErrorClass, RetryAfter, class_of_word, classify};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Slack took it; a webhook does not say where.
    Accepted {
        posted: Option<Posted>,
    },
    Failed(ErrorAnswer),
}

/// Where Slack put a message. `ts` stays text: a float would lose digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    pub channel: String,
    pub ts: String,
}

/// Whether a delivery is in the channel already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookOutcome {
    Found(Posted),
    Missing,
    Failed(ErrorAnswer),
}

/// An answer as it came.
#[derive(Clone, Copy)]
pub struct RawAnswer<'a> {
    pub status: u16,
    pub retry_after: Option<&'a str>,
    pub body: &'a str,
}

impl fmt::Debug for RawAnswer<'_> {
    /// Without the body, which quotes what was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawAnswer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl RawAnswer<'_> {
    /// Of `chat.postMessage`, `chat.update` and `auth.test`.
    pub fn of_method(self) -> Outcome {
        match self.ok_body() {
            Ok(body) => Outcome::Accepted {
                posted: posted(&body["channel"], &body["ts"]),
            },
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Of a webhook: `ok` in text, or JSON where a gateway speaks for Slack.
    pub fn of_webhook(self) -> Outcome {
        if self.status == 200 && self.body.trim() == "ok" {
            return Outcome::Accepted { posted: None };
        }
        if self.body.trim_start().starts_with('{') {
            return match self.ok_body() {
                Ok(_) => Outcome::Accepted { posted: None },
                Err(error) => Outcome::Failed(error),
            };
        }
        // With a success, only a word that we know is Slack's: it may be the beginning of a lost answer.
        let word = webhook_word(self.body)
            .filter(|word| self.status != 200 || class_of_word(word).1 != "other");
        Outcome::Failed(self.failed(word, None))
    }

    /// Of `conversations.history` and `conversations.replies`: is the delivery there?
    pub fn of_look(self, channel: &str, delivery_id: &str) -> LookOutcome {
        let body = match self.ok_body() {
            Ok(body) => body,
            Err(error) => return LookOutcome::Failed(error),
        };
        let found = body["messages"].as_array().and_then(|messages| {
            messages
                .iter()
                .find(|message| message["metadata"]["event_payload"]["delivery_id"] == delivery_id)
        });
        let posted = found.and_then(|message| message["ts"].as_str());
        match posted {
            Some(ts) => LookOutcome::Found(Posted {
                channel: channel.to_owned(),
                ts: ts.to_owned(),
            }),
            None => LookOutcome::Missing,
        }
    }

    fn ok_body(self) -> Result<Value, ErrorAnswer> {
        let body: Value = serde_json::from_str(self.body).unwrap_or_default();
        if self.status == 200 && body["ok"] == true {
            return Ok(body);
        }
        Err(self.failed(body["error"].as_str(), body["retry_after"].as_u64()))
    }

    fn failed(self, word: Option<&str>, retry_after: Option<u64>) -> ErrorAnswer {
        classify(
            self.status,
            word,
            RetryAfter {
                header: self.retry_after,
                body: retry_after,
            },
        )
    }
}

/// No answer came: the message is surely not there, or perhaps.
pub fn unanswered(class: ErrorClass, label: &'static str) -> ErrorAnswer {
    ErrorAnswer {
        class,
        label,
        wait: std::time::Duration::ZERO,
        wait_was_cut: false,
    }
}

fn posted(channel: &Value, ts: &Value) -> Option<Posted> {
    Some(Posted {
        channel: channel.as_str()?.to_owned(),
        ts: ts.as_str()?.to_owned(),
    })
}

/// A webhook's word is one word; anything else is somebody's page.
fn webhook_word(body: &str) -> Option<&str> {
    let word = body.trim();
    let is_word = |character: char| character.is_ascii_lowercase() || character == '_';
    (!word.is_empty() && word.len() <= 60 && word.chars().all(is_word)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(status: u16, body: &str) -> RawAnswer<'_> {
        RawAnswer {
            status,
            retry_after: None,
            body,
        }
    }

    fn class(outcome: Outcome) -> Option<ErrorClass> {
        match outcome {
            Outcome::Accepted { .. } => None,
            Outcome::Failed(error) => Some(error.class),
        }
    }

    #[test]
    fn ok_is_accepted_with_its_place() {
        let outcome = raw(
            200,
            r#"{"ok":true,"channel":"C1","ts":"1503435956.000247"}"#,
        )
        .of_method();
        let posted = Posted {
            channel: "C1".to_owned(),
            ts: "1503435956.000247".to_owned(),
        };
        assert_eq!(
            outcome,
            Outcome::Accepted {
                posted: Some(posted)
            }
        );
        assert_eq!(class(raw(200, "ok").of_webhook()), None);
    }

    #[test]
    fn too_fast_is_understood_in_all_its_forms() {
        let method = raw(200, r#"{"ok":false,"error":"ratelimited"}"#).of_method();
        assert_eq!(class(method), Some(ErrorClass::Wait));
        let body = r#"{"retry_after":7,"ok":false,"error":"rate_limited"}"#;
        match raw(429, body).of_webhook() {
            Outcome::Failed(error) => assert_eq!(error.wait.as_secs(), 7),
            Outcome::Accepted { .. } => panic!("accepted"),
        }
    }

    #[test]
    fn what_is_not_slacks_answer_is_no_success() {
        for body in ["", "{\"ok\":tr", "<html>ok</html>", "[]", "null"] {
            assert_eq!(
                class(raw(200, body).of_method()),
                Some(ErrorClass::Unknown),
                "{body}"
            );
        }
        assert_eq!(class(raw(200, "").of_webhook()), Some(ErrorClass::Unknown));
        assert_eq!(
            class(raw(200, "<html>").of_webhook()),
            Some(ErrorClass::Unknown)
        );
        assert_eq!(
            class(raw(404, "no_service").of_webhook()),
            Some(ErrorClass::DestinationBroken)
        );
        assert_eq!(
            class(raw(400, "new_word").of_webhook()),
            Some(ErrorClass::MessageBroken)
        );
    }

    #[test]
    fn debug_does_not_show_the_body() {
        assert!(!format!("{:?}", raw(200, "secret")).contains("secret"));
    }
}
