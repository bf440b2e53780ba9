//! The stream: delivery, confirmation, stop, shutdown, silence.

use super::*;

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
