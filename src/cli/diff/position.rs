//! Positions of two servers. They cannot be equal, but correspond one to one and in the same order.

use std::collections::BTreeMap;

use super::volatile::{Part, Spelled, Unit};

/// What was paired so far, over the whole comparison. Each kind is for itself: whether the LSN of a change is that of
/// the commit before it depends on what else the server wrote to its WAL between them.
#[derive(Default)]
pub(super) struct Positions {
    lsns: Ordered,
    message_lsns: Ordered,
    commits: Ordered,
    transactions: Ordered,
    xmins: Ordered,
    transaction_lsns: Ordered,
    begins: Ordered,
    times: Ordered,
}

impl Positions {
    /// Whether the two fit to each other and to those before.
    pub(super) fn hold(&mut self, left: Spelled<'_>, right: Spelled<'_>) -> bool {
        let lsns = if left.is_message {
            &mut self.message_lsns
        } else {
            &mut self.lsns
        };
        let part = left.part;
        let [left, right] = [left, right].map(|spelled| numbers(spelled.text));
        let orders = match part {
            Part::Sequence if left.len() == 2 => vec![&mut self.commits, lsns],
            Part::Sequence | Part::Lsn => vec![lsns],
            Part::TxId => vec![&mut self.transactions],
            Part::Xmin => vec![&mut self.xmins],
            Part::TransactionId => vec![&mut self.transactions, &mut self.transaction_lsns],
            Part::TransactionBegin => vec![&mut self.transactions, &mut self.begins],
            Part::TransactionEnd => vec![&mut self.transactions, &mut self.commits],
            Part::SourceTime(Unit::Us) => vec![&mut self.times],
            // Several transactions can be of one millisecond here and not there; nanoseconds say no more than microseconds.
            Part::SourceTime(Unit::Ms | Unit::Ns) | Part::Clock(_) => return true,
        };
        let mut pairs = orders.into_iter().zip(left.iter().zip(&right));
        left.len() == right.len() && pairs.all(|(order, (left, right))| order.holds(*left, *right))
    }
}

/// `"777:26"` → 777, 26; `"[null,\"26\"]"` → 26; `null` has none.
fn numbers(text: &[u8]) -> Vec<i64> {
    text.split(|byte| !byte.is_ascii_digit())
        .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .collect()
}

#[derive(Default)]
struct Ordered(BTreeMap<i64, i64>);

impl Ordered {
    fn holds(&mut self, left: i64, right: i64) -> bool {
        if let Some(known) = self.0.get(&left) {
            return *known == right;
        }
        let before = self.0.range(..left).next_back();
        let after = self.0.range(left..).next();
        let fits = before.is_none_or(|(_, before)| *before < right)
            && after.is_none_or(|(_, after)| *after > right);
        if fits {
            self.0.insert(left, right);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(positions: &mut Positions, part: Part, left: &str, right: &str) -> bool {
        positions.hold(spelled(part, left, false), spelled(part, right, false))
    }

    fn spelled(part: Part, text: &str, is_message: bool) -> Spelled<'_> {
        Spelled {
            part,
            is_message,
            text: text.as_bytes(),
        }
    }

    #[test]
    fn the_lsn_of_a_message_may_be_that_of_the_next_change_on_one_side_only() {
        let positions = &mut Positions::default();
        let message = |text| spelled(Part::Lsn, text, true);
        assert!(positions.hold(message("26"), message("70")));
        assert!(hold(positions, Part::Lsn, "26", "71"));
        assert!(!positions.hold(message("26"), message("71")));
    }

    #[test]
    fn a_position_always_meets_the_same_one() {
        let positions = &mut Positions::default();
        assert!(hold(positions, Part::Lsn, "26", "70"));
        assert!(hold(positions, Part::Lsn, "26", "70"));
        assert!(!hold(positions, Part::Lsn, "26", "71"));
        assert!(!hold(positions, Part::Lsn, "27", "70"));
    }

    #[test]
    fn positions_are_in_one_order_whichever_is_seen_first() {
        let positions = &mut Positions::default();
        assert!(hold(positions, Part::TxId, "20", "200"));
        assert!(hold(positions, Part::TxId, "10", "100"));
        assert!(hold(positions, Part::TxId, "15", "101"));
        assert!(!hold(positions, Part::TxId, "16", "100"));
        assert!(!hold(positions, Part::TxId, "21", "199"));
    }

    #[test]
    fn both_numbers_of_a_sequence_and_of_a_transaction_id_count() {
        let positions = &mut Positions::default();
        let sequence = Part::Sequence;
        assert!(hold(
            positions,
            sequence,
            r#""[null,\"26\"]""#,
            r#""[null,\"70\"]""#
        ));
        assert!(!hold(positions, Part::Lsn, "26", "71"));
        assert!(hold(
            positions,
            sequence,
            r#""[\"26\",\"27\"]""#,
            r#""[\"60\",\"72\"]""#
        ));
        assert!(!hold(
            positions,
            sequence,
            r#""[\"26\",\"28\"]""#,
            r#""[\"61\",\"73\"]""#
        ));
        assert!(!hold(
            positions,
            sequence,
            r#""[null,\"29\"]""#,
            r#""[\"1\",\"74\"]""#
        ));
        assert!(hold(
            positions,
            Part::TransactionId,
            r#""7:26""#,
            r#""9:60""#
        ));
        assert!(!hold(positions, Part::TxId, "7", "8"));
        assert!(!hold(
            positions,
            Part::TransactionId,
            r#""7:26""#,
            r#""9:61""#
        ));
    }

    #[test]
    fn what_is_null_here_is_null_there() {
        let positions = &mut Positions::default();
        assert!(hold(positions, Part::TxId, "null", "null"));
        assert!(!hold(positions, Part::TxId, "null", "9"));
    }
}
