//! `DropHeaders`: removes headers by name.

use super::options::{OptionError, Options};
use super::{Transform, TransformError, mandatory_names};
use crate::connect::record::SourceRecord;

#[derive(Debug)]
pub(super) struct DropHeaders(Vec<String>);

impl DropHeaders {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        mandatory_names(options, "headers").map(Self)
    }
}

impl Transform for DropHeaders {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let is_dropped = |name: &str| self.0.iter().any(|dropped| dropped == name);
        record.headers.retain(|header| !is_dropped(&header.name));
        Ok(Some(record))
    }
}
