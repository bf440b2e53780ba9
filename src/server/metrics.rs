//! The metrics' names and their text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

use crate::engine::notify::Notifier;
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
        page.0
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
    let counters = [
        (
            "notify_queued_total",
            "Notices that the outbox took.",
            &tally.queued,
        ),
        (
            "notify_held_total",
            "Notices held for a digest.",
            &tally.held,
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
            .map_or(0, |at| now_ms.saturating_sub(at).max(0));
        page.gauge(
            "notify_oldest_age_seconds",
            "Age of the oldest notice that waits.",
            &dest,
            format!("{}.{:03}", age_ms / 1000, age_ms % 1000),
        );
    }
    for (name, counters) in &standings.counters {
        destination(page, name, counters);
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

/// Prometheus' text format: the lines of one metric stand together.
#[derive(Default)]
struct Page(String);

impl Page {
    fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: u64) {
        self.line(name, help, "counter", labels, value);
    }

    fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: impl ToString) {
        self.line(name, help, "gauge", labels, value);
    }

    fn line(
        &mut self,
        name: &str,
        help: &str,
        kind: &str,
        labels: &[(&str, &str)],
        value: impl ToString,
    ) {
        let head = format!("# HELP walstreet_{name} {help}\n# TYPE walstreet_{name} {kind}\n");
        let label = |(label, value): &(&str, &str)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{label}=\"{value}\"")
        };
        let labels: Vec<String> = labels.iter().map(label).collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let mut line = format!("walstreet_{name}{labels} ");
        writeln!(line, "{}", value.to_string()).expect("a string takes everything");
        match self.0.find(&head) {
            Some(at) => {
                let rest = &self.0[at + head.len()..];
                let end = rest.find("# HELP ").unwrap_or(rest.len());
                self.0.insert_str(at + head.len() + end, &line);
            }
            None => {
                self.0.push_str(&head);
                self.0.push_str(&line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_one_metric_stand_together_and_labels_are_quoted() {
        let mut page = Page::default();
        page.counter("a_total", "A.", &[("dest", "x")], 1);
        page.gauge("b", "B.", &[], 2);
        page.counter("a_total", "A.", &[("dest", "y\"\\\n")], 3);
        assert_eq!(
            page.0,
            "# HELP walstreet_a_total A.\n# TYPE walstreet_a_total counter\nwalstreet_a_total{dest=\"x\"} 1\n\
             walstreet_a_total{dest=\"y\\\"\\\\\\n\"} 3\n\
             # HELP walstreet_b B.\n# TYPE walstreet_b gauge\nwalstreet_b 2\n"
        );
    }
}
