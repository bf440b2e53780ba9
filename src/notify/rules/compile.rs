//! One rule of the file, joined with the columns of its table.

use std::sync::Arc;

use super::{AmountCells, CompiledRule, Table, TableRules, Threshold, When};
use crate::notify::config::{NotifyFile, OldState, Problem, RuleConfig};
use crate::notify::exposure::{ExposedColumn, Exposure};
use crate::notify::mask::Mask;
use crate::notify::notice::Operation;
use crate::notify::predicate::Predicate;
use crate::notify::template::Templates;
use crate::notify::typed::ColumnType;
use crate::postgres::pgoutput::ReplicaIdentity;

impl TableRules {
    pub(super) fn compile_rule(
        &mut self,
        file: &NotifyFile,
        index: usize,
        rule: &RuleConfig,
        table: Table<'_>,
    ) -> Result<CompiledRule, Vec<Problem>> {
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
        if !compiler.problems.is_empty() {
            return Err(compiler.problems);
        }
        let mut template = |part: &str, text: &Option<toml::Spanned<String>>| {
            let text = text.as_ref()?;
            self.templates
                .add(format!("{index}.{part}"), text.get_ref().clone())
                .ok()
        };
        Ok(CompiledRule {
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
        })
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
    fn report(&mut self, span: std::ops::Range<usize>, what: &str) {
        let what = format!("rule \"{}\": {what}", self.rule.name.get_ref());
        self.problems.push(self.file.source.problem(span, what));
    }

    fn exposed(&mut self, name: &toml::Spanned<String>) -> Option<ExposedColumn> {
        let found = self.exposure.find(name.get_ref()).cloned();
        if found.is_none() {
            let what = self.exposure.missing(name.get_ref(), self.table);
            self.report(name.span(), &what);
        }
        found
    }

    fn watched(&mut self) -> Option<ExposedColumn> {
        let name = self.rule.column.as_ref()?;
        let column = self.exposed(name)?;
        if self.rule.on.contains(&Operation::Update) && !self.sees_old() {
            let relation = self.table.relation;
            self.report(
                name.span(),
                &format!(
                    "the old value of \"{}\" is not sent; run ALTER TABLE \"{}\".\"{}\" REPLICA IDENTITY FULL",
                    column.name, relation.schema, relation.name
                ),
            );
        }
        if self.rule.on.contains(&Operation::Delete)
            && !self.rule.on.contains(&Operation::Update)
            && !self.sees_old()
        {
            self.report(
                name.span(),
                &format!(
                    "the value of \"{}\" is not sent for deleted rows; set REPLICA IDENTITY FULL",
                    column.name
                ),
            );
        }
        Some(column)
    }

    /// A row without a key cannot be remembered.
    fn sees_old(&self) -> bool {
        match self.table.relation.replica_identity {
            ReplicaIdentity::Full => true,
            ReplicaIdentity::Default | ReplicaIdentity::Nothing | ReplicaIdentity::Index => {
                self.file.notify.old_state == OldState::LocalStore && !self.table.key.is_empty()
            }
        }
    }

    fn amount(&mut self) -> Option<AmountCells> {
        let columns = self.rule.amount_columns()?;
        let amount = self.exposed(&columns.column)?;
        let currency = match &columns.per {
            Some(per) => Some(self.exposed(per)?.index),
            None => None,
        };
        if amount.mask != Mask::Plain {
            self.report(
                columns.column.span(),
                "the amount is shown and summed: expose it as \"plain\"",
            );
        }
        Some(AmountCells {
            amount: amount.index,
            currency,
        })
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
                    let what = self.exposure.no_column(name, self.table);
                    self.report(text.span(), &what);
                }
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
                    let what = self.exposure.missing(&name, self.table);
                    self.report(part.span(), &what);
                }
            }
        }
    }
}
