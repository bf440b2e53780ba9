//! Why the notifier cannot be started, or not with a new file.

use std::path::PathBuf;

use crate::notify::config::Problem;
use crate::notify::delivery::DeliveryError;
use crate::notify::outbox::OutboxError;
use crate::notify::slack::client::ClientError;
use crate::postgres::Lsn;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the notifier's file \"{}\"", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("\"{}\" cannot be used:{}", path.display(), listed(problems))]
    File {
        path: PathBuf,
        problems: Vec<Problem>,
    },
    #[error("state_dir cannot change while walstreet runs: restart it")]
    StateDirectoryChanged,
    #[error("destination \"{destination}\" has no secret: the variable {variable} is not set")]
    Variable {
        destination: String,
        variable: String,
    },
    #[error("could not read the secret of destination \"{destination}\" from \"{}\"", path.display())]
    SecretFile {
        destination: String,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the secret of destination \"{destination}\" is empty")]
    EmptySecret { destination: String },
    #[error("destination \"{destination}\" cannot be used")]
    Client {
        destination: String,
        source: ClientError,
    },
    #[error("could not prepare connections to Slack")]
    Connections(#[source] ClientError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("could not use the identity key in \"{}\"", directory.display())]
    IdentityKey {
        directory: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    #[error("could not start the notifier's threads")]
    Thread(#[source] std::io::Error),
    #[error("could not read what the outbox stored of its rules' windows and repeats")]
    Noise(#[source] serde_json::Error),
    #[error(
        "the outbox has told all commits up to {told}, but the server is only at {server}: it was restored from a backup, or is \
         another one; give the notifier another state_dir"
    )]
    ServerBehind { told: Lsn, server: Lsn },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Outbox(error) => error.is_retriable(),
            Self::Delivery(error) => error.is_retriable(),
            Self::Read { .. }
            | Self::File { .. }
            | Self::StateDirectoryChanged
            | Self::Variable { .. }
            | Self::SecretFile { .. }
            | Self::EmptySecret { .. }
            | Self::Client { .. }
            | Self::Connections(_)
            | Self::IdentityKey { .. }
            | Self::Thread(_)
            | Self::Noise(_)
            | Self::ServerBehind { .. } => false,
        }
    }

    /// Whether the file is wrong, or what it names.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Read { .. }
            | Self::File { .. }
            | Self::Variable { .. }
            | Self::SecretFile { .. }
            | Self::EmptySecret { .. }
            | Self::Client { .. } => true,
            Self::StateDirectoryChanged
            | Self::Connections(_)
            | Self::Outbox(_)
            | Self::IdentityKey { .. }
            | Self::Delivery(_)
            | Self::Thread(_)
            | Self::Noise(_)
            | Self::ServerBehind { .. } => false,
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    let line = |problem: &Problem| format!("\n  {problem}");
    problems.iter().map(line).collect()
}
