//! What every librdkafka client here shares: its configuration, and what it reports about the brokers.

use std::sync::{Mutex, PoisonError};
use std::thread;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::error::Error;
use super::properties::ClientProperties;
use super::stores;

/// Starts a client; `context` receives what librdkafka reports.
pub(super) fn create<C, T>(properties: &ClientProperties, context: C) -> Result<T, Error>
where
    C: ClientContext,
    T: FromClientConfigAndContext<C>,
{
    let mut config = ClientConfig::new();
    for (name, value) in properties.settings() {
        config.set(name, value);
    }
    for (name, value) in stores::settings(&properties.stores)? {
        config.set(name, value);
    }
    config
        .create_with_context(context)
        .map_err(|error| refused(properties.client_id(), error))
}

/// Drops a client that nobody needs any more. That takes a tenth of a second, which nobody has to wait for.
pub(super) fn close<T: Send + 'static>(client: T) {
    thread::spawn(|| drop(client));
}

/// librdkafka's own text without the value, which may be a secret.
fn refused(client: &str, error: KafkaError) -> Error {
    let problem = if let KafkaError::ClientConfig(_, _, name, _) = error {
        format!("illegal value of \"{name}\"")
    } else {
        error.to_string()
    };
    Error::Configuration {
        client: client.to_owned(),
        problem,
    }
}

/// Remembers the last trouble with the brokers. librdkafka itself tries again for ever; the caller decides when that is
/// too long, and this says why.
pub(super) struct Reports {
    servers: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Option<Error>,
    /// Why the last connection failed: `AllBrokersDown`, which comes next, does not say.
    reason: Option<String>,
}

impl Reports {
    pub(super) fn new(properties: &ClientProperties) -> Self {
        Self {
            servers: properties.bootstrap_servers().to_owned(),
            state: Mutex::default(),
        }
    }

    /// The trouble that was reported since the last call.
    pub(super) fn take(&self) -> Option<Error> {
        self.lock().trouble.take()
    }

    /// Why a request got no answer: what was reported, else that nobody answered.
    pub(super) fn take_or_unreachable(&self) -> Error {
        let mut state = self.lock();
        let reason = state.reason.take();
        state.trouble.take().unwrap_or_else(|| Error::Unreachable {
            servers: self.servers.clone(),
            reason,
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "librdkafka has 150 codes, of which these concern us"
    )]
    fn report(&self, code: RDKafkaErrorCode, reason: &str) {
        let mut state = self.lock();
        let servers = self.servers.clone();
        match code {
            RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed => {
                state.trouble = Some(Error::Authentication {
                    servers,
                    reason: reason.to_owned(),
                });
            }
            RDKafkaErrorCode::SSL => {
                state.trouble = Some(Error::Tls {
                    servers,
                    reason: reason.to_owned(),
                })
            }
            RDKafkaErrorCode::ClusterAuthorizationFailed => {
                state.trouble = Some(Error::IdempotenceDenied)
            }
            RDKafkaErrorCode::Fatal => {
                state.trouble = Some(Error::Fatal {
                    reason: reason.to_owned(),
                })
            }
            RDKafkaErrorCode::AllBrokersDown => {
                let reason = state.reason.take();
                // A refused login or certificate takes all brokers down as well, and says more.
                state
                    .trouble
                    .get_or_insert(Error::Unreachable { servers, reason });
            }
            _ => state.reason = Some(reason.to_owned()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        match code {
            // Reading a topic to its end is no trouble.
            Some(RDKafkaErrorCode::PartitionEOF) => return,
            // It comes with every attempt to connect, and the reason before it says more.
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                tracing::debug!(target: "walstreet::kafka", "{reason}");
            }
            Some(_) | None => tracing::warn!(target: "walstreet::kafka", "{reason}"),
        }
        if let Some(code) = code {
            self.report(code, reason);
        }
    }
}

impl ConsumerContext for Reports {}
