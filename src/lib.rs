//! walstreet: PostgreSQL changes in Kafka exactly as Debezium writes them, in one binary.
//!
//! The way of a change:
//!
//! ```text
//! PostgreSQL
//!    │ replication socket                   SQL socket (COPY under an exported snapshot)
//!    ▼                                         ▼
//! postgres::replication ─ batches ▶ postgres::pgoutput        snapshot
//!                                              │ Message        │ tuple
//!                                              ▼                │
//!                                       change::assembler ◀─────┘
//!                                              │ Change
//!                                       change::filter
//!                                              ▼
//!                                       debezium::encoder ─ bytes ▶ kafka::producer
//!                                                                        │ acknowledged
//!                                              engine::ack ─▶ offsets stored ─▶ LSN confirmed
//! ```
//!
//! Invariants:
//! - dependencies point one way: `config` and `telemetry` know nobody, all may know them; `postgres` and `connect` know nobody
//!   else; `change` knows `postgres`; `kafka` knows `connect`; `notify` knows `postgres` and `change`; `snapshot` and `debezium` know `change` and not each other;
//!   `engine` joins them; `server` shows them; `cli` stands on top (`tests/tidy.rs` checks it);
//! - only `postgres::{connection, replication, client}`, `snapshot`, `kafka`, `notify::{outbox, slack::client,
//!   delivery, identity_key, fake_slack::server}`, `engine`, `server` and `cli` do I/O, the rest is pure;
//! - what is decided per relation is never decided per row;
//! - a position is a commit boundary, and it is confirmed to PostgreSQL only after Kafka acknowledged every record before it
//!   and the offset is stored.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod config;
pub mod telemetry;

pub mod postgres;

pub mod change;
pub mod snapshot;

pub mod connect;
pub mod debezium;

pub mod kafka;

pub mod notify;

pub mod engine;

pub mod server;

pub mod cli;
