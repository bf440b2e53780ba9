//! Status changes told to Slack. The core is pure: no I/O, no clock; time comes in as an argument.
//!
//! ```text
//! Change ▶ rules (row, predicate) ▶ collapse (a digest per commit) ▶ noise (windows, mutes, quiet hours) ▶ Notice ▶ outbox
//! Notice ▶ message ▶ Slack
//! ```

pub mod amount;
pub mod clock;
pub mod collapse;
pub mod config;
pub mod delivery;
pub mod digest;
pub mod escape;
mod exposure;
pub mod fake_slack;
pub mod link;
pub mod mask;
pub mod message;
pub mod notice;
pub mod outbox;
pub mod pace;
pub mod predicate;
pub mod random;
pub mod render;
pub mod row;
pub mod rules;
pub mod slack;
pub mod template;
pub mod typed;

#[cfg(test)]
mod sample;
