//! `walstreet check` as a user runs it.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::kafka::Broker;

struct Checked {
    exit: Option<i32>,
    findings: Vec<Value>,
}

impl Checked {
    fn texts(&self, status: &str) -> Vec<&str> {
        let is_so = |finding: &&Value| finding["status"] == status;
        let findings = self.findings.iter().filter(is_so);
        findings
            .map(|finding| finding["text"].as_str().unwrap())
            .collect()
    }

    fn remedies(&self, status: &str) -> Vec<&str> {
        let is_so = |finding: &&Value| finding["status"] == status;
        let lists = self
            .findings
            .iter()
            .filter(is_so)
            .filter_map(|finding| finding["remedy"].as_array());
        lists
            .flatten()
            .map(|remedy| remedy.as_str().unwrap())
            .collect()
    }
}

/// Runs the check of a connector that captures the schema `shop` as `user`.
fn run(database: &Database, user: &str, arguments: &[&str]) -> Output {
    let config = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "name": "shop",
        "plugin.name": "pgoutput",
        "topic.prefix": "srv",
        "database.hostname": database.server().socket_dir(),
        "database.port": database.server().port(),
        "database.user": user,
        "database.password": "unused",
        "database.dbname": database.name,
        "slot.name": format!("slot_{}", database.name),
        "publication.autocreate.mode": "disabled",
        "schema.include.list": "shop",
        "table.include.list": "shop\\.orders,shop\\.custmers,shop\\.Up\\.per",
    });
    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    std::fs::write(file.path(), config.to_string()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_walstreet"))
        .arg("check")
        .arg(file.path())
        .args(arguments)
        .env_remove("BOOTSTRAP_SERVERS")
        .output()
        .unwrap()
}

fn check(database: &Database, user: &str, arguments: &[&str]) -> Checked {
    let output = run(database, user, &[&["--json"], arguments].concat());
    let findings = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    Checked {
        exit: output.status.code(),
        findings,
    }
}

#[tokio::test]
async fn running_the_sql_that_is_printed_makes_the_check_pass() {
    let database = Database::create();
    let admin = database.connect().await;
    let user = format!("Checker_{}", database.name);
    admin
        .batch_execute(&format!(
            "DROP ROLE IF EXISTS \"{user}\"; CREATE ROLE \"{user}\" LOGIN;
             CREATE SCHEMA shop;
             CREATE TABLE shop.orders (id int PRIMARY KEY);
             CREATE TABLE shop.customers (id int PRIMARY KEY);
             CREATE TABLE shop.\"Up.per\" (id int)"
        ))
        .await
        .unwrap();

    let before = check(&database, &user, &[]);
    assert_eq!(before.exit, Some(1));
    let failed = before.texts("fail").join("\n");
    for part in ["may not replicate", "does not exist", "may not read"] {
        assert!(failed.contains(part), "{failed}");
    }
    assert_eq!(before.texts("fail").len(), 3, "{failed}");
    let warned = before.texts("warn").join("\n");
    assert!(
        warned.contains("entry 2 of table.include.list matches no table"),
        "{warned}"
    );
    assert!(
        before
            .remedies("warn")
            .contains(&"nearest names: shop.customers")
    );
    assert!(
        warned.contains("\"shop\".\"Up.per\": neither primary key nor unique index"),
        "{warned}"
    );

    for statement in before.remedies("fail") {
        admin
            .batch_execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
    let after = check(&database, &user, &[]);
    assert_eq!((after.exit, after.texts("fail")), (Some(0), Vec::new()));

    let people = run(&database, &user, &[]);
    let text = String::from_utf8(people.stdout).unwrap();
    assert!(text.contains("ok   wal_level"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    admin
        .batch_execute(&format!(
            "DROP PUBLICATION dbz_publication; DROP OWNED BY \"{user}\"; DROP ROLE \"{user}\""
        ))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_the_publication_keeps_back_is_told_with_the_sql_that_publishes_it() {
    let database = Database::create();
    let admin = database.connect().await;
    let version: i32 = database.sql("SHOW server_version_num").parse().unwrap();
    if version < 150_000 {
        return;
    }
    admin
        .batch_execute(
            "CREATE SCHEMA shop;
             CREATE TABLE shop.orders (id int PRIMARY KEY, status text, note text,
                 twice int GENERATED ALWAYS AS (id * 2) STORED);
             CREATE TABLE shop.\"Up.per\" (id int PRIMARY KEY);
             CREATE PUBLICATION dbz_publication FOR TABLE shop.orders (id, note) WHERE (id > 7), shop.\"Up.per\"",
        )
        .await
        .unwrap();
    let before = check(&database, "postgres", &[]);
    let warned = before.texts("warn").join("\n");
    let expected = "\"dbz_publication\" does not publish changes of rows that are not (id > 7) and the columns status of \
                    \"shop\".\"orders\"";
    assert!(warned.contains(expected), "{warned}");

    let mend = "ALTER PUBLICATION \"dbz_publication\" DROP TABLE \"shop\".\"orders\"; \
                ALTER PUBLICATION \"dbz_publication\" ADD TABLE \"shop\".\"orders\";";
    assert!(before.remedies("warn").contains(&mend));
    admin.batch_execute(mend).await.unwrap();
    let after = check(&database, "postgres", &[]);
    let published = "\"dbz_publication\" publishes every captured table";
    assert!(after.texts("ok").contains(&published));
}

#[tokio::test]
async fn brokers_and_their_topics_are_checked_too() {
    let database = Database::create();
    let broker = Broker::start(&[("srv.shop.orders", 1)]);
    let admin = database.connect().await;
    admin
        .batch_execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY)")
        .await
        .unwrap();

    let servers = broker.servers();
    let answering = check(&database, "postgres", &["--bootstrap-servers", &servers]);
    let ok = answering.texts("ok").join("\n");
    assert!(ok.contains("answers: 2 brokers"), "{ok}");
    assert!(ok.contains("all 1 are there"), "{ok}");
    // This broker cannot tell how it keeps its topics.
    let warned = answering.texts("warn").join("\n");
    assert!(
        warned.contains("\"connect-offsets\" is there; whether it is compacted could not be asked"),
        "{warned}"
    );

    let worker = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
    let text = "bootstrap.servers=127.0.0.1:1\ngroup.id=shop\noffset.storage.topic=offsets\n\
                key.converter=org.apache.kafka.connect.json.JsonConverter\n\
                value.converter=org.apache.kafka.connect.json.JsonConverter\n";
    std::fs::write(worker.path(), text).unwrap();
    let worker = worker.path().to_str().unwrap();
    let silent = check(&database, "postgres", &["--worker", worker]);
    assert_eq!(silent.exit, Some(1));
    let failed = silent.texts("fail").join("\n");
    assert!(
        failed.contains("could not reach any Kafka broker at 127.0.0.1:1"),
        "{failed}"
    );
}
