//! The demo's Slack: a fake one in this process or the real one, and the notifier that tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::DemoArgs;
use super::fake::Fake;
use super::rules::{self, DESTINATION, Destination, Secret};
use super::told::{self, Told};
use crate::engine::notify::Notifier;
use crate::notify::config::NotifyFile;
use crate::notify::outbox::{AuditLine, Outbox, State};

const WEBHOOK_URL: &str = "SLACK_WEBHOOK_URL";
const BOT_TOKEN: &str = "SLACK_BOT_TOKEN";
const CHANNEL: &str = "SLACK_CHANNEL";

/// Lines of the audit at a time.
const AUDIT_PAGE: u32 = 10_000;

/// Who is told.
pub(super) enum Slack {
    Nobody,
    Fake(Fake),
    /// By the webhook in the environment.
    Webhook,
    /// By the token in the environment, into this channel.
    Bot {
        channel: String,
    },
}

impl Slack {
    /// As the command line says, else as the environment does.
    pub(super) fn choose(args: &DemoArgs) -> anyhow::Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        if args.no_slack {
            return Ok(Self::Nobody);
        }
        if let Some(port) = args.slack_port {
            return Ok(Self::Fake(Fake::start(port)?));
        }
        match (variable(BOT_TOKEN), variable(WEBHOOK_URL)) {
            (Some(_), _) => bot(variable(CHANNEL).unwrap_or_default()),
            (None, Some(_)) => Ok(Self::Webhook),
            (None, None) => Ok(Self::Fake(Fake::start(0)?)),
        }
    }

    /// Where the messages can be read.
    pub(super) fn place(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Fake(fake) => Some(format!(
                "a fake one in this process, its channel: {} (--keep-open leaves it up)",
                fake.url()
            )),
            Self::Webhook => Some(format!("the real one: by the webhook in {WEBHOOK_URL}")),
            Self::Bot { channel } => Some(format!(
                "the real one: channel {channel}, by the token in {BOT_TOKEN}"
            )),
        }
    }

    /// Starts to deliver; files are written below `directory`, which must outlive it.
    pub(super) fn teller(
        &self,
        directory: &Path,
        changes_for: Duration,
    ) -> anyhow::Result<Option<Teller>> {
        let directory = directory.join("slack");
        let token = directory.join("token");
        let Some(destination) = self.destination(&token) else {
            return Ok(None);
        };
        let file = directory.join("notify.toml");
        let text = rules::file(&directory, &destination, rules::window(changes_for));
        write(&directory, &token, &file, &text)
            .with_context(|| format!("could not write into {}", directory.display()))?;
        Ok(Some(Teller::start(&file, directory)?))
    }

    /// The fake Slack takes any token, this one from a file.
    fn destination<'a>(&'a self, token: &'a Path) -> Option<Destination<'a>> {
        match self {
            Self::Nobody => None,
            Self::Fake(fake) => Some(Destination::Bot {
                token: Secret::File(token),
                channel: Fake::CHANNEL.0,
                api_base: Some(format!("{}api", fake.url())),
            }),
            Self::Webhook => Some(Destination::Webhook {
                variable: WEBHOOK_URL,
            }),
            Self::Bot { channel } => Some(Destination::Bot {
                token: Secret::Variable(BOT_TOKEN),
                channel,
                api_base: None,
            }),
        }
    }
}

/// Whether it is a channel's id is said before anything starts.
fn bot(channel: String) -> anyhow::Result<Slack> {
    let slack = Slack::Bot { channel };
    let destination = slack.destination(Path::new(""));
    let file = destination.map(|to| rules::file(Path::new("/"), &to, Duration::from_secs(1)));
    let problems = file.and_then(|file| NotifyFile::parse(&file).err());
    if problems.is_some() {
        return Err(crate::cli::usage(format!(
            "{BOT_TOKEN} is set, but {CHANNEL} is not the id of a channel, such as C0123ABCD, which Slack shows in the channel's \
             details; --slack-port 0 takes the fake Slack, --no-slack none\n"
        ))
        .into());
    }
    Ok(slack)
}

fn write(directory: &Path, token: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir(directory)?;
    fs::write(token, "xoxb-of-the-demo")?;
    fs::write(file, text)
}

/// A running notifier, stopped in order when dropped.
pub(super) struct Teller {
    notifier: Arc<Notifier>,
    /// To look into, beside the notifier.
    outbox: Outbox,
}

impl Teller {
    fn start(file: &Path, directory: PathBuf) -> anyhow::Result<Self> {
        let notifier = Arc::new(Notifier::start(file)?);
        let outbox = Outbox::beside(&directory)?;
        Ok(Self { notifier, outbox })
    }

    pub(super) fn notifier(&self) -> Arc<Notifier> {
        Arc::clone(&self.notifier)
    }

    /// What Slack took so far: by its channel where we can look into it, else by its answers.
    pub(super) fn told(&self, slack: &Slack) -> anyhow::Result<Vec<Told>> {
        match slack {
            Slack::Fake(fake) => Ok(fake.told()),
            Slack::Nobody | Slack::Webhook | Slack::Bot { .. } => self.told_by_answers(),
        }
    }

    fn told_by_answers(&self) -> anyhow::Result<Vec<Told>> {
        let mut lines = Vec::new();
        loop {
            let after = lines.last().map_or(0, |line: &AuditLine| line.seq);
            let page = self.outbox.audit(after, 0, AUDIT_PAGE)?;
            if page.is_empty() {
                return Ok(told::in_audit(&lines));
            }
            lines.extend(page);
        }
    }

    /// Slack's word for why it takes nothing until somebody mends it.
    pub(super) fn refusal(&self) -> anyhow::Result<Option<String>> {
        let wait = self.outbox.wait(DESTINATION)?;
        Ok(wait.parked_at_ms.and(wait.reason))
    }

    /// Why not everything was told, as far as the notifier knows.
    pub(super) fn trouble(&self) -> anyhow::Result<Option<String>> {
        if let Some(reason) = self.refusal()? {
            return Ok(Some(format!("Slack refuses: {reason}")));
        }
        let waiting = self.outbox.standing(DESTINATION)?.queued;
        let oldest = self.outbox.list(State::Pending, 1)?.pop();
        Ok(oldest.map(|oldest| {
            format!(
                "waiting for Slack: {waiting}, the first after {} attempts, the last of which ended with {}",
                oldest.attempts,
                oldest.reason.as_deref().unwrap_or("nothing yet")
            )
        }))
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.notifier.stop();
    }
}
