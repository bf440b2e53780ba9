//! Topic names: the strategies of `io.debezium.schema`.

use super::names::push_escaped;
use crate::config::connector::{ConnectorConfig, InvalidCharacters, TopicOptions};

/// What Kafka allows.
const MAX_LENGTH: usize = 249;

/// The topic of a table's records: `<prefix><delimiter><schema><delimiter><table>`, made valid, and routed.
#[must_use]
pub fn data_topic(config: &ConnectorConfig, schema: &str, table: &str) -> String {
    let strategy = &config.topics.strategy;
    let raw = origin(config, schema, table);
    let topic = sanitize(&raw, strategy.invalid);
    if topic != raw {
        // Two tables can meet in one topic this way; Debezium says no more than this either.
        tracing::warn!(
            "topic \"{raw}\" has characters that Kafka does not allow; its records go to \"{topic}\""
        );
    }
    let Some(route) = &strategy.route else {
        return topic;
    };
    match route.topic.apply(&topic) {
        Some(routed) if routed.is_empty() => {
            tracing::warn!("topic.replacement leaves nothing of topic \"{topic}\", which stays");
            topic
        }
        Some(routed) => routed,
        None => topic,
    }
}

/// Name and value of the field that tells tables of one topic apart in their keys (`AbstractRegexTopicNamingStrategy`).
pub(super) fn key_field(
    config: &ConnectorConfig,
    schema: &str,
    table: &str,
) -> Option<(String, String)> {
    let field = config.topics.strategy.route.as_ref()?.key_field.as_ref()?;
    let origin = origin(config, schema, table);
    let routed = field.value.as_ref().and_then(|value| value.apply(&origin));
    Some((field.name.clone(), routed.unwrap_or(origin)))
}

/// The name before it is made valid.
fn origin(config: &ConnectorConfig, schema: &str, table: &str) -> String {
    let schema = if config.topics.strategy.with_schema {
        schema
    } else {
        ""
    };
    let parts = [config.topic_prefix.as_str(), schema, table];
    let parts: Vec<&str> = parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect();
    parts.join(&config.topics.delimiter)
}

/// The topic of heartbeats: `topic.heartbeat.name`, else `<topic.heartbeat.prefix><delimiter><prefix>`.
#[must_use]
pub fn heartbeat_topic(config: &ConnectorConfig) -> String {
    if let Some(name) = &config.topics.heartbeat_name {
        return name.clone();
    }
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

/// Every UTF-16 unit that is not a letter, digit, `.`, `_` or `-` of ASCII is replaced (`TopicNamingStrategy.sanitizedTopicName`).
fn sanitize(name: &str, invalid: InvalidCharacters) -> String {
    let mut topic = String::with_capacity(name.len());
    for character in name.chars() {
        let is_underscore = character == '_' && invalid == InvalidCharacters::Underscore;
        if character.is_ascii_alphanumeric() || matches!(character, '.' | '-') || is_underscore {
            topic.push(character);
        } else {
            replace(character, invalid, &mut topic);
        }
    }
    topic.truncate(MAX_LENGTH);
    if topic == "." || topic == ".." {
        let mut dots = String::new();
        for _ in 0..topic.len() {
            replace('.', invalid, &mut dots);
        }
        return dots;
    }
    topic
}

fn replace(character: char, invalid: InvalidCharacters, topic: &mut String) {
    match invalid {
        InvalidCharacters::Underscore => {
            topic.extend(std::iter::repeat_n('_', character.len_utf16()));
        }
        InvalidCharacters::Escape => push_escaped(character, topic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_kafka_refuses_become_one_underscore_a_utf16_unit() {
        let sanitize = |name| super::sanitize(name, InvalidCharacters::Underscore);
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
