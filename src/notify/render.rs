//! Notice → message, below every limit of Slack's.

use jiff::{SignedDuration, Timestamp};

use super::amount::grouped;
use super::digest::{Digest, Sum, Transition};
use super::escape::{Markup, cut, cut_markup, escape, link, one_line, visible};
use super::mask::hide_card_numbers;
use super::message::{
    Attachment, Block, Message, Metadata, MetadataPayload, Parse, RichText, RichTextSection,
    TextObject,
};
use super::notice::{Commit, Content, Money, Notice, Operation, RowChange, Severity};
use super::slack::limits;

/// What is known only when a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    pub now: Timestamp,
    /// The notice may have been delivered before: said in the message.
    pub possible_repeat: bool,
}

/// Characters of one value in the text, and in the lines below it.
const SHORT: usize = 100;
const LONG: usize = 500;
/// Of a number: PostgreSQL's have up to 147,455 digits.
const NUMBER: usize = 80;
/// Characters of the lines together: with a section and a context below `limits::BLOCKS_TOTAL_OURS`.
const LINES: usize = 6_000;
const TRANSITIONS_SHOWN: usize = 10;
const CURRENCIES_SHOWN: usize = 8;
const CURRENCIES_IN_TEXT: usize = 3;

impl Message {
    /// The whole message.
    #[must_use]
    pub fn render(notice: &Notice, sending: Sending) -> Self {
        let mut message = Self::plain(notice, sending);
        message.attachments.push(Attachment {
            color: color(notice.severity).to_owned(),
            fallback: message.text.clone(),
            blocks: vec![body(notice), context(notice, sending)],
        });
        message.text = text(notice, &[]);
        message
    }

    /// The same as text alone, for when Slack refused the blocks.
    #[must_use]
    pub fn plain(notice: &Notice, sending: Sending) -> Self {
        let repeat = sending.possible_repeat.then(|| repeat(notice));
        Self {
            text: text(notice, repeat.as_slice()),
            attachments: Vec::new(),
            metadata: Metadata {
                event_type: "walstreet_notice".to_owned(),
                event_payload: MetadataPayload {
                    delivery_id: notice.id.as_str().to_owned(),
                    rule: cut(&notice.rule, SHORT),
                    lsn: notice.commit.lsn.to_string(),
                },
            },
            parse: Parse::None,
            unfurl_links: false,
            unfurl_media: false,
        }
    }
}

fn color(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "#439fe0",
        Severity::Warning => "#e8a33d",
        Severity::Critical => "#d9534f",
    }
}

fn emoji(severity: Severity) -> Markup {
    Markup::literal(match severity {
        Severity::Info => ":information_source:",
        Severity::Warning => ":warning:",
        Severity::Critical => ":rotating_light:",
    })
}

/// Mentions first: cutting must not take them.
fn text(notice: &Notice, notes: &[Markup]) -> String {
    let mut text = Markup::default();
    for mention in &notice.mentions {
        let mention = mention.markup();
        if text.as_str().len() + mention.as_str().len() < limits::TEXT_OURS / 2 {
            text.push(&mention);
            text.push(&Markup::literal(" "));
        }
    }
    text.push(&emoji(notice.severity));
    text.push(&Markup::literal(" "));
    text.push(&match &notice.content {
        Content::Change(change) => change
            .title
            .clone()
            .unwrap_or_else(|| shown(&sentence(change))),
        Content::Digest(digest) => shown(&digest_sentence(&notice.rule, digest)),
    });
    for note in notes {
        text.push(&Markup::literal(" · "));
        text.push(note);
    }
    cut_markup(&without_card_numbers(&text), limits::TEXT_OURS).into_string()
}

/// Our sentence about data, as mrkdwn.
fn shown(sentence: &str) -> Markup {
    escape(&one_line(sentence))
}

fn without_card_numbers(markup: &Markup) -> Markup {
    markup.map(hide_card_numbers)
}

/// `transactions 7f3a: PENDING → FAILED, 1,000.10 USD`.
fn sentence(change: &RowChange) -> String {
    let table = change.table.rsplit('.').next().unwrap_or(&change.table);
    let mut sentence = format!(
        "{} {}: {}",
        cut(table, SHORT),
        cut(&change.key, SHORT),
        step(change)
    );
    if let Some(money) = &change.amount {
        sentence.push_str(", ");
        sentence.push_str(&money_text(money));
    }
    sentence
}

fn step(change: &RowChange) -> String {
    let value = |value: &Option<String>| value.as_deref().map(|value| cut(value, SHORT));
    match (value(&change.from), value(&change.to), change.operation) {
        (Some(from), Some(to), _) => {
            let trail = change.trail.iter().map(|state| cut(state, SHORT));
            let steps: Vec<_> = trail.chain([from, to]).collect();
            steps.join(" → ")
        }
        (None, Some(to), Operation::Insert) => format!("new, {to}"),
        (None, Some(to), Operation::Update | Operation::Delete) => format!("now {to}"),
        (Some(from), None, Operation::Insert | Operation::Update) => format!("{from} → nothing"),
        (Some(from), None, Operation::Delete) => format!("deleted, was {from}"),
        (None, None, operation) => operation_text(operation).to_owned(),
    }
}

fn operation_text(operation: Operation) -> &'static str {
    match operation {
        Operation::Insert => "inserted",
        Operation::Update => "updated",
        Operation::Delete => "deleted",
    }
}

fn money_text(money: &Money) -> String {
    let number = cut(&grouped(&money.amount), NUMBER);
    format!("{number} {}", cut(&money.currency, SHORT))
        .trim_end()
        .to_owned()
}

/// `failed-large: 50,000 changes, PENDING → FAILED; 1,234.50 USD, 99 GBP`.
fn digest_sentence(rule: &str, digest: &Digest) -> String {
    let mut sentence = format!("{}: {}", cut(rule, SHORT), counted(digest.count, "change"));
    if let ([transition], 0) = (digest.transitions.as_slice(), digest.other_transitions) {
        sentence.push_str(", ");
        sentence.push_str(&transition_text(transition));
    }
    let sums: Vec<_> = digest.sums.iter().map(total_text).collect();
    if !sums.is_empty() {
        sentence.push_str("; ");
        sentence.push_str(&sums[..sums.len().min(CURRENCIES_IN_TEXT)].join(", "));
    }
    if sums.len() > CURRENCIES_IN_TEXT {
        sentence.push_str(&format!(
            " and {}",
            counted((sums.len() - CURRENCIES_IN_TEXT) as u64, "further currency")
        ));
    }
    sentence
}

fn counted(count: u64, noun: &str) -> String {
    let number = grouped(&super::amount::Amount::Finite(count.into()));
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("{number} {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

fn transition_text(transition: &Transition) -> String {
    let value = |value: &Option<String>| {
        value
            .as_deref()
            .map_or("nothing".to_owned(), |value| cut(value, SHORT))
    };
    format!("{} → {}", value(&transition.from), value(&transition.to))
}

fn total_text(sum: &Sum) -> String {
    let total = Money {
        amount: super::amount::Amount::Finite(sum.total.clone()),
        currency: sum.currency.clone(),
    };
    money_text(&total)
}

fn body(notice: &Notice) -> Block {
    match &notice.content {
        Content::Change(change) => match &change.body {
            Some(body) if !body.is_empty() => Block::Section {
                text: TextObject::markup(cut_markup(
                    &without_card_numbers(body),
                    limits::SECTION_TEXT,
                )),
            },
            Some(_) | None => change_lines(change),
        },
        Content::Digest(digest) => digest_lines(digest),
    }
}

fn change_lines(change: &RowChange) -> Block {
    let mut lines = Lines::default();
    lines.push(operation_text(change.operation), &change.table);
    if let Some(money) = &change.amount {
        lines.push("amount", &money_text(money));
    }
    for field in &change.fields {
        lines.push(&field.name, &field.value);
    }
    lines.block()
}

fn digest_lines(digest: &Digest) -> Block {
    let mut lines = Lines::default();
    lines.push("table", &digest.table);
    if digest.commits > 1 {
        lines.push("commits", &counted(digest.commits, "commit"));
    }
    push_transitions(digest, &mut lines);
    let mut sums: Vec<&Sum> = digest.sums.iter().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.finite + sum.not_finite));
    for sum in sums.iter().take(CURRENCIES_SHOWN) {
        push_sum(sum, &mut lines);
    }
    if let Some(hidden) = sums
        .len()
        .checked_sub(CURRENCIES_SHOWN)
        .filter(|hidden| *hidden > 0)
    {
        lines.push("not shown", &counted(hidden as u64, "further currency"));
    }
    if digest.unsummed > 0 {
        lines.push(
            "not summed",
            &format!(
                "{} of further currencies",
                counted(digest.unsummed, "amount")
            ),
        );
    }
    if !digest.sums.is_empty() && digest.without_amount() > 0 {
        lines.push(
            "without amount",
            &counted(digest.without_amount(), "change"),
        );
    }
    let keys: Vec<_> = digest
        .sample_keys
        .iter()
        .map(|key| cut(key, SHORT))
        .collect();
    let more = digest.count.saturating_sub(keys.len() as u64);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    lines.push("keys", &format!("{}{more}", keys.join("; ")));
    lines.block()
}

fn push_transitions(digest: &Digest, lines: &mut Lines) {
    let mut transitions: Vec<&Transition> = digest.transitions.iter().collect();
    transitions.sort_by_key(|transition| std::cmp::Reverse(transition.count));
    let at_least = if digest.other_transitions > 0 {
        "at least "
    } else {
        ""
    };
    for transition in transitions.iter().take(TRANSITIONS_SHOWN) {
        let count = counted(transition.count, "change");
        lines.push(&transition_text(transition), &format!("{at_least}{count}"));
    }
    let hidden: u64 = transitions
        .iter()
        .skip(TRANSITIONS_SHOWN)
        .map(|transition| transition.count)
        .sum();
    if hidden + digest.other_transitions > 0 {
        lines.push(
            "other steps",
            &counted(hidden + digest.other_transitions, "change"),
        );
    }
}

fn push_sum(sum: &Sum, lines: &mut Lines) {
    let mut value = format!("{} in {}", total_text(sum), counted(sum.finite, "change"));
    if sum.not_finite > 0 {
        value.push_str(&format!(", besides {} NaN or infinite", sum.not_finite));
    }
    lines.push("sum", &value);
    for change in &sum.top {
        let money = Money {
            amount: change.amount.clone(),
            currency: sum.currency.clone(),
        };
        lines.push(
            "  top",
            &format!("{}, {}", money_text(&money), cut(&change.key, SHORT)),
        );
    }
}

/// `failed-large · 22 Nov 10:00:00 · +0.4 s · 0a1b2c3d`.
fn context(notice: &Notice, sending: Sending) -> Block {
    let mut line = escape(&one_line(&cut(&notice.rule, SHORT)));
    let mut push = |part: Markup| {
        line.push(&Markup::literal(" · "));
        line.push(&part);
    };
    push(commit_time(&notice.commit));
    push(escape(&lateness(
        sending.now.duration_since(notice.commit.committed_at),
    )));
    push(escape(notice.id.short()));
    if notice.repeats > 0 {
        push(escape(&format!(
            "{} not sent",
            counted(notice.repeats, "repeat")
        )));
    }
    if sending.possible_repeat {
        push(repeat(notice));
    }
    if let Content::Change(change) = &notice.content
        && let Some(url) = &change.link
        && url.as_str().chars().count() < limits::TEXT_OBJECT / 2
    {
        push(link(url, "open"));
    }
    Block::Context {
        elements: vec![TextObject::markup(cut_markup(
            &without_card_numbers(&line),
            limits::TEXT_OBJECT,
        ))],
    }
}

fn repeat(notice: &Notice) -> Markup {
    escape(&format!(
        "possible repeat of delivery {}",
        notice.id.short()
    ))
}

/// In each reader's own time zone; the fallback names UTC.
fn commit_time(commit: &Commit) -> Markup {
    Markup::date(commit.committed_at)
}

/// Never negative: the database's clock can be ahead of ours.
fn lateness(late: SignedDuration) -> String {
    let seconds = late.as_secs().max(0);
    match seconds {
        0..60 => format!("+{}.{} s", seconds, late.subsec_millis().max(0) / 100),
        60..3_600 => format!("{} min late", seconds / 60),
        _ => format!("{} h {} min late", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Lines of a name and a value until the room is used up.
#[derive(Default)]
struct Lines {
    elements: Vec<RichText>,
    used: usize,
    left_out: u64,
}

impl Lines {
    fn push(&mut self, name: &str, value: &str) {
        let name = format!("{}: ", shown_plain(name, SHORT * 3));
        let value = format!("{}\n", shown_plain(value, LONG));
        let length = name.chars().count() + value.chars().count();
        if self.left_out > 0 || self.used + length > LINES {
            self.left_out += 1;
            return;
        }
        self.used += length;
        self.elements.push(RichText::bold(name));
        self.elements.push(RichText::plain(value));
    }

    fn block(mut self) -> Block {
        if self.left_out > 0 {
            let rest = format!("… {} left out", counted(self.left_out, "line"));
            self.elements.push(RichText::plain(rest));
        }
        Block::RichText {
            elements: vec![RichTextSection {
                elements: self.elements,
            }],
        }
    }
}

/// A value that Slack does not parse: what hides or reorders text is gone, card numbers too.
fn shown_plain(value: &str, limit: usize) -> String {
    cut(&hide_card_numbers(&visible(&cut(value, limit * 2))), limit)
}
