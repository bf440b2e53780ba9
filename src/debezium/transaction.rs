//! Transaction metadata (`PostgresTransactionMonitor`): a record where a transaction begins and one where it ends, and which of
//! its transaction every change is.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::record::RecordBuffer;
use super::row::frame;
use super::topic::transaction_topic;
use super::tree::SourceRecords;
use crate::change::{Order, Position};
use crate::config::connector::{ConnectorConfig, ConverterConfig, JsonConverterOptions};
use crate::connect::java_hash::HashOrder;
use crate::connect::json;
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::postgres::{Lsn, PgTimestamp};

/// What Debezium calls the "table" of a logical decoding message; it appends a Java object identity, we append a number.
const MESSAGE: &str =
    "io.debezium.connector.postgresql.LogicalDecodingMessageMonitor$LogicalDecodingMessageId@";

/// Counts the changes of the transaction that is read, and writes its two records.
pub struct TransactionMonitor {
    topic: Arc<str>,
    key_head: Vec<u8>,
    key_tail: &'static [u8],
    value_head: Vec<u8>,
    value_tail: &'static [u8],
    key_schema: Arc<Schema>,
    value_schema: Arc<Schema>,
    /// A transaction whose first record was sent before the restart.
    begun: Option<u32>,
    events: u64,
    /// By table, in the order of their first change.
    tables: Vec<(String, u64)>,
    places: FxHashMap<String, usize>,
    messages: u64,
    hash_order: HashOrder,
}

/// The beginning or the end of a transaction.
#[derive(Debug)]
pub struct TransactionRecord {
    id: String,
    /// Of the end.
    counts: Option<Counts>,
    committed_at: PgTimestamp,
}

/// How many changes a transaction had.
#[derive(Debug)]
struct Counts {
    events: u64,
    tables: Vec<(String, u64)>,
}

impl TransactionMonitor {
    /// `None` unless `provide.transaction.metadata`. `begun` is the transaction that the stored offset is in the middle of.
    #[must_use]
    pub fn new(config: &ConnectorConfig, begun: Option<u32>) -> Option<Self> {
        config.transaction_metadata.then(|| {
            let converters = [&config.key_converter, &config.value_converter];
            let options = converters.map(ConverterConfig::json_options);
            Self::with(&transaction_topic(config), options, begun)
        })
    }

    fn with(topic: &str, options: [JsonConverterOptions; 2], begun: Option<u32>) -> Self {
        let (key_schema, value_schema) = (key_schema(), value_schema());
        let [key_options, value_options] = options;
        let (key_head, key_tail) = frame(&key_schema, &key_options);
        let (value_head, value_tail) = frame(&value_schema, &value_options);
        Self {
            topic: topic.into(),
            key_head,
            key_tail,
            value_head,
            value_tail,
            key_schema: Arc::new(key_schema),
            value_schema: Arc::new(value_schema),
            begun,
            events: 0,
            tables: Vec::new(),
            places: FxHashMap::default(),
            messages: 0,
            hash_order: HashOrder::default(),
        }
    }

    /// The record of the beginning, unless it was sent before the restart. `lsn` is where the message stood.
    pub fn begin(
        &mut self,
        xid: u32,
        lsn: Lsn,
        committed_at: PgTimestamp,
    ) -> Option<TransactionRecord> {
        self.events = 0;
        self.tables.clear();
        self.places.clear();
        self.messages = 0;
        if self.begun.take() == Some(xid) {
            return None;
        }
        Some(TransactionRecord {
            id: id(u64::from(xid), lsn),
            counts: None,
            committed_at,
        })
    }

    /// Which of its transaction the next change of the table is.
    #[must_use]
    pub fn next_of(&self, table: &str) -> Order {
        let in_table = self
            .places
            .get(table)
            .map_or(0, |place| self.tables[*place].1);
        Order {
            in_transaction: self.events + 1,
            in_table: in_table + 1,
        }
    }

    /// Counts changes of a table that were sent, now or before the restart.
    pub fn count(&mut self, table: &str, changes: u64) {
        if changes == 0 {
            return;
        }
        self.events += changes;
        if let Some(place) = self.places.get(table) {
            self.tables[*place].1 += changes;
        } else {
            self.places.insert(table.to_owned(), self.tables.len());
            self.tables.push((table.to_owned(), changes));
        }
    }

    /// Counts a logical decoding message. Debezium takes every one for the first of a table of its own.
    pub fn count_message(&mut self) -> Order {
        self.messages += 1;
        let table = format!("{MESSAGE}{:x}", self.messages);
        let order = self.next_of(&table);
        self.count(&table, 1);
        order
    }

    /// The record of the end.
    pub fn end(&mut self, xid: u32, lsn: Lsn, committed_at: PgTimestamp) -> TransactionRecord {
        let tables = std::mem::take(&mut self.tables);
        let tables = self.hash_order.arrange(tables, |(name, _)| name.as_bytes());
        TransactionRecord {
            id: id(u64::from(xid), lsn),
            counts: Some(Counts {
                events: self.events,
                tables,
            }),
            committed_at,
        }
    }

    /// Appends the record as `JsonConverter` writes it.
    pub fn encode(&self, record: &TransactionRecord, out: &mut RecordBuffer) {
        let topic = out.topic_index(&self.topic);
        let bytes = out.bytes_mut();
        let key_start = bytes.len();
        bytes.extend_from_slice(&self.key_head);
        bytes.extend_from_slice(b"{\"id\":\"");
        bytes.extend_from_slice(record.id.as_bytes());
        bytes.extend_from_slice(b"\"}");
        bytes.extend_from_slice(self.key_tail);
        let value_start = bytes.len();
        bytes.extend_from_slice(&self.value_head);
        record.write(bytes);
        bytes.extend_from_slice(self.value_tail);
        out.push_bare(topic, None, [key_start, value_start]);
    }

    /// As [`encode`](Self::encode), as a tree.
    pub fn encode_tree(&self, record: &TransactionRecord, out: &mut SourceRecords) {
        let key = Datum::Struct(vec![Datum::String(record.id.clone())]);
        out.push(SourceRecord {
            topic: Arc::clone(&self.topic),
            partition: None,
            key: SchemaAndValue::new(Arc::clone(&self.key_schema), key),
            value: SchemaAndValue::new(Arc::clone(&self.value_schema), record.tree()),
            timestamp: None,
            headers: Vec::new(),
        });
    }
}

impl TransactionRecord {
    fn status(&self) -> &'static str {
        match self.counts {
            None => "BEGIN",
            Some(_) => "END",
        }
    }

    fn committed_at_ms(&self) -> i64 {
        self.committed_at.unix_us().div_euclid(1000)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"status\":\"");
        out.extend_from_slice(self.status().as_bytes());
        out.extend_from_slice(b"\",\"id\":\"");
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(b"\",\"event_count\":");
        match &self.counts {
            None => out.extend_from_slice(b"null,\"data_collections\":null"),
            Some(counts) => counts.write(out),
        }
        out.extend_from_slice(b",\"ts_ms\":");
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(digits.format(self.committed_at_ms()).as_bytes());
        out.push(b'}');
    }

    fn tree(&self) -> Datum {
        let (events, tables) = match &self.counts {
            None => (Datum::Null, Datum::Null),
            Some(counts) => {
                let tables = counts.tables.iter().map(|(name, count)| {
                    Datum::Struct(vec![Datum::String(name.clone()), count_tree(*count)])
                });
                (count_tree(counts.events), Datum::Array(tables.collect()))
            }
        };
        Datum::Struct(vec![
            Datum::String(self.status().to_owned()),
            Datum::String(self.id.clone()),
            events,
            tables,
            Datum::Int(self.committed_at_ms()),
        ])
    }
}

impl Counts {
    fn write(&self, out: &mut Vec<u8>) {
        write_count(self.events, out);
        out.extend_from_slice(b",\"data_collections\":[");
        for (index, (name, count)) in self.tables.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"data_collection\":");
            json::write_string(name.as_bytes(), out);
            out.extend_from_slice(b",\"event_count\":");
            write_count(*count, out);
            out.push(b'}');
        }
        out.push(b']');
    }
}

/// Appends the value of a record's `transaction`.
pub(super) fn write_block(position: &Position<'_>, out: &mut Vec<u8>) {
    let (Some(order), Some(xid)) = (position.order, position.xid) else {
        out.extend_from_slice(b"null");
        return;
    };
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(id(xid, position.lsn).as_bytes());
    out.extend_from_slice(b"\",\"total_order\":");
    write_count(order.in_transaction, out);
    out.extend_from_slice(b",\"data_collection_order\":");
    write_count(order.in_table, out);
    out.push(b'}');
}

/// The value of a record's `transaction`, as a tree.
pub(super) fn block_tree(position: &Position<'_>) -> Datum {
    let (Some(order), Some(xid)) = (position.order, position.xid) else {
        return Datum::Null;
    };
    Datum::Struct(vec![
        Datum::String(id(xid, position.lsn)),
        count_tree(order.in_transaction),
        count_tree(order.in_table),
    ])
}

/// The LSN is that of the message, so that all records of a transaction have different ids.
fn id(xid: u64, lsn: Lsn) -> String {
    format!("{xid}:{}", lsn.as_i64())
}

fn count_tree(count: u64) -> Datum {
    Datum::Int(count.cast_signed())
}

fn write_count(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
}

fn key_schema() -> Schema {
    let id = Field::new("id", Schema::new(Kind::String));
    Schema::named(
        Kind::Struct(vec![id]),
        "io.debezium.connector.common.TransactionMetadataKey",
        1,
    )
}

fn value_schema() -> Schema {
    let long = || Schema::new(Kind::Int64);
    let collection = vec![
        Field::new("data_collection", Schema::new(Kind::String)),
        Field::new("event_count", long()),
    ];
    let collection = Schema::named(Kind::Struct(collection), "event.collection", 1).optional(true);
    let collections = Schema::new(Kind::Array(Box::new(collection))).optional(true);
    let fields = vec![
        Field::new("status", Schema::new(Kind::String)),
        Field::new("id", Schema::new(Kind::String)),
        Field::new("event_count", long().optional(true)),
        Field::new("data_collections", collections),
        Field::new("ts_ms", long()),
    ];
    Schema::named(
        Kind::Struct(fields),
        "io.debezium.connector.common.TransactionMetadataValue",
        1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::DecimalFormat;

    fn monitor(begun: Option<u32>) -> TransactionMonitor {
        let options = JsonConverterOptions {
            schemas: false,
            decimal_format: DecimalFormat::Base64,
            replace_null_with_default: true,
        };
        TransactionMonitor::with("t", [options; 2], begun)
    }

    fn value(record: &TransactionRecord) -> String {
        let mut out = Vec::new();
        record.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_transaction_that_had_begun_before_the_restart_goes_on_without_a_second_beginning() {
        let mut monitor = monitor(Some(7));
        assert!(monitor.begin(7, Lsn(10), PgTimestamp(0)).is_none());
        // Skipped, since it was sent.
        monitor.count("public.a", 2);
        let next = monitor.next_of("public.a");
        assert_eq!((next.in_transaction, next.in_table), (3, 3));
        monitor.count("public.a", 1);
        assert_eq!(
            value(&monitor.end(7, Lsn(20), PgTimestamp(0))),
            r#"{"status":"END","id":"7:20","event_count":3,"data_collections":[{"data_collection":"public.a","event_count":3}],"ts_ms":946684800000}"#
        );
    }

    #[test]
    fn another_transaction_than_the_one_that_had_begun_is_told_whole() {
        let mut monitor = monitor(Some(7));
        let begun = monitor.begin(8, Lsn(10), PgTimestamp(0)).unwrap();
        assert_eq!(
            value(&begun),
            r#"{"status":"BEGIN","id":"8:10","event_count":null,"data_collections":null,"ts_ms":946684800000}"#
        );
        monitor.end(8, Lsn(20), PgTimestamp(0));
        assert!(monitor.begin(7, Lsn(30), PgTimestamp(0)).is_some());
    }

    #[test]
    fn every_message_is_the_first_of_its_own_kind() {
        let mut monitor = monitor(None);
        let orders = [monitor.count_message(), monitor.count_message()];
        let orders = orders.map(|order| (order.in_transaction, order.in_table));
        assert_eq!(orders, [(1, 1), (2, 1)]);
    }
}
