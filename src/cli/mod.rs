//! The commands, one file each.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::error::ConfigError;
use crate::engine;
use crate::telemetry::{self, LogFormat};

pub mod check;
pub mod decode;
pub mod demo;
pub mod diff;
mod discarded;
pub mod fake_slack;
pub mod notify;
mod run;
pub mod seed;
mod stop;

/// Something failed while running.
const FAILED: u8 = 1;
/// The command line or a configuration is wrong: trying again cannot help.
const USAGE: u8 = 2;

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or stopped in an orderly way by SIGINT or SIGTERM
  1  something failed while running; the log says what, and a restart may help
  2  the command line or a configuration is wrong; a restart cannot help

Start here:
  walstreet demo
  walstreet run --check-config connector.json --bootstrap-servers localhost:9092
  walstreet run connector.json --bootstrap-servers localhost:9092";

/// PostgreSQL changes in Kafka, exactly as Debezium writes them.
///
/// walstreet reads the configuration that you would post to Kafka Connect, captures the changes of a PostgreSQL
/// database and writes the same records, keys, headers and offsets as Debezium's PostgreSQL connector. There is no JVM,
/// no Connect cluster and no plugin to install.
#[derive(Debug, Parser)]
#[command(name = "walstreet", version, after_long_help = AFTER_HELP, arg_required_else_help = true)]
struct Cli {
    /// What to log: a level, or module=level,… such as walstreet::postgres=debug,info [default: info, of demo: error].
    #[arg(long, global = true, value_name = "FILTER", env = "WALSTREET_LOG")]
    log: Option<String>,
    /// How a log line looks.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        env = "WALSTREET_LOG_FORMAT",
        default_value = "text"
    )]
    log_format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Decode(decode::DecodeArgs),
    Demo(demo::DemoArgs),
    Diff(diff::DiffArgs),
    FakeSlack(fake_slack::FakeSlackArgs),
    Notify(notify::NotifyArgs),
    Run(run::Args),
    Seed(seed::SeedArgs),
}

impl Command {
    fn default_log(&self) -> &'static str {
        match self {
            // It tells its story itself.
            Self::Demo(_) | Self::Notify(_) => "error",
            // librdkafka says its part of what becomes a finding.
            Self::Check(_) => "error,librdkafka=off,walstreet::kafka=off",
            Self::Decode(_) | Self::Diff(_) | Self::FakeSlack(_) | Self::Run(_) | Self::Seed(_) => {
                "info"
            }
        }
    }
}

/// Parses the arguments, runs the command, prints the error chain once and returns the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match execute(cli) {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let format = match cli.log_format {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    };
    let log = cli.log.as_deref().unwrap_or(cli.command.default_log());
    telemetry::init(log, format)
        .map_err(|error| usage(format!("invalid value '{log}' for '--log': {error}")))?;
    match cli.command {
        Command::Check(args) => check::run(args),
        Command::Decode(args) => decode::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Diff(args) => diff::run(args),
        Command::FakeSlack(args) => fake_slack::run(args),
        Command::Notify(args) => notify::run(args),
        Command::Run(args) => run::run(args),
        Command::Seed(args) => seed::run(args),
    }
}

/// Help and version are no errors to clap's caller either.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nowhere is left to complain when even this cannot be printed.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

/// The chain, once, in lines of its own, and what to do about it.
fn report(error: &anyhow::Error) -> ExitCode {
    // clap's errors bring their own "error:" and usage.
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        return refuse(usage);
    }
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  caused by: {cause}");
    }
    let configuration = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<ConfigError>());
    if let Some(hint) = configuration.and_then(ConfigError::hint) {
        eprintln!("  hint: {hint}");
    }
    ExitCode::from(exit_code(error))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let wrong = error.chain().any(|cause| {
        let notify = cause.downcast_ref::<engine::notify::Error>();
        cause.is::<ConfigError>() || notify.is_some_and(engine::notify::Error::is_configuration)
    });
    if wrong { USAGE } else { FAILED }
}

/// An error of the command line that clap could not see.
fn usage(text: String) -> clap::Error {
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, text)
}

/// The variables of the environment that are text.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_teaches_the_exit_codes_and_every_command_has_an_example() {
        let mut command = Cli::command();
        assert!(
            command
                .render_long_help()
                .to_string()
                .contains("Exit codes:")
        );
        let commands = command.get_subcommands_mut();
        for subcommand in commands.filter(|command| command.get_name() != "help") {
            let help = subcommand.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", subcommand.get_name());
        }
    }

    #[test]
    fn a_wrong_configuration_is_2_and_any_other_failure_is_1() {
        let wrong = ConfigError::Shape {
            file: "x.json".to_owned(),
        };
        assert_eq!(exit_code(&anyhow::Error::new(wrong).context("reading")), 2);
        assert_eq!(exit_code(&anyhow::anyhow!("the broker is gone")), 1);
    }
}
