//! A record before it becomes bytes: what transforms see (`org.apache.kafka.connect.source.SourceRecord`).

use std::sync::Arc;

use super::schema::{Datum, Schema};

#[derive(Clone, Debug, PartialEq)]
pub struct SourceRecord {
    pub topic: Arc<str>,
    /// `None` leaves the choice to the partitioner.
    pub partition: Option<i32>,
    pub key: SchemaAndValue,
    /// A null without schema is a tombstone.
    pub value: SchemaAndValue,
    /// Milliseconds since 1970; `None` leaves it to the producer.
    pub timestamp: Option<i64>,
    /// In the order in which Kafka gets them; a name can occur more than once.
    pub headers: Vec<Header>,
}

/// `org.apache.kafka.connect.data.SchemaAndValue`. Schemas are shared between records, so that what is derived from one can
/// be kept by its address.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaAndValue {
    pub schema: Option<Arc<Schema>>,
    pub value: Datum,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub name: Arc<str>,
    pub value: SchemaAndValue,
}

impl SchemaAndValue {
    /// No schema, no value.
    pub const NULL: Self = Self {
        schema: None,
        value: Datum::Null,
    };

    #[must_use]
    pub fn new(schema: Arc<Schema>, value: Datum) -> Self {
        Self {
            schema: Some(schema),
            value,
        }
    }
}

impl SourceRecord {
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.value.value == Datum::Null
    }
}
