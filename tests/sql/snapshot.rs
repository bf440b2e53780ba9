//! Snapshots of a real server, compared with what a plain SELECT gives.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Instant;

use tokio_postgres::Client;
use walstreet::change::SnapshotMarker;
use walstreet::postgres::catalog_query::load_table;
use walstreet::postgres::pgoutput::{Cell, Tuple};
use walstreet::snapshot::{Error, RowBatch, Session, TableRead, batch};

use crate::support::database::Database;

type Cells = Vec<Option<String>>;

fn cells(column_count: u16, bytes: &[u8]) -> Cells {
    let text = |cell| match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(String::from_utf8(text.to_vec()).unwrap()),
        Cell::UnchangedToast | Cell::Binary(_) => panic!("{cell:?} in a snapshot"),
    };
    Tuple::new(column_count, bytes)
        .unwrap()
        .cells()
        .map(text)
        .collect()
}

async fn table(client: &Client, name: &str) -> TableRead {
    let found = load_table(client, "public", name).await.unwrap().unwrap();
    TableRead::new(&found.table, |column| column != "excluded")
}

async fn read(session: &Session, tables: &[TableRead]) -> Vec<(usize, Cells, SnapshotMarker)> {
    let (mut sender, mut receiver) = batch::channel();
    let reading = async {
        let counts = session.read(tables, &mut sender).await.unwrap();
        drop(sender);
        counts
    };
    let taking =
        async {
            let mut rows = Vec::new();
            while let Some(batch) = receiver.recv().await {
                rows.extend(batch.rows().map(|(row, marker)| {
                    (batch.table(), cells(batch.column_count(), row), marker)
                }));
                receiver.recycle(batch);
            }
            rows
        };
    let (counts, rows) = tokio::join!(reading, taking);
    assert_eq!(
        counts.iter().sum::<u64>(),
        u64::try_from(rows.len()).unwrap()
    );
    rows
}

#[tokio::test]
async fn odd_texts_arrive_as_a_select_gives_them_under_forced_settings() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            r#"CREATE TABLE "odd" (id int, "a b" text, excluded text, "q""c" text, b bytea, ts timestamptz, d date, i interval,
                   f float8, g int GENERATED ALWAYS AS (id * 2) STORED);
               INSERT INTO odd VALUES
                   (1, E'tab\tnew\nline\rback\\slash\b\f\v', 'x', '\N', '\x00ff5c', '2020-01-02 03:04:05.678+00', '2020-02-01',
                    '1 year 2 mons 3 days 04:05:06', 0.1),
                   (2, '', 'x', NULL, '', 'infinity', '-infinity', '-1 day', 'NaN'),
                   (3, '\.', 'x', 'üñ日本😀', NULL, '0001-01-01 00:00:00 BC', '4713-01-01 BC', '0', 1e300),
                   (4, E'\\N', 'x', E'\t', '\x09', NULL, NULL, NULL, NULL)"#,
        )
        .await
        .unwrap();
    let session = Session::begin(database.connect().await, None)
        .await
        .unwrap();
    let rows = read(&session, &[table(&client, "odd").await]).await;
    client
        .batch_execute(
            "SET TimeZone TO 'UTC'; SET DateStyle TO ISO; SET IntervalStyle TO postgres; SET bytea_output TO hex;
             SET extra_float_digits TO 3",
        )
        .await
        .unwrap();
    let expected: Vec<Cells> = client
        .query(
            r#"SELECT id::text, "a b", "q""c", b::text, ts::text, d::text, i::text, f::text, g::text FROM odd"#,
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| (0..row.len()).map(|column| row.get(column)).collect())
        .collect();
    assert_eq!(expected.len(), 4);
    let seen: Vec<Cells> = rows.into_iter().map(|(_, cells, _)| cells).collect();
    assert_eq!(seen, expected);
    session
        .end()
        .await
        .unwrap()
        .batch_execute("CREATE TABLE after ()")
        .await
        .unwrap();
}

#[tokio::test]
async fn tables_without_columns_or_rows_parents_and_partitions_are_read_in_order() {
    use SnapshotMarker::{First, FirstInDataCollection, Last, LastInDataCollection, True};
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE bare (); INSERT INTO bare SELECT FROM generate_series(1, 3);
             CREATE TABLE hidden (excluded int); INSERT INTO hidden VALUES (1);
             CREATE TABLE root (id int) PARTITION BY RANGE (id);
             CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
             INSERT INTO root VALUES (1), (2);
             CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (7);
             CREATE TABLE vacant (id int)",
        )
        .await
        .unwrap();
    let mut tables = Vec::new();
    for name in [
        "bare", "hidden", "root", "leaf", "vacant", "parent", "child", "vacant",
    ] {
        tables.push(table(&client, name).await);
    }
    let session = Session::begin(database.connect().await, None)
        .await
        .unwrap();
    let one = |text: &str| vec![Some(text.to_owned())];
    assert_eq!(
        read(&session, &tables).await,
        [
            (0, Vec::new(), First),
            (0, Vec::new(), True),
            (0, Vec::new(), LastInDataCollection),
            (1, Vec::new(), LastInDataCollection),
            (2, one("1"), FirstInDataCollection),
            (2, one("2"), LastInDataCollection),
            (3, one("1"), FirstInDataCollection),
            (3, one("2"), LastInDataCollection),
            (5, one("7"), LastInDataCollection),
            (6, one("7"), Last),
        ]
    );
}

#[tokio::test]
async fn rows_committed_after_the_slot_was_created_are_not_in_its_snapshot() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    let mut psql = database.replication_psql();
    let mut psql = psql
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut commands = psql.stdin.take().unwrap();
    let slot = format!("snapshot_of_{}", database.name);
    writeln!(
        commands,
        "CREATE_REPLICATION_SLOT \"{slot}\" LOGICAL pgoutput;"
    )
    .unwrap();
    let mut answer = String::new();
    BufReader::new(psql.stdout.take().unwrap())
        .read_line(&mut answer)
        .unwrap();
    let fields: Vec<&str> = answer.trim_end().split('|').collect();
    client
        .batch_execute("INSERT INTO t VALUES (2); UPDATE t SET id = 10 WHERE id = 1")
        .await
        .unwrap();

    let session = Session::begin(database.connect().await, Some(fields[2]))
        .await
        .unwrap();
    let rows = read(&session, &[table(&client, "t").await]).await;
    assert_eq!(
        rows,
        [(0, vec![Some("1".to_owned())], SnapshotMarker::Last)]
    );
    let start = session.start();
    assert!(start.lsn >= fields[1].parse().unwrap());
    assert!(start.xid > 0);
    let now: i64 = client
        .query_one("SELECT (extract(epoch FROM now()) * 1000000)::int8", &[])
        .await
        .unwrap()
        .get(0);
    assert!((0..60_000_000).contains(&(now - start.taken_at.unix_us())));
    session.end().await.unwrap();

    drop(commands);
    psql.wait().unwrap();
    let gone = Session::begin(database.connect().await, Some(fields[2]))
        .await
        .unwrap_err();
    assert!(
        matches!(&gone, Error::Import { snapshot, .. } if snapshot == fields[2]),
        "{gone}"
    );
    client
        .batch_execute(&format!("SELECT pg_drop_replication_slot('{slot}')"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_broken_connection_is_retriable_and_a_receiver_that_leaves_is_not() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE big AS SELECT repeat('x', 1000) AS v FROM generate_series(1, 20000)",
        )
        .await
        .unwrap();
    let big = [table(&client, "big").await];
    let session = Session::begin(database.connect().await, None)
        .await
        .unwrap();
    let pid: i32 = session
        .client()
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let (mut sender, mut receiver) = batch::channel();
    let broken = async {
        let result = session.read(&big, &mut sender).await;
        drop(sender);
        result
    };
    let breaking = async {
        let first = receiver.recv().await.unwrap();
        client
            .query_one("SELECT pg_terminate_backend($1)", &[&pid])
            .await
            .unwrap();
        let mut last: Option<RowBatch> = Some(first);
        while let Some(batch) = receiver.recv().await {
            last = Some(batch);
        }
        last.unwrap().rows().last().unwrap().1
    };
    let (result, last_marker) = tokio::join!(broken, breaking);
    assert!(result.unwrap_err().is_retriable());
    assert_ne!(last_marker, SnapshotMarker::Last);

    let session = Session::begin(database.connect().await, None)
        .await
        .unwrap();
    let (mut sender, receiver) = batch::channel();
    drop(receiver);
    let error = session.read(&big, &mut sender).await.unwrap_err();
    assert!(matches!(error, Error::Abandoned { .. }) && !error.is_retriable());
}

/// `cargo test --release -- --ignored --nocapture reading_speed`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn reading_speed_of_a_million_rows() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE transactions (id bigint PRIMARY KEY, account bigint, reference uuid, amount numeric(18,4),
                 currency char(3), status text, note text, at timestamptz, day date, settled bool, rate float8, details jsonb);
             INSERT INTO transactions SELECT i, i * 7, md5(i::text)::uuid, i * 1.2345, 'EUR', 'pending',
                 'payment number ' || i, '2024-01-01 00:00:00+00'::timestamptz + i * interval '1.234567 s', '2024-01-01',
                 i % 2 = 0, i / 3.0, jsonb_build_object('n', i, 'channel', 'web', 'tags', '[\"a\", \"b\"]'::jsonb)
             FROM generate_series(1, 1000000) i;
             ANALYZE transactions",
        )
        .await
        .unwrap();
    client.batch_execute("VACUUM transactions").await.unwrap();
    let tables = [table(&client, "transactions").await];
    for _ in 0..3 {
        let session = Session::begin(database.connect().await, None)
            .await
            .unwrap();
        let (mut sender, mut receiver) = batch::channel();
        let tables = tables.clone();
        let started = Instant::now();
        let reading =
            tokio::spawn(async move { session.read(&tables, &mut sender).await.unwrap() });
        let (mut rows, mut bytes) = (0, 0);
        while let Some(batch) = receiver.recv().await {
            rows += batch.row_count();
            bytes += batch.rows().map(|(row, _)| row.len()).sum::<usize>();
            receiver.recycle(batch);
        }
        assert_eq!(reading.await.unwrap(), [1_000_000]);
        println!("{rows} rows, {bytes} bytes in {:?}", started.elapsed());
    }
}
