//! `Filter`: drops every record that it gets; its predicate decides which.

use super::{Transform, TransformError};
use crate::connect::record::SourceRecord;

#[derive(Debug)]
pub(super) struct Filter;

impl Transform for Filter {
    fn apply(&mut self, _record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        Ok(None)
    }
}
