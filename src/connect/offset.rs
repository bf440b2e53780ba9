//! What Connect stores of a connector's position: key and value of a record in the offsets topic.
//!
//! Both are JSON without schemas. Connect finds an offset by the bytes of its key, so the key is spelled exactly; the value is
//! written in the order in which a Java `HashMap` lists these names, as `PostgresOffsetContext` leaves it.

use serde_json::{Map, Value};

use super::json;

/// A stored offset of the PostgreSQL connector. LSNs and the transaction id are Java longs, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOffset {
    /// The last change whose record was sent.
    pub lsn: i64,
    /// Absent until the first streamed change.
    pub lsn_proc: Option<i64>,
    /// End of the last commit; absent until the first one.
    pub lsn_commit: Option<i64>,
    pub tx_id: Option<i64>,
    /// Commit time of the last change, or the time of the snapshot, in microseconds since 1970.
    pub ts_usec: Option<i64>,
    pub message_type: Option<MessageType>,
    /// Present from the first to the last record of a snapshot.
    pub snapshot: Option<SnapshotOffset>,
    /// How many changes at `lsn` were sent (Debezium 3.7).
    pub lsn_events_processed: Option<i64>,
    /// The transaction that had begun, with `provide.transaction.metadata`. The changes of its tables that were sent are stored
    /// too; they are counted anew here, because a transaction is always read from its beginning.
    pub transaction_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOffset {
    pub kind: SnapshotKind,
    pub last_snapshot_record: bool,
    pub snapshot_completed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotKind {
    Initial,
    Blocking,
    Incremental,
}

/// `ReplicationMessage.Operation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    Insert,
    Update,
    Delete,
    Truncate,
    Message,
    Begin,
    Commit,
}

#[derive(Debug, thiserror::Error)]
pub enum OffsetError {
    #[error(
        "could not read the stored offset as JSON; reset the connector's offsets or correct them"
    )]
    Json(#[source] serde_json::Error),
    #[error(
        "the stored offset is not a JSON object; reset the connector's offsets or correct them"
    )]
    NotAnObject,
    #[error("the stored offset has no \"{name}\"; reset the connector's offsets or correct them")]
    Missing { name: &'static str },
    #[error(
        "\"{name}\" in the stored offset is not {expected}; reset the connector's offsets or correct them"
    )]
    Unexpected {
        name: &'static str,
        expected: &'static str,
    },
}

impl OffsetError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Json(_) | Self::NotAnObject | Self::Missing { .. } | Self::Unexpected { .. } => {
                false
            }
        }
    }
}

/// Key of the offset record: `["<connector name>",{"server":"<topic.prefix>"}]`.
#[must_use]
pub fn offset_key(connector_name: &str, topic_prefix: &str) -> Vec<u8> {
    let mut key = b"[".to_vec();
    json::write_string(connector_name.as_bytes(), &mut key);
    key.extend_from_slice(b",{\"server\":");
    json::write_string(topic_prefix.as_bytes(), &mut key);
    key.extend_from_slice(b"}]");
    key
}

impl SourceOffset {
    /// Reads a stored value. Names that are not ours are skipped: transaction metadata, incremental snapshots, newer releases.
    pub fn parse(value: &[u8]) -> Result<Self, OffsetError> {
        let Value::Object(fields) = serde_json::from_slice(value).map_err(OffsetError::Json)?
        else {
            return Err(OffsetError::NotAnObject);
        };
        Ok(Self {
            lsn: long(&fields, "lsn")?.ok_or(OffsetError::Missing { name: "lsn" })?,
            lsn_proc: long(&fields, "lsn_proc")?,
            lsn_commit: long(&fields, "lsn_commit")?,
            tx_id: long(&fields, "txId")?,
            ts_usec: long(&fields, "ts_usec")?,
            message_type: message_type(&fields)?,
            snapshot: snapshot(&fields)?,
            lsn_events_processed: long(&fields, "lsn_events_processed")?,
            transaction_id: text(&fields, "transaction_id")?,
        })
    }

    /// The value to store.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put(
            "transaction_id",
            self.transaction_id.as_deref().map(Value::from),
        );
        put("lsn_proc", self.lsn_proc.map(Value::from));
        put(
            "last_snapshot_record",
            self.snapshot
                .map(|snapshot| snapshot.last_snapshot_record.into()),
        );
        put(
            "messageType",
            self.message_type
                .map(|message_type| message_type.name().into()),
        );
        put("lsn_commit", self.lsn_commit.map(Value::from));
        put("lsn", Some(self.lsn.into()));
        put("txId", self.tx_id.map(Value::from));
        put("ts_usec", self.ts_usec.map(Value::from));
        put(
            "snapshot",
            self.snapshot.map(|snapshot| snapshot.kind.name().into()),
        );
        put(
            "snapshot_completed",
            self.snapshot
                .map(|snapshot| snapshot.snapshot_completed.into()),
        );
        put(
            "lsn_events_processed",
            self.lsn_events_processed.map(Value::from),
        );
        Value::Object(fields).to_string().into_bytes()
    }

    /// `lsn_commit`, else `lsn_proc`: what `PostgresOffsetContext.Loader` takes for the last commit.
    #[must_use]
    pub fn last_commit_lsn(&self) -> Option<i64> {
        self.lsn_commit.or(self.lsn_proc)
    }
}

impl SnapshotKind {
    const ALL: [Self; 3] = [Self::Initial, Self::Blocking, Self::Incremental];

    fn name(self) -> &'static str {
        match self {
            Self::Initial => "INITIAL",
            Self::Blocking => "BLOCKING",
            Self::Incremental => "INCREMENTAL",
        }
    }
}

impl MessageType {
    const ALL: [Self; 7] = [
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
        Self::Message,
        Self::Begin,
        Self::Commit,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::Message => "MESSAGE",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
        }
    }
}

/// A field that is there and not null.
fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn long(fields: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, OffsetError> {
    let Some(value) = present(fields, name) else {
        return Ok(None);
    };
    value.as_i64().map(Some).ok_or(OffsetError::Unexpected {
        name,
        expected: "a whole number",
    })
}

fn text(fields: &Map<String, Value>, name: &'static str) -> Result<Option<String>, OffsetError> {
    let Some(value) = present(fields, name) else {
        return Ok(None);
    };
    let text = value.as_str().ok_or(OffsetError::Unexpected {
        name,
        expected: "a text",
    })?;
    Ok(Some(text.to_owned()))
}

fn boolean(fields: &Map<String, Value>, name: &'static str) -> Result<bool, OffsetError> {
    let Some(value) = present(fields, name) else {
        return Ok(false);
    };
    value.as_bool().ok_or(OffsetError::Unexpected {
        name,
        expected: "true or false",
    })
}

fn message_type(fields: &Map<String, Value>) -> Result<Option<MessageType>, OffsetError> {
    let Some(value) = present(fields, "messageType") else {
        return Ok(None);
    };
    let known = MessageType::ALL
        .into_iter()
        .find(|known| value == known.name());
    known.map(Some).ok_or(OffsetError::Unexpected {
        name: "messageType",
        expected: "an operation",
    })
}

/// An incremental snapshot that is running shows in fields of its own (`AbstractIncrementalSnapshotContext.store`), and
/// `snapshot` names it only between two streamed changes.
fn is_incremental(fields: &Map<String, Value>) -> bool {
    fields
        .keys()
        .any(|name| name.starts_with("incremental_snapshot_"))
}

fn snapshot(fields: &Map<String, Value>) -> Result<Option<SnapshotOffset>, OffsetError> {
    let kind = match present(fields, "snapshot") {
        None | Some(Value::Bool(false)) if is_incremental(fields) => SnapshotKind::Incremental,
        None | Some(Value::Bool(false)) => return Ok(None),
        // Releases before 2.7 knew one kind of snapshot only.
        Some(Value::Bool(true)) => SnapshotKind::Initial,
        Some(value) => SnapshotKind::ALL
            .into_iter()
            .find(|known| value == known.name())
            .ok_or(OffsetError::Unexpected {
                name: "snapshot",
                expected: "a kind of snapshot",
            })?,
    };
    Ok(Some(SnapshotOffset {
        kind,
        last_snapshot_record: boolean(fields, "last_snapshot_record")?,
        snapshot_completed: boolean(fields, "snapshot_completed")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Debezium 3.6.3 stored.
    const RECORDED: [&str; 6] = [
        r#"{"transaction_id":"521610","lsn_proc":3832724120,"messageType":"BEGIN","lsn":3832724160,"txId":521610,"ts_usec":1795338733269756}"#,
        r#"{"last_snapshot_record":true,"lsn":50443592,"txId":877,"ts_usec":1795332678637047,"snapshot":"INITIAL","snapshot_completed":true}"#,
        r#"{"lsn_proc":26658880,"messageType":"DELETE","lsn":26658880,"txId":743,"ts_usec":1795332683793597}"#,
        r#"{"lsn_proc":28663520,"messageType":"INSERT","lsn_commit":28663520,"lsn":28663520,"txId":741,"ts_usec":1795332683793597}"#,
        r#"{"lsn_proc":3826665176,"messageType":"MESSAGE","lsn_commit":3826665176,"lsn":3826665176,"ts_usec":1795338728863068}"#,
        r#"{"lsn":1855788768,"txId":37487,"ts_usec":1795335572188349}"#,
    ];

    #[test]
    fn what_debezium_stored_is_read_and_written_back_byte_for_byte() {
        for recorded in RECORDED {
            let offset = SourceOffset::parse(recorded.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(offset.render()).unwrap(), recorded);
        }
    }

    #[test]
    fn the_old_boolean_form_of_snapshot_means_the_initial_one() {
        let offset =
            SourceOffset::parse(br#"{"lsn":1,"snapshot":true,"last_snapshot_record":false}"#)
                .unwrap();
        let expected = SnapshotOffset {
            kind: SnapshotKind::Initial,
            last_snapshot_record: false,
            snapshot_completed: false,
        };
        assert_eq!(offset.snapshot, Some(expected));
        assert_eq!(
            SourceOffset::parse(br#"{"lsn":1,"snapshot":false}"#)
                .unwrap()
                .snapshot,
            None
        );
    }

    #[test]
    fn other_names_are_skipped_and_the_commit_falls_back_to_the_last_change() {
        let value = br#"{"transaction_id":"817","xmin":5,"lsn":7,"lsn_proc":6,"incremental_snapshot_primary_key":null}"#;
        let offset = SourceOffset::parse(value).unwrap();
        assert_eq!(
            (offset.lsn, offset.lsn_commit, offset.last_commit_lsn()),
            (7, None, Some(6))
        );
    }

    #[test]
    fn what_is_wrong_with_an_offset_is_said_by_name() {
        let error = |value: &[u8]| SourceOffset::parse(value).unwrap_err().to_string();
        assert!(error(b"{}").contains("has no \"lsn\""));
        assert!(
            error(br#"{"lsn":"abc"}"#)
                .contains("\"lsn\" in the stored offset is not a whole number")
        );
        assert!(error(br#"{"lsn":1,"messageType":"X"}"#).contains("messageType"));
        assert!(error(b"[]").contains("not a JSON object"));
        assert!(error(b"{").contains("as JSON"));
    }

    #[test]
    fn the_key_is_spelled_as_connect_spells_it() {
        assert_eq!(
            offset_key("golden", "srv"),
            br#"["golden",{"server":"srv"}]"#
        );
        assert_eq!(
            offset_key("a\"\u{1F600}\u{1f}", "s"),
            br#"["a\"\uD83D\uDE00\u001F",{"server":"s"}]"#
        );
    }
}
