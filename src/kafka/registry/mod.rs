//! The client of a Schema Registry (`RestService`). <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>

mod tls;

use std::thread;

use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use super::error::Error;
use super::jaas;
use crate::config::avro::{Login, RegistryOptions};
use crate::connect::avro::registry::{Registered, RegistryError, SchemaRegistry};

const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Of what a server says in an error; the rest is a page or a stack trace.
const MAX_REASON: usize = 500;

/// Asks one URL after the other, beginning with the one that answered last.
#[derive(Debug)]
pub struct RegistryClient {
    /// Only the thread that asks runs it.
    runtime: Runtime,
    client: Client,
    options: RegistryOptions,
    /// Index of the URL that is asked first.
    current: usize,
}

impl RegistryClient {
    /// Reads the key stores, and asks nothing yet.
    pub fn new(mut options: RegistryOptions) -> Result<Self, Error> {
        options.login = inherited(options.login)?;
        let refused = |problem: String| Error::Configuration {
            client: "the Schema Registry client".to_owned(),
            problem,
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        // Java's client knows no proxy variables.
        let mut builder = Client::builder()
            .no_proxy()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout);
        if let Some(proxy) = &options.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|error| refused(reason(&error)))?;
            builder = builder.proxy(proxy);
        }
        let builder = tls::configure(builder, &options.tls)?;
        Ok(Self {
            runtime: runtime.map_err(|error| refused(error.to_string()))?,
            client: builder.build().map_err(|error| refused(reason(&error)))?,
            options,
            current: 0,
        })
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<String, RegistryError> {
        let mut last = self.ask_current(question);
        for _ in 1..self.options.urls.len() {
            match &last {
                Err(error) if error.is_retriable() => {
                    tracing::warn!(%error, "asking the next Schema Registry");
                }
                Ok(_) | Err(_) => return last,
            }
            self.current = (self.current + 1) % self.options.urls.len();
            last = self.ask_current(question);
        }
        last
    }

    /// Tries again with a pause that doubles. (Java waits a random part of it, because many clients may have failed together.)
    fn ask_current(&self, question: &Question<'_>) -> Result<String, RegistryError> {
        let url = self.options.urls[self.current].as_str();
        let mut pause = self.options.retry_wait;
        for _ in 0..self.options.max_retries {
            match self.runtime.block_on(self.ask_once(url, question)) {
                Err(error) if error.is_retriable() => {
                    tracing::debug!(%error, ?pause, "asking the Schema Registry again");
                }
                answer => return answer,
            }
            thread::sleep(pause.min(self.options.max_retry_wait));
            pause = pause.saturating_mul(2);
        }
        self.runtime.block_on(self.ask_once(url, question))
    }

    async fn ask_once(&self, url: &str, question: &Question<'_>) -> Result<String, RegistryError> {
        let unreachable = |error: reqwest::Error| RegistryError::Unreachable {
            url: url.to_owned(),
            reason: reason(&error),
        };
        let target = format!("{}{}", url.trim_end_matches('/'), question.path);
        let mut request = self.client.request(question.method.clone(), target);
        request = match &self.options.login {
            Login::None | Login::Sasl { .. } => request,
            Login::Basic { user, password } => request.basic_auth(user, Some(password)),
            Login::Bearer { token } => request.bearer_auth(token),
        };
        request = request.header("Content-Type", CONTENT_TYPE);
        if let Some(schema) = question.schema {
            request = request.body(json!({"schema": schema}).to_string());
        }
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.text().await.map_err(unreachable)?;
        if status == StatusCode::OK {
            return Ok(text);
        }
        Err(question.refusal(url, status, &text))
    }

    fn parse<'t, T: Deserialize<'t>>(&self, text: &'t str) -> Result<T, RegistryError> {
        serde_json::from_str(text).map_err(|error| RegistryError::Answer {
            url: self.options.urls[self.current].clone(),
            reason: error.to_string(),
        })
    }
}

#[derive(Deserialize)]
struct Identifier {
    id: i32,
}

#[derive(Deserialize)]
struct Version {
    id: i32,
    schema: String,
}

impl SchemaRegistry for RegistryClient {
    fn register(
        &mut self,
        subject: &str,
        schema: &str,
        normalize: bool,
    ) -> Result<i32, RegistryError> {
        let path = format!(
            "/subjects/{}/versions?normalize={normalize}",
            encoded(subject)
        );
        let text = self.ask(&Question::post(subject, path, schema))?;
        self.parse::<Identifier>(&text).map(|answer| answer.id)
    }

    fn find(&mut self, subject: &str, schema: &str, normalize: bool) -> Result<i32, RegistryError> {
        let path = format!(
            "/subjects/{}?normalize={normalize}&deleted=false",
            encoded(subject)
        );
        let text = self.ask(&Question::post(subject, path, schema))?;
        self.parse::<Identifier>(&text).map(|answer| answer.id)
    }

    fn latest(&mut self, subject: &str) -> Result<Registered, RegistryError> {
        let text = self.ask(&Question {
            method: Method::GET,
            subject,
            path: format!("/subjects/{}/versions/latest", encoded(subject)),
            schema: None,
        })?;
        let Version { id, schema } = self.parse(&text)?;
        Ok(Registered { id, schema })
    }
}

/// The user and password of a SASL login are a basic login here.
fn inherited(login: Login) -> Result<Login, Error> {
    let Login::Sasl { jaas } = &login else {
        return Ok(login);
    };
    let sasl = jaas::parse(jaas).map_err(|problem| Error::Property {
        name: "sasl.jaas.config".to_owned(),
        problem,
    })?;
    Ok(Login::Basic {
        user: sasl.username,
        password: sasl.password,
    })
}

struct Question<'a> {
    method: Method,
    subject: &'a str,
    path: String,
    schema: Option<&'a str>,
}

impl<'a> Question<'a> {
    fn post(subject: &'a str, path: String, schema: &'a str) -> Self {
        Self {
            method: Method::POST,
            subject,
            path,
            schema: Some(schema),
        }
    }

    /// What a status other than 200 means (`RestService.isRestClientExceptionRetriable`).
    fn refusal(&self, url: &str, status: StatusCode, text: &str) -> RegistryError {
        let (url, subject) = (url.to_owned(), self.subject.to_owned());
        let reason = message(text);
        match status.as_u16() {
            status @ (401 | 403) => RegistryError::Login { url, status },
            404 => RegistryError::NotFound { url, subject },
            409 => RegistryError::Incompatible {
                url,
                subject,
                reason,
            },
            status @ (408 | 429 | 500 | 502..=504) => RegistryError::Failed {
                url,
                subject,
                status,
                reason,
            },
            status => RegistryError::Refused {
                url,
                subject,
                status,
                reason,
            },
        }
    }
}

/// `{"error_code":…,"message":…}`, or whatever a proxy says.
fn message(text: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let message = match serde_json::from_str::<Refusal>(text) {
        Ok(refusal) => refusal.message,
        Err(_) => text.to_owned(),
    };
    message.chars().take(MAX_REASON).collect()
}

/// The innermost cause: reqwest's own text is the URL and what it was doing.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// As a part of a URL's path.
fn encoded(subject: &str) -> String {
    let mut encoded = String::new();
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
