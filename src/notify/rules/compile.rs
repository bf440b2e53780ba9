//! One rule of the file, joined with the columns of its table.

use std::ops::Range;
use std::sync::Arc;

use super::{AmountCells, CompiledRule, Table, TableRules, Threshold, When};
use crate::notify::config::{NotifyFile, OldState, Problem, RuleConfig, Weight};
use crate::notify::exposure::{self, ExposedColumn, Exposure};
use crate::notify::mask::Mask;
use crate::notify::notice::Operation;
use crate::notify::predicate::Predicate;
use crate::notify::template::Templates;
use crate::notify::typed::{ColumnType, Numbers};
use crate::postgres::pgoutput::ReplicaIdentity;
use crate::postgres::quote;

impl TableRules {
    /// `None` when it cannot work.
    pub(super) fn compile_rule(
        &mut self,
        file: &NotifyFile,
        index: usize,
        rule: &RuleConfig,
        table: Table<'_>,
    ) -> (Option<CompiledRule>, Vec<Problem>) {
        let mut compiler = Compiler {
            file,
            rule,
            table,
            exposure: &self.exposure,
            problems: Vec::new(),
        };
        let watched = compiler.watched();
        let amount = compiler.amount();
        let threshold = amount.and_then(|cells| compiler.threshold(cells));
        let when = compiler.when();
        let (key, identity) = compiler.key();
        compiler.check_templates();
        let problems = compiler.problems;
        if problems
            .iter()
            .any(|problem| problem.weight == Weight::Error)
        {
            return (None, problems);
        }
        let mut template = |part: &str, text: &Option<toml::Spanned<String>>| {
            let text = text.as_ref()?;
            self.templates
                .add(format!("{index}.{part}"), text.get_ref().clone())
                .ok()
        };
        let compiled = CompiledRule {
            config: Arc::new(rule.clone()),
            index,
            watched,
            threshold,
            amount,
            when,
            title: template("title", &rule.template.title),
            body: template("body", &rule.template.body),
            key,
            identity,
        };
        (Some(compiled), problems)
    }
}

/// What compiling one rule needs.
struct Compiler<'c> {
    file: &'c NotifyFile,
    rule: &'c RuleConfig,
    table: Table<'c>,
    exposure: &'c Exposure,
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn problem(&self, span: Range<usize>, what: &str) -> Problem {
        let what = format!("rule \"{}\": {what}", self.rule.name.get_ref());
        self.file.source.problem(span, what)
    }

    fn exposed(&mut self, name: &toml::Spanned<String>) -> Option<ExposedColumn> {
        let found = self.exposure.find(name.get_ref()).cloned();
        if found.is_none() {
            let problem = |what: String| self.problem(name.span(), &what);
            let problem = exposure::missing(name.get_ref(), self.table, problem);
            self.problems.push(problem);
        }
        found
    }

    fn watched(&mut self) -> Option<ExposedColumn> {
        let name = self.rule.column.as_ref()?;
        let column = self.exposed(name)?;
        if !self.sees_old(&column.name) {
            let what = format!("the old value of \"{}\" is not sent", column.name);
            let problem = self.mend_old(self.problem(name.span(), &what), &column.name);
            self.problems.push(problem);
        }
        Some(column)
    }

    /// Whether the operations of the rule that have an old row show this column of it.
    fn sees_old(&self, column: &str) -> bool {
        let has_old = |operation: &Operation| match operation {
            Operation::Insert => false,
            Operation::Update | Operation::Delete => true,
        };
        let of_key = self.table.key.iter().any(|key| key == column);
        match self.table.relation.replica_identity {
            ReplicaIdentity::Full => true,
            ReplicaIdentity::Default if of_key && self.rule.on == [Operation::Delete] => true,
            ReplicaIdentity::Default | ReplicaIdentity::Nothing | ReplicaIdentity::Index => {
                self.remembers(column) || !self.rule.on.iter().any(has_old)
            }
        }
    }

    /// A row without a key cannot be remembered, and of a row only the watched columns are.
    fn remembers(&self, column: &str) -> bool {
        self.file.notify.old_state == OldState::LocalStore
            && !self.table.key.is_empty()
            && self.watches(column)
    }

    fn watches(&self, column: &str) -> bool {
        let watched = self.rule.column.as_ref();
        watched.is_some_and(|watched| watched.get_ref() == column)
    }

    fn mend_old(&self, problem: Problem, column: &str) -> Problem {
        let table = self.quoted_table();
        let problem = problem.mend(format!("ALTER TABLE {table} REPLICA IDENTITY FULL;"));
        if !self.watches(column) {
            return problem;
        }
        match (self.file.notify.old_state, self.table.key.is_empty()) {
            (OldState::ReplicaIdentity, false) => {
                problem.mend("old_state = \"local_store\" in [notify]")
            }
            (OldState::LocalStore, true) => {
                problem.mend(format!("ALTER TABLE {table} ADD PRIMARY KEY (…);"))
            }
            (OldState::ReplicaIdentity, true) | (OldState::LocalStore, false) => problem,
        }
    }

    fn quoted_table(&self) -> String {
        quote::qualified(&self.table.relation.schema, &self.table.relation.name)
    }

    fn amount(&mut self) -> Option<AmountCells> {
        let columns = self.rule.amount_columns()?;
        let amount = self.exposed(&columns.column)?;
        let currency = match &columns.per {
            Some(per) => Some(self.exposed(per)?.index),
            None => None,
        };
        let span = columns.column.span();
        if amount.mask != Mask::Plain {
            let what = "the amount is shown and summed: expose it as \"plain\"";
            self.problems.push(self.problem(span.clone(), what));
        }
        self.check_numbers(&amount, span.clone());
        self.check_deleted_amount(&amount.name, span);
        Some(AmountCells {
            amount: amount.index,
            currency,
        })
    }

    fn check_numbers(&mut self, amount: &ExposedColumn, span: Range<usize>) {
        let (table, name) = (self.quoted_table(), quote::identifier(&amount.name));
        let as_numeric =
            format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE numeric USING {name}::numeric;");
        let problem = match Numbers::of(self.table.relation.columns[amount.index].type_oid) {
            Numbers::Always => return,
            Numbers::Perhaps => self
                .problem(
                    span,
                    &format!(
                        "\"{}\" is text: a value that is no number is an error of the rule",
                        amount.name
                    ),
                )
                .mend(as_numeric)
                .warning(),
            Numbers::Never => self
                .problem(
                    span,
                    &format!("\"{}\" is no column of numbers", amount.name),
                )
                .mend(as_numeric),
        };
        self.problems.push(problem);
    }

    /// Of a deleted row the server sends the key alone, unless it is told otherwise.
    fn check_deleted_amount(&mut self, column: &str, span: Range<usize>) {
        let is_sent = self.table.relation.replica_identity == ReplicaIdentity::Full
            || !self.rule.on.contains(&Operation::Delete);
        if is_sent {
            return;
        }
        let what = format!("\"{column}\" of deleted rows is not sent");
        let table = self.quoted_table();
        let problem = self
            .problem(span, &what)
            .mend(format!("ALTER TABLE {table} REPLICA IDENTITY FULL;"));
        let decides = self.rule.min.is_some() && self.rule.on == [Operation::Delete];
        self.problems
            .push(if decides { problem } else { problem.warning() });
    }

    fn threshold(&mut self, cells: AmountCells) -> Option<Threshold> {
        self.rule.min.as_ref()?;
        let mut threshold = Threshold {
            cells,
            amounts: Vec::new(),
            other: None,
        };
        for (currency, amount) in self.rule.thresholds() {
            let amount = amount.get_ref().parse().ok()?;
            if currency == "other" {
                threshold.other = Some(amount);
            } else {
                threshold.amounts.push((currency.clone(), amount));
            }
        }
        Some(threshold)
    }

    fn when(&mut self) -> Option<When> {
        let text = self.rule.when.as_ref()?;
        let predicate = Predicate::compile(text.get_ref()).ok()?;
        let mut columns = Vec::new();
        for name in predicate.columns() {
            let relation = self.table.relation;
            let found = relation
                .columns
                .iter()
                .position(|column| column.name == *name && (self.table.captured)(name));
            match found {
                Some(index) => columns.push((
                    name.clone(),
                    index,
                    ColumnType::of(relation.columns[index].type_oid),
                )),
                None => {
                    let problem = |what: String| self.problem(text.span(), &what);
                    let problem = exposure::no_column(name, self.table, problem);
                    self.problems.push(problem);
                }
            }
        }
        for name in predicate.old_columns() {
            if !self.sees_old(name) {
                let what = format!(
                    "when needs the old value of \"{name}\", and the server does not send it"
                );
                let problem = self.mend_old(self.problem(text.span(), &what), name);
                self.problems.push(problem);
            }
        }
        Some(When { predicate, columns })
    }

    /// What the messages call the row, and what identifies it.
    fn key(&mut self) -> (Vec<ExposedColumn>, Vec<usize>) {
        let names = &self.rule.conversation.key;
        if !names.is_empty() {
            let columns: Vec<_> = names.iter().filter_map(|name| self.exposed(name)).collect();
            let identity = columns.iter().map(|column| column.index).collect();
            return (columns, identity);
        }
        let key = self.table.key;
        if key.is_empty() && self.rule.dedupe.is_some() {
            let what = "the table has no primary key: nothing tells repeats from other rows, so that every change is told";
            let problem = self
                .problem(self.rule.name.span(), what)
                .mend(format!(
                    "ALTER TABLE {} ADD PRIMARY KEY (…);",
                    self.quoted_table()
                ))
                .mend("conversation = { key = [\"…\"] } in the rule");
            self.problems.push(problem.warning());
        }
        let shown = key
            .iter()
            .filter_map(|name| self.exposure.find(name).cloned());
        let place = |name: &String| {
            self.table
                .relation
                .columns
                .iter()
                .position(|column| column.name == *name)
        };
        (shown.collect(), key.iter().filter_map(place).collect())
    }

    fn check_templates(&mut self) {
        let template = &self.rule.template;
        for part in [&template.title, &template.body].into_iter().flatten() {
            for name in Templates::columns(part.get_ref()).unwrap_or_default() {
                if self.exposure.find(&name).is_none() {
                    let problem = |what: String| self.problem(part.span(), &what);
                    let problem = exposure::missing(&name, self.table, problem);
                    self.problems.push(problem);
                }
            }
            for name in Templates::old_columns(part.get_ref()).unwrap_or_default() {
                if !self.sees_old(&name) {
                    let what = format!(
                        "the template shows before.{name}, and the server does not send it: \"(unchanged)\" stands there"
                    );
                    let problem = self.mend_old(self.problem(part.span(), &what), &name);
                    self.problems.push(problem.warning());
                }
            }
        }
    }
}
