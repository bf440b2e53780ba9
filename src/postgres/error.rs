//! What can go wrong between us and a PostgreSQL server, and whether trying again can help.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not reach PostgreSQL at {host}:{port}")]
    Connect {
        host: String,
        port: u16,
        source: io::Error,
    },
    #[error("the server at {host}:{port} offers no TLS, and database.sslmode demands it")]
    TlsNotOffered { host: String, port: u16 },
    #[error("could not encrypt the connection to {host}")]
    Tls {
        host: String,
        source: Box<dyn StdError + Send + Sync>,
    },
    #[error(
        "the certificate of {host} is not to be trusted: {reason}; see database.sslmode and database.sslrootcert"
    )]
    Certificate { host: String, reason: String },
    #[error("could not use {} as {property}", path.display())]
    TlsFile {
        property: &'static str,
        path: PathBuf,
        source: Box<dyn StdError + Send + Sync>,
    },
    #[error("could not log in as \"{user}\": {reason}")]
    Authentication { user: String, reason: String },
    #[error(transparent)]
    Server(Box<ServerError>),
    #[error("could not {attempted}: the server sent {what}")]
    Protocol { attempted: String, what: String },
    #[error("could not {attempted}")]
    Io {
        attempted: String,
        source: io::Error,
    },
    #[error("could not {attempted}: the server was silent for {silence:?}")]
    Silent {
        attempted: String,
        silence: Duration,
    },
    #[error("could not {attempted}: the connection is closed")]
    Closed { attempted: String },
    /// The server finished the stream on its own, as it does when it shuts down.
    #[error("the server ended the replication stream")]
    StreamEnded,
    #[error("could not {attempted}")]
    Client {
        attempted: String,
        source: tokio_postgres::Error,
    },
}

/// An `ErrorResponse`.
#[derive(Debug)]
pub struct ServerError {
    /// What we wanted, as an infinitive: `create slot "x"`.
    pub attempted: String,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "could not {}: {} (SQLSTATE {})",
            self.attempted, self.message, self.sqlstate
        )?;
        // Details of data exceptions and constraint violations quote rows.
        let quotes_rows = self.sqlstate.starts_with("22") || self.sqlstate.starts_with("23");
        if let Some(detail) = self.detail.as_ref().filter(|_| !quotes_rows) {
            write!(f, "; {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ServerError {}

impl ServerError {
    /// Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn is_retriable(&self) -> bool {
        match self.sqlstate.as_str() {
            // The slot is still held by a walsender that has not noticed yet; a lock was not free.
            "55006" | "55P03" => true,
            // The database was dropped; a WAL segment is gone.
            "57P04" | "58P01" | "58P02" => false,
            // Connection, transaction rollback, resources, operator (shutdown, cancelled query), system.
            code => ["08", "40", "53", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class)),
        }
    }
}

impl Error {
    /// The error of an SQL session; `attempted` is an infinitive: `read the catalog`.
    #[must_use]
    pub fn from_sql(attempted: impl Into<String>, error: tokio_postgres::Error) -> Self {
        let attempted = attempted.into();
        if let Some(db) = error.as_db_error() {
            return Self::Server(Box::new(ServerError {
                attempted,
                sqlstate: db.code().code().to_owned(),
                message: db.message().to_owned(),
                detail: db.detail().map(str::to_owned),
                hint: db.hint().map(str::to_owned),
            }));
        }
        if error.is_closed() {
            return Self::Closed { attempted };
        }
        Self::Client {
            attempted,
            source: error,
        }
    }

    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Io { .. }
            | Self::Silent { .. }
            | Self::Closed { .. }
            | Self::StreamEnded => true,
            Self::Server(error) => error.is_retriable(),
            Self::Client { source, .. } => io_cause(source).is_some(),
            Self::TlsNotOffered { .. }
            | Self::Tls { .. }
            | Self::Certificate { .. }
            | Self::TlsFile { .. }
            | Self::Authentication { .. }
            | Self::Protocol { .. } => false,
        }
    }

    /// The five characters of the server's error code.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.sqlstate),
            Self::Connect { .. }
            | Self::TlsNotOffered { .. }
            | Self::Tls { .. }
            | Self::Certificate { .. }
            | Self::TlsFile { .. }
            | Self::Authentication { .. }
            | Self::Protocol { .. }
            | Self::Io { .. }
            | Self::Silent { .. }
            | Self::Closed { .. }
            | Self::StreamEnded
            | Self::Client { .. } => None,
        }
    }
}

/// The I/O error behind `error`, if there is one. Malformed messages come as I/O errors too, and are none.
pub(super) fn io_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<io::Error>() {
            Some(io)
                if matches!(
                    io.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
                ) =>
            {
                return None;
            }
            Some(io) => return Some(io),
            None => cause = error.source(),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(sqlstate: &str) -> Error {
        Error::Server(Box::new(ServerError {
            attempted: "insert".to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: "no".to_owned(),
            detail: Some("Failing row contains (secret)".to_owned()),
            hint: None,
        }))
    }

    #[test]
    fn only_what_passes_by_itself_is_retriable() {
        for code in [
            "08006", "53300", "55006", "57P01", "57P02", "57P03", "57014", "40001",
        ] {
            assert!(server(code).is_retriable(), "{code}");
        }
        for code in [
            "28P01", "28000", "42501", "3D000", "0A000", "55000", "42704", "58P01", "XX000",
        ] {
            assert!(!server(code).is_retriable(), "{code}");
        }
    }

    #[test]
    fn details_that_quote_rows_are_not_shown() {
        assert!(!server("23502").to_string().contains("secret"));
        assert!(server("55000").to_string().contains("secret"));
    }
}
