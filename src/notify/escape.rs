//! Text that Slack reads as text: the boundary between data and Slack's markup.
//!
//! Rules: <https://docs.slack.dev/messaging/formatting-message-text>.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// Slack's mrkdwn in which every value is escaped already. Made only by the functions here and by templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Markup(String);

/// A group, user or keyword to notify, as Slack writes it: `<!subteam^S123>`, `<@U123>`, `<!here>`. Only configuration makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mention(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mention is written <@U…>, <@W…>, <!subteam^S…>, <!here>, <!channel> or <!everyone>")]
pub struct NotAMention;

impl Markup {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Markup of our own that stands in the source.
    #[must_use]
    pub fn literal(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// What a template's formatter escaped.
    pub(super) fn from_template(escaped: String) -> Self {
        Self(escaped)
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    pub fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The markup with characters hidden: `hide` adds none that Slack would read as markup.
    pub(super) fn map(&self, hide: impl FnOnce(&str) -> String) -> Self {
        Self(hide(&self.0))
    }

    /// A point in time that each reader sees in the reader's own zone; the fallback names UTC.
    #[must_use]
    pub fn date(at: Timestamp) -> Self {
        let fallback = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        Self(format!(
            "<!date^{}^{{date_short_pretty}} {{time_secs}}|{fallback}>",
            at.as_second()
        ))
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Mention {
    #[must_use]
    pub fn markup(&self) -> Markup {
        Markup(self.0.clone())
    }
}

impl TryFrom<String> for Mention {
    type Error = NotAMention;

    fn try_from(text: String) -> Result<Self, NotAMention> {
        let is_id = |id: &str| {
            id.len() >= 2
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        let inner = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'));
        let is_mention = match inner.ok_or(NotAMention)? {
            "!here" | "!channel" | "!everyone" => true,
            inner => [("!subteam^", "S"), ("@", "U"), ("@", "W")]
                .iter()
                .any(|(kind, first)| {
                    inner
                        .strip_prefix(kind)
                        .is_some_and(|id| id.starts_with(first) && is_id(id))
                }),
        };
        if is_mention {
            Ok(Self(text))
        } else {
            Err(NotAMention)
        }
    }
}

impl From<Mention> for String {
    fn from(mention: Mention) -> Self {
        mention.0
    }
}

/// A value as mrkdwn: Slack's three characters escaped, the rest made harmless.
#[must_use]
pub fn escape(value: &str) -> Markup {
    let mut escaped = String::with_capacity(value.len());
    for character in visible(value).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            character => escaped.push(character),
        }
    }
    Markup(escaped)
}

/// A value with what could hide or reorder text taken out: control characters, bidirectional overrides and isolates,
/// and the invisible characters that join nothing.
#[must_use]
pub fn visible(value: &str) -> String {
    value
        .chars()
        .filter_map(|character| match character {
            '\n' | '\t' => Some(character),
            '\r' => None,
            // A Unicode line or paragraph separator is a line's end.
            '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => Some('\n'),
            // Zero-width joiner and non-joiner (U+200D, U+200C) stay: emoji families and Persian need them.
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{61c}' => None,
            '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{ad}'
            | '\u{180e}' => None,
            '\u{fff9}'..='\u{fffb}' | '\u{e0001}' => None,
            character if character.is_control() => Some('\u{fffd}'),
            character => Some(character),
        })
        .collect()
}

/// On one line: line ends and tabs become spaces.
#[must_use]
pub fn one_line(value: &str) -> String {
    visible(value).replace(['\n', '\t'], " ")
}

/// At most `limit` characters, cut between graphemes, with `…` where something was cut.
#[must_use]
pub fn cut(value: &str, limit: usize) -> String {
    if value.chars().nth(limit).is_none() {
        return value.to_owned();
    }
    let mut kept = String::new();
    let mut left = limit.saturating_sub(1);
    for grapheme in value.graphemes(true) {
        let Some(rest) = left.checked_sub(grapheme.chars().count()) else {
            break;
        };
        kept.push_str(grapheme);
        left = rest;
    }
    if limit > 0 {
        kept.push('…');
    }
    kept
}

/// [`cut`] of mrkdwn: neither inside an entity nor inside `<…>`.
#[must_use]
pub fn cut_markup(markup: &Markup, limit: usize) -> Markup {
    let text = markup.as_str();
    if text.chars().nth(limit).is_none() {
        return markup.clone();
    }
    let mut kept = String::new();
    let mut left = limit.saturating_sub(1);
    let mut rest = text;
    while let Some(piece) = first_piece(rest) {
        let Some(after) = left.checked_sub(piece.chars().count()) else {
            break;
        };
        kept.push_str(piece);
        left = after;
        rest = &rest[piece.len()..];
    }
    if limit > 0 {
        kept.push('…');
    }
    Markup(kept)
}

/// A link or mention as a whole, an entity as a whole, or a grapheme.
fn first_piece(text: &str) -> Option<&str> {
    let end = match text.as_bytes().first()? {
        b'<' => text.find('>'),
        b'&' => text.find(';').filter(|end| *end <= 4),
        _ => None,
    };
    match end {
        Some(end) => Some(&text[..=end]),
        None => text.graphemes(true).next(),
    }
}

/// A link, if `url` is one that may be linked to.
#[must_use]
pub fn link(url: &Url, label: &str) -> Markup {
    let label = escape(&one_line(label).replace('|', "¦"));
    Markup(format!("<{}|{label}>", url.as_str()))
}

/// An http(s) address that cannot end Slack's `<url|label>` early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Url(String);

impl Url {
    /// The address with every character that Slack or a URL would misread percent-encoded; `None` unless it is http(s) with a host.
    #[must_use]
    pub fn new(address: &str) -> Option<Self> {
        let rest = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"))?;
        if rest.is_empty() || rest.starts_with('/') {
            return None;
        }
        let mut url = String::with_capacity(address.len());
        for byte in address.bytes() {
            match byte {
                b'<' | b'>' | b'|' | b'"' | b'\'' | b'`' | b'\\' | b'^' | b'{' | b'}' | b' ' => {
                    push_encoded(byte, &mut url)
                }
                0x21..=0x7e => url.push(char::from(byte)),
                byte => push_encoded(byte, &mut url),
            }
        }
        Some(Self(url.replace('&', "&amp;")))
    }

    /// As mrkdwn writes it: `&` escaped.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a URL field of a block takes it.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.replace("&amp;", "&")
    }
}

/// A value as one component of a URL: everything but RFC 3986's unreserved characters percent-encoded.
#[must_use]
pub fn url_component(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            byte => push_encoded(byte, &mut encoded),
        }
    }
    encoded
}

fn push_encoded(byte: u8, out: &mut String) {
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
    }
}
