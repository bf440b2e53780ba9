//! Text → [`ConnectorConfig`]. Every problem is collected before the configuration is refused.
//!
//! The table ([`properties::review`]) has checked types and enumerations before anything here runs, so a value that does
//! not parse below already has its problem and its default takes over until the end.

use std::path::PathBuf;
use std::time::Duration;

use super::connector::{
    ConnectorConfig, ErrorOptions, Filter, Filters, KeyRule, PatternList, PublicationConfig,
    RecordOptions, SkippedOperations, SnapshotConfig, ValueOptions,
};
use super::error::{ConfigError, Problem};
use super::patterns;
use super::properties::{self, Review};
use super::settings::{Setting, Settings};
use super::worker::WorkerConfig;

mod avro;
mod columns;
mod converters;
mod database;
mod framework;
mod identities;
mod modes;
mod names;
mod transforms;

/// A configuration that can run, and what the user should know about it.
#[derive(Clone, Debug)]
pub struct CheckedConnector {
    pub connector: ConnectorConfig,
    /// Worth a line in the log: unknown names, defaults that differ from Debezium's.
    pub warnings: Vec<String>,
    /// Worth a debug line: what is accepted without effect.
    pub notes: Vec<String>,
}

/// Resolves references, checks every property and parses them into types.
pub fn connector(
    mut settings: Settings,
    worker: &WorkerConfig,
) -> Result<CheckedConnector, ConfigError> {
    settings.resolve(&worker.providers)?;
    let Review {
        problems,
        warnings,
        notes,
    } = properties::review(&settings);
    let mut parser = Parser {
        settings: &settings,
        worker,
        problems,
        warnings,
    };
    let connector = parser.connector();
    let Parser {
        problems, warnings, ..
    } = parser;
    if problems.is_empty() {
        return Ok(CheckedConnector {
            connector,
            warnings,
            notes,
        });
    }
    Err(ConfigError::Invalid {
        what: "the connector configuration".to_owned(),
        problems,
    })
}

struct Parser<'a> {
    settings: &'a Settings,
    worker: &'a WorkerConfig,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Parser<'_> {
    fn connector(&mut self) -> ConnectorConfig {
        self.mandatory("connector.class");
        let predicates = self.predicates();
        ConnectorConfig {
            name: self.name(),
            topic_prefix: self.topic_prefix(),
            database: self.database(),
            slot: self.slot(),
            publication: self.publication(),
            replica_identities: self.replica_identities(),
            snapshot: self.snapshot(),
            filters: self.filters(),
            values: self.values(),
            keys: self.keys(),
            column_rules: self.column_rules(),
            records: self.records(),
            topics: self.topics(),
            names: self.names(),
            transaction_metadata: self.boolean("provide.transaction.metadata"),
            heartbeat: self.optional_millis("heartbeat.interval.ms"),
            heartbeat_action_query: self.optional("heartbeat.action.query"),
            key_converter: self.converter("key.converter", &self.worker.key_converter),
            value_converter: self.converter("value.converter", &self.worker.value_converter),
            header_converter: self.header_converter(),
            transforms: self.transforms(&predicates),
            predicates,
            errors: self.errors(),
            topic_creation: self.topic_creation(),
            producer_overrides: self.settings.below("producer.override."),
            offsets_storage_topic: self.offsets_storage_topic(),
        }
    }

    fn topic_prefix(&mut self) -> String {
        let allowed = |char: char| char.is_ascii_alphanumeric() || "_.-".contains(char);
        self.required_of("topic.prefix", allowed)
    }

    fn publication(&mut self) -> PublicationConfig {
        if self.settings.get("plugin.name").is_none() {
            self.warnings.push(
                "plugin.name is absent: walstreet reads pgoutput, where Debezium's default is decoderbufs; set plugin.name=pgoutput".to_owned(),
            );
        }
        PublicationConfig {
            name: self.text("publication.name"),
            autocreate: self.mode("publication.autocreate.mode", modes::PUBLICATION_AUTOCREATE),
            publish_via_partition_root: self.boolean("publish.via.partition.root"),
        }
    }

    fn snapshot(&mut self) -> SnapshotConfig {
        SnapshotConfig {
            mode: self.mode("snapshot.mode", modes::SNAPSHOT),
            include_collections: self.patterns("snapshot.include.collection.list"),
            delay: self.millis("snapshot.delay.ms"),
        }
    }

    fn filters(&mut self) -> Filters {
        Filters {
            schemas: self.filter("schema.include.list", "schema.exclude.list"),
            tables: self.filter("table.include.list", "table.exclude.list"),
            columns: self.filter("column.include.list", "column.exclude.list"),
            ignore_builtin: self.boolean("table.ignore.builtin"),
            messages: self.filter("message.prefix.include.list", "message.prefix.exclude.list"),
        }
    }

    fn filter(&mut self, include: &str, exclude: &str) -> Filter {
        if self.settings.get(include).is_some() && self.settings.get(exclude).is_some() {
            self.problems.push(Problem::invalid(
                exclude,
                format!("\"{include}\" is already specified"),
            ));
        }
        match (self.patterns(include), self.patterns(exclude)) {
            (Some(patterns), _) => Filter::Include(patterns),
            (None, Some(patterns)) => Filter::Exclude(patterns),
            (None, None) => Filter::All,
        }
    }

    /// `None` when the list is absent or empty: Debezium then filters nothing.
    fn patterns(&mut self, name: &str) -> Option<PatternList> {
        match patterns::parse_list(&self.text(name)) {
            Ok(list) => Some(list).filter(|list| !list.0.is_empty()),
            Err(reason) => {
                self.problems.push(Problem::invalid(name, reason));
                None
            }
        }
    }

    fn keys(&mut self) -> Vec<KeyRule> {
        patterns::parse_key_rules(&self.text("message.key.columns")).unwrap_or_else(|reason| {
            self.problems
                .push(Problem::invalid("message.key.columns", reason));
            Vec::new()
        })
    }

    fn values(&mut self) -> ValueOptions {
        ValueOptions {
            decimal: self.mode("decimal.handling.mode", modes::DECIMAL),
            time_precision: self.mode("time.precision.mode", modes::TIME_PRECISION),
            binary: self.mode("binary.handling.mode", modes::BINARY),
            interval: self.mode("interval.handling.mode", modes::INTERVAL),
            hstore: self.mode("hstore.handling.mode", modes::HSTORE),
            money_fraction_digits: self.money_fraction_digits(),
            include_unknown: self.boolean("include.unknown.datatypes"),
            unavailable_placeholder: self.unavailable_placeholder(),
        }
    }

    fn money_fraction_digits(&mut self) -> u32 {
        let digits: i16 = self.number("money.fraction.digits");
        u32::try_from(digits).unwrap_or_else(|_| {
            self.problems.push(Problem::invalid(
                "money.fraction.digits",
                "Value must be at least 0",
            ));
            0
        })
    }

    fn unavailable_placeholder(&mut self) -> Vec<u8> {
        let text = self.text("unavailable.value.placeholder");
        let Some(digits) = text.strip_prefix("hex:") else {
            return text.into_bytes();
        };
        let octets = digits.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
            _ => None,
        });
        octets.collect::<Option<Vec<u8>>>().unwrap_or_else(|| {
            self.problems.push(Problem::invalid(
                "unavailable.value.placeholder",
                "pairs of hexadecimal digits are expected after \"hex:\"",
            ));
            Vec::new()
        })
    }

    fn records(&mut self) -> RecordOptions {
        let (skipped, skipped_explicitly) = self.skipped_operations();
        RecordOptions {
            tombstones_on_delete: self.boolean("tombstones.on.delete"),
            skipped,
            skip_unchanged: self.boolean("skip.messages.without.change"),
            skipped_explicitly,
            extended_headers: self.boolean("extended.headers.enabled"),
        }
    }

    /// `CommonConnectorConfig.validateSkippedOperation`; `r` is legal there and skips nothing.
    fn skipped_operations(&mut self) -> (SkippedOperations, bool) {
        let text = self.text("skipped.operations");
        let mut skipped = SkippedOperations::default();
        let (mut none, mut some) = (false, false);
        for operation in text.split(',').map(str::trim) {
            some |= operation != "none";
            match operation {
                "none" => none = true,
                "c" => skipped.create = true,
                "u" => skipped.update = true,
                "d" => skipped.delete = true,
                "t" => skipped.truncate = true,
                "r" => {}
                _ => {
                    self.problems
                        .push(Problem::invalid("skipped.operations", "Invalid operation"));
                    return (skipped, some);
                }
            }
        }
        if none && some {
            let text = "'none' cannot be specified with other skipped operation types";
            self.problems
                .push(Problem::invalid("skipped.operations", text));
        }
        (
            skipped,
            some && self.settings.get("skipped.operations").is_some(),
        )
    }

    fn errors(&mut self) -> ErrorOptions {
        let max_queue: i64 = self.number("max.queue.size");
        if max_queue <= self.number("max.batch.size") {
            self.problems.push(Problem::invalid(
                "max.queue.size",
                "Must be larger than the maximum batch size",
            ));
        }
        let max_retries: i32 = self.number("errors.max.retries");
        ErrorOptions {
            // `ErrorHandler` compares with -1 only: any other negative number allows no restart.
            max_retries: (max_retries != -1).then(|| u32::try_from(max_retries).unwrap_or(0)),
            retry_wait: self.millis("retriable.restart.connector.wait.ms"),
            tolerate: self.tolerance(),
            log_tolerated: self.boolean("errors.log.enable"),
            failed_change: self.mode(
                "event.processing.failure.handling.mode",
                modes::FAILED_CHANGE,
            ),
        }
    }

    fn tolerance(&mut self) -> bool {
        let tolerates = self
            .text("errors.tolerance")
            .trim()
            .eq_ignore_ascii_case("all");
        if tolerates {
            let text = "errors.tolerance=all leaves records out that a transform or converter fails on, and those that are too large for Kafka; what else Kafka refuses stops the connector";
            self.warnings.push(text.to_owned());
        }
        if self.boolean("errors.log.include.messages") {
            let text = "errors.log.include.messages has no effect: values are never logged";
            self.warnings.push(text.to_owned());
        }
        tolerates
    }

    /// The value of a text property that Debezium requires.
    fn required(&mut self, name: &str) -> String {
        let value = self.text(name);
        if value.trim().is_empty() {
            self.problems
                .push(Problem::invalid(name, "A value is required"));
        }
        value
    }

    /// The same, when only some characters are allowed.
    fn required_of(&mut self, name: &str, allowed: impl Fn(char) -> bool) -> String {
        let value = self.required(name);
        if !value.chars().all(allowed) {
            let given = self
                .settings
                .get(name)
                .map_or("", |setting| setting.given.as_str());
            self.problems.push(Problem::invalid(
                name,
                format!("{given} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)"),
            ));
        }
        value
    }

    /// The value, or the default of the table, or nothing.
    fn text(&self, name: &str) -> String {
        self.settings
            .value(name)
            .or_else(|| properties::default_of(name))
            .unwrap_or_default()
            .to_owned()
    }

    fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.optional(name).map(PathBuf::from)
    }

    fn boolean(&self, name: &str) -> bool {
        self.text(name).trim().eq_ignore_ascii_case("true")
    }

    fn number<T: std::str::FromStr + Default>(&self, name: &str) -> T {
        let value = self.text(name).trim().parse().ok();
        value
            .or_else(|| properties::default_of(name)?.parse().ok())
            .unwrap_or_default()
    }

    fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    /// `None` when 0.
    fn optional_millis(&self, name: &str) -> Option<Duration> {
        Some(self.millis(name)).filter(|duration| !duration.is_zero())
    }

    /// The variant of an enumeration; a wrong word already has its problem, and the default stands in.
    fn mode<T: Copy>(&self, name: &str, modes: &[(&str, T)]) -> T {
        let word = self.text(name);
        let find = |word: &str| {
            modes
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(word.trim()))
        };
        let found = find(&word).or_else(|| find(properties::default_of(name)?));
        found
            .map(|(_, variant)| *variant)
            .expect("every default of the table is in its list of modes")
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings
            .get(name)
            .filter(|setting| !setting.value.trim().is_empty())
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
