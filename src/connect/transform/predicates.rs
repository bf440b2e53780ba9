//! Connect's own predicates: `TopicNameMatches`, `HasHeaderKey`, `RecordIsTombstone`.

use regex::Regex;

use super::Predicate;
use super::options::{OptionError, Options};
use crate::config::patterns;
use crate::connect::record::SourceRecord;

#[derive(Debug)]
pub(super) struct TopicNameMatches(Regex);

impl TopicNameMatches {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let pattern = not_empty(options, "pattern")?;
        patterns::compile_whole(pattern)
            .map(Self)
            .map_err(|problem| OptionError::new("pattern", problem))
    }
}

impl Predicate for TopicNameMatches {
    fn test(&self, record: &SourceRecord) -> bool {
        self.0.is_match(&record.topic)
    }
}

#[derive(Debug)]
pub(super) struct HasHeaderKey(String);

impl HasHeaderKey {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        not_empty(options, "name").map(|name| Self(name.to_owned()))
    }
}

impl Predicate for HasHeaderKey {
    fn test(&self, record: &SourceRecord) -> bool {
        let mut headers = record.headers.iter();
        headers.any(|header| *header.name == *self.0)
    }
}

#[derive(Debug)]
pub(super) struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn test(&self, record: &SourceRecord) -> bool {
        record.is_tombstone()
    }
}

fn not_empty<'a>(options: &Options<'a>, option: &str) -> Result<&'a str, OptionError> {
    match options.mandatory(option)? {
        "" => Err(OptionError::new(option, "must not be empty")),
        text => Ok(text),
    }
}
