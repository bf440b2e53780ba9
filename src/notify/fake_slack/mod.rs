//! A Slack for demos, tests and measurements: it enforces Slack's limits, fails on demand and keeps everything it accepted.

mod call;
mod checks;
pub mod fault;
mod markup;
pub mod server;
pub mod workspace;
