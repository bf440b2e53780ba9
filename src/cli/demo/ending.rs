//! How the demo ends: what arrived against what was committed, and where to go from here.

use std::io::IsTerminal;

use tokio_postgres::Client;

use super::broker::Broker;
use super::channel::Comparison;
use super::connector::Topics;
use super::consumer::Consumer;
use super::database;
use super::report::{self, Check};
use super::slack::{Slack, Teller};
use super::story::say;

/// Whether Kafka has what it must have.
pub(super) async fn kafka(consumer: &Consumer, client: &Client) -> anyhow::Result<bool> {
    let truth = database::truth(client).await?;
    let checks = report::checks(&consumer.seen(), &truth);
    say("\nKafka against PostgreSQL")?;
    say_checks(&checks)
}

/// Whether Slack was told what it had to be told; the snapshot had so many rows.
pub(super) async fn slack(
    slack: &Slack,
    teller: &Teller,
    client: &Client,
    rows: u64,
) -> anyhow::Result<bool> {
    let due = database::due(client).await?;
    let mut comparison = Comparison::new(&teller.told(slack)?, &due);
    say("\nSlack against PostgreSQL")?;
    say(format_args!("  {}", comparison.summary()))?;
    if let Some(trouble) = teller.trouble()? {
        say(format_args!("  {trouble}"))?;
    }
    say_checks(&comparison.checks(rows))
}

/// Whether all of them hold.
fn say_checks(checks: &[Check]) -> anyhow::Result<bool> {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for check in checks {
        say(format_args!("  {}", check.line(colours)))?;
    }
    Ok(checks.iter().all(|check| check.holds))
}

pub(super) fn say_goodbye(broker: &Broker, topics: &Topics) -> anyhow::Result<()> {
    if let Broker::Existing(_) = broker {
        say(format_args!(
            "\nThe topics {} and {} stay on your broker until you delete them.",
            topics.payments, topics.offsets
        ))?;
    }
    say("\nNow your own database, with the connector.json that Kafka Connect runs:
  walstreet check connector.json --bootstrap-servers localhost:9092    what it lacks, and what mends it
  walstreet run connector.json --bootstrap-servers localhost:9092      the same records, from the same configuration
  walstreet run connector.json … --notify notify.toml                  and Slack hears of what your rules ask for")
}
