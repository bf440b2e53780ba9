//! pgvector: `vector`, `halfvec` and `sparsevec` (`io.debezium.data.vector`).

use super::conversion::Problem;
use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;

/// `[1,2.5,-3]`. Debezium finds no number in an empty one, and fails.
pub(super) fn write<S: Sink, F: std::str::FromStr>(
    text: &[u8],
    sink: &mut S,
    write: impl Fn(&mut S, F),
) -> Result<(), Problem> {
    const PROBLEM: Problem = Problem("vector");
    let numbers = inner(text, '[', ']').ok_or(PROBLEM)?;
    sink.begin_array();
    for (index, number) in numbers.split(',').enumerate() {
        sink.element(index);
        write(sink, number.trim().parse().map_err(|_| PROBLEM)?);
    }
    sink.end_array();
    Ok(())
}

pub(super) fn sparse_schema() -> Schema {
    let entries = Kind::Map(
        Box::new(Schema::new(Kind::Int16)),
        Box::new(Schema::new(Kind::Float64)),
    );
    let fields = [
        ("dimensions", Schema::new(Kind::Int16)),
        ("vector", Schema::new(entries)),
    ];
    Schema::structure(
        "io.debezium.data.SparseDoubleVector",
        "Sparse double vector",
        fields,
    )
}

/// `{1:1.5,3:2}/5`, whose entries Debezium keeps in a `java.util.HashMap`.
pub(super) fn write_sparse<S: Sink>(text: &[u8], sink: &mut S) -> Result<(), Problem> {
    const PROBLEM: Problem = Problem("sparse vector");
    let text = std::str::from_utf8(text).map_err(|_| PROBLEM)?;
    let (entries, dimensions) = text.split_once('/').ok_or(PROBLEM)?;
    let dimensions: i16 = dimensions.trim().parse().map_err(|_| PROBLEM)?;
    let entries = inner(entries.as_bytes(), '{', '}').ok_or(PROBLEM)?;
    let entries = entries.split(',').filter(|entry| !entry.is_empty());
    let parsed = entries.map(|entry| {
        let (index, number) = entry.split_once(':')?;
        Some((index.trim().parse().ok()?, number.trim().parse().ok()?))
    });
    let mut entries: Vec<(i16, f64)> = parsed.collect::<Option<_>>().ok_or(PROBLEM)?;
    into_java_order(&mut entries);
    write_sparse_entries(dimensions, &entries, sink);
    Ok(())
}

/// Debezium has no value here that the field would take; this is the one that says the least.
pub(super) fn write_no_entries<S: Sink>(sink: &mut S) {
    write_sparse_entries(0, &[], sink);
}

fn write_sparse_entries<S: Sink>(dimensions: i16, entries: &[(i16, f64)], sink: &mut S) {
    sink.begin_struct();
    sink.field(0, "dimensions");
    sink.int(dimensions.into());
    sink.field(1, "vector");
    sink.begin_map();
    for (position, (index, number)) in entries.iter().enumerate() {
        sink.map_key(position);
        sink.int((*index).into());
        sink.map_value();
        sink.float64(*number);
        sink.end_map_entry();
    }
    sink.end_map();
    sink.end_struct();
}

/// By bucket of a table that was made for so many entries and doubles when it is three quarters full.
fn into_java_order(entries: &mut [(i16, f64)]) {
    let mut table = entries.len().next_power_of_two();
    while entries.len() > table * 3 / 4 {
        table *= 2;
    }
    entries.sort_by_key(|(index, _)| usize::from(index.unsigned_abs()) & (table - 1));
}

fn inner(text: &[u8], open: char, close: char) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?.trim();
    text.strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_entries_come_in_the_order_of_a_java_hash_map() {
        // Made with `new java.util.HashMap<Short, Double>(keys.length)` of JDK 17.
        for (put, expected) in JAVA {
            let mut entries: Vec<_> = put.iter().map(|index| (*index, 1.0)).collect();
            into_java_order(&mut entries);
            let keys: Vec<_> = entries.iter().map(|(index, _)| *index).collect();
            assert_eq!(keys, expected);
        }
    }

    const JAVA: [(&[i16], &[i16]); 4] = [
        (&[1, 3], &[1, 3]),
        (&[7], &[7]),
        (&[1, 5, 9, 100, 1000], &[1000, 1, 9, 100, 5]),
        (
            &[3, 8, 16, 17, 32, 33, 64, 100, 129, 4000, 32767, 30000],
            &[16, 32, 64, 4000, 30000, 17, 33, 129, 3, 100, 8, 32767],
        ),
    ];
}
