//! `walstreet seed`: a database with payments whose status keeps changing.

mod database;
mod load;
mod progress;
mod transactions;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::HumanCount;
use tokio_postgres::Client;

pub use load::{ChangePlan, Inserted, Schema, apply_changes, create_schema, insert_transactions};
use progress::{ChangeProgress, RowProgress};

const EXAMPLES: &str = "\
Examples:
  200,000 payments, then nothing more:
    walstreet seed --database-url postgresql://postgres@localhost:5432/financial_db

  The same database as a connector, then 50 status changes a second for a minute:
    walstreet seed connector.json --rate 50 --duration 60

It creates public.transactions and public.transactions_history where they are
missing. The history gets a row for every committed status change, so it tells
what a consumer must have seen:
    SELECT old_status, new_status, count(*) FROM transactions_history GROUP BY 1, 2;";

/// Fill a database with synthetic payments, and keep changing their status
///
/// Running it again adds only what is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SeedArgs {
    /// Connector configuration whose database.* properties say where the database is
    #[arg(value_name = "CONNECTOR.JSON")]
    connector: Option<PathBuf>,

    /// Where the database is: postgresql://USER:PASSWORD@HOST:PORT/DATABASE; not used when a connector is given
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    #[arg(required_unless_present = "connector")]
    database_url: Option<String>,

    /// How many payments there shall be
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,

    /// Another number makes other payments; the same number always makes the same
    #[arg(long, value_name = "NUMBER", default_value_t = 42)]
    seed: u64,

    /// Then change the status of N payments a second, until Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,

    /// Stop changing after this many seconds
    #[arg(long, value_name = "SECONDS", requires = "rate")]
    duration: Option<u64>,
}

/// Runs the command.
pub fn run(args: SeedArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime failed")?;
    runtime.block_on(seed(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn seed(args: SeedArgs) -> anyhow::Result<()> {
    let config = match (&args.connector, &args.database_url) {
        (Some(path), _) => database::from_connector(path)?,
        (None, Some(url)) => database::from_url(url)?,
        (None, None) => anyhow::bail!("no database: give --database-url or a connector.json"),
    };
    let client = database::connect(&config).await?;
    say(match create_schema(&client).await? {
        Schema::Created => "set up public.transactions and public.transactions_history",
        Schema::Present => "public.transactions and public.transactions_history are set up",
    })?;
    insert(&client, &args).await?;
    if let Some(per_second) = args.rate {
        let plan = ChangePlan {
            rows: args.rows,
            seed: args.seed,
            per_second,
        };
        change(&client, plan, args.duration.map(Duration::from_secs)).await?;
    }
    Ok(())
}

async fn insert(client: &Client, args: &SeedArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut progress = RowProgress::new(args.rows);
    let done = insert_transactions(client, args.rows, args.seed, |rows| progress.show(rows)).await;
    progress.clear();
    let Inserted { inserted, present } = done?;
    if inserted == 0 {
        return say(&format!("all {} payments are there", HumanCount(present)));
    }
    let elapsed = started.elapsed();
    say(&format!(
        "inserted {} payments in {:.1} s ({} rows/s), {} were there",
        HumanCount(inserted),
        elapsed.as_secs_f64(),
        HumanCount(rate(inserted, elapsed)),
        HumanCount(present),
    ))
}

async fn change(
    client: &Client,
    plan: ChangePlan,
    duration: Option<Duration>,
) -> anyhow::Result<()> {
    match duration {
        Some(duration) => say(&format!(
            "changing {} payments a second for {} s, Ctrl-C stops earlier",
            HumanCount(plan.per_second.into()),
            duration.as_secs(),
        ))?,
        None => say(&format!(
            "changing {} payments a second, Ctrl-C stops",
            HumanCount(plan.per_second.into()),
        ))?,
    }
    let started = Instant::now();
    let mut progress = ChangeProgress::new();
    let changed = apply_changes(client, plan, stop(duration), |changes| {
        progress.show(changes)
    })
    .await;
    progress.clear();
    let (changed, elapsed) = (changed?, started.elapsed());
    say(&format!(
        "changed the status of {} payments in {:.1} s ({}/s)",
        HumanCount(changed),
        elapsed.as_secs_f64(),
        HumanCount(rate(changed, elapsed)),
    ))
}

/// Ready after `duration` or at Ctrl-C, whichever is first.
async fn stop(duration: Option<Duration>) {
    let deadline = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = deadline => {}
        // Where no handler can be set Ctrl-C ends the process, which is a stop too.
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
}

/// Per second, rounded.
fn rate(count: u64, elapsed: Duration) -> u64 {
    let elapsed_us = elapsed.as_micros().max(1);
    let per_second = (u128::from(count) * 1_000_000 + elapsed_us / 2) / elapsed_us;
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// A line on standard output; a reader that went away is an error, not a panic.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("writing to standard output failed")
}
