//! Tables of text with aligned columns. Pure.

use std::fmt::Write as _;

/// The last column is not padded.
pub(super) fn aligned<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = line(&heading.map(str::to_owned), &widths);
    for row in rows {
        text.push_str(&line(row, &widths));
    }
    text
}

fn line<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        write!(text, "{cell:<width$}  ").expect("a string takes everything");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heading() {
        let rows = [
            ["a".to_owned(), "long one".to_owned()],
            ["füür".to_owned(), "b".to_owned()],
        ];
        assert_eq!(
            aligned(["id", "why"], &rows),
            "id    why\na     long one\nfüür  b\n"
        );
    }
}
