//! Where the database is, and the way to it.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use tokio_postgres::{Client, Config, NoTls};

/// The database of a URL.
pub(super) fn from_url(url: &str) -> anyhow::Result<Config> {
    url.parse()
        .context("--database-url is not a URL like postgresql://user:password@host:5432/database")
}

/// The database of a connector's configuration: flat, or `{"name": …, "config": {…}}` as Kafka Connect's REST API takes it.
pub(super) fn from_connector(path: &Path) -> anyhow::Result<Config> {
    let attempt = || format!("reading the connector \"{}\" failed", path.display());
    let text = std::fs::read_to_string(path).with_context(attempt)?;
    let file: Value = serde_json::from_str(&text).with_context(attempt)?;
    let properties = file.get("config").unwrap_or(&file);
    let property = |name: &str| match properties.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let required = |name: &str| {
        property(name).with_context(|| format!("\"{}\" has no property {name}", path.display()))
    };
    let mut config = Config::new();
    config
        .host(required("database.hostname")?)
        .user(required("database.user")?)
        .dbname(required("database.dbname")?);
    if let Some(port) = property("database.port") {
        config.port(
            port.parse()
                .with_context(|| format!("database.port={port} is not a port"))?,
        );
    }
    if let Some(password) = property("database.password") {
        config.password(password);
    }
    Ok(config)
}

pub(super) async fn connect(config: &Config) -> anyhow::Result<Client> {
    let mut config = config.clone();
    config.application_name("walstreet seed");
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("connecting to the database failed, is it up and does it let us in?")?;
    tokio::spawn(async move {
        // The statement that was running reports only that the connection is closed; here is why.
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the connection to the database broke");
        }
    });
    Ok(client)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tokio_postgres::config::Host;

    use super::*;

    fn connector(text: &str) -> anyhow::Result<Config> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        from_connector(file.path())
    }

    #[test]
    fn a_connector_names_its_database_with_and_without_the_rest_envelope() {
        let flat = r#"{"database.hostname": "db", "database.port": "5433", "database.user": "u",
            "database.password": "p", "database.dbname": "financial_db"}"#;
        let wrapped = format!(r#"{{"name": "fin", "config": {flat}}}"#);
        for text in [flat, &wrapped] {
            let config = connector(text).unwrap();
            assert_eq!(config.get_hosts(), [Host::Tcp("db".to_owned())]);
            assert_eq!(config.get_ports(), [5433]);
            assert_eq!(config.get_user(), Some("u"));
            assert_eq!(config.get_password(), Some(&b"p"[..]));
            assert_eq!(config.get_dbname(), Some("financial_db"));
        }
    }

    #[test]
    fn a_connector_without_a_host_is_refused_by_name() {
        let error = connector(r#"{"database.user": "u"}"#).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("has no property database.hostname"),
            "{error}"
        );
    }
}
