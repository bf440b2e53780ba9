//! Rules that watch the same column, found by what the column was and what it is: a rule that names other values costs nothing.

use rustc_hash::FxHashMap;

use super::CompiledRule;
use crate::notify::config::States;
use crate::notify::notice::Operation;
use crate::notify::row::Value;

#[derive(Debug)]
pub(super) struct Watch {
    /// `None`: the rules want a change whatever it changed.
    pub(super) column: Option<usize>,
    rules: Vec<CompiledRule>,
    inserts: Moves,
    updates: Moves,
    deletes: Moves,
}

/// The rules that want an operation, by the column's value before and after it.
#[derive(Debug)]
struct Moves {
    from: ByValue,
    to: ByValue,
}

/// Places of rules, in their order.
#[derive(Debug)]
struct ByValue {
    named: FxHashMap<Box<[u8]>, Vec<usize>>,
    /// For a value that no rule names.
    unnamed: Vec<usize>,
    null: Vec<usize>,
    unknown: Vec<usize>,
}

impl Watch {
    pub(super) fn new(column: Option<usize>, rules: Vec<CompiledRule>) -> Self {
        Self {
            column,
            inserts: Moves::new(&rules, Operation::Insert),
            updates: Moves::new(&rules, Operation::Update),
            deletes: Moves::new(&rules, Operation::Delete),
            rules,
        }
    }

    pub(super) fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// The column's name.
    pub(super) fn name(&self) -> &str {
        let watched = self.rules.first().and_then(|rule| rule.watched.as_ref());
        watched.map_or("", |column| &column.name)
    }

    /// The rules whose `from` and `to` have these values. A row that was not there, or is there no more, has no value: only "any"
    /// can name it.
    pub(super) fn wanting(
        &self,
        operation: Operation,
        before: Value<'_>,
        after: Value<'_>,
    ) -> impl Iterator<Item = &CompiledRule> {
        let moves = self.moves(operation);
        let (from, to) = (moves.from.of(before), moves.to.of(after));
        let (few, many) = if from.len() < to.len() {
            (from, to)
        } else {
            (to, from)
        };
        few.iter()
            .filter(|place| many.binary_search(place).is_ok())
            .filter_map(|place| self.rules.get(*place))
    }

    /// The rules of which only `to` can be decided.
    pub(super) fn wanting_to(
        &self,
        operation: Operation,
        after: Value<'_>,
    ) -> impl Iterator<Item = &CompiledRule> {
        let places = self.moves(operation).to.of(after);
        places.iter().filter_map(|place| self.rules.get(*place))
    }

    fn moves(&self, operation: Operation) -> &Moves {
        match operation {
            Operation::Insert => &self.inserts,
            Operation::Update => &self.updates,
            Operation::Delete => &self.deletes,
        }
    }
}

impl Moves {
    fn new(rules: &[CompiledRule], operation: Operation) -> Self {
        let wanting = || {
            let all = rules.iter().enumerate();
            all.filter(|(_, rule)| rule.config.on.contains(&operation))
        };
        let from: Vec<_> = wanting()
            .map(|(place, rule)| (place, &rule.config.from))
            .collect();
        let to: Vec<_> = wanting()
            .map(|(place, rule)| (place, &rule.config.to))
            .collect();
        Self {
            from: ByValue::new(&from),
            to: ByValue::new(&to),
        }
    }
}

impl ByValue {
    fn new(rules: &[(usize, &States)]) -> Self {
        let places = |has: &dyn Fn(&States) -> bool| {
            let having = rules.iter().filter(|(_, states)| has(states));
            having.map(|(place, _)| *place).collect::<Vec<_>>()
        };
        let names = rules.iter().flat_map(|(_, states)| states.names());
        let named = names.map(|name| {
            let value = name.as_bytes();
            (value.into(), places(&|states| states.contains(Some(value))))
        });
        Self {
            named: named.collect(),
            unnamed: places(&States::contains_others),
            null: places(&|states| states.contains(None)),
            unknown: places(&States::is_any),
        }
    }

    fn of(&self, value: Value<'_>) -> &[usize] {
        match value {
            Value::Null => &self.null,
            Value::Text(text) => self.named.get(text).unwrap_or(&self.unnamed),
            Value::Unknown => &self.unknown,
        }
    }
}
