//! Into the outbox: notices and the position they stand for, in one transaction.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::audit::{self, Audit, Untold};
use super::{Outbox, OutboxError, states};
use crate::notify::last_states::State;
use crate::notify::notice::{Content, Notice, Severity};
use crate::postgres::Lsn;

/// What a source has to tell, and how far that is all of it.
#[derive(Clone, Copy, Debug)]
pub struct Intake<'a> {
    /// Names the stream: the system identifier and the slot.
    pub source: &'a str,
    /// Every commit up to here is in this intake or an earlier one.
    pub watermark: Lsn,
    pub notices: &'a [Notice],
    /// What else matched, for the audit.
    pub untold: &'a [Untold],
    /// The rule engine's windows as they stand at the watermark.
    pub windows: Option<&'a str>,
    /// Last values of watched columns that these commits changed.
    pub states: &'a HashMap<String, State>,
}

/// How many notices were new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub new: u64,
    pub known: u64,
}

impl Outbox {
    /// Stores the notices, the windows and the watermark; on disk when it returns. A watermark that was reached before brings
    /// nothing new: PostgreSQL sends again what we had no time to confirm.
    ///
    /// # Errors
    /// When the file takes nothing: the position must not be confirmed then.
    pub fn store(&self, intake: Intake<'_>, now_ms: i64) -> Result<Stored, OutboxError> {
        let bodies = bodies(intake.notices)?;
        self.write(|transaction| {
            let reached = watermark(transaction, intake.source)?;
            if reached.is_some_and(|reached| reached >= intake.watermark) {
                return Ok(Stored {
                    new: 0,
                    known: intake.notices.len() as u64,
                });
            }
            transaction
                .prepare_cached(
                    "INSERT INTO source (name, watermark, windows) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET watermark = excluded.watermark, windows = excluded.windows",
                )?
                .execute(params![
                    intake.source,
                    position(intake.watermark),
                    intake.windows
                ])?;
            states::write(transaction, intake.source, intake.states)?;
            Untold::record_all(intake.untold, transaction, now_ms)?;
            insert(transaction, intake.notices, &bodies, now_ms)
        })
    }

    /// Stores notices that time made, not a commit: the end of a window, of quiet hours; with the windows that are left.
    ///
    /// # Errors
    /// When the file takes nothing.
    pub fn store_due(
        &self,
        source: &str,
        (notices, untold): (&[Notice], &[Untold]),
        windows: Option<&str>,
        now_ms: i64,
    ) -> Result<Stored, OutboxError> {
        let bodies = bodies(notices)?;
        self.write(|transaction| {
            Untold::record_all(untold, transaction, now_ms)?;
            transaction.execute(
                "UPDATE source SET windows = ?2 WHERE name = ?1",
                params![source, windows],
            )?;
            insert(transaction, notices, &bodies, now_ms)
        })
    }

    /// Commits up to here need not be told again.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn watermark(&self, source: &str) -> Result<Option<Lsn>, OutboxError> {
        self.read(|connection| watermark(connection, source))
    }

    /// The windows as they were stored last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn windows(&self, source: &str) -> Result<Option<String>, OutboxError> {
        self.read(|connection| {
            let windows = connection
                .query_row(
                    "SELECT windows FROM source WHERE name = ?1",
                    [source],
                    |row| row.get::<_, Option<String>>(0),
                )
                .optional()?;
            Ok(windows.flatten())
        })
    }
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
) -> rusqlite::Result<Stored> {
    let mut stored = Stored::default();
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
            stored.known += 1;
            continue;
        }
        stored.new += 1;
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
    Ok(stored)
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
