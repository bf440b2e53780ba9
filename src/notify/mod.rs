//! Status changes told to Slack. The core is pure: no I/O, no clock; time comes in as an argument.
//!
//! ```text
//! Change ▶ rules (row, predicate) ▶ collapse (a digest per commit) ▶ noise (windows, mutes, quiet hours) ▶ Notice ▶ outbox
//! Notice ▶ message ▶ Slack
//! ```

pub mod amount;
pub mod collapse;
pub mod config;
pub mod digest;
pub mod escape;
mod exposure;
pub mod last_states;
pub mod link;
pub mod mask;
pub mod message;
pub mod noise;
pub mod notice;
pub mod predicate;
pub mod quiet;
pub mod render;
pub mod row;
pub mod rules;
pub mod slack;
pub mod template;
pub mod typed;

#[cfg(test)]
mod tests;
