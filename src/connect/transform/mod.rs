//! Single message transforms and their predicates (`org.apache.kafka.connect.transforms`).
//!
//! They work on [`SourceRecord`]s, which are built only for connectors that have transforms, or a converter that needs them.

pub mod chain;
pub mod options;

use options::{OptionError, Options};

use super::record::SourceRecord;

/// Every class that [`create`] knows.
pub const CLASSES: [&str; 0] = [];

/// Every class that [`create_predicate`] knows.
pub const PREDICATE_CLASSES: [&str; 0] = [];

/// A transform of Connect by its class; `None` for another class.
pub fn create(
    _class: &str,
    _options: &Options<'_>,
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    Ok(None)
}

/// A predicate of Connect by its class; `None` for another class.
pub fn create_predicate(
    _class: &str,
    _options: &Options<'_>,
) -> Result<Option<Box<dyn Predicate>>, OptionError> {
    Ok(None)
}

/// One transform of a connector's `transforms`, configured.
pub trait Transform: Send {
    /// The record as the next transform gets it; `None` drops it.
    fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, TransformError>;
}

/// One predicate of a connector's `predicates`, configured.
pub trait Predicate: Send {
    fn test(&self, record: &SourceRecord) -> bool;
}

/// A record that a transform cannot work on: Connect's `DataException` and `ConnectException`. Says no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub String);

impl TransformError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}
