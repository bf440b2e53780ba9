//! Tells Slack about changes.

pub mod slack;
