//! Single message transforms and their predicates (`org.apache.kafka.connect.transforms`).
//!
//! They work on [`SourceRecord`]s, which are built only for connectors that have transforms, or a converter that needs them.

pub mod chain;
pub mod options;

mod cast;
mod cast_value;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mask_field;
mod operand;
mod predicates;
pub mod regex_router;
mod replace_field;
mod set_schema_metadata;
mod timestamp_converter;
mod timestamp_form;
mod timestamp_router;
mod value_to_key;

use operand::Part;
use options::{OptionError, Options};

use super::record::SourceRecord;

/// Every class that [`create`] knows.
pub const CLASSES: [&str; 26] = [
    "org.apache.kafka.connect.transforms.Cast$Key",
    "org.apache.kafka.connect.transforms.Cast$Value",
    "org.apache.kafka.connect.transforms.DropHeaders",
    "org.apache.kafka.connect.transforms.ExtractField$Key",
    "org.apache.kafka.connect.transforms.ExtractField$Value",
    "org.apache.kafka.connect.transforms.Filter",
    "org.apache.kafka.connect.transforms.Flatten$Key",
    "org.apache.kafka.connect.transforms.Flatten$Value",
    "org.apache.kafka.connect.transforms.HeaderFrom$Key",
    "org.apache.kafka.connect.transforms.HeaderFrom$Value",
    "org.apache.kafka.connect.transforms.HoistField$Key",
    "org.apache.kafka.connect.transforms.HoistField$Value",
    "org.apache.kafka.connect.transforms.InsertField$Key",
    "org.apache.kafka.connect.transforms.InsertField$Value",
    "org.apache.kafka.connect.transforms.InsertHeader",
    "org.apache.kafka.connect.transforms.MaskField$Key",
    "org.apache.kafka.connect.transforms.MaskField$Value",
    "org.apache.kafka.connect.transforms.RegexRouter",
    "org.apache.kafka.connect.transforms.ReplaceField$Key",
    "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key",
    "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
    "org.apache.kafka.connect.transforms.TimestampConverter$Key",
    "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    "org.apache.kafka.connect.transforms.TimestampRouter",
    "org.apache.kafka.connect.transforms.ValueToKey",
];

/// Every class that [`create_predicate`] knows.
pub const PREDICATE_CLASSES: [&str; 3] = [
    "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
];

/// One transform of a connector's `transforms`, configured.
pub trait Transform: Send {
    /// The record as the next transform gets it; `None` drops it.
    fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, TransformError>;
}

/// One predicate of a connector's `predicates`, configured.
pub trait Predicate: Send {
    fn test(&self, record: &SourceRecord) -> bool;
}

/// A record that a transform cannot work on: Connect's `DataException` and `ConnectException`. Says no values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub String);

impl TransformError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// The stock transform of a class, or of its short name, which Connect takes as well; `None` if there is none.
pub fn create(
    class: &str,
    options: &Options<'_>,
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    let name = class
        .strip_prefix("org.apache.kafka.connect.transforms.")
        .unwrap_or(class);
    if let Some((name, part)) = name.split_once('$') {
        return match part {
            "Key" => create_for(Part::Key, name, options),
            "Value" => create_for(Part::Value, name, options),
            _ => Ok(None),
        };
    }
    Ok(Some(match name {
        "DropHeaders" => Box::new(drop_headers::DropHeaders::new(options)?),
        "Filter" => Box::new(filter::Filter),
        "InsertHeader" => Box::new(insert_header::InsertHeader::new(options)?),
        "RegexRouter" => Box::new(regex_router::RegexRouter::new(options)?),
        "TimestampRouter" => Box::new(timestamp_router::TimestampRouter::new(options)?),
        "ValueToKey" => Box::new(value_to_key::ValueToKey::new(options)?),
        _ => return Ok(None),
    }))
}

/// Those that exist for keys and for values.
fn create_for(
    part: Part,
    name: &str,
    options: &Options<'_>,
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    Ok(Some(match name {
        "Cast" => Box::new(cast::Cast::new(part, options)?),
        "ExtractField" => Box::new(extract_field::ExtractField::new(part, options)?),
        "Flatten" => Box::new(flatten::Flatten::new(part, options)),
        "HeaderFrom" => Box::new(header_from::HeaderFrom::new(part, options)?),
        "HoistField" => Box::new(hoist_field::HoistField::new(part, options)?),
        "InsertField" => Box::new(insert_field::InsertField::new(part, options)?),
        "MaskField" => Box::new(mask_field::MaskField::new(part, options)?),
        "ReplaceField" => Box::new(replace_field::ReplaceField::new(part, options)?),
        "SetSchemaMetadata" => {
            Box::new(set_schema_metadata::SetSchemaMetadata::new(part, options)?)
        }
        "TimestampConverter" => {
            Box::new(timestamp_converter::TimestampConverter::new(part, options)?)
        }
        _ => return Ok(None),
    }))
}

/// The stock predicate of a class, or of its short name; `None` if there is none.
pub fn create_predicate(
    class: &str,
    options: &Options<'_>,
) -> Result<Option<Box<dyn Predicate>>, OptionError> {
    let name = class
        .strip_prefix("org.apache.kafka.connect.transforms.predicates.")
        .unwrap_or(class);
    Ok(Some(match name {
        "HasHeaderKey" => Box::new(predicates::HasHeaderKey::new(options)?),
        "RecordIsTombstone" => Box::new(predicates::RecordIsTombstone),
        "TopicNameMatches" => Box::new(predicates::TopicNameMatches::new(options)?),
        _ => return Ok(None),
    }))
}

/// A list that `NonEmptyListValidator` accepts.
fn non_empty_list(options: &Options<'_>, option: &str) -> Result<Vec<String>, OptionError> {
    options.mandatory(option)?;
    let list = options.list(option).into_iter().map(str::to_owned);
    not_empty(option, list.collect())
}

/// Names as `ValidList.anyNonDuplicateValues` takes them: none of them empty; those that come again are left out.
fn distinct_names(options: &Options<'_>, option: &str) -> Result<Vec<String>, OptionError> {
    let mut names: Vec<String> = Vec::new();
    for name in options.list(option) {
        if name.is_empty() {
            return Err(OptionError::new(option, "has an empty name in it"));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// [`distinct_names`], at least one.
fn mandatory_names(options: &Options<'_>, option: &str) -> Result<Vec<String>, OptionError> {
    options.mandatory(option)?;
    not_empty(option, distinct_names(options, option)?)
}

fn not_empty(option: &str, list: Vec<String>) -> Result<Vec<String>, OptionError> {
    if list.is_empty() {
        return Err(OptionError::new(option, "must not be empty"));
    }
    Ok(list)
}

/// `String.split`, which drops empty parts at the end.
fn java_split(text: &str, separator: char) -> Vec<&str> {
    let mut parts: Vec<_> = text.split(separator).collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests;
