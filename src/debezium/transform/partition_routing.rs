//! `io.debezium.transforms.partitions.PartitionRouting`: the partition from fields of the change.

use super::choice::required;
use super::fields::{View, envelope, error, position};
use super::java_value;
use crate::connect::record::SourceRecord;
use crate::connect::schema::{Datum, Field};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

pub(super) struct PartitionRouting {
    paths: Vec<Vec<String>>,
    partitions: i32,
    hash: HashFunction,
}

/// `partition.hash.function`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HashFunction {
    Java,
    Murmur,
}

impl PartitionRouting {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        const FIELDS: &str = "partition.payload.fields";
        const NUMBER: &str = "partition.topic.num";
        required(options, FIELDS)?;
        let fields = options.list(FIELDS);
        if fields.contains(&"") {
            return Err(OptionError::new(FIELDS, "empty elements are not permitted"));
        }
        let partitions: Option<i32> = required(options, NUMBER)?.parse().ok();
        let partitions = partitions.filter(|number| *number > 0);
        // What Debezium does not know is Java's.
        let hash = match options.text("partition.hash.function") {
            Some(name) if name.eq_ignore_ascii_case("murmur") => HashFunction::Murmur,
            Some(_) | None => HashFunction::Java,
        };
        let path = |path: &&str| path.split('.').map(|part| part.trim().to_owned()).collect();
        Ok(Self {
            paths: fields.iter().map(path).collect(),
            partitions: partitions.ok_or_else(|| {
                OptionError::new(NUMBER, "a positive, non-zero integer value is expected")
            })?,
            hash,
        })
    }

    /// `None` when the record has none of the fields.
    fn partition(&self, change: &View<'_>, op: &str) -> Result<Option<i32>, TransformError> {
        let mut sum = None;
        for path in &self.paths {
            let Some((field, value)) = look_up(change, path, op)? else {
                continue;
            };
            let hash = match self.hash {
                HashFunction::Java => java_value::hash(&field.schema, value),
                HashFunction::Murmur => java_value::murmur_hash(field, value),
            };
            let hash = hash.ok_or_else(|| {
                error(format!(
                    "field \"{}\" is of a type whose hash is another one in every run of Java, so it can choose no partition",
                    field.name
                ))
            })?;
            sum = Some(hash.wrapping_add(sum.unwrap_or(0)));
        }
        Ok(sum.map(|sum: i32| match sum & i32::MAX {
            i32::MAX => 0,
            hash => hash % self.partitions,
        }))
    }
}

impl Transform for PartitionRouting {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() || envelope(&record).is_none() {
            return Ok(Some(record));
        }
        let change = View::of(&record.value, "partition routing")?;
        let op = change.string("op")?.unwrap_or_default();
        if !matches!(op, "m" | "t")
            && let Some(partition) = self.partition(&change, op)?
        {
            record.partition = Some(partition);
        }
        Ok(Some(record))
    }
}

/// `None` when there is no such field, or it is null.
fn look_up<'a>(
    change: &View<'a>,
    path: &[String],
    op: &str,
) -> Result<Option<(&'a Field, &'a Datum)>, TransformError> {
    let Some((last, parents)) = path.split_last() else {
        return Ok(None);
    };
    let mut view = *change;
    for parent in parents {
        let parent = match parent.as_str() {
            "change" if op == "d" => "before",
            "change" => "after",
            parent => parent,
        };
        let Ok(inner) = view.structure(parent) else {
            return Ok(None);
        };
        // Debezium fails here, too.
        view = inner.ok_or_else(|| {
            error(format!(
                "\"{parent}\" is null, so no field of it can choose a partition; \"change\" is before or after, whichever there is"
            ))
        })?;
    }
    let Some(index) = position(view.fields, last) else {
        return Ok(None);
    };
    let value = view.get(last)?;
    Ok((*value != Datum::Null).then_some((&view.fields[index], value)))
}
