//! The replication stream. A thread of its own reads the socket and keeps the server content ([`reader`]); what it read
//! comes here in whole buffers.
//!
//! <https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-START-REPLICATION-LOGICAL>.

mod frame;
mod inbox;
mod reader;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use frame::{Frame, Frames};

use super::Lsn;
use super::error::Error;
use super::wire::Wire;
use inbox::BUFFER_BYTES;
use reader::Reader;
pub(super) use reader::StreamTimes;

/// Batches that may wait for the consumer or be worked on by it. With the reader's own buffer that is 1.25 MiB.
const BATCHES_IN_FLIGHT: usize = 4;

/// A running `START_REPLICATION`. Dropping it closes the connection; [`ReplicationStream::stop`] takes leave first.
pub struct ReplicationStream {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

/// Starts reading on a connection that has just become a stream.
pub(super) fn start(
    wire: Wire,
    slot: &str,
    times: StreamTimes,
) -> Result<ReplicationStream, Error> {
    let attempted = || format!("stream from slot \"{slot}\"");
    let (waker, wake) = wake_pair().map_err(|source| Error::Io {
        attempted: attempted(),
        source,
    })?;
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        arrived: Condvar::new(),
        waker,
    });
    let reader = Reader::new(wire, Arc::clone(&shared), wake, attempted(), times);
    let thread = thread::Builder::new()
        .name("replication".to_owned())
        .spawn(move || reader.run())
        .map_err(|source| Error::Io {
            attempted: attempted(),
            source,
        })?;
    Ok(ReplicationStream {
        shared,
        reader: Some(thread),
    })
}

fn wake_pair() -> io::Result<(UnixStream, UnixStream)> {
    let (waker, wake) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    wake.set_nonblocking(true)?;
    Ok((waker, wake))
}

impl ReplicationStream {
    /// The next frames, or `None` when there are none within `timeout`.
    ///
    /// # Errors
    /// Once, when everything before it was taken: why the stream ended. After that it is [`Error::Closed`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Option<Batch>, Error> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(full) = state.ready.pop_front() {
                drop(state);
                return Ok(Some(Batch {
                    full,
                    shared: Arc::clone(&self.shared),
                }));
            }
            if let Some(outcome) = &mut state.outcome {
                let closed = || Error::Closed {
                    attempted: "read the replication stream".to_owned(),
                };
                return Err(outcome.take().unwrap_or_else(closed));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let waited = self.shared.arrived.wait_timeout(state, left);
            state = waited
                .expect("nobody panics while the stream's state is locked")
                .0;
        }
    }

    /// Tells the server that everything before `flushed` is safe with us: it may discard the WAL. A position before an
    /// earlier one is ignored. The server hears of it within a tenth of a second.
    pub fn confirm(&self, flushed: Lsn) {
        let mut state = self.shared.lock();
        if flushed > state.flushed {
            state.flushed = flushed;
            self.shared.wake(&mut state);
        }
    }

    /// Reports the confirmed position a last time, ends the stream and closes the connection. What was not taken yet is
    /// discarded.
    ///
    /// # Errors
    /// When the stream had ended before, or the server does not take part within a few seconds. The connection is closed
    /// all the same.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shared.demand(Demand::Stop);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader returns its errors");
        }
        match self.shared.lock().outcome.take() {
            Some(Some(error)) => Err(error),
            Some(None) | None => Ok(()),
        }
    }
}

impl Drop for ReplicationStream {
    fn drop(&mut self) {
        self.shared.demand(Demand::Abandon);
    }
}

/// Whole frames in the order in which the server sent them. Dropping it gives its buffer back to the reader.
pub struct Batch {
    full: Full,
    shared: Arc<Shared>,
}

impl Batch {
    #[must_use]
    pub fn frames(&self) -> Frames<'_> {
        Frames::new(self.full.buffer.get(..self.full.length).unwrap_or_default())
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full.length
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.full.length == 0
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.shared.recycle(std::mem::take(&mut self.full.buffer));
    }
}

/// A buffer whose first `length` bytes are whole messages.
struct Full {
    buffer: Vec<u8>,
    length: usize,
}

/// What the reader and the consumer share.
struct Shared {
    state: Mutex<State>,
    /// A batch or the end of the stream.
    arrived: Condvar,
    /// Interrupts the reader's wait for the socket.
    waker: UnixStream,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Full>,
    /// Buffers for the next batches.
    spare: Vec<Vec<u8>>,
    /// Batches handed over and not dropped yet.
    in_flight: usize,
    flushed: Lsn,
    demand: Demand,
    /// The reader waits for a batch to be dropped.
    starved: bool,
    /// The consumer wants something that the reader has not seen yet.
    news: bool,
    /// The reader waits for the socket, and sees nothing of this.
    waiting: bool,
    /// Set when the reader is gone; the error is taken by whoever asks first.
    outcome: Option<Option<Error>>,
}

/// What the consumer wants of the reader. Later ones replace earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Demand {
    #[default]
    Read,
    Stop,
    Abandon,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nobody panics while the stream's state is locked")
    }

    /// A reader that works looks by itself; one that waits needs one byte, however often something is new.
    fn wake(&self, state: &mut State) {
        state.news = true;
        if std::mem::take(&mut state.waiting) {
            // A full pipe wakes as well, and a reader that is gone needs no waking.
            drop((&self.waker).write(&[0]));
        }
    }

    fn demand(&self, demand: Demand) {
        let mut state = self.lock();
        state.demand = demand;
        self.wake(&mut state);
    }

    /// Only buffers of the usual size are kept: one that had to grow for a large row is not needed again soon.
    fn recycle(&self, buffer: Vec<u8>) {
        let mut state = self.lock();
        state.in_flight -= 1;
        if buffer.len() == BUFFER_BYTES && state.outcome.is_none() {
            state.spare.push(buffer);
        }
        if state.starved {
            state.starved = false;
            self.wake(&mut state);
        }
    }

    /// For the reader: what is wanted, and how far it may confirm.
    fn orders(&self) -> (Demand, Lsn) {
        let mut state = self.lock();
        state.news = false;
        state.waiting = false;
        (state.demand, state.flushed)
    }

    /// For the reader: from now on it has to be woken. False when something is new since `orders`.
    fn about_to_wait(&self) -> bool {
        let mut state = self.lock();
        state.waiting = !state.news;
        state.waiting
    }

    /// For the reader: an empty buffer, unless too many batches are under way. Then dropping one wakes the reader.
    fn empty_buffer(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        state.starved = state.in_flight >= BATCHES_IN_FLIGHT;
        if state.starved {
            return None;
        }
        Some(state.spare.pop().unwrap_or_else(|| vec![0; BUFFER_BYTES]))
    }

    fn hand_over(&self, full: Full) {
        let mut state = self.lock();
        state.in_flight += 1;
        state.ready.push_back(full);
        self.arrived.notify_one();
    }

    fn finish(&self, outcome: Result<(), Error>) {
        let mut state = self.lock();
        state.outcome = Some(outcome.err());
        state.spare.clear();
        self.arrived.notify_all();
    }
}

/// Takes the bytes that woke the reader.
fn drain(mut wake: &UnixStream) {
    let mut bytes = [0; 64];
    while wake
        .read(&mut bytes)
        .is_ok_and(|count| count == bytes.len())
    {}
}
