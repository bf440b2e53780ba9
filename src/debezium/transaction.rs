//! Transaction metadata (`PostgresTransactionMonitor`): a record where a transaction begins and one where it ends, and which of
//! its transaction every change is.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::record::{Placement, RecordBuffer};
use super::row::frame;
use super::topic::transaction_topic;
use crate::change::{Order, Position};
use crate::config::connector::ConnectorConfig;
use crate::connect::java_hash::HashOrder;
use crate::connect::json;
use crate::connect::schema::{Field, Kind, Schema};
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
    /// A transaction whose first record was sent before the restart.
    begun: Option<u32>,
    events: u64,
    /// By table, in the order of their first change.
    tables: Vec<(String, u64)>,
    places: FxHashMap<String, usize>,
    messages: u64,
    hash_order: HashOrder,
}

impl TransactionMonitor {
    /// `None` unless `provide.transaction.metadata`. `begun` is the transaction that the stored offset is in the middle of.
    #[must_use]
    pub fn new(config: &ConnectorConfig, begun: Option<u32>) -> Option<Self> {
        config.transaction_metadata.then(|| {
            let key_frame = frame(&key_schema(), &config.key_converter);
            let value_frame = frame(&value_schema(), &config.value_converter);
            Self::framed(&transaction_topic(config), key_frame, value_frame, begun)
        })
    }

    fn framed(
        topic: &str,
        (key_head, key_tail): (Vec<u8>, &'static [u8]),
        (value_head, value_tail): (Vec<u8>, &'static [u8]),
        begun: Option<u32>,
    ) -> Self {
        Self {
            topic: topic.into(),
            key_head,
            key_tail,
            value_head,
            value_tail,
            begun,
            events: 0,
            tables: Vec::new(),
            places: FxHashMap::default(),
            messages: 0,
            hash_order: HashOrder::default(),
        }
    }

    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Appends the record of the beginning, unless it was sent before the restart. `lsn` is where the message stood.
    pub fn begin(&mut self, xid: u32, lsn: Lsn, committed_at: PgTimestamp, out: &mut RecordBuffer) {
        self.events = 0;
        self.tables.clear();
        self.places.clear();
        self.messages = 0;
        if self.begun.take() == Some(xid) {
            return;
        }
        self.push(
            "BEGIN",
            xid,
            lsn,
            b"\"event_count\":null,\"data_collections\":null",
            committed_at,
            out,
        );
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
    pub fn count(&mut self, table: &str, changes: usize) {
        if changes == 0 {
            return;
        }
        let changes = u64::try_from(changes).expect("a count of records fits");
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

    /// Appends the record of the end.
    pub fn end(&mut self, xid: u32, lsn: Lsn, committed_at: PgTimestamp, out: &mut RecordBuffer) {
        let tables = std::mem::take(&mut self.tables);
        let tables = self.hash_order.arrange(tables, |(name, _)| name.as_bytes());
        let mut counts = b"\"event_count\":".to_vec();
        write_count(self.events, &mut counts);
        counts.extend_from_slice(b",\"data_collections\":[");
        for (index, (name, count)) in tables.iter().enumerate() {
            if index > 0 {
                counts.push(b',');
            }
            counts.extend_from_slice(b"{\"data_collection\":");
            json::write_string(name.as_bytes(), &mut counts);
            counts.extend_from_slice(b",\"event_count\":");
            write_count(*count, &mut counts);
            counts.push(b'}');
        }
        counts.push(b']');
        self.push("END", xid, lsn, &counts, committed_at, out);
    }

    fn push(
        &self,
        status: &str,
        xid: u32,
        lsn: Lsn,
        counts: &[u8],
        committed_at: PgTimestamp,
        out: &mut RecordBuffer,
    ) {
        let topic = out.topic_index(&self.topic);
        let bytes = out.bytes_mut();
        let key_start = bytes.len();
        bytes.extend_from_slice(&self.key_head);
        bytes.push(b'{');
        write_id(u64::from(xid), lsn, bytes);
        bytes.push(b'}');
        bytes.extend_from_slice(self.key_tail);
        let value_start = bytes.len();
        bytes.extend_from_slice(&self.value_head);
        bytes.extend_from_slice(b"{\"status\":\"");
        bytes.extend_from_slice(status.as_bytes());
        bytes.extend_from_slice(b"\",");
        write_id(u64::from(xid), lsn, bytes);
        bytes.push(b',');
        bytes.extend_from_slice(counts);
        bytes.extend_from_slice(b",\"ts_ms\":");
        let committed_at_ms = committed_at.unix_us().div_euclid(1000);
        bytes.extend_from_slice(itoa::Buffer::new().format(committed_at_ms).as_bytes());
        bytes.push(b'}');
        bytes.extend_from_slice(self.value_tail);
        let (key, value) = (key_start..value_start, value_start..bytes.len());
        out.push(Placement {
            topic,
            partition: None,
            key: Some(key),
            value: Some(value),
            key_header: None,
            context_headers: false,
        });
    }
}

/// Appends the value of a record's `transaction`.
pub(super) fn write_block(position: &Position<'_>, out: &mut Vec<u8>) {
    let (Some(order), Some(xid)) = (position.order, position.xid) else {
        out.extend_from_slice(b"null");
        return;
    };
    out.push(b'{');
    write_id(xid, position.lsn, out);
    out.extend_from_slice(b",\"total_order\":");
    write_count(order.in_transaction, out);
    out.extend_from_slice(b",\"data_collection_order\":");
    write_count(order.in_table, out);
    out.push(b'}');
}

/// The LSN is that of the message, so that all records of a transaction have different ids.
fn write_id(xid: u64, lsn: Lsn, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"\"id\":\"");
    out.extend_from_slice(digits.format(xid).as_bytes());
    out.push(b':');
    out.extend_from_slice(digits.format(lsn.as_i64()).as_bytes());
    out.push(b'"');
}

fn write_count(count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
}

fn key_schema() -> Schema {
    let id = field("id", Schema::new(Kind::String));
    Schema::named(
        Kind::Struct(vec![id]),
        "io.debezium.connector.common.TransactionMetadataKey",
        1,
    )
}

fn value_schema() -> Schema {
    let long = || Schema::new(Kind::Int64);
    let collection = vec![
        field("data_collection", Schema::new(Kind::String)),
        field("event_count", long()),
    ];
    let collection = Schema::named(Kind::Struct(collection), "event.collection", 1).optional(true);
    let collections = Schema::new(Kind::Array(Box::new(collection))).optional(true);
    let fields = vec![
        field("status", Schema::new(Kind::String)),
        field("id", Schema::new(Kind::String)),
        field("event_count", long().optional(true)),
        field("data_collections", collections),
        field("ts_ms", long()),
    ];
    Schema::named(
        Kind::Struct(fields),
        "io.debezium.connector.common.TransactionMetadataValue",
        1,
    )
}

fn field(name: &str, schema: Schema) -> Field {
    Field {
        name: name.to_owned(),
        schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debezium::record::Record;

    const BARE: (Vec<u8>, &[u8]) = (Vec::new(), b"");

    fn values(records: &RecordBuffer) -> Vec<String> {
        let value = |record: Record<'_>| String::from_utf8(record.value.unwrap().to_vec()).unwrap();
        records.iter().map(value).collect()
    }

    #[test]
    fn a_transaction_that_had_begun_before_the_restart_goes_on_without_a_second_beginning() {
        let mut monitor = TransactionMonitor::framed("t", BARE, BARE, Some(7));
        let mut records = RecordBuffer::new();
        monitor.begin(7, Lsn(10), PgTimestamp(0), &mut records);
        // Skipped, since it was sent.
        monitor.count("public.a", 2);
        let next = monitor.next_of("public.a");
        assert_eq!((next.in_transaction, next.in_table), (3, 3));
        monitor.count("public.a", 1);
        monitor.end(7, Lsn(20), PgTimestamp(0), &mut records);
        assert_eq!(
            values(&records),
            [
                r#"{"status":"END","id":"7:20","event_count":3,"data_collections":[{"data_collection":"public.a","event_count":3}],"ts_ms":946684800000}"#
            ]
        );
    }

    #[test]
    fn another_transaction_than_the_one_that_had_begun_is_told_whole() {
        let mut monitor = TransactionMonitor::framed("t", BARE, BARE, Some(7));
        let mut records = RecordBuffer::new();
        monitor.begin(8, Lsn(10), PgTimestamp(0), &mut records);
        monitor.end(8, Lsn(20), PgTimestamp(0), &mut records);
        monitor.begin(7, Lsn(30), PgTimestamp(0), &mut records);
        let values = values(&records);
        assert!(values[0].starts_with(r#"{"status":"BEGIN","id":"8:10","event_count":null"#));
        assert!(values[2].starts_with(r#"{"status":"BEGIN","id":"7:30""#));
    }

    #[test]
    fn every_message_is_the_first_of_its_own_kind() {
        let mut monitor = TransactionMonitor::framed("t", BARE, BARE, None);
        let orders = [monitor.count_message(), monitor.count_message()];
        let orders = orders.map(|order| (order.in_transaction, order.in_table));
        assert_eq!(orders, [(1, 1), (2, 1)]);
    }
}
