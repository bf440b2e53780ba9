//! Debezium's `source.snapshot` of each row of an initial snapshot. Pure.

use crate::change::SnapshotMarker;

/// The marker of a row of table number `table`, by the tables of the rows before and after it in the whole snapshot.
///
/// `last` is the last row that there is, even when tables without rows follow; but `first` needs a row in the first table: when that
/// is empty no row is `first` (recorded: `F_drop_captured_table`; `RelationalSnapshotChangeEventSource.setSnapshotMarker`).
#[must_use]
pub fn marker(previous: Option<usize>, table: usize, next: Option<usize>) -> SnapshotMarker {
    let first_of_table = previous != Some(table);
    if next.is_none() {
        SnapshotMarker::Last
    } else if table == 0 && first_of_table {
        SnapshotMarker::First
    } else if next != Some(table) {
        SnapshotMarker::LastInDataCollection
    } else if first_of_table {
        SnapshotMarker::FirstInDataCollection
    } else {
        SnapshotMarker::True
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SnapshotMarker::{First, FirstInDataCollection, Last, LastInDataCollection, True};

    fn markers(rows_of_tables: &[usize]) -> Vec<SnapshotMarker> {
        let tables: Vec<usize> = rows_of_tables
            .iter()
            .enumerate()
            .flat_map(|(table, rows)| std::iter::repeat_n(table, *rows))
            .collect();
        let at = |index: Option<usize>| index.and_then(|index| tables.get(index)).copied();
        (0..tables.len())
            .map(|row| marker(at(row.checked_sub(1)), tables[row], at(Some(row + 1))))
            .collect()
    }

    #[test]
    fn last_goes_before_first_and_first_before_the_tables_own_markers() {
        assert_eq!(
            markers(&[3, 1, 3]),
            [
                First,
                True,
                LastInDataCollection,
                LastInDataCollection,
                FirstInDataCollection,
                True,
                Last
            ]
        );
        assert_eq!(markers(&[1]), [Last]);
        assert_eq!(markers(&[1, 1]), [First, Last]);
        assert_eq!(markers(&[2]), [First, Last]);
    }

    #[test]
    fn the_last_row_is_last_even_when_empty_tables_follow() {
        assert_eq!(markers(&[2, 0, 0]), [First, Last]);
        assert_eq!(markers(&[0, 1, 0]), [Last]);
    }

    #[test]
    fn no_row_is_first_when_the_first_table_is_empty() {
        assert_eq!(markers(&[0, 2]), [FirstInDataCollection, Last]);
        assert_eq!(
            markers(&[0, 1, 2]),
            [LastInDataCollection, FirstInDataCollection, Last]
        );
    }

    #[test]
    fn no_rows_have_no_markers() {
        assert_eq!(markers(&[0, 0]), []);
    }
}
