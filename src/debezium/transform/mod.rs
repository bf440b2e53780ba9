//! Debezium's own transforms (`io.debezium.transforms`), one a file.

mod by_logical_table_router;
mod choice;
mod decode_message_content;
mod drop_fields;
mod event_router;
mod event_router_options;
mod extract_changed_record_state;
mod extract_new_record_state;
mod field_reference;
mod fields;
mod header_to_value;
mod iso_time;
mod java_value;
mod json_schema;
mod known_schemas;
mod partition_routing;
mod shared_headers;
mod timezone_converter;
mod timezone_rules;
mod vector_to_json;
mod zone;

#[cfg(test)]
mod tests;

use self::by_logical_table_router::ByLogicalTableRouter;
use self::decode_message_content::DecodeMessageContent;
use self::event_router::EventRouter;
use self::extract_changed_record_state::ExtractChangedRecordState;
use self::extract_new_record_state::ExtractNewRecordState;
use self::header_to_value::HeaderToValue;
use self::partition_routing::PartitionRouting;
use self::timezone_converter::TimezoneConverter;
use self::vector_to_json::VectorToJson;
use crate::connect::transform::Transform;
use crate::connect::transform::options::{OptionError, Options};

/// Every class that [`create`] knows.
pub const CLASSES: [&str; 9] = [
    "io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent",
    "io.debezium.transforms.ByLogicalTableRouter",
    "io.debezium.transforms.ExtractChangedRecordState",
    "io.debezium.transforms.ExtractNewRecordState",
    "io.debezium.transforms.HeaderToValue",
    "io.debezium.transforms.TimezoneConverter",
    "io.debezium.transforms.VectorToJsonConverter",
    "io.debezium.transforms.outbox.EventRouter",
    "io.debezium.transforms.partitions.PartitionRouting",
];

/// The transform of a class name, configured; `None` when it is not one of ours.
pub fn create(
    class: &str,
    options: &Options<'_>,
) -> Result<Option<Box<dyn Transform>>, OptionError> {
    Ok(Some(match class {
        "io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent" => {
            Box::new(DecodeMessageContent::new(options)?)
        }
        "io.debezium.transforms.ByLogicalTableRouter" => {
            Box::new(ByLogicalTableRouter::new(options)?)
        }
        "io.debezium.transforms.ExtractChangedRecordState" => {
            Box::new(ExtractChangedRecordState::new(options))
        }
        "io.debezium.transforms.ExtractNewRecordState" => {
            Box::new(ExtractNewRecordState::new(options)?)
        }
        "io.debezium.transforms.HeaderToValue" => Box::new(HeaderToValue::new(options)?),
        "io.debezium.transforms.TimezoneConverter" => Box::new(TimezoneConverter::new(options)?),
        "io.debezium.transforms.VectorToJsonConverter" => Box::new(VectorToJson::default()),
        "io.debezium.transforms.outbox.EventRouter" => Box::new(EventRouter::new(options)?),
        "io.debezium.transforms.partitions.PartitionRouting" => {
            Box::new(PartitionRouting::new(options)?)
        }
        _ => return Ok(None),
    }))
}
