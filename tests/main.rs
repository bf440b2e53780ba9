//! The integration tests: one binary.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod connector_config;
mod decode;
mod demo;
mod faults;
mod golden_records;
mod notify;
mod notify_crash;
mod pgoutput;
mod properties;
mod recorded_scenarios;
mod recording;
mod replication;
mod sql;
mod support;
mod tidy;
mod trees;
