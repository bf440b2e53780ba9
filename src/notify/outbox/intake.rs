//! Into the outbox: notices and the position they stand for, in one transaction.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::audit::{self, Audit, Untold};
use super::{Outbox, OutboxError, Write, noise, states};
use crate::notify::last_states::State;
use crate::notify::noise::NoiseChanges;
use crate::notify::notice::{Content, Notice, Severity};
use crate::postgres::Lsn;

/// What a source has to tell, and how far that is all of it.
#[derive(Clone, Copy, Debug)]
pub struct Intake<'a> {
    /// Names the stream: the system identifier and the slot.
    pub source: &'a str,
    /// Every commit up to here is in this intake or an earlier one. `None`: no commit made it, but time did, the end of a window or of
    /// quiet hours, or a snapshot.
    pub watermark: Option<Lsn>,
    pub notices: &'a [Notice],
    /// What else matched, for the audit.
    pub untold: &'a [Untold],
    /// What changed of the noise rules' state.
    pub noise: &'a NoiseChanges,
    /// Last values of watched columns that these commits changed.
    pub states: &'a HashMap<String, State>,
}

impl Outbox {
    /// Stores the notices, the noise rules' state and the watermark, all or nothing; on disk when [`Self::sync`] returns, and only then may
    /// the position be confirmed. A watermark that was reached before brings nothing new: PostgreSQL sends again what we had no time to
    /// confirm.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn store(&self, intake: Intake<'_>, now_ms: i64) -> Result<Write, OutboxError> {
        let bodies = bodies(intake.notices)?;
        let stored = self.write_soon(|transaction| {
            if let Some(watermark) = intake.watermark
                && !advance(transaction, intake.source, watermark)?
            {
                return Ok(());
            }
            noise::write(transaction, intake.source, intake.noise)?;
            states::write(transaction, intake.source, intake.states)?;
            Untold::record_all(intake.untold, transaction, now_ms)?;
            insert(transaction, intake.notices, &bodies, now_ms)
        });
        stored.map(|((), write)| write)
    }

    /// Commits up to here need not be told again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn watermark(&self, source: &str) -> Result<Option<Lsn>, OutboxError> {
        self.read(|connection| watermark(connection, source))
    }
}

/// Whether the source was not there before.
fn advance(transaction: &Transaction<'_>, source: &str, to: Lsn) -> rusqlite::Result<bool> {
    if watermark(transaction, source)?.is_some_and(|reached| reached >= to) {
        return Ok(false);
    }
    transaction
        .prepare_cached(
            "INSERT INTO source (name, watermark) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET watermark = excluded.watermark",
        )?
        .execute(params![source, position(to)])?;
    Ok(true)
}

fn bodies(notices: &[Notice]) -> Result<Vec<String>, OutboxError> {
    let body = |notice: &Notice| {
        serde_json::to_string(notice).map_err(|source| OutboxError::Notice {
            delivery_id: notice.id.as_str().to_owned(),
            source,
        })
    };
    notices.iter().map(body).collect()
}

fn insert(
    transaction: &Transaction<'_>,
    notices: &[Notice],
    bodies: &[String],
    now_ms: i64,
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO notice (delivery_id, destination, rule, fifo_key, severity, notice, created_at, committed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (delivery_id) DO NOTHING",
    )?;
    for (notice, body) in notices.iter().zip(bodies) {
        let inserted = statement.execute(params![
            notice.id.as_str(),
            notice.destination,
            notice.rule,
            fifo_key(notice),
            rank(notice.severity),
            body,
            now_ms,
            // Of its oldest change.
            notice.began().as_millisecond()
        ])?;
        if inserted == 0 {
            continue;
        }
        Audit {
            at_ms: now_ms,
            destination: &notice.destination,
            delivery_id: Some(notice.id.as_str()),
            what: "queued",
            detail: Some(&notice.rule),
            facts: Some(audit::origin(notice)),
        }
        .record(transaction)?;
    }
    Ok(())
}

/// Changes of one row keep their order; digests of one rule do.
fn fifo_key(notice: &Notice) -> String {
    match &notice.content {
        Content::Change(change) => format!("row {} {}", change.table, change.key),
        Content::Digest(_) => format!("digest {}", notice.rule),
    }
}

pub(super) fn rank(severity: Severity) -> i64 {
    match severity {
        Severity::Info => 0,
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

fn watermark(connection: &rusqlite::Connection, source: &str) -> rusqlite::Result<Option<Lsn>> {
    let text: Option<String> = connection
        .prepare_cached("SELECT watermark FROM source WHERE name = ?1")?
        .query_row([source], |row| row.get(0))
        .optional()?;
    Ok(text
        .and_then(|text| u64::from_str_radix(&text, 16).ok())
        .map(Lsn))
}

fn position(lsn: Lsn) -> String {
    format!("{:016X}", lsn.0)
}
