//! What a server says of itself, of the connector's user, slot, publication and tables.

use rustc_hash::FxHashMap;
use tokio_postgres::types::Type as WireType;
use tokio_postgres::{Client, Row};

use crate::change::filter::TableFilter;
use crate::postgres::catalog_query::{self, CapturedTable, load_tables};
use crate::postgres::publication::{self, Publication, Withheld};
use crate::postgres::slot::{self, ReplicationSettings, Slot};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not ask the server for {what}")]
    Query {
        what: &'static str,
        source: tokio_postgres::Error,
    },
    #[error(transparent)]
    Catalog(#[from] catalog_query::Error),
    #[error(transparent)]
    Slot(#[from] slot::Error),
    #[error(transparent)]
    Publication(#[from] publication::Error),
}

#[derive(Clone, Debug)]
pub struct ServerFacts {
    pub server: Server,
    pub role: Role,
    pub replication: ReplicationSettings,
    pub slot: Option<Slot>,
    pub publication: Option<Publication>,
    /// What the publication keeps back of captured tables.
    pub withheld: Vec<Withheld>,
    /// The tables that the filters accept.
    pub captured: Vec<CheckedTable>,
    /// `schema.table` of every table that could be captured.
    pub all_tables: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Server {
    /// `server_version_num`: 150004.
    pub version: i32,
    pub version_text: String,
    pub in_recovery: bool,
    pub database: String,
    /// `max_slot_wal_keep_size` in MB; `None` when unlimited.
    pub max_slot_wal_keep_mb: Option<i64>,
    /// 0: never.
    pub wal_sender_timeout_ms: i64,
    /// It has the roles that Amazon RDS has.
    pub is_rds: bool,
    /// How long the server process behind our connection is there, in seconds.
    pub backend_age_s: f64,
    /// WAL that the slot keeps.
    pub retained_bytes: Option<i64>,
}

/// The user that the connector logs in as.
#[derive(Clone, Debug)]
pub struct Role {
    pub name: String,
    pub superuser: bool,
    pub can_login: bool,
    pub replication: bool,
    /// Member of a role that stands for REPLICATION on Amazon RDS.
    pub rds_replication: bool,
    /// CREATE on the database.
    pub can_create: bool,
}

impl Role {
    pub fn can_replicate(&self) -> bool {
        self.superuser || self.replication || self.rds_replication
    }
}

#[derive(Clone, Debug)]
pub struct CheckedTable {
    pub table: CapturedTable,
    pub access: Access,
}

/// What the connector's user may do with a table.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub select: bool,
    pub owner: bool,
    /// Row-level security hides rows from the user.
    pub row_security: bool,
    pub has_primary_key: bool,
}

/// # Errors
/// When the server does not answer.
pub async fn fetch(
    client: &Client,
    slot_name: &str,
    publication_name: &str,
    filter: &TableFilter,
) -> Result<ServerFacts, Error> {
    let (server, role) = server_and_role(client, slot_name).await?;
    let mut all_tables = load_tables(client, |_, _| true).await?;
    let names = all_tables
        .iter()
        .map(|table| format!("{}.{}", table.table.schema, table.table.name))
        .collect();
    all_tables.retain(|table| filter.accepts(&table.table.schema, &table.table.name));
    let mut withheld = publication::load_withheld(client, publication_name).await?;
    withheld.retain(|found| filter.accepts(&found.schema, &found.table));
    Ok(ServerFacts {
        server,
        role,
        replication: slot::load_settings(client).await?,
        slot: slot::load(client, slot_name).await?,
        publication: publication::load(client, publication_name).await?,
        withheld,
        captured: with_access(client, all_tables).await?,
        all_tables: names,
    })
}

const SERVER: &str = "\
SELECT current_setting('server_version_num')::int4, current_setting('server_version'), pg_is_in_recovery(),
    current_database()::text,
    (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'),
    (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'),
    EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'rds_superuser'),
    coalesce((SELECT extract(epoch FROM clock_timestamp() - backend_start)
        FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()), 0)::float8,
    (SELECT pg_wal_lsn_diff(
            CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::int8
        FROM pg_catalog.pg_replication_slots WHERE slot_name = $1)";

const ROLE: &str = "\
SELECT r.rolname::text, r.rolsuper, r.rolcanlogin, r.rolreplication,
    EXISTS (SELECT FROM pg_catalog.pg_roles granted
        WHERE granted.rolname IN ('rds_superuser', 'rdsadmin', 'rdsrepladmin', 'rds_replication')
            AND pg_has_role(r.oid, granted.oid, 'MEMBER')),
    has_database_privilege(current_database(), 'CREATE')
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

const ACCESS: &str = "\
SELECT c.oid, has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
    pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid),
    EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')
FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1)";

async fn server_and_role(client: &Client, slot_name: &str) -> Result<(Server, Role), Error> {
    let failed = |what| move |source| Error::Query { what, source };
    let server = client
        .query_typed_one(SERVER, &[(&slot_name, WireType::TEXT)])
        .await
        .and_then(|row| server_of(&row))
        .map_err(failed("its settings"))?;
    let role = client
        .query_typed_one(ROLE, &[])
        .await
        .and_then(|row| role_of(&row))
        .map_err(failed("the user's role"))?;
    Ok((server, role))
}

fn server_of(row: &Row) -> Result<Server, tokio_postgres::Error> {
    let keep_mb: i64 = row.try_get(4)?;
    Ok(Server {
        version: row.try_get(0)?,
        version_text: row.try_get(1)?,
        in_recovery: row.try_get(2)?,
        database: row.try_get(3)?,
        max_slot_wal_keep_mb: (keep_mb >= 0).then_some(keep_mb),
        wal_sender_timeout_ms: row.try_get(5)?,
        is_rds: row.try_get(6)?,
        backend_age_s: row.try_get(7)?,
        retained_bytes: row.try_get(8)?,
    })
}

fn role_of(row: &Row) -> Result<Role, tokio_postgres::Error> {
    Ok(Role {
        name: row.try_get(0)?,
        superuser: row.try_get(1)?,
        can_login: row.try_get(2)?,
        replication: row.try_get(3)?,
        rds_replication: row.try_get(4)?,
        can_create: row.try_get(5)?,
    })
}

async fn with_access(
    client: &Client,
    tables: Vec<CapturedTable>,
) -> Result<Vec<CheckedTable>, Error> {
    let failed = |source| Error::Query {
        what: "the privileges on tables",
        source,
    };
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let rows = client
        .query_typed(ACCESS, &[(&oids, WireType::OID_ARRAY)])
        .await
        .map_err(failed)?;
    let access: FxHashMap<u32, Access> = rows
        .iter()
        .map(access_of)
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    // A table that was dropped between the two questions is no finding.
    let checked = |table: CapturedTable| {
        let access = *access.get(&table.oid)?;
        Some(CheckedTable { table, access })
    };
    Ok(tables.into_iter().filter_map(checked).collect())
}

fn access_of(row: &Row) -> Result<(u32, Access), tokio_postgres::Error> {
    let access = Access {
        select: row.try_get(1)?,
        owner: row.try_get(2)?,
        row_security: row.try_get(3)?,
        has_primary_key: row.try_get(4)?,
    };
    Ok((row.try_get(0)?, access))
}
