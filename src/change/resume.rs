//! Where in the first transactions after a restart the first unsent change is. Pure.
//!
//! We store positions at commit boundaries only, so this is for offsets that Debezium stored: it stores one after any
//! record, often in the middle of a transaction. What Debezium does itself is `WalPositionLocator`: it searches for an
//! LSN, and several changes can share one. Here the transaction is found by its xid first, so that a change of another
//! transaction is never dropped; and changes that share the stored LSN are sent again unless the offset counts them,
//! because losing one is worse than repeating some.

use crate::postgres::Lsn;

/// A position inside a transaction: what Debezium stored after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTransaction {
    pub xid: u32,
    /// LSN of the last change that was sent (`lsn_proc`).
    pub lsn: Lsn,
    /// How many changes at that LSN were sent (`lsn_events_processed` of Debezium 3.7); `None` when not counted.
    pub sent_at_lsn: Option<u64>,
}

/// Tells for each change of the stream whether it was sent before the restart.
#[derive(Debug, Default)]
pub struct Resume {
    wanted: Option<InTransaction>,
    inside: bool,
    seen_at_lsn: u64,
}

/// What to do with a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Send,
    /// Sent before the restart.
    Skip,
    /// The only change seen so far at the stored LSN. It was sent, unless the next change has the same LSN: keep it until
    /// then, and send it only when [`Resume::shares_lsn`] says so.
    Undecided,
}

impl Resume {
    #[must_use]
    pub fn after(wanted: Option<InTransaction>) -> Self {
        Self {
            wanted,
            inside: false,
            seen_at_lsn: 0,
        }
    }

    pub fn begin(&mut self, xid: u32) {
        self.inside = self.wanted.is_some_and(|wanted| wanted.xid == xid);
    }

    /// The first commit ends the search: an unfinished transaction is the first that the server sends.
    pub fn commit(&mut self) {
        self.wanted = None;
        self.inside = false;
    }

    pub fn change(&mut self, lsn: Lsn) -> Verdict {
        let Some(wanted) = self.wanted.filter(|_| self.inside) else {
            return Verdict::Send;
        };
        if lsn < wanted.lsn {
            return Verdict::Skip;
        }
        if lsn > wanted.lsn {
            self.commit();
            return Verdict::Send;
        }
        self.seen_at_lsn += 1;
        match wanted.sent_at_lsn {
            Some(sent) if self.seen_at_lsn <= sent => Verdict::Skip,
            Some(_) => Verdict::Send,
            None if self.seen_at_lsn == 1 => Verdict::Undecided,
            None => Verdict::Send,
        }
    }

    /// Whether a change at `lsn` follows an undecided one at the same LSN, which then has to be sent before it.
    #[must_use]
    pub fn shares_lsn(&self, lsn: Lsn) -> bool {
        self.inside
            && self
                .wanted
                .is_some_and(|wanted| wanted.lsn == lsn && wanted.sent_at_lsn.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(resume: &mut Resume, lsns: &[u64]) -> Vec<Verdict> {
        lsns.iter().map(|lsn| resume.change(Lsn(*lsn))).collect()
    }

    fn after(lsn: u64, sent_at_lsn: Option<u64>) -> Resume {
        Resume::after(Some(InTransaction {
            xid: 7,
            lsn: Lsn(lsn),
            sent_at_lsn,
        }))
    }

    #[test]
    fn changes_up_to_the_stored_one_are_skipped_and_the_rest_is_sent() {
        use Verdict::{Send, Skip, Undecided};
        let mut resume = after(20, None);
        resume.begin(7);
        assert_eq!(
            verdicts(&mut resume, &[10, 20, 30, 40]),
            [Skip, Undecided, Send, Send]
        );
    }

    #[test]
    fn another_transaction_is_sent_whole_even_when_its_lsns_cover_the_stored_one() {
        let mut resume = after(20, None);
        resume.begin(8);
        assert_eq!(verdicts(&mut resume, &[10, 20, 30]), [Verdict::Send; 3]);
    }

    #[test]
    fn changes_that_share_the_stored_lsn_are_sent_again_when_nobody_counted_them() {
        let mut resume = after(20, None);
        resume.begin(7);
        assert_eq!(resume.change(Lsn(20)), Verdict::Undecided);
        assert!(resume.shares_lsn(Lsn(20)));
        assert_eq!(resume.change(Lsn(20)), Verdict::Send);
    }

    #[test]
    fn counted_changes_at_the_stored_lsn_are_skipped_exactly() {
        use Verdict::{Send, Skip};
        let mut resume = after(20, Some(2));
        resume.begin(7);
        assert_eq!(
            verdicts(&mut resume, &[20, 20, 20, 30]),
            [Skip, Skip, Send, Send]
        );
    }

    #[test]
    fn the_search_ends_with_the_first_commit() {
        let mut resume = after(20, None);
        resume.begin(8);
        resume.commit();
        resume.begin(7);
        assert_eq!(resume.change(Lsn(10)), Verdict::Send);
    }
}
