//! Passwords, TLS, addresses, commands.

use super::*;

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
