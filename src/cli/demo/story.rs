//! How the demo tells its story: lines, steps, bars.

use std::fmt::Display;
use std::io::Write;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

/// A line on standard output; a reader that went away is an error, not a panic.
pub(super) fn say(line: impl Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("could not write to standard output")
}

pub(super) fn step(what: &str, text: impl Display) -> anyhow::Result<()> {
    say(format_args!("{what:<11}{text}"))
}

pub(super) fn bar(what: &'static str, length: u64) -> ProgressBar {
    const STYLE: &str = "{prefix:<11}{bar:40} {human_pos} of {human_len}, {per_sec}";
    let style = ProgressStyle::with_template(STYLE).expect("the template is one of ours");
    ProgressBar::new(length).with_style(style).with_prefix(what)
}
