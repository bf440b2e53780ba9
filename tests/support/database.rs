//! A database of a test's own, on a server that the tests running at the same time share.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio_postgres::{Client, NoTls};
use walstreet::config::connector::DatabaseConfig;

use super::postgres::{Options, Postgres, binary};

/// Defaults of sessions that would change how every value looks if we left them, and a server that soon drops a standby
/// that is silent.
const SETTINGS: &[&str] = &[
    "max_connections = 200",
    "max_replication_slots = 200",
    "max_wal_senders = 200",
    "wal_sender_timeout = 2s",
    "TimeZone = 'Asia/Kolkata'",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = sql_standard",
    "bytea_output = escape",
    "extra_float_digits = -3",
];

pub(crate) struct Database {
    server: Arc<Postgres>,
    pub(crate) name: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        static CURRENT: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = {
            let mut current = CURRENT.lock().unwrap();
            current.upgrade().unwrap_or_else(|| {
                let server = Arc::new(Postgres::start_with(&Options {
                    settings: SETTINGS,
                    ..Options::default()
                }));
                *current = Arc::downgrade(&server);
                server
            })
        };
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.sql(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        Self { server, name }
    }

    pub(crate) fn server(&self) -> &Postgres {
        &self.server
    }

    /// Logs in as `postgres` over TCP.
    pub(crate) fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            dbname: self.name.clone(),
            ..self.server.config()
        }
    }

    /// Runs SQL as the superuser and returns the rows, unaligned, one per line.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.sql_in(&self.name, sql)
    }

    pub(crate) async fn connect(&self) -> Client {
        self.connect_as("postgres").await
    }

    pub(crate) async fn connect_as(&self, user: &str) -> Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host_path(self.server.socket_dir())
            .port(self.server.port())
            .dbname(&self.name)
            .user(user)
            .connect(NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) fn psql(&self) -> Command {
        let mut command = Command::new(binary("psql"));
        command.args(["-X", "-q"]).arg(self.connection_string());
        command
    }

    /// `psql` on a replication connection, reading commands from its standard input.
    pub(crate) fn replication_psql(&self) -> Command {
        let mut command = Command::new(binary("psql"));
        let replication = self.connection_string() + " replication=database";
        command.args(["-X", "-A", "-t", "-q"]).arg(replication);
        command
    }

    fn connection_string(&self) -> String {
        format!(
            "host={} port={} dbname={} user=postgres",
            self.server.socket_dir().display(),
            self.server.port(),
            self.name
        )
    }
}
