//! Heartbeat records (`HeartbeatImpl`): they carry the position forward while captured tables are quiet.

use std::sync::Arc;

use super::record::RecordBuffer;
use super::row::frame;
use super::topic::heartbeat_topic;
use super::tree::SourceRecords;
use crate::config::connector::ConnectorConfig;
use crate::connect::json;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};

pub struct HeartbeatEncoder {
    topic: Arc<str>,
    key: Vec<u8>,
    /// Up to the timestamp.
    value_head: Vec<u8>,
    value_tail: Vec<u8>,
    key_tree: SchemaAndValue,
    value_schema: Arc<Schema>,
}

impl HeartbeatEncoder {
    #[must_use]
    pub fn new(config: &ConnectorConfig) -> Self {
        let key_schema = schema(
            "io.debezium.connector.common.ServerNameKey",
            "serverName",
            Kind::String,
        );
        let (mut key, key_tail) = frame(&key_schema, &config.key_converter.json_options());
        key.extend_from_slice(b"{\"serverName\":");
        json::write_string(config.topic_prefix.as_bytes(), &mut key);
        key.push(b'}');
        key.extend_from_slice(key_tail);

        let value_schema = schema(
            "io.debezium.connector.common.Heartbeat",
            "ts_ms",
            Kind::Int64,
        );
        let (mut value_head, value_tail) =
            frame(&value_schema, &config.value_converter.json_options());
        value_head.extend_from_slice(b"{\"ts_ms\":");
        let value_tail = [b"}", value_tail].concat();
        Self {
            topic: heartbeat_topic(config).into(),
            key,
            value_head,
            value_tail,
            key_tree: SchemaAndValue::new(
                Arc::new(key_schema),
                Datum::Struct(vec![Datum::String(config.topic_prefix.clone())]),
            ),
            value_schema: Arc::new(value_schema),
        }
    }

    /// Appends one heartbeat; `now_ms` is the wall clock in milliseconds since 1970.
    pub fn encode(&self, now_ms: i64, out: &mut RecordBuffer) {
        let topic = out.topic_index(&self.topic);
        let bytes = out.bytes_mut();
        let key_start = bytes.len();
        bytes.extend_from_slice(&self.key);
        let value_start = bytes.len();
        bytes.extend_from_slice(&self.value_head);
        bytes.extend_from_slice(itoa::Buffer::new().format(now_ms).as_bytes());
        bytes.extend_from_slice(&self.value_tail);
        // Debezium puts all heartbeats of a connector into the first partition.
        out.push_bare(topic, Some(0), [key_start, value_start]);
    }

    /// As [`encode`](Self::encode), as a tree.
    pub fn encode_tree(&self, now_ms: i64, out: &mut SourceRecords) {
        let value = Datum::Struct(vec![Datum::Int(now_ms)]);
        out.push(SourceRecord {
            topic: Arc::clone(&self.topic),
            partition: Some(0),
            key: self.key_tree.clone(),
            value: SchemaAndValue::new(Arc::clone(&self.value_schema), value),
            timestamp: None,
            headers: Vec::new(),
        });
    }
}

fn schema(name: &'static str, field: &str, kind: Kind) -> Schema {
    Schema::named(
        Kind::Struct(vec![Field::new(field, Schema::new(kind))]),
        name,
        1,
    )
}
