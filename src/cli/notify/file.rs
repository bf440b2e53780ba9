//! The notifier's file and the outbox that it names.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};

use crate::notify::config::{NotifyFile, Period};
use crate::notify::outbox::Outbox;

/// Where the outbox is.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The notifier's file; its state_dir holds the outbox.
    #[arg(
        long,
        value_name = "FILE",
        env = "WALSTREET_NOTIFY",
        default_value = "notify.toml"
    )]
    pub(super) file: PathBuf,
    /// The outbox's directory itself, whatever the file says.
    #[arg(long, value_name = "DIRECTORY")]
    state_dir: Option<PathBuf>,
}

impl Place {
    pub(super) fn open(&self) -> anyhow::Result<Outbox> {
        let directory = match &self.state_dir {
            Some(directory) => directory.clone(),
            None => read(&self.file)?.notify.state_dir,
        };
        Ok(Outbox::beside(&directory)?)
    }
}

/// # Errors
/// Every problem of the file, with its line and column.
pub(super) fn read(path: &Path) -> anyhow::Result<NotifyFile> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        crate::cli::usage(format!("could not read {}: {error}\n", path.display()))
    })?;
    NotifyFile::parse(&text).map_err(|problems| {
        let lines: String = problems
            .iter()
            .map(|problem| format!("  {problem}\n"))
            .collect();
        crate::cli::usage(format!("{} cannot be used\n{lines}", path.display())).into()
    })
}

/// `30m` ago, or `2026-11-22T10:00:00Z`.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let ago = Period::try_from(text.to_owned()).ok();
    let before = ago.and_then(|period| SignedDuration::try_from(period.0).ok());
    before
        .and_then(|before| Timestamp::now().checked_sub(before).ok())
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "a time is 30m, 2h or 1d ago, or 2026-11-22T10:00:00Z".to_owned())
}

pub(super) fn period(text: &str) -> Result<Period, String> {
    Period::try_from(text.to_owned()).map_err(|error| error.to_string())
}

/// Says when nobody delivers: what was asked for is written down, but happens later.
pub(super) fn say_if_nobody_delivers(outbox: &Outbox) {
    if !outbox.is_delivered() {
        println!(
            "No walstreet delivers from this outbox at the moment: it takes effect when one starts."
        );
    }
}

/// Milliseconds since 1970 as people read them, UTC.
pub(super) fn time(ms: i64) -> String {
    let second = Timestamp::from_millisecond(ms).and_then(|at| at.round(jiff::Unit::Second));
    second.map_or_else(|_| ms.to_string(), |at| at.to_string())
}

/// What it was asked with.
pub(super) fn out_of(path: &Path) -> impl FnOnce() -> String {
    move || format!("could not read {}", path.display())
}

pub(super) fn lines(path: &Path) -> anyhow::Result<Box<dyn std::io::BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = std::fs::File::open(path).with_context(out_of(path))?;
    Ok(Box::new(std::io::BufReader::new(file)))
}
