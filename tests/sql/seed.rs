//! The seeder: what it puts into the database, judged by the database.

use std::time::Duration;

use tokio_postgres::Client;
use walstreet::cli::seed::{
    ChangePlan, Inserted, Schema, apply_changes, create_schema, insert_transactions,
};

use crate::support::database::Database;

const SEED: u64 = 42;

#[tokio::test]
async fn a_second_run_creates_and_inserts_nothing() {
    let database = Database::create();
    let client = database.connect().await;
    assert_eq!(create_schema(&client).await.unwrap(), Schema::Created);
    assert_eq!(create_schema(&client).await.unwrap(), Schema::Present);
    assert_eq!(insert(&client, 12_345).await, inserted(12_345, 0));
    assert_eq!(insert(&client, 12_345).await, inserted(0, 12_345));
    assert_eq!(count(&client, "transactions").await, 12_345);
}

#[tokio::test]
async fn a_later_run_adds_what_is_missing() {
    let database = Database::create();
    let client = database.connect().await;
    create_schema(&client).await.unwrap();
    insert(&client, 1_000).await;
    let delete = "DELETE FROM transactions WHERE currency = 'GBP'";
    let deleted = client.execute(delete, &[]).await.unwrap();
    assert!(deleted > 0);
    assert_eq!(
        insert(&client, 1_500).await,
        inserted(500 + deleted, 1_000 - deleted)
    );
    assert_eq!(count(&client, "transactions").await, 1_500);
}

#[tokio::test]
async fn the_table_of_the_tutorials_is_completed_and_keeps_its_rows() {
    let database = Database::create();
    let client = database.connect().await;
    let tutorial = "CREATE TABLE transactions (transaction_id VARCHAR(255) PRIMARY KEY, user_id VARCHAR(255),
            timestamp TIMESTAMP, amount DECIMAL, currency VARCHAR(255), city VARCHAR(255), country VARCHAR(255),
            merchant_name VARCHAR(255), payment_method VARCHAR(255), ip_address VARCHAR(255),
            voucher_code VARCHAR(255), affiliateId VARCHAR(255));
        ALTER TABLE transactions ADD modified_by TEXT, ADD modified_at TIMESTAMP;
        INSERT INTO transactions (transaction_id, amount) VALUES ('theirs', 250.33)";
    client.batch_execute(tutorial).await.unwrap();
    assert_eq!(create_schema(&client).await.unwrap(), Schema::Created);
    assert_eq!(insert(&client, 10).await, inserted(10, 0));
    let theirs = "SELECT status FROM transactions WHERE transaction_id = 'theirs'";
    let status: String = client.query_one(theirs, &[]).await.unwrap().get(0);
    assert_eq!(status, "PENDING");
}

#[tokio::test]
async fn the_history_has_every_change_that_was_counted_and_ends_where_the_payments_are() {
    let database = Database::create();
    let client = database.connect().await;
    create_schema(&client).await.unwrap();
    insert(&client, 500).await;
    client
        .batch_execute("CREATE TABLE before AS SELECT * FROM transactions")
        .await
        .unwrap();
    let plan = ChangePlan {
        rows: 500,
        seed: SEED,
        per_second: 20_000,
    };
    let mut shown = 0;
    let stop = tokio::time::sleep(Duration::from_millis(500));
    let changed = apply_changes(&client, plan, stop, |changes| shown = changes)
        .await
        .unwrap();
    assert!(changed > 0);
    assert_eq!(shown, changed);
    assert_eq!(
        i64::try_from(changed).unwrap(),
        count(&client, "transactions_history").await
    );
    // Each old status is the new one of the change before, the last new one is what the payment has now.
    let broken_chains = "
        SELECT count(*)
        FROM (SELECT h.old_status, h.new_status, t.status,
                     lag(h.new_status, 1, b.status) OVER payment AS previous,
                     lead(h.old_status, 1, t.status) OVER payment AS next
              FROM transactions_history AS h
              JOIN before AS b USING (transaction_id)
              JOIN transactions AS t USING (transaction_id)
              WINDOW payment AS (PARTITION BY h.transaction_id ORDER BY h.change_id)) AS chain
        WHERE old_status <> previous OR new_status <> next";
    let broken: i64 = client.query_one(broken_chains, &[]).await.unwrap().get(0);
    assert_eq!(broken, 0);
}

#[tokio::test]
async fn a_change_by_hand_is_signed_by_the_user_who_made_it() {
    let database = Database::create();
    let client = database.connect().await;
    create_schema(&client).await.unwrap();
    insert(&client, 1).await;
    client
        .execute("UPDATE transactions SET status = 'FAILED'", &[])
        .await
        .unwrap();
    let query = "SELECT t.modified_by, t.modified_at IS NOT NULL, h.new_status, h.modified_by
        FROM transactions AS t JOIN transactions_history AS h USING (transaction_id)";
    let row = client.query_one(query, &[]).await.unwrap();
    let signed: (String, bool, String, String) = (row.get(0), row.get(1), row.get(2), row.get(3));
    let user = || "postgres".to_owned();
    assert_eq!(signed, (user(), true, "FAILED".to_owned(), user()));
}

async fn insert(client: &Client, rows: u64) -> Inserted {
    let mut shown = 0;
    let done = insert_transactions(client, rows, SEED, |rows| shown = rows)
        .await
        .unwrap();
    assert_eq!(shown, rows);
    done
}

fn inserted(inserted: u64, present: u64) -> Inserted {
    Inserted { inserted, present }
}

async fn count(client: &Client, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    client.query_one(&query, &[]).await.unwrap().get(0)
}
