//! Record headers: the connector's context, and what a change of the primary key adds. As `SimpleHeaderConverter` writes them.

use std::sync::Arc;

use uuid::Uuid;

use crate::config::connector::ConnectorConfig;

/// On the delete half of a primary-key change, and on its tombstone: the key the row has now.
pub(super) const NEW_KEY: &str = "__debezium.newkey";
/// On the create half of a primary-key change: the key the row had.
pub(super) const OLD_KEY: &str = "__debezium.oldkey";

/// The headers that every data record of one run carries, after those of the record itself; none with
/// `extended.headers.enabled=false`. Heartbeats do not carry them.
///
/// `run_id` is a version 7 UUID, new at each start of the task.
#[must_use]
pub fn context_headers(config: &ConnectorConfig, run_id: Uuid) -> Arc<[(String, Vec<u8>)]> {
    if !config.records.extended_headers {
        return Arc::new([]);
    }
    let header = |name: &str, value: &str| {
        (
            format!("__debezium.context.{name}"),
            value.as_bytes().to_vec(),
        )
    };
    Arc::new([
        header("connectorLogicalName", &config.topic_prefix),
        header("taskId", "0"),
        header("connectorName", "postgresql"),
        header("runId", &run_id.to_string()),
    ])
}
