//! Slack over HTTP: one connection pool, no redirects, and no secret in any error, log or `Debug`.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, Url};
use serde_json::Value;

use super::answer::{LookOutcome, Outcome, RawAnswer, unanswered};
use super::error_class::{ErrorAnswer, ErrorClass};

/// An answer that Slack does not give; more is not read.
const LARGEST_ANSWER: usize = 4 << 20;

/// How long we wait for Slack.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// Of the whole exchange; then the outcome is unknown.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
        }
    }
}

/// Why a destination's address cannot be used. The address is not shown: that of a webhook is a secret.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("could not read the address of {what}: give a complete https:// address")]
    Address { what: &'static str },
    #[error(
        "the address of {what} is not https://: plain http:// is only for 127.0.0.1, ::1 and localhost"
    )]
    Plaintext { what: &'static str },
    #[error(
        "api_base holds a user or a password: the token is the only secret, and it stands elsewhere"
    )]
    Credentials,
    #[error("the token holds characters that no HTTP header can carry: copy it again")]
    Token,
    #[error("could not set up the HTTP client")]
    Setup(#[source] reqwest::Error),
}

impl ClientError {
    /// Whether trying again, unchanged, can succeed.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Address { .. }
            | Self::Plaintext { .. }
            | Self::Credentials
            | Self::Token
            | Self::Setup(_) => false,
        }
    }
}

/// Where messages go.
#[derive(Clone)]
enum Endpoint {
    Bot { api_base: Url, token: HeaderValue },
    Webhook { url: Url },
}

/// The connections of all destinations: one that the last message left open is there for the next one, whoever sends it.
#[derive(Clone, Debug)]
pub struct Connections(reqwest::Client);

/// One destination's Slack.
#[derive(Clone)]
pub struct SlackClient {
    http: Connections,
    endpoint: Endpoint,
}

impl fmt::Debug for SlackClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Bot { api_base, .. } => {
                write!(f, "SlackClient(bot at {})", api_base.as_str())
            }
            Endpoint::Webhook { .. } => write!(f, "SlackClient(webhook)"),
        }
    }
}

/// Where to look for a delivery whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub channel: String,
    /// Replies of this thread; else the channel itself.
    pub thread_ts: Option<String>,
    /// Seconds since 1970, as Slack writes them.
    pub oldest: String,
    pub latest: String,
    pub delivery_id: String,
}

impl Connections {
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(timeouts: Timeouts) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A request that was written is never sent again behind our back.
            .retry(reqwest::retry::never())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.request)
            .https_only(false)
            .user_agent(concat!("walstreet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::Setup(error.without_url()))?;
        Ok(Self(http))
    }

    /// A bot; every method is called under `api_base`.
    ///
    /// # Errors
    /// When the address or the token cannot be used.
    pub fn bot(&self, api_base: &str, token: &str) -> Result<SlackClient, ClientError> {
        let api_base = format!("{}/", api_base.trim_end_matches('/'));
        let api_base = address(&api_base, "api_base")?;
        if !api_base.username().is_empty() || api_base.password().is_some() {
            return Err(ClientError::Credentials);
        }
        let mut token =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        token.set_sensitive(true);
        Ok(self.client(Endpoint::Bot { api_base, token }))
    }

    /// An incoming webhook.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn webhook(&self, url: &str) -> Result<SlackClient, ClientError> {
        let url = address(url, "the webhook")?;
        Ok(self.client(Endpoint::Webhook { url }))
    }

    fn client(&self, endpoint: Endpoint) -> SlackClient {
        SlackClient {
            http: self.clone(),
            endpoint,
        }
    }
}

impl SlackClient {
    /// Where its requests go, without what is secret of it.
    #[must_use]
    pub fn origin(&self) -> String {
        let (Endpoint::Bot { api_base: url, .. } | Endpoint::Webhook { url }) = &self.endpoint;
        url.origin().ascii_serialization()
    }

    /// Makes sure that a connection is open, so that the next message need not wait for one. Says nothing to Slack's API, and no
    /// secret.
    pub async fn warm(&self) {
        let Ok(root) = Url::parse(&self.origin()) else {
            return;
        };
        if let Err(error) = self.http.0.execute(Request::new(Method::HEAD, root)).await {
            tracing::debug!(error = %error.without_url(), "no connection to Slack");
        }
    }

    /// `chat.postMessage`, or the webhook.
    pub async fn post(&self, body: &Value) -> Outcome {
        self.write("chat.postMessage", body).await
    }

    /// `chat.update`; a webhook cannot.
    pub async fn update(&self, body: &Value) -> Outcome {
        self.write("chat.update", body).await
    }

    /// Whether the token still works, and what Slack lets it do, if it says so. A webhook can only be tried with a message.
    ///
    /// # Errors
    /// When Slack refuses the token, or does not answer.
    pub async fn auth_test(&self) -> Result<Option<Vec<String>>, ErrorAnswer> {
        let request = self.request(Method::POST, "auth.test");
        let received = self.exchange(request.ok_or_else(not_for_webhooks)?).await?;
        match received.raw().of_method() {
            Outcome::Accepted { .. } => Ok(received.scopes),
            Outcome::Failed(error) => Err(error),
        }
    }

    /// Looks for a delivery by the id in its metadata.
    pub async fn look(&self, look: &Look) -> LookOutcome {
        let (method, thread) = match &look.thread_ts {
            Some(thread_ts) => ("conversations.replies", thread_ts.as_str()),
            None => ("conversations.history", ""),
        };
        let parameters = [
            ("channel", look.channel.as_str()),
            ("oldest", look.oldest.as_str()),
            ("latest", look.latest.as_str()),
            ("ts", thread),
            ("limit", "200"),
            ("include_all_metadata", "true"),
        ];
        let Some(mut request) = self.request(Method::GET, method) else {
            return LookOutcome::Failed(not_for_webhooks());
        };
        request
            .url_mut()
            .query_pairs_mut()
            .extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
        match self.exchange(request).await {
            Ok(answer) => answer.raw().of_look(&look.channel, &look.delivery_id),
            Err(error) => LookOutcome::Failed(error),
        }
    }

    async fn write(&self, method: &str, body: &Value) -> Outcome {
        let Some(mut request) = self.request(Method::POST, method) else {
            return Outcome::Failed(not_for_webhooks());
        };
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        request.headers_mut().insert(CONTENT_TYPE, json);
        *request.body_mut() = Some(body.to_string().into());
        match (self.exchange(request).await, &self.endpoint) {
            (Ok(answer), Endpoint::Bot { .. }) => answer.raw().of_method(),
            (Ok(answer), Endpoint::Webhook { .. }) => answer.raw().of_webhook(),
            (Err(error), _) => Outcome::Failed(error),
        }
    }

    fn request(&self, http_method: Method, method: &str) -> Option<Request> {
        match &self.endpoint {
            Endpoint::Bot { api_base, token } => {
                let mut request = Request::new(http_method, api_base.join(method).ok()?);
                request.headers_mut().insert(AUTHORIZATION, token.clone());
                Some(request)
            }
            Endpoint::Webhook { url } if method == "chat.postMessage" => {
                Some(Request::new(http_method, url.clone()))
            }
            Endpoint::Webhook { .. } => None,
        }
    }

    async fn exchange(&self, request: Request) -> Result<Received, ErrorAnswer> {
        let mut response = self.http.0.execute(request).await.map_err(not_answered)?;
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let scopes = header("x-oauth-scopes").map(|scopes| {
            let scopes = scopes.split(',').map(|scope| scope.trim().to_owned());
            scopes.collect()
        });
        let mut received = Received {
            status: response.status().as_u16(),
            retry_after: header(RETRY_AFTER.as_str()).map(str::to_owned),
            scopes,
            body: Vec::new(),
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if received.body.len() < LARGEST_ANSWER => {
                    received.body.extend_from_slice(&chunk);
                }
                // An answer that breaks off is judged by what there is of it: its status, and no word.
                Ok(_) | Err(_) => return Ok(received),
            }
        }
    }
}

struct Received {
    status: u16,
    retry_after: Option<String>,
    scopes: Option<Vec<String>>,
    body: Vec<u8>,
}

impl Received {
    fn raw(&self) -> RawAnswer<'_> {
        RawAnswer {
            status: self.status,
            retry_after: self.retry_after.as_deref(),
            body: std::str::from_utf8(&self.body).unwrap_or_default(),
        }
    }
}

/// Before a connection stands nothing can have been delivered; after that nobody knows.
fn not_answered(error: reqwest::Error) -> ErrorAnswer {
    let answer = if error.is_connect() {
        unanswered(ErrorClass::Transient, "connect")
    } else if error.is_timeout() {
        unanswered(ErrorClass::Unknown, "timeout")
    } else {
        unanswered(ErrorClass::Unknown, "connection_lost")
    };
    tracing::debug!(error = %error.without_url(), label = answer.label, "Slack did not answer");
    answer
}

fn not_for_webhooks() -> ErrorAnswer {
    unanswered(ErrorClass::ThreadBroken, "webhook_cannot")
}

fn address(text: &str, what: &'static str) -> Result<Url, ClientError> {
    let url = Url::parse(text).map_err(|_| ClientError::Address { what })?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => Ok(url),
        "http" if matches!(host, "127.0.0.1" | "[::1]" | "localhost") => Ok(url),
        "http" => Err(ClientError::Plaintext { what }),
        _ => Err(ClientError::Address { what }),
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
