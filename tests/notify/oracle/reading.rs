//! What a message says, read from what Slack got: text and blocks, as a person would read them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Amounts are compared in millionths: the writers use no smaller part.
pub(super) const SCALE: u32 = 6;

/// An amount as it was written, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Amount {
    Missing,
    Millionths(i128),
    /// `NaN` or an infinity, which no sum can hold.
    NotFinite(String),
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) key: String,
    /// `PENDING → FAILED`, `new, PENDING`, `deleted, was FAILED`.
    pub(super) step: String,
    pub(super) amount: Amount,
    /// Empty where there is no amount.
    pub(super) currency: String,
}

/// Many changes, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) count: u64,
    pub(super) steps: BTreeMap<String, u64>,
    pub(super) sums: BTreeMap<String, Sum>,
    pub(super) without_amount: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) millionths: i128,
    pub(super) finite: u64,
    pub(super) not_finite: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Meaning {
    One(Told),
    Many(Counted),
}

/// # Panics
/// When a person could not read it either.
pub(super) fn read(body: &Value) -> Meaning {
    let text = unescaped(body["text"].as_str().expect("a text"));
    let (_, sentence) = text.split_once(": ").expect("an emoji");
    match sentence.strip_prefix("transactions ") {
        Some(change) => Meaning::One(one(change)),
        None => Meaning::Many(many(sentence, &lines(body))),
    }
}

/// `KEY: STEP, 1,234.50 USD`.
fn one(change: &str) -> Told {
    let arrow = [" → ", ": new, ", ": deleted, was "]
        .iter()
        .find_map(|mark| change.find(mark))
        .unwrap_or_else(|| panic!("no step: {change}"));
    let start = change[..=arrow].rfind(": ").unwrap_or(arrow);
    let (key, rest) = (&change[..start], &change[start + 2..]);
    let of_step = |character: char| character.is_uppercase() || " →".contains(character);
    let prefix = ["new, ", "deleted, was "]
        .iter()
        .find(|prefix| rest.starts_with(**prefix))
        .map_or(0, |prefix| prefix.len());
    let end = rest[prefix..]
        .find(|character| !of_step(character))
        .map_or(rest.len(), |end| prefix + end);
    let (amount, currency) = match rest[end..].strip_prefix(", ") {
        None => (Amount::Missing, String::new()),
        Some(money) => {
            let (number, currency) = money.split_once(' ').expect("a currency");
            (Amount::read(number), currency.to_owned())
        }
    };
    Told {
        key: key.to_owned(),
        step: rest[..end].to_owned(),
        amount,
        currency,
    }
}

/// The sentence has the count, the lines have everything.
fn many(sentence: &str, lines: &[(String, String)]) -> Counted {
    let (before, _) = sentence.split_once(" change").expect("a count");
    let (_, count) = before.rsplit_once(' ').expect("a rule");
    let mut counted = Counted {
        count: number(count),
        ..Counted::default()
    };
    for (name, value) in lines {
        match name.as_str() {
            "sum" => {
                let (currency, sum) = sum(value);
                assert!(counted.sums.insert(currency, sum).is_none(), "{lines:?}");
            }
            "without amount" => counted.without_amount = changes(value),
            step if step.contains(" → ") => {
                let old = counted.steps.insert(step.to_owned(), changes(value));
                assert!(old.is_none(), "{lines:?}");
            }
            "table" | "commits" | "  top" | "keys" => {}
            other => panic!("\"{other}\" cannot be counted: {lines:?}"),
        }
    }
    if counted.sums.is_empty() {
        counted.without_amount = counted.count;
    }
    counted
}

/// `12.50 USD in 3 changes, besides 1 NaN or infinite`.
fn sum(value: &str) -> (String, Sum) {
    let (total, counts) = value.rsplit_once(" in ").expect("a count");
    let (number_text, currency) = total.split_once(' ').expect("a currency");
    let not_finite = counts.split_once(", besides ");
    let Amount::Millionths(millionths) = Amount::read(number_text) else {
        panic!("no sum: {value}");
    };
    let sum = Sum {
        millionths,
        finite: changes(counts),
        not_finite: not_finite.map_or(0, |(_, rest)| {
            number(rest.split(' ').next().expect("a number"))
        }),
    };
    (currency.to_owned(), sum)
}

/// `50,000 changes` and what follows.
fn changes(text: &str) -> u64 {
    let (count, rest) = text.split_once(' ').expect("a count");
    assert!(rest.starts_with("change"), "{text}");
    number(count)
}

fn number(text: &str) -> u64 {
    text.replace(',', "").parse().expect("a number")
}

/// Names and values of the `rich_text`.
fn lines(body: &Value) -> Vec<(String, String)> {
    let elements = &body["attachments"][0]["blocks"][0]["elements"][0]["elements"];
    let elements = elements.as_array().expect("lines");
    let text = |element: &Value| element["text"].as_str().expect("a text").to_owned();
    let name = |element: &Value| text(element).trim_end_matches(": ").to_owned();
    let value = |element: &Value| text(element).trim_end_matches('\n').to_owned();
    // A last one alone says how many lines had no room; whoever needs one of them misses it.
    let pairs = elements.chunks_exact(2);
    pairs
        .map(|pair| (name(&pair[0]), value(&pair[1])))
        .collect()
}

/// As Slack shows it.
fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

impl Amount {
    /// `-1,234.5`, also without the commas, and nothing.
    pub(super) fn read(text: &str) -> Self {
        let text = text.replace(',', "");
        if text.is_empty() {
            return Self::Missing;
        }
        if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) {
            return Self::NotFinite(text);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let places = SCALE as usize;
        assert!(fraction.len() <= places, "{text} has more decimals");
        let digits = format!("{whole}{fraction:0<places$}");
        Self::Millionths(digits.parse().expect("a number"))
    }
}
