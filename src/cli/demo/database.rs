//! What the database is asked: the truth that the records are compared with.

use anyhow::Context;
use tokio_postgres::{Client, Config, NoTls};

use super::connector::{DATABASE, SLOT};
use super::rules::RULES;
use super::seen::StatusChange;
use super::server::Server;
use super::told::{Money, Step, cents};
use crate::postgres::Lsn;

/// What the records must show.
pub(super) struct Truth {
    pub(super) rows: u64,
    /// As `Seen::digest`, made by the database.
    pub(super) digest: String,
    /// The oracle: one for each committed status change, written by a trigger.
    pub(super) history: Vec<StatusChange>,
    /// What PostgreSQL need not keep for the connector any more.
    pub(super) confirmed: Lsn,
}

/// A committed change that a rule asks for, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) key: String,
    pub(super) step: Step,
    pub(super) money: Money,
    /// By the trigger, in microseconds since 1970; the commit comes a little later.
    pub(super) changed_at_us: i64,
}

/// Creates the demo's database and connects to it.
pub(super) async fn create(server: &Server) -> anyhow::Result<Client> {
    let attempt = "could not create the demo's database";
    let maintenance = connect(server, "postgres").await?;
    let create = format!("CREATE DATABASE {DATABASE}");
    maintenance.batch_execute(&create).await.context(attempt)?;
    connect(server, DATABASE).await
}

async fn connect(server: &Server, database: &str) -> anyhow::Result<Client> {
    let (client, connection) = Config::new()
        .host_path(server.directory())
        .port(Server::PORT)
        .user("postgres")
        .dbname(database)
        .application_name("walstreet demo")
        .connect(NoTls)
        .await
        .context("could not connect to the demo's PostgreSQL")?;
    tokio::spawn(async move {
        // The statement that was running reports only that the connection is closed; here is why.
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the connection to the demo's PostgreSQL broke");
        }
    });
    Ok(client)
}

/// `15.18`.
pub(super) async fn version(client: &Client) -> anyhow::Result<String> {
    let row = client.query_one("SHOW server_version", &[]).await?;
    let version: String = row.get(0);
    Ok(version.split(' ').next().unwrap_or_default().to_owned())
}

pub(super) async fn truth(client: &Client) -> anyhow::Result<Truth> {
    read_truth(client)
        .await
        .context("could not ask the demo's PostgreSQL what the records must show")
}

async fn read_truth(client: &Client) -> anyhow::Result<Truth> {
    const PAYMENTS: &str = r#"
        SELECT count(*),
               coalesce(encode(sha256(convert_to(
                   string_agg(transaction_id || '=' || status, E'\n' ORDER BY transaction_id COLLATE "C"), 'UTF8')), 'hex'), '')
        FROM public.transactions"#;
    const HISTORY: &str =
        "SELECT xid, transaction_id, old_status, new_status FROM public.transactions_history";
    const CONFIRMED: &str = "SELECT confirmed_flush_lsn::text FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";
    let payments = client.query_one(PAYMENTS, &[]).await?;
    let history = client.query(HISTORY, &[]).await?;
    let confirmed: String = client.query_one(CONFIRMED, &[&SLOT]).await?.get(0);
    Ok(Truth {
        rows: u64::try_from(payments.get::<_, i64>(0))?,
        digest: payments.get(1),
        history: history
            .iter()
            .map(|row| {
                Ok(StatusChange {
                    xid: u64::try_from(row.get::<_, i64>(0))?,
                    transaction_id: row.get(1),
                    old_status: row.get(2),
                    new_status: row.get(3),
                })
            })
            .collect::<anyhow::Result<_>>()?,
        confirmed: confirmed.parse()?,
    })
}

/// The committed changes that the rules ask for, in the order in which they happened. The thresholds are compared by PostgreSQL.
pub(super) async fn due(client: &Client) -> anyhow::Result<Vec<Due>> {
    let mut due = Vec::new();
    for rule in &RULES {
        let rows = client
            .query(DUE, &[&rule.status, &rule.usd, &rule.gbp])
            .await
            .context("could not ask the demo's PostgreSQL what Slack must be told")?;
        due.extend(
            rows.iter()
                .map(read_due)
                .collect::<anyhow::Result<Vec<_>>>()?,
        );
    }
    Ok(due)
}

const DUE: &str = "
    SELECT history.transaction_id, old_status, new_status, amount::text, currency,
           (extract(epoch FROM changed_at) * 1000000)::bigint
    FROM public.transactions_history AS history JOIN public.transactions USING (transaction_id)
    WHERE new_status = $1
      AND amount >= CASE currency WHEN 'USD' THEN $2::text::numeric WHEN 'GBP' THEN $3::text::numeric END
    ORDER BY change_id";

fn read_due(row: &tokio_postgres::Row) -> anyhow::Result<Due> {
    let amount: String = row.get(3);
    Ok(Due {
        key: row.get(0),
        step: Step {
            from: row.get(1),
            to: row.get(2),
        },
        money: Money {
            currency: row.get(4),
            cents: cents(&amount).context("an amount of the demo has parts of a cent")?,
        },
        changed_at_us: row.get(5),
    })
}
