//! Record keys: the key columns of a row, in key order.

use std::sync::Arc;

use super::converter::ColumnConverter;
use super::row::{Row, WriteError, field_literal, frame, struct_schema, write_cell};
use crate::config::connector::JsonConverterOptions;
use crate::connect::datum_sink::DatumSink;
use crate::connect::header::HeaderSink;
use crate::connect::json::{self, JsonSink};
use crate::connect::record::SchemaAndValue;
use crate::connect::schema::{Field, Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::pgoutput::Cell;

pub(super) struct KeyEncoder {
    head: Vec<u8>,
    columns: Vec<KeyColumn>,
    /// `{"name":` of the first column, `,"name":` of the others.
    literals: Vec<Box<[u8]>>,
    fixed: Option<FixedField>,
    tail: &'static [u8],
    schema: Arc<Schema>,
    options: JsonConverterOptions,
    /// Old and new key while they are compared.
    scratch: [Vec<u8>; 2],
}

pub(super) struct KeyColumn {
    /// In the tuple.
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) converter: ColumnConverter,
}

/// A field with the same value in all keys of the table.
struct FixedField {
    name: String,
    value: String,
    /// As those of the columns.
    literal: Box<[u8]>,
}

impl KeyEncoder {
    /// Key columns of types that Debezium leaves out are gone already; without the last of them the key is an empty struct.
    /// A `fixed` field, name and value, comes after them.
    pub(super) fn new(
        names: &str,
        columns: Vec<KeyColumn>,
        fixed: Option<(String, String)>,
        options: JsonConverterOptions,
    ) -> Self {
        let fields = columns
            .iter()
            .map(|column| (column.name.as_str(), &column.converter));
        let mut schema = struct_schema(format!("{names}.Key"), fields);
        let fixed = fixed.map(|(name, value)| FixedField {
            literal: field_literal(columns.is_empty(), &name),
            name,
            value,
        });
        if let (Some(fixed), Kind::Struct(fields)) = (&fixed, &mut schema.kind) {
            fields.push(Field::new(&fixed.name, Schema::new(Kind::String)));
        }
        let (head, tail) = frame(&schema, &options);
        let literals = columns
            .iter()
            .enumerate()
            .map(|(index, column)| field_literal(index == 0, &column.name))
            .collect();
        Self {
            head,
            columns,
            literals,
            fixed,
            tail,
            schema: Arc::new(schema),
            options,
            scratch: Default::default(),
        }
    }

    /// Appends the key as the key converter writes it.
    pub(super) fn write(&self, row: Row<'_>, out: &mut Vec<u8>) -> Result<(), WriteError> {
        out.extend_from_slice(&self.head);
        self.write_payload(row, out)?;
        out.extend_from_slice(self.tail);
        Ok(())
    }

    /// Appends the key as the header converter writes it.
    pub(super) fn write_header(&self, row: Row<'_>, out: &mut Vec<u8>) -> Result<(), WriteError> {
        self.write_struct(row, &mut HeaderSink::new(out))
    }

    pub(super) fn tree(&self, row: Row<'_>) -> Result<SchemaAndValue, WriteError> {
        let mut sink = DatumSink::default();
        self.write_struct(row, &mut sink)?;
        let key = sink.finish().expect("the struct was begun and ended");
        Ok(SchemaAndValue::new(Arc::clone(&self.schema), key))
    }

    fn write_struct<S: Sink>(&self, row: Row<'_>, sink: &mut S) -> Result<(), WriteError> {
        sink.begin_struct();
        for (index, column) in self.columns.iter().enumerate() {
            sink.field(index, &column.name);
            write_cell(&column.converter, column.cell(row), sink)?;
        }
        if let Some(fixed) = &self.fixed {
            sink.field(self.columns.len(), &fixed.name);
            sink.string(fixed.value.as_bytes());
        }
        sink.end_struct();
        Ok(())
    }

    /// Whether the update moved the row to another key. Debezium compares the key structs, not the texts: what an old tuple
    /// does not tell has become the type's zero there.
    pub(super) fn changed(&mut self, old: Row<'_>, new: Row<'_>) -> Result<bool, WriteError> {
        let mut is_same_text = true;
        for column in &self.columns {
            let (old, new) = (column.cell(old), column.cell(new));
            is_same_text &= old == new;
            // A default that stands in for a null is equal to the default only when it is shown.
            let is_null_on_one_side = (old == Cell::Null) != (new == Cell::Null);
            if is_null_on_one_side && column.converter.schema().optional {
                return Ok(true);
            }
        }
        if is_same_text {
            return Ok(false);
        }
        let [mut old_key, mut new_key] = std::mem::take(&mut self.scratch);
        old_key.clear();
        new_key.clear();
        let written = self
            .write_payload(old, &mut old_key)
            .and_then(|()| self.write_payload(new, &mut new_key));
        let is_changed = old_key != new_key;
        self.scratch = [old_key, new_key];
        written.map(|()| is_changed)
    }

    fn write_payload(&self, row: Row<'_>, out: &mut Vec<u8>) -> Result<(), WriteError> {
        if self.columns.is_empty() && self.fixed.is_none() {
            out.push(b'{');
        }
        for (column, literal) in self.columns.iter().zip(&self.literals) {
            out.extend_from_slice(literal);
            write_cell(
                &column.converter,
                column.cell(row),
                &mut JsonSink::new(out, &self.options),
            )?;
        }
        if let Some(fixed) = &self.fixed {
            out.extend_from_slice(&fixed.literal);
            json::write_string(fixed.value.as_bytes(), out);
        }
        out.push(b'}');
        Ok(())
    }
}

impl KeyColumn {
    fn cell<'a>(&self, row: Row<'a>) -> Cell<'a> {
        row.cells()
            .nth(self.position)
            .expect("the number of cells was checked against the relation")
    }
}
