//! `InsertHeader`: the same header for every record.

use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::literal;
use crate::connect::record::{Header, SourceRecord};

#[derive(Debug)]
pub(super) struct InsertHeader(Header);

impl InsertHeader {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let name = options.mandatory("header")?;
        let literal = options.mandatory("value.literal")?;
        let value = literal::parse(literal)
            .map_err(|error| OptionError::new("value.literal", error.to_string()))?;
        Ok(Self(Header {
            name: name.into(),
            value,
        }))
    }
}

impl Transform for InsertHeader {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        record.headers.push(self.0.clone());
        Ok(Some(record))
    }
}
