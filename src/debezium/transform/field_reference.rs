//! `add.fields` and `add.headers` of `ExtractNewRecordState`: a field of the envelope, of `source` or of `transaction`, and
//! the name it gets (`AbstractExtractNewRecordState.FieldReference`).

use std::sync::Arc;

use super::choice::java_split;
use super::fields::{error, fields_of, position};
use crate::connect::schema::{Datum, Kind, Schema};
use crate::connect::transform::TransformError;
use crate::connect::transform::options::OptionError;

/// As configured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldReference {
    /// `None` is the envelope itself.
    parent: Option<String>,
    field: String,
    pub(super) new_name: Arc<str>,
}

/// In the envelopes of one schema.
pub(super) struct Located {
    pub(super) new_name: Arc<str>,
    pub(super) schema: Arc<Schema>,
    parent: Option<usize>,
    /// Whether `index` counts in the parent, and not in the envelope.
    in_parent: bool,
    index: usize,
}

impl FieldReference {
    /// `op,source.ts_ms,ts_ms:when`.
    pub(super) fn parse_list(
        option: &str,
        text: &str,
        prefix: &str,
    ) -> Result<Vec<Self>, OptionError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let entries = java_split(text, ',').into_iter().map(str::trim);
        let parsed = entries.map(|entry| {
            Self::parse(entry, prefix)
                .ok_or_else(|| OptionError::new(option, format!("\"{entry}\" is not a field name")))
        });
        parsed.collect()
    }

    fn parse(entry: &str, prefix: &str) -> Option<Self> {
        let parts = java_split(entry, ':');
        let path = java_split(parts.first()?, '.');
        let (parent, field) = match path.as_slice() {
            [] => return None,
            [field] => (implied_parent(field), *field),
            [parent, field, ..] => (Some(*parent), *field),
        };
        let new_name = match (parts.as_slice(), parent) {
            ([_], Some(parent)) if path.len() > 1 => format!("{prefix}{parent}_{field}"),
            ([_], _) => format!("{prefix}{field}"),
            ([_, name], _) => format!("{prefix}{name}"),
            _ => return None,
        };
        Some(Self {
            parent: parent.map(str::to_owned),
            field: field.to_owned(),
            new_name: new_name.into(),
        })
    }

    /// Whether it is the operation, which tombstones get too.
    pub(super) fn is_operation(&self) -> bool {
        self.field == "op"
    }

    /// `None` when the field is neither in its struct nor in the envelope.
    pub(super) fn locate(&self, envelope: &Schema) -> Result<Option<Located>, TransformError> {
        let fields = fields_of(envelope)?;
        let parent = match &self.parent {
            None => None,
            Some(name) => Some(position(fields, name).ok_or_else(|| {
                error(format!(
                    "the record has no struct \"{name}\" to add a field of"
                ))
            })?),
        };
        let parent_fields = match parent {
            None => fields,
            Some(parent) => fields_of(&fields[parent].schema)?,
        };
        let in_parent = position(parent_fields, &self.field);
        let in_envelope = position(fields, &self.field);
        let (found, schema) = match (in_parent, in_envelope) {
            (Some(index), _) => (index, &parent_fields[index].schema),
            (None, Some(index)) => (index, &fields[index].schema),
            (None, None) => return Ok(None),
        };
        Ok(Some(Located {
            new_name: Arc::clone(&self.new_name),
            schema: Arc::new(optional_copy(schema)),
            parent,
            in_parent: in_parent.is_some(),
            index: found,
        }))
    }
}

impl Located {
    /// The raw value: no default takes the place of a null.
    pub(super) fn value<'a>(&self, envelope: &'a [Datum]) -> &'a Datum {
        match self.parent.map(|parent| &envelope[parent]) {
            None => &envelope[self.index],
            Some(Datum::Struct(values)) if self.in_parent => &values[self.index],
            Some(Datum::Struct(_)) => &envelope[self.index],
            // A transaction that is not known.
            Some(_) => &Datum::Null,
        }
    }
}

/// Where Debezium looks for a field that is named without its struct.
fn implied_parent(field: &str) -> Option<&'static str> {
    match field {
        "id" | "total_order" | "data_collection_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        "updateDescription" => Some("updateDescription"),
        _ => Some("source"),
    }
}

/// `SchemaUtil.copySchemaBasics(schema).optional()`, which copies no default and no fields.
fn optional_copy(schema: &Schema) -> Schema {
    let kind = if let Kind::Struct(_) = schema.kind {
        Kind::Struct(Vec::new())
    } else {
        schema.kind.clone()
    };
    Schema {
        kind,
        optional: true,
        default: None,
        ..schema.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(Option<String>, String, String)> {
        FieldReference::parse_list("add.fields", text, "__")
            .unwrap()
            .into_iter()
            .map(|reference| {
                let name = reference.new_name.to_string();
                (reference.parent, reference.field, name)
            })
            .collect()
    }

    #[test]
    fn a_name_says_where_the_field_is_and_how_it_is_called() {
        let expect = |parent: Option<&str>, field: &str, name: &str| {
            (parent.map(str::to_owned), field.to_owned(), name.to_owned())
        };
        assert_eq!(
            names("op, lsn,source.ts_ms,ts_ms:when,transaction.id,id,a.b.c"),
            [
                expect(None, "op", "__op"),
                expect(Some("source"), "lsn", "__lsn"),
                expect(Some("source"), "ts_ms", "__source_ts_ms"),
                expect(None, "ts_ms", "__when"),
                expect(Some("transaction"), "id", "__transaction_id"),
                expect(Some("transaction"), "id", "__id"),
                expect(Some("a"), "b", "__a_b"),
            ]
        );
        assert!(FieldReference::parse_list("add.fields", "a:b:c", "").is_err());
    }
}
