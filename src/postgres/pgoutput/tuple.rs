//! Rows on the wire: `TupleData`, checked once as a whole, then read cell by cell.
//!
//! ```text
//! TupleData = Int16 column count, cell*
//! cell      = 'n' | 'u' | ('t' | 'b') Int32 length, Byte[length]
//! ```

use super::cursor::Cursor;
use super::{Cell, DecodeError, Tuple};

const NULL: u8 = b'n';
const UNCHANGED_TOAST: u8 = b'u';
const TEXT: u8 = b't';
const BINARY: u8 = b'b';

impl<'a> Tuple<'a> {
    /// A row from its cells as [`push_cell`] writes them.
    ///
    /// # Errors
    /// When `bytes` are not exactly `column_count` cells.
    pub fn new(column_count: u16, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("row", bytes);
        let tuple = take_cells(&mut cursor, column_count)?;
        cursor.finish()?;
        Ok(tuple)
    }

    #[must_use]
    pub fn column_count(&self) -> u16 {
        self.column_count
    }

    /// The columns in order, `column_count` of them.
    #[must_use]
    #[inline]
    pub fn cells(&self) -> Cells<'a> {
        Cells { rest: self.bytes }
    }
}

/// Iterator over the cells of a [`Tuple`].
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cell<'a>> {
        // `None` only at the end: a tuple holds nothing but whole cells.
        let (cell, rest) = split_cell(self.rest)?;
        self.rest = rest;
        Some(cell)
    }
}

/// Appends a cell in the form of [`Tuple`].
///
/// # Panics
/// When the value does not fit the wire's length field; PostgreSQL's own limit is 1 GB.
#[inline]
pub fn push_cell(bytes: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Null => push_null(bytes),
        Cell::UnchangedToast => bytes.push(UNCHANGED_TOAST),
        Cell::Text(value) => push_value(bytes, TEXT, value),
        Cell::Binary(value) => push_value(bytes, BINARY, value),
    }
}

/// [`push_cell`] of [`Cell::Null`].
#[inline]
pub fn push_null(bytes: &mut Vec<u8>) {
    bytes.push(NULL);
}

/// [`push_cell`] of [`Cell::Text`].
#[inline]
pub fn push_text(bytes: &mut Vec<u8>, value: &[u8]) {
    push_value(bytes, TEXT, value);
}

/// `TupleData` at the cursor.
#[inline]
pub(super) fn take_tuple<'a>(cursor: &mut Cursor<'a>) -> Result<Tuple<'a>, DecodeError> {
    let column_count = cursor.u16("column count")?;
    take_cells(cursor, column_count)
}

#[inline]
fn take_cells<'a>(cursor: &mut Cursor<'a>, column_count: u16) -> Result<Tuple<'a>, DecodeError> {
    let start = cursor.rest();
    let mut rest = start;
    for _ in 0..column_count {
        match split_cell(rest) {
            Some((_, after)) => rest = after,
            None => return Err(broken_cell(cursor, rest)),
        }
    }
    let bytes = cursor.bytes(start.len() - rest.len(), "columns")?;
    Ok(Tuple {
        column_count,
        bytes,
    })
}

/// The first cell and what follows it; `None` when there is no whole cell.
#[inline]
fn split_cell(bytes: &[u8]) -> Option<(Cell<'_>, &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    match kind {
        NULL => Some((Cell::Null, rest)),
        UNCHANGED_TOAST => Some((Cell::UnchangedToast, rest)),
        TEXT => split_value(rest).map(|(value, rest)| (Cell::Text(value), rest)),
        BINARY => split_value(rest).map(|(value, rest)| (Cell::Binary(value), rest)),
        _ => None,
    }
}

#[inline]
fn split_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// Why there is no cell at `rest`.
#[cold]
fn broken_cell(cursor: &Cursor<'_>, rest: &[u8]) -> DecodeError {
    match rest.split_first() {
        None => cursor.truncated("column kind", 1),
        Some((&(TEXT | BINARY), value)) => match value.split_first_chunk() {
            None => cursor.truncated("column length", 4 - value.len()),
            Some((length, value)) => {
                let length = u32::from_be_bytes(*length) as usize;
                cursor.truncated("column value", length.saturating_sub(value.len()))
            }
        },
        Some((&kind, _)) => cursor.unexpected("column kind", kind),
    }
}

#[inline]
fn push_value(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let length = u32::try_from(value.len()).expect("PostgreSQL has no value of 4 GB");
    bytes.push(kind);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_back_as_the_cells_that_were_pushed() {
        let cells = [
            Cell::Null,
            Cell::Text(b"42"),
            Cell::UnchangedToast,
            Cell::Binary(&[0, 1]),
            Cell::Text(b""),
        ];
        let mut bytes = Vec::new();
        for cell in cells {
            push_cell(&mut bytes, cell);
        }
        let row = Tuple::new(5, &bytes).unwrap();
        assert_eq!(row.column_count(), 5);
        assert_eq!(row.cells().collect::<Vec<_>>(), cells);
    }

    #[test]
    fn a_row_with_another_number_of_cells_is_refused() {
        let mut bytes = Vec::new();
        push_text(&mut bytes, b"1");
        push_null(&mut bytes);
        assert_eq!(
            Tuple::new(1, &bytes),
            Err(DecodeError::Trailing {
                subject: "row",
                bytes: 1
            })
        );
        assert_eq!(
            Tuple::new(3, &bytes).unwrap_err().to_string(),
            "decoding a row failed: 1 bytes are missing at its column kind"
        );
    }

    #[test]
    fn a_broken_cell_is_named() {
        let missing = |bytes: &[u8]| Tuple::new(1, bytes).unwrap_err().to_string();
        assert_eq!(
            missing(b"t\0\0"),
            "decoding a row failed: 2 bytes are missing at its column length"
        );
        assert_eq!(
            missing(b"t\0\0\0\x05abc"),
            "decoding a row failed: 2 bytes are missing at its column value"
        );
        assert_eq!(
            missing(b"x"),
            "decoding a row failed: 0x78 is not a column kind"
        );
        assert!(Tuple::new(1, b"b\xff\xff\xff\xff").is_err());
    }
}
