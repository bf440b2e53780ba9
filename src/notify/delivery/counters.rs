//! What a lane counts, for metrics.

use std::collections::BTreeMap;

use crate::telemetry::histogram::Histogram;

/// Since the process started. Labels are of a closed set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub sent: u64,
    pub edited: u64,
    pub rate_limited: u64,
    /// `Retry-After` was longer than we accept to wait.
    pub waits_cut: u64,
    /// Sent again after a failure, by Slack's word.
    pub retries: BTreeMap<&'static str, u64>,
    /// Nobody knew whether it arrived.
    pub unknown: u64,
    /// An unknown one that was found in the channel.
    pub found: u64,
    /// Sent again as a possible repeat.
    pub repeated: u64,
    pub held: u64,
    pub dead: BTreeMap<&'static str, u64>,
    pub folded: u64,
    /// How often the destination was closed; an alarm each.
    pub parked: u64,
    pub is_parked: bool,
    pub last_success_at_ms: Option<i64>,
    /// By rule: from the commit, or from the end of what held a notice, to Slack's answer.
    pub lags: BTreeMap<String, Histogram>,
}
