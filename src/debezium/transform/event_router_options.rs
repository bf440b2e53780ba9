//! Options of the outbox `EventRouter` (`EventRouterConfigDefinition`).

use super::choice::{choice, chosen, java_split};
use super::json_schema::NullField;
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::regex_router::RegexRouter;

pub(super) struct EventRouterOptions {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) payload: String,
    pub(super) timestamp: Option<String>,
    pub(super) schema_version: Option<String>,
    pub(super) route_by: String,
    pub(super) topic: RegexRouter,
    pub(super) tombstone_on_empty_payload: bool,
    pub(super) additional: Vec<AdditionalField>,
    pub(super) ignores_missing: bool,
    pub(super) on_update: OnUpdate,
    /// `None` leaves JSON as the text it is.
    pub(super) expand: Option<NullField>,
}

/// `table.op.invalid.behavior`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnUpdate {
    Warn,
    Error,
    Fatal,
}

/// An element of `table.fields.additional.placement`.
pub(super) struct AdditionalField {
    pub(super) field: String,
    pub(super) placement: Placement,
    pub(super) alias: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    Header,
    Envelope,
    Partition,
}

const ADDITIONAL: &str = "table.fields.additional.placement";

impl EventRouterOptions {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let name = |option: &str, default: &str| options.text(option).unwrap_or(default).to_owned();
        // Debezium reads it and does nothing with it.
        name("table.field.event.type", "type");
        let on_update = [
            ("warn", OnUpdate::Warn),
            ("error", OnUpdate::Error),
            ("fatal", OnUpdate::Fatal),
        ];
        let nulls = [
            ("ignore", NullField::Ignore),
            ("optional_bytes", NullField::OptionalBytes),
        ];
        let null_field = choice(
            options,
            "table.json.payload.null.behavior",
            &nulls,
            NullField::Ignore,
        )?;
        let expands = options.boolean("table.expand.json.payload", false)?;
        let missing = [("error", false), ("ignore", true)];
        refuse_adjusted_names(options)?;
        Ok(Self {
            id: name("table.field.event.id", "id"),
            key: name("table.field.event.key", "aggregateid"),
            payload: name("table.field.event.payload", "payload"),
            timestamp: options
                .text("table.field.event.timestamp")
                .map(str::to_owned),
            schema_version: options
                .text("table.field.event.schema.version")
                .map(str::to_owned),
            route_by: name("route.by.field", "aggregatetype"),
            topic: RegexRouter::of(
                (
                    "route.topic.regex",
                    &name("route.topic.regex", "(?<routedByValue>.*)"),
                ),
                (
                    "route.topic.replacement",
                    &name("route.topic.replacement", "outbox.event.${routedByValue}"),
                ),
            )?,
            tombstone_on_empty_payload: options
                .boolean("route.tombstone.on.empty.payload", false)?,
            additional: additional(options)?,
            ignores_missing: choice(options, "table.field.additional.missing", &missing, false)?,
            on_update: choice(
                options,
                "table.op.invalid.behavior",
                &on_update,
                OnUpdate::Warn,
            )?,
            expand: expands.then_some(null_field),
        })
    }

    pub(super) fn has_envelope(&self) -> bool {
        let mut placements = self.additional.iter().map(|field| field.placement);
        placements.any(|placement| placement == Placement::Envelope)
    }
}

fn refuse_adjusted_names(options: &Options<'_>) -> Result<(), OptionError> {
    const MODE: &str = "field.name.adjustment.mode";
    match options.text(MODE) {
        None | Some("none") => Ok(()),
        Some(_) => Err(OptionError::new(MODE, "is not there yet; leave it at none")),
    }
}

fn additional(options: &Options<'_>) -> Result<Vec<AdditionalField>, OptionError> {
    let Some(text) = options.text(ADDITIONAL) else {
        return Ok(Vec::new());
    };
    let parse = |element: &str| {
        let parts: Vec<_> = java_split(element, ':')
            .into_iter()
            .map(str::trim)
            .collect();
        let (field, placement, alias) = match parts.as_slice() {
            [field, placement] => (field, placement, field),
            [field, placement, alias] => (field, placement, alias),
            _ => {
                let problem = "a comma-separated list of valid pairs or trios is expected";
                return Err(OptionError::new(ADDITIONAL, problem));
            }
        };
        let placements = [
            ("header", Placement::Header),
            ("envelope", Placement::Envelope),
            ("partition", Placement::Partition),
        ];
        Ok(AdditionalField {
            field: (*field).to_owned(),
            placement: chosen(ADDITIONAL, placement, &placements)?,
            alias: (*alias).to_owned(),
        })
    };
    java_split(text, ',').into_iter().map(parse).collect()
}
