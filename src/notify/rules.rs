//! Rules, compiled for one table when its relation arrives: a change is decided by the bytes of the watched column first.

mod compile;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::amount::Amount;
use super::config::{NotifyFile, OldState, Problem, RuleConfig};
use super::escape::cut;
use super::exposure::{self, ExposedColumn, Exposure};
use super::last_states::LastStates;
use super::link::DashboardLink;
use super::mask::hide_card_numbers;
use super::notice::{Money, Operation, RowChange};
use super::predicate::{Operands, Predicate, PredicateError, Scope};
use super::row::{Row, Value, Walk};
use super::template::{TemplateError, TemplateName, Templates};
use super::typed::{ColumnType, typed};
use crate::change::Change;
use crate::postgres::pgoutput::Relation;
use watch::Watch;

/// Characters of a currency's name.
const MAX_CURRENCY: usize = 20;

/// A table as rules are compiled for it.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    pub relation: &'a Relation,
    /// The primary key's columns, from the catalog: of a table with `REPLICA IDENTITY FULL` the relation marks every column.
    pub key: &'a [String],
    /// Whether Kafka gets the column as it is: what a filter or a mask withholds from Kafka, rules do not see either.
    pub captured: &'a dyn Fn(&str) -> bool,
}

/// The rules of one table.
#[derive(Debug)]
pub struct TableRules {
    /// In the order of their columns: a row is passed once.
    watches: Vec<Watch>,
    exposure: Exposure,
    templates: Templates,
    dashboard: Option<DashboardLink>,
    scope: Scope,
    table: String,
    /// The primary key, where old values come from [`LastStates`].
    remembered_by: Option<Vec<usize>>,
}

#[derive(Debug)]
pub struct CompiledRule {
    pub config: Arc<RuleConfig>,
    /// In the file.
    pub index: usize,
    watched: Option<ExposedColumn>,
    threshold: Option<Threshold>,
    amount: Option<AmountCells>,
    when: Option<When>,
    title: Option<TemplateName>,
    body: Option<TemplateName>,
    /// Columns of the conversation's key, else of the primary key, as far as they are exposed.
    key: Vec<ExposedColumn>,
    /// The same, raw: what names a conversation and finds repeats.
    identity: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct AmountCells {
    amount: usize,
    currency: Option<usize>,
}

#[derive(Debug)]
struct Threshold {
    cells: AmountCells,
    amounts: Vec<(String, Amount)>,
    other: Option<Amount>,
}

#[derive(Debug)]
struct When {
    predicate: Predicate,
    columns: Vec<(String, usize, ColumnType)>,
}

/// What a row is remembered by, or a column of it.
#[derive(Debug)]
struct Identities {
    before: String,
    /// When the key changed.
    after: Option<String>,
}

/// A change that a rule wants told.
#[derive(Debug)]
pub struct Match<'r, 'a> {
    pub rule: &'r CompiledRule,
    pub row: Row<'a>,
    rules: &'r TableRules,
}

/// A rule could not decide a change, or not render it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("rule \"{rule}\" could not evaluate its when: {source}")]
    When {
        rule: String,
        source: PredicateError,
    },
    #[error("rule \"{rule}\" could not read a number in its column \"{column}\"")]
    NotANumber { rule: String, column: String },
    #[error("rule \"{rule}\" could not render its template: {source}")]
    Template { rule: String, source: TemplateError },
    #[error(
        "rule \"{rule}\" could not see the old value of its column: the server did not send it"
    )]
    NoOldValue { rule: String },
}

impl RuleError {
    #[must_use]
    pub fn rule(&self) -> &str {
        match self {
            Self::When { rule, .. }
            | Self::NotANumber { rule, .. }
            | Self::Template { rule, .. }
            | Self::NoOldValue { rule } => rule,
        }
    }
}

impl TableRules {
    /// The rules of `table`, and what is wrong with those that cannot work; `None` when none is left, so that the table's changes
    /// cost nothing.
    #[must_use]
    pub fn compile(
        file: &NotifyFile,
        table: Table<'_>,
        secret: &[u8],
    ) -> (Option<Self>, Vec<Problem>) {
        let name = format!("{}.{}", table.relation.schema, table.relation.name);
        let mut rules = file
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| *rule.table.get_ref() == name)
            .peekable();
        if rules.peek().is_none() {
            return (None, Vec::new());
        }
        let (exposure, mut problems) = Exposure::compile(file, &name, table, secret);
        let mut compiled = Self {
            watches: Vec::new(),
            exposure,
            templates: Templates::default(),
            dashboard: None,
            scope: Scope::default(),
            table: name.clone(),
            remembered_by: remembered_by(file, table),
        };
        compiled.compile_dashboard(file, table, &mut problems);
        let mut by_column: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, rule) in rules {
            let (rule, found) = compiled.compile_rule(file, index, rule, table);
            problems.extend(found);
            if let Some(rule) = rule {
                let column = rule.watched.as_ref().map(|column| column.index);
                by_column.entry(column).or_default().push(rule);
            }
        }
        let watches = by_column.into_iter();
        compiled.watches = watches
            .map(|(column, rules)| Watch::new(column, rules))
            .collect();
        let is_empty = compiled.watches.is_empty();
        ((!is_empty).then_some(compiled), problems)
    }

    /// The rules that can work.
    pub fn rules(&self) -> impl Iterator<Item = &CompiledRule> {
        self.watches.iter().flat_map(Watch::rules)
    }

    /// What the rules want told of one change: snapshot rows never. What a later change needs of this one goes into `states`.
    pub fn matches(
        &self,
        change: &Change<'_>,
        states: &mut LastStates,
        mut found: impl FnMut(Result<Match<'_, '_>, RuleError>),
    ) {
        let ids = self.remembered_by.as_ref().and_then(|key| {
            let row = Row::stored(&change.kind)?;
            Some((row, Identities::new(&self.exposure, key, &row)))
        });
        let told = Row::of(&change.kind);
        let mut walk = told.map(|row| row.walk());
        for watch in &self.watches {
            let ids = match (&ids, watch.column) {
                (Some((row, ids)), Some(column)) => {
                    Some((row, column, ids.of(&self.table, watch.name())))
                }
                (None, _) | (_, None) => None,
            };
            if let (Some(mut row), Some(walk)) = (told, &mut walk) {
                if let Some((_, column, ids)) = &ids
                    && let Some(state) = states.get(&ids.before)
                {
                    row = row.remembering(*column, state);
                }
                self.watch(watch, row, walk, &mut found);
            }
            if let Some((row, column, ids)) = ids {
                remember(row, column, ids, states);
            }
        }
    }

    #[inline]
    fn watch<'r, 'w: 'r>(
        &self,
        watch: &Watch,
        row: Row<'r>,
        walk: &mut Walk<'w>,
        found: &mut impl FnMut(Result<Match<'_, '_>, RuleError>),
    ) {
        let step = match watch.column {
            Some(column) => row.step(column, walk.to(column)),
            None => Some((Value::Unknown, Value::Unknown)),
        };
        let Some((before, after)) = step else {
            return;
        };
        let is_update = watch.column.is_some() && row.operation == Operation::Update;
        if is_update && before == Value::Unknown {
            for rule in watch.wanting_to(row.operation, after) {
                found(Err(RuleError::NoOldValue { rule: rule.name() }));
            }
            return;
        }
        for rule in watch.wanting(row.operation, before, after) {
            match rule.wants(&row, &self.scope) {
                Ok(false) => {}
                Ok(true) => found(Ok(Match {
                    rule,
                    row,
                    rules: self,
                })),
                Err(error) => found(Err(error)),
            }
        }
    }

    /// A link is left out of the messages of a table that lacks its columns.
    fn compile_dashboard(
        &mut self,
        file: &NotifyFile,
        table: Table<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(text) = &file.notify.dashboard else {
            return;
        };
        let Ok(link) = DashboardLink::parse(text.get_ref()) else {
            return;
        };
        let missing = link
            .columns()
            .find(|column| self.exposure.find(column).is_none());
        if let Some(column) = missing {
            let problem = |why: String| {
                let what = format!("messages of \"{}\" have no link: {why}", self.table);
                file.source.problem(text.span(), what).warning()
            };
            problems.push(exposure::missing(column, table, problem));
        } else {
            self.dashboard = Some(link);
        }
    }
}

/// `None` where the server sends old rows, and where there is no key to remember a row by.
fn remembered_by(file: &NotifyFile, table: Table<'_>) -> Option<Vec<usize>> {
    if file.notify.old_state != OldState::LocalStore || table.key.is_empty() {
        return None;
    }
    let columns = &table.relation.columns;
    let place = |name: &String| columns.iter().position(|column| column.name == *name);
    table.key.iter().map(place).collect()
}

/// Snapshot rows too: they seed the store.
fn remember(row: &Row<'_>, column: usize, ids: Identities, states: &mut LastStates) {
    let now = match (row.operation, ids.after) {
        (Operation::Delete, _) => return states.forget(ids.before),
        (Operation::Insert | Operation::Update, None) => ids.before,
        (Operation::Insert | Operation::Update, Some(after)) => {
            states.forget(ids.before);
            after
        }
    };
    states.remember(now, row.after(column));
}

impl Identities {
    /// Of the row.
    fn new(exposure: &Exposure, key: &[usize], row: &Row<'_>) -> Self {
        let before: Vec<_> = key.iter().map(|column| row.was(*column)).collect();
        let after: Vec<_> = key.iter().map(|column| row.current(*column)).collect();
        Self {
            before: exposure.identity(&before),
            after: (before != after).then(|| exposure.identity(&after)),
        }
    }

    /// Of a column of the row. By the column's name: a snapshot does not read the columns that are withheld, so places differ.
    fn of(&self, table: &str, column: &str) -> Self {
        let column = format!("{table}.{column}");
        let id = |row: &String| super::notice::digest_of(&[&column, row]);
        Self {
            before: id(&self.before),
            after: self.after.as_ref().map(id),
        }
    }
}

impl CompiledRule {
    /// Of a change whose states it wants.
    fn wants(&self, row: &Row<'_>, scope: &Scope) -> Result<bool, RuleError> {
        if !self.wants_amount(row)? {
            return Ok(false);
        }
        let Some(when) = &self.when else {
            return Ok(true);
        };
        let answer = when.predicate.matches(scope, when.operands(row));
        answer.map_err(|source| RuleError::When {
            rule: self.name(),
            source,
        })
    }

    fn wants_amount(&self, row: &Row<'_>) -> Result<bool, RuleError> {
        let Some(threshold) = &self.threshold else {
            return Ok(true);
        };
        let Some(amount) = self.read_amount(row, threshold.cells.amount)? else {
            return Ok(false);
        };
        let currency = threshold
            .cells
            .currency
            .and_then(|column| row.current(column).text());
        let of_currency = threshold
            .amounts
            .iter()
            .find(|(name, _)| Some(name.as_bytes()) == currency);
        let least = of_currency
            .map(|(_, amount)| amount)
            .or(threshold.other.as_ref());
        Ok(least.is_some_and(|least| amount >= *least))
    }

    fn read_amount(&self, row: &Row<'_>, column: usize) -> Result<Option<Amount>, RuleError> {
        let Some(text) = row.current(column).text() else {
            return Ok(None);
        };
        let amount = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok());
        let not_a_number = || RuleError::NotANumber {
            rule: self.name(),
            column: self
                .config
                .amount_columns()
                .map_or(String::new(), |columns| columns.column.into_inner()),
        };
        amount.map(Some).ok_or_else(not_a_number)
    }

    fn name(&self) -> String {
        self.config.name.get_ref().clone()
    }
}

impl When {
    fn operands(&self, row: &Row<'_>) -> Operands {
        let mut operands = Operands::default();
        for (name, index, kind) in &self.columns {
            operands
                .before
                .extend(typed(row.before(*index), *kind).map(|value| (name.clone(), value)));
            operands
                .after
                .extend(typed(row.after(*index), *kind).map(|value| (name.clone(), value)));
            if row.is_unchanged(*index) == Some(false) {
                operands.changed.push(name.clone());
            }
        }
        operands
    }
}

impl Match<'_, '_> {
    /// All that a message of its own tells.
    ///
    /// # Errors
    /// When the rule's template fails; the change can still be told without it.
    pub fn row_change(&self) -> (RowChange, Option<RuleError>) {
        let exposure = &self.rules.exposure;
        let mut change = self.counted();
        change.fields = exposure.fields(&self.row);
        change.link = self.rules.dashboard.as_ref().and_then(|link| {
            link.url(|name| {
                exposure
                    .find(name)
                    .and_then(|column| exposure.shown(column, self.row.current(column.index)))
            })
        });
        let row = (self.rule.title.is_some() || self.rule.body.is_some()).then(|| {
            exposure.template_row(&self.row, &change.key, self.rule.config.name.get_ref())
        });
        let mut failed = None;
        let mut render = |template: &Option<TemplateName>| {
            let rendered = self
                .rules
                .templates
                .render(template.as_ref()?, row.as_ref()?);
            rendered
                .map_err(|source| {
                    failed = Some(RuleError::Template {
                        rule: self.rule.name(),
                        source,
                    })
                })
                .ok()
        };
        change.title = render(&self.rule.title);
        change.body = render(&self.rule.body);
        (change, failed)
    }

    /// What a digest counts: no fields, no templates.
    #[must_use]
    pub fn counted(&self) -> RowChange {
        let exposure = &self.rules.exposure;
        let shown = |column: &ExposedColumn, value| exposure.shown(column, value);
        let watched = self.rule.watched.as_ref();
        let key: Vec<_> = self
            .rule
            .key
            .iter()
            .map(|column| {
                shown(column, self.row.current(column.index)).unwrap_or_else(|| "null".to_owned())
            })
            .collect();
        RowChange {
            table: self.rules.table.clone(),
            operation: self.row.operation,
            key: key.join(", "),
            from: watched.and_then(|column| state(exposure, column, self.row.before(column.index))),
            to: watched.and_then(|column| state(exposure, column, self.row.after(column.index))),
            trail: Vec::new(),
            amount: self.money(),
            fields: Vec::new(),
            title: None,
            body: None,
            link: None,
        }
    }

    /// Names the row within its rule without telling its key: what conversations, repeats and mutes go by. `None` where nothing
    /// tells the rows of the table apart.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let values: Vec<_> = self
            .rule
            .identity
            .iter()
            .map(|column| self.row.current(*column))
            .collect();
        (!values.is_empty()).then(|| self.rules.exposure.identity(&values))
    }

    fn money(&self) -> Option<Money> {
        let cells = self.rule.amount?;
        let amount = self
            .rule
            .read_amount(&self.row, cells.amount)
            .ok()
            .flatten()?;
        let currency = cells
            .currency
            .and_then(|column| self.row.current(column).text());
        let currency = currency.map_or(String::new(), |text| {
            hide_card_numbers(&cut(&String::from_utf8_lossy(text), MAX_CURRENCY))
        });
        Some(Money { amount, currency })
    }
}

/// A state, with null as a word: a digest must tell null from no row.
fn state(exposure: &Exposure, column: &ExposedColumn, value: Value<'_>) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Text(_) => exposure.shown(column, value),
        Value::Unknown => None,
    }
}
