//! Records of `pg_logical_emit_message` (`LogicalDecodingMessageMonitor`): a topic of their own, no context headers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::envelope::transaction_schema;
use super::record::RecordBuffer;
use super::row::frame;
use super::source::{self, SourceBlock};
use super::topic::message_topic;
use super::transaction::{block_tree, write_block};
use super::tree::SourceRecords;
use crate::change::Position;
use crate::config::connector::{BinaryMode, ConnectorConfig, Filter};
use crate::connect::json;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};

pub struct MessageEncoder {
    topic: Arc<str>,
    key_head: Vec<u8>,
    key_tail: &'static [u8],
    value_head: Vec<u8>,
    value_tail: &'static [u8],
    key_schema: Arc<Schema>,
    value_schema: Arc<Schema>,
    source: SourceBlock,
    binary: BinaryMode,
    filter: Filter,
}

impl MessageEncoder {
    #[must_use]
    pub fn new(config: &ConnectorConfig) -> Self {
        let (key_schema, value_schema) = (key_schema(), value_schema(config.values.binary));
        let (key_head, key_tail) = frame(&key_schema, &config.key_converter.json_options());
        let (value_head, value_tail) = frame(&value_schema, &config.value_converter.json_options());
        Self {
            topic: message_topic(config).into(),
            key_head,
            key_tail,
            value_head,
            value_tail,
            key_schema: Arc::new(key_schema),
            value_schema: Arc::new(value_schema),
            source: SourceBlock::new(config, "", ""),
            binary: config.values.binary,
            filter: config.filters.messages.clone(),
        }
    }

    /// Whether messages of that prefix have records (`message.prefix.*`).
    #[must_use]
    pub fn accepts(&self, prefix: &str) -> bool {
        self.filter.accepts(prefix)
    }

    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Appends one message; `now_ms` is the wall clock in milliseconds since 1970.
    pub fn encode(
        &mut self,
        prefix: &str,
        content: &[u8],
        position: &Position<'_>,
        now_ms: i64,
        out: &mut RecordBuffer,
    ) {
        let topic = out.topic_index(&self.topic);
        let bytes = out.bytes_mut();
        let key_start = bytes.len();
        bytes.extend_from_slice(&self.key_head);
        bytes.extend_from_slice(b"{\"prefix\":");
        json::write_string(prefix.as_bytes(), bytes);
        bytes.push(b'}');
        bytes.extend_from_slice(self.key_tail);
        let value_start = bytes.len();
        bytes.extend_from_slice(&self.value_head);
        bytes.extend_from_slice(b"{\"op\":\"m\",\"ts_ms\":");
        bytes.extend_from_slice(itoa::Buffer::new().format(now_ms).as_bytes());
        bytes.push(b',');
        self.source.write(position, None, bytes);
        bytes.extend_from_slice(b",\"transaction\":");
        write_block(position, bytes);
        bytes.extend_from_slice(b",\"message\":{\"prefix\":");
        json::write_string(prefix.as_bytes(), bytes);
        bytes.extend_from_slice(b",\"content\":\"");
        // None of these alphabets needs escapes.
        bytes.extend_from_slice(spelled(content, self.binary).as_bytes());
        bytes.extend_from_slice(b"\"}}");
        bytes.extend_from_slice(self.value_tail);
        out.push_bare(topic, None, [key_start, value_start]);
    }

    /// As [`encode`](Self::encode), as a tree.
    pub fn encode_tree(
        &self,
        prefix: &str,
        content: &[u8],
        position: &Position<'_>,
        now_ms: i64,
        out: &mut SourceRecords,
    ) {
        let prefix = Datum::String(prefix.to_owned());
        let content = match self.binary {
            BinaryMode::Bytes => Datum::Bytes(content.to_vec()),
            mode @ (BinaryMode::Base64 | BinaryMode::Base64UrlSafe | BinaryMode::Hex) => {
                Datum::String(spelled(content, mode))
            }
        };
        let key = Datum::Struct(vec![prefix.clone()]);
        let value = Datum::Struct(vec![
            Datum::String("m".to_owned()),
            Datum::Int(now_ms),
            self.source.tree(position, None),
            block_tree(position),
            Datum::Struct(vec![prefix, content]),
        ]);
        out.push(SourceRecord {
            topic: Arc::clone(&self.topic),
            partition: None,
            key: SchemaAndValue::new(Arc::clone(&self.key_schema), key),
            value: SchemaAndValue::new(Arc::clone(&self.value_schema), value),
            timestamp: None,
            headers: Vec::new(),
        });
    }
}

fn spelled(content: &[u8], mode: BinaryMode) -> String {
    match mode {
        BinaryMode::Bytes | BinaryMode::Base64 => STANDARD.encode(content),
        BinaryMode::Base64UrlSafe => URL_SAFE.encode(content),
        BinaryMode::Hex => content.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn key_schema() -> Schema {
    let prefix = Field::new("prefix", Schema::new(Kind::String).optional(true));
    Schema::named(
        Kind::Struct(vec![prefix]),
        "io.debezium.connector.postgresql.MessageKey",
        1,
    )
}

fn value_schema(mode: BinaryMode) -> Schema {
    let content = match mode {
        BinaryMode::Bytes => Kind::Bytes,
        BinaryMode::Base64 | BinaryMode::Base64UrlSafe | BinaryMode::Hex => Kind::String,
    };
    let message = vec![
        Field::new("prefix", Schema::new(Kind::String).optional(true)),
        Field::new("content", Schema::new(content).optional(true)),
    ];
    let fields = vec![
        Field::new("op", Schema::new(Kind::String)),
        Field::new("ts_ms", Schema::new(Kind::Int64).optional(true)),
        Field::new("source", source::schema()),
        Field::new("transaction", transaction_schema()),
        Field::new(
            "message",
            Schema::named(
                Kind::Struct(message),
                "io.debezium.connector.postgresql.Message",
                1,
            ),
        ),
    ];
    Schema::named(
        Kind::Struct(fields),
        "io.debezium.connector.postgresql.MessageValue",
        1,
    )
}
