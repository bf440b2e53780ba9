//! Destinations of the file → Slack's clients, with their secrets.

use super::Error;
use crate::notify::config::{self, NotifyFile, Secret, Transport, UnknownOutcome};
use crate::notify::delivery::{Destination, DestinationKind, UnknownPolicy};
use crate::notify::outbox::Capacity;
use crate::notify::slack::client::{Connections, SlackClient, Timeouts};

/// Every destination of the file with its client.
///
/// # Errors
/// When a secret is missing or an address cannot be used.
pub fn open(file: &NotifyFile) -> Result<Vec<(Destination, SlackClient)>, Error> {
    let connections = connections()?;
    let named = file.destinations.iter();
    named
        .map(|(name, destination)| open_one(&connections, name, destination.get_ref()))
        .collect()
}

/// What all of them share.
///
/// # Errors
/// When the system's certificates cannot be read.
pub fn connections() -> Result<Connections, Error> {
    Connections::new(Timeouts::default()).map_err(Error::Connections)
}

/// One of them.
///
/// # Errors
/// When its secret is missing or its address cannot be used.
pub fn open_one(
    connections: &Connections,
    name: &str,
    destination: &config::Destination,
) -> Result<(Destination, SlackClient), Error> {
    let (kind, client) = match &destination.transport {
        Transport::SlackBot {
            token,
            channel,
            api_base,
        } => {
            let kind = DestinationKind::Bot {
                channel: channel.clone(),
                token_name: reference(token),
            };
            let client = connections.bot(api_base, &resolve(name, token)?);
            (kind, client)
        }
        Transport::SlackWebhook { url } => (
            DestinationKind::Webhook,
            connections.webhook(&resolve(name, url)?),
        ),
    };
    let client = client.map_err(|source| Error::Client {
        destination: name.to_owned(),
        source,
    })?;
    let destination = Destination {
        name: name.to_owned(),
        kind,
        unknown: match destination.unknown {
            UnknownOutcome::Reconcile => UnknownPolicy::Reconcile,
            UnknownOutcome::Resend => UnknownPolicy::Resend,
            UnknownOutcome::Hold => UnknownPolicy::Hold,
        },
        capacity: Capacity::default(),
    };
    Ok((destination, client))
}

/// Where the secret stands names the token, for destinations that share its limits.
fn reference(secret: &Secret) -> String {
    match secret {
        Secret::Env(variable) => format!("env {variable}"),
        Secret::File(path) => format!("file {}", path.display()),
    }
}

fn resolve(destination: &str, secret: &Secret) -> Result<String, Error> {
    let text = match secret {
        Secret::Env(variable) => std::env::var(variable).map_err(|_| Error::Variable {
            destination: destination.to_owned(),
            variable: variable.clone(),
        })?,
        Secret::File(path) => {
            std::fs::read_to_string(path).map_err(|source| Error::SecretFile {
                destination: destination.to_owned(),
                path: path.clone(),
                source,
            })?
        }
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::EmptySecret {
            destination: destination.to_owned(),
        });
    }
    Ok(text.to_owned())
}
