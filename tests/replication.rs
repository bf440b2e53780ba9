//! Connections against a real server: logging in, commands, and the stream.

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

#[test]
fn every_password_method_logs_in_and_a_wrong_password_is_final() {
    let postgres = Postgres::start_with(&Options {
        hba: Some(HBA),
        ..Options::default()
    });
    postgres.sql(ROLES);
    Connection::open(&postgres.config()).unwrap().close();
    for role in ["plain", "md5", "scram"] {
        let good = DatabaseConfig {
            user: role.to_owned(),
            password: Some(PASSWORD.to_owned()),
            ..postgres.config()
        };
        let mut connection = Connection::open(&good).unwrap();
        assert_eq!(
            connection.simple_query("SELECT current_user").unwrap(),
            [[Some(role.to_owned())]]
        );
        sql_session(&good).unwrap();

        let wrong = DatabaseConfig {
            password: Some("wrong".to_owned()),
            ..good.clone()
        };
        for error in [
            Connection::open(&wrong).err().unwrap(),
            sql_session(&wrong).unwrap_err(),
        ] {
            assert_eq!(error.sqlstate(), Some("28P01"), "{role}: {error}");
            assert!(!error.is_retriable());
        }
        let error = Connection::open(&DatabaseConfig {
            password: None,
            ..good
        })
        .err()
        .unwrap();
        assert!(matches!(error, Error::Authentication { .. }), "{error}");
        assert!(!error.is_retriable());
    }
}

#[test]
fn a_unix_socket_is_reached_by_its_directory_and_never_encrypted() {
    let postgres = Postgres::start();
    let host = postgres.socket_dir().to_str().unwrap().to_owned();
    let config = DatabaseConfig {
        host,
        ssl_mode: SslMode::VerifyFull,
        ..postgres.config()
    };
    let mut connection = Connection::open(&config).unwrap();
    let rows = connection
        .simple_query("SELECT inet_client_addr() IS NULL")
        .unwrap();
    assert_eq!(rows, [[Some("t".to_owned())]]);
    sql_session(&config).unwrap();
}

#[test]
fn settings_of_the_role_do_not_change_how_values_look() {
    let postgres = Postgres::start();
    for setting in [
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "timezone = 'Asia/Tokyo'",
        "extra_float_digits = -15",
        "client_encoding = 'LATIN1'",
    ] {
        postgres.sql(&format!("ALTER ROLE postgres SET {setting}"));
    }
    let select = "SELECT timestamptz '2024-02-03 04:05:06+00' || ' ' || interval '1 day 2 hours' || ' ' \
                  || bytea '\\xff00' || ' ' || 0.1::float8 + 0.2::float8 || ' ' || current_setting('client_encoding')";
    let expected = "2024-02-03 04:05:06+00 1 day 02:00:00 \\xff00 0.30000000000000004 UTF8";
    let select = select.replace("0.1::float8 + 0.2::float8", "(0.1::float8 + 0.2::float8)");
    let mut connection = Connection::open(&postgres.config()).unwrap();
    assert_eq!(
        connection.simple_query(&select).unwrap(),
        [[Some(expected.to_owned())]]
    );
    let config = DatabaseConfig {
        query_timeout: Some(7 * SECOND),
        initial_statements: vec!["SET search_path = 'nowhere'".to_owned()],
        ..postgres.config()
    };
    let select = format!(
        "{select} || current_setting('statement_timeout') || current_setting('search_path')"
    );
    let found: String = block_on(async {
        let client = client::connect(&config, "walstreet test").await.unwrap();
        client.query_one(&select, &[]).await.unwrap().get(0)
    });
    assert_eq!(found, format!("{expected}7snowhere"));
}

/// A server for `localhost`, whose certificate the authority signed, and a log-in by SCRAM that verifies everything.
fn start_with_tls(authority: &Authority) -> (Postgres, DatabaseConfig) {
    let tls = Some(authority.issue("localhost"));
    let postgres = Postgres::start_with(&Options {
        hba: Some(HBA),
        tls,
        ..Options::default()
    });
    postgres.sql(ROLES);
    let config = DatabaseConfig {
        host: "localhost".to_owned(),
        user: "scram".to_owned(),
        password: Some(PASSWORD.to_owned()),
        ssl_mode: SslMode::VerifyFull,
        ssl_root_cert: Some(authority.file.clone()),
        ..postgres.config()
    };
    (postgres, config)
}

#[test]
fn tls_is_verified_as_libpq_does() {
    let authority = Authority::new();
    let (_postgres, good) = start_with_tls(&authority);
    let mut connection = Connection::open(&good).unwrap();
    assert!(connection.is_encrypted());
    assert_eq!(
        connection.identify_system().unwrap().dbname.as_deref(),
        Some("postgres")
    );
    sql_session(&good).unwrap();

    // The certificate is for another name: only verify-full minds.
    let by_address = DatabaseConfig {
        host: "127.0.0.1".to_owned(),
        ..good.clone()
    };
    let error = Connection::open(&by_address).err().unwrap();
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
    assert!(!error.is_retriable());
    let error = sql_session(&by_address).unwrap_err();
    assert!(
        matches!(error, Error::Tls { .. }) && !error.is_retriable(),
        "{error}"
    );
    let verify_ca = DatabaseConfig {
        ssl_mode: SslMode::VerifyCa,
        ..by_address
    };
    assert!(Connection::open(&verify_ca).unwrap().is_encrypted());
    sql_session(&verify_ca).unwrap();

    // A chain that ends elsewhere is refused in every mode that demands TLS, once a root is given.
    let stranger = Authority::new();
    for ssl_mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let config = DatabaseConfig {
            ssl_mode,
            ssl_root_cert: Some(stranger.file.clone()),
            ..good.clone()
        };
        assert!(matches!(
            Connection::open(&config),
            Err(Error::Certificate { .. })
        ));
        assert!(matches!(sql_session(&config), Err(Error::Tls { .. })));
    }
    let config = DatabaseConfig {
        ssl_root_cert: Some("/nonexistent/root.crt".into()),
        ..good.clone()
    };
    assert!(matches!(
        Connection::open(&config),
        Err(Error::TlsFile {
            property: "database.sslrootcert",
            ..
        })
    ));

    // Without a root, require only encrypts.
    let config = DatabaseConfig {
        ssl_mode: SslMode::Require,
        ssl_root_cert: None,
        ..good.clone()
    };
    assert!(Connection::open(&config).unwrap().is_encrypted());
}

#[test]
fn allow_and_prefer_try_both_ways() {
    let authority = Authority::new();
    let (_postgres, good) = start_with_tls(&authority);
    for (ssl_mode, role, encrypted) in [
        (SslMode::Allow, "scram", false),
        (SslMode::Allow, "tlsonly", true),
        (SslMode::Prefer, "scram", true),
        (SslMode::Prefer, "plainonly", false),
        (SslMode::Disable, "scram", false),
    ] {
        let config = DatabaseConfig {
            ssl_mode,
            user: role.to_owned(),
            ssl_root_cert: None,
            ..good.clone()
        };
        assert_eq!(
            Connection::open(&config).unwrap().is_encrypted(),
            encrypted,
            "{ssl_mode:?} {role}"
        );
        sql_session(&config).unwrap();
        let wrong = DatabaseConfig {
            password: Some("wrong".to_owned()),
            ..config
        };
        for error in [
            Connection::open(&wrong).err().unwrap(),
            sql_session(&wrong).unwrap_err(),
        ] {
            assert!(
                matches!(error.sqlstate(), Some("28P01" | "28000")),
                "{error}"
            );
        }
    }
    // A certificate that is not to be trusted is as good as none.
    let stranger = Authority::new();
    let fallback = DatabaseConfig {
        ssl_mode: SslMode::Prefer,
        ssl_root_cert: Some(stranger.file.clone()),
        ..good
    };
    assert!(!Connection::open(&fallback).unwrap().is_encrypted());
    sql_session(&fallback).unwrap();
}

#[test]
fn someone_between_us_and_the_server_is_found_out_by_channel_binding() {
    let authority = Authority::new();
    let tls = Some(authority.issue("localhost"));
    let postgres = Postgres::start_with(&Options {
        hba: Some(HBA),
        tls,
        ..Options::default()
    });
    postgres.sql(ROLES);
    let (certificate, key) = authority.issue("localhost");
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor
        .set_certificate(&X509::from_pem(&certificate).unwrap())
        .unwrap();
    acceptor
        .set_private_key(&PKey::private_key_from_pem(&key).unwrap())
        .unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, server_port) = (listener.local_addr().unwrap().port(), postgres.port());
    let between = thread::spawn(move || {
        for _ in 0..2 {
            relay(listener.accept().unwrap().0, &acceptor, server_port);
        }
    });
    let password = Some(PASSWORD.to_owned());
    let config = DatabaseConfig {
        ssl_mode: SslMode::Require,
        port,
        password,
        ..postgres.config()
    };
    // A clear text password does not notice.
    Connection::open(&DatabaseConfig {
        user: "plain".to_owned(),
        ..config.clone()
    })
    .unwrap()
    .close();
    let error = Connection::open(&DatabaseConfig {
        user: "scram".to_owned(),
        ..config
    })
    .err()
    .unwrap();
    assert!(error.to_string().contains("channel binding"), "{error}");
    assert!(!error.is_retriable());
    between.join().unwrap();
}

/// Ends TLS here, and passes on what the client and the server say in turn.
fn relay(mut client: TcpStream, acceptor: &SslAcceptor, server_port: u16) {
    let mut request = [0; 8];
    client.read_exact(&mut request).unwrap();
    client.write_all(b"S").unwrap();
    let mut client = acceptor.accept(client).unwrap();
    let mut server = TcpStream::connect(("127.0.0.1", server_port)).unwrap();
    server.write_all(&request).unwrap();
    server.read_exact(&mut [0]).unwrap();
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    let mut server = connector.build().connect("localhost", server).unwrap();
    let mut said = [0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = client.read(&mut said) else {
            return;
        };
        server.write_all(&said[..count]).unwrap();
        let Ok(count @ 1..) = server.read(&mut said) else {
            return;
        };
        client.write_all(&said[..count]).unwrap();
    }
}

#[test]
fn client_certificates_come_as_pem_or_der_with_or_without_password() {
    let authority = Authority::new();
    let tls = Some(authority.issue("localhost"));
    let hba = "hostssl all all 127.0.0.1/32 cert";
    let root = fs::read_to_string(&authority.file).unwrap();
    let dir = TempDir::new().unwrap();
    let postgres = Postgres::start_with(&Options {
        hba: Some(hba),
        tls,
        settings: &[&format!(
            "ssl_ca_file = '{}'",
            world_readable(dir.path(), "ca.crt", root.as_bytes())
        )],
    });
    let (certificate, key) = authority.issue("postgres");
    let key = PKey::private_key_from_pem(&key).unwrap();
    let cipher = openssl::symm::Cipher::aes_256_cbc;
    let x509 = X509::from_pem(&certificate).unwrap();
    let pkcs12 = openssl::pkcs12::Pkcs12::builder()
        .pkey(&key)
        .cert(&x509)
        .name("me")
        .build2("secret")
        .unwrap();
    let keys = [
        ("plain.pem", key.private_key_to_pem_pkcs8().unwrap()),
        (
            "secret.pem",
            key.private_key_to_pem_pkcs8_passphrase(cipher(), b"secret")
                .unwrap(),
        ),
        ("plain.pk8", key.private_key_to_pkcs8().unwrap()),
        (
            "secret.pk8",
            key.private_key_to_pkcs8_passphrase(cipher(), b"secret")
                .unwrap(),
        ),
        ("secret.p12", pkcs12.to_der().unwrap()),
    ];
    let ssl_cert = Some(world_readable(dir.path(), "client.crt", &certificate).into());
    let config = DatabaseConfig {
        ssl_mode: SslMode::Require,
        ssl_cert,
        ..postgres.config()
    };
    for (name, bytes) in keys {
        let ssl_key = Some(world_readable(dir.path(), name, &bytes).into());
        let config = DatabaseConfig {
            ssl_key,
            ssl_password: Some("secret".to_owned()),
            ..config.clone()
        };
        assert!(Connection::open(&config).unwrap().is_encrypted(), "{name}");
        sql_session(&config).unwrap();
        if name.starts_with("secret") {
            let wrong = DatabaseConfig {
                ssl_password: Some("wrong".to_owned()),
                ..config
            };
            assert!(matches!(
                Connection::open(&wrong),
                Err(Error::TlsFile {
                    property: "database.sslkey",
                    ..
                })
            ));
        }
    }
    assert!(matches!(Connection::open(&config), Err(error) if !error.is_retriable()));
}

#[test]
fn a_server_that_is_not_there_or_says_nothing_is_retriable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let postgres_less = |port| DatabaseConfig {
        connect_timeout: SECOND / 2,
        port,
        ..unreachable_config()
    };
    let silent = postgres_less(listener.local_addr().unwrap().port());
    let error = Connection::open(&silent).err().unwrap();
    assert!(
        matches!(error, Error::Silent { .. }) && error.is_retriable(),
        "{error}"
    );
    drop(listener);
    for error in [
        Connection::open(&silent).err().unwrap(),
        sql_session(&silent).unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::Connect { .. }) && error.is_retriable(),
            "{error}"
        );
    }
}

#[test]
fn commands_answer_and_an_error_leaves_the_connection_usable() {
    let postgres = Postgres::start();
    let mut connection = Connection::open(&postgres.config()).unwrap();
    assert_eq!(
        connection.server_version().to_string(),
        postgres.sql("SHOW server_version_num")
    );
    let identity = connection.identify_system().unwrap();
    assert_eq!(
        identity.system_id,
        postgres.sql("SELECT system_identifier FROM pg_control_system()")
    );
    assert_eq!(identity.timeline, 1);

    let slot = connection.create_replication_slot("it_s", true).unwrap();
    let confirmed = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'it_s'";
    assert_eq!(slot.consistent_point.to_string(), postgres.sql(confirmed));
    // The exported snapshot is there as long as the connection runs no other command.
    postgres.sql("CREATE TABLE later (id int)");
    let snapshot = slot.snapshot_name.unwrap();
    let import = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{snapshot}'; SELECT 1"
    );
    assert_eq!(postgres.sql(&import), "1");

    let error = connection
        .create_replication_slot("it_s", false)
        .unwrap_err();
    assert_eq!(error.sqlstate(), Some("42710"), "{error}");
    connection.drop_replication_slot("it_s").unwrap();
    assert_eq!(
        postgres.sql("SELECT count(*) FROM pg_replication_slots"),
        "0"
    );
    assert_eq!(
        connection
            .drop_replication_slot("it_s")
            .unwrap_err()
            .sqlstate(),
        Some("42704")
    );
}

#[test]
fn a_command_that_takes_too_long_is_cancelled_and_can_be_tried_again() {
    let postgres = Postgres::start();
    let mut connection = Connection::open(&postgres.config()).unwrap();
    connection.set_command_timeout(SECOND / 2);
    // A slot cannot be created before transactions that are already writing have ended.
    let holder = block_on_forever(&postgres.config(), "BEGIN; CREATE TABLE t (id int)");
    let error = connection.create_replication_slot("s", false).unwrap_err();
    assert_eq!(error.sqlstate(), Some("57014"), "{error}");
    assert!(error.is_retriable());
    drop(holder);
    connection.set_command_timeout(30 * SECOND);
    connection.create_replication_slot("s", false).unwrap();
}

#[test]
fn the_stream_delivers_changes_and_confirming_moves_the_slot() {
    let postgres = Postgres::start();
    let stream = open_stream(&postgres);
    // Rows beyond one buffer, in all sizes.
    postgres
        .sql("INSERT INTO t SELECT i, repeat('x', i * 997 % 20000) FROM generate_series(1, 300) i");
    postgres.sql("INSERT INTO t VALUES (0, repeat('y', 3000000))");
    let mut inserts = Vec::new();
    let mut end = Lsn::ZERO;
    while inserts.len() < 301 || end == Lsn::ZERO {
        let batch = stream
            .recv_timeout(10 * SECOND)
            .unwrap()
            .expect("changes within ten seconds");
        for frame in batch.frames() {
            match frame.unwrap() {
                Frame::XLogData {
                    data: [b'I', ..],
                    wal_start,
                    ..
                } => inserts.push(wal_start),
                Frame::XLogData {
                    data: [b'C', commit @ ..],
                    ..
                } if inserts.len() == 301 => {
                    end = Lsn(u64::from_be_bytes(commit[9..17].try_into().unwrap()));
                }
                Frame::XLogData { .. } | Frame::Keepalive { .. } => {}
            }
        }
    }
    assert!(inserts.is_sorted());
    let confirmed = "SELECT confirmed_flush_lsn FROM pg_replication_slots";
    let asked_at = Instant::now();
    stream.confirm(end);
    stream.confirm(Lsn(1));
    postgres.wait_for(confirmed, &end.to_string());
    assert!(asked_at.elapsed() < 2 * SECOND, "{:?}", asked_at.elapsed());

    // The next stream starts behind it.
    stream.stop().unwrap();
    postgres.wait_for("SELECT active FROM pg_replication_slots", "f");
    let stream = resume_stream(&postgres);
    postgres.sql("INSERT INTO t VALUES (-1, 'z')");
    assert!(next_insert(&stream) >= end);
}

#[test]
fn stopping_reports_the_last_position_and_frees_the_slot() {
    let postgres = Postgres::start();
    let stream = open_stream(&postgres);
    postgres.sql("INSERT INTO t VALUES (1, 'x')");
    let insert = next_insert(&stream);
    stream.confirm(insert);
    stream.stop().unwrap();
    assert_eq!(
        postgres.sql("SELECT confirmed_flush_lsn, active FROM pg_replication_slots"),
        format!("{insert}|f")
    );
    assert!(
        !postgres.log().contains("unexpected EOF"),
        "{}",
        postgres.log()
    );
}

#[test]
fn a_dropped_stream_frees_the_slot() {
    let postgres = Postgres::start();
    drop(open_stream(&postgres));
    postgres.wait_for("SELECT active FROM pg_replication_slots", "f");
}

#[test]
fn the_server_is_kept_content_while_the_consumer_sleeps() {
    let postgres = Postgres::start_with(&Options {
        settings: &["wal_sender_timeout = 1s"],
        ..Options::default()
    });
    let stream = open_stream(&postgres);
    // More than all buffers hold, so that the reader is stuck too.
    postgres.sql("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i");
    thread::sleep(4 * SECOND);
    assert_eq!(count_inserts(&stream, 20_000), 20_000);
    // And while there is nothing to read.
    thread::sleep(3 * SECOND);
    postgres.sql("INSERT INTO t VALUES (0, 'y')");
    next_insert(&stream);
    assert!(
        !postgres.log().contains("terminating walsender"),
        "{}",
        postgres.log()
    );
}

#[test]
fn a_stream_over_tls_delivers_and_confirms_as_well() {
    let authority = Authority::new();
    let tls = Some(authority.issue("localhost"));
    let postgres = Postgres::start_with(&Options {
        tls,
        ..Options::default()
    });
    prepare(&postgres);
    let config = DatabaseConfig {
        ssl_mode: SslMode::Require,
        ..postgres.config()
    };
    let mut connection = Connection::open(&config).unwrap();
    connection.create_replication_slot("s", false).unwrap();
    let stream = connection
        .start_replication("s", Lsn::ZERO, &["Pub's"], &[], 10 * SECOND)
        .unwrap();
    postgres.sql(
        "INSERT INTO t SELECT i, repeat('x', i * 997 % 20000) FROM generate_series(1, 1000) i",
    );
    assert_eq!(count_inserts(&stream, 1000), 1000);
    postgres.sql("INSERT INTO t VALUES (0, 'y')");
    let insert = next_insert(&stream);
    stream.confirm(insert);
    postgres.wait_for(
        "SELECT confirmed_flush_lsn FROM pg_replication_slots",
        &insert.to_string(),
    );
    stream.stop().unwrap();
    postgres.wait_for("SELECT active FROM pg_replication_slots", "f");
}

#[test]
fn a_fast_shutdown_ends_promptly_when_the_consumer_confirms_keepalives() {
    let mut postgres = Postgres::start();
    let stream = open_stream(&postgres);
    postgres.sql("INSERT INTO t VALUES (1, 'x')");
    next_insert(&stream);
    postgres.begin_fast_shutdown();
    let asked_at = Instant::now();
    let error = loop {
        match stream.recv_timeout(SECOND) {
            Ok(Some(batch)) => {
                for frame in batch.frames() {
                    if let Frame::Keepalive { wal_end, .. } = frame.unwrap() {
                        stream.confirm(wal_end);
                    }
                }
            }
            Ok(None) => assert!(
                asked_at.elapsed() < 20 * SECOND,
                "the server does not end the stream"
            ),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::StreamEnded), "{error}");
    assert!(error.is_retriable());
    assert!(matches!(
        stream.recv_timeout(SECOND),
        Err(Error::Closed { .. })
    ));
    assert!(postgres.wait_until_stopped().success());
    assert!(asked_at.elapsed() < 5 * SECOND, "{:?}", asked_at.elapsed());
}

#[test]
fn errors_of_the_server_keep_their_code() {
    let postgres = Postgres::start();
    let stream = open_stream(&postgres);
    let error = start(&postgres.config(), &[]).err().unwrap();
    assert_eq!(error.sqlstate(), Some("55006"), "{error}");
    assert!(error.is_retriable());

    postgres.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
    let error = loop {
        match stream.recv_timeout(10 * SECOND) {
            Ok(batch) => drop(batch.expect("an end within ten seconds")),
            Err(error) => break error,
        }
    };
    assert_eq!(error.sqlstate(), Some("57P01"), "{error}");
    assert!(error.is_retriable());

    postgres.wait_for("SELECT active FROM pg_replication_slots", "f");
    let unknown = [("no_such_option".to_owned(), "1".to_owned())];
    let error = start(&postgres.config(), &unknown).err().unwrap();
    assert!(
        error.to_string().contains("no_such_option") && !error.is_retriable(),
        "{error}"
    );
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let postgres = Postgres::start_with(&Options {
        settings: &["wal_sender_timeout = 1s"],
        ..Options::default()
    });
    let stream = open_stream(&postgres);
    let pid = postgres.sql("SELECT active_pid FROM pg_replication_slots");
    signal(&pid, "STOP");
    let stopped_at = Instant::now();
    let error = loop {
        match stream.recv_timeout(10 * SECOND) {
            Ok(batch) => drop(batch.expect("an end within ten seconds")),
            Err(error) => break error,
        }
    };
    signal(&pid, "CONT");
    assert!(
        matches!(error, Error::Silent { .. }) && error.is_retriable(),
        "{error}"
    );
    assert!(
        stopped_at.elapsed() < 4 * SECOND,
        "{:?}",
        stopped_at.elapsed()
    );
}

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
