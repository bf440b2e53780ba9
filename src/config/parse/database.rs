//! Where the database is, how to log in, and the slot to read.

use std::time::Duration;

use super::{Parser, modes};
use crate::config::connector::{DatabaseConfig, SlotConfig, SslMode};
use crate::config::error::Problem;

impl Parser<'_> {
    pub(super) fn database(&mut self) -> DatabaseConfig {
        let (ssl_mode, verified) = self.ssl_mode();
        DatabaseConfig {
            host: self.host(),
            port: self.port(),
            user: self.required("database.user"),
            password: self.optional("database.password"),
            dbname: self.required("database.dbname"),
            ssl_mode,
            ssl_root_cert: self.path("database.sslrootcert").filter(|_| verified),
            ssl_cert: self.path("database.sslcert"),
            ssl_key: self.path("database.sslkey"),
            ssl_password: self.optional("database.sslpassword"),
            tcp_keep_alive: self.boolean("database.tcpKeepAlive"),
            // pgjdbc waits for ever when it is 0.
            connect_timeout: match self.number("driver.connectTimeout") {
                0 => Duration::MAX,
                seconds => Duration::from_secs(seconds),
            },
            initial_statements: self.initial_statements(),
            query_timeout: self.optional_millis("database.query.timeout.ms"),
        }
    }

    /// Debezium allows names and IPv4 addresses; an IPv6 address or a socket's directory has no other meaning there.
    fn host(&mut self) -> String {
        if let Some(directory) = self
            .optional("database.hostname")
            .filter(|host| host.starts_with('/'))
        {
            return directory;
        }
        self.required_of("database.hostname", |char| {
            char.is_ascii_alphanumeric() || "_.-:".contains(char)
        })
    }

    fn port(&mut self) -> u16 {
        let port: u32 = self.number("database.port");
        u16::try_from(port).unwrap_or_else(|_| {
            self.problems.push(Problem::invalid(
                "database.port",
                "Value must be no more than 65535",
            ));
            0
        })
    }

    /// pgjdbc's `NonValidatingFactory` keeps TLS and drops the verification, so the trusted certificates go too.
    fn ssl_mode(&mut self) -> (SslMode, bool) {
        let mode = self.mode("database.sslmode", modes::SSL_MODE);
        let unverified = self
            .text("database.sslfactory")
            .ends_with("NonValidatingFactory");
        match (mode, unverified) {
            (SslMode::VerifyCa, true) => (SslMode::Require, false),
            (SslMode::VerifyFull, true) => {
                self.problems.push(Problem::refused(
                    "database.sslfactory",
                    "NonValidatingFactory contradicts database.sslmode=verify-full; remove one of them",
                ));
                (mode, false)
            }
            (_, unverified) => (mode, !unverified),
        }
    }

    /// `JdbcConfiguration`'s statement splitting: one semicolon ends a statement, two are one in its text.
    fn initial_statements(&self) -> Vec<String> {
        const LITERAL: &str = "\u{0}";
        let text = self
            .text("database.initial.statements")
            .replace(";;", LITERAL);
        let statements = text
            .split(';')
            .map(|statement| statement.trim().replace(LITERAL, ";"));
        statements
            .filter(|statement| !statement.is_empty())
            .collect()
    }

    pub(super) fn slot(&mut self) -> SlotConfig {
        SlotConfig {
            name: self.slot_name(),
            drop_on_stop: self.boolean("slot.drop.on.stop"),
            failover: self.boolean("slot.failover"),
            stream_params: self.stream_params(),
            max_retries: self.number("slot.max.retries"),
            retry_delay: self.millis("slot.retry.delay.ms"),
            status_update_interval: self.millis("status.update.interval.ms"),
            xmin_fetch_interval: self.optional_millis("xmin.fetch.interval.ms"),
        }
    }

    fn slot_name(&mut self) -> String {
        let name = self.text("slot.name");
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=63).contains(&name.len()) || !name.bytes().all(legal) {
            self.problems.push(Problem::invalid(
                "slot.name",
                "Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63",
            ));
        }
        name
    }

    fn stream_params(&mut self) -> Vec<(String, String)> {
        let text = self.text("slot.stream.params");
        let mut params = Vec::new();
        for param in text
            .split(';')
            .map(str::trim)
            .filter(|param| !param.is_empty())
        {
            match param.split_once('=') {
                Some((name, value)) => {
                    params.push((name.trim().to_owned(), value.trim().to_owned()))
                }
                None => self.problems.push(Problem::invalid(
                    "slot.stream.params",
                    "name=value pairs separated by semicolons are expected",
                )),
            }
        }
        params
    }
}
