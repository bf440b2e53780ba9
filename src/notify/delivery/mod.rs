//! From the outbox to Slack: a lane per destination, so that a broken one holds up no other.
//!
//! At least once: a message comes twice only after an answer was lost, at most one for each lane and failure, and usually not
//! at all where the bot may read the channel's history.

mod counters;
mod lane;
mod paces;
mod request;
mod run;

pub use counters::Counters;
pub use lane::{Answer, Lane, Step};
pub use paces::Paces;
pub use request::{Request, first};
pub use run::{Delivery, DeliveryError, Metrics, Wake};

use super::outbox::Capacity;

/// What to do about a message whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// Look for it in the channel, and send it again when it is not there. Needs a bot with `channels:history`.
    Reconcile,
    /// Send it again, and say that it may be a repeat.
    Resend,
    /// Leave it to an operator.
    Hold,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    Bot {
        /// The channel's ID.
        channel: String,
        /// The same for destinations that share a token: they share its limits. Never the token itself.
        token_name: String,
    },
    Webhook,
}

/// Where notices go.
#[derive(Clone, Debug)]
pub struct Destination {
    pub name: String,
    pub kind: DestinationKind,
    pub unknown: UnknownPolicy,
    pub capacity: Capacity,
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod lane_tests;
#[cfg(test)]
mod outage_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod world;
