//! The properties of Kafka Connect itself: name, converters, topic creation, offsets topic.

use super::Parser;
use crate::config::connector::{DecimalFormat, JsonConverterOptions, TopicCreation};
use crate::config::error::Problem;
use crate::config::worker::{Converter, JSON_CONVERTER, SIMPLE_HEADER_CONVERTER};

const TOPIC_CREATION_DEFAULT: &str = "topic.creation.default.";

impl Parser<'_> {
    pub(super) fn name(&mut self) -> String {
        let name = self.mandatory("name");
        if name.chars().any(char::is_control) {
            let text = "a name without control characters is expected";
            self.problems.push(Problem::invalid("name", text));
        }
        name
    }

    /// The table judges the class; here it only has to be present.
    pub(super) fn mandatory(&mut self, name: &str) -> String {
        if self.setting(name).is_none() {
            self.problems.push(Problem::missing(name));
        }
        self.text(name)
    }

    /// A connector that names a converter also brings all of its options; otherwise the worker's converter counts, with
    /// the worker's options only (`Worker.startTask` builds it from one of the two, never from both).
    pub(super) fn converter(&mut self, name: &str, of_worker: &Converter) -> JsonConverterOptions {
        let own = self.setting(name).map(|class| Converter {
            class: class.value.trim().to_owned(),
            options: self.settings.below(&format!("{name}.")),
        });
        let converter = own.as_ref().unwrap_or(of_worker);
        if own.is_none() {
            self.warn_of_orphans(name);
        }
        if !is_class(&converter.class, JSON_CONVERTER, "Json") {
            let source = if own.is_some() {
                ""
            } else {
                "the worker names another one; "
            };
            let text = format!("{source}only {JSON_CONVERTER} is there yet");
            self.problems.push(Problem::refused(name, &text));
        }
        JsonConverterOptions {
            schemas: self.option(name, converter, "schemas.enable", true),
            decimal_format: self.decimal_format(name, converter),
            replace_null_with_default: self.option(
                name,
                converter,
                "replace.null.with.default",
                true,
            ),
        }
    }

    fn warn_of_orphans(&mut self, name: &str) {
        let prefix = format!("{name}.");
        let orphans = self.settings.iter().filter(|setting| {
            setting.name.starts_with(&prefix) && !setting.name.ends_with(".plugin.version")
        });
        let warnings = orphans.map(|setting| {
            format!("\"{}\" has no effect without \"{name}\": Connect then uses the worker's converter with the worker's options", setting.name)
        });
        let warnings: Vec<String> = warnings.collect();
        self.warnings.extend(warnings);
    }

    /// The connector's own header converter is judged by the table.
    pub(super) fn header_converter(&mut self) {
        let property = "header.converter";
        if self.setting(property).is_none()
            && !is_class(
                &self.worker.header_converter,
                SIMPLE_HEADER_CONVERTER,
                "Simple",
            )
        {
            let text = format!(
                "the worker names another one; only {SIMPLE_HEADER_CONVERTER} is there yet"
            );
            self.problems.push(Problem::refused(property, &text));
        }
    }

    fn option(&mut self, name: &str, converter: &Converter, option: &str, default: bool) -> bool {
        let Some(text) = option_of(converter, option) else {
            return default;
        };
        text.to_ascii_lowercase().parse().unwrap_or_else(|_| {
            self.wrong_option(name, option, "Expected value to be either true or false");
            default
        })
    }

    fn decimal_format(&mut self, name: &str, converter: &Converter) -> DecimalFormat {
        match option_of(converter, "decimal.format")
            .map(str::to_ascii_uppercase)
            .as_deref()
        {
            None | Some("BASE64") => DecimalFormat::Base64,
            Some("NUMERIC") => DecimalFormat::Numeric,
            Some(_) => {
                self.wrong_option(
                    name,
                    "decimal.format",
                    "String must be one of: BASE64, NUMERIC",
                );
                DecimalFormat::Base64
            }
        }
    }

    /// The table has already complained about the connector's own options; this is for the worker's.
    fn wrong_option(&mut self, name: &str, option: &str, text: &str) {
        if self.setting(name).is_none() {
            let property = format!("{name}.{option}");
            self.problems.push(Problem::invalid(
                &property,
                format!("in the worker configuration: {text}"),
            ));
        }
    }

    /// Any `topic.creation.` property makes the two of the default group mandatory (`SourceConnectorConfig`).
    pub(super) fn topic_creation(&mut self) -> Option<TopicCreation> {
        if !self
            .settings
            .iter()
            .any(|setting| setting.name.starts_with("topic.creation."))
        {
            return None;
        }
        let partitions = self.broker_count("topic.creation.default.partitions");
        let replication_factor = self.broker_count("topic.creation.default.replication.factor");
        if !self.worker.topic_creation {
            let warning =
                "topic.creation.* has no effect: the worker has topic.creation.enable=false";
            self.warnings.push(warning.to_owned());
            return None;
        }
        let mut config = self.settings.below(TOPIC_CREATION_DEFAULT);
        config.retain(|(name, _)| {
            !["partitions", "replication.factor", "include", "exclude"].contains(&name.as_str())
        });
        Some(TopicCreation {
            partitions,
            replication_factor,
            config,
        })
    }

    fn broker_count(&mut self, name: &str) -> i32 {
        let Some(setting) = self.setting(name) else {
            self.problems.push(Problem::missing(name));
            return -1;
        };
        let given = setting.given.clone();
        let count: i32 = self.number(name);
        if count <= 0 && count != -1 {
            let text = "Value must be positive, or -1 to use the broker's default";
            self.problems.push(Problem::framework(name, &given, text));
        }
        count
    }

    pub(super) fn offsets_storage_topic(&mut self) -> Option<String> {
        let setting = self.settings.get("offsets.storage.topic")?;
        let topic = setting.value.trim().to_owned();
        if topic.is_empty() {
            self.problems.push(Problem::framework(
                &setting.name,
                &setting.given,
                "String must be non-empty",
            ));
        }
        Some(topic)
    }
}

fn option_of<'a>(converter: &'a Converter, option: &str) -> Option<&'a str> {
    converter
        .options
        .iter()
        .find(|(name, _)| name == option)
        .map(|(_, value)| value.trim())
}

/// The full name, the simple name or Connect's alias of a class.
fn is_class(given: &str, full: &str, alias: &str) -> bool {
    let simple = full.rsplit('.').next().unwrap_or_default();
    [full, simple, alias].contains(&given.trim())
}
