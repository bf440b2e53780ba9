//! Why a value has no Avro form.

use super::registry::RegistryError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "\"{name}\" is not a legal Avro name: set schema.name.adjustment.mode and field.name.adjustment.mode to \"avro\", or \
         scrub.invalid.names of the converter to true"
    )]
    IllegalName { name: String },
    #[error(
        "two different structs of one schema are both called \"{name}\", which Avro does not allow"
    )]
    Redefined { name: String },
    #[error("a {part} of topic \"{topic}\" has a value but no schema: Avro needs one")]
    NoSchema { part: &'static str, topic: String },
    #[error("a {part} of topic \"{topic}\" is null, which its schema does not allow")]
    Null { part: &'static str, topic: String },
    #[error(
        "a {part} of topic \"{topic}\" is not what its schema says: {expected} was expected; check the transforms"
    )]
    Mismatch {
        part: &'static str,
        topic: String,
        expected: &'static str,
    },
    #[error(
        "{part}.subject.name.strategy names subjects after records, and a {part} of topic \"{topic}\" is none"
    )]
    NotARecord { part: &'static str, topic: String },
    #[error(
        "use.latest.version: the latest schema of subject \"{subject}\" has other fields or types than the {part}s of topic \
         \"{topic}\"; register the table's schema, or set auto.register.schemas=true"
    )]
    LatestDiffers {
        part: &'static str,
        topic: String,
        subject: String,
    },
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_retriable(),
            Self::IllegalName { .. }
            | Self::Redefined { .. }
            | Self::NoSchema { .. }
            | Self::Null { .. }
            | Self::Mismatch { .. }
            | Self::NotARecord { .. }
            | Self::LatestDiffers { .. } => false,
        }
    }
}
