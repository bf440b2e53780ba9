//! The program against a real server and a broker that can be shut off: killed, stopped, cut off, misconfigured.

mod bad_input;
mod broker;
mod heartbeat;
mod kill;
mod numbers;
mod server;
mod snapshot;
mod start;
mod stop;
mod takeover;

use walstreet::postgres::Lsn;

use crate::support::connector::{Connector, slot_name};
use crate::support::database::Database;
use crate::support::kafka::Broker;
use numbers::Numbers;

/// What most of these tests need: numbers that change, a broker, and a connector between them.
struct Stage {
    database: Database,
    numbers: Numbers,
    broker: Broker,
    connector: Connector,
}

impl Stage {
    /// With these topics beside that of the numbers.
    fn set(topics: &[(&str, i32)]) -> Self {
        let database = Database::create();
        let numbers = Numbers::create(database.config());
        let broker = Broker::start(&[&[numbers::TOPIC_SPEC], topics].concat());
        let connector = Connector::new(&database.config(), &broker);
        Self {
            database,
            numbers,
            broker,
            connector,
        }
    }

    /// One field of the connector's slot.
    fn slot(&self, field: &str) -> String {
        let slot = slot_name(&self.database.config());
        self.database.sql(&format!(
            "SELECT {field} FROM pg_replication_slots WHERE slot_name = '{slot}'"
        ))
    }

    /// What PostgreSQL may forget.
    fn confirmed(&self) -> Lsn {
        self.slot("confirmed_flush_lsn").parse().unwrap()
    }

    /// Where the next WAL record goes.
    fn current(&self) -> Lsn {
        self.database
            .sql("SELECT pg_current_wal_lsn()")
            .parse()
            .unwrap()
    }
}
