//! Everything that is wrong with the file, with line and column; with a connector also what the database knows better.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::file;
use crate::cli::USAGE;
use crate::cli::check::{self, judge_rules};
use crate::config::connector::ConnectorConfig;
use crate::config::worker::{self, Sources};
use crate::config::{connector_file, parse};
use crate::notify::config::{NotifyFile, Problem, Secret, Transport, Weight};

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
        let weight = match problem.weight {
            Weight::Error => "",
            Weight::Warning => "warning: ",
        };
        eprintln!("{}: {weight}{problem}", args.file.display());
    }
    let is_error = |problem: &Problem| problem.weight == Weight::Error;
    if problems.iter().any(is_error) {
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
    let facts = runtime.block_on(check::ask_database(config, "walstreet notify"))?;
    Ok(judge_rules::judge(file, config, &facts).problems)
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
