//! What the start asks the server, and tables that Debezium does not start with.

use super::Stage;
use crate::support::eventually;

const CASED: &str = "srv.shop.cased";

#[test]
fn the_types_of_the_server_are_read_once_however_many_tables_there_are() {
    let mut stage = Stage::set(&[("srv.shop.a", 1), ("srv.shop.b", 1)]);
    stage.numbers.sql(
        "CREATE TYPE shop.mood AS ENUM ('good'); CREATE TABLE shop.a (m shop.mood); CREATE TABLE shop.b (m shop.mood)",
    );
    let name = stage.database.config().dbname;
    stage
        .numbers
        .sql(&format!("ALTER DATABASE {name} SET log_statement = 'all'"));
    let running = stage.connector.start_streaming();
    stage
        .numbers
        .sql("INSERT INTO shop.a VALUES ('good'); INSERT INTO shop.b VALUES ('good')");
    eventually(
        || "a row of each table".to_owned(),
        || {
            let count = |topic| stage.broker.count(topic);
            (count("srv.shop.a") == 1 && count("srv.shop.b") == 1).then_some(())
        },
    );
    running.terminate().expect(0, &["stopping"]);
    let log = stage.database.server().log();
    let queries = log
        .lines()
        .filter(|line| line.contains("coalesce(own.relkind, 'c') = 'c'"));
    assert_eq!(queries.count(), 1, "{log}");
}

/// Debezium refuses such a table and stops, in the snapshot and in the stream.
#[test]
fn columns_that_differ_only_in_case_are_columns_of_their_own() {
    let mut stage = Stage::set(&[(CASED, 1)]);
    stage.numbers.sql(
        r#"CREATE TABLE shop.cased (id int PRIMARY KEY, v text, "V" text); INSERT INTO shop.cased VALUES (1, 'a', 'A')"#,
    );
    let running = stage.connector.start_streaming();
    stage
        .numbers
        .sql("INSERT INTO shop.cased VALUES (2, 'b', 'B')");
    let mut records = Vec::new();
    eventually(
        || "both rows".to_owned(),
        || {
            records.extend(stage.broker.new_records(CASED));
            (records.len() == 2).then_some(())
        },
    );
    let rows: Vec<_> = records
        .iter()
        .map(|record| record.json()["after"].to_string())
        .collect();
    assert_eq!(
        rows,
        [r#"{"id":1,"v":"a","V":"A"}"#, r#"{"id":2,"v":"b","V":"B"}"#]
    );
    running.terminate().expect(0, &["stopping"]);
}

#[test]
fn the_slots_xmin_is_fetched_again_when_its_interval_is_over() {
    let mut stage = Stage::set(&[("srv.shop.seen", 1)]);
    stage
        .numbers
        .sql("CREATE TABLE shop.seen (id serial PRIMARY KEY)");
    stage
        .connector
        .set("xmin.fetch.interval.ms", "50")
        .set("status.update.interval.ms", "50");
    let running = stage.connector.start_streaming();
    let mut shown = Vec::new();
    eventually(
        || "a record with a newer xmin than the first one's".to_owned(),
        || {
            // A checkpoint lists the running transactions; the slot's xmin moves on when that is confirmed.
            stage.numbers.sql("INSERT INTO shop.seen DEFAULT VALUES");
            stage.numbers.sql("CHECKPOINT");
            let records = stage.broker.new_records("srv.shop.seen");
            shown.extend(records.iter().map(|record| {
                let xmin = &record.json()["source"]["xmin"];
                xmin.as_i64().expect("every record has one")
            }));
            (shown.first() < shown.last()).then_some(())
        },
    );
    assert!(shown.is_sorted(), "{shown:?}");
    running.terminate().expect(0, &["stopping"]);
}
