//! Debezium's single message transforms (`io.debezium.transforms`).

use crate::connect::transform::Transform;
use crate::connect::transform::options::{OptionError, Options};

/// Every class that [`create`] knows.
pub const CLASSES: [&str; 0] = [];

/// A transform of Debezium by its class; `None` for another class.
pub fn create(
    _class: &str,
    _options: &Options<'_>,
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    Ok(None)
}
