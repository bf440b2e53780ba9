//! `walstreet decode` on what psql prints of a slot, and its built-in types against the catalog.

use std::process::{Command, Stdio};

use walstreet::cli::decode::builtin_types;
use walstreet::postgres::catalog_query::load_types;

use crate::support::database::Database;

/// As the help shows it, xid in between.
const PEEK: &str = "SELECT lsn, xid, encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('captured', NULL, NULL,
    'proto_version', '1', 'messages', 'true', 'publication_names', 'p')";

#[tokio::test]
async fn what_psql_prints_of_a_slot_becomes_records_in_every_format() {
    let database = Database::create();
    let client = database.connect().await;
    let setup =
        "CREATE TABLE t (id int PRIMARY KEY, name text); CREATE PUBLICATION p FOR ALL TABLES";
    client.batch_execute(setup).await.unwrap();
    let slot = "SELECT pg_create_logical_replication_slot('captured', 'pgoutput')";
    client.execute(slot, &[]).await.unwrap();
    let changes = "INSERT INTO t VALUES (1, 'a|b'); UPDATE t SET id = 2; DELETE FROM t; SELECT pg_logical_emit_message(true, 'note', 'hi')";
    for change in changes.split(';') {
        client.batch_execute(change).await.unwrap();
    }
    for format in [&["-A", "-t"][..], &["-A", "-F", "\t"], &["--csv"], &[]] {
        let captured = database.psql().args(format).args(["-c", PEEK]).output();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), captured.unwrap().stdout).unwrap();
        let decoded = Command::new(env!("CARGO_BIN_EXE_walstreet"))
            .arg("decode")
            .arg(file.path())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert_eq!(
            summary(&String::from_utf8(decoded.stdout).unwrap()),
            [
                r#"{"id":1} {"before":null,"after":{"id":1,"name":"a|b"}"#,
                r#"{"id":1} {"before":{"id":1,"name":null},"after":null __debezium.newkey={"id":2}"#,
                r#"{"id":1} null __debezium.newkey={"id":2}"#,
                r#"{"id":2} {"before":null,"after":{"id":2,"name":"a|b"} __debezium.oldkey={"id":1}"#,
                r#"{"id":2} {"before":{"id":2,"name":null},"after":null"#,
                r#"{"id":2} null"#,
                r#"{"prefix":"note"} {"prefix":"note","content":"aGk="}}"#,
            ],
            "{format:?}"
        );
    }
    let drop = "SELECT pg_drop_replication_slot('captured')";
    client.execute(drop, &[]).await.unwrap();
}

/// Key, the rows, header.
fn summary(decoded: &str) -> Vec<String> {
    let line = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns[0] == "decoded.message" {
            let (_, message) = columns[2].split_once(r#""message":"#).unwrap();
            return format!("{} {message}", columns[1]);
        }
        assert_eq!(columns[0], "decoded.public.t");
        let rows = columns[2].split(r#","source":"#).next().unwrap();
        let header = columns
            .get(3)
            .map_or(String::new(), |header| format!(" {header}"));
        format!("{} {rows}{header}", columns[1])
    };
    decoded.lines().map(line).collect()
}

#[tokio::test]
async fn built_in_types_are_those_of_the_catalog() {
    let database = Database::create();
    let catalog = load_types(&database.connect().await).await.unwrap();
    let builtin = builtin_types();
    let mut compared = 0;
    for oid in 1..10_000 {
        if let (Some(expected), Some(builtin)) = (catalog.get(oid), builtin.get(oid)) {
            assert_eq!(builtin, expected);
            compared += 1;
        } else {
            assert!(catalog.get(oid).is_none(), "{:?}", catalog.get(oid));
        }
    }
    assert!(compared > 150, "{compared}");
}
