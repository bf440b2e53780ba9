//! The notifier against an oracle: a table that a trigger keeps says what was committed, the fake Slack's log says what was told.
//!
//! Payments live through transactions of every shape while Slack fails in every way and the program is stopped and killed. At the
//! end every matching change must have been told exactly once, alone or in a digest with exact counts and exact sums, and nothing
//! else: nothing of what was rolled back, no mention and no link of hostile values. A message comes twice only where its answer was
//! lost, and not even then where the bot may look into the channel.
//!
//! `cargo test notify::oracle -- --nocapture` takes half a minute; `WALSTREET_ORACLE_SECONDS=600 WALSTREET_ORACLE_ROWS=200000` makes
//! it as long and the table as large, `WALSTREET_ORACLE_SEED` draws another history.

mod account;
mod life;
mod reading;
mod trouble;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use walstreet::cli::seed::{create_schema, insert_transactions};
use walstreet::notify::fake_slack::workspace::Accepted;
use walstreet::notify::mask::hide_card_numbers;
use walstreet::notify::outbox::Outbox;

use self::account::{Change, Cuts, Lag, Lane, Verdict, foreign_markup, judge};
use self::life::{Load, ROLLED_BACK, Writers};
use self::reading::{Amount, Told};
use self::trouble::{Trouble, Troubles};
use super::slack::Slack;
use crate::support::connector::{Connector, Running, slot_name};
use crate::support::database::Database;
use crate::support::eventually;
use crate::support::kafka::Broker;

const TOPIC: &str = "srv.public.transactions";

/// One row for every committed change, with what a message shows of it.
const HISTORY: &str = "
    CREATE TABLE public.oracle (
        change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, op text, id text, was text, now text, amount numeric,
        currency text, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION public.oracle() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            was text; now text; r public.transactions;
        BEGIN
            IF TG_OP <> 'INSERT' THEN was := OLD.status; r := OLD; END IF;
            IF TG_OP <> 'DELETE' THEN now := NEW.status; r := NEW; END IF;
            IF was IS DISTINCT FROM now THEN
                INSERT INTO public.oracle (op, id, was, now, amount, currency)
                VALUES (TG_OP, r.transaction_id, was, now, r.amount, r.currency);
            END IF;
            RETURN NULL;
        END $$;
    CREATE TRIGGER oracle AFTER INSERT OR UPDATE OR DELETE ON public.transactions
        FOR EACH ROW EXECUTE FUNCTION public.oracle();";

const READ_HISTORY: &str = r"
    SELECT concat_ws(E'\x1f', op, id, coalesce(was, ''), coalesce(now, ''), coalesce(amount::text, ''), currency,
                     (extract(epoch FROM at) * 1000)::bigint)
    FROM public.oracle ORDER BY change_id";

/// Three ways to Slack, and rules of every kind.
const RULES: &str = r#"
[notify]
state_dir = "STATE"
dashboard = "https://pay.example/tx/{transaction_id|url}"
[notify.expose]
"public.transactions" = { transaction_id = "plain", amount = "plain", currency = "plain", status = "plain", merchant_name = "plain", user_id = "hash8", ip_address = "ip24" }

[destination.ops]
kind = "slack_bot"
token = { file = "TOKEN" }
channel = "C1"
api_base = "API/api"
unknown = "reconcile"
[destination.desk]
kind = "slack_bot"
token = { file = "TOKEN" }
channel = "C2"
api_base = "API/api"
unknown = "resend"
[destination.hook]
kind = "slack_webhook"
url = { file = "HOOK" }

[[rule]]
name = "failed"
table = "public.transactions"
column = "status"
to = ["FAILED"]
severity = "critical"
amount = { column = "amount", per = "currency" }
to_dest = ["ops", "hook"]
conversation = { mode = "update+thread", key = ["transaction_id"] }
collapse = { window = "300ms", per_commit = 4, top = 2 }
[rule.template]
body = "*{{ after.amount | money(after.currency) }}* at {{ after.merchant_name }}"

[[rule]]
name = "every"
table = "public.transactions"
column = "status"
amount = { column = "amount", per = "currency" }
to_dest = ["ops", "desk"]
collapse = { window = "300ms", burst = 2, top = 2 }

[[rule]]
name = "rows"
table = "public.transactions"
column = "status"
on = ["insert", "delete"]
severity = "warning"
amount = { column = "amount", per = "currency" }
to_dest = ["desk"]
collapse = { window = "300ms", burst = 2, top = 2 }
"#;

const LANES: [Lane; 5] = [
    lane("failed", "C1", is_failed, false),
    lane("failed", "B0", is_failed, true),
    lane("every", "C1", is_step, false),
    lane("every", "C2", is_step, true),
    lane("rows", "C2", is_row, true),
];
const DESTINATIONS: [&str; 3] = ["ops", "desk", "hook"];

const fn lane(
    rule: &'static str,
    channel: &'static str,
    wants: fn(&Change) -> bool,
    may_repeat: bool,
) -> Lane {
    Lane {
        rule,
        channel,
        wants,
        may_repeat,
    }
}

fn is_step(change: &Change) -> bool {
    change.operation == "UPDATE"
}

fn is_failed(change: &Change) -> bool {
    is_step(change) && change.to == "FAILED"
}

fn is_row(change: &Change) -> bool {
    !is_step(change)
}

/// How much of it.
struct Extent {
    lasts: Duration,
    rows: u64,
    seed: u64,
}

impl Extent {
    fn of_environment() -> Self {
        let number = |name: &str, default: u64| {
            let value = std::env::var(name).ok();
            value.map_or(default, |value| value.parse().unwrap())
        };
        Self {
            lasts: Duration::from_secs(number("WALSTREET_ORACLE_SECONDS", 10)),
            rows: number("WALSTREET_ORACLE_ROWS", 5_000),
            seed: number("WALSTREET_ORACLE_SEED", 20_261_123),
        }
    }

    fn is_long(&self) -> bool {
        self.lasts >= Duration::from_secs(60)
    }
}

#[test]
fn every_committed_change_is_told_exactly_once_whatever_goes_wrong() {
    let extent = Extent::of_environment();
    let mut house = House::build(&extent);
    let mut troubles = Troubles::new(extent.seed, extent.is_long());
    let mut writers = Writers::start(&house.database, 2, extent.seed);
    let began = Instant::now();
    while began.elapsed() < extent.lasts {
        house.calm(&writers, &extent);
        house.storm(&writers, &mut troubles, &extent);
    }
    writers.stop();
    let verdicts = house.await_the_end(&extent);
    house.report(&verdicts, &troubles);
    for (lane, verdict) in LANES.iter().zip(&verdicts) {
        assert!(verdict.is_complete(), "{}: {verdict}", lane.rule);
        assert!(verdict.singles > 0 && verdict.digests > 0, "{verdict}");
    }
    house.check_the_rest();
    house.judge_the_judge();
}

/// Everything between the database and Slack.
struct House {
    database: Database,
    broker: Broker,
    slack: Slack,
    connector: Connector,
    running: Option<Running>,
    outbox: Outbox,
    dir: tempfile::TempDir,
    rows: u64,
    cuts: Cuts,
    /// Nothing went wrong and nothing waited between these.
    calm: Vec<(u64, u64)>,
}

impl House {
    fn build(extent: &Extent) -> Self {
        let database = Database::create();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let client = database.connect().await;
            create_schema(&client).await.unwrap();
            insert_transactions(&client, extent.rows, extent.seed, |_| {})
                .await
                .unwrap();
        });
        database.sql(HISTORY);
        let broker = Broker::start(&[(TOPIC, 1)]);
        let (slack, dir) = (Slack::start(), tempfile::tempdir().unwrap());
        let mut connector = Connector::new(&database.config(), &broker);
        connector
            .set("schema.include.list", "public")
            .set("table.include.list", "public.transactions");
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        connector.arguments(&["--notify", &path("notify.toml")]);
        fs::write(path("token"), "xoxb-1\n").unwrap();
        fs::write(
            path("hook"),
            format!("{}/services/T0/B0/key", slack.address),
        )
        .unwrap();
        let rules = RULES
            .replace("STATE", &path("state"))
            .replace("TOKEN", &path("token"))
            .replace("HOOK", &path("hook"))
            .replace("API", &slack.address);
        fs::write(path("notify.toml"), rules).unwrap();
        let running = start_streaming(&mut connector);
        let outbox = Outbox::beside(&dir.path().join("state")).unwrap();
        Self {
            database,
            broker,
            slack,
            connector,
            running: Some(running),
            outbox,
            dir,
            rows: extent.rows,
            cuts: Vec::new(),
            calm: Vec::new(),
        }
    }

    /// A few changes a second and nothing wrong, once everything before was told.
    fn calm(&mut self, writers: &Writers, extent: &Extent) {
        let (patience, lasts) = match extent.is_long() {
            true => (Duration::from_secs(40), Duration::from_secs(10)),
            false => (Duration::from_secs(6), Duration::from_secs(3)),
        };
        writers.set(Load::Calm);
        self.slack.no_fault();
        self.retry_parked();
        let until = Instant::now() + patience;
        let is_reading = || {
            let running = self.running.as_ref().expect("it runs");
            running.log().contains("streaming slot=")
        };
        while !is_reading() || self.queued() > 0 {
            if Instant::now() > until {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let from = now_ms();
        thread::sleep(lasts);
        self.calm.push((from, now_ms()));
        // What was committed last is not to wait for what goes wrong next.
        thread::sleep(Duration::from_secs(2));
    }

    /// Many changes and everything wrong, one after the other.
    fn storm(&mut self, writers: &Writers, troubles: &mut Troubles, extent: &Extent) {
        let (count, most) = if extent.is_long() {
            (6, 3_000)
        } else {
            (18, 400)
        };
        for number in 0..count {
            writers.set(Load::Wild([60, 2, 5][number % 3]));
            let trouble = troubles.next();
            self.make(trouble, troubles);
            thread::sleep(troubles.ms(100, most));
        }
    }

    fn make(&mut self, trouble: Trouble, troubles: &mut Troubles) {
        match trouble {
            Trouble::Fault(fault) => self.slack.fault(fault),
            Trouble::Broken(fault) => {
                self.slack.fault(fault);
                thread::sleep(troubles.ms(300, 1_200));
                self.slack.mend(fault);
                self.retry_parked();
            }
            Trouble::Closed => {
                self.cuts.push(now_ms());
                self.slack.close();
                thread::sleep(troubles.ms(300, 1_500));
                self.slack.open();
            }
            Trouble::Restart => {
                let running = self.running.take().expect("it runs");
                running.terminate().expect(0, &[]);
                self.cuts.push(now_ms());
                self.running = Some(self.connector.start());
            }
            Trouble::Kill => {
                let running = self.running.take().expect("it runs");
                running.kill();
                self.cuts.push(now_ms());
                self.running = Some(self.connector.start());
            }
        }
    }

    /// An operator repaired what is parked, and says so.
    fn retry_parked(&self) {
        for destination in DESTINATIONS {
            let wait = self.outbox.wait(destination).unwrap();
            if wait.parked_at_ms.is_some() {
                let retried = Command::new(env!("CARGO_BIN_EXE_walstreet"))
                    .args(["notify", "retry", destination, "--file"])
                    .arg(self.file())
                    .output()
                    .unwrap();
                // It may have found out by itself meanwhile.
                println!("{}", String::from_utf8_lossy(&retried.stdout).trim());
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("notify.toml")
    }

    fn queued(&self) -> i64 {
        let queued = |name| self.outbox.standing(name).unwrap().queued;
        DESTINATIONS.into_iter().map(queued).sum()
    }

    /// Until every change is told, and a little longer for what may come twice.
    fn await_the_end(&self, extent: &Extent) -> Vec<Verdict> {
        // A flood's window can be as long as the flood.
        let patience = Duration::from_secs(if extent.is_long() { 400 } else { 120 });
        let history = self.history();
        let began = Instant::now();
        loop {
            // Until then the last faults find a request to strike.
            if began.elapsed() > Duration::from_secs(12) {
                self.slack.no_fault();
            }
            let verdicts = self.judge_all(&history);
            if verdicts.iter().all(Verdict::is_complete) && self.queued() == 0 {
                break;
            }
            if began.elapsed() > patience {
                return verdicts;
            }
            self.retry_parked();
            thread::sleep(Duration::from_millis(500));
        }
        thread::sleep(Duration::from_secs(2));
        self.judge_all(&history)
    }

    fn judge_all(&self, history: &[Change]) -> Vec<Verdict> {
        let log = self.slack.workspace().log.clone();
        let judged = LANES
            .iter()
            .map(|lane| judge(*lane, history, &log, &self.cuts));
        judged.collect()
    }

    fn history(&self) -> Vec<Change> {
        let rows = self.database.sql(READ_HISTORY);
        let changes: Vec<_> = rows.lines().map(change).collect();
        let steps = changes.iter().filter(|change| is_step(change)).count();
        // The tutorial's own history agrees.
        let count = "SELECT count(*) FROM public.transactions_history";
        assert_eq!(self.database.sql(count), steps.to_string());
        changes
    }

    fn check_the_rest(&self) {
        {
            let workspace = self.slack.workspace();
            assert!(workspace.counters.faults > 0, "a calm Slack proves little");
            assert_eq!(foreign_markup(&workspace.log), Vec::<String>::new());
            for accepted in &workspace.log {
                assert!(
                    !accepted.body.to_string().contains(ROLLED_BACK),
                    "{accepted:?}"
                );
                assert_eq!(accepted.pieces, 1, "{accepted:?}");
            }
        }
        for destination in DESTINATIONS {
            assert_eq!(self.outbox.standing(destination).unwrap().dead, 0);
        }
        // Kafka has at least every row and every change; a kill repeats some.
        let changes = self.database.sql("SELECT count(*) FROM public.oracle");
        let least = i64::try_from(self.rows).unwrap() + changes.parse::<i64>().unwrap();
        assert!(self.broker.count(TOPIC) >= least);
        self.check_the_position();
    }

    /// PostgreSQL may forget its log.
    fn check_the_position(&self) {
        let position = self.database.sql("SELECT pg_current_wal_lsn()");
        self.database.sql(
            "UPDATE public.transactions SET city = 'Lima'
            WHERE transaction_id = (SELECT min(transaction_id) FROM public.transactions)",
        );
        let slot = slot_name(&self.database.config());
        let confirmed = format!(
            "SELECT confirmed_flush_lsn >= '{position}' FROM pg_replication_slots WHERE slot_name = '{slot}'"
        );
        eventually(
            || format!("a confirmed position after {position}"),
            || (self.database.sql(&confirmed) == "t").then_some(()),
        );
    }

    /// A judge that cannot say no is none.
    fn judge_the_judge(&self) {
        let history = self.history();
        let log = self.slack.workspace().log.clone();
        for lane in LANES {
            let is_told = |log: &[Accepted]| judge(lane, &history, log, &Vec::new()).is_complete();
            let is_post = |accepted: &&Accepted| {
                let rule = &accepted.body["metadata"]["event_payload"]["rule"];
                accepted.channel == lane.channel
                    && rule == lane.rule
                    && accepted.method == "chat.postMessage"
            };
            let mut clean = log.clone();
            // Without the repeats that lost answers explain.
            let mut seen = std::collections::BTreeSet::new();
            clean.retain(|accepted| {
                !is_post(&accepted) || seen.insert(accepted.delivery_id.clone())
            });
            assert!(is_told(&clean));
            let posts: Vec<_> = (0..clean.len())
                .filter(|at| is_post(&&clean[*at]))
                .collect();
            for at in [posts[0], posts[posts.len() / 2], posts[posts.len() - 1]] {
                let mut fewer = clean.clone();
                fewer.remove(at);
                assert!(!is_told(&fewer), "one message less goes unnoticed");
                let mut more = clean.clone();
                more.push(clean[at].clone());
                more.last_mut().unwrap().delivery_id = Some("another".to_owned());
                assert!(!is_told(&more), "one message more goes unnoticed");
                more.last_mut()
                    .unwrap()
                    .delivery_id
                    .clone_from(&clean[at].delivery_id);
                more.iter_mut().for_each(|accepted| accepted.fault = None);
                assert!(!is_told(&more), "a repeat without a reason goes unnoticed");
            }
        }
    }

    fn report(&self, verdicts: &[Verdict], troubles: &Troubles) {
        let workspace = self.slack.workspace();
        let counters = &workspace.counters;
        println!(
            "{} rows, {} messages and {} edits accepted of {} requests",
            self.rows, counters.accepted, counters.updates, counters.requests
        );
        for (lane, verdict) in LANES.iter().zip(verdicts) {
            println!("  {} to {}: {verdict}", lane.rule, lane.channel);
        }
        println!("  troubles: {:?}", troubles.had);
        println!("  faults that struck: {:?}", counters.struck);
        println!(
            "  429 beside the faults: {}",
            counters.rate_limited - counters.struck.get("429").copied().unwrap_or_default()
        );
        let lags = verdicts.iter().flat_map(|verdict| &verdict.lags);
        let is_calm = |lag: &&Lag| {
            let at = lag.committed_at_ms;
            self.calm
                .iter()
                .any(|(from, to)| (*from..*to).contains(&at))
        };
        let mut calm: Vec<_> = lags.filter(is_calm).map(|lag| lag.ms).collect();
        calm.sort_unstable();
        let percentile = |percent: usize| {
            calm.get((calm.len() * percent / 100).min(calm.len().saturating_sub(1)))
        };
        println!(
            "  commit to Slack outside of faults, ms: {} messages, p50 {:?}, p95 {:?}, p99 {:?}, most {:?}",
            calm.len(),
            percentile(50),
            percentile(95),
            percentile(99),
            calm.last()
        );
    }
}

/// The snapshot may take its time.
fn start_streaming(connector: &mut Connector) -> Running {
    let running = connector.start();
    let until = Instant::now() + Duration::from_secs(300);
    while !running.log().contains("streaming slot=") {
        assert!(
            running.is_alive() && Instant::now() < until,
            "{}",
            running.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
    running
}

/// A line of [`READ_HISTORY`].
fn change(line: &str) -> Change {
    let parts: Vec<_> = line.split('\u{1f}').collect();
    let [operation, id, was, now, amount, currency, at] = parts[..] else {
        panic!("{line:?}");
    };
    let amount = Amount::read(amount);
    let step = match operation {
        "INSERT" => format!("new, {now}"),
        "DELETE" => format!("deleted, was {was}"),
        _ => format!("{was} → {now}"),
    };
    let currency = match amount {
        Amount::Missing => String::new(),
        Amount::Millionths(_) | Amount::NotFinite(_) => currency.to_owned(),
    };
    Change {
        operation: operation.to_owned(),
        to: now.to_owned(),
        told: Told {
            key: hide_card_numbers(id),
            step,
            amount,
            currency,
        },
        at_ms: at.parse().unwrap(),
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}
