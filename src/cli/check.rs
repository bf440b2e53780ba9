//! `walstreet check`: everything that the server, the user, the publication, the tables and the brokers lack, before the connector
//! is started.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use self::facts::ServerFacts;
use self::finding::{Finding, Status};
use self::judge_tables::Wanted;
use crate::change::filter::TableFilter;
use crate::config::connector::ConnectorConfig;
use crate::config::worker::{self, Sources, WorkerConfig};
use crate::config::{connector_file, parse};
use crate::debezium::topic::data_topic;
use crate::engine::{notify, pipeline};
use crate::postgres::client;

pub mod cluster;
pub mod destinations;
pub mod facts;
pub mod finding;
pub mod judge_cluster;
pub mod judge_rules;
pub mod judge_server;
pub mod judge_tables;

const EXAMPLES: &str = "\
Examples:
  # The database and the brokers, for an unmodified Debezium configuration
  walstreet check connector.json --bootstrap-servers localhost:9092

  # The brokers with the security settings that Kafka Connect used so far
  walstreet check connector.json --worker connect-distributed.properties

  # Also what tells Slack: rules that cannot work on this server, and whether Slack takes the tokens (nothing is posted)
  walstreet check connector.json --notify notify.toml

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
    /// Kafka brokers, host:port,…; overrides what the worker file or the environment says. Without any Kafka is not asked.
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,
    /// Worker configuration of Kafka Connect, such as connect-distributed.properties; the environment then has no say.
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// The notifier's file: its rules are checked against the database, its tokens with Slack's auth.test.
    #[arg(long, value_name = "FILE")]
    notify: Option<PathBuf>,
    /// Print an array of findings as JSON.
    #[arg(long)]
    json: bool,
}

/// # Errors
/// When the configuration is wrong, or the database cannot be asked.
pub fn run(args: CheckArgs) -> anyhow::Result<ExitCode> {
    let environment = super::environment();
    let asks_kafka = args.bootstrap_servers.is_some()
        || args.worker.is_some()
        || environment.iter().any(|(name, _)| names_brokers(name));
    let loaded = worker::load(Sources {
        file: args.worker.as_deref(),
        bootstrap_servers: args
            .bootstrap_servers
            .as_deref()
            .or((!asks_kafka).then_some(NO_BROKERS)),
        environment: &environment,
    })?;
    let settings = connector_file::read(&args.connector)?;
    let config = parse::connector(settings, &loaded.worker)?.connector;
    pipeline::check(&config)?;
    let notify = args.notify.as_deref().map(notify::read).transpose()?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let facts = runtime.block_on(ask_database(&config, "walstreet check"))?;
    let mut findings = judge_server::judge(&facts, &config.slot);
    findings.extend(judge_tables::judge(&facts, Wanted::of(&config)));
    if let (Some(file), Some(path)) = (&notify, &args.notify) {
        let judged = judge_rules::judge(file, &config, &facts);
        findings.extend(judge_rules::findings(&judged, file, path));
        findings.extend(runtime.block_on(destinations::check(file)));
    }
    if asks_kafka {
        let tables = facts.captured.iter().map(|checked| &checked.table.table);
        let topics = tables.map(|table| data_topic(&config, &table.schema, &table.name));
        findings.extend(check_cluster(
            &config,
            &loaded.worker,
            &topics.collect::<Vec<_>>(),
        ));
    } else {
        let finding = Finding::new(Status::Info, "kafka", "not asked");
        findings.push(finding.mend("give --bootstrap-servers HOST:PORT or --worker FILE"));
    }
    print(&findings, args.json)?;
    Ok(ExitCode::from(u8::from(finding::any_failed(&findings))))
}

/// Of the debezium/connect and of the cp-kafka-connect images.
fn names_brokers(variable: &str) -> bool {
    ["BOOTSTRAP_SERVERS", "CONNECT_BOOTSTRAP_SERVERS"].contains(&variable)
}

/// The worker's settings need some; nobody connects to them.
const NO_BROKERS: &str = "localhost:9092";

pub(super) async fn ask_database(
    config: &ConnectorConfig,
    application_name: &str,
) -> anyhow::Result<ServerFacts> {
    let client = client::connect(&config.database, application_name).await?;
    let filter = TableFilter::new(&config.filters);
    let (slot, publication) = (&config.slot.name, &config.publication.name);
    Ok(facts::fetch(&client, slot, publication, &filter).await?)
}

/// A cluster that cannot be asked is one finding among the others.
fn check_cluster(
    config: &ConnectorConfig,
    worker: &WorkerConfig,
    topics: &[String],
) -> Vec<Finding> {
    match cluster::fetch(config, worker) {
        Ok(facts) => judge_cluster::judge(&facts, topics),
        Err(error) => {
            let text = format!("{:#}", anyhow::Error::from(error));
            vec![Finding::new(Status::Fail, "kafka", text).mend(
                "bootstrap.servers: addresses that are reachable from this machine, also as the brokers advertise them; security.protocol, sasl.*, ssl.*: as in the worker file",
            )]
        }
    }
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
