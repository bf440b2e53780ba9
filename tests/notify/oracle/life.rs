//! Payments with a life: what happens to them in transactions of every shape, drawn from a seed.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_postgres::Client;
use walstreet::notify::random::Random;

use crate::support::database::Database;

/// A life has few transitions, so that a digest shows them all.
const STEP: &str = "
    CREATE FUNCTION public.step(status text, draw int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE status
            WHEN 'PENDING' THEN CASE WHEN draw < 70 THEN 'AUTHORIZED' ELSE 'FAILED' END
            WHEN 'AUTHORIZED' THEN CASE WHEN draw < 70 THEN 'CAPTURED' ELSE 'FAILED' END
            WHEN 'CAPTURED' THEN 'SETTLED'
            WHEN 'SETTLED' THEN 'REFUNDED'
            ELSE 'PENDING' END
    $$";

/// Names as attackers choose them. None may hold a line's end: the history is read line by line.
const MERCHANTS: [&str; 14] = [
    "Corner Pharmacy",
    "<!channel>",
    "<!here|x>",
    "<@U123>",
    "<https://evil.example|Refund>",
    "&lt;!here&gt;",
    "*_~` *bold* ~gone~",
    "{{7*7}} {% for x in y %}",
    "{{ after.merchant_name|safe }}",
    "\u{202e}dnufeR",
    "zero\u{200b}width\u{feff}",
    "👩‍👩‍👧‍👦 e\u{301}",
    "<#C1> <!subteam^S1>",
    "'; DROP TABLE x; --",
];
const CURRENCIES: [&str; 5] = ["USD", "GBP", "EUR", "<!here>", "*&~"];

/// What is written into everything that is rolled back.
pub(super) const ROLLED_BACK: &str = "ROLLED BACK";

/// What the writers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// A change now and then.
    Calm,
    /// So many transactions a second of each, up to thousands of rows.
    Wild(u64),
}

/// Writes as fast as it is told to until it is stopped.
pub(super) struct Writers {
    load: Arc<Mutex<Load>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    /// So many at the same time; no two touch the same row.
    pub(super) fn start(database: &Database, count: usize, seed: u64) -> Self {
        database.sql(STEP);
        let keys = database.sql("SELECT transaction_id FROM public.transactions ORDER BY 1");
        let mut shares = vec![Vec::new(); count];
        for (at, key) in keys.lines().enumerate() {
            shares[at % count].push(key.to_owned());
        }
        let mut writers = Self {
            load: Arc::new(Mutex::new(Load::Calm)),
            stop: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        for (number, keys) in (0..).zip(shares) {
            let life = Life {
                keys,
                name: format!("w{number}"),
                made: 0,
                random: Random::seeded(seed * 100 + number),
            };
            let connection = connection(database);
            let (load, stop) = (Arc::clone(&writers.load), Arc::clone(&writers.stop));
            let thread = std::thread::spawn(move || life.run(&connection, &load, &stop));
            writers.threads.push(thread);
        }
        writers
    }

    pub(super) fn set(&self, load: Load) {
        *self.load.lock().unwrap() = load;
    }

    pub(super) fn stop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a writer that could write");
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

fn connection(database: &Database) -> tokio_postgres::Config {
    let config = database.config();
    let mut connection = tokio_postgres::Config::new();
    connection
        .host(&config.host)
        .port(config.port)
        .dbname(&config.dbname)
        .user(&config.user);
    connection
}

struct Life {
    keys: Vec<String>,
    name: String,
    made: u64,
    random: Random,
}

impl Life {
    fn run(mut self, connection: &tokio_postgres::Config, load: &Mutex<Load>, stop: &AtomicBool) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (client, connection) = connection.connect(tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            while !stop.load(Relaxed) {
                let load = *load.lock().unwrap();
                let (sql, pause) = match load {
                    Load::Calm => (self.change(), Duration::from_millis(1_700)),
                    Load::Wild(rate) => {
                        (self.transaction(), Duration::from_micros(1_000_000 / rate))
                    }
                };
                run(&client, &sql).await;
                tokio::time::sleep(pause).await;
            }
        });
    }

    /// The statements of one transaction, and how it ends.
    fn transaction(&mut self) -> String {
        match self.random.below(100) {
            0..42 => self.change(),
            42..54 => format!("BEGIN; {}; COMMIT", self.changes(12)),
            54..66 => self.savepoints(),
            66..72 => format!("BEGIN; {}; ROLLBACK", self.lost(8)),
            72..79 => self.rename("status = public.step(status, 50), "),
            79..82 => self.rename(""),
            82..86 => self.delete(),
            86..92 => self.insert(),
            92..95 => self.steps_of_one(),
            95..98 => self.quiet(),
            _ => self.bulk(),
        }
    }

    fn change(&mut self) -> String {
        let key = self.key();
        self.step(&key)
    }

    fn changes(&mut self, most: u64) -> String {
        let count = 2 + self.random.below(most - 1);
        let changes: Vec<_> = (0..count).map(|_| self.change()).collect();
        changes.join("; ")
    }

    /// The same payment more than once in a transaction.
    fn steps_of_one(&mut self) -> String {
        let key = self.key();
        let steps: Vec<_> = (0..3).map(|_| self.step(&key)).collect();
        format!("BEGIN; {}; COMMIT", steps.join("; "))
    }

    fn step(&mut self, key: &str) -> String {
        let (draw, values) = (self.random.below(100), self.values());
        format!(
            "UPDATE public.transactions SET status = public.step(status, {draw}), {values} WHERE transaction_id = {}",
            quoted(key)
        )
    }

    /// Some of it is undone, within what is undone too, and by an exception.
    fn savepoints(&mut self) -> String {
        let is_kept = self.random.below(10) < 8;
        let [first, second, third] = [(); 3].map(|()| match is_kept {
            true => self.changes(4),
            false => self.lost(2),
        });
        let [lost, deeper, raised] = [(); 3].map(|()| self.lost(2));
        let end = if is_kept { "COMMIT" } else { "ROLLBACK" };
        format!(
            "BEGIN; {first}; SAVEPOINT a; {lost}; SAVEPOINT b; {deeper}; RELEASE b; ROLLBACK TO a;
             SAVEPOINT c; {second}; RELEASE c;
             DO $do$ BEGIN {raised}; RAISE 'undone'; EXCEPTION WHEN raise_exception THEN NULL; END $do$;
             {third}; {end}"
        )
    }

    /// Changes that are undone, and say so.
    fn lost(&mut self, count: u64) -> String {
        let lost: Vec<_> = (0..count)
            .map(|_| {
                format!(
                    "UPDATE public.transactions SET status = public.step(status, 99), merchant_name = '{ROLLED_BACK}'
                     WHERE transaction_id = {}",
                    quoted(&self.key())
                )
            })
            .collect();
        lost.join("; ")
    }

    fn rename(&mut self, also: &str) -> String {
        let (old, new) = (self.key(), self.new_key());
        let sql = format!(
            "UPDATE public.transactions SET {also}transaction_id = {} WHERE transaction_id = {}",
            quoted(&new),
            quoted(&old)
        );
        self.keys.push(new);
        sql
    }

    fn delete(&mut self) -> String {
        let key = self.key();
        format!(
            "DELETE FROM public.transactions WHERE transaction_id = {}",
            quoted(&key)
        )
    }

    fn insert(&mut self) -> String {
        let key = self.new_key();
        let sql = format!(
            "INSERT INTO public.transactions (transaction_id, user_id, \"timestamp\", amount, currency, country,
                 merchant_name, ip_address, status)
             VALUES ({}, 'new.user', now(), {}, {}, 'Peru', {}, '10.1.2.3', 'PENDING')",
            quoted(&key),
            self.amount(),
            self.pick(&CURRENCIES),
            self.pick(&MERCHANTS),
        );
        self.keys.push(key);
        sql
    }

    /// Nobody wants to hear of it: the status stays.
    fn quiet(&mut self) -> String {
        let (key, values) = (self.key(), self.values());
        format!(
            "UPDATE public.transactions SET {values} WHERE transaction_id = {}",
            quoted(&key)
        )
    }

    fn bulk(&mut self) -> String {
        let count = 50 + self.random.below(1_500);
        let keys: Vec<_> = (0..count).map(|_| quoted(&self.key())).collect();
        format!(
            "UPDATE public.transactions SET status = public.step(status, length(transaction_id) % 100)
             WHERE transaction_id IN ({})",
            keys.join(", ")
        )
    }

    fn values(&mut self) -> String {
        format!(
            "amount = {}, currency = {}, merchant_name = {}",
            self.amount(),
            self.pick(&CURRENCIES),
            self.pick(&MERCHANTS)
        )
    }

    /// Hardly any two are alike, so that a sum tells which changes are in it.
    fn amount(&mut self) -> String {
        match self.random.below(60) {
            0 => "NULL".to_owned(),
            1 => "'NaN'".to_owned(),
            2 => "0".to_owned(),
            draw => {
                let sign = if draw < 8 { "-" } else { "" };
                let (whole, fraction) =
                    (self.random.below(1_000_000), self.random.below(1_000_000));
                format!(
                    "{sign}{whole}.{}",
                    fraction.to_string().trim_end_matches('0')
                )
                .trim_end_matches('.')
                .to_owned()
            }
        }
    }

    /// The latest payments change again and again.
    fn key(&mut self) -> String {
        let all = self.keys.len() as u64;
        let from = match self.random.below(4) {
            0 => all - all.min(20),
            _ => 0,
        };
        let at = from + self.random.below(all - from);
        self.keys[usize::try_from(at).unwrap()].clone()
    }

    fn new_key(&mut self) -> String {
        self.made += 1;
        let hostile = [
            "",
            "<!channel>",
            "<@U1>",
            "*_~",
            "a&b<https://evil.example>",
        ];
        let at = usize::try_from(self.random.below(hostile.len() as u64)).unwrap();
        format!("{}{}.{}", hostile[at], self.name, self.made)
    }

    fn pick(&mut self, choices: &[&str]) -> String {
        let at = self.random.below(choices.len() as u64);
        quoted(choices[usize::try_from(at).unwrap()])
    }
}

async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{error:?}: {sql}");
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
