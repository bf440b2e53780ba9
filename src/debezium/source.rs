//! The source block: where a change comes from (`io.debezium.connector.postgresql.SourceInfo`).

use crate::change::{Origin, Position, SnapshotMarker};
use crate::config::connector::ConnectorConfig;
use crate::connect::json;
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::postgres::{Lsn, PgTimestamp};

/// The release whose records we write.
pub const VERSION: &str = "3.6.3.Final";
pub const CONNECTOR: &str = "postgresql";

/// Renders source blocks of one table.
///
/// What never changes is rendered once, what is the same for all changes of a transaction once a transaction; a change adds its
/// LSN, twice.
pub(super) struct SourceBlock {
    /// `"source":{"version":…,"connector":…,"name":…,"ts_ms":`
    to_ts_ms: Vec<u8>,
    /// `,"db":…,"sequence":"[`
    db_to_sequence: Vec<u8>,
    /// `,"schema":…,"table":…,"txId":`
    schema_to_tx_id: Vec<u8>,
    /// What a streamed change shows for `snapshot`.
    streamed_snapshot: &'static str,
    names: Names,
    transaction: Option<Transaction>,
}

/// What never changes, for trees.
struct Names {
    prefix: String,
    database: String,
    schema: String,
    table: String,
}

/// A source block with two gaps for the LSN.
struct Transaction {
    last_commit_lsn: Option<Lsn>,
    xid: Option<u64>,
    committed_at: PgTimestamp,
    origin: Option<(String, Lsn)>,
    slot_xmin: Option<i64>,
    marker: Option<SnapshotMarker>,
    text: Vec<u8>,
    /// Ends of the parts before the first and the second LSN.
    gaps: [usize; 2],
}

impl SourceBlock {
    pub(super) fn new(config: &ConnectorConfig, schema: &str, table: &str) -> Self {
        let mut to_ts_ms = format!(
            "\"source\":{{\"version\":\"{VERSION}\",\"connector\":\"{CONNECTOR}\",\"name\":"
        )
        .into_bytes();
        json::write_string(config.topic_prefix.as_bytes(), &mut to_ts_ms);
        to_ts_ms.extend_from_slice(b",\"ts_ms\":");

        let mut db_to_sequence = b",\"db\":".to_vec();
        json::write_string(config.database.dbname.as_bytes(), &mut db_to_sequence);
        db_to_sequence.extend_from_slice(b",\"sequence\":\"[");

        let mut schema_to_tx_id = b",\"schema\":".to_vec();
        json::write_string(schema.as_bytes(), &mut schema_to_tx_id);
        schema_to_tx_id.extend_from_slice(b",\"table\":");
        json::write_string(table.as_bytes(), &mut schema_to_tx_id);
        schema_to_tx_id.extend_from_slice(b",\"txId\":");

        // A streamed change leaves the field unset, and JsonConverter writes its default.
        let replaced = config
            .value_converter
            .json_options()
            .replace_null_with_default;
        let streamed_snapshot = if replaced { "\"false\"" } else { "null" };
        Self {
            to_ts_ms,
            db_to_sequence,
            schema_to_tx_id,
            streamed_snapshot,
            names: Names {
                prefix: config.topic_prefix.clone(),
                database: config.database.dbname.clone(),
                schema: schema.to_owned(),
                table: table.to_owned(),
            },
            transaction: None,
        }
    }

    /// Appends `"source":{…}`.
    pub(super) fn write(
        &mut self,
        position: &Position<'_>,
        marker: Option<SnapshotMarker>,
        out: &mut Vec<u8>,
    ) {
        let transaction = match self.transaction.take() {
            Some(transaction) if transaction.covers(position, marker) => transaction,
            replaced => self.render(
                position,
                marker,
                replaced.map(|old| old.text).unwrap_or_default(),
            ),
        };
        let mut digits = itoa::Buffer::new();
        let lsn = digits.format(position.lsn.as_i64()).as_bytes();
        let [first, second] = transaction.gaps;
        let text = &transaction.text;
        out.extend_from_slice(&text[..first]);
        out.extend_from_slice(lsn);
        out.extend_from_slice(&text[first..second]);
        out.extend_from_slice(lsn);
        out.extend_from_slice(&text[second..]);
        self.transaction = Some(transaction);
    }

    /// The same as a struct of [`schema`].
    pub(super) fn tree(&self, position: &Position<'_>, marker: Option<SnapshotMarker>) -> Datum {
        let text = |text: &str| Datum::String(text.to_owned());
        let names = &self.names;
        let committed_at_us = position.committed_at.unix_us();
        let lsn = position.lsn.as_i64();
        let last_commit_lsn = position.last_commit_lsn.map(Lsn::as_i64);
        let sequence = match last_commit_lsn {
            None => format!("[null,\"{lsn}\"]"),
            Some(last) => format!("[\"{last}\",\"{lsn}\"]"),
        };
        let (origin, origin_lsn) = match position.origin {
            None => (Datum::Null, Datum::Null),
            Some(origin) => (text(origin.name), Datum::Int(origin.commit_lsn.as_i64())),
        };
        let xid = position.xid.map(u64::cast_signed);
        Datum::Struct(vec![
            text(VERSION),
            text(CONNECTOR),
            text(&names.prefix),
            Datum::Int(committed_at_us.div_euclid(1000)),
            marker.map_or(Datum::Null, |marker| text(marker_text(marker))),
            text(&names.database),
            Datum::String(sequence),
            Datum::Int(committed_at_us),
            Datum::Int(committed_at_us.wrapping_mul(1000)),
            text(&names.schema),
            text(&names.table),
            xid.map_or(Datum::Null, Datum::Int),
            Datum::Int(lsn),
            position.slot_xmin.map_or(Datum::Null, Datum::Int),
            origin,
            origin_lsn,
        ])
    }

    /// Renders into `text`, whose memory is used again.
    fn render(
        &self,
        position: &Position<'_>,
        marker: Option<SnapshotMarker>,
        mut text: Vec<u8>,
    ) -> Transaction {
        text.clear();
        let committed_at_us = position.committed_at.unix_us();
        text.extend_from_slice(&self.to_ts_ms);
        write_long(&mut text, committed_at_us.div_euclid(1000));
        text.extend_from_slice(b",\"snapshot\":");
        match marker {
            Some(marker) => json::write_string(marker_text(marker).as_bytes(), &mut text),
            None => text.extend_from_slice(self.streamed_snapshot.as_bytes()),
        }
        text.extend_from_slice(&self.db_to_sequence);
        match position.last_commit_lsn {
            None => text.extend_from_slice(b"null"),
            Some(lsn) => {
                text.extend_from_slice(b"\\\"");
                write_long(&mut text, lsn.as_i64());
                text.extend_from_slice(b"\\\"");
            }
        }
        text.extend_from_slice(b",\\\"");
        let first = text.len();
        text.extend_from_slice(b"\\\"]\",\"ts_us\":");
        write_long(&mut text, committed_at_us);
        text.extend_from_slice(b",\"ts_ns\":");
        write_long(&mut text, committed_at_us.wrapping_mul(1000));
        text.extend_from_slice(&self.schema_to_tx_id);
        match position.xid {
            None => text.extend_from_slice(b"null"),
            Some(xid) => write_long(&mut text, xid.cast_signed()),
        }
        text.extend_from_slice(b",\"lsn\":");
        let second = text.len();
        text.extend_from_slice(b",\"xmin\":");
        match position.slot_xmin {
            None => text.extend_from_slice(b"null"),
            Some(xmin) => write_long(&mut text, xmin),
        }
        write_origin(&mut text, position.origin);
        text.push(b'}');
        Transaction {
            last_commit_lsn: position.last_commit_lsn,
            xid: position.xid,
            committed_at: position.committed_at,
            origin: position
                .origin
                .map(|origin| (origin.name.to_owned(), origin.commit_lsn)),
            slot_xmin: position.slot_xmin,
            marker,
            text,
            gaps: [first, second],
        }
    }
}

impl Transaction {
    /// Whether the rendered text is that of a change at `position`.
    fn covers(&self, position: &Position<'_>, marker: Option<SnapshotMarker>) -> bool {
        self.xid == position.xid
            && self.last_commit_lsn == position.last_commit_lsn
            && self.committed_at == position.committed_at
            && self.slot_xmin == position.slot_xmin
            && self.marker == marker
            && match (&self.origin, position.origin) {
                (None, None) => true,
                (Some((name, commit_lsn)), Some(origin)) => {
                    *commit_lsn == origin.commit_lsn && name == origin.name
                }
                (None, Some(_)) | (Some(_), None) => false,
            }
    }
}

/// The schema of the `source` field.
pub(super) fn schema() -> Schema {
    let string =
        |name: &str, optional| Field::new(name, Schema::new(Kind::String).optional(optional));
    let long = |name: &str, optional| Field::new(name, Schema::new(Kind::Int64).optional(optional));
    let snapshot = Schema::named(Kind::String, "io.debezium.data.Enum", 1)
        .optional(true)
        .parameter(
            "allowed",
            "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental",
        )
        .with_default(Some(Datum::String("false".to_owned())));
    let fields = vec![
        string("version", false),
        string("connector", false),
        string("name", false),
        long("ts_ms", false),
        Field::new("snapshot", snapshot),
        string("db", false),
        string("sequence", true),
        long("ts_us", true),
        long("ts_ns", true),
        string("schema", false),
        string("table", false),
        long("txId", true),
        long("lsn", true),
        long("xmin", true),
        string("origin", true),
        long("origin_lsn", true),
    ];
    Schema::named(
        Kind::Struct(fields),
        "io.debezium.connector.postgresql.Source",
        1,
    )
}

fn marker_text(marker: SnapshotMarker) -> &'static str {
    match marker {
        SnapshotMarker::First => "first",
        SnapshotMarker::FirstInDataCollection => "first_in_data_collection",
        SnapshotMarker::True => "true",
        SnapshotMarker::LastInDataCollection => "last_in_data_collection",
        SnapshotMarker::Last => "last",
    }
}

fn write_origin(text: &mut Vec<u8>, origin: Option<Origin<'_>>) {
    let Some(origin) = origin else {
        text.extend_from_slice(b",\"origin\":null,\"origin_lsn\":null");
        return;
    };
    text.extend_from_slice(b",\"origin\":");
    json::write_string(origin.name.as_bytes(), text);
    text.extend_from_slice(b",\"origin_lsn\":");
    write_long(text, origin.commit_lsn.as_i64());
}

fn write_long(text: &mut Vec<u8>, value: i64) {
    text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
