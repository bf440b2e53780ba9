//! The integration tests: one binary.
#![allow(clippy::unwrap_used)]

mod connector_config;
mod decode;
mod golden_records;
mod pgoutput;
mod recording;
mod sql;
mod tidy;
