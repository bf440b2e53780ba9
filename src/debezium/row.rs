//! Rows as JSON structs: `before`, `after`, and the columns of a key.

use super::converter::{ColumnConverter, ConvertError};
use crate::config::connector::JsonConverterOptions;
use crate::connect::datum_sink::DatumSink;
use crate::connect::json::{self, JsonSink};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::pgoutput::{Cell, Cells, Tuple};

/// The cells of a row, where the value of an unchanged TOAST is known from the old row if there is one.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) tuple: Tuple<'a>,
    pub(super) old: Option<Tuple<'a>>,
}

impl<'a> Row<'a> {
    #[inline]
    pub(super) fn cells(&self) -> RowCells<'a> {
        RowCells {
            cells: self.tuple.cells(),
            old: self.old.map(|old| old.cells()),
        }
    }
}

pub(super) struct RowCells<'a> {
    cells: Cells<'a>,
    old: Option<Cells<'a>>,
}

impl<'a> Iterator for RowCells<'a> {
    type Item = Cell<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cell<'a>> {
        let cell = self.cells.next()?;
        let Some(old) = self.old.as_mut().and_then(Iterator::next) else {
            return Some(cell);
        };
        // The old tuple of a key has nulls for what it does not tell.
        let recovered = matches!((cell, old), (Cell::UnchangedToast, Cell::Text(_)));
        Some(if recovered { old } else { cell })
    }
}

/// Writes the captured columns of a row as a JSON object.
pub(super) struct RowEncoder {
    /// One a column of the tuple; `None` is a column that is not captured.
    columns: Vec<Option<ColumnEncoder>>,
    options: JsonConverterOptions,
}

struct ColumnEncoder {
    /// `{"name":` of the first column, `,"name":` of the others.
    literal: Box<[u8]>,
    converter: ColumnConverter,
}

impl RowEncoder {
    /// From the columns in tuple order.
    pub(super) fn new(
        columns: Vec<Option<(String, ColumnConverter)>>,
        options: JsonConverterOptions,
    ) -> Self {
        let mut is_first = true;
        let mut encoder = |(name, converter): (String, ColumnConverter)| {
            let literal = field_literal(std::mem::take(&mut is_first), &name);
            ColumnEncoder { literal, converter }
        };
        Self {
            columns: columns
                .into_iter()
                .map(|column| column.map(&mut encoder))
                .collect(),
            options,
        }
    }

    pub(super) fn column_count(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn write(&self, row: Row<'_>, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let mut is_empty = true;
        for (column, cell) in self.columns.iter().zip(row.cells()) {
            let Some(column) = column else { continue };
            out.extend_from_slice(&column.literal);
            write_cell(
                &column.converter,
                cell,
                &mut JsonSink::new(out, &self.options),
            )?;
            is_empty = false;
        }
        out.extend_from_slice(if is_empty { b"{}" } else { b"}" });
        Ok(())
    }

    /// Whether the captured columns have the same values after conversion, as Debezium compares two structs: columns with
    /// different texts can become equal, by a mask for instance.
    pub(super) fn is_same(&self, old: Row<'_>, new: Row<'_>) -> Result<bool, WriteError> {
        let cells = old.cells().zip(new.cells());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (column, (old, new)) in self.columns.iter().zip(cells) {
            let Some(ColumnEncoder { converter, .. }) = column else {
                continue;
            };
            if old == new {
                continue;
            }
            // Null is not the default that is shown in its place, and -0.0 is not 0.0: only both forms together tell.
            let tree = |cell| {
                let mut sink = DatumSink::default();
                write_cell(converter, cell, &mut sink)?;
                Ok(sink.finish())
            };
            if tree(old)? != tree(new)? {
                return Ok(false);
            }
            left.clear();
            right.clear();
            write_cell(converter, old, &mut JsonSink::new(&mut left, &self.options))?;
            write_cell(
                converter,
                new,
                &mut JsonSink::new(&mut right, &self.options),
            )?;
            if left != right {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The captured columns of a row, as a struct.
    pub(super) fn tree(&self, row: Row<'_>) -> Result<Datum, WriteError> {
        let mut fields = Vec::with_capacity(self.columns.len());
        for (column, cell) in self.columns.iter().zip(row.cells()) {
            let Some(column) = column else { continue };
            let mut sink = DatumSink::default();
            write_cell(&column.converter, cell, &mut sink)?;
            fields.push(sink.finish().expect("a conversion writes one value"));
        }
        Ok(Datum::Struct(fields))
    }
}

/// A row that has no form in a record.
#[derive(Debug)]
pub(super) enum WriteError {
    Convert(ConvertError),
    Binary,
    /// A row that is not of the relation.
    ColumnCount {
        expected: usize,
        actual: u16,
    },
}

#[inline]
pub(super) fn write_cell<S: Sink>(
    converter: &ColumnConverter,
    cell: Cell<'_>,
    sink: &mut S,
) -> Result<(), WriteError> {
    match cell {
        Cell::Text(text) => converter.convert(text, sink).map_err(WriteError::Convert),
        Cell::Null => {
            converter.null(sink);
            Ok(())
        }
        Cell::UnchangedToast => converter.unavailable(sink).map_err(WriteError::Convert),
        Cell::Binary(_) => Err(WriteError::Binary),
    }
}

/// `{"name":` or `,"name":`.
pub(super) fn field_literal(is_first: bool, name: &str) -> Box<[u8]> {
    let mut literal = vec![if is_first { b'{' } else { b',' }];
    json::write_string(name.as_bytes(), &mut literal);
    literal.push(b':');
    literal.into_boxed_slice()
}

/// The struct of these columns, as a field of an envelope or as a key.
pub(super) fn struct_schema<'a>(
    name: String,
    columns: impl Iterator<Item = (&'a str, &'a ColumnConverter)>,
) -> Schema {
    let field =
        |(name, converter): (&str, &ColumnConverter)| Field::new(name, converter.schema().clone());
    Schema {
        name: Some(name.into()),
        ..Schema::new(Kind::Struct(columns.map(field).collect()))
    }
}

/// What comes before and after a payload: `{"schema":…,"payload":` and `}`, or nothing without schemas.
pub(super) fn frame(schema: &Schema, options: &JsonConverterOptions) -> (Vec<u8>, &'static [u8]) {
    if !options.schemas {
        return (Vec::new(), b"");
    }
    let mut head = b"{\"schema\":".to_vec();
    json::write_schema(schema, None, options.decimal_format, &mut head);
    head.extend_from_slice(b",\"payload\":");
    (head, b"}")
}
