//! Slack: its limits, what its answers mean, and the client.

pub mod answer;
pub mod client;
pub mod error_class;
pub mod limits;
