//! The audit: a line for whatever happened to a notice, a destination or a mute, kept as long as the threads are.

use rusqlite::{Transaction, params};
use serde_json::{Value, json};

use super::{Outbox, OutboxError};
use crate::notify::notice::{Content, Notice};

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
        Content::Digest(digest) => json!({
            "table": digest.table,
            "steps": digest.transitions,
            "sums": sums(digest.sums.iter().map(|sum| (&sum.currency, json!(sum.total)))),
        }),
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
