//! What Slack was told, read from the messages themselves, or from the outbox's audit where Slack is not ours. Pure.

use std::collections::HashMap;

use serde_json::Value;

use crate::notify::fake_slack::workspace::Accepted;
use crate::notify::outbox::AuditLine;

/// A message that Slack took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) delivery_id: String,
    /// Microseconds since 1970.
    pub(super) accepted_at_us: i64,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    One(One),
    Digest(Digest),
    /// Not a message of the demo's rules.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct One {
    pub(super) key: String,
    pub(super) step: Step,
    pub(super) money: Money,
}

/// A status and the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Step {
    pub(super) from: String,
    pub(super) to: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) currency: String,
    pub(super) cents: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) count: u64,
    pub(super) steps: Vec<(Step, u64)>,
    pub(super) sums: Vec<Money>,
}

impl Told {
    /// How many changes it tells of.
    pub(super) fn changes(&self) -> u64 {
        match &self.content {
            Content::One(_) => 1,
            Content::Digest(digest) => digest.count,
            Content::Unreadable => 0,
        }
    }
}

/// The messages that a channel took.
pub(super) fn in_channel(log: &[Accepted]) -> Vec<Told> {
    let told = |accepted: &Accepted| Told {
        delivery_id: accepted.delivery_id.clone().unwrap_or_default(),
        accepted_at_us: accepted.ts.replace('.', "").parse().unwrap_or_default(),
        content: message(&accepted.body).unwrap_or(Content::Unreadable),
    };
    log.iter().map(told).collect()
}

/// The first line tells a single change, or how many a digest has; the details of a digest count each step and each currency.
fn message(body: &Value) -> Option<Content> {
    // After the severity's emoji.
    let (_, text) = body["text"].as_str()?.split_once(": ")?;
    let (subject, rest) = text.split_once(": ")?;
    if let Some(key) = subject.strip_prefix("transactions ") {
        let (step, money) = rest.split_once(", ")?;
        return Some(Content::One(One {
            key: key.to_owned(),
            step: Step::read(step)?,
            money: Money::read(money)?,
        }));
    }
    let mut digest = Digest {
        count: counted(rest)?,
        ..Digest::default()
    };
    for (name, value) in details(body) {
        if name == "sum" {
            let (money, _) = value.split_once(" in ")?;
            digest.sums.push(Money::read(money)?);
        } else if let Some(step) = Step::read(&name) {
            digest.steps.push((step, counted(&value)?));
        }
    }
    Some(Content::Digest(digest))
}

/// Names in bold, each with the value behind it.
fn details(body: &Value) -> Vec<(String, String)> {
    let lines = &body["attachments"][0]["blocks"][0]["elements"][0]["elements"];
    let texts: Vec<&str> = lines
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|element| element["text"].as_str())
        .collect();
    let detail = |pair: &[&str]| {
        let name = pair.first()?.strip_suffix(": ")?;
        Some((name.to_owned(), pair.get(1)?.trim_end().to_owned()))
    };
    texts.chunks(2).filter_map(detail).collect()
}

/// `1,234 changes`.
fn counted(text: &str) -> Option<u64> {
    let number = text.split(' ').next()?;
    number.replace(',', "").parse().ok()
}

impl Step {
    fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once(" → ")?;
        Some(Self {
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}

impl Money {
    /// `1,234.5 USD`, or `NaN USD`, which is no money.
    fn read(text: &str) -> Option<Self> {
        let (amount, currency) = text.split_once(' ')?;
        Some(Self {
            currency: currency.to_owned(),
            cents: cents(&amount.replace(',', ""))?,
        })
    }
}

/// `12.3` is 1230; a part of a cent is no amount.
pub(super) fn cents(amount: &str) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if fraction.len() > 2 {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

/// The messages of the outbox that Slack took, as the audit has them.
pub(super) fn in_audit(lines: &[AuditLine]) -> Vec<Told> {
    let mut origins: HashMap<&str, Content> = HashMap::new();
    let mut told = Vec::new();
    for line in lines {
        let Some(delivery_id) = line.delivery_id.as_deref() else {
            continue;
        };
        match line.what.as_str() {
            "queued" => {
                let content = line.facts.as_ref().and_then(origin);
                origins.insert(delivery_id, content.unwrap_or(Content::Unreadable));
            }
            "sent" => told.push(Told {
                delivery_id: delivery_id.to_owned(),
                accepted_at_us: line.at_ms * 1_000,
                content: origins
                    .get(delivery_id)
                    .cloned()
                    .unwrap_or(Content::Unreadable),
            }),
            _ => {}
        }
    }
    told
}

fn origin(facts: &Value) -> Option<Content> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let step = |value: &Value| {
        Some(Step {
            from: text(&value["from"])?,
            to: text(&value["to"])?,
        })
    };
    let sums = facts["sums"].as_object()?.iter().map(|(currency, sum)| {
        Some(Money {
            currency: currency.clone(),
            cents: cents(sum.as_str()?)?,
        })
    });
    let sums: Vec<Money> = sums.collect::<Option<_>>()?;
    if let Some(key) = text(&facts["key"]) {
        return Some(Content::One(One {
            key,
            step: step(facts)?,
            money: sums.into_iter().next()?,
        }));
    }
    let steps = facts["steps"].as_array()?.iter();
    let steps = steps.map(|counted| Some((step(counted)?, counted["count"].as_u64()?)));
    Some(Content::Digest(Digest {
        count: facts["changes"].as_u64()?,
        steps: steps.collect::<Option<_>>()?,
        sums,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepted(body: Value) -> Accepted {
        Accepted {
            method: "chat.postMessage".to_owned(),
            channel: "C1".to_owned(),
            ts: "1700000000.000250".to_owned(),
            thread_ts: None,
            delivery_id: Some("d1".to_owned()),
            at_ms: 0,
            mentions: Vec::new(),
            pieces: 1,
            fault: None,
            body,
        }
    }

    fn content(body: Value) -> Content {
        let [told] = &in_channel(&[accepted(body)])[..] else {
            panic!()
        };
        assert_eq!(
            (&*told.delivery_id, told.accepted_at_us),
            ("d1", 1_700_000_000_000_250)
        );
        told.content.clone()
    }

    fn step(from: &str) -> Step {
        Step {
            from: from.to_owned(),
            to: "FAILED".to_owned(),
        }
    }

    fn money(cents: u64, currency: &str) -> Money {
        Money {
            currency: currency.to_owned(),
            cents,
        }
    }

    #[test]
    fn a_single_change_is_in_the_first_line() {
        let one =
            content(json!({"text": ":warning: transactions 7f-3a: PENDING → FAILED, 1,000.1 USD"}));
        let expected = One {
            key: "7f-3a".to_owned(),
            step: step("PENDING"),
            money: money(100_010, "USD"),
        };
        assert_eq!(one, Content::One(expected));
    }

    #[test]
    fn a_digest_counts_in_its_details() {
        let line = |name: &str, value: &str| {
            [
                json!({"text": format!("{name}: ")}),
                json!({"text": format!("{value}\n")}),
            ]
        };
        let details: Vec<Value> = [
            line("table", "public.transactions"),
            line("PENDING → FAILED", "1,200 changes"),
            line("AUTHORIZED → FAILED", "1 change"),
            line("sum", "99 GBP in 1 change"),
            line("  top", "99 GBP, a"),
            line("sum", "1,234,567.05 USD in 1,200 changes"),
        ]
        .concat();
        let body = json!({
            "text": ":warning: failed: 1,201 changes; 99 GBP, 1,234,567.05 USD",
            "attachments": [{"blocks": [{"elements": [{"elements": details}]}]}],
        });
        let expected = Digest {
            count: 1_201,
            steps: vec![(step("PENDING"), 1_200), (step("AUTHORIZED"), 1)],
            sums: vec![money(9_900, "GBP"), money(123_456_705, "USD")],
        };
        assert_eq!(content(body), Content::Digest(expected));
    }

    #[test]
    fn what_is_no_message_of_the_rules_is_unreadable() {
        for text in [
            "hello",
            ":x: transactions a: new, FAILED",
            ":x: transactions a: A → B, NaN USD",
            ":x: failed: many changes",
        ] {
            assert_eq!(
                content(json!({"text": text})),
                Content::Unreadable,
                "{text}"
            );
        }
        assert_eq!(cents("1.005"), None);
    }

    #[test]
    fn the_audit_tells_the_same_of_what_slack_took() {
        let line = |what: &str, id: &str, facts: Value| AuditLine {
            seq: 0,
            at_ms: 7,
            destination: "payments".to_owned(),
            delivery_id: Some(id.to_owned()),
            what: what.to_owned(),
            detail: None,
            facts: Some(facts),
        };
        let one = json!({"changes": 1, "key": "a", "from": "PENDING", "to": "FAILED", "sums": {"USD": "9.50"}});
        let digest = json!({"changes": 3, "sums": {"GBP": "30"}, "steps": [{"from": "PENDING", "to": "FAILED", "count": 3}]});
        let told = in_audit(&[
            line("queued", "d1", one.clone()),
            line("queued", "d2", digest),
            line("queued", "d3", one),
            line("sent", "d2", json!({})),
            line("sent", "d1", json!({})),
        ]);
        let contents: Vec<_> = told.iter().map(|told| told.content.clone()).collect();
        let expected = [
            Content::Digest(Digest {
                count: 3,
                steps: vec![(step("PENDING"), 3)],
                sums: vec![money(3_000, "GBP")],
            }),
            Content::One(One {
                key: "a".to_owned(),
                step: step("PENDING"),
                money: money(950, "USD"),
            }),
        ];
        assert_eq!(contents, expected);
        assert_eq!(
            (&*told[0].delivery_id, told[0].accepted_at_us),
            ("d2", 7_000)
        );
    }
}
