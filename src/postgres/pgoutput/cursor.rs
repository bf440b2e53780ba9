//! Reading a message front to back: every read is checked against the end and names the field it reads.

use std::str::Utf8Error;

/// Bytes that are not the message they should be. The stream cannot be trusted after one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("decoding a pgoutput message failed: it has no bytes")]
    Empty,
    #[error(
        "decoding a pgoutput message failed: kind 0x{kind:02x} does not exist in protocol versions 1 and 2, \
         remove `proto_version` and `two_phase` from `slot.stream.params`"
    )]
    UnknownKind { kind: u8 },
    #[error("decoding a {subject} failed: {missing} bytes are missing at its {field}")]
    Truncated {
        subject: &'static str,
        field: &'static str,
        missing: usize,
    },
    #[error("decoding a {subject} failed: {bytes} bytes are left after its last field")]
    Trailing { subject: &'static str, bytes: usize },
    #[error("decoding a {subject} failed: 0x{value:02x} is not a {field}")]
    UnexpectedByte {
        subject: &'static str,
        field: &'static str,
        value: u8,
    },
    #[error(
        "decoding a {subject} failed: its {field} is not UTF-8, the session must have `client_encoding` UTF8"
    )]
    NotUtf8 {
        subject: &'static str,
        field: &'static str,
        source: Utf8Error,
    },
}

impl DecodeError {
    /// Whether reading the same bytes again can succeed: never.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Empty
            | Self::UnknownKind { .. }
            | Self::Truncated { .. }
            | Self::Trailing { .. }
            | Self::UnexpectedByte { .. }
            | Self::NotUtf8 { .. } => false,
        }
    }
}

/// What is left of the bytes of one `subject`, e.g. `Insert message`.
pub(super) struct Cursor<'a> {
    subject: &'static str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(subject: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            subject,
            rest: bytes,
        }
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    #[inline]
    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_be_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_be_bytes)
    }

    #[inline]
    pub(super) fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A byte that is 0 or 1.
    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(self.unexpected(field, value)),
        }
    }

    /// Text that a zero byte ends.
    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let end = memchr::memchr(0, self.rest).ok_or_else(|| self.truncated(field, 1))?;
        let bytes = self.bytes(end, field)?;
        self.bytes(1, field)?;
        std::str::from_utf8(bytes).map_err(|source| DecodeError::NotUtf8 {
            subject: self.subject,
            field,
            source,
        })
    }

    #[inline]
    pub(super) fn bytes(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.truncated(field, length - self.rest.len()));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// The end: anything left means that the layout is not the one we know.
    #[inline]
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::Trailing {
            subject: self.subject,
            bytes: self.rest.len(),
        })
    }

    #[cold]
    pub(super) fn unexpected(&self, field: &'static str, value: u8) -> DecodeError {
        DecodeError::UnexpectedByte {
            subject: self.subject,
            field,
            value,
        }
    }

    #[cold]
    pub(super) fn truncated(&self, field: &'static str, missing: usize) -> DecodeError {
        DecodeError::Truncated {
            subject: self.subject,
            field,
            missing,
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((array, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.truncated(field, N - self.rest.len()));
        };
        self.rest = rest;
        Ok(*array)
    }
}
