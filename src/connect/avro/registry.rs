//! What the converter wants of a Schema Registry, and what can go wrong there. The client is `kafka::registry`.

/// A registry, as far as a producer of records needs one. Its methods block.
pub trait SchemaRegistry: Send {
    /// Stores a schema under a subject if it is not there yet.
    fn register(
        &mut self,
        subject: &str,
        schema: &str,
        normalize: bool,
    ) -> Result<i32, RegistryError>;
    /// The id of a schema that somebody has stored under the subject.
    fn find(&mut self, subject: &str, schema: &str, normalize: bool) -> Result<i32, RegistryError>;
    /// The last schema of a subject.
    fn latest(&mut self, subject: &str) -> Result<Registered, RegistryError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub id: i32,
    pub schema: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("could not reach the Schema Registry at {url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error(
        "the Schema Registry at {url} could not answer for subject \"{subject}\" (status {status}, {reason})"
    )]
    Failed {
        url: String,
        subject: String,
        status: u16,
        reason: String,
    },
    #[error(
        "the Schema Registry at {url} refused the login (status {status}): check basic.auth.* and bearer.auth.*"
    )]
    Login { url: String, status: u16 },
    #[error(
        "the Schema Registry at {url} has no such schema under subject \"{subject}\": register it, or set \
         auto.register.schemas=true"
    )]
    NotFound { url: String, subject: String },
    #[error(
        "the Schema Registry at {url} refuses the schema of subject \"{subject}\" because it is not compatible with the ones \
         before: {reason}; change the subject's compatibility, or the table back"
    )]
    Incompatible {
        url: String,
        subject: String,
        reason: String,
    },
    #[error(
        "the Schema Registry at {url} refuses the schema of subject \"{subject}\" (status {status}): {reason}"
    )]
    Refused {
        url: String,
        subject: String,
        status: u16,
        reason: String,
    },
    #[error("what answers at {url} is not a Schema Registry: {reason}")]
    Answer { url: String, reason: String },
}

impl RegistryError {
    /// Whether trying again, unchanged, can succeed (`RestService.isRestClientExceptionRetriable`, and the network).
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Failed { .. } => true,
            Self::Login { .. }
            | Self::NotFound { .. }
            | Self::Incompatible { .. }
            | Self::Refused { .. }
            | Self::Answer { .. } => false,
        }
    }
}
