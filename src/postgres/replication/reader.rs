//! The thread that owns the socket of a stream. It reads, looks at every message's header, answers the server, and hands
//! over whole buffers; it never waits for the consumer without keeping the server content.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::super::error::Error;
use super::super::socket::{self, Transport};
use super::super::wire::{Attempt, Wire};
use super::super::{Lsn, PgTimestamp};
use super::frame::{self, Frame, Status, protocol_error};
use super::inbox::{Inbox, Located};
use super::{Demand, Full, Shared, drain};

/// The server writes every message by itself. What still waits in its socket joins what waits there already; what does not
/// is a packet of its own, at twice the server's CPU time. So we keep its queue from running empty: as long as it never keeps
/// us waiting for `BUSY_GAP`, we read once, not until nothing is left, and then let messages gather, for a moment at first
/// and longer the longer it goes on. After much longer naps the window has grown so far that nothing waits.
const BUSY_GAP: Duration = Duration::from_millis(1);
const SHORTEST_NAP: Duration = Duration::from_micros(200);
const LONGEST_NAP: Duration = Duration::from_micros(400);
/// On a Unix socket small messages stay apart, and some two hundred fill the server's send buffer.
const LONGEST_NAP_UNIX: Duration = Duration::from_micros(300);

/// How soon the server hears of a confirmed position, and how often at most.
const CONFIRM_PACE: Duration = Duration::from_millis(100);

/// How long the server may take to accept a status update, and to end the stream with us.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// When the server has no `wal_sender_timeout`, we judge its silence by the default of 60 s.
const DEFAULT_SENDER_TIMEOUT: Duration = Duration::from_secs(60);

/// Clocks of a stream.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct StreamTimes {
    /// Between two status updates when nothing is confirmed.
    status_period: Duration,
    /// A server silent for longer is given up. We ask for a sign of life several times before.
    silence_limit: Duration,
}

impl StreamTimes {
    /// The server drops us after `wal_sender_timeout` without a status update; a third of it survives one that is late.
    pub(in super::super) fn new(
        status_interval: Duration,
        wal_sender_timeout: Option<Duration>,
    ) -> Self {
        let longest = wal_sender_timeout.unwrap_or(DEFAULT_SENDER_TIMEOUT);
        Self {
            status_period: status_interval.min(longest / 3).max(CONFIRM_PACE),
            silence_limit: longest * 2,
        }
    }
}

pub(super) struct Reader {
    transport: Transport,
    inbox: Inbox,
    shared: Arc<Shared>,
    wake: UnixStream,
    /// What the caller wanted, for errors: `stream from slot "x"`.
    attempted: String,
    times: StreamTimes,
    /// The furthest position that reached us.
    received: Lsn,
    reported: Lsn,
    reported_at: Instant,
    /// When the server last sent something, or could not because we did not read.
    heard_at: Instant,
    /// A keepalive demands a status update.
    reply_owed: bool,
    /// How long messages gather next time; zero when the stream was idle.
    nap: Duration,
    longest_nap: Duration,
}

/// What there was to read.
enum Found {
    Nothing,
    Something,
    MoreThanFits,
}

impl Reader {
    pub(super) fn new(
        wire: Wire,
        shared: Arc<Shared>,
        wake: UnixStream,
        attempted: String,
        times: StreamTimes,
    ) -> Self {
        let now = Instant::now();
        let longest_nap = if wire.transport.is_unix() {
            LONGEST_NAP_UNIX
        } else {
            LONGEST_NAP
        };
        Self {
            transport: wire.transport,
            inbox: Inbox::new(&wire.input),
            shared,
            wake,
            attempted,
            times,
            received: Lsn::ZERO,
            reported: Lsn::ZERO,
            reported_at: now,
            heard_at: now,
            reply_owed: false,
            nap: Duration::ZERO,
            longest_nap,
        }
    }

    pub(super) fn run(mut self) {
        let outcome = self.stream();
        if outcome.is_err() && self.inbox.has_complete() {
            // What came before the error is good, however long the consumer needs.
            self.hand_over(Vec::new());
        }
        self.shared.finish(outcome);
    }

    /// In order of priority: what the consumer demands, what the server must hear, reading and handing over, and only then
    /// waiting.
    fn stream(&mut self) -> Result<(), Error> {
        // The connection may have read further than the server's answer.
        self.look()?;
        loop {
            let (demand, flushed) = self.shared.orders();
            match demand {
                Demand::Read => {}
                Demand::Stop => return self.take_leave(flushed),
                Demand::Abandon => return Ok(()),
            }
            let until = self.keep_content(flushed)?;
            let found = self.read()?;
            if self.inbox.has_complete()
                && let Some(empty) = self.shared.empty_buffer()
            {
                self.hand_over(empty);
            }
            if self.inbox.is_full() && !self.inbox.has_complete() {
                self.inbox.grow();
            }
            match found {
                Found::Something => self.let_gather(),
                Found::Nothing => self.wait_for_server(until)?,
                Found::MoreThanFits if self.inbox.is_full() => self.wait_for_consumer(until)?,
                Found::MoreThanFits => {}
            }
        }
    }

    /// Reads once: see `BUSY_GAP`.
    fn read(&mut self) -> Result<Found, Error> {
        if self.inbox.is_full() {
            return Ok(Found::MoreThanFits);
        }
        match self.transport.read_available(self.inbox.space()) {
            Ok(0) => {
                return Err(Error::Closed {
                    attempted: self.attempted.clone(),
                });
            }
            Ok(count) => self.inbox.fill(count),
            // Nothing, or part of a TLS record.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Found::Nothing),
            Err(error) => return Err(self.io_error(error)),
        }
        self.heard_at = Instant::now();
        self.look()?;
        if self.inbox.is_full() {
            Ok(Found::MoreThanFits)
        } else {
            Ok(Found::Something)
        }
    }

    /// The first change after a pause is never held back, nor is what was read: that was handed over.
    fn let_gather(&mut self) {
        thread::sleep(self.nap);
        self.nap = (self.nap * 2).clamp(SHORTEST_NAP, self.longest_nap);
    }

    /// Until the server sent something, the time is up or the consumer wants something.
    fn wait_for_server(&mut self, until: Instant) -> Result<(), Error> {
        if !self.shared.about_to_wait() {
            return Ok(());
        }
        let since = Instant::now();
        let timeout = until.saturating_duration_since(since);
        let (_, woken) = socket::wait_readable(self.transport.socket(), &self.wake, timeout)
            .map_err(|error| self.io_error(error))?;
        if woken {
            drain(&self.wake);
        }
        if since.elapsed() >= BUSY_GAP {
            self.nap = Duration::ZERO;
        }
        Ok(())
    }

    /// The consumer holds all buffers. The server cannot send, which is not its fault.
    fn wait_for_consumer(&mut self, until: Instant) -> Result<(), Error> {
        if self.shared.about_to_wait() {
            let left = until.saturating_duration_since(Instant::now());
            if socket::wait_for_one(&self.wake, left).map_err(|error| self.io_error(error))? {
                drain(&self.wake);
            }
        }
        self.heard_at = Instant::now();
        Ok(())
    }

    fn io_error(&self, source: io::Error) -> Error {
        Error::Io {
            attempted: self.attempted.clone(),
            source,
        }
    }

    /// Looks at the messages that are new in the inbox.
    fn look(&mut self) -> Result<(), Error> {
        while let Some(message) = self.inbox.next_message()? {
            match message.tag {
                b'd' => self.look_at_frame(&message)?,
                b'E' => return Err(self.server_error(&message)),
                // CopyDone and CommandComplete: a server that shuts down sends the latter without the former.
                b'c' | b'C' | b'Z' => return Err(Error::StreamEnded),
                b'N' | b'S' | b'A' => {}
                tag => {
                    return Err(protocol_error(format!(
                        "a message of type '{}'",
                        tag.escape_ascii()
                    )));
                }
            }
            self.inbox.accept(&message);
        }
        Ok(())
    }

    fn look_at_frame(&mut self, message: &Located) -> Result<(), Error> {
        let (position, reply_requested) = match frame::decode(self.inbox.body(message))? {
            Frame::XLogData { wal_start, .. } => (wal_start, false),
            Frame::Keepalive {
                wal_end,
                reply_requested,
                ..
            } => (wal_end, reply_requested),
        };
        self.received = self.received.max(position);
        self.reply_owed |= reply_requested;
        Ok(())
    }

    fn server_error(&self, message: &Located) -> Error {
        Attempt::new(&self.attempted, WRITE_TIMEOUT).server_error(self.inbox.body(message))
    }

    fn hand_over(&mut self, empty: Vec<u8>) {
        let (buffer, length) = self.inbox.swap(empty);
        self.shared.hand_over(Full { buffer, length });
    }

    /// Sends the status update if it is due, and returns when to look again.
    fn keep_content(&mut self, flushed: Lsn) -> Result<Instant, Error> {
        let now = Instant::now();
        let silence = self.times.silence_limit;
        if now > self.heard_at + silence {
            return Err(Error::Silent {
                attempted: self.attempted.clone(),
                silence,
            });
        }
        if self.reply_owed || now >= self.next_status(flushed) {
            // An idle server says nothing on its own; one that is gone says nothing at all.
            let reply_requested = self.heard_at <= self.reported_at;
            self.report(flushed, reply_requested)?;
        }
        Ok(self.next_status(flushed).min(self.heard_at + silence))
    }

    fn next_status(&self, flushed: Lsn) -> Instant {
        self.reported_at
            + if flushed > self.reported {
                CONFIRM_PACE
            } else {
                self.times.status_period
            }
    }

    fn report(&mut self, flushed: Lsn, reply_requested: bool) -> Result<(), Error> {
        let status = Status {
            written: self.received.max(flushed),
            flushed,
            sent_at: wall_clock(),
            reply_requested,
        };
        self.send(&status.encode())?;
        self.reported = flushed;
        self.reported_at = Instant::now();
        self.reply_owed = false;
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let attempt = Attempt::new(&self.attempted, WRITE_TIMEOUT);
        self.transport
            .write_all(bytes, attempt.deadline)
            .map_err(|error| attempt.io_error(error))
    }

    /// Last status update, CopyDone, and once the server has agreed, Terminate. A server in the middle of a large
    /// transaction sends all of it before it agrees, and is not waited for.
    fn take_leave(&mut self, flushed: Lsn) -> Result<(), Error> {
        self.report(flushed, false)?;
        self.send(b"c\0\0\0\x04")?;
        let agreed = self.await_ready();
        self.send(b"X\0\0\0\x04")?;
        agreed
    }

    fn await_ready(&mut self) -> Result<(), Error> {
        let what = format!(
            "end the {}",
            self.attempted.replace("stream from", "stream of")
        );
        let attempt = Attempt::new(&what, STOP_TIMEOUT);
        loop {
            while let Some(message) = self.inbox.next_message()? {
                match message.tag {
                    b'E' => return Err(attempt.server_error(self.inbox.body(&message))),
                    b'Z' => return Ok(()),
                    _ => self.inbox.accept(&message),
                }
            }
            self.inbox.discard();
            if self.inbox.is_full() {
                self.inbox.grow();
            }
            match self
                .transport
                .read_until(self.inbox.space(), attempt.deadline)
            {
                Ok(0) => return Err(Error::Closed { attempted: what }),
                Ok(count) => self.inbox.fill(count),
                Err(error) => return Err(attempt.io_error(error)),
            }
        }
    }
}

fn wall_clock() -> PgTimestamp {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    PgTimestamp::from_unix_us(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_hears_from_us_three_times_before_it_would_drop_us() {
        let second = Duration::from_secs(1);
        let times = StreamTimes::new(10 * second, Some(6 * second));
        assert_eq!(
            (times.status_period, times.silence_limit),
            (2 * second, 12 * second)
        );
        assert_eq!(
            StreamTimes::new(10 * second, Some(60 * second)).status_period,
            10 * second
        );
        assert_eq!(
            StreamTimes::new(10 * second, None).silence_limit,
            120 * second
        );
    }
}
