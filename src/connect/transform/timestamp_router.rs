//! `TimestampRouter`: the record's timestamp becomes a part of the topic's name.

use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::connect::record::SourceRecord;
use crate::connect::simple_date_format::SimpleDateFormat;

#[derive(Debug)]
pub(super) struct TimestampRouter {
    topic_format: String,
    timestamp_format: SimpleDateFormat,
}

impl TimestampRouter {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let topic_format = options.text("topic.format");
        let pattern = options.text("timestamp.format").unwrap_or("yyyyMMdd");
        let timestamp_format = SimpleDateFormat::new(pattern)
            .map_err(|error| OptionError::new("timestamp.format", error.to_string()))?;
        Ok(Self {
            topic_format: topic_format.unwrap_or("${topic}-${timestamp}").to_owned(),
            timestamp_format,
        })
    }
}

impl Transform for TimestampRouter {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        let timestamp = record.timestamp.ok_or_else(|| {
            TransformError(
                "the record has no timestamp, as no record of Debezium's has; TimestampRouter cannot work on it"
                    .to_owned(),
            )
        })?;
        let topic = self.topic_format.replace("${topic}", &record.topic);
        let topic = topic.replace("${timestamp}", &self.timestamp_format.format(timestamp));
        record.topic = topic.into();
        Ok(Some(record))
    }
}
