//! `walstreet check`: everything that the server, the user, the publication, the tables and the brokers lack, before the connector
//! is started.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use self::finding::Finding;
use self::judge_tables::Wanted;
use crate::change::filter::TableFilter;
use crate::config::connector::ConnectorConfig;
use crate::config::worker::{self, Sources};
use crate::config::{connector_file, parse};
use crate::postgres::client;

mod broker;
pub mod facts;
pub mod finding;
pub mod judge_server;
pub mod judge_tables;

const EXAMPLES: &str = "\
Examples:
  # The database and the brokers, for an unmodified Debezium configuration
  walstreet check connector.json --bootstrap-servers localhost:9092

  # The database only, for a program to read
  walstreet check connector.json --json

Exit codes: 0 nothing fails, 1 something fails or cannot be asked, 2 the configuration is wrong.
Nothing is changed: statements that mend something are printed, not run.";

/// Ask PostgreSQL and Kafka whether a connector can run, and print what mends it if not.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CheckArgs {
    /// Connector configuration: JSON as for Kafka Connect's REST API, or a properties file; - is standard input.
    connector: PathBuf,
    /// Kafka brokers, host:port,…; without them Kafka is not asked.
    #[arg(long, value_name = "HOST:PORT,…", env = "BOOTSTRAP_SERVERS")]
    bootstrap_servers: Option<String>,
    /// Print an array of findings as JSON.
    #[arg(long)]
    json: bool,
}

/// # Errors
/// When the configuration is wrong, or the database cannot be asked.
pub fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let config = load_config(&args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let mut findings = runtime.block_on(check_database(&config))?;
    findings.push(broker::judge(args.bootstrap_servers.as_deref()));
    print(&findings, args.json)?;
    Ok(ExitCode::from(u8::from(finding::any_failed(&findings))))
}

/// Secrets of the configuration may come from providers that the worker's environment names.
fn load_config(args: &CheckArgs) -> anyhow::Result<ConnectorConfig> {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let loaded = worker::load(Sources {
        file: None,
        bootstrap_servers: Some(args.bootstrap_servers.as_deref().unwrap_or(NO_BROKERS)),
        environment: &environment,
    })?;
    let settings = connector_file::read(&args.connector)?;
    Ok(parse::connector(settings, &loaded.worker)?.connector)
}

/// The worker's settings need some; nobody connects to them.
const NO_BROKERS: &str = "localhost:9092";

async fn check_database(config: &ConnectorConfig) -> anyhow::Result<Vec<Finding>> {
    let client = client::connect(&config.database, "walstreet check").await?;
    let filter = TableFilter::new(&config.filters);
    let facts = facts::fetch(
        &client,
        &config.slot.name,
        &config.publication.name,
        &filter,
    )
    .await?;
    let mut findings = judge_server::judge(&facts, &config.slot);
    findings.extend(judge_tables::judge(&facts, Wanted::of(config)));
    Ok(findings)
}

fn print(findings: &[Finding], as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let text = if as_json {
        serde_json::to_string_pretty(findings)? + "\n"
    } else {
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        finding::render(findings, colours)
    };
    out.write_all(text.as_bytes())
        .context("could not print the findings")
}
