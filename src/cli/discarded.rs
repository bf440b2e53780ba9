//! What `run --discard` says about its speed: a line of JSON on standard output whenever records stop coming.

use std::io::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::engine::progress::{Phase, Progress};

/// How often the counters are read: so exact are the printed seconds.
const LOOK: Duration = Duration::from_millis(5);

/// Without a record for so long, what came before is printed.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints until the connector has stopped.
pub(super) fn print(progress: &Progress) {
    let mut burst = None;
    loop {
        let phase = progress.phase();
        let seen = Seen {
            phase,
            at: Instant::now(),
            records: progress.records_sent.load(Relaxed),
            bytes: progress.bytes_sent.load(Relaxed),
        };
        let burst = burst.get_or_insert_with(|| Burst::starting(&seen));
        if let Some(line) = burst.look(&seen) {
            // Whoever does not read any more does not want to know.
            drop(writeln!(std::io::stdout(), "{line}"));
        }
        if phase == Phase::Stopped {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// The counters at one moment.
struct Seen {
    phase: Phase,
    at: Instant,
    records: u64,
    bytes: u64,
}

/// The records of one phase. It begins when PostgreSQL is asked for them, so the time until the first one is in.
struct Burst {
    phase: Phase,
    began: Instant,
    records_before: u64,
    bytes_before: u64,
    records: u64,
    bytes: u64,
    last_record: Instant,
    printed: bool,
}

impl Burst {
    fn starting(seen: &Seen) -> Self {
        Self {
            phase: seen.phase,
            began: seen.at,
            records_before: seen.records,
            bytes_before: seen.bytes,
            records: seen.records,
            bytes: seen.bytes,
            last_record: seen.at,
            printed: true,
        }
    }

    /// Returns the line to print, if one is due.
    fn look(&mut self, seen: &Seen) -> Option<String> {
        if self.phase == Phase::Starting && seen.phase != Phase::Starting {
            // Nothing is sent at the start: what is there already belongs to the phase that follows.
            (self.phase, self.began) = (seen.phase, seen.at);
        }
        if seen.records > self.records {
            (self.records, self.bytes) = (seen.records, seen.bytes);
            self.last_record = seen.at;
            self.printed = false;
        }
        let phase_ended = seen.phase != self.phase;
        let paused = seen.at.duration_since(self.last_record) >= PAUSE;
        let line = (!self.printed && (paused || phase_ended)).then(|| self.line());
        self.printed |= line.is_some();
        if phase_ended {
            *self = Self::starting(seen);
        }
        line
    }

    fn line(&self) -> String {
        let phase = match self.phase {
            Phase::Snapshot => "snapshot",
            Phase::Starting | Phase::Streaming | Phase::Stopped => "stream",
        };
        format!(
            r#"{{"phase":"{phase}","records":{},"bytes":{},"seconds":{:.3}}}"#,
            self.records - self.records_before,
            self.bytes - self.bytes_before,
            self.last_record.duration_since(self.began).as_secs_f64(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(looks: &[(Phase, u64, u64)]) -> Vec<String> {
        let start = Instant::now();
        let seen = |&(phase, ms, records): &(Phase, u64, u64)| Seen {
            phase,
            at: start + Duration::from_millis(ms),
            records,
            bytes: records * 10,
        };
        let mut burst = Burst::starting(&seen(&looks[0]));
        looks
            .iter()
            .filter_map(|look| burst.look(&seen(look)))
            .collect()
    }

    #[test]
    fn seconds_reach_from_the_start_of_the_phase_to_the_last_record_and_not_to_the_line() {
        let printed = lines(&[
            (Phase::Starting, 0, 0),
            (Phase::Streaming, 1000, 0),
            (Phase::Streaming, 1500, 7),
            (Phase::Streaming, 1550, 7),
            (Phase::Streaming, 2000, 7),
            (Phase::Streaming, 2100, 7),
        ]);
        assert_eq!(
            printed,
            [r#"{"phase":"stream","records":7,"bytes":70,"seconds":0.500}"#]
        );
    }

    #[test]
    fn records_that_came_before_the_first_look_at_a_phase_are_among_its_records() {
        let printed = lines(&[
            (Phase::Starting, 0, 0),
            (Phase::Starting, 5, 3),
            (Phase::Streaming, 10, 35),
            (Phase::Streaming, 1010, 200),
            (Phase::Streaming, 1510, 200),
        ]);
        assert_eq!(
            printed,
            [r#"{"phase":"stream","records":200,"bytes":2000,"seconds":1.000}"#]
        );
    }

    #[test]
    fn after_a_pause_the_line_tells_all_records_of_the_phase() {
        let printed = lines(&[
            (Phase::Streaming, 0, 0),
            (Phase::Streaming, 100, 4),
            (Phase::Streaming, 700, 4),
            (Phase::Streaming, 900, 9),
            (Phase::Streaming, 1500, 9),
        ]);
        assert_eq!(
            printed,
            [
                r#"{"phase":"stream","records":4,"bytes":40,"seconds":0.100}"#,
                r#"{"phase":"stream","records":9,"bytes":90,"seconds":0.900}"#
            ]
        );
    }

    #[test]
    fn a_snapshot_is_printed_when_the_stream_begins_and_is_not_counted_there() {
        let printed = lines(&[
            (Phase::Snapshot, 0, 0),
            (Phase::Snapshot, 250, 5),
            (Phase::Streaming, 255, 5),
            (Phase::Streaming, 1255, 8),
            (Phase::Stopped, 1260, 8),
        ]);
        assert_eq!(
            printed,
            [
                r#"{"phase":"snapshot","records":5,"bytes":50,"seconds":0.250}"#,
                r#"{"phase":"stream","records":3,"bytes":30,"seconds":1.000}"#
            ]
        );
    }
}
