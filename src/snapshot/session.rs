//! The transaction that a snapshot reads in, and the reading of whole tables.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::{Client, Row};

use super::batch::BatchSender;
use super::batcher::{Abandoned, Batcher};
use super::copy_text::LineError;
use crate::postgres::catalog::Table;
use crate::postgres::{Lsn, PgTimestamp, quote, sql_error};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not begin the snapshot's transaction")]
    Begin { source: tokio_postgres::Error },
    #[error(
        "could not use the snapshot {snapshot} that the replication slot exported: the replication connection that created the \
         slot must stay open and unused until then"
    )]
    Import {
        snapshot: String,
        source: tokio_postgres::Error,
    },
    #[error("could not read table {table} for the snapshot")]
    Read {
        table: String,
        source: tokio_postgres::Error,
    },
    #[error("could not understand row {row} of table {table} as the server copied it")]
    Line {
        table: String,
        row: u64,
        source: LineError,
    },
    #[error("the snapshot was given up while table {table} was read")]
    Abandoned { table: String },
    #[error("could not end the snapshot's transaction")]
    End { source: tokio_postgres::Error },
}

impl Error {
    /// Whether trying again can succeed, from the beginning of the snapshot.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Begin { source } | Self::Read { source, .. } | Self::End { source } => {
                sql_error::is_retriable(source)
            }
            Self::Import { .. } => true,
            Self::Line { .. } | Self::Abandoned { .. } => false,
        }
    }
}

/// What Debezium's source block says of every row of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotStart {
    /// `CURRENT_TIMESTAMP` of the transaction.
    pub taken_at: PgTimestamp,
    /// `pg_current_xact_id()`, 0 on a standby.
    pub xid: u64,
    /// WAL position when the transaction began. It is not the slot's consistent point, and no place to start a stream from: a
    /// transaction can be in the WAL before it and yet be invisible to the snapshot.
    pub lsn: Lsn,
}

/// A table to read and its columns to select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    pub schema: String,
    pub name: String,
    pub columns: Vec<String>,
}

impl TableRead {
    /// All columns that are accepted; generated ones too, although pgoutput does not send them.
    #[must_use]
    pub fn new(table: &Table, accepts_column: impl Fn(&str) -> bool) -> Self {
        let names = table.columns.iter().map(|column| &column.name);
        Self {
            schema: table.schema.clone(),
            name: table.name.clone(),
            columns: names.filter(|name| accepts_column(name)).cloned().collect(),
        }
    }

    /// Without ONLY and without ORDER BY, as Debezium selects: a parent's rows include those of its children.
    fn statement(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|name| quote::identifier(name))
            .collect();
        format!(
            "COPY (SELECT {} FROM {}) TO STDOUT",
            columns.join(", "),
            self.qualified()
        )
    }

    fn qualified(&self) -> String {
        quote::qualified(&self.schema, &self.name)
    }

    fn column_count(&self) -> u16 {
        u16::try_from(self.columns.len()).expect("PostgreSQL's tables have at most 1600 columns")
    }
}

/// An open snapshot transaction. Dropping it closes the connection, and the server gives up what it was copying.
#[derive(Debug)]
pub struct Session {
    client: Client,
    start: SnapshotStart,
}

impl Session {
    /// Begins the transaction: under the snapshot that a slot exported when it was just created, else under one of its own.
    ///
    /// Debezium reads an own snapshot with the server's default isolation, so that its tables can be of different moments; here it is
    /// always one moment.
    ///
    /// # Errors
    /// When the exported snapshot is gone or the server does not answer.
    pub async fn begin(client: Client, exported: Option<&str>) -> Result<Self, Error> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        client
            .batch_execute(BEGIN)
            .await
            .map_err(|source| Error::Begin { source })?;
        if let Some(snapshot) = exported {
            import(&client, snapshot).await?;
        }
        client
            .batch_execute(SETTINGS)
            .await
            .map_err(|source| Error::Begin { source })?;
        let start = query_start(&client)
            .await
            .map_err(|source| Error::Begin { source })?;
        Ok(Self { client, start })
    }

    #[must_use]
    pub fn start(&self) -> SnapshotStart {
        self.start
    }

    /// To ask the catalog as of this snapshot.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Reads the tables in the order given and returns how many rows each had. The batch with the row `last` is sent only when
    /// everything was read.
    ///
    /// # Errors
    /// When a table cannot be read, or the receiver was dropped.
    pub async fn read(
        &self,
        tables: &[TableRead],
        batches: &mut BatchSender,
    ) -> Result<Vec<u64>, Error> {
        let mut batcher = Batcher::new(batches);
        let mut row_counts = Vec::with_capacity(tables.len());
        for (index, table) in tables.iter().enumerate() {
            batcher.start_table(index, table.column_count());
            row_counts.push(self.read_table(table, &mut batcher).await?);
        }
        match (batcher.finish().await, tables.last()) {
            (Err(Abandoned), Some(table)) => Err(abandoned(table)),
            (Err(Abandoned), None) | (Ok(()), _) => Ok(row_counts),
        }
    }

    /// Ends the transaction; the connection can be used for something else.
    ///
    /// # Errors
    /// When the connection is broken; everything was read nevertheless.
    pub async fn end(self) -> Result<Client, Error> {
        self.client
            .batch_execute("ROLLBACK")
            .await
            .map_err(|source| Error::End { source })?;
        Ok(self.client)
    }

    async fn read_table(&self, table: &TableRead, batcher: &mut Batcher<'_>) -> Result<u64, Error> {
        let failed = |source| Error::Read {
            table: table.qualified(),
            source,
        };
        let statement = table.statement();
        let lines = self.client.copy_out(&statement).await.map_err(failed)?;
        let mut lines = pin!(lines);
        let mut row_count = 0;
        // The server puts each line into a message of its own.
        while let Some(line) = lines.try_next().await.map_err(failed)? {
            row_count += 1;
            let is_full = batcher.push(&line).map_err(|source| Error::Line {
                table: table.qualified(),
                row: row_count,
                source,
            })?;
            if is_full {
                batcher
                    .flush()
                    .await
                    .map_err(|Abandoned| abandoned(table))?;
            }
        }
        batcher
            .flush()
            .await
            .map_err(|Abandoned| abandoned(table))?;
        Ok(row_count)
    }
}

fn abandoned(table: &TableRead) -> Error {
    Error::Abandoned {
        table: table.qualified(),
    }
}

/// The text forms that values are parsed from, whatever the role's or the database's settings are; they end with the transaction.
///
/// A snapshot may take hours and waits whenever Kafka is slow, so no timeout may end it; `transaction_timeout` exists since version 17.
const SETTINGS: &str = "\
SET LOCAL TimeZone TO 'UTC'; SET LOCAL DateStyle TO 'ISO, MDY'; SET LOCAL IntervalStyle TO 'postgres'; \
SET LOCAL extra_float_digits TO 3; SET LOCAL bytea_output TO 'hex'; SET LOCAL client_encoding TO 'UTF8'; \
SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings \
WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')";

async fn import(client: &Client, snapshot: &str) -> Result<(), Error> {
    let sql = format!("SET TRANSACTION SNAPSHOT {}", quote::literal(snapshot));
    client
        .batch_execute(&sql)
        .await
        .map_err(|source| Error::Import {
            snapshot: snapshot.to_owned(),
            source,
        })
}

async fn query_start(client: &Client) -> Result<SnapshotStart, tokio_postgres::Error> {
    const SQL: &str = "\
SELECT (extract(epoch FROM CURRENT_TIMESTAMP) * 1000000)::int8,
    CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_current_xact_id()::text::int8 END,
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END)::text";
    let row = client.query_typed_one(SQL, &[]).await?;
    start_of(&row)
}

fn start_of(row: &Row) -> Result<SnapshotStart, tokio_postgres::Error> {
    let xid: i64 = row.try_get(1)?;
    let lsn: Option<&str> = row.try_get(2)?;
    Ok(SnapshotStart {
        taken_at: PgTimestamp::from_unix_us(row.try_get(0)?),
        xid: xid.unsigned_abs(),
        // Null on a standby that has received no WAL by streaming yet.
        lsn: lsn.map_or(Lsn::ZERO, |lsn| {
            lsn.parse().expect("pg_lsn's text form is an LSN")
        }),
    })
}
