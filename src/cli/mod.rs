//! The commands, one file each.

pub mod diff;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "walstreet", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Diff(diff::DiffArgs),
}

/// Parses the arguments, runs the command, prints the error chain once and returns the exit code.
pub fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Diff(args) => diff::run(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
