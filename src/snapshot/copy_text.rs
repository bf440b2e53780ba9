//! A line of `COPY … TO STDOUT` in text format → the cells of a [`Tuple`](crate::postgres::pgoutput::Tuple). Pure.
//!
//! ```text
//! line  = [ field { TAB field } ] LF
//! field = "\N" | { byte | "\" letter }      letter: b f n r t v, any other stands for itself
//! ```
//! <https://www.postgresql.org/docs/current/sql-copy.html>, "Text Format".

use memchr::{memchr, memchr_iter};

use crate::postgres::pgoutput::{push_null, push_text};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("a line without its end")]
    Unterminated,
    #[error("{found} fields where {expected} were selected")]
    FieldCount { found: usize, expected: usize },
    #[error("a backslash at the end of a field")]
    LoneBackslash,
}

/// Appends the line's fields as cells.
///
/// # Errors
/// When the line is not what the server writes for `column_count` columns; `cells` may then hold part of it.
#[inline]
pub fn append_cells(line: &[u8], column_count: u16, cells: &mut Vec<u8>) -> Result<(), LineError> {
    let fields = line.strip_suffix(b"\n").ok_or(LineError::Unterminated)?;
    let expected = usize::from(column_count);
    if expected == 0 && fields.is_empty() {
        return Ok(());
    }
    let has_escapes = memchr(b'\\', fields).is_some();
    let mut found = 0;
    let mut start = 0;
    for end in memchr_iter(b'\t', fields).chain([fields.len()]) {
        let field = &fields[start..end];
        if has_escapes {
            append_escaped(field, cells)?;
        } else {
            push_text(cells, field);
        }
        found += 1;
        start = end + 1;
    }
    if found != expected {
        return Err(LineError::FieldCount { found, expected });
    }
    Ok(())
}

fn append_escaped(field: &[u8], cells: &mut Vec<u8>) -> Result<(), LineError> {
    if field == b"\\N" {
        push_null(cells);
        return Ok(());
    }
    push_text(cells, &[]);
    let start = cells.len();
    unescape(field, cells)?;
    let length =
        i32::try_from(cells.len() - start).expect("PostgreSQL's values are smaller than 1 GB");
    cells[start - LENGTH_BYTES..start].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// The `Int32` before a value's bytes.
const LENGTH_BYTES: usize = 4;

fn unescape(mut field: &[u8], text: &mut Vec<u8>) -> Result<(), LineError> {
    while let Some(backslash) = memchr(b'\\', field) {
        text.extend_from_slice(&field[..backslash]);
        let letter = *field.get(backslash + 1).ok_or(LineError::LoneBackslash)?;
        text.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0B,
            other => other,
        });
        field = &field[backslash + 2..];
    }
    text.extend_from_slice(field);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::pgoutput::{Cell, Tuple};
    use proptest::prelude::*;

    fn cells(line: &str, column_count: u16) -> Result<Vec<Option<Vec<u8>>>, LineError> {
        let mut bytes = Vec::new();
        append_cells(line.as_bytes(), column_count, &mut bytes)?;
        let tuple = Tuple::new(column_count, &bytes).unwrap();
        let value = |cell| match cell {
            Cell::Null => None,
            Cell::Text(text) => Some(text.to_vec()),
            Cell::UnchangedToast | Cell::Binary(_) => {
                panic!("{cell:?} is not in COPY's text format")
            }
        };
        Ok(tuple.cells().map(value).collect())
    }

    /// As the manual says that the server writes it.
    fn written(values: &[Option<String>]) -> String {
        let field = |value: &Option<String>| match value {
            None => "\\N".to_owned(),
            Some(text) => text
                .replace('\\', "\\\\")
                .replace('\u{8}', "\\b")
                .replace('\u{c}', "\\f")
                .replace('\n', "\\n")
                .replace('\r', "\\r")
                .replace('\t', "\\t")
                .replace('\u{b}', "\\v"),
        };
        let fields: Vec<String> = values.iter().map(field).collect();
        fields.join("\t") + "\n"
    }

    #[test]
    fn null_is_not_the_text_backslash_n_and_not_the_empty_text() {
        let row = cells("\\N\t\\\\N\t\tN\n", 4).unwrap();
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(row, [None, text("\\N"), text(""), text("N")]);
    }

    #[test]
    fn an_empty_line_is_one_empty_text_or_no_column() {
        assert_eq!(cells("\n", 1).unwrap(), [Some(Vec::new())]);
        assert_eq!(cells("\n", 0).unwrap(), []);
    }

    #[test]
    fn a_line_of_another_shape_is_an_error() {
        let wrong = |found, expected| Err(LineError::FieldCount { found, expected });
        assert_eq!(cells("a\tb\n", 1), wrong(2, 1));
        assert_eq!(cells("a\n", 2), wrong(1, 2));
        assert_eq!(cells("a\n", 0), wrong(1, 0));
        assert_eq!(cells("a", 1), Err(LineError::Unterminated));
        assert_eq!(cells("a\\\n", 1), Err(LineError::LoneBackslash));
    }

    proptest! {
        #[test]
        fn reading_is_the_inverse_of_writing(
            values in prop::collection::vec(prop::option::of("[a\\\\NntT\t\n\r\u{8}\u{b}\u{c}é. ]{0,12}"), 1..6)
        ) {
            let count = u16::try_from(values.len()).unwrap();
            let expected: Vec<Option<Vec<u8>>> =
                values.iter().map(|value| value.as_ref().map(|text| text.clone().into_bytes())).collect();
            prop_assert_eq!(cells(&written(&values), count).unwrap(), expected);
        }
    }
}
