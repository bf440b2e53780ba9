//! Change → Debezium: type mapping, per-relation encoder, envelope, source block, key, headers, topic names, heartbeat.

pub mod converter;
pub mod encoder;
pub mod headers;
pub mod heartbeat;
pub mod message;
pub mod plan;
pub mod record;
pub mod source;
pub mod topic;
pub mod transaction;
pub mod transform;
pub mod tree;

mod conversion;
mod default;
mod emitter;
mod envelope;
mod geometry;
mod hstore;
mod iso_text;
mod key;
mod mapper;
mod names;
mod opaque;
mod row;
mod source_type;
mod temporal;
mod types;
mod vector;
mod writer;

#[cfg(test)]
mod deviation_tests;
#[cfg(test)]
mod golden_tests;
