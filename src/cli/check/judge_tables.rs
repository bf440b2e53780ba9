//! Judgements over the publication and the captured tables. Pure.

use super::facts::{CheckedTable, ServerFacts};
use super::finding::{Finding, Status};
use crate::change::filter::in_snapshot;
use crate::config::connector::{
    ConnectorConfig, Filter, Filters, PublicationAutocreate, PublicationConfig, RecordOptions,
    SnapshotConfig, SnapshotMode,
};
use crate::postgres::catalog_query::{CapturedTable, TableKind};
use crate::postgres::pgoutput::ReplicaIdentity;
use crate::postgres::publication::{Publication, Withheld, create_statement};
use crate::postgres::quote;

/// What of the configuration concerns tables.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub publication: &'a PublicationConfig,
    pub records: &'a RecordOptions,
    pub snapshot: &'a SnapshotConfig,
    pub filters: &'a Filters,
}

impl<'a> Wanted<'a> {
    pub fn of(config: &'a ConnectorConfig) -> Self {
        Self {
            publication: &config.publication,
            records: &config.records,
            snapshot: &config.snapshot,
            filters: &config.filters,
        }
    }
}

pub fn judge(facts: &ServerFacts, wanted: Wanted<'_>) -> Vec<Finding> {
    let mut findings = vec![captured(facts)];
    findings.extend(unmatched_patterns(facts, wanted.filters));
    findings.extend(publication(facts, wanted));
    findings.extend(privileges(facts, wanted.snapshot));
    findings.extend(row_security(facts, wanted.snapshot));
    findings.extend(unlogged(facts));
    findings.extend(keys(facts));
    findings.extend(identities(facts));
    findings
}

fn captured(facts: &ServerFacts) -> Finding {
    let names: Vec<String> = facts
        .captured
        .iter()
        .map(|checked| plain_name(&checked.table))
        .collect();
    if names.is_empty() {
        return Finding::new(Status::Fail, "tables", "the include and exclude lists leave no table")
            .mend("schema.include.list, table.include.list: names as schema.table, as regular expressions");
    }
    Finding::new(
        Status::Ok,
        "tables",
        format!("{} captured: {}", names.len(), listed(&names)),
    )
}

/// Patterns of `table.include.list` that match nothing are mostly misspelled.
fn unmatched_patterns(facts: &ServerFacts, filters: &Filters) -> Vec<Finding> {
    let Filter::Include(patterns) = &filters.tables else {
        return Vec::new();
    };
    let unmatched = patterns
        .0
        .iter()
        .enumerate()
        .filter(|(_, pattern)| !facts.all_tables.iter().any(|name| pattern.is_match(name)));
    unmatched
        .map(|(index, pattern)| {
            let nearest = nearest_names(pattern.as_str(), &facts.all_tables);
            let text = format!("entry {} of table.include.list matches no table", index + 1);
            let finding = Finding::new(Status::Warn, "tables", text);
            if nearest.is_empty() {
                finding
            } else {
                finding.mend(format!("nearest names: {}", nearest.join(", ")))
            }
        })
        .collect()
}

fn publication(facts: &ServerFacts, wanted: Wanted<'_>) -> Vec<Finding> {
    match &facts.publication {
        None => vec![missing_publication(facts, wanted)],
        Some(found) => existing_publication(facts, wanted, found),
    }
}

fn missing_publication(facts: &ServerFacts, wanted: Wanted<'_>) -> Finding {
    const SUBJECT: &str = "publication";
    let name = &wanted.publication.name;
    let tables: Vec<CapturedTable> = facts
        .captured
        .iter()
        .map(|checked| checked.table.clone())
        .collect();
    let statement = create_statement(wanted.publication, wanted.records, &tables);
    if wanted.publication.autocreate == PublicationAutocreate::Disabled {
        let text = format!("\"{name}\" does not exist and publication.autocreate.mode is disabled");
        return Finding::new(Status::Fail, SUBJECT, text).mend(statement);
    }
    if facts.server.in_recovery {
        let text =
            format!("\"{name}\" does not exist and a standby cannot create it: run on the primary");
        return Finding::new(Status::Fail, SUBJECT, text).mend(statement);
    }
    match creation_obstacle(facts, wanted.publication.autocreate) {
        None => Finding::new(Status::Ok, SUBJECT, format!("\"{name}\" will be created")),
        Some(obstacle) => {
            let text = format!(
                "\"{name}\" does not exist, and {obstacle}: run as a superuser or the tables' owner"
            );
            Finding::new(Status::Fail, SUBJECT, text).mend(statement)
        }
    }
}

/// <https://www.postgresql.org/docs/current/logical-replication-security.html>
fn creation_obstacle(facts: &ServerFacts, autocreate: PublicationAutocreate) -> Option<String> {
    let role = &facts.role;
    let name = quote::identifier(&role.name);
    if role.superuser {
        return None;
    }
    if autocreate == PublicationAutocreate::AllTables {
        return Some(format!(
            "{name} is no superuser, which FOR ALL TABLES needs"
        ));
    }
    if !role.can_create {
        return Some(format!(
            "{name} has no CREATE on database {}",
            quote::identifier(&facts.server.database)
        ));
    }
    let foreign = names_of(facts, |checked| !checked.access.owner);
    if autocreate == PublicationAutocreate::Filtered && !foreign.is_empty() {
        return Some(format!("{name} does not own {}", listed(&foreign)));
    }
    None
}

fn existing_publication(
    facts: &ServerFacts,
    wanted: Wanted<'_>,
    found: &Publication,
) -> Vec<Finding> {
    const SUBJECT: &str = "publication";
    let name = &wanted.publication.name;
    if found.all_tables && wanted.publication.autocreate == PublicationAutocreate::Filtered {
        let text = format!(
            "\"{name}\" is FOR ALL TABLES, which publication.autocreate.mode filtered refuses"
        );
        return vec![
            Finding::new(Status::Fail, SUBJECT, text)
                .mend("publication.autocreate.mode: all_tables"),
        ];
    }
    let mut findings = Vec::new();
    let missing = names_of(facts, |checked| !is_published(found, &checked.table));
    if !missing.is_empty() {
        findings.push(unpublished_tables(facts, wanted, &missing));
    }
    let unpublished = unpublished_operations(found, wanted.records);
    if !unpublished.is_empty() {
        let text = format!("\"{name}\" does not publish {}", unpublished.join(", "));
        let statement = format!(
            "ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate');",
            publication_name(wanted)
        );
        findings.push(Finding::new(Status::Warn, SUBJECT, text).mend(statement));
    }
    findings.extend(
        facts
            .withheld
            .iter()
            .map(|withheld| partly_published(wanted, withheld)),
    );
    if findings.is_empty() {
        let text = format!("\"{name}\" publishes every captured table");
        findings.push(Finding::new(Status::Ok, SUBJECT, text));
    }
    findings
}

fn unpublished_tables(facts: &ServerFacts, wanted: Wanted<'_>, missing: &[String]) -> Finding {
    let name = &wanted.publication.name;
    let text = format!("\"{name}\" lacks {}", listed(missing));
    let tables: Vec<String> = missing.to_vec();
    let statement = format!(
        "ALTER PUBLICATION {} ADD TABLE {};",
        publication_name(wanted),
        tables.join(", ")
    );
    if will_be_published(facts, wanted) {
        let text = format!("{text}, it will be altered");
        return Finding::new(Status::Ok, "publication", text);
    }
    Finding::new(
        Status::Fail,
        "publication",
        format!("{text}: their changes are not sent"),
    )
    .mend(statement)
}

/// A snapshot reads all of the table, and the stream then lacks these.
fn partly_published(wanted: Wanted<'_>, withheld: &Withheld) -> Finding {
    let table = quote::qualified(&withheld.schema, &withheld.table);
    let mut parts = Vec::new();
    if let Some(condition) = &withheld.row_filter {
        parts.push(format!("changes of rows that are not {condition}"));
    }
    if !withheld.columns.is_empty() {
        parts.push(format!("the columns {}", listed(&withheld.columns)));
    }
    let text = format!(
        "\"{}\" does not publish {} of {table}",
        wanted.publication.name,
        parts.join(" and ")
    );
    let alter = format!("ALTER PUBLICATION {}", publication_name(wanted));
    Finding::new(Status::Warn, "publication", text).mend(format!(
        "{alter} DROP TABLE {table}; {alter} ADD TABLE {table};"
    ))
}

/// The connector itself adds the tables that the publication lacks.
pub(super) fn will_be_published(facts: &ServerFacts, wanted: Wanted<'_>) -> bool {
    wanted.publication.autocreate == PublicationAutocreate::Filtered
        && creation_obstacle(facts, PublicationAutocreate::Filtered).is_none()
}

pub(super) fn publication_name(wanted: Wanted<'_>) -> String {
    quote::identifier(&crate::postgres::publication::resolved_name(
        &wanted.publication.name,
    ))
}

/// Members of a partition tree stand for each other, which way depends on `publish_via_partition_root`.
pub(super) fn is_published(found: &Publication, table: &CapturedTable) -> bool {
    let name = (table.table.schema.clone(), table.table.name.clone());
    found.all_tables
        || table.unlogged
        || table.kind != TableKind::Ordinary
        || found.named.contains(&name)
        || found.effective.contains(&name)
}

fn unpublished_operations(found: &Publication, records: &RecordOptions) -> Vec<&'static str> {
    let skipped = records.skipped;
    ["insert", "update", "delete", "truncate"]
        .into_iter()
        .zip([
            skipped.create,
            skipped.update,
            skipped.delete,
            skipped.truncate,
        ])
        .zip(found.publishes)
        .filter(|((_, skipped), published)| !skipped && !published)
        .map(|((name, _), _)| name)
        .collect()
}

fn privileges(facts: &ServerFacts, snapshot: &SnapshotConfig) -> Option<Finding> {
    let is_read = |checked: &CheckedTable| in_initial_snapshot(snapshot, checked);
    let unreadable = names_of(facts, |checked| is_read(checked) && !checked.access.select);
    if unreadable.is_empty() {
        return None;
    }
    let role = quote::identifier(&facts.role.name);
    let text = format!(
        "{role} may not read {}, the snapshot fails",
        listed(&unreadable)
    );
    let mut schemas: Vec<String> = facts
        .captured
        .iter()
        .filter(|checked| is_read(checked) && !checked.access.select)
        .map(|checked| quote::identifier(&checked.table.table.schema))
        .collect();
    schemas.dedup();
    Some(
        Finding::new(Status::Fail, "privileges", text)
            .mend(format!(
                "GRANT USAGE ON SCHEMA {} TO {role};",
                schemas.join(", ")
            ))
            .mend(format!(
                "GRANT SELECT ON {} TO {role};",
                unreadable.join(", ")
            )),
    )
}

fn row_security(facts: &ServerFacts, snapshot: &SnapshotConfig) -> Option<Finding> {
    let hidden = names_of(facts, |checked| {
        in_initial_snapshot(snapshot, checked) && checked.access.row_security
    });
    if hidden.is_empty() {
        return None;
    }
    let role = quote::identifier(&facts.role.name);
    let text = format!(
        "row-level security hides rows of {} from the snapshot",
        listed(&hidden)
    );
    Some(
        Finding::new(Status::Warn, "row security", text)
            .mend(format!("ALTER ROLE {role} BYPASSRLS;")),
    )
}

fn in_initial_snapshot(snapshot: &SnapshotConfig, checked: &CheckedTable) -> bool {
    let table = &checked.table.table;
    match snapshot.mode {
        SnapshotMode::Initial => in_snapshot(
            snapshot.include_collections.as_ref(),
            &table.schema,
            &table.name,
        ),
        SnapshotMode::NoData => false,
    }
}

fn unlogged(facts: &ServerFacts) -> Option<Finding> {
    let names = names_of(facts, |checked| checked.table.unlogged);
    let text = format!(
        "{}: unlogged, in the snapshot and never in the stream",
        listed(&names)
    );
    (!names.is_empty()).then(|| Finding::new(Status::Warn, "unlogged", text))
}

fn keys(facts: &ServerFacts) -> Option<Finding> {
    let keyless = names_of(facts, |checked| checked.table.table.key.is_empty());
    let text = format!(
        "{}: neither primary key nor unique index, so records have no key",
        listed(&keyless)
    );
    (!keyless.is_empty()).then(|| {
        Finding::new(Status::Warn, "keys", text).mend("ALTER TABLE … ADD PRIMARY KEY (…);")
    })
}

fn identities(facts: &ServerFacts) -> Vec<Finding> {
    const SUBJECT: &str = "replica identity";
    let mut findings = Vec::new();
    let refusing = names_of(facts, refuses_updates);
    if !refusing.is_empty() {
        let text = format!(
            "{}: none, so the database itself refuses UPDATE and DELETE on them once they are published",
            listed(&refusing)
        );
        let mend = refusing
            .iter()
            .map(|name| format!("ALTER TABLE {name} REPLICA IDENTITY FULL;"));
        findings.push(mend.fold(Finding::new(Status::Warn, SUBJECT, text), Finding::mend));
    }
    let partial = names_of(facts, |checked| {
        checked.table.replica_identity != ReplicaIdentity::Full && !refuses_updates(checked)
    });
    if !partial.is_empty() {
        let text = format!(
            "{}: not FULL, so before is null in updates and only the key in deletes",
            listed(&partial)
        );
        findings.push(Finding::new(Status::Info, SUBJECT, text));
    }
    if findings.is_empty() && !facts.captured.is_empty() {
        findings.push(Finding::new(
            Status::Ok,
            SUBJECT,
            "FULL on every captured table",
        ));
    }
    findings
}

/// <https://www.postgresql.org/docs/current/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY>;
/// a partitioned table has no rows of its own.
fn refuses_updates(checked: &CheckedTable) -> bool {
    let has_rows = checked.table.kind != TableKind::Partitioned && !checked.table.unlogged;
    has_rows
        && match checked.table.replica_identity {
            ReplicaIdentity::Nothing => true,
            ReplicaIdentity::Default => !checked.access.has_primary_key,
            ReplicaIdentity::Full | ReplicaIdentity::Index => false,
        }
}

/// The quoted names of the captured tables that are so.
fn names_of(facts: &ServerFacts, is_so: impl Fn(&CheckedTable) -> bool) -> Vec<String> {
    facts
        .captured
        .iter()
        .filter(|checked| is_so(checked))
        .map(|checked| quote::qualified(&checked.table.table.schema, &checked.table.table.name))
        .collect()
}

fn plain_name(table: &CapturedTable) -> String {
    format!("{}.{}", table.table.schema, table.table.name)
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

/// The three names that differ least from the pattern's plain characters, if they differ in at most a third of them.
fn nearest_names(pattern: &str, names: &[String]) -> Vec<String> {
    let wanted = plain_characters(pattern);
    let mut distances: Vec<(usize, &String)> = names
        .iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance * 3 <= name.chars().count())
        .collect();
    distances.sort();
    distances.truncate(3);
    distances
        .into_iter()
        .map(|(_, name)| name.clone())
        .collect()
}

/// The pattern without what makes it a pattern: `\A(?i:public\.order.*)\z` is `public.order`.
fn plain_characters(pattern: &str) -> String {
    let whole = pattern
        .strip_prefix(r"\A(?i:")
        .and_then(|rest| rest.strip_suffix(r")\z"));
    let is_plain = |char: &char| char.is_alphanumeric() || "_.- ".contains(*char);
    let inner = whole.unwrap_or(pattern).replace(".*", "");
    inner.to_lowercase().chars().filter(is_plain).collect()
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left_char) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right_char) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(left_char != *right_char);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
