//! What the demo's Slack is told: the rules, as the notifier reads them, and how the database is asked for the same changes. Pure.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// A payment that becomes `status` and is not small is told.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) status: &'static str,
    severity: &'static str,
    /// Messages of a window before its digest.
    burst: u32,
    /// Thresholds.
    pub(super) usd: &'static str,
    pub(super) gbp: &'static str,
}

/// At the usual rate one payment in two seconds fails, and 80 a second are refunded: messages of both kinds.
pub(super) const RULES: [Rule; 2] = [
    Rule {
        name: "failed",
        status: "FAILED",
        severity: "critical",
        burst: 3,
        usd: "900.00",
        gbp: "900.00",
    },
    Rule {
        name: "refunded",
        status: "REFUNDED",
        severity: "warning",
        burst: 1,
        usd: "600.00",
        gbp: "500.00",
    },
];

/// A window of a flood is twice as long as the one before, up to this (`notify::noise`).
const LONGEST_WINDOW_S: u64 = 300;

/// Of the destination, whatever Slack it is.
pub(super) const DESTINATION: &str = "payments";

/// Where the messages go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    /// The address is in this variable.
    Webhook { variable: &'a str },
    Bot {
        token: Secret<'a>,
        channel: &'a str,
        /// Slack's own, unless given.
        api_base: Option<String>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Secret<'a> {
    Variable(&'a str),
    File(&'a Path),
}

/// A rule's first window, so that the last of a flood's ends a second after the changes do: windows of one, two and four
/// times its length. Where these would be too long, windows of one length.
pub(super) fn window(changes_for: Duration) -> Duration {
    let all_s = changes_for.as_secs() + 1;
    let shares = if all_s * 4 <= LONGEST_WINDOW_S * 7 {
        7
    } else {
        (all_s / LONGEST_WINDOW_S).max(1)
    };
    Duration::from_millis(all_s * 1_000 / shares)
}

/// The notifier's file.
pub(super) fn file(state_dir: &Path, destination: &Destination<'_>, window: Duration) -> String {
    let mut text = format!(
        r#"[notify]
state_dir = {}

[notify.expose]
"public.transactions" = {{ transaction_id = "plain", amount = "plain", currency = "plain", status = "plain", merchant_name = "plain", city = "plain", country = "plain", payment_method = "plain", user_id = "hash8", ip_address = "ip24" }}

[destination.{DESTINATION}]
{}
"#,
        quoted(&state_dir.display().to_string()),
        destination.lines(),
    );
    for rule in &RULES {
        write!(text, "\n{}", rule.lines(window)).expect("a string takes everything");
    }
    text
}

impl Destination<'_> {
    fn lines(&self) -> String {
        match self {
            Self::Webhook { variable } => format!(
                "kind = \"slack_webhook\"\nurl = {{ env = {} }}",
                quoted(variable)
            ),
            Self::Bot {
                token,
                channel,
                api_base,
            } => {
                let token = match token {
                    Secret::Variable(variable) => format!("env = {}", quoted(variable)),
                    Secret::File(path) => format!("file = {}", quoted(&path.display().to_string())),
                };
                let api_base = api_base
                    .as_ref()
                    .map(|address| format!("\napi_base = {}", quoted(address)));
                format!(
                    "kind = \"slack_bot\"\ntoken = {{ {token} }}\nchannel = {}{}",
                    quoted(channel),
                    api_base.unwrap_or_default()
                )
            }
        }
    }
}

impl Rule {
    /// Details under the first line of a message, which tells payment, step and amount.
    const BODY: &str = "*{{ after.merchant_name }}*, {{ after.city }}, {{ after.country }}\n\
        Paid by {{ after.payment_method | code }} from {{ after.ip_address | code }} by customer {{ after.user_id | code }}";

    fn lines(&self, window: Duration) -> String {
        let Self {
            name,
            status,
            severity,
            burst,
            usd,
            gbp,
        } = self;
        format!(
            r#"[[rule]]
name = "{name}"
table = "public.transactions"
column = "status"
to = ["{status}"]
min = {{ column = "amount", per = "currency", USD = "{usd}", GBP = "{gbp}" }}
severity = "{severity}"
to_dest = ["{DESTINATION}"]
collapse = {{ window = "{}ms", burst = {burst} }}
template = {{ body = {} }}
"#,
            window.as_millis(),
            quoted(Self::BODY),
        )
    }
}

/// As a basic string of TOML, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::config::{NotifyFile, Transport};

    fn parsed(destination: &Destination<'_>) -> NotifyFile {
        let text = file(
            Path::new("/tmp/a \"b\""),
            destination,
            window(Duration::from_secs(10)),
        );
        NotifyFile::parse(&text).unwrap_or_else(|problems| panic!("{text}\n{problems:?}"))
    }

    #[test]
    fn the_rules_are_a_file_that_the_notifier_reads_and_no_secret_is_in_it() {
        let bot = Destination::Bot {
            token: Secret::File(Path::new("/tmp/token")),
            channel: "C1",
            api_base: Some("http://127.0.0.1:1/api".to_owned()),
        };
        let file = parsed(&bot);
        assert_eq!(file.notify.state_dir, Path::new("/tmp/a \"b\""));
        assert_eq!(file.rules.len(), RULES.len());
        assert_eq!(
            file.rules[0].collapse.window.0,
            Duration::from_millis(1_571)
        );
        let webhook = parsed(&Destination::Webhook { variable: "HOOK" });
        let transport = &webhook.destinations[DESTINATION].get_ref().transport;
        assert!(matches!(transport, Transport::SlackWebhook { .. }));
    }

    #[test]
    fn the_last_window_of_a_flood_ends_soon_after_the_changes_do() {
        for seconds in [1, 5, 10, 60, 300, 523, 524, 600, 3_600] {
            let first = window(Duration::from_secs(seconds)).as_secs_f64();
            let (mut length, mut end) = (first, first);
            while end < seconds as f64 {
                length = (2.0 * length).min(first.max(LONGEST_WINDOW_S as f64));
                end += length;
            }
            let late = end - seconds as f64;
            assert!((0.9..=1.0).contains(&late), "{seconds} s: {late}");
        }
    }
}
