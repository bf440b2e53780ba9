//! `drop.fields.*` of `ExtractNewRecordState`: fields whose names a header lists are left out, as `ReplaceField` does it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::fields::{error, fields_of, or_default, text, with_fields};
use crate::connect::record::{SchemaAndValue, SourceRecord};
use crate::connect::schema::{Datum, Schema};
use crate::connect::transform::TransformError;
use crate::connect::transform::options::{OptionError, Options};

/// More sets of dropped fields than this are derived again.
const CACHE_CAPACITY: usize = 1000;

pub(super) struct DropFields {
    header: String,
    from_key: bool,
    /// Whether only optional fields are dropped.
    keep_compatible: bool,
    schemas: Schemas,
}

/// By the address of the schema, which is held, and the positions that are left out.
type Schemas = FxHashMap<(usize, Vec<usize>), (Arc<Schema>, Arc<Schema>)>;

impl DropFields {
    /// `None` without `drop.fields.header.name`.
    pub(super) fn new(options: &Options<'_>) -> Result<Option<Self>, OptionError> {
        let from_key = options.boolean("drop.fields.from.key", false)?;
        let keep_compatible = options.boolean("drop.fields.keep.schema.compatible", true)?;
        let header = options.text("drop.fields.header.name");
        Ok(header.filter(|name| !name.is_empty()).map(|name| Self {
            header: name.to_owned(),
            from_key,
            keep_compatible,
            schemas: Schemas::default(),
        }))
    }

    /// Fields of the value from position `spared` on stay.
    pub(super) fn apply(
        &mut self,
        record: &mut SourceRecord,
        spared: usize,
    ) -> Result<(), TransformError> {
        let names = self.names(record)?;
        if names.is_empty() {
            return Ok(());
        }
        if self.from_key && record.key.value != Datum::Null {
            self.drop(&mut record.key, &names, usize::MAX)?;
        }
        if record.value.value != Datum::Null {
            self.drop(&mut record.value, &names, spared)?;
        }
        Ok(())
    }

    fn names(&self, record: &SourceRecord) -> Result<Vec<String>, TransformError> {
        let header = record
            .headers
            .iter()
            .find(|header| *header.name == *self.header);
        let not_names = || {
            error(format!(
                "the header \"{}\" is no list of names",
                self.header
            ))
        };
        match header.map(|header| &header.value.value) {
            None | Some(Datum::Null) => Ok(Vec::new()),
            Some(Datum::Array(names)) => {
                let names = names.iter().map(|name| {
                    let name = text(name).ok_or_else(not_names)?;
                    Ok(name.to_owned())
                });
                names.collect()
            }
            Some(_) => Err(not_names()),
        }
    }

    fn drop(
        &mut self,
        from: &mut SchemaAndValue,
        names: &[String],
        spared: usize,
    ) -> Result<(), TransformError> {
        let (Some(schema), Datum::Struct(values)) = (&from.schema, &from.value) else {
            return Err(error("only a struct is supported for [field replacement]"));
        };
        let fields = fields_of(schema)?;
        let is_dropped = |index: usize| {
            let field = &fields[index];
            index < spared
                && names.contains(&field.name)
                && (field.schema.optional || !self.keep_compatible)
        };
        let dropped: Vec<usize> = (0..fields.len())
            .filter(|index| is_dropped(*index))
            .collect();
        if dropped.is_empty() && self.keep_compatible {
            return Ok(());
        }
        let kept = fields.iter().zip(values).enumerate();
        let kept = kept.filter(|(index, _)| !dropped.contains(index));
        let values = kept.map(|(_, (field, value))| or_default(&field.schema, value).clone());
        let values = Datum::Struct(values.collect());
        let schema = without(&mut self.schemas, schema, dropped)?;
        *from = SchemaAndValue::new(schema, values);
        Ok(())
    }
}

fn without(
    schemas: &mut Schemas,
    schema: &Arc<Schema>,
    dropped: Vec<usize>,
) -> Result<Arc<Schema>, TransformError> {
    let key = (Arc::as_ptr(schema).addr(), dropped);
    if let Some((_, known)) = schemas.get(&key) {
        return Ok(Arc::clone(known));
    }
    let fields = fields_of(schema)?.iter().enumerate();
    let kept = fields.filter(|(index, _)| !key.1.contains(index));
    let kept = kept.map(|(_, field)| field.clone()).collect();
    let derived = Arc::new(with_fields(schema, kept)?);
    if schemas.len() >= CACHE_CAPACITY {
        schemas.clear();
    }
    schemas.insert(key, (Arc::clone(schema), Arc::clone(&derived)));
    Ok(derived)
}
