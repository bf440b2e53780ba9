//! Messages of the frontend/backend protocol outside of a stream.
//!
//! Layouts: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
#![deny(clippy::indexing_slicing)]

use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::error::{Error, ServerError};
use super::socket::Transport;

/// Read at once before the stream starts.
const READ_BYTES: usize = 8 * 1024;

/// The server allocates no message beyond 1 GiB (`MaxAllocSize`); a longer one is garbage.
pub(super) const MAX_MESSAGE_BYTES: usize = 1 << 30;

/// What we want of the server, as an infinitive, and how long it may take.
pub(super) struct Attempt<'a> {
    pub(super) what: &'a str,
    limit: Duration,
    pub(super) deadline: Instant,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(what: &'a str, limit: Duration) -> Self {
        Self {
            what,
            limit,
            deadline: Instant::now() + limit,
        }
    }

    pub(super) fn io_error(&self, source: io::Error) -> Error {
        let attempted = self.what.to_owned();
        if source.kind() == io::ErrorKind::TimedOut {
            return Error::Silent {
                attempted,
                silence: self.limit,
            };
        }
        Error::Io { attempted, source }
    }

    pub(super) fn protocol_error(&self, what: impl Into<String>) -> Error {
        Error::Protocol {
            attempted: self.what.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn malformed(&self, Malformed(field): Malformed) -> Error {
        self.protocol_error(format!("a message without {field}"))
    }

    pub(super) fn unexpected(&self, tag: u8) -> Error {
        self.protocol_error(format!(
            "an unexpected message of type '{}'",
            tag.escape_ascii()
        ))
    }

    /// The error that an `ErrorResponse` describes.
    pub(super) fn server_error(&self, body: &[u8]) -> Error {
        match error_response(body, self.what) {
            Ok(error) => Error::Server(Box::new(error)),
            Err(error) => self.malformed(error),
        }
    }
}

/// A message from the server.
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Bytes,
}

/// A connection as a sequence of messages.
pub(super) struct Wire {
    pub(super) transport: Transport,
    /// Read, but not yet taken.
    pub(super) input: BytesMut,
}

impl Wire {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            input: BytesMut::new(),
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8], attempt: &Attempt<'_>) -> Result<(), Error> {
        self.transport
            .write_all(bytes, attempt.deadline)
            .map_err(|error| attempt.io_error(error))
    }

    pub(super) fn receive(&mut self, attempt: &Attempt<'_>) -> Result<Message, Error> {
        let mut chunk = [0; READ_BYTES];
        loop {
            let next = next_message(&mut self.input);
            if let Some(message) =
                next.map_err(|error| attempt.protocol_error(error.to_string()))?
            {
                return Ok(message);
            }
            match self.transport.read_until(&mut chunk, attempt.deadline) {
                Ok(0) => {
                    return Err(Error::Closed {
                        attempted: attempt.what.to_owned(),
                    });
                }
                Ok(count) => self
                    .input
                    .extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) => return Err(attempt.io_error(error)),
            }
        }
    }
}

/// The length in a message's header is impossible.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of type '{}' with the impossible length {length}", tag.escape_ascii())]
pub(super) struct BadLength {
    tag: u8,
    length: u32,
}

/// Type, `Int32` length that counts itself, body.
pub(super) const HEADER_BYTES: usize = 5;

/// Type and whole length of the message at the start of `bytes`, once its header is there.
pub(super) fn header(bytes: &[u8]) -> Result<Option<(u8, usize)>, BadLength> {
    let Some(&[tag, length @ ..]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(size @ 4..=MAX_MESSAGE_BYTES) => Ok(Some((tag, size + 1))),
        _ => Err(BadLength { tag, length }),
    }
}

fn next_message(input: &mut BytesMut) -> Result<Option<Message>, BadLength> {
    match header(input)? {
        Some((tag, size)) if size <= input.len() => {
            let mut message = input.split_to(size).freeze();
            message.advance(HEADER_BYTES);
            Ok(Some(Message { tag, body: message }))
        }
        _ => Ok(None),
    }
}

/// The message ended before this field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// Takes one field after the other from the front of a message's body.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or(Malformed(field))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, Malformed> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self, field: &'static str) -> Result<i64, Malformed> {
        self.array(field).map(i64::from_be_bytes)
    }

    pub(super) fn salt(&mut self) -> Result<[u8; 4], Malformed> {
        self.array("salt")
    }

    fn bytes(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed(field))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Bytes up to a zero byte. Texts are UTF-8 except before `client_encoding` is in effect, when they are only shown.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, Malformed> {
        let end = memchr::memchr(0, self.0).ok_or(Malformed(field))?;
        let text = String::from_utf8_lossy(self.bytes(end, field)?).into_owned();
        self.u8(field)?;
        Ok(text)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// `ErrorResponse`: a letter and a text each, then a zero byte.
fn error_response(body: &[u8], attempted: &str) -> Result<ServerError, Malformed> {
    let mut fields = Fields::new(body);
    let mut error = ServerError {
        attempted: attempted.to_owned(),
        sqlstate: String::new(),
        message: String::new(),
        detail: None,
        hint: None,
    };
    loop {
        match fields.u8("an end")? {
            0 => return Ok(error),
            b'C' => error.sqlstate = fields.text("a code")?,
            b'M' => error.message = fields.text("a message")?,
            b'D' => error.detail = Some(fields.text("a detail")?),
            b'H' => error.hint = Some(fields.text("a hint")?),
            _ => drop(fields.text("a field")?),
        }
    }
}

/// `DataRow` in text format.
pub(super) fn data_row(body: &[u8]) -> Result<Vec<Option<String>>, Malformed> {
    let mut fields = Fields::new(body);
    (0..fields.u16("column count")?)
        .map(|_| match usize::try_from(fields.i32("column length")?) {
            Ok(length) => Ok(Some(
                String::from_utf8_lossy(fields.bytes(length, "column")?).into_owned(),
            )),
            // -1 is null.
            Err(_) => Ok(None),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[test]
    fn an_error_response_is_read_field_by_field() {
        let error = error_response(b"SERROR\0C55006\0Mslot is active\0Hwait\0\0", "start").unwrap();
        assert_eq!(
            (error.sqlstate.as_str(), error.message.as_str()),
            ("55006", "slot is active")
        );
        assert_eq!((error.detail, error.hint.as_deref()), (None, Some("wait")));
        assert_eq!(
            error_response(b"C55006", "start").unwrap_err(),
            Malformed("a code")
        );
    }

    #[test]
    fn a_data_row_has_nulls_and_texts() {
        assert_eq!(
            data_row(b"\0\x02\xff\xff\xff\xff\0\0\0\x01a"),
            Ok(vec![None, Some("a".to_owned())])
        );
        assert_eq!(data_row(b"\0\x01\0\0\0\x02a"), Err(Malformed("column")));
    }

    #[test]
    fn a_message_is_taken_when_it_is_complete() {
        let whole = b"Z\0\0\0\x05IC\0\0\0\x04";
        for split in 0..6 {
            let mut input = BytesMut::from(&whole[..split]);
            assert!(next_message(&mut input).unwrap().is_none(), "{split}");
        }
        let mut input = BytesMut::from(&whole[..]);
        let first = next_message(&mut input).unwrap().unwrap();
        assert_eq!((first.tag, &first.body[..]), (b'Z', &b"I"[..]));
        assert_eq!(next_message(&mut input).unwrap().unwrap().tag, b'C');
        assert!(header(b"Z\0\0\0\x03").is_err());
        assert!(header(b"Z\xff\0\0\0").is_err());
    }
}
