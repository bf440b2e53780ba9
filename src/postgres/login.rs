//! Opening a replication connection: addresses in turn, TLS as `sslmode` wants it, start-up, authentication.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP>.

use std::io::Read;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustix::event::PollFlags;
use socket2::{SockAddr, Socket};

use super::auth;
use super::error::Error;
use super::quote;
use super::socket::{self, Transport};
use super::tls::{self, Encryption};
use super::wire::{Attempt, Fields, Message, Wire};
use crate::config::connector::DatabaseConfig;

/// Settings that decide how values look or that would end a session which waits for a snapshot; a role or a database may
/// have other defaults.
const SETTINGS: [(&str, &str); 9] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// SQLSTATE of a role that may not replicate.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// A connection that is logged in.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) address: SockAddr,
    /// `150018` for 15.18.
    pub(super) version: u32,
    /// Process and secret, to cancel a command.
    pub(super) backend_key: (i32, i32),
}

pub(super) fn open(config: &DatabaseConfig) -> Result<Session, Error> {
    let unreachable = |source| Error::Connect {
        host: config.host.clone(),
        port: config.port,
        source,
    };
    let mut last = unreachable(std::io::ErrorKind::NotFound.into());
    for address in socket::addresses(config).map_err(unreachable)? {
        match open_at(config, &address) {
            // Another address may do better than one that does not answer, but not than one that says no.
            Err(
                error @ (Error::Connect { .. }
                | Error::Silent { .. }
                | Error::Closed { .. }
                | Error::Io { .. }),
            ) => last = error,
            answered => return answered,
        }
    }
    Err(last)
}

fn open_at(config: &DatabaseConfig, address: &SockAddr) -> Result<Session, Error> {
    let mut first_error = None;
    for &encryption in tls::attempts(config.ssl_mode, &config.host) {
        match open_with(config, address, encryption) {
            Ok(session) => return Ok(session),
            Err(error) => match first_error.take() {
                Some(first) => return Err(tls::more_telling(config.ssl_mode, first, error)),
                None if tls::may_fall_back(&error) => first_error = Some(error),
                None => return Err(error),
            },
        }
    }
    Err(first_error.expect("there is at least one attempt, and it did not succeed"))
}

fn open_with(
    config: &DatabaseConfig,
    address: &SockAddr,
    encryption: Encryption,
) -> Result<Session, Error> {
    let unreachable = |source| Error::Connect {
        host: config.host.clone(),
        port: config.port,
        source,
    };
    let what = format!(
        "log in to \"{}\" at {}:{}",
        config.dbname, config.host, config.port
    );
    let attempt = Attempt::new(&what, config.connect_timeout);
    let socket = socket::connect(address, config.tcp_keep_alive, config.connect_timeout)
        .map_err(unreachable)?;
    let transport = match encryption {
        Encryption::None => Transport::Plain(socket),
        Encryption::IfOffered | Encryption::Required => {
            encrypt(config, socket, encryption, &attempt)?
        }
    };
    let mut wire = Wire::new(transport);
    wire.send(&startup(config, &attempt)?, &attempt)?;
    auth::authenticate(&mut wire, config, &attempt)?;
    let (version, backend_key) =
        read_session(&mut wire, &attempt).map_err(|error| with_remedy(error, &config.user))?;
    Ok(Session {
        wire,
        address: address.clone(),
        version,
        backend_key,
    })
}

/// The server says what is missing, but not how to grant it.
fn with_remedy(error: Error, user: &str) -> Error {
    if let Error::Server(mut refusal) = error {
        if refusal.sqlstate == INSUFFICIENT_PRIVILEGE && refusal.hint.is_none() {
            let role = quote::identifier(user);
            refusal.hint = Some(format!("run ALTER ROLE {role} REPLICATION"));
        }
        return Error::Server(refusal);
    }
    error
}

/// What the server tells of the new session before it is ready: its version, and the key to cancel commands with.
fn read_session(wire: &mut Wire, attempt: &Attempt<'_>) -> Result<(u32, (i32, i32)), Error> {
    let malformed = |error| attempt.malformed(error);
    let mut version = None;
    let mut backend_key = (0, 0);
    loop {
        let Message { tag, body } = wire.receive(attempt)?;
        let mut fields = Fields::new(&body);
        match tag {
            b'S' if fields.text("name").map_err(malformed)? == "server_version" => {
                version = parse_version(&fields.text("value").map_err(malformed)?);
            }
            b'K' => {
                backend_key = (
                    fields.i32("process").map_err(malformed)?,
                    fields.i32("secret").map_err(malformed)?,
                );
            }
            b'Z' => {
                let version = version
                    .ok_or_else(|| attempt.protocol_error("no version that we understand"))?;
                return Ok((version, backend_key));
            }
            b'E' => return Err(attempt.server_error(&body)),
            b'N' | b'S' => {}
            tag => return Err(attempt.unexpected(tag)),
        }
    }
}

/// Asks for TLS: the server answers with one byte, and whatever came behind it would be read as part of the handshake.
fn encrypt(
    config: &DatabaseConfig,
    socket: Socket,
    encryption: Encryption,
    attempt: &Attempt<'_>,
) -> Result<Transport, Error> {
    let connector = tls::connector(config)?;
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    let mut plain = Transport::Plain(socket);
    plain
        .write_all(&request, attempt.deadline)
        .map_err(|error| attempt.io_error(error))?;
    socket::wait_until(plain.socket(), PollFlags::IN, attempt.deadline)
        .map_err(|error| attempt.io_error(error))?;
    let Transport::Plain(mut socket) = plain else {
        return Ok(plain);
    };
    let mut answer = [0];
    if socket
        .read(&mut answer)
        .map_err(|error| attempt.io_error(error))?
        == 0
    {
        return Err(Error::Closed {
            attempted: attempt.what.to_owned(),
        });
    }
    match (answer, encryption) {
        ([b'S'], _) => {
            let stream = tls::handshake(&connector, config, socket, attempt.deadline)?;
            Ok(Transport::Tls(Box::new(stream)))
        }
        ([b'N'], Encryption::Required) => Err(Error::TlsNotOffered {
            host: config.host.clone(),
            port: config.port,
        }),
        ([b'N'], Encryption::None | Encryption::IfOffered) => Ok(Transport::Plain(socket)),
        ([other], _) => Err(attempt.unexpected(other)),
    }
}

fn startup(config: &DatabaseConfig, attempt: &Attempt<'_>) -> Result<BytesMut, Error> {
    let who = [
        ("user", config.user.as_str()),
        ("database", config.dbname.as_str()),
        ("replication", "database"),
        ("application_name", "walstreet"),
    ];
    let mut bytes = BytesMut::new();
    frontend::startup_message(who.into_iter().chain(SETTINGS), &mut bytes)
        .map_err(|error| attempt.io_error(error))?;
    Ok(bytes)
}

/// `15.18 (Debian 15.18-1)` or `17beta1` → `150018`, `170000`.
fn parse_version(text: &str) -> Option<u32> {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    let major: u32 = numbers.next()?.parse().ok()?;
    let minor = text
        .get(major.to_string().len()..)?
        .strip_prefix('.')
        .and(numbers.next());
    Some(major * 10_000 + minor.and_then(|digits| digits.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_server_numbers_them() {
        assert_eq!(
            parse_version("15.18 (Debian 15.18-0+deb12u1)"),
            Some(150_018)
        );
        assert_eq!(parse_version("17beta1"), Some(170_000));
        assert_eq!(parse_version("18"), Some(180_000));
        assert_eq!(parse_version(""), None);
    }
}
