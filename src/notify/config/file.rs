//! The file's shape, as serde reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use toml::Spanned;

use super::{Period, Problem, Secret, Source, States};
use crate::notify::digest::DEFAULT_TOP;
use crate::notify::escape::Mention;
use crate::notify::mask::Mask;
use crate::notify::notice::{ConversationMode, Operation, Severity, digest_of};

/// The whole file, parsed and checked as far as it can be without the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyFile {
    pub notify: Notify,
    #[serde(rename = "destination", default)]
    pub destinations: BTreeMap<String, Spanned<Destination>>,
    #[serde(rename = "rule", default)]
    pub rules: Vec<RuleConfig>,
    #[serde(skip, default = "no_source")]
    pub source: Source,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub state_dir: PathBuf,
    #[serde(default = "ignored")]
    pub snapshot: Spanned<SnapshotNotices>,
    #[serde(default)]
    pub old_state: OldState,
    /// After a longer stop, what was missed becomes one digest.
    #[serde(default = "fifteen_minutes")]
    pub stale_after: Period,
    /// `https://pay.example/tx/{transaction_id|url}`.
    pub dashboard: Option<Spanned<String>>,
    /// Columns that may leave the process, by `schema.table`.
    #[serde(default)]
    pub expose: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Mask>>,
}

/// What rows that a snapshot reads are told as. Never one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotNotices {
    Ignore,
    Digest,
}

/// Where the watched column's old value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldState {
    /// `REPLICA IDENTITY FULL`.
    #[default]
    ReplicaIdentity,
    /// What we saw last, seeded by the snapshot.
    LocalStore,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "WrittenDestination")]
pub struct Destination {
    pub transport: Transport,
    pub unknown: UnknownOutcome,
    pub quiet: Option<Spanned<Quiet>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    SlackBot {
        token: Secret,
        /// An id (`C…`): names break when a channel is renamed.
        channel: String,
        api_base: String,
    },
    SlackWebhook {
        url: Secret,
    },
}

/// What to do when nobody knows whether Slack took a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownOutcome {
    Reconcile,
    Resend,
    Hold,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    pub tz: String,
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub break_through: Vec<Severity>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    pub name: Spanned<String>,
    /// `schema.table`.
    pub table: Spanned<String>,
    #[serde(default = "updates")]
    pub on: Vec<Operation>,
    /// The watched column: an update matches only when it changed.
    pub column: Option<Spanned<String>>,
    #[serde(default = "States::any")]
    pub from: States,
    #[serde(default = "States::any")]
    pub to: States,
    pub min: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    /// What digests sum; `min` says it too.
    pub amount: Option<AmountColumns>,
    /// CEL.
    pub when: Option<Spanned<String>>,
    #[serde(default)]
    pub severity: Severity,
    #[serde(default)]
    pub mention: Vec<Mention>,
    pub to_dest: Vec<Spanned<String>>,
    #[serde(default)]
    pub conversation: ConversationConfig,
    #[serde(default)]
    pub collapse: Collapse,
    /// How long an equal change of the same key is not told again.
    pub dedupe: Option<Period>,
    #[serde(default)]
    pub template: Template,
    /// Eight hexadecimal digits, others when the rule says something else.
    #[serde(skip)]
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountColumns {
    pub column: Spanned<String>,
    pub per: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationConfig {
    #[serde(default)]
    pub mode: ConversationMode,
    #[serde(default)]
    pub key: Vec<Spanned<String>>,
    /// States of the watched column whose reply the channel sees too.
    pub broadcast: Option<States>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collapse {
    /// More matches of the rule in one commit become one digest.
    pub per_commit: usize,
    pub window: Period,
    /// Messages before a window opens.
    pub burst: u32,
    /// Greatest amounts that a digest shows for each currency.
    pub top: usize,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Template {
    pub title: Option<Spanned<String>>,
    pub body: Option<Spanned<String>>,
}

/// A destination before its kind decides which keys it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDestination {
    kind: Kind,
    token: Option<Secret>,
    channel: Option<String>,
    api_base: Option<String>,
    url: Option<Secret>,
    unknown: Option<UnknownOutcome>,
    quiet: Option<Spanned<Quiet>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    SlackBot,
    SlackWebhook,
}

#[derive(Debug, thiserror::Error)]
enum DestinationError {
    #[error("a slack_bot needs a token: token = {{ env = \"NAME\" }}")]
    NoToken,
    #[error("a slack_bot needs a channel, by its id: channel = \"C0123ABCD\"")]
    NoChannel,
    #[error(
        "channel is not the id of a channel (C…, G… or D…); names break when a channel is renamed"
    )]
    NotAChannelId,
    #[error("a slack_webhook needs a url: url = {{ env = \"NAME\" }}")]
    NoUrl,
    #[error("a slack_bot has no url, its address is api_base")]
    BotUrl,
    #[error("a slack_webhook has no token, channel and api_base: its url says it all")]
    WebhookKeys,
    #[error(
        "a slack_webhook cannot reconcile, Slack does not let it read: unknown = \"resend\" or \"hold\""
    )]
    WebhookReconcile,
    #[error("api_base must begin with https://; http:// is for the loopback only")]
    InsecureApi,
}

impl TryFrom<WrittenDestination> for Destination {
    type Error = DestinationError;

    fn try_from(written: WrittenDestination) -> Result<Self, DestinationError> {
        let unknown = written.unknown.unwrap_or(match written.kind {
            Kind::SlackBot => UnknownOutcome::Reconcile,
            Kind::SlackWebhook => UnknownOutcome::Resend,
        });
        let quiet = written.quiet.clone();
        let transport = match written.kind {
            Kind::SlackBot => bot(written)?,
            Kind::SlackWebhook if unknown == UnknownOutcome::Reconcile => {
                return Err(DestinationError::WebhookReconcile);
            }
            Kind::SlackWebhook => webhook(written)?,
        };
        Ok(Self {
            transport,
            unknown,
            quiet,
        })
    }
}

fn bot(written: WrittenDestination) -> Result<Transport, DestinationError> {
    if written.url.is_some() {
        return Err(DestinationError::BotUrl);
    }
    let channel = written.channel.ok_or(DestinationError::NoChannel)?;
    let is_id = channel.starts_with(['C', 'G', 'D'])
        && channel
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_id {
        return Err(DestinationError::NotAChannelId);
    }
    let api_base = written
        .api_base
        .unwrap_or_else(|| "https://slack.com/api".to_owned());
    if !is_secure(&api_base) {
        return Err(DestinationError::InsecureApi);
    }
    Ok(Transport::SlackBot {
        token: written.token.ok_or(DestinationError::NoToken)?,
        channel,
        api_base,
    })
}

fn webhook(written: WrittenDestination) -> Result<Transport, DestinationError> {
    if written.token.is_some() || written.channel.is_some() || written.api_base.is_some() {
        return Err(DestinationError::WebhookKeys);
    }
    let url = written.url.ok_or(DestinationError::NoUrl)?;
    Ok(Transport::SlackWebhook { url })
}

fn is_secure(address: &str) -> bool {
    let loopback = |rest: &str| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(host, |(host, _)| host);
        ["127.0.0.1", "localhost", "[::1]"].contains(&host)
    };
    address.starts_with("https://") || address.strip_prefix("http://").is_some_and(loopback)
}

impl Default for Collapse {
    fn default() -> Self {
        Self {
            per_commit: 5,
            window: Period::from_secs(10),
            burst: 3,
            top: DEFAULT_TOP,
        }
    }
}

impl NotifyFile {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Every problem that can be seen without the database; a syntax error hides those behind it.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let source = Source::new(text);
        let mut file: Self = toml::from_str(text).map_err(|error| vec![source.refusal(&error)])?;
        file.source = source;
        file.name_versions(text);
        let problems = super::check::check(&file);
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(problems)
        }
    }

    /// The rule as it stands in the file, without its place and layout.
    fn name_versions(&mut self, text: &str) {
        let written: Option<toml::Table> = toml::from_str(text).ok();
        let rules = written
            .as_ref()
            .and_then(|file| file.get("rule")?.as_array());
        for (rule, written) in self.rules.iter_mut().zip(rules.into_iter().flatten()) {
            rule.version = digest_of(&[&format!("{written:?}")])
                .chars()
                .take(8)
                .collect();
        }
    }

    /// The mask of each exposed column of `schema.table`.
    #[must_use]
    pub fn exposed(&self, table: &str) -> Option<&BTreeMap<Spanned<String>, Mask>> {
        self.notify.expose.get(table)
    }
}

impl Notify {
    /// Whether something that was committed then is told too late to be told alone.
    #[must_use]
    pub fn is_stale(&self, committed_at: Timestamp, now: Timestamp) -> bool {
        let most = SignedDuration::try_from(self.stale_after.0);
        most.is_ok_and(|most| now.duration_since(committed_at) > most)
    }
}

impl RuleConfig {
    /// The columns that hold amount and currency.
    #[must_use]
    pub fn amount_columns(&self) -> Option<AmountColumns> {
        let of_min = || {
            let min = self.min.as_ref()?.get_ref();
            Some(AmountColumns {
                column: min.get("column")?.clone(),
                per: min.get("per").cloned(),
            })
        };
        self.amount.clone().or_else(of_min)
    }

    /// The thresholds of `min` as written, by currency.
    pub fn thresholds(&self) -> impl Iterator<Item = (&String, &Spanned<String>)> {
        let min = self.min.iter().flat_map(|min| min.get_ref());
        min.filter(|(key, _)| !["column", "per"].contains(&key.as_str()))
    }
}

fn no_source() -> Source {
    Source::new("")
}

fn ignored() -> Spanned<SnapshotNotices> {
    Spanned::new(0..0, SnapshotNotices::Ignore)
}

fn fifteen_minutes() -> Period {
    Period::from_secs(900)
}

fn updates() -> Vec<Operation> {
    vec![Operation::Update]
}
