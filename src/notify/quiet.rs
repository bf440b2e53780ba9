//! Quiet hours of a destination, in its own time zone: what comes then is held, not dropped.
//!
//! Times of day are civil: where the clocks skip one, `jiff` takes the time after the gap; where they repeat one, the first.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::config::Quiet;
use super::notice::Severity;

#[derive(Clone, Debug)]
pub struct QuietHours {
    zone: TimeZone,
    from: Time,
    to: Time,
    break_through: Vec<Severity>,
}

impl QuietHours {
    /// `None` for settings that the file's check refuses.
    #[must_use]
    pub fn new(quiet: &Quiet) -> Option<Self> {
        let time = |text: &str| Time::strptime("%H:%M", text).ok();
        Some(Self {
            zone: TimeZone::get(&quiet.tz).ok()?,
            from: time(&quiet.from)?,
            to: time(&quiet.to)?,
            break_through: quiet.break_through.clone(),
        })
    }

    /// Whether a notice waits.
    #[must_use]
    pub fn holds(&self, severity: Severity, now: Timestamp) -> bool {
        !self.break_through.contains(&severity) && self.end(now).is_some()
    }

    /// When the quiet hours that `now` is in end; `None` outside of them.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        // Those that began yesterday can last until today.
        [today.yesterday().ok()?, today]
            .into_iter()
            .find_map(|day| {
                let (start, end) = self.of(day)?;
                (start <= now && now < end).then_some(end)
            })
    }

    /// The quiet hours that begin on a day.
    fn of(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from {
            day
        } else {
            day.checked_add(1.day()).ok()?
        };
        let at = |day: Date, time: Time| {
            Some(
                day.to_datetime(time)
                    .to_zoned(self.zone.clone())
                    .ok()?
                    .timestamp(),
            )
        };
        Some((at(day, self.from)?, at(last, self.to)?))
    }
}
