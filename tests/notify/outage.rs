//! Slack is away while a real database changes: Kafka gets everything, PostgreSQL keeps no log, and later everything is told.

use std::thread;
use std::time::{Duration, Instant};

use super::{Stage, slot_name};
use crate::support::eventually;

const CHANGES: u64 = 20_000;
/// Every change of status counts, and the windows are short: a flood doubles them.
const EVERY: &str = r#"
[[rule]]
name = "every"
table = "shop.orders"
column = "status"
amount = { column = "amount", per = "currency" }
to_dest = ["ops"]
collapse = { window = "500ms" }
"#;

/// Two rows a commit, for four seconds at least.
const FLOOD: &str = "
    DO $$ BEGIN
        FOR n IN 1..10000 LOOP
            UPDATE shop.orders SET status = CASE status WHEN 'NEW' THEN 'PAID' ELSE 'NEW' END, amount = n + id + 0.25
            WHERE id IN (1 + n % 500, 1000 - n % 500);
            COMMIT;
            IF n % 500 = 0 THEN PERFORM pg_sleep(0.2); END IF;
        END LOOP;
    END $$";

const SUMS: &str = "
    SELECT string_agg(sum || ' ' || currency, ', ' ORDER BY currency)
    FROM (SELECT sum(h.amount), currency FROM public.history h JOIN shop.orders USING (id) GROUP BY currency) AS s";

#[test]
fn while_connections_are_refused_20_000_changes_hold_up_nothing_and_are_told_later() {
    let mut stage = Stage::set(EVERY).full_identity();
    let running = stage.connector.start_streaming();
    stage.slack.close();
    let mut positions = vec![stage.confirmed()];
    thread::scope(|scope| {
        let flood = scope.spawn(|| stage.database.sql(FLOOD));
        while !flood.is_finished() {
            thread::sleep(Duration::from_millis(100));
            positions.push(stage.confirmed());
        }
    });
    let after = stage.current();
    stage.wait_for_records(1_000 + i64::try_from(CHANGES).unwrap());
    eventually(
        || format!("a confirmed position after {after}"),
        || (stage.confirmed() >= after).then_some(()),
    );
    assert_eq!(stage.slack.told(), 0);
    assert!(positions.is_sorted());
    positions.dedup();
    assert!(positions.len() > 2, "it stood still: {positions:?}");
    let retained = stage.retained_bytes();
    assert!(retained < 64 << 20, "{retained} bytes of WAL");
    let [outbox, log] = ["outbox.db", "outbox.db-wal"].map(|file| stage.state_bytes(file));
    // A line of the audit for each change is most of it.
    assert!(outbox < 512 * CHANGES, "{outbox} bytes of outbox");
    // Of what was written last; its place is used again when that is in the outbox.
    assert!(log < 32 << 20, "{log} bytes of the outbox's log");

    stage.slack.open();
    let (opened, patience) = (Instant::now(), Duration::from_secs(150));
    while stage.slack.told() < CHANGES && opened.elapsed() < patience {
        thread::sleep(Duration::from_millis(100));
    }
    let texts = stage.slack.texts();
    assert_eq!(stage.slack.told(), CHANGES, "{texts:#?}");
    assert_eq!(sums(&texts), stage.database.sql(SUMS));
    assert_eq!(stage.slack.duplicates(), 0);
    println!(
        "{} positions confirmed meanwhile, {retained} bytes of WAL, {outbox} of outbox and {log} of its log kept; told {:?} after Slack came \
         back: {texts:#?}",
        positions.len(),
        opened.elapsed()
    );
    running.terminate().expect(0, &[]);
}

impl Stage {
    /// Of the log that PostgreSQL keeps for us. Where a slot may restart moves with a checkpoint.
    fn retained_bytes(&self) -> u64 {
        self.database.sql("CHECKPOINT");
        let slot = slot_name(&self.database.config());
        let sql = format!(
            "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = '{slot}'"
        );
        let bytes = || self.database.sql(&sql).parse::<u64>().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while bytes() >= 64 << 20 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(200));
        }
        bytes()
    }

    fn state_bytes(&self, file: &str) -> u64 {
        let path = self.state_dir().join(file);
        path.metadata().unwrap().len()
    }
}

/// The amounts of all messages by currency, as [`SUMS`] writes them.
fn sums(texts: &[String]) -> String {
    let mut cents = [0_u64; 2];
    let currencies = ["EUR", "USD"];
    for text in texts {
        let words: Vec<_> = text.split(' ').collect();
        for pair in words.windows(2) {
            let currency = pair[1].trim_end_matches(',');
            if let Some(at) = currencies.iter().position(|known| *known == currency) {
                cents[at] += pair[0].replace([',', '.'], "").parse::<u64>().unwrap();
            }
        }
    }
    let sum = |at: usize| {
        format!(
            "{}.{:02} {}",
            cents[at] / 100,
            cents[at] % 100,
            currencies[at]
        )
    };
    format!("{}, {}", sum(0), sum(1))
}
