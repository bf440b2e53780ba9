//! Connections against a real server: logging in, commands, and the stream.

mod log_in;
mod stream;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use tempfile::TempDir;
use walstreet::config::connector::{DatabaseConfig, SslMode};
use walstreet::postgres::replication::{Frame, ReplicationStream};
use walstreet::postgres::{Connection, Error, Lsn, client};

use crate::support::postgres::{Options, Postgres};

const SECOND: Duration = Duration::from_secs(1);

/// A role for each method, with a password that SASLprep changes.
const HBA: &str = "host all postgres 127.0.0.1/32 trust
host all plain 127.0.0.1/32 password
host all md5 127.0.0.1/32 md5
hostnossl all scram 127.0.0.1/32 scram-sha-256
hostssl all scram 127.0.0.1/32 scram-sha-256
hostssl all tlsonly 127.0.0.1/32 scram-sha-256
hostnossl all plainonly 127.0.0.1/32 scram-sha-256";
const PASSWORD: &str = "p\u{e4}ss\u{a0}w'ord";
const ROLES: &str = "SET password_encryption = md5;
CREATE ROLE md5 LOGIN REPLICATION PASSWORD U&'p\\00e4ss\\00a0w''ord';
SET password_encryption = 'scram-sha-256';
CREATE ROLE plain LOGIN REPLICATION PASSWORD U&'p\\00e4ss\\00a0w''ord';
CREATE ROLE scram LOGIN REPLICATION PASSWORD U&'p\\00e4ss\\00a0w''ord';
CREATE ROLE tlsonly LOGIN REPLICATION PASSWORD U&'p\\00e4ss\\00a0w''ord';
CREATE ROLE plainonly LOGIN REPLICATION PASSWORD U&'p\\00e4ss\\00a0w''ord';";

fn signal(pid: &str, signal: &str) {
    assert!(
        std::process::Command::new("kill")
            .args(["-s", signal, pid])
            .status()
            .unwrap()
            .success()
    );
}

/// A table `t` in a publication with a name that needs quotes.
fn prepare(postgres: &Postgres) {
    postgres.sql(
        "CREATE TABLE t (id int PRIMARY KEY, text text); ALTER TABLE t ALTER text SET STORAGE EXTERNAL; \
         CREATE PUBLICATION \"Pub's\" FOR ALL TABLES",
    );
}

fn open_stream(postgres: &Postgres) -> ReplicationStream {
    prepare(postgres);
    let mut connection = Connection::open(&postgres.config()).unwrap();
    let slot = connection.create_replication_slot("s", false).unwrap();
    connection
        .start_replication("s", slot.consistent_point, &["Pub's"], &[], 10 * SECOND)
        .unwrap()
}

fn resume_stream(postgres: &Postgres) -> ReplicationStream {
    start(&postgres.config(), &[]).unwrap()
}

fn start(
    config: &DatabaseConfig,
    parameters: &[(String, String)],
) -> Result<ReplicationStream, Error> {
    Connection::open(config)?.start_replication("s", Lsn::ZERO, &["Pub's"], parameters, 10 * SECOND)
}

fn next_insert(stream: &ReplicationStream) -> Lsn {
    loop {
        let batch = stream
            .recv_timeout(10 * SECOND)
            .unwrap()
            .expect("a change within ten seconds");
        for frame in batch.frames() {
            if let Frame::XLogData {
                data: [b'I', ..],
                wal_start,
                ..
            } = frame.unwrap()
            {
                return wal_start;
            }
        }
    }
}

fn count_inserts(stream: &ReplicationStream, expected: usize) -> usize {
    let mut count = 0;
    while count < expected {
        let batch = stream
            .recv_timeout(10 * SECOND)
            .unwrap()
            .expect("changes within ten seconds");
        count += batch
            .frames()
            .filter(|frame| {
                matches!(
                    frame,
                    Ok(Frame::XLogData {
                        data: [b'I', ..],
                        ..
                    })
                )
            })
            .count();
    }
    count
}

fn sql_session(config: &DatabaseConfig) -> Result<(), Error> {
    block_on(async {
        let client = client::connect(config, "walstreet test").await?;
        client
            .batch_execute("SELECT 1")
            .await
            .map_err(|error| Error::from_sql("select", error))
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Runs `sql` and keeps the session, until dropped.
fn block_on_forever(
    config: &DatabaseConfig,
    sql: &str,
) -> (tokio::runtime::Runtime, tokio_postgres::Client) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let client = runtime.block_on(async {
        let client = client::connect(config, "walstreet test").await.unwrap();
        client.batch_execute(sql).await.unwrap();
        client
    });
    (runtime, client)
}

fn unreachable_config() -> DatabaseConfig {
    DatabaseConfig {
        host: "127.0.0.1".to_owned(),
        port: 1,
        user: "nobody".to_owned(),
        password: None,
        dbname: "nothing".to_owned(),
        ssl_mode: SslMode::Prefer,
        ssl_root_cert: None,
        ssl_cert: None,
        ssl_key: None,
        ssl_password: None,
        tcp_keep_alive: true,
        connect_timeout: SECOND,
        initial_statements: Vec::new(),
        query_timeout: None,
    }
}

/// The server reads it as another user.
fn world_readable(dir: &Path, name: &str, bytes: &[u8]) -> String {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A certificate authority that exists only in a test.
struct Authority {
    certificate: X509,
    key: PKey<Private>,
    file: std::path::PathBuf,
    _dir: TempDir,
}

impl Authority {
    fn new() -> Self {
        let key = new_key();
        let certificate = sign("test authority", &key, None);
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("root.crt");
        fs::write(&file, certificate.to_pem().unwrap()).unwrap();
        Self {
            certificate,
            key,
            file,
            _dir: dir,
        }
    }

    /// Certificate and key for `name`, in PEM.
    fn issue(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let key = new_key();
        let certificate = sign(name, &key, Some(self));
        (
            certificate.to_pem().unwrap(),
            key.private_key_to_pem_pkcs8().unwrap(),
        )
    }
}

fn sign(name: &str, key: &PKey<Private>, authority: Option<&Authority>) -> X509 {
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(rand_serial())
        .unwrap()
        .to_asn1_integer()
        .unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(2).unwrap())
        .unwrap();
    builder.set_pubkey(key).unwrap();
    match authority {
        Some(authority) => {
            builder
                .set_issuer_name(authority.certificate.subject_name())
                .unwrap();
            let context = builder.x509v3_context(Some(&authority.certificate), None);
            let names = SubjectAlternativeName::new()
                .dns(name)
                .build(&context)
                .unwrap();
            builder.append_extension(names).unwrap();
            builder
                .sign(&authority.key, MessageDigest::sha256())
                .unwrap();
        }
        None => {
            builder.set_issuer_name(&subject).unwrap();
            builder
                .append_extension(BasicConstraints::new().critical().ca().build().unwrap())
                .unwrap();
            builder.sign(key, MessageDigest::sha256()).unwrap();
        }
    }
    builder.build()
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn rand_serial() -> u32 {
    let mut bytes = [0; 4];
    openssl::rand::rand_bytes(&mut bytes).unwrap();
    u32::from_be_bytes(bytes) >> 1
}
