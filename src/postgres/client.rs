//! Sessions for ordinary SQL: `tokio_postgres`, with the settings that values depend on.

use std::time::Duration;

use openssl::ssl;
use postgres_openssl::MakeTlsConnector;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode as TokioSslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::error::{self, Error};
use super::tls::{self, Encryption};
use crate::config::connector::DatabaseConfig;

/// Session settings, by `SET`: poolers refuse most of them among the start-up parameters.
const SETTINGS: &str = "SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; \
                        SET TimeZone = 'UTC'; SET extra_float_digits = 3";

/// Idle time before TCP keepalive probes, and how long sent bytes may stay unacknowledged.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// Logs in, applies the settings, `statement_timeout` and the initial statements. A task of its own moves the bytes until
/// the client is dropped.
pub async fn connect(config: &DatabaseConfig, application_name: &str) -> Result<Client, Error> {
    let client = log_in(config, application_name).await?;
    let timeout_ms = config
        .query_timeout
        .map_or(0, |timeout| timeout.as_millis());
    let settings = format!("{SETTINGS}; SET statement_timeout = {timeout_ms}");
    client
        .batch_execute(&settings)
        .await
        .map_err(|error| Error::from_sql("set up the session", error))?;
    for statement in &config.initial_statements {
        client
            .batch_execute(statement)
            .await
            .map_err(|error| Error::from_sql("run database.initial.statements", error))?;
    }
    Ok(client)
}

async fn log_in(config: &DatabaseConfig, application_name: &str) -> Result<Client, Error> {
    let mut first_error = None;
    for &encryption in tls::attempts(config.ssl_mode, &config.host) {
        match log_in_with(config, application_name, encryption).await {
            Ok(client) => return Ok(client),
            Err(error) => match first_error.take() {
                Some(first) => return Err(tls::more_telling(config.ssl_mode, first, error)),
                None if tls::may_fall_back(&error) => first_error = Some(error),
                None => return Err(error),
            },
        }
    }
    Err(first_error.expect("there is at least one attempt, and it did not succeed"))
}

async fn log_in_with(
    config: &DatabaseConfig,
    application_name: &str,
    encryption: Encryption,
) -> Result<Client, Error> {
    let target = target(config, application_name, encryption);
    let client = match encryption {
        Encryption::None => target.connect(NoTls).await.map(spawn),
        Encryption::IfOffered | Encryption::Required => {
            target.connect(connector(config)?).await.map(spawn)
        }
    };
    client.map_err(|error| log_in_error(config, error))
}

fn connector(config: &DatabaseConfig) -> Result<MakeTlsConnector, Error> {
    let mut connector = MakeTlsConnector::new(tls::connector(config)?);
    let mode = config.ssl_mode;
    connector.set_callback(move |configuration, _| {
        tls::configure(configuration, mode);
        Ok(())
    });
    Ok(connector)
}

fn spawn<S, T>((client, connection): (Client, tokio_postgres::Connection<S, T>)) -> Client
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!("{}", Error::from_sql("keep an SQL session open", error));
        }
    });
    client
}

fn target(config: &DatabaseConfig, application_name: &str, encryption: Encryption) -> Config {
    let mut target = Config::new();
    target
        .host(&config.host)
        .port(config.port)
        .user(&config.user)
        .dbname(&config.dbname)
        .application_name(application_name)
        .connect_timeout(config.connect_timeout)
        .keepalives(config.tcp_keep_alive)
        .keepalives_idle(KEEPALIVE_IDLE)
        .tcp_user_timeout(USER_TIMEOUT)
        .ssl_mode(match encryption {
            Encryption::None => TokioSslMode::Disable,
            Encryption::IfOffered => TokioSslMode::Prefer,
            Encryption::Required => TokioSslMode::Require,
        });
    if let Some(password) = &config.password {
        target.password(password);
    }
    target
}

/// Sorts what `tokio_postgres` reports into our own kinds, so that both sorts of connections fail alike.
fn log_in_error(config: &DatabaseConfig, error: tokio_postgres::Error) -> Error {
    let host = config.host.clone();
    if error.as_db_error().is_some() {
        return Error::from_sql(
            format!("log in to \"{}\" at {host}:{}", config.dbname, config.port),
            error,
        );
    }
    if let Some(source) = error::io_cause(&error) {
        return Error::Connect {
            host,
            port: config.port,
            source: std::io::Error::new(source.kind(), error),
        };
    }
    match tls_cause(&error) {
        Some(_) => Error::Tls {
            host,
            source: Box::new(error),
        },
        None => Error::from_sql(
            format!("log in to \"{}\" at {host}:{}", config.dbname, config.port),
            error,
        ),
    }
}

fn tls_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a ssl::Error> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref())
}
