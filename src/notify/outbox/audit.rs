//! The audit: a line for whatever happened to a notice, a destination or a mute, kept as long as the threads are.

use rusqlite::{Transaction, params};
use serde_json::{Value, json};

use super::{Outbox, OutboxError};
use crate::notify::notice::{Content, DeliveryId, Notice};

/// A line before it is written.
pub(super) struct Audit<'a> {
    pub(super) at_ms: i64,
    pub(super) destination: &'a str,
    pub(super) delivery_id: Option<&'a str>,
    pub(super) what: &'a str,
    pub(super) detail: Option<&'a str>,
    /// What else is known, as a JSON object.
    pub(super) facts: Option<Value>,
}

impl Audit<'_> {
    pub(super) fn record(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction
            .prepare_cached(
                "INSERT INTO audit (at, destination, delivery_id, what, detail, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.at_ms,
                self.destination,
                self.delivery_id,
                self.what,
                self.detail,
                self.facts.as_ref().map(Value::to_string)
            ])?;
        Ok(())
    }
}

/// Where a notice comes from: enough to find the commit and the rule again.
pub(super) fn origin(notice: &Notice) -> Value {
    let mut facts = json!({
        "rule": notice.rule,
        "rule_version": notice.rule_version,
        "severity": notice.severity,
        "changes": notice.count(),
        "lsn": notice.commit.lsn.to_string(),
        "xid": notice.commit.xid,
        "committed_at": notice.commit.committed_at,
    });
    let content = match &notice.content {
        Content::Change(change) => json!({
            "table": change.table,
            "key": change.key,
            "from": change.from,
            "to": change.to,
            "sums": sums(change.amount.iter().map(|money| (&money.currency, json!(money.amount)))),
        }),
        Content::Digest(digest) => {
            let first = digest.span.map(|(first, _)| first);
            json!({
                "table": digest.table,
                "steps": digest.transitions,
                "sums": sums(digest.sums.iter().map(|sum| (&sum.currency, json!(sum.total)))),
                "first_lsn": first.map(|first| first.lsn.to_string()),
                "first_committed_at": first.map(|first| first.committed_at),
            })
        }
    };
    if let (Value::Object(facts), Value::Object(content)) = (&mut facts, content) {
        facts.extend(content);
    }
    facts
}

/// Amounts by currency, as the message tells them.
fn sums<'a>(amounts: impl Iterator<Item = (&'a String, Value)>) -> Value {
    let by_currency = amounts.map(|(currency, amount)| (currency.clone(), amount));
    Value::Object(by_currency.collect())
}

/// What is not true of several when it is true of one; the table is the rule's.
const OF_ONE: [&str; 5] = ["key", "from", "to", "steps", "sums"];

/// A change that a rule matched and that is not told, or not by a message of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    destination: String,
    delivery_id: Option<String>,
    why: Why,
    facts: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// An equal change of the same key was told shortly before.
    Repeated,
    Muted {
        mute: u64,
    },
    /// It is in the digest at the end of the rule's window.
    Window {
        digest: DeliveryId,
    },
    /// It is in the digest at the end of the quiet hours.
    Quiet {
        digest: DeliveryId,
    },
}

impl Untold {
    #[must_use]
    pub fn new(notice: &Notice, why: Why) -> Self {
        let mut facts = origin(notice);
        match &why {
            Why::Repeated | Why::Muted { .. } => {}
            Why::Window { digest } | Why::Quiet { digest } => facts["digest"] = json!(digest),
        }
        Self {
            destination: notice.destination.clone(),
            delivery_id: Some(notice.id.as_str().to_owned()),
            why,
            facts,
        }
    }

    /// Whether one line can stand for both.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.destination, &self.why, &self.facts["rule"])
            == (&other.destination, &other.why, &other.facts["rule"])
    }

    /// One line for both.
    pub fn absorb(&mut self, later: &Self) {
        let changes = |facts: &Value| facts["changes"].as_u64().unwrap_or(0);
        let sum = changes(&self.facts) + changes(&later.facts);
        for name in ["lsn", "xid", "committed_at"] {
            self.facts[name] = later.facts[name].clone();
        }
        self.facts["changes"] = json!(sum);
        if let Value::Object(facts) = &mut self.facts {
            facts.retain(|name, _| !OF_ONE.contains(&name.as_str()));
        }
        self.delivery_id = None;
    }

    pub(super) fn record_all(
        untold: &[Self],
        transaction: &Transaction<'_>,
        now_ms: i64,
    ) -> rusqlite::Result<()> {
        for untold in untold {
            let (what, detail) = match &untold.why {
                Why::Repeated => ("repeated", None),
                Why::Muted { mute } => ("muted", Some(format!("mute {mute}"))),
                Why::Window { .. } => ("held back", Some("window".to_owned())),
                Why::Quiet { .. } => ("held back", Some("quiet hours".to_owned())),
            };
            Audit {
                at_ms: now_ms,
                destination: &untold.destination,
                delivery_id: untold.delivery_id.as_deref(),
                what,
                detail: detail.as_deref(),
                facts: Some(untold.facts.clone()),
            }
            .record(transaction)?;
        }
        Ok(())
    }
}

/// A line of the audit.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    pub seq: i64,
    pub at_ms: i64,
    pub destination: String,
    pub delivery_id: Option<String>,
    pub what: String,
    pub detail: Option<String>,
    /// A JSON object.
    pub facts: Option<Value>,
}

impl Outbox {
    /// The lines after a number and not before a time, in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn audit(
        &self,
        after: i64,
        since_ms: i64,
        most: u32,
    ) -> Result<Vec<AuditLine>, OutboxError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT seq, at, destination, delivery_id, what, detail, facts FROM audit
                 WHERE seq > ?1 AND at >= ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows = statement.query_map(params![after, since_ms, most], |row| {
                let facts: Option<String> = row.get(6)?;
                Ok(AuditLine {
                    seq: row.get(0)?,
                    at_ms: row.get(1)?,
                    destination: row.get(2)?,
                    delivery_id: row.get(3)?,
                    what: row.get(4)?,
                    detail: row.get(5)?,
                    facts: facts.and_then(|facts| serde_json::from_str(&facts).ok()),
                })
            })?;
            rows.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::sample::notice;

    #[test]
    fn many_untold_changes_share_a_line_with_an_exact_count() {
        let untold = |key: &str, number| Untold::new(&notice("ops", key, number), Why::Repeated);
        let mut line = untold("a", 1);
        for number in 2..=5 {
            let later = untold("b", number);
            assert!(line.is_like(&later));
            line.absorb(&later);
        }
        assert_eq!(line.facts["changes"], 5);
        assert_eq!(line.facts["xid"], 5);
        assert!(line.facts.get("key").is_none() && line.delivery_id.is_none());
        let muted = Untold::new(&notice("ops", "a", 6), Why::Muted { mute: 1 });
        assert!(!line.is_like(&muted));
        assert!(!line.is_like(&Untold::new(&notice("quick", "a", 6), Why::Repeated)));
    }
}
