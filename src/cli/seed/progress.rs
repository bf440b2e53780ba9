//! How far it is: a bar that is drawn over on a terminal, a line now and then elsewhere. All of it on standard error.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// How often a line is written where no bar can be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
const BAR_INTERVAL: Duration = Duration::from_secs(1);

const ROWS: &str = "{bar:40} {human_pos} of {human_len} payments, {per_sec}, {eta} left";

pub(super) struct RowProgress {
    /// Draws only on a terminal.
    bar: ProgressBar,
    rows: u64,
    next_line: Instant,
}

impl RowProgress {
    pub(super) fn new(rows: u64) -> Self {
        let style = ProgressStyle::with_template(ROWS).expect("the template is one of ours");
        Self {
            bar: ProgressBar::new(rows).with_style(style),
            rows,
            next_line: Instant::now() + LINE_INTERVAL,
        }
    }

    pub(super) fn show(&mut self, done: u64) {
        self.bar.set_position(done);
        if self.bar.is_hidden() && Instant::now() >= self.next_line {
            self.next_line += LINE_INTERVAL;
            eprintln!("{} of {} payments", HumanCount(done), HumanCount(self.rows));
        }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

pub(super) struct ChangeProgress {
    bar: ProgressBar,
    interval: Duration,
    /// When and at which count the last line was written.
    last: (Instant, u64),
}

impl ChangeProgress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        Self {
            interval: if bar.is_hidden() {
                LINE_INTERVAL
            } else {
                BAR_INTERVAL
            },
            bar,
            last: (Instant::now(), 0),
        }
    }

    pub(super) fn show(&mut self, changes: u64) {
        let (since, before) = self.last;
        let elapsed = since.elapsed();
        if elapsed < self.interval {
            return;
        }
        self.last = (Instant::now(), changes);
        let rate = super::rate(changes - before, elapsed);
        let line = format!(
            "{} status changes, {}/s",
            HumanCount(changes),
            HumanCount(rate)
        );
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.set_message(line);
        }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
