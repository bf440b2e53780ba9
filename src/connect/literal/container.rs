//! Arrays and maps of literals: `Values.SchemaMerger` and the conversion of elements to the schema they have in common.

use super::{Failure, Parsed};
use crate::connect::schema::{Datum, Kind, Schema};

/// Elements of an array, keys of a map, or values of a map; `None` is a null.
#[derive(Default)]
pub(super) struct Elements(Vec<Option<Parsed>>);

#[derive(Default)]
pub(super) struct Entries {
    keys: Elements,
    values: Elements,
}

impl Elements {
    pub(super) fn push(&mut self, element: Option<Parsed>) {
        self.0.push(element);
    }

    pub(super) fn into_array(self) -> Result<Parsed, Failure> {
        let (schema, elements) = self.align()?;
        Ok(Parsed {
            schema: Schema::new(Kind::Array(Box::new(schema))),
            value: Datum::Array(elements),
        })
    }

    /// The common schema, and each element as a value of it. Without any value, Java knows no schema; then it is a text that
    /// can be null, which looks the same.
    fn align(self) -> Result<(Schema, Vec<Datum>), Failure> {
        let mut common: Option<Schema> = None;
        for Parsed { schema, .. } in self.0.iter().flatten() {
            common = Some(match common {
                None => schema.clone(),
                Some(common) => merge(common, schema.clone())?,
            });
        }
        let Some(common) = common else {
            let nulls = self.0.iter().map(|_| Datum::Null).collect();
            return Ok((Schema::new(Kind::String).optional(true), nulls));
        };
        let convert = |element: Option<Parsed>| match element {
            // `convertTo` refuses a null, since a schema made of literals is not optional.
            None => Err(Failure::NotParsed),
            Some(element) => Ok(convert(element.value, &common.kind)),
        };
        let elements = self.0.into_iter().map(convert).collect::<Result<_, _>>()?;
        Ok((common, elements))
    }
}

impl Entries {
    /// A key that comes again gets another value.
    pub(super) fn push(&mut self, key: Parsed, value: Option<Parsed>) {
        let known = self.keys.0.iter().flatten();
        let mut known = known.map(|known| &known.value);
        if let Some(index) = known.position(|known| *known == key.value) {
            self.values.0[index] = value;
            return;
        }
        self.keys.push(Some(key));
        self.values.push(value);
    }

    pub(super) fn into_map(self) -> Result<Parsed, Failure> {
        let (key_schema, keys) = self.keys.align()?;
        let (value_schema, values) = self.values.align()?;
        Ok(Parsed {
            schema: Schema::new(Kind::Map(Box::new(key_schema), Box::new(value_schema))),
            value: Datum::Map(keys.into_iter().zip(values).collect()),
        })
    }
}

/// `mergeSchemas`: the wider of two numeric types, or the later of two equal ones. Of logical types, only equal ones merge here.
fn merge(previous: Schema, new: Schema) -> Result<Schema, Failure> {
    if std::mem::discriminant(&previous.kind) == std::mem::discriminant(&new.kind) {
        return if shows(&new, &previous) {
            Ok(new)
        } else if shows(&previous, &new) {
            Ok(previous)
        } else {
            Err(Failure::Mixed)
        };
    }
    match (width(&previous), width(&new)) {
        (Some(previous_width), Some(new_width)) if new_width > previous_width => Ok(new),
        (Some(_), Some(_)) => Ok(previous),
        _ => Err(Failure::Mixed),
    }
}

/// Whether values of `other` can be written with `schema`. Java takes the later schema whatever is in the earlier array or map, and
/// looks at the values alone when it writes them; here a value is written as its schema says.
fn shows(schema: &Schema, other: &Schema) -> bool {
    // Of literals, only what holds no value but null.
    if other.optional {
        return true;
    }
    match (&schema.kind, &other.kind) {
        (Kind::Array(items), Kind::Array(others)) => shows(items, others),
        (Kind::Map(keys, values), Kind::Map(other_keys, other_values)) => {
            let is_object = |keys: &Schema| keys.kind == Kind::String;
            let same_form = other_keys.optional || is_object(keys) == is_object(other_keys);
            same_form && shows(keys, other_keys) && shows(values, other_values)
        }
        (Kind::Array(_) | Kind::Map(..), _) | (_, Kind::Array(_) | Kind::Map(..)) => false,
        _ => schema.name == other.name && schema.parameters == other.parameters,
    }
}

fn width(schema: &Schema) -> Option<usize> {
    let widths = [
        Kind::Int8,
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::Float32,
        Kind::Float64,
    ];
    let is_plain = schema.name.is_none();
    widths
        .iter()
        .position(|kind| is_plain && *kind == schema.kind)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "as `Values.convertToFloat`"
)]
fn convert(value: Datum, kind: &Kind) -> Datum {
    match (value, kind) {
        (Datum::Int(value), Kind::Float32) => Datum::Float32(value as f64 as f32),
        (Datum::Int(value), Kind::Float64) => Datum::Float64(value as f64),
        (Datum::Float32(value), Kind::Float64) => Datum::Float64(value.into()),
        (other, _) => other,
    }
}
