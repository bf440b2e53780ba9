//! A lane: one destination, one request at a time. It says what to send and when, and is told what became of it; it waits for
//! nothing and opens no socket.

mod failure;

use std::time::Duration;

use super::counters::Counters;
use super::paces::{PaceKeys, Paced, Paces};
use super::request::{self, Request, Role};
use super::{Destination, DestinationKind, UnknownPolicy};
use crate::notify::clock::Moment;
use crate::notify::notice::{Content, ConversationMode, RowChange};
use crate::notify::outbox::{Ending, Opened, Outbox, OutboxError, Queued, Thread, Wait, Write};
use crate::notify::random::Random;
use crate::notify::slack::answer::{LookOutcome, Outcome, Posted};
use crate::notify::slack::limits;

/// How often to see whether too much waits: that costs the more the more it is.
const FOLD_INTERVAL: Duration = Duration::from_secs(5);

/// What the lane wants now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Send {
        request: Request,
        /// Its mark, which is on disk before [`Lane::answered`] takes the answer; a look needs none.
        mark: Option<Write>,
    },
    /// Nothing before this moment of the monotonic clock.
    Wait(Duration),
    /// Nothing before something is stored.
    Idle,
    /// A request is on its way.
    Busy,
}

/// What came back for the request of [`Step::Send`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Written(Outcome),
    Looked(LookOutcome),
}

#[derive(Clone, Debug)]
struct InFlight {
    queued: Queued,
    role: Role,
    mark: Option<Write>,
}

#[derive(Debug)]
pub struct Lane {
    destination: Destination,
    keys: PaceKeys,
    in_flight: Option<InFlight>,
    closed_until: Duration,
    fold_at: Duration,
    is_parked: bool,
    /// Since the last success: they lengthen the back-off.
    failures: u32,
    looks: u8,
    /// After a power cut: the first notice of before that waits may have been sent.
    doubts_before_ms: Option<i64>,
    random: Random,
    pub counters: Counters,
}

impl Lane {
    /// Takes up the wait that the last process left. A parked destination is tried at once.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn new(
        destination: Destination,
        outbox: &Outbox,
        seed: u64,
        now: Moment,
    ) -> Result<Self, OutboxError> {
        let wait = outbox.wait(&destination.name)?;
        let is_parked = wait.parked_at_ms.is_some();
        let left_ms = wait.until_ms.unwrap_or(0) - now.wall_ms();
        // The wall clock may have jumped: nothing waits longer than Slack may ask for.
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        let keys = match &destination.kind {
            DestinationKind::Bot {
                channel,
                token_name,
            } => PaceKeys {
                channel: format!("{token_name}/{channel}"),
                token: token_name.clone(),
            },
            DestinationKind::Webhook => PaceKeys {
                channel: destination.name.clone(),
                token: destination.name.clone(),
            },
        };
        Ok(Self {
            destination,
            keys,
            in_flight: None,
            closed_until: now.monotonic + left.min(limits::RETRY_AFTER_CAP),
            fold_at: now.monotonic,
            is_parked,
            failures: 0,
            looks: 0,
            doubts_before_ms: outbox.doubts_before_ms(),
            random: Random::seeded(seed),
            counters: Counters {
                is_parked,
                ..Counters::default()
            },
        })
    }

    pub fn name(&self) -> &str {
        &self.destination.name
    }

    #[cfg(test)]
    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// What to do now. A request that it returns is in the outbox as `sending` already.
    ///
    /// # Errors
    /// When the outbox takes nothing; then nothing may be sent.
    pub fn next(
        &mut self,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<Step, OutboxError> {
        if self.in_flight.is_some() {
            return Ok(Step::Busy);
        }
        if now.monotonic >= self.fold_at {
            let folded = outbox.fold(self.name(), self.destination.capacity, now.wall_ms())?;
            self.report_folded(folded.notices);
            if folded.notices == 0 {
                self.fold_at = now.monotonic + FOLD_INTERVAL;
            }
        }
        if now.monotonic < self.closed_until {
            return Ok(Step::Wait(self.closed_until));
        }
        while let Some(queued) = outbox.next(self.name())? {
            if self.doubts(&queued) {
                outbox.doubt(&queued, now.wall_ms())?;
                self.doubts_before_ms = None;
                continue;
            }
            let step = if queued.unknown {
                self.resolve(queued, outbox, paces, now)?
            } else {
                self.send(queued, outbox, paces, now)?
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
        Ok(Step::Idle)
    }

    /// Takes what came back. After an error it may be called again with the same answer.
    ///
    /// # Errors
    /// When the outbox takes nothing.
    pub fn answered(
        &mut self,
        answer: &Answer,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let Some(in_flight) = self.in_flight.clone() else {
            return Ok(());
        };
        if let Some(mark) = in_flight.mark {
            outbox.sync(mark)?;
        }
        match answer {
            Answer::Written(Outcome::Accepted { posted }) => {
                self.accepted(&in_flight, posted.as_ref(), outbox, now)?;
            }
            Answer::Written(Outcome::Failed(error)) => {
                self.failed(&in_flight, error, outbox, paces, now)?;
            }
            Answer::Looked(LookOutcome::Found(posted)) => {
                self.counters.found += 1;
                self.accepted(&in_flight, Some(posted), outbox, now)?;
            }
            Answer::Looked(LookOutcome::Missing) => self.missing(&in_flight, outbox, now)?,
            Answer::Looked(LookOutcome::Failed(error)) => {
                self.look_failed(&in_flight, error, outbox, paces, now)?;
            }
        }
        self.in_flight = None;
        Ok(())
    }

    /// An operator wrote into the outbox: whether the destination is to be tried again.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn changed(&mut self, outbox: &Outbox) -> Result<(), OutboxError> {
        if self.is_parked && outbox.wait(self.name())?.until_ms.is_none() {
            self.retry_now();
        }
        Ok(())
    }

    /// An operator repaired something: a parked destination is tried at once.
    pub fn retry_now(&mut self) {
        if self.is_parked {
            self.closed_until = Duration::ZERO;
        }
    }

    fn send(
        &mut self,
        mut queued: Queued,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<Option<Step>, OutboxError> {
        let thread = outbox.thread(&queued.notice)?;
        let role = request::role(&queued, &self.destination, thread.as_ref());
        let paced = paced(role);
        let ready = paces.ready_at(&self.keys, paced);
        if now.monotonic < ready {
            return Ok(Some(Step::Wait(ready)));
        }
        if role == Role::Edit
            && queued.step == 0
            && let Some(latest) = outbox.latest_edit(&queued, now.wall_ms())?
        {
            queued = latest;
        }
        if let (Role::Edit, Content::Change(change)) = (role, &mut queued.notice.content)
            && let Some(told) = thread.as_ref().and_then(|thread| thread.told.as_ref())
        {
            change.follow(told);
        }
        let request = request::write(&queued, &self.destination, (role, thread.as_ref()), now);
        let thread_ts = match role {
            Role::Reply => thread.map(|thread| thread.ts),
            Role::Root | Role::Edit => None,
        };
        let opened = Opened {
            seq: queued.seq,
            body_hash: &request::hash(&request),
            thread_ts: thread_ts.as_deref(),
        };
        let Some(mark) = outbox.begin(opened, now.wall_ms())? else {
            return Ok(None);
        };
        paces.take(&self.keys, paced, now.monotonic);
        let mark = Some(mark);
        self.in_flight = Some(InFlight { queued, role, mark });
        Ok(Some(Step::Send { request, mark }))
    }

    /// Whether it is the one that may have been sent before a power cut without a mark that survived. Those that have one come before.
    /// What began later shows that there was none.
    fn doubts(&mut self, queued: &Queued) -> bool {
        if queued.unknown {
            return false;
        }
        let began = queued.notice.began().as_millisecond();
        self.doubts_before_ms = self.doubts_before_ms.filter(|before| began < *before);
        self.doubts_before_ms.is_some()
    }

    /// What to do about a notice that may have arrived; `None` when it is decided without asking Slack.
    fn resolve(
        &mut self,
        queued: Queued,
        outbox: &Outbox,
        paces: &mut Paces,
        now: Moment,
    ) -> Result<Option<Step>, OutboxError> {
        let thread = outbox.thread(&queued.notice)?;
        let role = request::role(&queued, &self.destination, thread.as_ref());
        // An edit changes nothing the second time. What was a reply had its thread when it was sent.
        let role = if queued.thread_ts.is_some() {
            Role::Reply
        } else {
            role
        };
        let policy = self.destination.unknown;
        let thread_ts = match (&queued.thread_ts, role, thread) {
            (Some(thread_ts), _, _) => Some(thread_ts.clone()),
            (None, Role::Reply, Some(thread)) => Some(thread.ts),
            (None, _, _) => None,
        };
        let look = request::look(&queued, &self.destination, thread_ts.as_deref(), now);
        let ending = match (role, policy, look) {
            (Role::Edit, _, _) => Ending::Again { counts: true },
            (Role::Root | Role::Reply, UnknownPolicy::Hold, _) => Ending::Held,
            (Role::Root | Role::Reply, UnknownPolicy::Reconcile, Some(look)) => {
                let ready = paces.ready_at(&self.keys, Paced::Look);
                if now.monotonic < ready {
                    return Ok(Some(Step::Wait(ready)));
                }
                paces.take(&self.keys, Paced::Look, now.monotonic);
                let mark = None;
                self.in_flight = Some(InFlight { queued, role, mark });
                let request = Request::Look(look);
                return Ok(Some(Step::Send { request, mark }));
            }
            (Role::Root | Role::Reply, UnknownPolicy::Resend | UnknownPolicy::Reconcile, _) => {
                Ending::AgainAsRepeat
            }
        };
        self.end(&queued, &ending, "unknown", outbox, now)?;
        Ok(None)
    }

    fn accepted(
        &mut self,
        in_flight: &InFlight,
        posted: Option<&Posted>,
        outbox: &Outbox,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let InFlight { queued, role, .. } = in_flight;
        self.remember(in_flight, posted, outbox, now)?;
        let mode = queued.notice.conversation.mode;
        let ending = if *role == Role::Reply && mode == ConversationMode::UpdateAndThread {
            Ending::NextStep
        } else {
            Ending::Sent {
                posted: posted.cloned(),
            }
        };
        self.end(queued, &ending, "ok", outbox, now)?;
        if matches!(ending, Ending::Sent { .. }) {
            let lags = &mut self.counters.lags;
            let lag = lags.entry(queued.notice.rule.clone()).or_default();
            lag.observe(queued.notice.age(now.wall()));
        }
        if self.is_parked {
            outbox.set_wait(self.name(), &Wait::default(), now.wall_ms())?;
            tracing::info!(
                destination = self.name(),
                "the destination takes messages again"
            );
        }
        self.is_parked = false;
        self.counters.is_parked = false;
        self.failures = 0;
        self.looks = 0;
        self.counters.last_success_at_ms = Some(now.wall_ms());
        match role {
            Role::Edit => self.counters.edited += 1,
            Role::Root | Role::Reply => self.counters.sent += 1,
        }
        Ok(())
    }

    /// Where the conversation is, and what its root tells.
    fn remember(
        &self,
        in_flight: &InFlight,
        posted: Option<&Posted>,
        outbox: &Outbox,
        now: Moment,
    ) -> Result<(), OutboxError> {
        let notice = &in_flight.queued.notice;
        match (in_flight.role, notice.conversation.mode, posted) {
            (_, ConversationMode::Flat, _) | (Role::Root | Role::Edit, _, None) => Ok(()),
            (Role::Reply, _, _) => outbox.touch_thread(notice, now.wall_ms()),
            (Role::Root | Role::Edit, _, Some(posted)) => {
                let root = Thread {
                    channel: posted.channel.clone(),
                    ts: posted.ts.clone(),
                    told: change(&notice.content).cloned(),
                };
                outbox.remember_thread(notice, &root, now.wall_ms())
            }
        }
    }

    fn end(
        &mut self,
        queued: &Queued,
        ending: &Ending,
        label: &'static str,
        outbox: &Outbox,
        now: Moment,
    ) -> Result<(), OutboxError> {
        outbox.end(queued, ending, label, now.wall_ms())?;
        match ending {
            Ending::Sent { .. } | Ending::NextStep | Ending::Unknown => {}
            Ending::Again { .. } | Ending::AgainAsPlain | Ending::AgainAsRoot => {
                *self.counters.retries.entry(label).or_default() += 1;
            }
            Ending::AgainAsRepeat => self.counters.repeated += 1,
            Ending::Held => self.counters.held += 1,
            Ending::Dead => {
                *self.counters.dead.entry(label).or_default() += 1;
                let delivery = queued.notice.id.as_str();
                tracing::error!(
                    destination = self.name(),
                    delivery,
                    label,
                    "Slack refused a message for good"
                );
            }
        }
        Ok(())
    }

    fn report_folded(&mut self, notices: u64) {
        if notices > 0 {
            self.counters.folded += notices;
            tracing::warn!(
                destination = self.name(),
                notices,
                "too much is queued: summarised in a digest"
            );
        }
    }
}

fn change(content: &Content) -> Option<&RowChange> {
    match content {
        Content::Change(change) => Some(change),
        Content::Digest(_) => None,
    }
}

fn paced(role: Role) -> Paced {
    match role {
        Role::Root | Role::Reply => Paced::Post,
        Role::Edit => Paced::Edit,
    }
}
