//! The payments in the database: tables, rows, status changes. `walstreet demo` uses the same functions.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use futures_util::SinkExt;
use rustc_hash::FxHashSet;
use tokio::time::MissedTickBehavior;
use tokio_postgres::{Client, Statement};

use super::transactions::{COLUMNS, Dice, id, push_row};

const SCHEMA: &str = include_str!("../../../sql/schema.sql");

/// Rows a COPY and its transaction.
const CHUNK_ROWS: u64 = 10_000;
/// Rows a CopyData message: the server parses one while we write the next.
const MESSAGE_ROWS: usize = 500;

/// Changes that are due together are one transaction.
const TICK: Duration = Duration::from_millis(10);
/// A server that is slower than the rate gets transactions of this many changes, not ever larger ones.
const MAX_CHANGES: u64 = 1_000;

/// The life-cycle of `sql/schema.sql`: what a payment becomes, who does it, and at which draws of 0 to 99.
const CHANGE_STATUS: &str = "
UPDATE public.transactions AS t
SET status = step.next_status, modified_by = step.actor, modified_at = clock_timestamp() AT TIME ZONE 'UTC'
FROM unnest($1::text[], $2::int4[]) AS draw (transaction_id, number),
     (VALUES ('PENDING',    'AUTHORIZED', 'payment-gateway',  0, 94),
             ('PENDING',    'FAILED',     'risk-engine',     95, 99),
             ('AUTHORIZED', 'CAPTURED',   'merchant-api',     0, 94),
             ('AUTHORIZED', 'FAILED',     'card-issuer',     95, 99),
             ('CAPTURED',   'SETTLED',    'settlement-batch', 0, 99),
             ('SETTLED',    'REFUNDED',   'support-desk',     0, 99),
             ('FAILED',     'PENDING',    'customer',         0, 99),
             ('REFUNDED',   'PENDING',    'customer',         0, 99))
         AS step (status, next_status, actor, first, last)
WHERE t.transaction_id = draw.transaction_id
  AND t.status = step.status
  AND draw.number BETWEEN step.first AND step.last";

/// What [`create_schema`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    Created,
    Present,
}

/// What [`insert_transactions`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    pub inserted: u64,
    /// Were there before.
    pub present: u64,
}

/// Which payments [`apply_changes`] changes, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct ChangePlan {
    /// As given to [`insert_transactions`].
    pub rows: u64,
    pub seed: u64,
    pub per_second: u32,
}

/// Runs `sql/schema.sql` unless it ran before: it would wait for every query on the table, a snapshot for example.
pub async fn create_schema(client: &Client) -> anyhow::Result<Schema> {
    // The script is one transaction, and this trigger is the last thing it creates.
    let complete = "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger
        WHERE tgrelid = to_regclass('public.transactions') AND tgname = 'transactions_record')";
    let attempt = "creating the tables of sql/schema.sql failed";
    let row = client.query_one(complete, &[]).await.context(attempt)?;
    if row.get(0) {
        return Ok(Schema::Present);
    }
    client.batch_execute(SCHEMA).await.context(attempt)?;
    Ok(Schema::Created)
}

/// Makes sure that payments 0 to `rows` - 1 of `seed` are there. `progress` gets the number of payments done so far.
pub async fn insert_transactions(
    client: &Client,
    rows: u64,
    seed: u64,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Inserted> {
    let attempt = "inserting payments into public.transactions failed";
    let empty = "SELECT NOT EXISTS (SELECT FROM public.transactions)";
    let empty: bool = client.query_one(empty, &[]).await.context(attempt)?.get(0);
    let mut total = Inserted::default();
    let mut start = 0;
    while start < rows {
        let end = rows.min(start + CHUNK_ROWS);
        let mut missing: Vec<u64> = (start..end).collect();
        if !empty {
            let present = present_ids(client, seed, &missing).await.context(attempt)?;
            missing.retain(|&number| !present.contains(&id(seed, number).to_string()));
        }
        let inserted = copy(client, seed, &missing).await.context(attempt)?;
        total.inserted += inserted;
        total.present += end - start - inserted;
        progress(end);
        start = end;
    }
    Ok(total)
}

/// Moves random payments one step through their life until `stop` is ready; `progress` gets the number of changes so far.
/// Returns that number.
pub async fn apply_changes(
    client: &Client,
    plan: ChangePlan,
    stop: impl Future<Output = ()>,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let attempt = "changing the status of payments in public.transactions failed";
    let statement = client.prepare(CHANGE_STATUS).await.context(attempt)?;
    let mut dice = Dice::new(plan.seed);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = pin!(stop);
    let started = Instant::now();
    let (mut drawn, mut changed) = (0, 0);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(changed),
            _ = tick.tick() => {}
        }
        let due = (due_after(started.elapsed(), plan.per_second) - drawn).min(MAX_CHANGES);
        if due > 0 {
            changed += change(client, &statement, plan, &mut dice, due)
                .await
                .context(attempt)?;
            drawn += due;
            progress(changed);
        }
    }
}

/// The changes that should have been made after `elapsed`: the first one at once.
#[expect(
    clippy::cast_possible_truncation,
    reason = "2^64 changes take longer than a process lives"
)]
fn due_after(elapsed: Duration, per_second: u32) -> u64 {
    (elapsed.as_micros() * u128::from(per_second) / 1_000_000) as u64 + 1
}

async fn change(
    client: &Client,
    statement: &Statement,
    plan: ChangePlan,
    dice: &mut Dice,
    count: u64,
) -> Result<u64, tokio_postgres::Error> {
    // A row changes once a statement: drawn twice, it would count twice.
    let mut numbers = FxHashSet::default();
    while (numbers.len() as u64) < count.min(plan.rows) {
        numbers.insert(dice.below(plan.rows));
    }
    let ids: Vec<String> = numbers
        .iter()
        .map(|&number| id(plan.seed, number).to_string())
        .collect();
    let draws: Vec<i32> = ids.iter().map(|_| percent(dice)).collect();
    client.execute(statement, &[&ids, &draws]).await
}

fn percent(dice: &mut Dice) -> i32 {
    i32::try_from(dice.below(100)).expect("99 is an i32")
}

async fn present_ids(
    client: &Client,
    seed: u64,
    numbers: &[u64],
) -> Result<FxHashSet<String>, tokio_postgres::Error> {
    let ids: Vec<String> = numbers
        .iter()
        .map(|&number| id(seed, number).to_string())
        .collect();
    let query =
        "SELECT transaction_id FROM public.transactions WHERE transaction_id = ANY($1::text[])";
    let rows = client.query(query, &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn copy(client: &Client, seed: u64, numbers: &[u64]) -> Result<u64, tokio_postgres::Error> {
    if numbers.is_empty() {
        return Ok(0);
    }
    let copy = format!("COPY public.transactions ({COLUMNS}) FROM STDIN");
    let mut sink = pin!(client.copy_in(&copy).await?);
    for message in numbers.chunks(MESSAGE_ROWS) {
        let mut lines = Vec::with_capacity(message.len() * 256);
        for &number in message {
            push_row(&mut lines, seed, number);
        }
        sink.send(Bytes::from(lines)).await?;
    }
    sink.finish().await
}
