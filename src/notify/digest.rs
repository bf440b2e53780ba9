//! Many changes told as one: exact counts and exact decimal sums in bounded memory. Two digests merge into one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::amount::{Amount, Decimal};
use super::escape::cut;
use super::notice::{Commit, Money, RowChange};

/// Different from → to pairs counted by name; the others are counted together.
pub const MAX_TRANSITIONS: usize = 64;
/// Different currencies summed; ISO 4217 has about 180.
pub const MAX_CURRENCIES: usize = 256;
pub const MAX_SAMPLE_KEYS: usize = 10;
pub const DEFAULT_TOP: usize = 5;
/// Characters kept of a value, a key and a currency: what is longer is counted by its beginning.
const MAX_VALUE: usize = 120;
const MAX_KEY: usize = 200;
const MAX_CURRENCY: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub table: String,
    pub count: u64,
    /// The first and the last commit that it tells of.
    pub span: Option<(Commit, Commit)>,
    pub commits: u64,
    pub transitions: Vec<Transition>,
    /// Changes between values that are not among `transitions`, whose counts then are lower bounds.
    pub other_transitions: u64,
    pub sums: Vec<Sum>,
    /// Amounts in currencies that are not among `sums`.
    pub unsummed: u64,
    /// The greatest amounts kept for each currency.
    pub top: usize,
    pub sample_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub from: Option<String>,
    pub to: Option<String>,
    pub count: u64,
}

/// What was counted of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    pub currency: String,
    /// Of the finite amounts.
    pub total: Decimal,
    pub finite: u64,
    /// `NaN` and infinite amounts, which no sum can hold.
    pub not_finite: u64,
    /// Greatest first.
    pub top: Vec<TopChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopChange {
    pub amount: Amount,
    pub key: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Default for Digest {
    fn default() -> Self {
        Self::new(DEFAULT_TOP)
    }
}

impl Digest {
    #[must_use]
    pub fn new(top: usize) -> Self {
        Self {
            table: String::new(),
            count: 0,
            span: None,
            commits: 0,
            transitions: Vec::new(),
            other_transitions: 0,
            sums: Vec::new(),
            unsummed: 0,
            top,
            sample_keys: Vec::new(),
        }
    }

    /// What was counted so far stands in this commit.
    pub fn at(&mut self, commit: &Commit) {
        self.reach(commit, commit, 1);
    }

    /// Counts a change.
    pub fn add(&mut self, change: &RowChange) {
        if self.table.is_empty() {
            self.table.clone_from(&change.table);
        }
        self.count += 1;
        if let Some(money) = &change.amount {
            self.add_money(money, change);
        }
        let (from, to) = (short(&change.from), short(&change.to));
        let same = |known: &&mut Transition| {
            known.from.as_deref() == from.as_deref() && known.to.as_deref() == to.as_deref()
        };
        if let Some(known) = self.transitions.iter_mut().find(same) {
            known.count += 1;
        } else {
            self.add_transition(Transition {
                from: from.map(Cow::into_owned),
                to: to.map(Cow::into_owned),
                count: 1,
            });
        }
        if self.sample_keys.len() < MAX_SAMPLE_KEYS {
            self.sample_keys.push(cut(&change.key, MAX_KEY));
        }
    }

    /// Counts what a later digest counted.
    pub fn merge(&mut self, later: Self) {
        if self.table.is_empty() {
            self.table = later.table;
        }
        self.count += later.count;
        if let Some((first, last)) = &later.span {
            self.reach(first, last, later.commits);
        }
        for transition in later.transitions {
            self.add_transition(transition);
        }
        self.other_transitions += later.other_transitions;
        for sum in later.sums {
            self.add_sum(sum);
        }
        self.unsummed += later.unsummed;
        let room = MAX_SAMPLE_KEYS.saturating_sub(self.sample_keys.len());
        self.sample_keys
            .extend(later.sample_keys.into_iter().take(room));
    }

    /// Changes counted without an amount, of a rule that has amounts.
    #[must_use]
    pub fn without_amount(&self) -> u64 {
        let with: u64 = self
            .sums
            .iter()
            .map(|sum| sum.finite + sum.not_finite)
            .sum();
        self.count.saturating_sub(with + self.unsummed)
    }

    /// Extends the span; `commits` counts a commit once as long as its changes come one after another.
    fn reach(&mut self, first: &Commit, last: &Commit, commits: u64) {
        let Some((begin, end)) = &mut self.span else {
            self.span = Some((*first, *last));
            self.commits = commits;
            return;
        };
        self.commits += if end.lsn == first.lsn {
            commits - 1
        } else {
            commits
        };
        if first.lsn < begin.lsn {
            *begin = *first;
        }
        if last.lsn > end.lsn {
            *end = *last;
        }
    }

    fn add_transition(&mut self, transition: Transition) {
        let same =
            |known: &&mut Transition| known.from == transition.from && known.to == transition.to;
        if let Some(known) = self.transitions.iter_mut().find(same) {
            known.count += transition.count;
        } else if self.transitions.len() < MAX_TRANSITIONS {
            self.transitions.push(transition);
        } else {
            self.other_transitions += transition.count;
        }
    }

    fn add_money(&mut self, money: &Money, change: &RowChange) {
        let currency = cut(&money.currency, MAX_CURRENCY);
        let known = self.sums.iter_mut().find(|sum| sum.currency == currency);
        if let Some(known) = known {
            known.add(&money.amount, change, self.top);
        } else if self.sums.len() < MAX_CURRENCIES {
            let mut sum = Sum::new(currency);
            sum.add(&money.amount, change, self.top);
            self.sums.push(sum);
        } else {
            self.unsummed += 1;
        }
    }

    fn add_sum(&mut self, sum: Sum) {
        let top = self.top;
        if let Some(known) = self
            .sums
            .iter_mut()
            .find(|known| known.currency == sum.currency)
        {
            known.merge(sum, top);
        } else if self.sums.len() < MAX_CURRENCIES {
            self.sums.push(sum);
        } else {
            self.unsummed += sum.finite + sum.not_finite;
        }
    }
}

impl Sum {
    fn new(currency: String) -> Self {
        Self {
            currency,
            total: Decimal::default(),
            finite: 0,
            not_finite: 0,
            top: Vec::new(),
        }
    }

    fn merge(&mut self, other: Self, top: usize) {
        self.total += &other.total;
        self.finite += other.finite;
        self.not_finite += other.not_finite;
        for change in other.top {
            self.keep(change, top);
        }
    }

    fn add(&mut self, amount: &Amount, change: &RowChange, top: usize) {
        match amount {
            Amount::Finite(decimal) => {
                self.total += decimal;
                self.finite += 1;
            }
            Amount::NegativeInfinity | Amount::Infinity | Amount::NaN => self.not_finite += 1,
        }
        let least = self.top.last().filter(|_| self.top.len() >= top);
        // Of most changes nothing is kept, and nothing copied.
        if least.is_none_or(|least| *amount > least.amount) {
            let change = TopChange {
                amount: amount.clone(),
                key: cut(&change.key, MAX_KEY),
                from: short(&change.from).map(Cow::into_owned),
                to: short(&change.to).map(Cow::into_owned),
            };
            self.keep(change, top);
        }
    }

    fn keep(&mut self, change: TopChange, top: usize) {
        // After its equals, so that the first of equal amounts is kept.
        let place = self
            .top
            .partition_point(|known| known.amount >= change.amount);
        if place < top {
            self.top.insert(place, change);
            self.top.truncate(top);
        }
    }
}

fn short(value: &Option<String>) -> Option<Cow<'_, str>> {
    let text = value.as_deref()?;
    Some(if text.len() <= MAX_VALUE {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(cut(text, MAX_VALUE))
    })
}
