//! How topics, schemas and fields are named, as types.

use super::replacement::Replacement;

/// `topic.naming.strategy`: what the topics of tables are called.
#[derive(Clone, Debug)]
pub struct TopicStrategy {
    /// Of the strategies whose name begins with `Schema`.
    pub with_schema: bool,
    pub invalid: InvalidCharacters,
    /// Of the strategies with `Regex` in their name.
    pub route: Option<TopicRoute>,
}

/// What becomes of characters that Kafka does not allow in the name of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCharacters {
    Underscore,
    /// `_u` and the number; the underscore itself as well.
    Escape,
}

/// Another topic for tables whose topic matches.
#[derive(Clone, Debug)]
pub struct TopicRoute {
    /// `topic.regex`, `topic.replacement`.
    pub topic: Replacement,
    /// `topic.key.enforce.uniqueness`.
    pub key_field: Option<KeyField>,
}

/// A field of the key that tells tables of one topic apart.
#[derive(Clone, Debug)]
pub struct KeyField {
    /// `topic.key.field.name`.
    pub name: String,
    /// `topic.key.field.regex`, `topic.key.field.replacement`.
    pub value: Option<Replacement>,
}

/// How names that Avro does not accept are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameOptions {
    /// `schema.name.adjustment.mode`.
    pub schemas: NameAdjustment,
    /// `field.name.adjustment.mode`.
    pub fields: NameAdjustment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameAdjustment {
    None,
    Avro,
    AvroUnicode,
}
