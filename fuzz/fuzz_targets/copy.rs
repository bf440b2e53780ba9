//! Lines of COPY: any bytes as a line of some columns; what is a line reads back as the cells that it gave.
#![no_main]

use libfuzzer_sys::fuzz_target;
use walstreet::postgres::pgoutput::{Cell, Tuple};
use walstreet::snapshot::copy_text::append_cells;

fuzz_target!(|bytes: &[u8]| {
    let Some((&columns, line)) = bytes.split_first() else {
        return;
    };
    let columns = u16::from(columns % 16);
    let mut cells = Vec::new();
    if append_cells(line, columns, &mut cells).is_err() {
        return;
    }
    let tuple = Tuple::new(columns, &cells).expect("a line becomes whole cells");
    let mut again = Vec::new();
    append_cells(&written(&tuple), columns, &mut again).expect("what was written is a line");
    assert_eq!(again, cells);
});

/// As the manual says that the server writes it.
fn written(row: &Tuple<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    for (index, cell) in row.cells().enumerate() {
        if index > 0 {
            line.push(b'\t');
        }
        match cell {
            Cell::Null => line.extend_from_slice(b"\\N"),
            Cell::Text(text) => escape(text, &mut line),
            Cell::UnchangedToast | Cell::Binary(_) => panic!("{cell:?} is not in COPY's text"),
        }
    }
    line.push(b'\n');
    line
}

fn escape(text: &[u8], line: &mut Vec<u8>) {
    for &byte in text {
        let letter = match byte {
            0x08 => b'b',
            0x0C => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x0B => b'v',
            b'\\' => b'\\',
            other => {
                line.push(other);
                continue;
            }
        };
        line.extend_from_slice(&[b'\\', letter]);
    }
}
