//! Everything that is wrong with the file, with line and column; with a connector also what the database knows better.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::file;
use super::simulation::secret;
use crate::change::filter::TableFilter;
use crate::cli::USAGE;
use crate::config::connector::ConnectorConfig;
use crate::config::worker::{self, Sources};
use crate::config::{connector_file, parse};
use crate::notify::config::{NotifyFile, Problem, Secret, Transport, no_such};
use crate::notify::rules::{Table, TableRules};
use crate::postgres::catalog_query::{CapturedTable, load_tables};
use crate::postgres::client;
use crate::postgres::pgoutput::{Relation, RelationColumn};

const EXAMPLES: &str = "\
Examples:
  # Syntax, names, amounts, times, templates, predicates
  walstreet notify validate notify.toml

  # Also tables, columns, types and replica identities, as the connector would see them
  walstreet notify validate notify.toml --connector connector.json

Exit codes: 0 it can be used, 2 it cannot.";

/// Say everything that is wrong with a notifier's file, with line, column and what was probably meant.
///
/// Nothing is sent, and Slack is not asked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ValidateArgs {
    /// The notifier's file.
    file: PathBuf,
    /// Connector configuration, to ask its database whether the rules can work there.
    #[arg(long, value_name = "FILE")]
    connector: Option<PathBuf>,
}

pub(super) fn run(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let notify = file::read(&args.file)?;
    let mut problems = Vec::new();
    if let Some(connector) = &args.connector {
        problems = against(&notify, &configuration(connector)?)?;
    }
    for problem in &problems {
        eprintln!("{}: {problem}", args.file.display());
    }
    if !problems.is_empty() {
        return Ok(ExitCode::from(USAGE));
    }
    let asked = args
        .connector
        .as_ref()
        .map_or("; the database was not asked (--connector)", |_| "");
    println!(
        "{} can be used: {} rules, {} destinations{asked}",
        args.file.display(),
        notify.rules.len(),
        notify.destinations.len()
    );
    for missing in missing_secrets(&notify) {
        println!("note: {missing}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The connector, as `run` understands it; no broker is asked.
pub(super) fn configuration(path: &Path) -> anyhow::Result<ConnectorConfig> {
    let loaded = worker::load(Sources {
        bootstrap_servers: Some("localhost:9092"),
        ..Sources::default()
    })?;
    let settings = connector_file::read(path)?;
    Ok(parse::connector(settings, &loaded.worker)?.connector)
}

fn against(file: &NotifyFile, config: &ConnectorConfig) -> anyhow::Result<Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let tables = runtime.block_on(async {
        let client = client::connect(&config.database, "walstreet notify").await?;
        let tables = load_tables(&client, |_, _| true).await?;
        anyhow::Ok(tables)
    })?;
    let filter = TableFilter::new(&config.filters);
    let mut problems = missing_tables(file, &tables, &filter);
    for found in &tables {
        let table = &found.table;
        if !filter.accepts(&table.schema, &table.name) {
            continue;
        }
        let relation = relation(found);
        let rules = Table {
            relation: &relation,
            key: &table.key,
            captured: &|column| filter.accepts_column(&table.schema, &table.name, column),
        };
        problems.extend(TableRules::compile(file, rules, &secret(file)).1);
    }
    problems.sort_by_key(|problem| problem.at);
    Ok(problems)
}

fn missing_tables(
    file: &NotifyFile,
    tables: &[CapturedTable],
    filter: &TableFilter,
) -> Vec<Problem> {
    let names: Vec<String> = tables
        .iter()
        .map(|found| format!("{}.{}", found.table.schema, found.table.name))
        .collect();
    let mut problems = Vec::new();
    for rule in &file.rules {
        let name = rule.table.get_ref();
        let found = tables.iter().zip(&names).find(|(_, known)| *known == name);
        let what = match found {
            None => no_such(
                "the database has no table",
                name,
                names.iter().map(String::as_str),
            ),
            Some((found, _)) if !filter.accepts(&found.table.schema, &found.table.name) => {
                format!("the connector does not capture \"{name}\": add it to table.include.list")
            }
            Some(_) => continue,
        };
        problems.push(file.source.problem(rule.table.span(), what));
    }
    problems
}

/// As pgoutput will describe it.
fn relation(found: &CapturedTable) -> Relation {
    let columns = found
        .table
        .columns
        .iter()
        .filter(|column| !column.generated);
    let column = |column: &crate::postgres::catalog::Column| RelationColumn {
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

/// They may well be set where walstreet runs.
fn missing_secrets(file: &NotifyFile) -> Vec<String> {
    let missing =
        |(name, destination): (&String, &toml::Spanned<crate::notify::config::Destination>)| {
            let secret = match &destination.get_ref().transport {
                Transport::SlackBot { token, .. } => token,
                Transport::SlackWebhook { url } => url,
            };
            match secret {
                Secret::Env(variable) if std::env::var_os(variable).is_none() => Some(format!(
                    "destination \"{name}\": the variable {variable} is not set here"
                )),
                Secret::File(path) if !path.exists() => Some(format!(
                    "destination \"{name}\": there is no file {} here",
                    path.display()
                )),
                Secret::Env(_) | Secret::File(_) => None,
            }
        };
    file.destinations.iter().filter_map(missing).collect()
}
