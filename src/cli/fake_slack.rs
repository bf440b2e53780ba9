//! `walstreet fake-slack`: a Slack of your own, for demos, CI and measurements.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::stop;
use crate::notify::fake_slack::fault::Fault;
use crate::notify::fake_slack::server::{self, FakeSlack};
use crate::notify::fake_slack::workspace::{Pace, Workspace};

const EXAMPLES: &str = "\
Examples:
  A Slack on port 9393; the channel is at http://127.0.0.1:9393/
    walstreet fake-slack

  One that stores every twentieth message and loses the answer:
    walstreet fake-slack --fault drop%5

  Two channels by their names:
    walstreet fake-slack --name C0123ABCD=payments --name C0456EFGH=risk

  Switch faults on and off while it runs, and read what it accepted:
    curl -d '429=3*2' http://127.0.0.1:9393/control/faults
    curl -X DELETE http://127.0.0.1:9393/control/faults
    curl http://127.0.0.1:9393/control/log

Faults, KIND[=VALUE][*TIMES|%PERCENT][@METHOD or @CHANNEL]:
  429=SECONDS      too fast, with Retry-After; 429 alone has none
  error=WORD       Slack's own answer ok:false with this word
  archived         the channel is archived
  revoked          the token is revoked, the webhook removed
  status=NUMBER    this HTTP status and a page of HTML; nothing stored
  refuse           the connection is closed; nothing stored
  hang             never an answer; nothing stored
  drop             stored, then the connection is closed
  bad-json         stored, the answer is cut in half
  empty            stored, an empty answer
  redirect         status 302
  slow=MS          stored, answered late

For a destination: api_base = http://127.0.0.1:9393/api with any token that
starts with xoxb-, or a webhook http://127.0.0.1:9393/services/T0/NAME/KEY.";

/// Run a Slack that keeps to Slack's limits, fails on demand and shows what it got
///
/// It answers chat.postMessage, chat.update, conversations.history, conversations.replies, auth.test and incoming
/// webhooks with Slack's own words, lets one message a second into a channel, and counts deliveries it got twice.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct FakeSlackArgs {
    /// Port to listen on; 0 takes a free one and prints it
    #[arg(long, default_value_t = 9393)]
    port: u16,

    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    bind: IpAddr,

    /// What the page calls a channel; may be repeated
    #[arg(long = "name", value_name = "CHANNEL=NAME", value_parser = channel_name)]
    names: Vec<(String, String)>,

    /// What goes wrong; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,

    /// Another number throws the dice of %PERCENT faults otherwise
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,

    /// Messages of a channel that may come at once
    #[arg(long, default_value_t = Pace::default().burst, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    burst: u32,

    /// Milliseconds between messages of a channel after the burst; 0 accepts any rate
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    interval_ms: u64,
}

/// Runs the command until SIGINT or SIGTERM.
pub fn run(args: FakeSlackArgs) -> anyhow::Result<ExitCode> {
    let cancel = stop::on_signal().context("listening to signals failed")?;
    let pace = Pace {
        interval: Duration::from_millis(args.interval_ms),
        burst: args.burst,
    };
    let mut workspace = Workspace::new(pace, args.seed);
    workspace.names.extend(args.names);
    args.faults
        .into_iter()
        .for_each(|fault| workspace.faults.add(fault));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the asynchronous runtime failed")?;
    runtime.block_on(async {
        let listener = server::listen(args.bind, args.port)
            .await
            .with_context(|| format!("could not listen on {}:{}", args.bind, args.port))?;
        let address = listener
            .local_addr()
            .context("reading the own address failed")?;
        println!("fake Slack on http://{address}/");
        FakeSlack::new(workspace)
            .serve(listener, cancel)
            .await
            .context("the fake Slack stopped accepting connections")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `C0123ABCD=payments`.
fn channel_name(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(id, name)| !id.is_empty() && !name.is_empty())
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .ok_or_else(|| "a channel's id and its name: C0123ABCD=payments".to_owned())
}
