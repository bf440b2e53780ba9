//! Judgements over the notifier's rules: whether they can work on this server, with this connector. Pure.

use std::path::Path;

use super::facts::{CheckedTable, ServerFacts};
use super::finding::{Finding, Status};
use super::judge_tables::{Wanted, is_published, publication_name, will_be_published};
use crate::config::connector::ConnectorConfig;
use crate::debezium::plan::is_unaltered;
use crate::notify::config::{NotifyFile, Problem, RuleConfig, Weight, no_such};
use crate::notify::notice::Operation;
use crate::notify::rules::{Table, TableRules};
use crate::postgres::catalog::Column;
use crate::postgres::catalog_query::{CapturedTable, TableKind};
use crate::postgres::pgoutput::{Relation, RelationColumn};
use crate::postgres::publication::Publication;
use crate::postgres::quote;

/// What is wrong with the rules of a file, in its order, and the names of those that work.
#[derive(Debug, Default)]
pub struct Judged {
    pub problems: Vec<Problem>,
    pub working: Vec<String>,
}

pub fn judge(file: &NotifyFile, config: &ConnectorConfig, facts: &ServerFacts) -> Judged {
    let judge = Judge {
        file,
        config,
        facts,
    };
    let mut judged = Judged {
        problems: judge.unknown_exposures(),
        working: Vec::new(),
    };
    let mut unreached = Vec::new();
    for (index, rule) in file.rules.iter().enumerate() {
        let problems = judge.reach(rule);
        if is_any_error(&problems) {
            unreached.push(index);
        }
        judged.problems.extend(problems);
    }
    for found in &facts.captured {
        let (rules, problems) = judge.compile(&found.table);
        judged.problems.extend(problems);
        let works = |rule: &&crate::notify::rules::CompiledRule| !unreached.contains(&rule.index);
        let working = rules.iter().flat_map(TableRules::rules).filter(works);
        let name = |rule: &crate::notify::rules::CompiledRule| rule.config.name.get_ref().clone();
        judged.working.extend(working.map(name));
    }
    judged.problems.sort_by_key(|problem| problem.at);
    judged
}

/// As the check tells it.
pub fn findings(judged: &Judged, file: &NotifyFile, path: &Path) -> Vec<Finding> {
    const SUBJECT: &str = "rules";
    let name = path.file_name().unwrap_or(path.as_os_str()).display();
    let mut findings = Vec::new();
    if !judged.working.is_empty() {
        let (count, all) = (judged.working.len(), file.rules.len());
        let text = format!("{count} of {all} can work: {}", judged.working.join(", "));
        findings.push(Finding::new(Status::Ok, SUBJECT, text));
    }
    if file.rules.is_empty() {
        let text = format!("{name} has no rules: nothing is told");
        findings.push(Finding::new(Status::Warn, SUBJECT, text));
    }
    for problem in &judged.problems {
        let status = match problem.weight {
            Weight::Error => Status::Fail,
            Weight::Warning => Status::Warn,
        };
        let line = problem.at.map_or(0, |at| at.line);
        let text = format!("{name} line {line}: {}", problem.what);
        let finding = Finding::new(status, SUBJECT, text);
        findings.push(problem.remedy.iter().fold(finding, Finding::mend));
    }
    findings
}

fn is_any_error(problems: &[Problem]) -> bool {
    let is_error = |problem: &Problem| problem.weight == Weight::Error;
    problems.iter().any(is_error)
}

struct Judge<'j> {
    file: &'j NotifyFile,
    config: &'j ConnectorConfig,
    facts: &'j ServerFacts,
}

impl Judge<'_> {
    /// Columns of a table that no rule names are not looked at further.
    fn unknown_exposures(&self) -> Vec<Problem> {
        let tables = &self.facts.all_tables;
        let unknown = self.file.notify.expose.keys().filter(|table| {
            let is_rules = |rule: &RuleConfig| rule.table.get_ref() == table.get_ref();
            !tables.contains(table.get_ref()) && !self.file.rules.iter().any(is_rules)
        });
        let problem = |table: &toml::Spanned<String>| {
            let known = tables.iter().map(String::as_str);
            let what = no_such("the database has no table", table.get_ref(), known);
            self.file.source.problem(table.span(), what).warning()
        };
        unknown.map(problem).collect()
    }

    /// Whether changes of the rule's table come at all.
    fn reach(&self, rule: &RuleConfig) -> Vec<Problem> {
        let name = rule.table.get_ref();
        let problem = |what: String| {
            let what = format!("rule \"{}\": {what}", rule.name.get_ref());
            self.file.source.problem(rule.table.span(), what)
        };
        let found = self
            .facts
            .captured
            .iter()
            .find(|found| plain_name(found) == *name);
        let Some(found) = found else {
            let known = self.facts.all_tables.iter().map(String::as_str);
            return vec![if self.facts.all_tables.contains(name) {
                problem(format!("the connector does not capture \"{name}\"")).mend(format!(
                    "schema.include.list and table.include.list of the connector with {name}, and no exclude list with it"
                ))
            } else {
                problem(no_such("the database has no table", name, known))
            }];
        };
        let table = &found.table;
        let quoted = quote::qualified(&table.table.schema, &table.table.name);
        let mut problems = Vec::new();
        if table.unlogged {
            let what = format!("\"{name}\" is unlogged: its changes are never in the stream");
            problems.push(problem(what).mend(format!("ALTER TABLE {quoted} SET LOGGED;")));
        }
        let wanted = Wanted::of(self.config);
        if let Some(publication) = &self.facts.publication {
            let alter = format!("ALTER PUBLICATION {}", publication_name(wanted));
            if !is_published(publication, table) && !will_be_published(self.facts, wanted) {
                let what =
                    format!("\"{name}\" is not in the publication: its changes are not sent");
                problems.push(problem(what).mend(format!("{alter} ADD TABLE {quoted};")));
            }
            problems.extend(
                unpublished_operations(publication, rule, problem).map(|problem| {
                    problem.mend(format!(
                        "{alter} SET (publish = 'insert, update, delete, truncate');"
                    ))
                }),
            );
        }
        problems.extend(self.other_name(table, problem));
        problems
    }

    /// Changes of a partition tree come under the root's name or under the partitions', never both.
    fn other_name(
        &self,
        table: &CapturedTable,
        problem: impl Fn(String) -> Problem,
    ) -> Option<Problem> {
        let wanted = Wanted::of(self.config);
        let found = self.facts.publication.as_ref();
        let via_root = found.map_or(wanted.publication.publish_via_partition_root, |found| {
            found.via_partition_root
        });
        let named_itself = found.is_some_and(|found| {
            let name = (table.table.schema.clone(), table.table.name.clone());
            found.named.contains(&name)
        });
        let alter = |value| {
            format!(
                "ALTER PUBLICATION {} SET (publish_via_partition_root = {value});",
                publication_name(wanted)
            )
        };
        match table.kind {
            TableKind::Partitioned if !via_root => Some(
                problem(
                    "the table is partitioned, and changes come under the names of its partitions"
                        .to_owned(),
                )
                .mend(alter(true)),
            ),
            TableKind::Partition if via_root && !named_itself => Some(
                problem("the table is a partition, and its changes come under the name of the partitioned table".to_owned())
                    .mend("table = \"…\" with the partitioned table's name")
                    .mend(alter(false)),
            ),
            TableKind::Ordinary | TableKind::Partitioned | TableKind::Partition => None,
        }
    }

    fn compile(&self, found: &CapturedTable) -> (Option<TableRules>, Vec<Problem>) {
        let (schema, name) = (&found.table.schema, &found.table.name);
        let withheld = self
            .facts
            .withheld
            .iter()
            .find(|withheld| (&withheld.schema, &withheld.table) == (schema, name));
        let unpublished = withheld.map_or(&[][..], |withheld| &withheld.columns);
        let relation = relation(found, unpublished);
        let table = Table {
            relation: &relation,
            key: &found.table.key,
            captured: &|column| is_unaltered(self.config, schema, name, column),
        };
        // Nothing is rendered: what masks are keyed with does not matter.
        TableRules::compile(self.file, table, b"check")
    }
}

fn unpublished_operations(
    publication: &Publication,
    rule: &RuleConfig,
    problem: impl Fn(String) -> Problem,
) -> Option<Problem> {
    let [insert, update, delete, _] = publication.publishes;
    let is_missing = |operation: &&Operation| match operation {
        Operation::Insert => !insert,
        Operation::Update => !update,
        Operation::Delete => !delete,
    };
    let word = |operation: &Operation| match operation {
        Operation::Insert => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
    };
    let missing: Vec<&str> = rule.on.iter().filter(is_missing).map(word).collect();
    if missing.is_empty() {
        return None;
    }
    let found = problem(format!(
        "the publication does not publish {}",
        missing.join(", ")
    ));
    Some(if missing.len() == rule.on.len() {
        found
    } else {
        found.warning()
    })
}

fn plain_name(found: &CheckedTable) -> String {
    format!("{}.{}", found.table.table.schema, found.table.table.name)
}

/// As pgoutput will describe it.
fn relation(found: &CapturedTable, unpublished: &[String]) -> Relation {
    let is_sent = |column: &&Column| !column.generated && !unpublished.contains(&column.name);
    let columns = found.table.columns.iter().filter(is_sent);
    let column = |column: &Column| RelationColumn {
        is_key: found.table.key.contains(&column.name),
        name: column.name.clone(),
        type_oid: column.type_oid,
        type_modifier: column.type_modifier,
    };
    Relation {
        id: found.oid,
        schema: found.table.schema.clone(),
        name: found.table.name.clone(),
        replica_identity: found.replica_identity,
        columns: columns.map(column).collect(),
    }
}
