//! What the server sends inside a stream, and the status updates that we send. Pure.
//!
//! <https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-XLOGDATA>.
#![deny(clippy::indexing_slicing)]

use super::super::error::Error;
use super::super::wire::{self, Fields, HEADER_BYTES, Malformed};
use super::super::{Lsn, PgTimestamp};

/// `CopyData` of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    XLogData {
        wal_start: Lsn,
        wal_end: Lsn,
        sent_at: PgTimestamp,
        /// One message of the output plugin.
        data: &'a [u8],
    },
    Keepalive {
        /// How far the server has decoded: everything before it that we should see has been sent.
        wal_end: Lsn,
        sent_at: PgTimestamp,
        /// The server waits for our answer: it shuts down, or has not heard from us for long.
        reply_requested: bool,
    },
}

/// The frames of a batch.
#[derive(Clone)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(super) fn new(messages: &'a [u8]) -> Self {
        Self { rest: messages }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // The reader cut the batch between messages.
            let (tag, size) = wire::header(self.rest).ok().flatten()?;
            let (message, rest) = self.rest.split_at_checked(size)?;
            self.rest = rest;
            // Notices and changed parameters may come between the frames.
            if tag == b'd' {
                let body = message.get(HEADER_BYTES..).unwrap_or_default();
                return Some(decode(body));
            }
        }
    }
}

pub(super) fn decode(body: &[u8]) -> Result<Frame<'_>, Error> {
    let malformed = |Malformed(field)| protocol_error(format!("a frame without {field}"));
    let mut fields = Fields::new(body);
    match fields.u8("type").map_err(malformed)? {
        b'w' => xlog_data(fields).map_err(malformed),
        b'k' => keepalive(fields).map_err(malformed),
        tag => Err(protocol_error(format!(
            "a frame of unknown type '{}'",
            tag.escape_ascii()
        ))),
    }
}

fn xlog_data(mut fields: Fields<'_>) -> Result<Frame<'_>, Malformed> {
    Ok(Frame::XLogData {
        wal_start: Lsn(fields.u64("WAL start")?),
        wal_end: Lsn(fields.u64("WAL end")?),
        sent_at: PgTimestamp(fields.i64("time")?),
        data: fields.rest(),
    })
}

fn keepalive(mut fields: Fields<'_>) -> Result<Frame<'_>, Malformed> {
    Ok(Frame::Keepalive {
        wal_end: Lsn(fields.u64("WAL end")?),
        sent_at: PgTimestamp(fields.i64("time")?),
        reply_requested: fields.u8("reply flag")? != 0,
    })
}

pub(super) fn protocol_error(what: String) -> Error {
    Error::Protocol {
        attempted: "read the replication stream".to_owned(),
        what,
    }
}

/// What a standby status update says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) written: Lsn,
    /// Flushed and applied: for us there is no difference.
    pub(super) flushed: Lsn,
    pub(super) sent_at: PgTimestamp,
    pub(super) reply_requested: bool,
}

/// Header, `r`, three positions, the time and the reply flag.
const STATUS_BYTES: usize = HEADER_BYTES + 1 + 3 * 8 + 8 + 1;

impl Status {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STATUS_BYTES);
        bytes.push(b'd');
        bytes.extend_from_slice(&38_u32.to_be_bytes());
        bytes.push(b'r');
        for position in [self.written, self.flushed, self.flushed] {
            bytes.extend_from_slice(&position.0.to_be_bytes());
        }
        bytes.extend_from_slice(&self.sent_at.0.to_be_bytes());
        bytes.push(u8::from(self.reply_requested));
        bytes
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_status_update_has_the_documented_bytes() {
        let status = Status {
            written: Lsn(3),
            flushed: Lsn(2),
            sent_at: PgTimestamp(-1),
            reply_requested: true,
        };
        let mut expected = b"d\0\0\0\x26r".to_vec();
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02");
        expected.extend_from_slice(b"\xff\xff\xff\xff\xff\xff\xff\xff\x01");
        assert_eq!(status.encode(), expected);
        assert_eq!(expected.len(), STATUS_BYTES);
    }

    #[test]
    fn frames_cut_short_are_errors() {
        let whole = b"w\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length}");
        }
        let data = Frame::XLogData {
            wal_start: Lsn(1),
            wal_end: Lsn(2),
            sent_at: PgTimestamp(3),
            data: b"",
        };
        assert_eq!(decode(whole).unwrap(), data);
        let alive = b"k\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x01";
        for length in 0..alive.len() {
            assert!(decode(&alive[..length]).is_err(), "{length}");
        }
        assert_eq!(
            decode(alive).unwrap(),
            Frame::Keepalive {
                wal_end: Lsn(1),
                sent_at: PgTimestamp(2),
                reply_requested: true
            }
        );
        assert!(decode(b"x").is_err());
    }
}
