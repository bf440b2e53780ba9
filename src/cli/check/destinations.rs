//! What Slack says of the notifier's tokens. Nothing is posted.

use std::time::Duration;

use super::finding::{Finding, Status};
use crate::engine::notify::Error;
use crate::engine::notify::destinations::{connections, open_one};
use crate::notify::config::{Destination, NotifyFile, Secret, Transport, UnknownOutcome};
use crate::notify::slack::answer::LookOutcome;
use crate::notify::slack::client::{Connections, Look, SlackClient};
use crate::notify::slack::error_class::{ErrorAnswer, ErrorClass};

const SUBJECT: &str = "slack";
/// The answer to a question that changes nothing.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A finding for each destination, and more for what its token lacks.
pub async fn check(file: &NotifyFile) -> Vec<Finding> {
    let connections = match connections() {
        Ok(connections) => connections,
        Err(error) => return vec![Finding::new(Status::Fail, SUBJECT, text(error))],
    };
    let mut findings = Vec::new();
    for (name, destination) in &file.destinations {
        let asked = Asked {
            connections: &connections,
            name,
            destination: destination.get_ref(),
        };
        findings.extend(asked.check().await);
    }
    findings
}

struct Asked<'a> {
    connections: &'a Connections,
    name: &'a str,
    destination: &'a Destination,
}

impl Asked<'_> {
    async fn check(&self) -> Vec<Finding> {
        let client = match open_one(self.connections, self.name, self.destination) {
            Ok((_, client)) => client,
            Err(error) => return vec![self.closed(error)],
        };
        let Transport::SlackBot { channel, token, .. } = &self.destination.transport else {
            let what = "has its address; a webhook cannot be tried without a message";
            let finding = self.finding(Status::Info, what);
            return vec![finding.mend("walstreet notify test RULE --file FILE --send")];
        };
        match tokio::time::timeout(TIMEOUT, client.auth_test()).await {
            Ok(Ok(scopes)) => {
                let mut findings = self.judge_scopes(channel, scopes.as_deref());
                if findings.is_empty() {
                    findings.push(self.check_channel(&client, channel).await);
                }
                findings
            }
            Ok(Err(error)) => vec![self.refused(token, &error)],
            Err(_) => vec![self.unreachable("timeout")],
        }
    }

    fn finding(&self, status: Status, what: &str) -> Finding {
        Finding::new(status, SUBJECT, format!("\"{}\" {what}", self.name))
    }

    /// It could not even be asked: the secret is not there, or the address is none. Neither is shown.
    fn closed(&self, error: Error) -> Finding {
        let lacks_secret = matches!(
            error,
            Error::Variable { .. } | Error::SecretFile { .. } | Error::EmptySecret { .. }
        );
        let finding = Finding::new(Status::Fail, SUBJECT, text(error));
        let secret = match &self.destination.transport {
            Transport::SlackBot { token, .. } => token,
            Transport::SlackWebhook { url } => url,
        };
        if lacks_secret {
            finding.mend(place(secret))
        } else {
            finding
        }
    }

    fn refused(&self, token: &Secret, error: &ErrorAnswer) -> Finding {
        let label = error.label;
        match error.class {
            ErrorClass::DestinationBroken
            | ErrorClass::MessageBroken
            | ErrorClass::ThreadBroken => self
                .finding(
                    Status::Fail,
                    &format!("cannot be used, Slack refuses the token: {label}"),
                )
                .mend(format!(
                    "the bot token (xoxb-…) of a Slack app that is installed; {}",
                    place(token)
                )),
            ErrorClass::Transient | ErrorClass::Unknown => self.unreachable(label),
            ErrorClass::Wait | ErrorClass::Quota => self.finding(
                Status::Warn,
                &format!("was not checked, Slack is asked too often at the moment: {label}"),
            ),
        }
    }

    fn unreachable(&self, label: &str) -> Finding {
        self.finding(Status::Fail, &format!("cannot be reached: {label}"))
            .mend("api_base that this machine can reach; HTTPS_PROXY and SSL_CERT_FILE as your network wants them")
    }

    /// What the token lacks: <https://docs.slack.dev/reference/methods/chat.postMessage>, `conversations.history`.
    fn judge_scopes(&self, channel: &str, scopes: Option<&[String]>) -> Vec<Finding> {
        const GIVE: &str =
            "OAuth & Permissions of the Slack app: add the scope, then install it again";
        let Some(scopes) = scopes else {
            return Vec::new();
        };
        let lacks = |needed: &[&str]| !scopes.iter().any(|has| needed.contains(&has.as_str()));
        let mut findings = Vec::new();
        if lacks(&["chat:write"]) {
            let what = "has a token without chat:write: nothing can be posted";
            findings.push(self.finding(Status::Fail, what).mend(GIVE));
        }
        let needed = history_scopes(channel);
        if self.destination.unknown == UnknownOutcome::Reconcile && lacks(needed) {
            let what = format!(
                "has a token without {}: a message whose answer was lost cannot be looked for and is sent again",
                needed.join(" or ")
            );
            let finding = self.finding(Status::Warn, &what).mend(GIVE);
            findings.push(finding.mend("unknown = \"resend\" or \"hold\" for the destination"));
        }
        findings
    }

    /// By looking at none of its messages.
    async fn check_channel(&self, client: &SlackClient, channel: &str) -> Finding {
        if self.destination.unknown != UnknownOutcome::Reconcile {
            let what = "has a token that Slack takes; whether the bot is in the channel the first message shows";
            return self.finding(Status::Ok, what);
        }
        let look = Look {
            channel: channel.to_owned(),
            thread_ts: None,
            oldest: "1.000000".to_owned(),
            latest: "2.000000".to_owned(),
            delivery_id: String::new(),
        };
        match tokio::time::timeout(TIMEOUT, client.look(&look)).await {
            Ok(LookOutcome::Found(_) | LookOutcome::Missing) => {
                let what = format!("has a token that Slack takes, and reads {channel}");
                self.finding(Status::Ok, &what)
            }
            Ok(LookOutcome::Failed(error)) if error.class == ErrorClass::DestinationBroken => {
                let what = format!("may not read {channel}: {}", error.label);
                self.finding(Status::Fail, &what).mend(format!(
                    "/invite the app's bot in {channel}, or channel: another id"
                ))
            }
            Ok(LookOutcome::Failed(error)) => self.unreachable(error.label),
            Err(_) => self.unreachable("timeout"),
        }
    }
}

fn text(error: Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

fn place(secret: &Secret) -> String {
    match secret {
        Secret::Env(variable) => format!("export {variable}=…, where walstreet runs"),
        Secret::File(path) => format!(
            "put it into {}, readable for walstreet alone",
            path.display()
        ),
    }
}

/// A channel's id does not tell whether it is private.
fn history_scopes(channel: &str) -> &'static [&'static str] {
    match channel.as_bytes().first() {
        Some(b'D') => &["im:history"],
        Some(b'G') => &["groups:history", "mpim:history"],
        _ => &["channels:history", "groups:history"],
    }
}
