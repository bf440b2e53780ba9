//! Change → Debezium: type mapping, per-relation encoder, envelope, source block, key, headers, topic names, heartbeat.

pub mod converter;
pub mod encoder;
pub mod headers;
pub mod heartbeat;
pub mod record;
pub mod source;
pub mod topic;

mod envelope;
mod key;
mod row;
