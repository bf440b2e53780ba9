//! Change → Debezium: type mapping, per-relation encoder, envelope, source block, key, headers, topic names, heartbeat.

pub mod converter;
