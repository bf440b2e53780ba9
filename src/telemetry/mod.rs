//! Logging set-up, and what metrics are made of.

pub mod histogram;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Sends the log to standard error from now on; standard output belongs to what a command was asked for.
///
/// `filter` is a level (`info`) or a list of `module=level` (`walstreet::postgres=debug,warn`). A subscriber that is
/// already there stays: tests install their own.
pub fn init(filter: &str, format: LogFormat) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(filter)?;
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours);
    let installed = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("a log subscriber is already installed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_means_nothing_is_an_error() {
        assert!(init("walstreet=loud", LogFormat::Text).is_err());
        assert!(init("walstreet::postgres=debug,warn", LogFormat::Json).is_ok());
    }
}
