//! Logging in: trust, clear text, MD5 and SCRAM-SHA-256, the latter bound to the TLS channel when the server offers it.
//!
//! <https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP>,
//! <https://www.postgresql.org/docs/current/sasl-authentication.html>.

use bytes::{Bytes, BytesMut};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::frontend;

use super::error::Error;
use super::socket::Transport;
use super::tls;
use super::wire::{Attempt, Fields, Wire};
use crate::config::connector::DatabaseConfig;

/// `Authentication…` messages, told apart by their first `Int32`.
const OK: i32 = 0;
const CLEARTEXT_PASSWORD: i32 = 3;
const MD5_PASSWORD: i32 = 5;
const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;

/// Answers what the server asks until it says that we are in.
pub(super) fn authenticate(
    wire: &mut Wire,
    config: &DatabaseConfig,
    attempt: &Attempt<'_>,
) -> Result<(), Error> {
    loop {
        let (kind, body) = request(wire, attempt)?;
        let mut answer = BytesMut::new();
        let written = match kind {
            OK => return Ok(()),
            CLEARTEXT_PASSWORD => frontend::password_message(password(config)?, &mut answer),
            MD5_PASSWORD => {
                let salt = Fields::new(&body)
                    .salt()
                    .map_err(|error| attempt.malformed(error))?;
                let hash = md5_hash(config.user.as_bytes(), password(config)?, salt);
                frontend::password_message(hash.as_bytes(), &mut answer)
            }
            SASL => {
                scram(wire, config, &body, attempt)?;
                continue;
            }
            _ => {
                let reason = "the server asks for a method other than password, md5 and scram-sha-256; see pg_hba.conf";
                return Err(refused(config, reason));
            }
        };
        written.map_err(|error| refused(config, &error.to_string()))?;
        wire.send(&answer, attempt)?;
    }
}

fn request(wire: &mut Wire, attempt: &Attempt<'_>) -> Result<(i32, Bytes), Error> {
    loop {
        let mut message = wire.receive(attempt)?;
        match message.tag {
            b'R' => {
                let kind = Fields::new(&message.body)
                    .i32("method")
                    .map_err(|error| attempt.malformed(error))?;
                return Ok((kind, message.body.split_off(size_of::<i32>())));
            }
            b'E' => return Err(attempt.server_error(&message.body)),
            b'N' => {}
            tag => return Err(attempt.unexpected(tag)),
        }
    }
}

fn scram(
    wire: &mut Wire,
    config: &DatabaseConfig,
    mechanisms: &[u8],
    attempt: &Attempt<'_>,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| refused(config, &error.to_string());
    let (mechanism, binding) = mechanism(mechanisms, &wire.transport).ok_or_else(|| {
        refused(
            config,
            "the server offers no SASL mechanism but unknown ones",
        )
    })?;
    let mut scram = ScramSha256::new(password(config)?, binding);

    let mut answer = BytesMut::new();
    frontend::sasl_initial_response(mechanism, scram.message(), &mut answer).map_err(failed)?;
    wire.send(&answer, attempt)?;

    scram
        .update(&expect(wire, SASL_CONTINUE, attempt)?)
        .map_err(failed)?;
    answer.clear();
    frontend::sasl_response(scram.message(), &mut answer).map_err(failed)?;
    wire.send(&answer, attempt)?;

    // Proves that the server knows the password too.
    scram
        .finish(&expect(wire, SASL_FINAL, attempt)?)
        .map_err(failed)
}

/// `mechanisms` are texts, each with a zero byte behind it, and a zero byte after the last.
fn mechanism(mechanisms: &[u8], transport: &Transport) -> Option<(&'static str, ChannelBinding)> {
    let offered = |name: &str| {
        mechanisms
            .split(|&byte| byte == 0)
            .any(|offered| offered == name.as_bytes())
    };
    let end_point = match transport {
        Transport::Plain(_) => None,
        Transport::Tls(stream) => tls::server_end_point(stream.ssl()),
    };
    match end_point {
        Some(hash) if offered(SCRAM_SHA_256_PLUS) => Some((
            SCRAM_SHA_256_PLUS,
            ChannelBinding::tls_server_end_point(hash),
        )),
        // We could bind the channel, and the server must know, lest someone between us hides its offer.
        Some(_) if offered(SCRAM_SHA_256) => Some((SCRAM_SHA_256, ChannelBinding::unrequested())),
        None if offered(SCRAM_SHA_256) => Some((SCRAM_SHA_256, ChannelBinding::unsupported())),
        Some(_) | None => None,
    }
}

fn expect(wire: &mut Wire, kind: i32, attempt: &Attempt<'_>) -> Result<Bytes, Error> {
    match request(wire, attempt)? {
        (received, body) if received == kind => Ok(body),
        (received, _) => Err(attempt.protocol_error(format!(
            "authentication request {received} instead of {kind}"
        ))),
    }
}

fn password(config: &DatabaseConfig) -> Result<&[u8], Error> {
    let reason = "the server asks for a password; set database.password";
    config
        .password
        .as_deref()
        .map(str::as_bytes)
        .ok_or_else(|| refused(config, reason))
}

fn refused(config: &DatabaseConfig, reason: &str) -> Error {
    Error::Authentication {
        user: config.user.clone(),
        reason: reason.to_owned(),
    }
}
