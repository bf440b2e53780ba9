//! `io.debezium.transforms.HeaderToValue`: headers as fields of the value, dots in a name make structs.
//!
//! The rules are those of Debezium's `ConnectRecordUtil.makeNewSchema` and `makeUpdatedValue`, with what is odd in them: a
//! field counts as a parent when its name and a dot occur anywhere in a path, and structs that are new below the first level
//! stay empty.

use std::sync::Arc;

use super::choice::{chosen, required};
use super::fields::{
    Derived, View, error, fields_of, or_default, position, require_fit, require_position,
    with_fields,
};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Field, Kind, Schema};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{Transform, TransformError};

/// How Debezium calls the value itself among the structs.
const ROOT: &str = "payload";

pub(super) struct HeaderToValue {
    headers: Vec<String>,
    /// Where the header of the same place goes.
    fields: Vec<String>,
    moves: bool,
    schemas: Derived<Arc<Schema>>,
}

impl HeaderToValue {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let names = |option: &str| {
            required(options, option)?;
            let names: Vec<_> = options.list(option);
            if names
                .iter()
                .any(|name| name.is_empty() || name.contains(' '))
            {
                let problem = "elements that are empty or contain a space are not permitted";
                return Err(OptionError::new(option, problem));
            }
            Ok(names.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        let (headers, fields) = (names("headers")?, names("fields")?);
        if headers.len() != fields.len() {
            let problem = "must have as many elements as \"headers\"";
            return Err(OptionError::new("fields", problem));
        }
        let operation = required(options, "operation")?;
        Ok(Self {
            headers,
            fields,
            moves: chosen("operation", operation, &[("move", true), ("copy", false)])?,
            schemas: Derived::default(),
        })
    }

    /// In the order of the record's headers.
    fn entries(&self, record: &SourceRecord) -> Result<Vec<Entry>, TransformError> {
        let mut entries = Vec::new();
        for header in &record.headers {
            let Some(index) = self.headers.iter().position(|name| **name == *header.name) else {
                continue;
            };
            let schema =
                header.value.schema.as_deref().ok_or_else(|| {
                    error(format!("the header \"{}\" has no schema", header.name))
                })?;
            entries.push(Entry {
                path: self.fields[index].split('.').map(str::to_owned).collect(),
                text: self.fields[index].clone(),
                schema: schema.clone(),
                value: header.value.value.clone(),
            });
        }
        Ok(entries)
    }
}

impl Transform for HeaderToValue {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if record.is_tombstone() {
            return Ok(Some(record));
        }
        let value = View::of(&record.value, "Header field insertion")?;
        let entries = Entries(self.entries(&record)?);
        let (Some(schema), false) = (&record.value.schema, entries.0.is_empty()) else {
            return Ok(Some(record));
        };
        let updated = self.schemas.get(schema, |schema| {
            entries.require_structs(schema)?;
            entries.schema(ROOT, schema, 0).map(Arc::new)
        })?;
        let updated = Arc::clone(updated);
        let values = entries.values(ROOT, &value, &updated, 0)?;
        record.value = SchemaAndValue::new(updated, values);
        if self.moves {
            let is_moved = |name: &str| self.headers.iter().any(|moved| moved == name);
            record.headers.retain(|header| !is_moved(&header.name));
        }
        Ok(Some(record))
    }
}

struct Entry {
    path: Vec<String>,
    text: String,
    schema: Schema,
    value: Datum,
}

struct Entries(Vec<Entry>);

impl Entries {
    fn nested(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.path.len() > 1)
    }

    fn require_structs(&self, schema: &Schema) -> Result<(), TransformError> {
        for entry in self.nested() {
            let mut current = schema;
            for parent in &entry.path[..entry.path.len() - 1] {
                let fields = fields_of(current)?;
                let Some(index) = position(fields, parent) else {
                    break;
                };
                if !matches!(fields[index].schema.kind, Kind::Struct(_)) {
                    return Err(error(format!(
                        "field \"{parent}\" is no struct, so it cannot get the nested field \"{}\"",
                        entry.text
                    )));
                }
                current = &fields[index].schema;
            }
        }
        Ok(())
    }

    fn schema(&self, name: &str, old: &Schema, level: usize) -> Result<Schema, TransformError> {
        let Kind::Struct(old_fields) = &old.kind else {
            return Ok(old.clone());
        };
        let mut fields = Vec::with_capacity(old_fields.len() + self.0.len());
        for old_field in old_fields {
            let schema = if self.is_parent(&old_field.name) {
                self.schema(&old_field.name, &old_field.schema, level + 1)?
            } else {
                old_field.schema.clone()
            };
            fields.push(Field::new(&old_field.name, schema));
        }
        for entry in &self.0 {
            if let Some(added) = entry.field_at(name, level)
                && position(&fields, added).is_none()
            {
                fields.push(Field::new(added, entry.schema.clone()));
            }
        }
        for parent in self.new_parents(name, old_fields, level) {
            let children = self.0.iter().filter_map(|entry| {
                let child = entry.child_of(parent, name, level)?;
                Some(Field::new(child, entry.schema.clone()))
            });
            let children = Schema::new(Kind::Struct(children.collect())).optional(true);
            fields.push(Field::new(parent, children));
        }
        with_fields(old, fields)
    }

    fn values(
        &self,
        name: &str,
        old: &View<'_>,
        updated: &Schema,
        level: usize,
    ) -> Result<Datum, TransformError> {
        let fields = fields_of(updated)?;
        let mut values = vec![Datum::Null; fields.len()];
        for (old_field, value) in old.fields.iter().zip(old.values) {
            let value = or_default(&old_field.schema, value);
            if *value == Datum::Null {
                continue;
            }
            let index = require_position(fields, &old_field.name)?;
            values[index] = if self.is_parent(&old_field.name) {
                let nested = View::new(&old_field.schema, value)
                    .ok_or_else(|| error("only a struct is supported for [Nested field]"))?;
                self.values(&old_field.name, &nested, &fields[index].schema, level + 1)?
            } else {
                value.clone()
            };
        }
        for entry in &self.0 {
            if let Some(added) = entry.field_at(name, level) {
                put(fields, &mut values, added, entry.value.clone())?;
            }
        }
        for parent in self.new_parents(name, old.fields, level) {
            let Some(index) = position(fields, parent) else {
                continue;
            };
            let inner = fields_of(&fields[index].schema)?;
            let mut children = vec![Datum::Null; inner.len()];
            for entry in &self.0 {
                if let Some(child) = entry.child_of(parent, name, level) {
                    put(inner, &mut children, child, entry.value.clone())?;
                }
            }
            values[index] = Datum::Struct(children);
        }
        Ok(Datum::Struct(values))
    }

    fn is_parent(&self, name: &str) -> bool {
        let parent = format!("{name}.");
        self.nested().any(|entry| entry.text.contains(&parent))
    }

    /// Structs that paths through `name` need and that are not there yet.
    fn new_parents<'a>(&'a self, name: &str, old: &[Field], level: usize) -> Vec<&'a str> {
        let mut parents = Vec::new();
        for entry in self.nested() {
            let passes = match level.checked_sub(1) {
                None => name == ROOT,
                Some(above) => entry.path.get(above).is_some_and(|part| part == name),
            };
            let is_last = level + 1 >= entry.path.len();
            if !passes || is_last {
                continue;
            }
            let parent = entry.path[level].as_str();
            if position(old, parent).is_none() && !parents.contains(&parent) {
                parents.push(parent);
            }
        }
        parents
    }
}

impl Entry {
    /// The field's own name, if it belongs right into the struct `name`.
    fn field_at(&self, name: &str, level: usize) -> Option<&str> {
        if let ([only], ROOT) = (self.path.as_slice(), name) {
            return Some(only);
        }
        let is_child = self.path.len() == level + 1 && self.path[level.saturating_sub(1)] == name;
        is_child.then(|| self.path[level].as_str())
    }

    fn child_of(&self, parent: &str, name: &str, level: usize) -> Option<&str> {
        let is_child = level == 0 && name == ROOT && self.path.len() > 1 && self.path[0] == parent;
        is_child.then(|| self.path[1].as_str())
    }
}

fn put(
    fields: &[Field],
    values: &mut [Datum],
    name: &str,
    value: Datum,
) -> Result<(), TransformError> {
    let index = require_position(fields, name)?;
    require_fit(&fields[index], &value)?;
    values[index] = value;
    Ok(())
}
