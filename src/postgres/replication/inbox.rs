//! The buffer that the reader fills, and the messages in it. Pure.
#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use super::super::error::Error;
use super::super::wire::{self, HEADER_BYTES};
use super::frame::protocol_error;

/// The usual size of a buffer. Allocated once and handed round: growing and freeing beyond the allocator's threshold for
/// `mmap` costs more than reading.
pub(super) const BUFFER_BYTES: usize = 256 * 1024;

/// ```text
/// | messages that were looked at | messages that were not | part of a message | space |
/// 0                         complete                                       filled
/// ```
pub(super) struct Inbox {
    buffer: Vec<u8>,
    complete: usize,
    filled: usize,
}

/// A message in the inbox, without its header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) tag: u8,
    pub(super) body: Range<usize>,
}

impl Inbox {
    /// Starts with what came behind the server's last answer.
    pub(super) fn new(received: &[u8]) -> Self {
        let mut inbox = Self {
            buffer: vec![0; BUFFER_BYTES],
            complete: 0,
            filled: 0,
        };
        inbox.restart(received);
        inbox
    }

    /// Where the next bytes go; empty when there is no room.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.buffer.len()
    }

    /// `count` bytes were written to the space.
    pub(super) fn fill(&mut self, count: usize) {
        self.filled += count;
    }

    pub(super) fn has_complete(&self) -> bool {
        self.complete > 0
    }

    /// The next message if all of it is there.
    pub(super) fn next_message(&mut self) -> Result<Option<Located>, Error> {
        let rest = self
            .buffer
            .get(self.complete..self.filled)
            .unwrap_or_default();
        match wire::header(rest).map_err(|error| protocol_error(error.to_string()))? {
            Some((tag, size)) if size <= rest.len() => {
                let body = self.complete + HEADER_BYTES..self.complete + size;
                Ok(Some(Located { tag, body }))
            }
            Some(_) | None => Ok(None),
        }
    }

    pub(super) fn body(&self, message: &Located) -> &[u8] {
        self.buffer.get(message.body.clone()).unwrap_or_default()
    }

    /// The message belongs to the batch.
    pub(super) fn accept(&mut self, message: &Located) {
        self.complete = message.body.end;
    }

    /// Makes room when one message is larger than the buffer. Doubles, so that a corrupt length never allocates much more
    /// than was received.
    pub(super) fn grow(&mut self) {
        let size = match wire::header(&self.buffer) {
            Ok(Some((_, size))) => size,
            Ok(None) | Err(_) => 0,
        };
        let doubled = self.buffer.len() * 2;
        let wanted = if size > self.buffer.len() {
            size.min(doubled)
        } else {
            doubled
        };
        self.buffer.resize(wanted, 0);
    }

    /// Puts `empty` in place of the buffer, moves the partial message there, and returns the buffer with the length of its
    /// complete messages.
    pub(super) fn swap(&mut self, empty: Vec<u8>) -> (Vec<u8>, usize) {
        let full = std::mem::replace(&mut self.buffer, empty);
        let length = self.complete;
        self.restart(full.get(length..self.filled).unwrap_or_default());
        (full, length)
    }

    /// Forgets the complete messages.
    pub(super) fn discard(&mut self) {
        self.buffer.copy_within(self.complete..self.filled, 0);
        self.filled -= self.complete;
        self.complete = 0;
    }

    fn restart(&mut self, partial: &[u8]) {
        if self.buffer.len() <= partial.len() {
            self.buffer.resize(partial.len() + BUFFER_BYTES, 0);
        }
        let (head, _) = self.buffer.split_at_mut(partial.len());
        head.copy_from_slice(partial);
        self.complete = 0;
        self.filled = partial.len();
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test that panics has failed")]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::{Frame, Frames};
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    fn xlog_data(data: &[u8]) -> Vec<u8> {
        let mut body = vec![b'w'];
        body.extend_from_slice(&[0; 24]);
        body.extend_from_slice(data);
        message(b'd', &body)
    }

    fn payloads(batch: &[u8]) -> Vec<Vec<u8>> {
        Frames::new(batch)
            .map(|frame| match frame.unwrap() {
                Frame::XLogData { data, .. } => data.to_vec(),
                Frame::Keepalive { .. } => b"alive".to_vec(),
            })
            .collect()
    }

    /// What the reader does, with the network's pieces given.
    fn split(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut inbox = Inbox::new(&[]);
        let mut received = Vec::new();
        for piece in pieces {
            let mut piece = *piece;
            while !piece.is_empty() {
                if inbox.is_full() {
                    inbox.grow();
                }
                let space = inbox.space();
                let count = space.len().min(piece.len());
                space[..count].copy_from_slice(&piece[..count]);
                inbox.fill(count);
                piece = &piece[count..];
                while let Some(message) = inbox.next_message().unwrap() {
                    inbox.accept(&message);
                }
                if inbox.has_complete() {
                    let (full, length) = inbox.swap(vec![0; BUFFER_BYTES]);
                    received.extend(payloads(&full[..length]));
                }
            }
        }
        received
    }

    #[test]
    fn frames_survive_every_split() {
        let bytes = [
            xlog_data(b"begin"),
            message(b'N', b"\0"),
            xlog_data(b""),
            message(b'd', b"k\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
        ]
        .concat();
        let expected = vec![b"begin".to_vec(), Vec::new(), b"alive".to_vec()];
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                assert_eq!(
                    split(&[&bytes[..first], &bytes[first..second], &bytes[second..]]),
                    expected
                );
            }
        }
    }

    #[test]
    fn a_frame_larger_than_the_buffer_makes_it_grow_to_its_size_and_no_further() {
        let mut inbox = Inbox::new(&[]);
        let large = xlog_data(&vec![7; 3 * BUFFER_BYTES]);
        let mut sent = large.as_slice();
        while !sent.is_empty() {
            if inbox.is_full() {
                inbox.grow();
            }
            let count = inbox.space().len().min(sent.len());
            inbox.space()[..count].copy_from_slice(&sent[..count]);
            inbox.fill(count);
            sent = &sent[count..];
        }
        let message = inbox.next_message().unwrap().unwrap();
        inbox.accept(&message);
        let (full, length) = inbox.swap(vec![0; BUFFER_BYTES]);
        assert_eq!((full.len(), length), (large.len(), large.len()));
        assert_eq!(inbox.space().len(), BUFFER_BYTES);
    }

    #[test]
    fn a_corrupt_length_is_an_error_or_allocates_at_most_double() {
        let mut inbox = Inbox::new(b"d\xff\xff\xff\xff");
        assert!(inbox.next_message().is_err());
        let mut inbox = Inbox::new(b"d\x3f\xff\xff\xff");
        assert_eq!(inbox.next_message().unwrap(), None);
        inbox.grow();
        assert_eq!(inbox.buffer.len(), 2 * BUFFER_BYTES);
        assert!(Inbox::new(b"d\0\0\0\x03").next_message().is_err());
    }

    #[test]
    fn discarding_keeps_the_partial_message() {
        let mut inbox = Inbox::new(&[xlog_data(b"one"), b"d\0".to_vec()].concat());
        let one = inbox.next_message().unwrap().unwrap();
        inbox.accept(&one);
        inbox.discard();
        assert!(!inbox.has_complete());
        assert_eq!(&inbox.buffer[..inbox.filled], b"d\0");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn frames_survive_random_pieces(
            data in prop::collection::vec((1_usize..40_000, any::<u8>()), 0..30),
            piece in 1_usize..90_000,
        ) {
            let frames: Vec<Vec<u8>> = data.into_iter().map(|(length, byte)| vec![byte; length]).collect();
            let bytes: Vec<u8> = frames.iter().flat_map(|frame| xlog_data(frame)).collect();
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            prop_assert_eq!(split(&pieces), frames);
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut inbox = Inbox::new(&bytes);
            while let Ok(Some(message)) = inbox.next_message() {
                inbox.accept(&message);
            }
            prop_assert!(Frames::new(&bytes).count() <= bytes.len());
        }
    }
}
