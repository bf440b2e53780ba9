//! What a lane does when Slack did not take a message.

use std::time::Duration;

use super::{InFlight, Lane, paced};
use crate::notify::clock::Moment;
use crate::notify::delivery::paces::{Paced, Paces};
use crate::notify::delivery::request::Role;
use crate::notify::outbox::{Ending, Outbox, OutboxError, Wait};
use crate::notify::slack::error_class::{ErrorAnswer, ErrorClass};

/// A parked destination is tried again that often.
const PROBE_INTERVAL: Duration = Duration::from_secs(5 * 60);
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5 * 60);
/// Slack may show a message a little late: it is missing only when it is missing twice.
const LOOKS: u8 = 2;
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Slack's words that close a destination to reading and to writing; others may be for reading alone, such as `missing_scope`.
const CLOSED: [&str; 11] = [
    "account_inactive",
    "accesslimited",
    "http_3xx",
    "invalid_auth",
    "is_archived",
    "not_authed",
    "org_login_required",
    "team_disabled",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
];

impl Lane {
    pub(super) fn failed(
        &mut self,
        in_flight: &InFlight,
        error: &ErrorAnswer,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let InFlight { queued, role, .. } = in_flight;
        let ending = match error.class {
            ErrorClass::Wait | ErrorClass::Quota => {
                self.wait(paced(*role), error, outbox, paces, now)?;
                Ending::Again { counts: false }
            }
            ErrorClass::Transient => {
                self.back_off(now);
                Ending::Again { counts: true }
            }
            ErrorClass::Unknown => {
                self.counters.unknown += 1;
                self.looks = 0;
                self.back_off(now);
                match role {
                    Role::Edit => Ending::Again { counts: true },
                    Role::Root | Role::Reply => Ending::Unknown,
                }
            }
            ErrorClass::DestinationBroken => {
                self.park(error.label, outbox, now)?;
                Ending::Again { counts: false }
            }
            ErrorClass::ThreadBroken if *role != Role::Root => {
                outbox.forget_thread(&queued.notice)?;
                Ending::AgainAsRoot
            }
            ErrorClass::MessageBroken | ErrorClass::ThreadBroken if queued.plain => Ending::Dead,
            ErrorClass::MessageBroken | ErrorClass::ThreadBroken => Ending::AgainAsPlain,
        };
        self.end(queued, &ending, error.label, outbox, now)
    }

    pub(super) fn missing(
        &mut self,
        in_flight: &InFlight,
        outbox: &Outbox,
        now: Moment,
    ) -> Result<(), OutboxError> {
        if self.looks + 1 < LOOKS {
            self.looks += 1;
            self.closed_until = now.monotonic + LOOK_INTERVAL;
            return Ok(());
        }
        let ending = Ending::Again { counts: true };
        self.end(&in_flight.queued, &ending, "missing", outbox, now)?;
        self.looks = 0;
        Ok(())
    }

    /// Where we cannot look, the channel gets a message that says it may be a repeat.
    pub(super) fn look_failed(
        &mut self,
        in_flight: &InFlight,
        error: &ErrorAnswer,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let queued = &in_flight.queued;
        match error.class {
            ErrorClass::Wait | ErrorClass::Quota => {
                self.wait(Paced::Look, error, outbox, paces, now)
            }
            ErrorClass::Transient | ErrorClass::Unknown => {
                self.back_off(now);
                Ok(())
            }
            ErrorClass::ThreadBroken => {
                outbox.forget_thread(&queued.notice)?;
                self.end(queued, &Ending::AgainAsRoot, error.label, outbox, now)
            }
            // Nor could it be sent now: it stays unknown until somebody repairs the destination.
            ErrorClass::DestinationBroken if CLOSED.contains(&error.label) => {
                self.park(error.label, outbox, now)
            }
            ErrorClass::DestinationBroken | ErrorClass::MessageBroken => {
                tracing::warn!(
                    destination = self.name(),
                    label = error.label,
                    "could not look for a message whose answer was lost: sending it again; give the token channels:history, \
                     or set unknown = \"resend\""
                );
                self.end(queued, &Ending::AgainAsRepeat, error.label, outbox, now)
            }
        }
    }

    fn wait(
        &mut self,
        paced: Paced,
        error: &ErrorAnswer,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let wait = error.wait + self.jitter(error.wait / 10);
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let stored = Wait {
            until_ms: Some(now.wall_ms().saturating_add(wait_ms)),
            parked_at_ms: self.is_parked.then(|| now.wall_ms()),
            reason: Some(error.label.to_owned()),
        };
        outbox.set_wait(self.name(), &stored, now.wall_ms())?;
        self.counters.rate_limited += 1;
        if error.wait_was_cut || error.class == ErrorClass::Quota {
            self.counters.waits_cut += u64::from(error.wait_was_cut);
            tracing::error!(
                destination = self.name(),
                label = error.label,
                wait_s = wait.as_secs(),
                "Slack closes the destination for long"
            );
        }
        self.closed_until = now.monotonic + wait;
        paces.pause(&self.keys, paced, self.closed_until);
        Ok(())
    }

    fn park(
        &mut self,
        label: &'static str,
        outbox: &Outbox,
        now: Moment,
    ) -> Result<(), OutboxError> {
        self.closed_until = now.monotonic + PROBE_INTERVAL;
        if self.is_parked {
            return Ok(());
        }
        let parked = Wait {
            until_ms: None,
            parked_at_ms: Some(now.wall_ms()),
            reason: Some(label.to_owned()),
        };
        outbox.set_wait(self.name(), &parked, now.wall_ms())?;
        self.is_parked = true;
        self.counters.is_parked = true;
        self.counters.parked += 1;
        tracing::error!(
            destination = self.name(),
            label,
            "Slack refuses the destination: its notices are kept, and it is tried every five minutes"
        );
        Ok(())
    }

    /// Exponential with full jitter, never below a second.
    fn back_off(&mut self, now: Moment) {
        self.failures += 1;
        let ceiling = FIRST_BACK_OFF * 2_u32.pow(self.failures.min(10));
        let jitter = self.jitter(ceiling.min(LONGEST_BACK_OFF) - FIRST_BACK_OFF);
        self.closed_until = now.monotonic + FIRST_BACK_OFF + jitter;
    }

    fn jitter(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random.below(most))
    }
}
