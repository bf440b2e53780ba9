//! Status changes told to Slack. The core is pure: no I/O, no clock; time comes in as an argument.
//!
//! ```text
//! Change ▶ rules (row, predicate) ▶ collapse (a digest per commit) ▶ noise (windows, mutes, quiet hours) ▶ Notice ▶ outbox
//! outbox ▶ delivery (a lane per destination, Notice ▶ message) ▶ slack
//! ```
//!
//! For whoever joins them:
//! - [`outbox::Outbox::open`] once a process; [`outbox::Outbox::store`] takes an [`outbox::Intake`] of commits, or of what time made,
//!   and is on disk after [`outbox::Outbox::sync`]: only then may the engine confirm the position; [`outbox::Outbox::watermark`] and
//!   [`outbox::Outbox::noise`] say at start where it stood;
//! - [`slack::client::Connections::bot`] or [`slack::client::Connections::webhook`] for each [`delivery::Destination`];
//! - [`delivery::Delivery::new`] with both, [`delivery::Delivery::wake`] to tell it after every store whom it was for,
//!   [`delivery::Delivery::metrics`] to read the counters, [`delivery::Delivery::run`] until cancelled;
//! - [`outbox::Outbox::beside`] for operators' commands, while another process delivers: [`outbox::Outbox::list`],
//!   [`outbox::Outbox::standing`], [`outbox::Outbox::resend`], [`outbox::Outbox::mute`], [`outbox::Outbox::audit`] and others;
//! - [`delivery::Delivery::retry`] after a reload; it prunes the outbox itself;
//! - [`fake_slack::server::FakeSlack`] to do it all without Slack.

pub mod amount;
pub mod clock;
pub mod collapse;
pub mod config;
pub mod delivery;
pub mod digest;
pub mod escape;
mod exposure;
pub mod fake_slack;
pub mod identity_key;
pub mod last_states;
pub mod link;
pub mod mask;
pub mod message;
pub mod noise;
pub mod notice;
pub mod outbox;
pub mod pace;
pub mod predicate;
pub mod quiet;
pub mod random;
pub mod render;
pub mod row;
pub mod rules;
pub mod slack;
pub mod template;
pub mod typed;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
