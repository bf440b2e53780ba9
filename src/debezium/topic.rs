//! Topic names: `SchemaTopicNamingStrategy`.

use crate::config::connector::{ConnectorConfig, TopicOptions};

/// The topic of a table's records: `<prefix><delimiter><schema><delimiter><table>`, made valid.
#[must_use]
pub fn data_topic(config: &ConnectorConfig, schema: &str, table: &str) -> String {
    let delimiter = &config.topics.delimiter;
    let raw = format!(
        "{}{delimiter}{schema}{delimiter}{table}",
        config.topic_prefix
    );
    let topic = sanitize(&raw);
    if topic != raw {
        // Two tables can meet in one topic this way; Debezium says no more than this either.
        tracing::warn!(
            "topic \"{raw}\" has characters that Kafka does not allow; its records go to \"{topic}\""
        );
    }
    topic
}

/// The topic of heartbeats: `<topic.heartbeat.prefix><delimiter><prefix>`.
#[must_use]
pub fn heartbeat_topic(config: &ConnectorConfig) -> String {
    format!(
        "{}{}{}",
        config.topics.heartbeat_prefix, config.topics.delimiter, config.topic_prefix
    )
}

/// The topic of `pg_logical_emit_message`: `<prefix>.message`, whatever `topic.delimiter` (`LogicalDecodingMessageMonitor`).
#[must_use]
pub fn message_topic(config: &ConnectorConfig) -> String {
    format!("{}.message", config.topic_prefix)
}

/// The topic of transaction metadata: `<prefix><delimiter><topic.transaction>`.
#[must_use]
pub fn transaction_topic(config: &ConnectorConfig) -> String {
    let TopicOptions {
        delimiter,
        transaction,
        ..
    } = &config.topics;
    format!("{}{delimiter}{transaction}", config.topic_prefix)
}

/// Every UTF-16 unit that is not a letter, digit, `.`, `_` or `-` of ASCII becomes `_` (`TopicNamingStrategy.sanitizedTopicName`).
fn sanitize(name: &str) -> String {
    let mut topic = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-') {
            topic.push(character);
        } else {
            topic.extend(std::iter::repeat_n('_', character.len_utf16()));
        }
    }
    topic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_kafka_refuses_become_one_underscore_a_utf16_unit() {
        // Recorded topic names, and U+1F600 whose surrogate pair Java sees as two characters.
        assert_eq!(sanitize("srv.public.tbl_ünï_日本"), "srv.public.tbl__n____");
        assert_eq!(
            sanitize("srv.Weird Schema.Table With.Dots-and Dashes"),
            "srv.Weird_Schema.Table_With.Dots-and_Dashes"
        );
        assert_eq!(
            sanitize("srv.public.1starts$digit"),
            "srv.public.1starts_digit"
        );
        assert_eq!(sanitize("😀"), "__");
    }
}
