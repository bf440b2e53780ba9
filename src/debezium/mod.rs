//! Change → Debezium: type mapping, per-relation encoder, envelope, source block, key, headers, topic names, heartbeat.

pub mod converter;

mod conversion;
mod default;
mod iso_text;
mod temporal;
mod types;

#[cfg(test)]
mod golden_tests;
