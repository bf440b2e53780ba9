//! What waits, what nobody can tell, what Slack refused; and an operator's decisions about it.

use std::process::ExitCode;

use anyhow::bail;
use jiff::Timestamp;

use super::columns::aligned;
use super::file::{self, Place, say_if_nobody_delivers, time};
use super::now_ms;
use crate::notify::outbox::{Listed, Outbox, Replay, State};

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// How many to show, the oldest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    most: u32,
}

const RETRY_EXAMPLE: &str = "\
Examples:
  The bot was invited to the channel again:
    walstreet notify retry ops";

/// Try a parked destination at once, after its cause was repaired.
///
/// It is tried every few minutes anyway, and nothing of its queue is lost meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_help = RETRY_EXAMPLE)]
pub(super) struct RetryArgs {
    destination: String,
    #[command(flatten)]
    place: Place,
}

/// Send a held or dead message once more; it says that it may be a repeat.
#[derive(Debug, clap::Args)]
pub(super) struct ResendArgs {
    /// The delivery's id, or how it begins: messages show eight digits of it.
    id: String,
    #[command(flatten)]
    place: Place,
}

/// Say that a held message is in the channel: it is not sent again.
#[derive(Debug, clap::Args)]
pub(super) struct AckArgs {
    /// The delivery's id, or how it begins: messages show eight digits of it.
    id: String,
    #[command(flatten)]
    place: Place,
}

const REPLAY_EXAMPLES: &str = "\
Examples:
  Somebody deleted a message:
    walstreet notify replay --id 01c2a9f4

  The channel was the wrong one since ten o'clock:
    walstreet notify replay --rule failed-large --since 2026-11-22T10:00:00Z";

/// Send again what was delivered, refused, held or muted; each says that it may be a repeat.
///
/// Messages are kept for a week after they were delivered. What a digest told is told by that digest again.
#[derive(Debug, clap::Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// This delivery: its id, or how it begins.
    #[arg(long, conflicts_with_all = ["rule", "since"])]
    id: Option<String>,
    /// Everything of this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Everything queued since: 30m, 2h or 1d ago, or 2026-11-22T10:00:00Z.
    #[arg(long, value_parser = file::since, value_name = "TIME")]
    since: Option<Timestamp>,
}

pub(super) fn queue(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let mut rows = Vec::new();
    let mut standings = outbox.standings()?;
    for name in outbox.destinations()? {
        let standing = standings.remove(&name).unwrap_or_default();
        rows.push([
            name,
            standing.queued.to_string(),
            standing.held.to_string(),
            standing.dead.to_string(),
            standing.oldest_at_ms.map_or("-".to_owned(), time),
        ]);
    }
    print!(
        "{}",
        aligned(["DESTINATION", "QUEUED", "HELD", "DEAD", "OLDEST"], &rows)
    );
    list(&outbox, &[State::Sending, State::Pending], args.most)
}

pub(super) fn unknown(args: &ListArgs) -> anyhow::Result<ExitCode> {
    list(
        &args.place.open()?,
        &[State::Unknown, State::Held],
        args.most,
    )
}

pub(super) fn dead(args: &ListArgs) -> anyhow::Result<ExitCode> {
    list(&args.place.open()?, &[State::Dead], args.most)
}

pub(super) fn parked(place: &Place) -> anyhow::Result<ExitCode> {
    let outbox = place.open()?;
    let mut rows = Vec::new();
    for name in outbox.destinations()? {
        let wait = outbox.wait(&name)?;
        let Some(parked_at_ms) = wait.parked_at_ms else {
            continue;
        };
        rows.push([
            name.clone(),
            time(parked_at_ms),
            wait.until_ms.map_or("now".to_owned(), time),
            outbox.standing(&name)?.queued.to_string(),
            wait.reason.unwrap_or_default(),
        ]);
    }
    if rows.is_empty() {
        println!("every destination is open");
    } else {
        print!(
            "{}",
            aligned(
                [
                    "DESTINATION",
                    "SINCE",
                    "TRIED AGAIN",
                    "QUEUED",
                    "SLACK SAID"
                ],
                &rows
            )
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn retry(args: &RetryArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    if !outbox.retry(&args.destination, now_ms())? {
        bail!("destination \"{}\" is not parked", args.destination);
    }
    println!("{} is tried at once", args.destination);
    say_if_nobody_delivers(&outbox);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn resend(args: &ResendArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let id = outbox.delivery(&args.id)?;
    outbox.resend(&id, now_ms())?;
    println!("{id} is sent once more");
    say_if_nobody_delivers(&outbox);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn ack(args: &AckArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let id = outbox.delivery(&args.id)?;
    outbox.acknowledge(&id, now_ms())?;
    println!("{id} counts as delivered");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let id = args.which.id.as_deref();
    let id = id.map(|id| outbox.delivery(id)).transpose()?;
    let which = Replay {
        delivery_id: id.as_deref(),
        rule: args.which.rule.as_deref(),
        since_ms: args.which.since.map(Timestamp::as_millisecond),
    };
    let replayed = outbox.replay(which, now_ms())?;
    if replayed == 0 {
        bail!(
            "there is nothing to replay: a message must be sent, dead, held or muted, and not older than a week"
        );
    }
    println!("{replayed} messages are sent once more");
    say_if_nobody_delivers(&outbox);
    Ok(ExitCode::SUCCESS)
}

fn list(outbox: &Outbox, states: &[State], most: u32) -> anyhow::Result<ExitCode> {
    let mut rows = Vec::new();
    for state in states {
        let listed = outbox.list(*state, most)?;
        rows.extend(listed.into_iter().map(|listed| row(*state, listed)));
    }
    if rows.is_empty() {
        println!("none");
    } else {
        const HEADING: [&str; 7] = [
            "ID",
            "DESTINATION",
            "RULE",
            "STATE",
            "QUEUED AT",
            "ATTEMPTS",
            "WHY",
        ];
        print!("{}", aligned(HEADING, &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(state: State, listed: Listed) -> [String; 7] {
    [
        listed.delivery_id,
        listed.destination,
        listed.rule,
        state.name().to_owned(),
        time(listed.created_at_ms),
        listed.attempts.to_string(),
        listed.reason.unwrap_or_default(),
    ]
}
