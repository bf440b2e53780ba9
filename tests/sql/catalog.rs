//! The catalog's answers.

use tokio_postgres::Client;
use walstreet::postgres::catalog::TypeKind;
use walstreet::postgres::catalog_query::{
    CapturedTable, TableKind, is_visible, load_table, load_tables, load_type, load_types,
    replica_identities,
};
use walstreet::postgres::pgoutput::ReplicaIdentity;

use crate::support::database::Database;

async fn oid(client: &Client, r#type: &str) -> u32 {
    let row = client
        .query_one("SELECT $1::text::regtype::oid", &[&r#type])
        .await
        .unwrap();
    row.get(0)
}

async fn key(client: &Client, table: &str) -> Vec<String> {
    load_table(client, "public", table)
        .await
        .unwrap()
        .unwrap()
        .table
        .key
}

#[tokio::test]
async fn types_tell_elements_labels_and_domains() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE SCHEMA other;
             CREATE TYPE mood AS ENUM ('sad', 'happy');
             ALTER TYPE mood ADD VALUE 'ok' BEFORE 'happy';
             CREATE TYPE nothing AS ENUM ();
             CREATE TYPE other.pair AS (a int, b text);
             CREATE DOMAIN price AS numeric(10,2) NOT NULL;
             CREATE DOMAIN prices AS price[];
             CREATE TABLE t (id int)",
        )
        .await
        .unwrap();
    let types = load_types(&client).await.unwrap();
    let kind = async |name: &str| {
        types
            .get(oid(&client, name).await)
            .map(|found| found.kind.clone())
    };
    let labels = ["sad", "ok", "happy"].map(str::to_owned).to_vec();
    assert_eq!(kind("mood").await, Some(TypeKind::Enum(labels)));
    assert_eq!(kind("nothing").await, Some(TypeKind::Enum(Vec::new())));
    assert_eq!(
        kind("mood[]").await,
        Some(TypeKind::Array(oid(&client, "mood").await))
    );
    assert_eq!(kind("other.pair").await, Some(TypeKind::Composite));
    assert_eq!(kind("int4range").await, Some(TypeKind::Range));
    assert_eq!(kind("int4multirange").await, Some(TypeKind::Multirange));
    assert_eq!(kind("point").await, Some(TypeKind::Base));
    assert_eq!(kind("int2vector").await, Some(TypeKind::Array(21)));
    let numeric = (10 << 16 | 2) + 4;
    assert_eq!(
        kind("price").await,
        Some(TypeKind::Domain {
            base: 1700,
            type_modifier: numeric
        })
    );
    let base = oid(&client, "price[]").await;
    assert_eq!(
        kind("prices").await,
        Some(TypeKind::Domain {
            base,
            type_modifier: -1
        })
    );
    assert_eq!(
        types.get(oid(&client, "other.pair").await).unwrap().schema,
        "other"
    );
    assert_eq!(kind("t").await, None);
    let row_type = load_type(&client, oid(&client, "t").await)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row_type.name.as_str(), row_type.kind),
        ("t", TypeKind::Composite)
    );
    assert_eq!(load_type(&client, 4_000_000_000).await.unwrap(), None);
}

#[tokio::test]
async fn columns_tell_nullability_defaults_and_generation() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE DOMAIN required AS text NOT NULL;
             CREATE SCHEMA \"Up.per\";
             CREATE TABLE \"Up.per\".\"quo\"\"ted\" (
                 id serial, gone int, \"c ö\" numeric(8,3) DEFAULT 1.5, d required,
                 g text GENERATED ALWAYS AS ('v') STORED, PRIMARY KEY (id));
             ALTER TABLE \"Up.per\".\"quo\"\"ted\" DROP COLUMN gone",
        )
        .await
        .unwrap();
    let table = load_table(&client, "Up.per", "quo\"ted")
        .await
        .unwrap()
        .unwrap()
        .table;
    let seen: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                column.nullable,
                column.default.as_deref(),
                column.generated,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "id",
                false,
                Some("nextval('\"Up.per\".\"quo\"\"ted_id_seq\"'::regclass)"),
                false
            ),
            ("c ö", true, Some("1.5"), false),
            ("d", false, None, false),
            ("g", true, Some("'v'::text"), true),
        ]
    );
    assert_eq!(table.columns[1].type_modifier, (8 << 16 | 3) + 4);
    assert_eq!(table.columns[2].type_oid, oid(&client, "required").await);
    assert_eq!(
        load_table(&client, "Up.per", "missing").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn the_key_is_the_primary_key_else_the_first_unique_index_without_expressions() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE composite (a int, b int, c int, PRIMARY KEY (c, a) INCLUDE (b));
             CREATE TABLE by_name (a int, b int);
             CREATE UNIQUE INDEX z ON by_name (a); CREATE UNIQUE INDEX b ON by_name (b, a);
             CREATE TABLE expression (a text, b text);
             CREATE UNIQUE INDEX a1 ON expression (b, lower(a)); CREATE UNIQUE INDEX a2 ON expression (b);
             CREATE TABLE partial (a int, b int);
             CREATE UNIQUE INDEX p ON partial (b) WHERE a > 0;
             CREATE TABLE included (a int, b int);
             CREATE UNIQUE INDEX i ON included (a) INCLUDE (b);
             CREATE TABLE clustered (a int, b int);
             CREATE UNIQUE INDEX c1 ON clustered (a); CREATE UNIQUE INDEX c2 ON clustered (b);
             CLUSTER clustered USING c2;
             CREATE TABLE keyless (a int); CREATE INDEX ON keyless (a)",
        )
        .await
        .unwrap();
    assert_eq!(key(&client, "composite").await, ["c", "a"]);
    assert_eq!(key(&client, "by_name").await, ["b", "a"]);
    assert_eq!(key(&client, "expression").await, ["b"]);
    assert_eq!(key(&client, "partial").await, ["b"]);
    assert_eq!(key(&client, "included").await, ["a", "b"]);
    assert_eq!(key(&client, "clustered").await, ["b"]);
    assert!(key(&client, "keyless").await.is_empty());
}

#[tokio::test]
async fn tables_are_ordinary_partitioned_and_unlogged_ones() {
    let database = Database::create();
    let client = database.connect().await;
    client
        .batch_execute(
            "CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
             CREATE TABLE leaf PARTITION OF root FOR VALUES FROM (0) TO (10);
             CREATE TABLE mid PARTITION OF root FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
             CREATE TABLE low PARTITION OF mid FOR VALUES FROM (10) TO (20);
             CREATE UNLOGGED TABLE unlogged (id int);
             CREATE TABLE refused (id int);
             CREATE TEMP TABLE temporary (id int);
             CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
             CREATE TABLE nothing ();
             ALTER TABLE nothing REPLICA IDENTITY FULL; ALTER TABLE leaf REPLICA IDENTITY NOTHING;
             INSERT INTO root SELECT generate_series(0, 14);
             ANALYZE",
        )
        .await
        .unwrap();
    let tables = load_tables(&client, |schema, name| {
        schema == "public" && name != "refused"
    })
    .await
    .unwrap();
    let seen: Vec<_> = tables
        .iter()
        .map(|table| {
            (
                table.table.name.as_str(),
                table.kind,
                table.unlogged,
                table.estimated_rows,
            )
        })
        .collect();
    use TableKind::{Ordinary, Partition, Partitioned};
    assert_eq!(
        seen,
        [
            ("leaf", Partition, false, Some(10)),
            ("low", Partition, false, Some(5)),
            ("mid", Partition, false, Some(5)),
            ("nothing", Ordinary, false, Some(0)),
            ("root", Partitioned, false, Some(15)),
            ("unlogged", Ordinary, true, Some(0)),
        ]
    );
    let find = |name: &str| -> &CapturedTable {
        tables
            .iter()
            .find(|table| table.table.name == name)
            .unwrap()
    };
    assert_eq!(find("root").table.key, ["id"]);
    assert!(find("nothing").table.columns.is_empty());
    let oids: Vec<u32> = ["nothing", "leaf", "root"]
        .iter()
        .map(|name| find(name).oid)
        .collect();
    let identities = replica_identities(&client, &oids).await.unwrap();
    let expected = [
        ReplicaIdentity::Full,
        ReplicaIdentity::Nothing,
        ReplicaIdentity::Default,
    ];
    for (oid, identity) in oids.iter().zip(expected) {
        assert_eq!(identities[oid], identity);
    }
}

#[tokio::test]
async fn a_transaction_is_visible_from_its_end_on() {
    let database = Database::create();
    let (client, other) = (database.connect().await, database.connect().await);
    client
        .batch_execute("BEGIN; CREATE TABLE born (id int PRIMARY KEY)")
        .await
        .unwrap();
    let row = client
        .query_one("SELECT (txid_current() % 4294967296)", &[])
        .await
        .unwrap();
    let xid = u32::try_from(row.get::<_, i64>(0)).unwrap();
    assert!(!is_visible(&other, xid).await.unwrap());
    assert!(!is_visible(&other, xid + 1000).await.unwrap());
    assert!(is_visible(&other, xid - 1).await.unwrap());
    client.batch_execute("COMMIT").await.unwrap();
    assert!(is_visible(&other, xid).await.unwrap());
}
