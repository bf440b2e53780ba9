//! How topics, schemas and fields are named.

use super::{Parser, modes};
use crate::config::connector::{
    InvalidCharacters, KeyField, NameAdjustment, NameOptions, TopicOptions, TopicRoute,
    TopicStrategy,
};
use crate::config::error::Problem;
use crate::config::replacement::{Invalid, Replacement};

/// With these, field names are always made fit for Avro (`CommonConnectorConfig.isUsingAvroConverter`).
const AVRO_CONVERTERS: [&str; 2] = [
    "io.confluent.connect.avro.AvroConverter",
    "io.apicurio.registry.utils.converter.AvroConverter",
];

impl Parser<'_> {
    pub(super) fn topics(&mut self) -> TopicOptions {
        TopicOptions {
            delimiter: self.text("topic.delimiter"),
            heartbeat_prefix: self.text("topic.heartbeat.prefix"),
            heartbeat_name: self.optional("topic.heartbeat.name"),
            transaction: self.text("topic.transaction"),
            strategy: self.topic_strategy(),
        }
    }

    pub(super) fn names(&self) -> NameOptions {
        let fields = self.mode("field.name.adjustment.mode", modes::NAME_ADJUSTMENT);
        // The worker's converter does not count: Debezium does not see it.
        let is_avro = ["key.converter", "value.converter"]
            .iter()
            .any(|name| AVRO_CONVERTERS.contains(&self.text(name).trim()));
        NameOptions {
            schemas: self.mode("schema.name.adjustment.mode", modes::NAME_ADJUSTMENT),
            fields: match fields {
                NameAdjustment::None if is_avro => NameAdjustment::Avro,
                NameAdjustment::None | NameAdjustment::Avro | NameAdjustment::AvroUnicode => fields,
            },
        }
    }

    /// The table knows the classes; what they do is in their names.
    fn topic_strategy(&mut self) -> TopicStrategy {
        let class = self.text("topic.naming.strategy");
        let class = class.trim();
        let route = class.contains("Regex").then(|| self.topic_route());
        TopicStrategy {
            with_schema: !class.starts_with("io.debezium.schema.Default"),
            invalid: if class.contains("Unicode") {
                InvalidCharacters::Escape
            } else {
                InvalidCharacters::Underscore
            },
            route: route.flatten(),
        }
    }

    fn topic_route(&mut self) -> Option<TopicRoute> {
        self.required("topic.regex");
        let topic = self.replacement("topic.regex", "topic.replacement");
        let value = self.replacement("topic.key.field.regex", "topic.key.field.replacement");
        let key_field = KeyField {
            name: self.text("topic.key.field.name"),
            value,
        };
        let key_field = Some(key_field).filter(|_| self.boolean("topic.key.enforce.uniqueness"));
        Some(TopicRoute {
            topic: topic?,
            key_field,
        })
    }

    /// `None` without a pattern, and after a problem.
    fn replacement(&mut self, pattern: &str, template: &str) -> Option<Replacement> {
        let regex = self
            .optional(pattern)
            .filter(|text| !text.trim().is_empty())?;
        let text = self.text(template);
        if text.trim().is_empty() {
            let problem = format!("{template} must be non-empty if {pattern} is set.");
            self.problems.push(Problem::invalid(template, problem));
            return None;
        }
        match Replacement::parse(&regex, &text) {
            Ok(replacement) => Some(replacement),
            Err(Invalid::Pattern(reason)) => {
                self.problems.push(Problem::invalid(pattern, reason));
                None
            }
            Err(Invalid::Template(reason)) => {
                self.problems.push(Problem::invalid(template, reason));
                None
            }
        }
    }
}
