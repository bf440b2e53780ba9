//! What the catalog is asked: types, tables, keys, replica identities.
//!
//! Every question is a constant number of round trips, however many tables there are: Debezium asks pgjdbc's metadata a table
//! at a time, which takes minutes on databases with thousands of tables.

use rustc_hash::FxHashMap;
use tokio_postgres::types::{ToSql, Type as WireType};
use tokio_postgres::{Client, Row};

use super::catalog::{Column, Table, Type, TypeKind, Types};
use super::pgoutput::ReplicaIdentity;
use super::sql_error;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read {what} from the catalog")]
    Query {
        what: &'static str,
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Query { source, .. } => sql_error::is_retriable(source),
        }
    }
}

/// A table that can be captured, with what snapshot, publication and checks need to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturedTable {
    pub oid: u32,
    pub table: Table,
    pub kind: TableKind,
    /// Unlogged tables are in the snapshot and never in the stream.
    pub unlogged: bool,
    pub replica_identity: ReplicaIdentity,
    /// `reltuples`, of a partitioned table the sum of its leaves'; `None` before the first `ANALYZE`.
    pub estimated_rows: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    Ordinary,
    Partitioned,
    /// A leaf or a partitioned table below another one.
    Partition,
}

/// All types but the row types of tables and the arrays of those, which exist once a table and are columns hardly ever:
/// [`load_type`] finds them when an unknown OID arrives.
///
/// # Errors
/// When the server does not answer.
pub async fn load_types(client: &Client) -> Result<Types, Error> {
    const NOT_A_TABLE_ROW: &str =
        "WHERE coalesce(own.relkind, 'c') = 'c' AND coalesce(element_row.relkind, 'c') = 'c'";
    let mut types = Types::default();
    for row in query(client, "types", &format!("{TYPES}{NOT_A_TABLE_ROW}"), &[]).await? {
        types.insert(type_of(&row).map_err(reading("types"))?);
    }
    Ok(types)
}

/// One type; `None` when it does not exist (any more).
///
/// # Errors
/// When the server does not answer.
pub async fn load_type(client: &Client, oid: u32) -> Result<Option<Type>, Error> {
    let sql = format!("{TYPES}WHERE t.oid = $1");
    let rows = query(client, "a type", &sql, &[(&oid, WireType::OID)]).await?;
    rows.first()
        .map(type_of)
        .transpose()
        .map_err(reading("a type"))
}

/// The table of that name, as it is now; `None` when there is none, or it is a view, foreign or temporary table.
///
/// # Errors
/// When the server does not answer.
pub async fn load_table(
    client: &Client,
    schema: &str,
    name: &str,
) -> Result<Option<CapturedTable>, Error> {
    let sql = format!("{TABLES} AND n.nspname = $1 AND c.relname = $2");
    let parameters: [(&(dyn ToSql + Sync), WireType); 2] =
        [(&schema, WireType::TEXT), (&name, WireType::TEXT)];
    let rows = query(client, "a table", &sql, &parameters).await?;
    let tables = tables_of(&rows, |_, _| true)?;
    Ok(with_columns(client, tables).await?.pop())
}

/// All tables that `accepts(schema, name)`, ordered by schema and name: ordinary and partitioned tables and partitions, also
/// unlogged ones; no views, foreign or temporary tables (`PostgresConnection.getAllTableIds`).
///
/// # Errors
/// When the server does not answer.
pub async fn load_tables(
    client: &Client,
    accepts: impl Fn(&str, &str) -> bool,
) -> Result<Vec<CapturedTable>, Error> {
    let sql = format!("{TABLES} ORDER BY n.nspname, c.relname");
    let rows = query(client, "tables", &sql, &[]).await?;
    let tables = tables_of(&rows, accepts)?;
    with_columns(client, tables).await
}

/// Whether the next query sees what the transaction did. The server sends a transaction as soon as its commit is in the WAL; others
/// see it a moment later, or much later when the commit waits for a synchronous standby.
///
/// # Errors
/// When the server does not answer.
pub async fn is_visible(client: &Client, xid: u32) -> Result<bool, Error> {
    const WHAT: &str = "the transactions that are visible";
    let rows = query(client, WHAT, VISIBLE, &[(&i64::from(xid), WireType::INT8)]).await?;
    rows.first()
        .map_or(Ok(false), |row| row.try_get(0))
        .map_err(reading(WHAT))
}

/// The replica identity of each of these tables that still exists.
///
/// # Errors
/// When the server does not answer.
pub async fn replica_identities(
    client: &Client,
    oids: &[u32],
) -> Result<FxHashMap<u32, ReplicaIdentity>, Error> {
    const SQL: &str = "SELECT oid, relreplident FROM pg_catalog.pg_class WHERE oid = ANY ($1)";
    const WHAT: &str = "replica identities";
    let rows = query(client, WHAT, SQL, &[(&oids, WireType::OID_ARRAY)]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, replica_identity(row.try_get(1)?))))
        .collect::<Result<_, _>>()
        .map_err(reading(WHAT))
}

/// The xid of the stream has 32 bits; it is the one of 64 bits that is nearest to the next.
const VISIBLE: &str = "\
SELECT pg_catalog.txid_visible_in_snapshot(xid + ((($1 - xid + 2147483648) & 4294967295) - 2147483648), snapshot)
FROM (SELECT snapshot, pg_catalog.txid_snapshot_xmax(snapshot) AS xid
      FROM (SELECT pg_catalog.txid_current_snapshot() AS snapshot) AS now) AS next";

const TYPES: &str = "\
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typelem, t.typbasetype, t.typtypmod, e.labels
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN (
    SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
    FROM pg_catalog.pg_enum GROUP BY enumtypid
) e ON e.enumtypid = t.oid
LEFT JOIN pg_catalog.pg_class own ON own.oid = t.typrelid
LEFT JOIN pg_catalog.pg_type element ON element.oid = t.typelem
LEFT JOIN pg_catalog.pg_class element_row ON element_row.oid = element.typrelid
";

/// pgjdbc's `TABLE` and `PARTITIONED TABLE` (`PgDatabaseMetaData.getTables`).
const TABLES: &str = "\
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relpersistence = 'u', c.relreplident,
    CASE c.relkind
        WHEN 'p' THEN (
            SELECT sum(nullif(leaf.reltuples, -1))::float8
            FROM pg_catalog.pg_partition_tree(c.oid) part JOIN pg_catalog.pg_class leaf ON leaf.oid = part.relid
            WHERE part.isleaf)
        ELSE nullif(c.reltuples, -1)::float8
    END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// What `PgDatabaseMetaData.getColumns` says: a domain can forbid nulls as well as the column.
const COLUMNS: &str = "\
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
    pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> ''
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum";

/// Primary keys first, then unique indexes in the order of `PgDatabaseMetaData.getIndexInfo`: clustered, hash, others, by
/// name. It does not tell `INCLUDE` columns from key columns, so Debezium takes them into the key, and so do we; a primary key
/// is read from its constraint and has none. Expressions are null.
const KEYS: &str = "\
SELECT i.indrelid, array_agg(a.attname::text ORDER BY k.position)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
WHERE i.indrelid = ANY ($1) AND i.indisunique AND (NOT i.indisprimary OR k.position <= i.indnkeyatts)
GROUP BY i.indexrelid, i.indrelid, i.indisprimary, i.indisclustered, c.relname
ORDER BY i.indrelid, i.indisprimary DESC, i.indisclustered DESC, c.relname";

type Parameter<'a> = (&'a (dyn ToSql + Sync), WireType);

async fn query(
    client: &Client,
    what: &'static str,
    sql: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<Row>, Error> {
    client
        .query_typed(sql, parameters)
        .await
        .map_err(reading(what))
}

fn reading(what: &'static str) -> impl Fn(tokio_postgres::Error) -> Error {
    move |source| Error::Query { what, source }
}

fn type_of(row: &Row) -> Result<Type, tokio_postgres::Error> {
    Ok(Type {
        oid: row.try_get(0)?,
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        kind: type_kind(row)?,
    })
}

/// An array is what Debezium's `TypeRegistry` takes for one: a type of category `A`. `point` and `name` have elements too.
fn type_kind(row: &Row) -> Result<TypeKind, tokio_postgres::Error> {
    let element: u32 = row.try_get(5)?;
    if letter(row, 4)? == b'A' && element != 0 {
        return Ok(TypeKind::Array(element));
    }
    Ok(match letter(row, 3)? {
        b'c' => TypeKind::Composite,
        b'd' => TypeKind::Domain {
            base: row.try_get(6)?,
            type_modifier: row.try_get(7)?,
        },
        b'e' => TypeKind::Enum(
            row.try_get::<_, Option<Vec<String>>>(8)?
                .unwrap_or_default(),
        ),
        b'm' => TypeKind::Multirange,
        b'p' => TypeKind::Pseudo,
        b'r' => TypeKind::Range,
        _ => TypeKind::Base,
    })
}

/// PostgreSQL's type `"char"`.
fn letter(row: &Row, column: usize) -> Result<u8, tokio_postgres::Error> {
    Ok(row.try_get::<_, i8>(column)?.to_be_bytes()[0])
}

fn tables_of(
    rows: &[Row],
    accepts: impl Fn(&str, &str) -> bool,
) -> Result<Vec<CapturedTable>, Error> {
    let mut tables = Vec::new();
    for row in rows {
        let (schema, name) = names(row).map_err(reading("tables"))?;
        if accepts(schema, name) {
            tables.push(table_of(row, schema, name).map_err(reading("tables"))?);
        }
    }
    Ok(tables)
}

fn names(row: &Row) -> Result<(&str, &str), tokio_postgres::Error> {
    Ok((row.try_get(1)?, row.try_get(2)?))
}

fn table_of(row: &Row, schema: &str, name: &str) -> Result<CapturedTable, tokio_postgres::Error> {
    Ok(CapturedTable {
        oid: row.try_get(0)?,
        table: Table {
            schema: schema.to_owned(),
            name: name.to_owned(),
            columns: Vec::new(),
            key: Vec::new(),
        },
        kind: match (row.try_get(4)?, letter(row, 3)?) {
            (true, _) => TableKind::Partition,
            (false, b'p') => TableKind::Partitioned,
            (false, _) => TableKind::Ordinary,
        },
        unlogged: row.try_get(5)?,
        replica_identity: replica_identity(row.try_get(6)?),
        estimated_rows: row.try_get::<_, Option<f64>>(7)?.map(row_count),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, and `as` saturates"
)]
fn row_count(reltuples: f64) -> u64 {
    reltuples as u64
}

fn replica_identity(letter: i8) -> ReplicaIdentity {
    match letter.to_be_bytes()[0] {
        b'n' => ReplicaIdentity::Nothing,
        b'f' => ReplicaIdentity::Full,
        b'i' => ReplicaIdentity::Index,
        _ => ReplicaIdentity::Default,
    }
}

/// Fills in columns and keys. The two questions go out together.
async fn with_columns(
    client: &Client,
    mut tables: Vec<CapturedTable>,
) -> Result<Vec<CapturedTable>, Error> {
    let oids: Vec<u32> = tables.iter().map(|table| table.oid).collect();
    let parameters: [Parameter<'_>; 1] = [(&oids, WireType::OID_ARRAY)];
    let (columns, keys) = tokio::try_join!(
        query(client, "columns", COLUMNS, &parameters),
        query(client, "keys", KEYS, &parameters)
    )?;
    let mut columns = grouped(&columns, column_of).map_err(reading("columns"))?;
    let mut keys = grouped(&keys, |row| row.try_get(1)).map_err(reading("keys"))?;
    for table in &mut tables {
        table.table.columns = columns.remove(&table.oid).unwrap_or_default();
        table.table.key = first_without_expressions(keys.remove(&table.oid).unwrap_or_default());
    }
    Ok(tables)
}

/// The rows by the table OID in their first column, in their order.
fn grouped<T>(
    rows: &[Row],
    parse: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<FxHashMap<u32, Vec<T>>, tokio_postgres::Error> {
    let mut groups: FxHashMap<u32, Vec<T>> = FxHashMap::default();
    for row in rows {
        groups.entry(row.try_get(0)?).or_default().push(parse(row)?);
    }
    Ok(groups)
}

fn column_of(row: &Row) -> Result<Column, tokio_postgres::Error> {
    Ok(Column {
        name: row.try_get(1)?,
        type_oid: row.try_get(2)?,
        type_modifier: row.try_get(3)?,
        nullable: row.try_get(4)?,
        default: row.try_get(5)?,
        generated: row.try_get(6)?,
    })
}

/// `JdbcConnection.readTableUniqueIndices`: an index with an expression is passed over as a whole.
fn first_without_expressions(indexes: Vec<Vec<Option<String>>>) -> Vec<String> {
    indexes
        .into_iter()
        .find_map(|columns| columns.into_iter().collect::<Option<Vec<String>>>())
        .unwrap_or_default()
}
