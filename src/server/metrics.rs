//! The metrics' names, and what they say.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::page::{Page, seconds};
use crate::engine::notify::{Notifier, Standings, Tally};
use crate::engine::progress::{Phase, Progress};
use crate::notify::delivery::Counters;

/// A running connector.
pub struct Running {
    pub progress: Arc<Progress>,
    pub notifier: Option<Arc<Notifier>>,
}

impl Running {
    /// In Prometheus' text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        let mut page = Page::default();
        self.engine(&mut page);
        if let Some(notifier) = &self.notifier {
            notices(&mut page, notifier);
        }
        page.into_text()
    }

    /// Whether all is well, and what is not.
    ///
    /// # Errors
    /// What is not.
    pub fn health(&self) -> Result<(), String> {
        if self.progress.phase() == Phase::Stopped {
            return Err("stopped".to_owned());
        }
        let Some(notifier) = &self.notifier else {
            return Ok(());
        };
        if notifier.tally().is_refused.load(Relaxed) {
            return Err("the outbox takes nothing: no position is confirmed".to_owned());
        }
        if notifier.standings().is_healthy {
            Ok(())
        } else {
            Err("notices are not delivered: see the log".to_owned())
        }
    }

    fn engine(&self, page: &mut Page) {
        let progress = &self.progress;
        let counters: [(&str, &str, &AtomicU64); 6] = [
            (
                "snapshot_rows_total",
                "Rows of the snapshot.",
                &progress.snapshot_rows,
            ),
            ("changes_total", "Changes of the stream.", &progress.changes),
            (
                "transactions_total",
                "Transactions of the stream.",
                &progress.transactions,
            ),
            (
                "records_sent_total",
                "Records given to the producer.",
                &progress.records_sent,
            ),
            (
                "records_acknowledged_total",
                "Records that Kafka acknowledged.",
                &progress.records_acknowledged,
            ),
            (
                "bytes_sent_total",
                "Bytes of the records.",
                &progress.bytes_sent,
            ),
        ];
        for (name, help, counter) in counters {
            page.counter(name, help, &[], counter.load(Relaxed));
        }
        let confirmed = progress.confirmed_lsn.load(Relaxed);
        page.gauge(
            "confirmed_lsn",
            "Position confirmed to PostgreSQL.",
            &[],
            confirmed,
        );
        let is_streaming = progress.phase() == Phase::Streaming;
        page.gauge(
            "streaming",
            "1 while the stream is read.",
            &[],
            u8::from(is_streaming),
        );
    }
}

fn notices(page: &mut Page, notifier: &Notifier) {
    let tally = notifier.tally();
    let suppressed = [("repeat", &tally.repeated), ("mute", &tally.muted)];
    for (why, counter) in suppressed {
        let help = "Changes that were not told, by why.";
        page.counter(
            "notify_suppressed_total",
            help,
            &[("why", why)],
            counter.load(Relaxed),
        );
    }
    let held = [("window", &tally.held_window), ("quiet", &tally.held_quiet)];
    for (why, counter) in held {
        let help = "Notices held for a digest, by why.";
        page.counter(
            "notify_held_total",
            help,
            &[("why", why)],
            counter.load(Relaxed),
        );
    }
    times(page, tally);
    let counters = [
        (
            "notify_queued_total",
            "Notices that the outbox took.",
            &tally.queued,
        ),
        (
            "notify_stale_total",
            "Changes told late, in a digest.",
            &tally.stale,
        ),
        (
            "notify_rule_eval_errors_total",
            "Changes that a rule could not decide.",
            &tally.rule_errors,
        ),
        (
            "notify_stores_total",
            "Durable writes of the outbox.",
            &tally.stores,
        ),
        (
            "notify_store_microseconds_total",
            "Time spent in them.",
            &tally.store_us,
        ),
        (
            "notify_store_failures_total",
            "Writes that the outbox did not take.",
            &tally.store_failures,
        ),
    ];
    for (name, help, counter) in counters {
        page.counter(name, help, &[], counter.load(Relaxed));
    }
    let standings = notifier.standings();
    page.gauge(
        "notify_outbox_bytes",
        "Size of the outbox.",
        &[],
        standings.outbox_bytes,
    );
    queues(page, &standings);
    for (name, counters) in &standings.counters {
        destination(page, name, counters);
    }
}

fn times(page: &mut Page, tally: &Tally) {
    let histograms = [
        (
            "notify_commit_to_enqueued_seconds",
            "From the commit, or from the end of what held a notice, to the outbox; by the database's clock and ours.",
            &tally.enqueued,
        ),
        (
            "notify_hold_seconds",
            "How long a digest was held by a window or quiet hours, from its first change.",
            &tally.hold,
        ),
    ];
    for (name, help, histogram) in histograms {
        let histogram = histogram.lock().unwrap_or_else(PoisonError::into_inner);
        page.histogram(name, help, &[], &histogram);
    }
    page.gauge(
        "notify_clock_ahead_seconds",
        "How far the database's clock was ahead of ours at the last notice, at least.",
        &[],
        seconds(tally.clock_ahead_ms.load(Relaxed)),
    );
}

fn queues(page: &mut Page, standings: &Standings) {
    let now_ms = Timestamp::now().as_millisecond();
    for (name, standing) in &standings.queues {
        let dest = [("dest", name.as_str())];
        page.gauge(
            "notify_queue_depth",
            "Notices that wait.",
            &dest,
            standing.queued,
        );
        let age_ms = standing
            .oldest_at_ms
            .map_or(0, |at| now_ms.saturating_sub(at));
        page.gauge(
            "notify_oldest_age_seconds",
            "Age of the oldest notice that waits.",
            &dest,
            seconds(u64::try_from(age_ms).unwrap_or(0)),
        );
        page.gauge(
            "notify_held_for_operator",
            "Notices of which an operator must decide whether they arrived.",
            &dest,
            standing.held,
        );
    }
}

fn destination(page: &mut Page, name: &str, counters: &Counters) {
    let dest = ("dest", name);
    let simple = [
        (
            "notify_sent_total",
            "Messages that Slack accepted.",
            counters.sent,
        ),
        ("notify_edited_total", "Messages edited.", counters.edited),
        (
            "notify_rate_limited_total",
            "Times that Slack asked us to wait.",
            counters.rate_limited,
        ),
        (
            "notify_unknown_total",
            "Messages of which nobody knew whether they arrived.",
            counters.unknown,
        ),
        (
            "notify_found_total",
            "Of those, found in the channel.",
            counters.found,
        ),
        (
            "notify_repeated_total",
            "Sent again as a possible repeat.",
            counters.repeated,
        ),
        (
            "notify_parks_total",
            "Times that a destination was closed until somebody repairs it.",
            counters.parked,
        ),
        (
            "notify_waits_cut_total",
            "Times that Slack asked for a longer wait than is accepted.",
            counters.waits_cut,
        ),
        (
            "notify_folded_total",
            "Notices summarised because too much was queued.",
            counters.folded,
        ),
    ];
    for (metric, help, value) in simple {
        page.counter(metric, help, &[dest], value);
    }
    for (class, count) in &counters.retries {
        page.counter(
            "notify_retry_total",
            "Sent again, by why.",
            &[dest, ("class", class)],
            *count,
        );
    }
    for (reason, count) in &counters.dead {
        let labels = [dest, ("reason", *reason)];
        page.counter(
            "notify_dead_total",
            "Refused for good, by why.",
            &labels,
            *count,
        );
    }
    for (rule, lag) in &counters.lags {
        page.histogram(
            "notify_commit_to_sent_seconds",
            "From the commit, or from the end of what held a notice, to Slack's answer; by the database's clock and ours.",
            &[("rule", rule), dest],
            lag,
        );
    }
    let is_parked = u8::from(counters.is_parked);
    page.gauge(
        "notify_destination_parked",
        "1 while a destination is closed.",
        &[dest],
        is_parked,
    );
    if let Some(at) = counters.last_success_at_ms {
        page.gauge(
            "notify_last_success_timestamp_seconds",
            "When Slack accepted something last.",
            &[dest],
            at / 1000,
        );
    }
}
