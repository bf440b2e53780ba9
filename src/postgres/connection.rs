//! A replication connection: blocking, opened with `replication=database`, able to run replication commands and simple
//! queries, and to become a [`ReplicationStream`].
//!
//! <https://www.postgresql.org/docs/current/protocol-replication.html>.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use super::Lsn;
use super::error::Error;
use super::login::{self, Session};
use super::quote;
use super::replication::{self, ReplicationStream, StreamTimes};
use super::socket::{self, Transport};
use super::wire::{self, Attempt, Message};
use crate::config::connector::DatabaseConfig;

/// How long a command may take, as Debezium's `internal.create.slot.command.timeout`: creating a slot waits for every
/// transaction that is open.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(90);

/// How long the server may take to cancel a command, and to take part in our farewell.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Connection {
    session: Session,
    command_timeout: Duration,
}

/// `IDENTIFY_SYSTEM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemIdentity {
    pub system_id: String,
    pub timeline: u32,
    /// How far the server has flushed its WAL.
    pub flushed: Lsn,
    pub dbname: Option<String>,
}

/// `CREATE_REPLICATION_SLOT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedSlot {
    /// The first position that can be streamed.
    pub consistent_point: Lsn,
    /// Shows the rows as of the consistent point until the next command on the connection that made it.
    pub snapshot_name: Option<String>,
}

impl Connection {
    /// Connects and logs in, trying every address and what `sslmode` allows.
    pub fn open(config: &DatabaseConfig) -> Result<Self, Error> {
        Ok(Self {
            session: login::open(config)?,
            command_timeout: COMMAND_TIMEOUT,
        })
    }

    /// The server's version as a number, `150018` for 15.18.
    #[must_use]
    pub fn server_version(&self) -> u32 {
        self.session.version
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.session.wire.transport, Transport::Tls(_))
    }

    /// How long a command may take before it is cancelled; a minute and a half unless set.
    pub fn set_command_timeout(&mut self, timeout: Duration) {
        self.command_timeout = timeout;
    }

    /// The rows that `sql` returns, as text.
    pub fn simple_query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        self.command(&format!("run {sql}"), sql)
    }

    pub fn identify_system(&mut self) -> Result<SystemIdentity, Error> {
        let what = "identify the system";
        let row = self
            .command(what, "IDENTIFY_SYSTEM")?
            .pop()
            .unwrap_or_default();
        let identity = match row.as_slice() {
            [Some(system_id), Some(timeline), Some(flushed), dbname, ..] => timeline
                .parse()
                .ok()
                .zip(flushed.parse().ok())
                .map(|(timeline, flushed)| SystemIdentity {
                    system_id: system_id.clone(),
                    timeline,
                    flushed,
                    dbname: dbname.clone(),
                }),
            _ => None,
        };
        identity.ok_or_else(|| unexpected_row(what))
    }

    /// Creates a logical slot for `pgoutput` and exports a snapshot of its consistent point. `failover` is honoured by
    /// primaries from PostgreSQL 17 on and otherwise ignored, as Debezium does.
    pub fn create_replication_slot(
        &mut self,
        name: &str,
        failover: bool,
    ) -> Result<CreatedSlot, Error> {
        let version = self.session.version;
        let failover = failover && version >= 170_000 && !self.in_recovery()?;
        self.create_slot(name, &create_slot_sql(name, "", version, failover))
    }

    /// Creates a slot that ends with this connection: for its snapshot, and the consistent point that belongs to it.
    pub fn create_temporary_slot(&mut self, name: &str) -> Result<CreatedSlot, Error> {
        self.create_slot(
            name,
            &create_slot_sql(name, "TEMPORARY ", self.session.version, false),
        )
    }

    fn create_slot(&mut self, name: &str, sql: &str) -> Result<CreatedSlot, Error> {
        let what = format!("create replication slot \"{name}\"");
        let row = self.command(&what, sql)?.pop().unwrap_or_default();
        match row.as_slice() {
            [_, Some(consistent_point), snapshot_name, ..] => consistent_point
                .parse()
                .map(|consistent_point| CreatedSlot {
                    consistent_point,
                    snapshot_name: snapshot_name.clone(),
                })
                .map_err(|_| unexpected_row(&what)),
            _ => Err(unexpected_row(&what)),
        }
    }

    pub fn drop_replication_slot(&mut self, name: &str) -> Result<(), Error> {
        let sql = format!("DROP_REPLICATION_SLOT {}", quote::identifier(name));
        self.command(&format!("drop replication slot \"{name}\""), &sql)?;
        Ok(())
    }

    /// Streams what `publications` publish, from `start` or from what the slot has confirmed, whichever is later.
    /// Publication names are exact. `parameters` are `slot.stream.params`; they replace ours of the same name.
    pub fn start_replication(
        mut self,
        slot: &str,
        start: Lsn,
        publications: &[&str],
        parameters: &[(String, String)],
        status_interval: Duration,
    ) -> Result<ReplicationStream, Error> {
        let times = StreamTimes::new(status_interval, self.wal_sender_timeout()?);
        let sql =
            start_replication_sql(slot, start, publications, parameters, self.session.version);
        let what = format!("stream from slot \"{slot}\"");
        let attempt = Attempt::new(&what, self.command_timeout);
        self.session.wire.send(&query(&sql, &attempt)?, &attempt)?;
        loop {
            let Message { tag, body } = self.session.wire.receive(&attempt)?;
            match tag {
                // CopyBothResponse
                b'W' => return replication::start(self.session.wire, slot, times),
                b'E' => return Err(attempt.server_error(&body)),
                b'N' | b'S' => {}
                tag => return Err(attempt.unexpected(tag)),
            }
        }
    }

    /// Says good-bye. A connection that is only dropped ends too, but leaves a line in the server's log.
    pub fn close(mut self) {
        let attempt = Attempt::new("close the connection", CANCEL_TIMEOUT);
        let mut farewell = BytesMut::new();
        frontend::terminate(&mut farewell);
        if let Err(error) = self.session.wire.send(&farewell, &attempt) {
            tracing::debug!(%error, "the connection was closed before we could say good-bye");
        }
    }

    fn in_recovery(&mut self) -> Result<bool, Error> {
        let rows = self.command(
            "ask whether the server is a standby",
            "SELECT pg_is_in_recovery()",
        )?;
        Ok(rows
            .first()
            .and_then(|row| row.first())
            .is_some_and(|value| value.as_deref() == Some("t")))
    }

    /// `None` when the server waits for ever.
    fn wal_sender_timeout(&mut self) -> Result<Option<Duration>, Error> {
        let what = "read wal_sender_timeout";
        let rows = self.command(
            what,
            "SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'",
        )?;
        let value = rows
            .into_iter()
            .flatten()
            .next()
            .flatten()
            .and_then(|text| text.parse().ok());
        let milliseconds = value.ok_or_else(|| unexpected_row(what))?;
        Ok((milliseconds > 0).then(|| Duration::from_millis(milliseconds)))
    }

    /// Runs one command and returns its rows. A command that takes too long is cancelled, and the server's answer to that
    /// (`57014`) is the error.
    fn command(&mut self, what: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let attempt = Attempt::new(what, self.command_timeout);
        self.session.wire.send(&query(sql, &attempt)?, &attempt)?;
        match self.answer(&attempt) {
            Err(Error::Silent { .. }) => {
                self.cancel(&attempt)?;
                self.answer(&Attempt::new(what, CANCEL_TIMEOUT))
            }
            answer => answer,
        }
    }

    /// Reads up to `ReadyForQuery`, so that the connection is good for another command even after an error.
    fn answer(&mut self, attempt: &Attempt<'_>) -> Result<Vec<Vec<Option<String>>>, Error> {
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            let Message { tag, body } = match self.session.wire.receive(attempt) {
                Ok(message) => message,
                // After a fatal error the server hangs up.
                Err(error) => return Err(refused.unwrap_or(error)),
            };
            match tag {
                b'D' => rows.push(wire::data_row(&body).map_err(|error| attempt.malformed(error))?),
                b'E' => refused = Some(attempt.server_error(&body)),
                b'Z' => return refused.map_or(Ok(rows), Err),
                b'T' | b'C' | b'I' | b'N' | b'A' | b'S' => {}
                tag => return Err(attempt.unexpected(tag)),
            }
        }
    }

    /// Asks over a connection of its own, as the protocol wants it, and waits until the server has heard.
    fn cancel(&self, attempt: &Attempt<'_>) -> Result<(), Error> {
        let deadline = Instant::now() + CANCEL_TIMEOUT;
        let (process, secret) = self.session.backend_key;
        let mut request = BytesMut::new();
        frontend::cancel_request(process, secret, &mut request);
        let cancelled =
            socket::connect(&self.session.address, false, CANCEL_TIMEOUT).and_then(|socket| {
                let mut transport = Transport::Plain(socket);
                transport.write_all(&request, deadline)?;
                transport.read_until(&mut [0], deadline)
            });
        cancelled.map(drop).map_err(|error| attempt.io_error(error))
    }
}

fn query(sql: &str, attempt: &Attempt<'_>) -> Result<BytesMut, Error> {
    let mut bytes = BytesMut::new();
    frontend::query(sql, &mut bytes).map_err(|error| attempt.io_error(error))?;
    Ok(bytes)
}

fn create_slot_sql(name: &str, kind: &str, version: u32, failover: bool) -> String {
    let options = match (version >= 150_000, failover) {
        (true, true) => "(SNAPSHOT 'export', FAILOVER)",
        (true, false) => "(SNAPSHOT 'export')",
        (false, _) => "EXPORT_SNAPSHOT",
    };
    format!(
        "CREATE_REPLICATION_SLOT {} {kind}LOGICAL pgoutput {options}",
        quote::identifier(name)
    )
}

fn start_replication_sql(
    slot: &str,
    start: Lsn,
    publications: &[&str],
    parameters: &[(String, String)],
    version: u32,
) -> String {
    // The server splits the list itself, as it splits `search_path`.
    let names: Vec<String> = publications
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let mut options = vec![
        ("proto_version", "1".to_owned()),
        ("publication_names", names.join(",")),
    ];
    if version >= 140_000 {
        options.push(("messages", "true".to_owned()));
    }
    options.retain(|(name, _)| parameters.iter().all(|(given, _)| given != name));
    let options = options.iter().map(|(name, value)| (*name, value.as_str()));
    let given = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let options: Vec<String> = options
        .chain(given)
        .map(|(name, value)| {
            format!(
                "{} {}",
                quote::identifier(name),
                quote::replication_literal(value)
            )
        })
        .collect();
    format!(
        "START_REPLICATION SLOT {} LOGICAL {start} ({})",
        quote::identifier(slot),
        options.join(", ")
    )
}

fn unexpected_row(what: &str) -> Error {
    Error::Protocol {
        attempted: what.to_owned(),
        what: "a row of another form than documented".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_created_in_the_words_of_the_version() {
        assert_eq!(
            create_slot_sql("s", "", 140_000, true),
            "CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput EXPORT_SNAPSHOT"
        );
        assert_eq!(
            create_slot_sql("s", "", 170_000, true),
            "CREATE_REPLICATION_SLOT \"s\" LOGICAL pgoutput (SNAPSHOT 'export', FAILOVER)"
        );
    }

    #[test]
    fn stream_parameters_replace_ours_and_names_are_quoted_twice() {
        let given = [("messages".to_owned(), "false".to_owned())];
        assert_eq!(
            start_replication_sql("s", Lsn(1), &["a'b", "C"], &given, 150_000),
            "START_REPLICATION SLOT \"s\" LOGICAL 0/1 (\"proto_version\" '1', \
             \"publication_names\" '\"a''b\",\"C\"', \"messages\" 'false')"
        );
        assert!(!start_replication_sql("s", Lsn(1), &["p"], &[], 130_000).contains("messages"));
    }
}
