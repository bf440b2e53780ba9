//! Not to hear of something for a while.

use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};

use super::columns::aligned;
use super::file::{self, Place, say_if_nobody_delivers, time};
use super::now_ms;
use crate::notify::config::Period;
use crate::notify::noise::Mute;

const EXAMPLES: &str = "\
Examples:
  A deployment:
    walstreet notify mute --rule failed-large --for 30m --why \"deployment 4711\"

  One payment that is known:
    walstreet notify mute --key 7f3a --for 2h --why \"customer calls back\"";

/// Tell nothing of a rule, a key or both for a while.
///
/// What it silences is counted, and stays in the audit. What waits in the queue already is silenced too; `notify replay` sends it
/// after all.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MuteArgs {
    #[command(flatten)]
    what: What,
    /// For how long: 30m, 2h, 1d.
    #[arg(long = "for", value_name = "PERIOD", value_parser = file::period)]
    period: Period,
    /// Why, for the others.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    by: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct What {
    /// This rule.
    #[arg(long)]
    rule: Option<String>,
    /// The row of this key, as messages show it.
    #[arg(long)]
    key: Option<String>,
}

/// End a mute before its time.
#[derive(Debug, clap::Args)]
pub(super) struct UnmuteArgs {
    /// The mute's number, as `notify mutes` shows it.
    id: u64,
    /// Who.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    by: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn mute(args: MuteArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    let period = SignedDuration::try_from(args.period.0).ok();
    let until = period.and_then(|period| Timestamp::now().checked_add(period).ok());
    let mute = Mute {
        id: 0,
        rule: args.what.rule,
        key: args.what.key,
        until: until.context("the mute would end after all time")?,
        by: args.by,
        why: args.why,
    };
    let muted = outbox.mute(&mute, now_ms())?;
    let until = time(mute.until.as_millisecond());
    println!(
        "mute {} until {until}; {} queued messages are silenced",
        muted.id, muted.queued
    );
    say_if_nobody_delivers(&outbox);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn unmute(args: &UnmuteArgs) -> anyhow::Result<ExitCode> {
    let outbox = args.place.open()?;
    if !outbox.unmute(args.id, &args.by, now_ms())? {
        bail!(
            "there is no mute {}; `walstreet notify mutes` lists them",
            args.id
        );
    }
    println!("mute {} is over", args.id);
    say_if_nobody_delivers(&outbox);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(place: &Place) -> anyhow::Result<ExitCode> {
    let mutes = place.open()?.mutes(now_ms())?;
    if mutes.is_empty() {
        println!("none");
        return Ok(ExitCode::SUCCESS);
    }
    let any = |text: Option<String>| text.unwrap_or_else(|| "any".to_owned());
    let row = |mute: Mute| {
        [
            mute.id.to_string(),
            any(mute.rule),
            any(mute.key),
            time(mute.until.as_millisecond()),
            mute.by,
            mute.why,
        ]
    };
    let rows: Vec<_> = mutes.into_iter().map(row).collect();
    print!(
        "{}",
        aligned(["MUTE", "RULE", "KEY", "UNTIL", "BY", "WHY"], &rows)
    );
    Ok(ExitCode::SUCCESS)
}
