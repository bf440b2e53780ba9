//! `walstreet notify`: rules tried before they tell anyone, and what an operator sees and decides of the outbox.

mod backtest;
mod change_line;
mod columns;
mod dry_run;
mod export;
mod file;
mod mutes;
mod outbox;
mod simulation;
mod trial;
mod validate;

use std::process::ExitCode;

use clap::Subcommand;

const AFTER_HELP: &str = "\
Examples:
  # Before a rule tells anyone anything
  walstreet notify validate notify.toml --connector connector.json
  walstreet notify test failed-large --file notify.toml
  walstreet notify dry-run notify.toml --connector connector.json

  # While it runs: what waits, what nobody can tell, what Slack refused, which destination is closed
  walstreet notify queue
  walstreet notify unknown
  walstreet notify dead
  walstreet notify parked

  # A deployment is under way
  walstreet notify mute --rule failed-large --for 30m --why \"deployment 4711\"

Commands that look at or change the outbox read state_dir from the file (--file, or WALSTREET_NOTIFY, or notify.toml) and work
beside the walstreet that delivers: it sees what they wrote within a second, without a restart. When none runs, what they
wrote counts at its next start. They show identifiers as Slack's messages do, and no secrets: there are none in the outbox.

Exit codes: 0 done, 1 it could not be done or there is no such thing, 2 the command line or the file is wrong.";

/// Try rules before they tell anyone, and look after what waits for Slack.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct NotifyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::ValidateArgs),
    Test(trial::TestArgs),
    DryRun(dry_run::DryRunArgs),
    Backtest(backtest::BacktestArgs),
    /// What waits for Slack, by destination, and the oldest of it.
    Queue(outbox::ListArgs),
    /// Messages that were written to Slack and never answered: nobody knows whether they arrived.
    ///
    /// `held` ones wait for `notify resend` or `notify ack`; the others are being looked for.
    Unknown(outbox::ListArgs),
    /// Messages that Slack refused for good, with its word for why.
    Dead(outbox::ListArgs),
    /// Destinations that take nothing until somebody repairs them, with Slack's word for why.
    Parked(file::Place),
    Retry(outbox::RetryArgs),
    Resend(outbox::ResendArgs),
    Ack(outbox::AckArgs),
    Replay(outbox::ReplayArgs),
    Mute(mutes::MuteArgs),
    Unmute(mutes::UnmuteArgs),
    /// The mutes that are not over.
    Mutes(file::Place),
    Export(export::ExportArgs),
}

/// Runs the command.
pub fn run(args: NotifyArgs) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Validate(args) => validate::run(&args),
        Command::Test(args) => trial::run(&args),
        Command::DryRun(args) => dry_run::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Queue(args) => outbox::queue(&args),
        Command::Unknown(args) => outbox::unknown(&args),
        Command::Dead(args) => outbox::dead(&args),
        Command::Parked(place) => outbox::parked(&place),
        Command::Retry(args) => outbox::retry(&args),
        Command::Resend(args) => outbox::resend(&args),
        Command::Ack(args) => outbox::ack(&args),
        Command::Replay(args) => outbox::replay(&args),
        Command::Mute(args) => mutes::mute(args),
        Command::Unmute(args) => mutes::unmute(&args),
        Command::Mutes(place) => mutes::list(&place),
        Command::Export(args) => export::run(&args),
    }
}

fn now_ms() -> i64 {
    crate::notify::clock::Clock::start().now().wall_ms()
}

#[cfg(test)]
mod tests {
    use crate::notify::config::NotifyFile;

    #[test]
    fn the_files_of_the_readme_and_of_the_compose_overlay_can_be_used() {
        let readme = include_str!("../../../README.md");
        let (_, file) = readme.split_once("```toml\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        NotifyFile::parse(file).unwrap();
        let overlay = include_str!("../../../docker-compose.slack.yml");
        let (_, file) = overlay
            .split_once("slack-notify:\n    content: |\n")
            .unwrap();
        let lines = file.lines().take_while(|line| line.starts_with("      "));
        let file: String = lines.map(|line| format!("{}\n", line.trim())).collect();
        NotifyFile::parse(&file).unwrap();
    }
}
