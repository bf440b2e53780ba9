//! The publication: created, compared with the captured tables and altered as `publication.autocreate.mode` says
//! (Debezium's `PostgresReplicationConnection.initPublication`).
//!
//! A publication must exist before the slot: the server looks it up as of the WAL that it decodes.

use std::collections::BTreeSet;

use tokio_postgres::Client;
use tokio_postgres::types::Type as WireType;

use super::catalog_query::CapturedTable;
use super::{quote, sql_error};
use crate::config::connector::{PublicationAutocreate, PublicationConfig, RecordOptions};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {attempt} publication \"{publication}\"")]
    Query {
        attempt: &'static str,
        publication: String,
        source: tokio_postgres::Error,
    },
    #[error(
        "publication \"{publication}\" does not exist and publication.autocreate.mode is disabled: run {remedy}"
    )]
    Missing { publication: String, remedy: String },
    #[error(
        "publication \"{publication}\" does not exist and a standby cannot create it: run on the primary {remedy}"
    )]
    MissingOnStandby { publication: String, remedy: String },
    #[error(
        "publication \"{publication}\" publishes other tables than the connector captures and a standby cannot alter it: run on \
         the primary {remedy}"
    )]
    DiffersOnStandby { publication: String, remedy: String },
    #[error(
        "publication \"{publication}\" is FOR ALL TABLES, which cannot become a list of tables: set \
         publication.autocreate.mode to all_tables, or run DROP PUBLICATION {quoted} and restart the connector", quoted = quote::identifier(publication)
    )]
    AllTables { publication: String },
    #[error(
        "no table matches the include and exclude lists, so publication \"{publication}\" would be empty: correct \
         table.include.list, or set publication.autocreate.mode to no_tables"
    )]
    NoTables { publication: String },
    #[error(
        "the database user may not run {statement}: run it as a superuser or as the tables' owner"
    )]
    Denied {
        statement: String,
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Query { source, .. } => sql_error::is_retriable(source),
            Self::Missing { .. }
            | Self::MissingOnStandby { .. }
            | Self::DiffersOnStandby { .. }
            | Self::AllTables { .. }
            | Self::NoTables { .. }
            | Self::Denied { .. } => false,
        }
    }
}

/// What became of the publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Altered,
    Unchanged,
}

/// A publication as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub all_tables: bool,
    /// `insert`, `update`, `delete`, `truncate` are published.
    pub publishes: [bool; 4],
    pub via_partition_root: bool,
    /// Tables that were named, as `(schema, name)`.
    pub named: BTreeSet<(String, String)>,
    /// Tables that are published, whatever way: a partitioned table stands for its leaves here, a schema for its tables.
    pub effective: BTreeSet<(String, String)>,
}

/// What a publication keeps back of a table that it publishes. Since PostgreSQL 15:
/// <https://www.postgresql.org/docs/current/sql-createpublication.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    pub schema: String,
    pub table: String,
    /// The condition that rows have to meet, as the server words it.
    pub row_filter: Option<String>,
    /// Columns that are not on its list.
    pub columns: Vec<String>,
}

/// Makes the publication what the configuration asks for.
///
/// # Errors
/// When it is missing, unfit or the user may not create or alter it; the text says the SQL that helps.
pub async fn ensure(
    client: &Client,
    config: &PublicationConfig,
    records: &RecordOptions,
    captured: &[CapturedTable],
) -> Result<Outcome, Error> {
    let found = load(client, &config.name).await?;
    match plan(config, records, captured, found.as_ref())? {
        Plan::Use => Ok(Outcome::Unchanged),
        Plan::Create(statement) => {
            refuse_on_standby(client, config, &statement, Outcome::Created).await?;
            execute(client, config, &statement).await?;
            Ok(Outcome::Created)
        }
        Plan::Alter(statement) => {
            refuse_on_standby(client, config, &statement, Outcome::Altered).await?;
            execute(client, config, &statement).await?;
            Ok(Outcome::Altered)
        }
    }
}

/// The publication of that name, `None` when there is none.
///
/// # Errors
/// When the server does not answer.
pub async fn load(client: &Client, name: &str) -> Result<Option<Publication>, Error> {
    const SQL: &str = "\
SELECT p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
    ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid ORDER BY r.oid),
    ARRAY(SELECT c.relname::text FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
        WHERE r.prpubid = p.oid ORDER BY r.oid),
    ARRAY(SELECT schemaname::text FROM pg_catalog.pg_publication_tables WHERE pubname = p.pubname ORDER BY schemaname, tablename),
    ARRAY(SELECT tablename::text FROM pg_catalog.pg_publication_tables WHERE pubname = p.pubname ORDER BY schemaname, tablename)
FROM pg_catalog.pg_publication p WHERE p.pubname = $1";
    let mut found = look_up(client, SQL, name, publication_of).await?;
    Ok(found.pop())
}

/// What the publication keeps back: only tables of which it does.
///
/// # Errors
/// When the catalog cannot be read.
pub async fn load_withheld(client: &Client, name: &str) -> Result<Vec<Withheld>, Error> {
    // As JSON, since the view of PostgreSQL 14 has neither column.
    const SQL: &str = "\
SELECT schemaname, tablename, row_filter, columns FROM (
    SELECT t.schemaname::text, t.tablename::text, to_jsonb(t)->>'rowfilter' AS row_filter,
        ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = format('%I.%I', t.schemaname, t.tablename)::regclass AND a.attnum > 0 AND NOT a.attisdropped
                AND a.attgenerated = '' AND NOT to_jsonb(t)->'attnames' ? a.attname ORDER BY a.attnum) AS columns
    FROM pg_catalog.pg_publication_tables t WHERE t.pubname = $1
) AS published WHERE row_filter IS NOT NULL OR cardinality(columns) > 0 ORDER BY schemaname, tablename";
    let withheld = |row: &tokio_postgres::Row| {
        Ok(Withheld {
            schema: row.try_get(0)?,
            table: row.try_get(1)?,
            row_filter: row.try_get(2)?,
            columns: row.try_get(3)?,
        })
    };
    look_up(client, SQL, name, withheld).await
}

/// The rows of a query whose parameter is the publication's name.
async fn look_up<T>(
    client: &Client,
    sql: &str,
    name: &str,
    read: impl Fn(&tokio_postgres::Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Vec<T>, Error> {
    let failed = |source| Error::Query {
        attempt: "look up",
        publication: name.to_owned(),
        source,
    };
    let resolved = resolved_name(name);
    let rows = client
        .query_typed(sql, &[(&resolved, WireType::TEXT)])
        .await
        .map_err(failed)?;
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(failed)
}

/// The name as PostgreSQL reads it without quotes, which is how Debezium writes `publication.name`: `MyPub` is `mypub`. Names that
/// need quotes, a syntax error in Debezium, are taken as they are.
#[must_use]
pub fn resolved_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
    if name.bytes().all(plain) {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    }
}

/// The `publish` option: only when `skipped.operations` was given, so that a publication does not lack what a later
/// configuration wants.
#[must_use]
pub fn publish_option(records: &RecordOptions) -> Option<String> {
    if !records.skipped_explicitly {
        return None;
    }
    let skipped = records.skipped;
    let operations = [
        ("insert", skipped.create),
        ("update", skipped.update),
        ("delete", skipped.delete),
        ("truncate", skipped.truncate),
    ];
    let published: Vec<&str> = operations
        .iter()
        .filter(|(_, skipped)| !skipped)
        .map(|(name, _)| *name)
        .collect();
    Some(format!("publish = '{}'", published.join(",")))
}

/// The statement that creates the publication that the configuration asks for.
#[must_use]
pub fn create_statement(
    config: &PublicationConfig,
    records: &RecordOptions,
    captured: &[CapturedTable],
) -> String {
    let name = quote::identifier(&resolved_name(&config.name));
    let tables = match config.autocreate {
        PublicationAutocreate::AllTables => " FOR ALL TABLES".to_owned(),
        PublicationAutocreate::NoTables => String::new(),
        PublicationAutocreate::Filtered | PublicationAutocreate::Disabled => {
            format!(" FOR TABLE {}", table_list(captured))
        }
    };
    let via_root = config
        .publish_via_partition_root
        .then(|| "publish_via_partition_root = true".to_owned());
    let options: Vec<String> = via_root
        .into_iter()
        .chain(publish_option(records))
        .collect();
    let with = if options.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", options.join(", "))
    };
    format!("CREATE PUBLICATION {name}{tables}{with};")
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Use,
    Create(String),
    Alter(String),
}

fn plan(
    config: &PublicationConfig,
    records: &RecordOptions,
    captured: &[CapturedTable],
    found: Option<&Publication>,
) -> Result<Plan, Error> {
    let publication = || config.name.clone();
    match (config.autocreate, found) {
        (PublicationAutocreate::Disabled, None) => Err(Error::Missing {
            publication: publication(),
            remedy: create_statement(config, records, captured),
        }),
        (PublicationAutocreate::AllTables | PublicationAutocreate::NoTables, None) => {
            Ok(Plan::Create(create_statement(config, records, captured)))
        }
        (PublicationAutocreate::Filtered, _) if publishable(captured).next().is_none() => {
            Err(Error::NoTables {
                publication: publication(),
            })
        }
        (PublicationAutocreate::Filtered, None) => {
            Ok(Plan::Create(create_statement(config, records, captured)))
        }
        (PublicationAutocreate::Filtered, Some(found)) if found.all_tables => {
            Err(Error::AllTables {
                publication: publication(),
            })
        }
        (PublicationAutocreate::Filtered, Some(found)) if !publishes(found, captured) => {
            Ok(Plan::Alter(alter_statement(config, records, captured)))
        }
        (
            PublicationAutocreate::Disabled
            | PublicationAutocreate::AllTables
            | PublicationAutocreate::NoTables
            | PublicationAutocreate::Filtered,
            Some(_),
        ) => Ok(Plan::Use),
    }
}

fn publishes(found: &Publication, captured: &[CapturedTable]) -> bool {
    let wanted: BTreeSet<(String, String)> = publishable(captured)
        .map(|table| (table.table.schema.clone(), table.table.name.clone()))
        .collect();
    wanted == found.named || wanted == found.effective
}

/// Debezium appends `WITH (publish = …)` to `SET TABLE`, which PostgreSQL refuses; two statements say what it means.
fn alter_statement(
    config: &PublicationConfig,
    records: &RecordOptions,
    captured: &[CapturedTable],
) -> String {
    let name = quote::identifier(&resolved_name(&config.name));
    let tables = table_list(captured);
    let set_tables = format!("ALTER PUBLICATION {name} SET TABLE {tables};");
    match publish_option(records) {
        None => set_tables,
        Some(publish) => format!("{set_tables} ALTER PUBLICATION {name} SET ({publish});"),
    }
}

/// PostgreSQL refuses unlogged tables in a list; they have no WAL to publish.
fn publishable(captured: &[CapturedTable]) -> impl Iterator<Item = &CapturedTable> {
    captured.iter().filter(|table| !table.unlogged)
}

fn table_list(captured: &[CapturedTable]) -> String {
    let names: Vec<String> = publishable(captured)
        .map(|table| quote::qualified(&table.table.schema, &table.table.name))
        .collect();
    names.join(", ")
}

async fn refuse_on_standby(
    client: &Client,
    config: &PublicationConfig,
    statement: &str,
    attempted: Outcome,
) -> Result<(), Error> {
    let failed = |source| Error::Query {
        attempt: "look up",
        publication: config.name.clone(),
        source,
    };
    let rows = client
        .query_typed("SELECT pg_is_in_recovery()", &[])
        .await
        .map_err(failed)?;
    let row = rows.first().expect("a SELECT without FROM has one row");
    if !row.try_get(0).map_err(failed)? {
        return Ok(());
    }
    let (publication, remedy) = (config.name.clone(), statement.to_owned());
    Err(match attempted {
        Outcome::Created => Error::MissingOnStandby {
            publication,
            remedy,
        },
        Outcome::Altered | Outcome::Unchanged => Error::DiffersOnStandby {
            publication,
            remedy,
        },
    })
}

/// `internal.create.slot.command.timeout`, 90 s, bounds the wait for the tables' locks.
async fn execute(
    client: &Client,
    config: &PublicationConfig,
    statement: &str,
) -> Result<(), Error> {
    let script = format!("BEGIN; SET LOCAL statement_timeout = 90000; {statement} COMMIT");
    let Err(source) = client.batch_execute(&script).await else {
        return Ok(());
    };
    // The first error is the one to report; a session that cannot even roll back is broken and fails at its next use.
    client.batch_execute("ROLLBACK").await.ok();
    if source.code() == Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE) {
        return Err(Error::Denied {
            statement: statement.to_owned(),
            source,
        });
    }
    Err(Error::Query {
        attempt: "create or alter",
        publication: config.name.clone(),
        source,
    })
}

fn publication_of(row: &tokio_postgres::Row) -> Result<Publication, tokio_postgres::Error> {
    let pairs = |schemas: usize, names: usize| -> Result<_, tokio_postgres::Error> {
        let schemas: Vec<String> = row.try_get(schemas)?;
        let names: Vec<String> = row.try_get(names)?;
        Ok(schemas.into_iter().zip(names).collect())
    };
    Ok(Publication {
        all_tables: row.try_get(0)?,
        publishes: [
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
            row.try_get(4)?,
        ],
        via_partition_root: row.try_get(5)?,
        named: pairs(6, 7)?,
        effective: pairs(8, 9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::SkippedOperations;
    use crate::postgres::catalog::Table;
    use crate::postgres::catalog_query::TableKind;
    use crate::postgres::pgoutput::ReplicaIdentity;

    fn config(autocreate: PublicationAutocreate) -> PublicationConfig {
        PublicationConfig {
            name: "dbz_publication".to_owned(),
            autocreate,
            publish_via_partition_root: false,
        }
    }

    fn records(explicitly: bool, truncate: bool) -> RecordOptions {
        RecordOptions {
            tombstones_on_delete: true,
            skipped: SkippedOperations {
                truncate,
                ..SkippedOperations::default()
            },
            skip_unchanged: false,
            skipped_explicitly: explicitly,
            extended_headers: true,
        }
    }

    fn table(schema: &str, name: &str) -> CapturedTable {
        CapturedTable {
            oid: 1,
            table: Table {
                schema: schema.to_owned(),
                name: name.to_owned(),
                columns: Vec::new(),
                key: Vec::new(),
            },
            kind: TableKind::Ordinary,
            unlogged: false,
            replica_identity: ReplicaIdentity::Default,
            estimated_rows: None,
        }
    }

    fn publication(all_tables: bool, names: &[(&str, &str)]) -> Publication {
        let named: BTreeSet<(String, String)> = names
            .iter()
            .map(|(schema, name)| ((*schema).to_owned(), (*name).to_owned()))
            .collect();
        Publication {
            all_tables,
            publishes: [true; 4],
            via_partition_root: false,
            effective: named.clone(),
            named,
        }
    }

    #[test]
    fn statements_are_debeziums_with_the_name_quoted() {
        let captured = [table("inventory", "orders"), table("public", "Up.per")];
        let statement = |autocreate, records: &RecordOptions| {
            create_statement(&config(autocreate), records, &captured)
        };
        assert_eq!(
            statement(PublicationAutocreate::AllTables, &records(false, true)),
            "CREATE PUBLICATION \"dbz_publication\" FOR ALL TABLES;"
        );
        assert_eq!(
            statement(PublicationAutocreate::Filtered, &records(false, true)),
            "CREATE PUBLICATION \"dbz_publication\" FOR TABLE \"inventory\".\"orders\", \"public\".\"Up.per\";"
        );
        let via_root = PublicationConfig {
            publish_via_partition_root: true,
            ..config(PublicationAutocreate::NoTables)
        };
        assert_eq!(
            create_statement(&via_root, &records(true, true), &captured),
            "CREATE PUBLICATION \"dbz_publication\" \
             WITH (publish_via_partition_root = true, publish = 'insert,update,delete');"
        );
    }

    #[test]
    fn an_existing_publication_is_altered_only_when_filtered_and_different() {
        let captured = [table("public", "a"), table("public", "b")];
        let same = publication(false, &[("public", "b"), ("public", "a")]);
        let other = publication(false, &[("public", "a")]);
        let all = publication(true, &[]);
        let planned = |autocreate, found: Option<&Publication>| {
            plan(&config(autocreate), &records(true, true), &captured, found)
        };
        for found in [&same, &other, &all] {
            for autocreate in [
                PublicationAutocreate::AllTables,
                PublicationAutocreate::NoTables,
                PublicationAutocreate::Disabled,
            ] {
                assert_eq!(planned(autocreate, Some(found)).unwrap(), Plan::Use);
            }
        }
        let filtered = PublicationAutocreate::Filtered;
        assert_eq!(planned(filtered, Some(&same)).unwrap(), Plan::Use);
        assert_eq!(
            planned(filtered, Some(&other)).unwrap(),
            Plan::Alter(
                "ALTER PUBLICATION \"dbz_publication\" SET TABLE \"public\".\"a\", \"public\".\"b\"; \
                 ALTER PUBLICATION \"dbz_publication\" SET (publish = 'insert,update,delete');"
                    .to_owned()
            )
        );
        assert!(matches!(
            planned(filtered, Some(&all)),
            Err(Error::AllTables { .. })
        ));
    }

    #[test]
    fn a_missing_publication_is_an_error_when_disabled_or_empty() {
        let disabled = config(PublicationAutocreate::Disabled);
        let error = plan(&disabled, &records(false, true), &[table("s", "t")], None).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("run CREATE PUBLICATION \"dbz_publication\" FOR TABLE \"s\".\"t\";"),
            "{error}"
        );
        let filtered = config(PublicationAutocreate::Filtered);
        let unlogged = CapturedTable {
            unlogged: true,
            ..table("s", "u")
        };
        assert!(matches!(
            plan(&filtered, &records(false, true), &[unlogged], None),
            Err(Error::NoTables { .. })
        ));
    }

    #[test]
    fn names_fold_as_postgresql_folds_them() {
        assert_eq!(resolved_name("MyPub"), "mypub");
        assert_eq!(resolved_name("my-Pub"), "my-Pub");
    }
}
