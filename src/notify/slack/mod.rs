//! Slack: its limits, what its answers mean, and the client.

pub mod limits;
