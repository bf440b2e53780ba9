//! The program against a real server and a broker that can be shut off: killed, stopped, cut off, misconfigured.

mod bad_input;
mod broker;
mod kill;
mod numbers;
mod server;
mod snapshot;
mod stop;
mod takeover;

use crate::support::connector::Connector;
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
}
