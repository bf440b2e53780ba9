//! `replica.identity.autoset.values`: the replica identity of captured tables, set at the start
//! (`PostgresReplicationConnection.initReplicaIdentity`).

use tokio_postgres::Client;
use tokio_postgres::types::Type as WireType;

use super::catalog_query::CapturedTable;
use super::pgoutput::ReplicaIdentity;
use super::quote;
use crate::config::connector::{IdentityRule, WantedIdentity};

/// Sets what differs. As in Debezium, a table that cannot be changed is an error in the log, and the connector goes on.
pub async fn set(client: &Client, rules: &[IdentityRule], tables: &[CapturedTable]) {
    for captured in tables {
        let (schema, name) = (&captured.table.schema, &captured.table.name);
        let table = format!("{schema}.{name}");
        let mut matching = rules.iter().filter(|rule| rule.tables.matches(&table));
        let Some(rule) = matching.next() else {
            continue;
        };
        if matching.next().is_some() {
            tracing::error!(
                table,
                "more than one entry of replica.identity.autoset.values matches; the replica identity stays as it is"
            );
            continue;
        }
        if let Err(error) = set_one(client, captured, &rule.identity).await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                table,
                "could not set the replica identity; run ALTER TABLE as the owner"
            );
        }
    }
}

async fn set_one(
    client: &Client,
    captured: &CapturedTable,
    wanted: &WantedIdentity,
) -> Result<(), tokio_postgres::Error> {
    let is_set = match (captured.replica_identity, wanted) {
        (ReplicaIdentity::Default, WantedIdentity::Default)
        | (ReplicaIdentity::Full, WantedIdentity::Full)
        | (ReplicaIdentity::Nothing, WantedIdentity::Nothing) => true,
        (ReplicaIdentity::Index, WantedIdentity::Index(name)) => {
            is_identity(client, captured.oid, name).await?
        }
        (
            ReplicaIdentity::Default
            | ReplicaIdentity::Full
            | ReplicaIdentity::Nothing
            | ReplicaIdentity::Index,
            WantedIdentity::Default
            | WantedIdentity::Full
            | WantedIdentity::Nothing
            | WantedIdentity::Index(_),
        ) => false,
    };
    if is_set {
        return Ok(());
    }
    let table = quote::qualified(&captured.table.schema, &captured.table.name);
    let identity = match wanted {
        WantedIdentity::Default => "DEFAULT".to_owned(),
        WantedIdentity::Full => "FULL".to_owned(),
        WantedIdentity::Nothing => "NOTHING".to_owned(),
        WantedIdentity::Index(name) => format!("USING INDEX {}", quote::identifier(name)),
    };
    client
        .batch_execute(&format!("ALTER TABLE {table} REPLICA IDENTITY {identity}"))
        .await?;
    tracing::info!(table, identity, "replica identity set");
    Ok(())
}

async fn is_identity(
    client: &Client,
    table: u32,
    index: &str,
) -> Result<bool, tokio_postgres::Error> {
    const SQL: &str = "SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
        WHERE i.indrelid = $1 AND i.indisreplident AND c.relname = $2";
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), WireType); 2] =
        [(&table, WireType::OID), (&index, WireType::TEXT)];
    Ok(!client.query_typed(SQL, &parameters).await?.is_empty())
}
