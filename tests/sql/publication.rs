//! Publications as PostgreSQL really makes them.

use tokio_postgres::Client;
use walstreet::config::connector::{
    PublicationAutocreate, PublicationConfig, RecordOptions, SkippedOperations,
};
use walstreet::postgres::catalog_query::{CapturedTable, load_tables};
use walstreet::postgres::publication::{self, Error, Outcome};

use crate::support::database::Database;

fn config(name: &str, autocreate: PublicationAutocreate) -> PublicationConfig {
    PublicationConfig {
        name: name.to_owned(),
        autocreate,
        publish_via_partition_root: true,
    }
}

fn records() -> RecordOptions {
    RecordOptions {
        tombstones_on_delete: true,
        skipped: SkippedOperations {
            truncate: true,
            ..SkippedOperations::default()
        },
        skip_unchanged: false,
        skipped_explicitly: true,
        extended_headers: true,
    }
}

async fn prepared(client: &Client) -> Vec<CapturedTable> {
    client
        .batch_execute(
            "CREATE SCHEMA \"Up.per\"; CREATE TABLE \"Up.per\".\"quo\"\"ted\" (id int PRIMARY KEY);
             CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE UNLOGGED TABLE u (id int);
             CREATE TABLE root (id int) PARTITION BY LIST (id);
             CREATE TABLE leaf PARTITION OF root DEFAULT",
        )
        .await
        .unwrap();
    load_tables(client, |_, _| true).await.unwrap()
}

#[tokio::test]
async fn each_mode_makes_its_publication_once() {
    let database = Database::create();
    let client = database.connect().await;
    let captured = prepared(&client).await;
    for (name, autocreate) in [
        ("all_pub", PublicationAutocreate::AllTables),
        ("Filtered_Pub", PublicationAutocreate::Filtered),
        ("none-pub", PublicationAutocreate::NoTables),
    ] {
        let config = config(name, autocreate);
        let ensured = async || {
            publication::ensure(&client, &config, &records(), &captured)
                .await
                .unwrap()
        };
        assert_eq!(ensured().await, Outcome::Created);
        assert_eq!(ensured().await, Outcome::Unchanged);
        let made = publication::load(&client, name).await.unwrap().unwrap();
        assert_eq!(
            made.all_tables,
            autocreate == PublicationAutocreate::AllTables
        );
        assert_eq!(made.publishes, [true, true, true, false]);
        assert!(made.via_partition_root);
        let named = usize::from(autocreate == PublicationAutocreate::Filtered) * 5;
        assert_eq!(made.named.len(), named, "{made:?}");
    }
}

#[tokio::test]
async fn a_filtered_publication_follows_the_captured_tables() {
    let database = Database::create();
    let client = database.connect().await;
    let captured = prepared(&client).await;
    client
        .batch_execute("CREATE PUBLICATION pub FOR TABLE a WHERE (id > 0), b")
        .await
        .unwrap();
    let config = config("pub", PublicationAutocreate::Filtered);
    let only = |names: &[&str]| -> Vec<CapturedTable> {
        let wanted = |table: &&CapturedTable| names.contains(&table.table.name.as_str());
        captured.iter().filter(wanted).cloned().collect()
    };
    let ensure = async |tables: Vec<CapturedTable>| {
        publication::ensure(&client, &config, &records(), &tables)
            .await
            .unwrap()
    };
    assert_eq!(ensure(only(&["a", "b"])).await, Outcome::Unchanged);
    assert_eq!(ensure(only(&["b", "root"])).await, Outcome::Altered);
    assert_eq!(ensure(only(&["b", "root"])).await, Outcome::Unchanged);
    let made = publication::load(&client, "pub").await.unwrap().unwrap();
    assert_eq!(made.publishes, [true, true, true, false]);
    client
        .batch_execute("DROP PUBLICATION pub; CREATE PUBLICATION pub FOR ALL TABLES")
        .await
        .unwrap();
    let refused = publication::ensure(&client, &config, &records(), &captured).await;
    assert!(matches!(refused, Err(Error::AllTables { .. })));
}

#[tokio::test]
async fn a_user_without_the_privilege_learns_the_statement_and_keeps_the_session() {
    let database = Database::create();
    let client = database.connect().await;
    let captured = prepared(&client).await;
    client
        .batch_execute("DROP ROLE IF EXISTS poor_publisher; CREATE ROLE poor_publisher LOGIN")
        .await
        .unwrap();
    let poor = database.connect_as("poor_publisher").await;
    let config = config("pub", PublicationAutocreate::Filtered);
    let error = publication::ensure(&poor, &config, &records(), &captured)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("CREATE PUBLICATION \"pub\" FOR TABLE"),
        "{error}"
    );
    assert!(!error.is_retriable());
    assert!(publication::load(&poor, "pub").await.unwrap().is_none());
}
