//! The program with `--notify`, a real server, a broker of the test's own, and the fake Slack in this process.

mod audit;
mod check;
mod commands;
mod kill;
mod metrics;
mod oracle;
mod outage;
mod outbox;
mod reload;
mod secrets;
mod slack;
mod stop;
mod stream;
mod tls;

use std::fs;
use std::path::PathBuf;

use crate::support::connector::{Connector, slot_name};
use crate::support::database::Database;
use crate::support::eventually;
use crate::support::kafka::Broker;
use slack::Slack;
use walstreet::postgres::Lsn;

const TOPIC: &str = "srv.shop.orders";

/// Every change of status, as the database saw it.
const TABLES: &str = "
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (
        id int PRIMARY KEY, status text NOT NULL, amount numeric(12, 2) NOT NULL, currency text NOT NULL, note text);
    CREATE TABLE public.history (id int, was text, now text, amount numeric(12, 2));
    CREATE FUNCTION public.remember() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.history VALUES (NEW.id, OLD.status, NEW.status, NEW.amount);
            RETURN NULL;
        END $$;
    CREATE TRIGGER remember AFTER UPDATE ON shop.orders FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION public.remember();
    INSERT INTO shop.orders
        SELECT n, 'NEW', n + 0.25, CASE n % 2 WHEN 0 THEN 'USD' ELSE 'EUR' END, 'none' FROM generate_series(1, 1000) n;";

const EXPOSED: &str = r#"
[notify.expose]
"shop.orders" = { id = "plain", status = "plain", amount = "plain", currency = "plain" }
"#;

/// Everything that becomes PAID.
const PAID: &str = r#"
[[rule]]
name = "paid"
table = "shop.orders"
column = "status"
to = ["PAID"]
amount = { column = "amount", per = "currency" }
to_dest = ["ops"]
"#;

/// Orders whose status changes, a broker, a Slack, and a connector between them.
struct Stage {
    database: Database,
    broker: Broker,
    slack: Slack,
    connector: Connector,
    dir: tempfile::TempDir,
}

impl Stage {
    fn set(rules: &str) -> Self {
        Self::set_with("", rules)
    }

    /// With further lines in `[notify]`.
    fn set_with(settings: &str, rules: &str) -> Self {
        let database = Database::create();
        database.sql(TABLES);
        let broker = Broker::start(&[(TOPIC, 1)]);
        let mut connector = Connector::new(&database.config(), &broker);
        let dir = tempfile::tempdir().unwrap();
        let slack = Slack::start();
        fs::write(dir.path().join("token"), "xoxb-1\n").unwrap();
        let file = dir.path().join("notify.toml");
        connector.arguments(&["--notify", file.to_str().unwrap()]);
        let stage = Self {
            database,
            broker,
            slack,
            connector,
            dir,
        };
        stage.write_rules(settings, rules);
        stage
    }

    fn full_identity(self) -> Self {
        self.database
            .sql("ALTER TABLE shop.orders REPLICA IDENTITY FULL");
        self
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("notify.toml")
    }

    fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn write_rules(&self, settings: &str, rules: &str) {
        let (state_dir, ops) = (self.state_dir(), self.destination("ops", "C1"));
        let text = format!(
            "[notify]\nstate_dir = \"{}\"\n{settings}\n{EXPOSED}\n{ops}\n{rules}",
            state_dir.display()
        );
        fs::write(self.file(), text).unwrap();
    }

    /// A destination of the file.
    fn destination(&self, name: &str, channel: &str) -> String {
        format!(
            "[destination.{name}]\nkind = \"slack_bot\"\ntoken = {{ file = \"{}\" }}\nchannel = \"{channel}\"\napi_base = \"{}/api\"\n",
            self.dir.path().join("token").display(),
            self.slack.address
        )
    }

    /// Rows of the orders become so.
    fn set_status(&self, status: &str, rows: &str) {
        self.database.sql(&format!(
            "UPDATE shop.orders SET status = '{status}' WHERE {rows}"
        ));
    }

    fn confirmed(&self) -> Lsn {
        let slot = slot_name(&self.database.config());
        let sql = format!(
            "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{slot}'"
        );
        self.database.sql(&sql).parse().unwrap()
    }

    fn current(&self) -> Lsn {
        let sql = "SELECT pg_current_wal_lsn()";
        self.database.sql(sql).parse().unwrap()
    }

    /// Kafka has so many records.
    fn wait_for_records(&self, count: i64) {
        eventually(
            || format!("{count} records, {} are there", self.broker.count(TOPIC)),
            || (self.broker.count(TOPIC) >= count).then_some(()),
        );
    }
}
