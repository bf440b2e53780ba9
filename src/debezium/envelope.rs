//! The value of a change record: `before`, `after`, `source`, `transaction`, `op`, `ts_*` (`io.debezium.data.Envelope`).

use std::sync::Arc;

use super::row::{Row, RowEncoder, WriteError, frame};
use super::source::{self, SourceBlock};
use super::transaction::{block_tree, write_block};
use crate::change::{Position, SnapshotMarker};
use crate::config::connector::JsonConverterOptions;
use crate::connect::record::SchemaAndValue;
use crate::connect::schema::{Datum, Field, Kind, Schema};

pub(super) struct EnvelopeEncoder {
    /// Up to and with `"before":`.
    head: Vec<u8>,
    tail: &'static [u8],
    schema: Arc<Schema>,
    row: RowEncoder,
    source: SourceBlock,
}

/// What happened, as rows.
pub(super) struct Images<'a> {
    pub(super) op: &'static str,
    pub(super) before: Option<Row<'a>>,
    pub(super) after: Option<Row<'a>>,
    /// The row whose key goes into the header of this name.
    pub(super) other_key: Option<(&'static str, Row<'a>)>,
}

impl<'a> Images<'a> {
    pub(super) fn new(op: &'static str, before: Option<Row<'a>>, after: Option<Row<'a>>) -> Self {
        Self {
            op,
            before,
            after,
            other_key: None,
        }
    }

    pub(super) fn with_other_key(self, header: &'static str, row: Row<'a>) -> Self {
        Self {
            other_key: Some((header, row)),
            ..self
        }
    }

    /// The row there is, else the one there was.
    pub(super) fn row(&self) -> Option<Row<'a>> {
        self.after.or(self.before)
    }
}

/// Where and when it happened.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) position: Position<'a>,
    /// Of a row that a snapshot read.
    pub(super) marker: Option<SnapshotMarker>,
    /// When we wrote it: nanoseconds since 1970.
    pub(super) now_ns: i64,
}

impl Circumstances<'_> {
    /// Those of a second record of the same change.
    pub(super) fn of_next(&self) -> Self {
        let mut next = *self;
        if let Some(order) = &mut next.position.order {
            order.in_transaction += 1;
            order.in_table += 1;
        }
        next
    }
}

impl EnvelopeEncoder {
    /// `names` is what the name of the schema begins with; `row_schema` is that of `before` and `after`.
    pub(super) fn new(
        names: &str,
        row_schema: Schema,
        row: RowEncoder,
        source: SourceBlock,
        options: &JsonConverterOptions,
    ) -> Self {
        let schema = schema(names, row_schema);
        let (mut head, schema_tail) = frame(&schema, options);
        head.extend_from_slice(b"{\"before\":");
        let tail = if schema_tail.is_empty() {
            b"}".as_slice()
        } else {
            b"}}"
        };
        Self {
            head,
            tail,
            schema: Arc::new(schema),
            row,
            source,
        }
    }

    pub(super) fn column_count(&self) -> usize {
        self.row.column_count()
    }

    pub(super) fn is_same(&self, old: Row<'_>, new: Row<'_>) -> Result<bool, WriteError> {
        self.row.is_same(old, new)
    }

    pub(super) fn write(
        &mut self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        out.extend_from_slice(&self.head);
        self.write_row(images.before, out)?;
        out.extend_from_slice(b",\"after\":");
        self.write_row(images.after, out)?;
        out.push(b',');
        self.source
            .write(&circumstances.position, circumstances.marker, out);
        out.extend_from_slice(b",\"transaction\":");
        write_block(&circumstances.position, out);
        out.extend_from_slice(b",\"op\":\"");
        out.extend_from_slice(images.op.as_bytes());
        write_clock(circumstances.now_ns, out);
        out.extend_from_slice(self.tail);
        Ok(())
    }

    pub(super) fn tree(
        &self,
        images: &Images<'_>,
        circumstances: &Circumstances<'_>,
    ) -> Result<SchemaAndValue, WriteError> {
        let now_ns = circumstances.now_ns;
        let fields = vec![
            self.row_tree(images.before)?,
            self.row_tree(images.after)?,
            self.source
                .tree(&circumstances.position, circumstances.marker),
            block_tree(&circumstances.position),
            Datum::String(images.op.to_owned()),
            Datum::Int(now_ns.div_euclid(1_000_000)),
            Datum::Int(now_ns.div_euclid(1000)),
            Datum::Int(now_ns),
        ];
        let value = Datum::Struct(fields);
        Ok(SchemaAndValue::new(Arc::clone(&self.schema), value))
    }

    fn row_tree(&self, row: Option<Row<'_>>) -> Result<Datum, WriteError> {
        row.map_or(Ok(Datum::Null), |row| self.row.tree(row))
    }

    fn write_row(&self, row: Option<Row<'_>>, out: &mut Vec<u8>) -> Result<(), WriteError> {
        match row {
            Some(row) => self.row.write(row, out),
            None => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}

/// All three are one reading of the clock.
fn write_clock(now_ns: i64, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(b"\",\"ts_ms\":");
    out.extend_from_slice(digits.format(now_ns.div_euclid(1_000_000)).as_bytes());
    out.extend_from_slice(b",\"ts_us\":");
    out.extend_from_slice(digits.format(now_ns.div_euclid(1000)).as_bytes());
    out.extend_from_slice(b",\"ts_ns\":");
    out.extend_from_slice(digits.format(now_ns).as_bytes());
}

fn schema(names: &str, row: Schema) -> Schema {
    let row = row.optional(true);
    let long = || Schema::new(Kind::Int64);
    let fields = vec![
        Field::new("before", row.clone()),
        Field::new("after", row),
        Field::new("source", source::schema()),
        Field::new("transaction", transaction_schema()),
        Field::new("op", Schema::new(Kind::String)),
        Field::new("ts_ms", long().optional(true)),
        Field::new("ts_us", long().optional(true)),
        Field::new("ts_ns", long().optional(true)),
    ];
    let name = Some(format!("{names}.Envelope").into());
    Schema {
        name,
        version: Some(2),
        ..Schema::new(Kind::Struct(fields))
    }
}

/// The place of a change in its transaction; null without `provide.transaction.metadata`.
pub(super) fn transaction_schema() -> Schema {
    let field = |name: &str, kind| Field::new(name, Schema::new(kind));
    let fields = vec![
        field("id", Kind::String),
        field("total_order", Kind::Int64),
        field("data_collection_order", Kind::Int64),
    ];
    Schema::named(Kind::Struct(fields), "event.block", 1).optional(true)
}
