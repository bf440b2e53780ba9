//! Which checkpoint Kafka has acknowledged completely. Pure.
//!
//! Kafka acknowledges in any order across partitions; PostgreSQL may discard WAL up to what we confirm. A checkpoint is
//! therefore reached only over an unbroken run of acknowledged records.

use std::collections::VecDeque;

/// Records that were sent and not yet acknowledged, and the checkpoints between them.
#[derive(Debug)]
pub struct AckTracker<C> {
    /// Sequence number of the front of `acknowledged`.
    first: usize,
    acknowledged: VecDeque<bool>,
    /// Each with the sequence number of the first record after it.
    checkpoints: VecDeque<(usize, C)>,
}

impl<C> Default for AckTracker<C> {
    fn default() -> Self {
        Self {
            first: 0,
            acknowledged: VecDeque::new(),
            checkpoints: VecDeque::new(),
        }
    }
}

impl<C> AckTracker<C> {
    /// Counts one more record as sent and returns its sequence number.
    pub fn sent(&mut self) -> usize {
        self.acknowledged.push_back(false);
        self.first + self.acknowledged.len() - 1
    }

    /// Everything sent so far comes before `checkpoint`.
    pub fn checkpoint(&mut self, checkpoint: C) {
        self.checkpoint_after(0, checkpoint);
    }

    /// Everything sent so far and the next `unsent` records come before `checkpoint`.
    pub fn checkpoint_after(&mut self, unsent: usize, checkpoint: C) {
        let next = self.first + self.acknowledged.len() + unsent;
        // Transactions without records of ours would otherwise pile up behind one slow record.
        if let Some((_, last)) = self
            .checkpoints
            .back_mut()
            .filter(|(before, _)| *before == next)
        {
            *last = checkpoint;
        } else {
            self.checkpoints.push_back((next, checkpoint));
        }
    }

    pub fn acknowledged(&mut self, sequence: usize) {
        if let Some(slot) = sequence
            .checked_sub(self.first)
            .and_then(|index| self.acknowledged.get_mut(index))
        {
            *slot = true;
        }
        while self.acknowledged.front() == Some(&true) {
            self.acknowledged.pop_front();
            self.first += 1;
        }
    }

    /// Takes the newest checkpoint that every record before it has been acknowledged for.
    pub fn take_reached(&mut self) -> Option<C> {
        let mut reached = None;
        while self
            .checkpoints
            .front()
            .is_some_and(|(before, _)| *before <= self.first)
        {
            reached = self
                .checkpoints
                .pop_front()
                .map(|(_, checkpoint)| checkpoint);
        }
        reached
    }

    /// Records sent and not acknowledged.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.acknowledged.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_waits_for_every_record_before_it_in_whatever_order_they_come() {
        let mut acks = AckTracker::default();
        let records = [acks.sent(), acks.sent()];
        acks.checkpoint("a");
        let after = acks.sent();
        acks.checkpoint("b");
        acks.acknowledged(after);
        acks.acknowledged(records[1]);
        assert_eq!(acks.take_reached(), None);
        acks.acknowledged(records[0]);
        assert_eq!(acks.take_reached(), Some("b"));
        assert_eq!((acks.take_reached(), acks.in_flight()), (None, 0));
    }

    #[test]
    fn a_record_after_the_checkpoint_does_not_hold_it() {
        let mut acks = AckTracker::default();
        let record = acks.sent();
        acks.checkpoint("a");
        acks.sent();
        acks.acknowledged(record);
        assert_eq!(acks.take_reached(), Some("a"));
    }

    #[test]
    fn a_checkpoint_without_records_is_reached_at_once_and_replaces_the_one_before() {
        let mut acks = AckTracker::default();
        acks.checkpoint("a");
        acks.checkpoint("b");
        assert_eq!(acks.checkpoints.len(), 1);
        assert_eq!(acks.take_reached(), Some("b"));
    }

    #[test]
    fn a_checkpoint_waits_for_records_that_are_not_sent_yet() {
        let mut acks = AckTracker::default();
        acks.checkpoint_after(1, "a");
        assert_eq!(acks.take_reached(), None);
        let record = acks.sent();
        acks.acknowledged(record);
        assert_eq!(acks.take_reached(), Some("a"));
    }

    #[test]
    fn an_acknowledgement_that_comes_twice_changes_nothing() {
        let mut acks: AckTracker<()> = AckTracker::default();
        let record = acks.sent();
        acks.acknowledged(record);
        acks.acknowledged(record);
        let second = acks.sent();
        assert_eq!((second, acks.in_flight()), (1, 1));
    }
}
