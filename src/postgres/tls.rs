//! TLS as libpq does it: <https://www.postgresql.org/docs/current/libpq-ssl.html>.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    ConnectConfiguration, HandshakeError, MidHandshakeSslStream, SslConnector, SslConnectorBuilder,
    SslMethod, SslRef, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509VerifyResult};
use rustix::event::PollFlags;
use socket2::Socket;

use super::error::Error;
use super::socket::{self, Ciphertext};
use crate::config::connector::{DatabaseConfig, SslMode};

/// How one attempt to connect treats encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    IfOffered,
    Required,
}

/// What `sslmode` tries, in this order. Unix sockets are never encrypted.
pub(super) fn attempts(mode: SslMode, host: &str) -> &'static [Encryption] {
    if socket::is_unix(host) {
        return &[Encryption::None];
    }
    match mode {
        SslMode::Disable => &[Encryption::None],
        SslMode::Allow => &[Encryption::None, Encryption::Required],
        SslMode::Prefer => &[Encryption::IfOffered, Encryption::None],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Required],
    }
}

/// Whether the other attempt of `allow` and `prefer` could fare better: the server or the certificate said no.
pub(super) fn may_fall_back(error: &Error) -> bool {
    match error {
        Error::Tls { .. } | Error::Certificate { .. } => true,
        Error::Server(error) => error.sqlstate.starts_with("28"),
        Error::Connect { .. }
        | Error::TlsNotOffered { .. }
        | Error::TlsFile { .. }
        | Error::Authentication { .. }
        | Error::Protocol { .. }
        | Error::Io { .. }
        | Error::Silent { .. }
        | Error::Closed { .. }
        | Error::StreamEnded
        | Error::Client { .. } => false,
    }
}

/// When both attempts failed: the one with encryption says more, the other one usually just misses a line in `pg_hba.conf`.
pub(super) fn more_telling(mode: SslMode, first: Error, second: Error) -> Error {
    if mode == SslMode::Allow && !matches!(second, Error::TlsNotOffered { .. }) {
        second
    } else {
        first
    }
}

/// Certificates and keys of `database.ssl*`.
pub(super) fn connector(config: &DatabaseConfig) -> Result<SslConnector, Error> {
    let setup = |error: ErrorStack| Error::Tls {
        host: config.host.clone(),
        source: Box::new(error),
    };
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(setup)?;
    builder
        .set_min_proto_version(Some(SslVersion::TLS1_2))
        .map_err(setup)?;
    match root_certificates(config) {
        Some(path) => {
            trust(&mut builder, &path)
                .map_err(|source| tls_file("database.sslrootcert", &path, source))?;
            builder.set_verify(SslVerifyMode::PEER);
        }
        None => builder.set_verify(SslVerifyMode::NONE),
    }
    if let Some(path) = &config.ssl_cert {
        set_certificate(&mut builder, path)
            .map_err(|source| tls_file("database.sslcert", path, source))?;
    }
    if let Some(path) = &config.ssl_key {
        let password = config.ssl_password.as_deref().unwrap_or_default();
        set_key(&mut builder, path, password)
            .map_err(|source| tls_file("database.sslkey", path, source))?;
    }
    Ok(builder.build())
}

/// libpq verifies the chain in every mode once root certificates are given; the `verify` modes do not work without, and
/// look where libpq and pgjdbc look.
fn root_certificates(config: &DatabaseConfig) -> Option<PathBuf> {
    let verifies = matches!(config.ssl_mode, SslMode::VerifyCa | SslMode::VerifyFull);
    let default = || {
        std::env::home_dir()
            .unwrap_or_default()
            .join(".postgresql/root.crt")
    };
    config
        .ssl_root_cert
        .clone()
        .or_else(|| verifies.then(default))
}

type FileError = Box<dyn std::error::Error + Send + Sync>;

fn tls_file(property: &'static str, path: &Path, source: FileError) -> Error {
    Error::TlsFile {
        property,
        path: path.to_owned(),
        source,
    }
}

/// Trusts these certificates and nothing else, not even what the system trusts.
fn trust(builder: &mut SslConnectorBuilder, path: &Path) -> Result<(), FileError> {
    let certificates = X509::stack_from_pem(&fs::read(path)?)?;
    if certificates.is_empty() {
        return Err("it holds no PEM certificate".into());
    }
    let mut store = X509StoreBuilder::new()?;
    for certificate in certificates {
        store.add_cert(certificate)?;
    }
    builder.set_cert_store(store.build());
    Ok(())
}

/// The client's certificate and what stands between it and the root: PEM, or one certificate in DER.
fn set_certificate(builder: &mut SslConnectorBuilder, path: &Path) -> Result<(), FileError> {
    let bytes = fs::read(path)?;
    let chain = if is_pem(&bytes) {
        X509::stack_from_pem(&bytes)?
    } else {
        vec![X509::from_der(&bytes)?]
    };
    let mut chain = chain.into_iter();
    let own = chain.next().ok_or("it holds no certificate")?;
    builder.set_certificate(&own)?;
    for certificate in chain {
        builder.add_extra_chain_cert(certificate)?;
    }
    Ok(())
}

/// PEM, PKCS-8 DER or PKCS-12 as pgjdbc's `LibPQFactory` takes them; PKCS-12 brings its own certificate.
fn set_key(
    builder: &mut SslConnectorBuilder,
    path: &Path,
    password: &str,
) -> Result<(), FileError> {
    let bytes = fs::read(path)?;
    if path
        .extension()
        .is_some_and(|extension| extension == "p12" || extension == "pfx")
    {
        let parsed = Pkcs12::from_der(&bytes)?.parse2(password)?;
        builder.set_certificate(&*parsed.cert.ok_or("it holds no certificate")?)?;
        builder.set_private_key(&*parsed.pkey.ok_or("it holds no key")?)?;
    } else {
        builder.set_private_key(&*private_key(&bytes, password)?)?;
    }
    builder.check_private_key()?;
    Ok(())
}

fn private_key(bytes: &[u8], password: &str) -> Result<PKey<Private>, ErrorStack> {
    if is_pem(bytes) {
        // With a password given OpenSSL never asks for one at the terminal.
        return PKey::private_key_from_pem_passphrase(bytes, password.as_bytes());
    }
    PKey::private_key_from_pkcs8(bytes)
        .or_else(|_| PKey::private_key_from_pkcs8_passphrase(bytes, password.as_bytes()))
}

fn is_pem(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"-----BEGIN").is_some()
}

/// Only `verify-full` compares the host name.
pub(super) fn configure(configuration: &mut ConnectConfiguration, mode: SslMode) {
    configuration.set_verify_hostname(mode == SslMode::VerifyFull);
}

pub(super) fn handshake(
    connector: &SslConnector,
    config: &DatabaseConfig,
    socket: Socket,
    deadline: Instant,
) -> Result<SslStream<Ciphertext>, Error> {
    let host = &config.host;
    let setup = |error: ErrorStack| Error::Tls {
        host: host.clone(),
        source: Box::new(error),
    };
    let mut configuration = connector.configure().map_err(setup)?;
    configure(&mut configuration, config.ssl_mode);
    let mut progress = configuration.connect(host, Ciphertext::new(socket));
    loop {
        match progress {
            Ok(stream) => return Ok(stream),
            Err(HandshakeError::WouldBlock(unfinished)) => {
                // OpenSSL sends what it can at once, so what is missing is the server's answer.
                socket::wait_until(unfinished.get_ref().socket(), PollFlags::IN, deadline)
                    .map_err(|source| Error::Connect {
                        host: host.clone(),
                        port: config.port,
                        source,
                    })?;
                progress = unfinished.handshake();
            }
            Err(HandshakeError::SetupFailure(error)) => return Err(setup(error)),
            Err(HandshakeError::Failure(failed)) => return Err(handshake_error(config, failed)),
        }
    }
}

fn handshake_error(config: &DatabaseConfig, failed: MidHandshakeSslStream<Ciphertext>) -> Error {
    let host = config.host.clone();
    let verified = failed.ssl().verify_result();
    if verified != X509VerifyResult::OK && failed.ssl().verify_mode() != SslVerifyMode::NONE {
        return Error::Certificate {
            host,
            reason: verified.error_string().to_owned(),
        };
    }
    match failed.into_error().into_io_error() {
        Ok(source) => Error::Connect {
            host,
            port: config.port,
            source,
        },
        Err(error) => Error::Tls {
            host,
            source: Box::new(error),
        },
    }
}

/// What SCRAM binds to: the hash of the server's certificate (`tls-server-end-point`, RFC 5929 §4).
pub(super) fn server_end_point(ssl: &SslRef) -> Option<Vec<u8>> {
    let certificate = ssl.peer_certificate()?;
    let algorithms = certificate
        .signature_algorithm()
        .object()
        .nid()
        .signature_algorithms()?;
    let digest = match algorithms.digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        nid => MessageDigest::from_nid(nid)?,
    };
    certificate.digest(digest).ok().map(|hash| hash.to_vec())
}
