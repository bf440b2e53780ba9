//! `transforms` and `predicates`, with the checks of Connect's `ConnectorConfig`. The classes judge their own options later.

use std::collections::BTreeMap;

use super::Parser;
use crate::config::connector::{PredicateConfig, PredicateUse, TransformConfig};
use crate::config::error::Problem;

/// Debezium's transforms that are not there, and what to do instead.
const NOT_THERE: [(&str, &str); 9] = [
    (
        "io.debezium.transforms.Filter",
        "it runs scripts; use skipped.operations, table.include.list, a row filter of the publication, or \
         org.apache.kafka.connect.transforms.Filter with a predicate",
    ),
    (
        "io.debezium.transforms.ContentBasedRouter",
        "it runs scripts; use org.apache.kafka.connect.transforms.RegexRouter, \
         io.debezium.transforms.ByLogicalTableRouter, or a connector for each group of tables",
    ),
    (
        "io.debezium.transforms.EnforceRecordSize",
        "it is not there; cut wide columns with column.truncate.to.N.chars, or raise producer.override.max.request.size \
         and max.message.bytes of the topic",
    ),
    (
        "io.debezium.transforms.ExtractSchemaToNewRecord",
        "it is not there; value.converter.schemas.enable=true writes the schema into every record, \
         column.propagate.source.type the types of the source into the schema",
    ),
    (
        "io.debezium.transforms.GeometryFormatTransformer",
        "it is not there; geometries are EWKB: convert them where they are read, or in a column that a trigger fills \
         with ST_AsBinary",
    ),
    (
        "io.debezium.transforms.SwapGeometryCoordinates",
        "it is not there; swap the coordinates where they are read, or in a column that a trigger fills with \
         ST_FlipCoordinates",
    ),
    (
        "io.debezium.transforms.SchemaChangeEventFilter",
        "PostgreSQL's connector writes no schema change events; leave it out",
    ),
    (
        "io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb",
        "it is not there; io.debezium.transforms.ByLogicalTableRouter can bring the topics of chunks \
         (_timescaledb_internal._hyper_1_2_chunk) together",
    ),
    (
        "io.debezium.transforms.tracing.ActivateTracingSpan",
        "it is not there, and changes no value: leave it out",
    ),
];

impl Parser<'_> {
    pub(super) fn predicates(&mut self) -> Vec<PredicateConfig> {
        let names = self.aliases("predicates");
        let predicate = |name: String| {
            let (class, options) = self.plugin("predicates", &name);
            PredicateConfig {
                name,
                class,
                options,
            }
        };
        names.into_iter().map(predicate).collect()
    }

    pub(super) fn transforms(&mut self, predicates: &[PredicateConfig]) -> Vec<TransformConfig> {
        let names = self.aliases("transforms");
        let transform = |name: String| {
            let (class, mut options) = self.plugin("transforms", &name);
            if let Some((_, instead)) = NOT_THERE.iter().find(|(missing, _)| *missing == class) {
                let property = format!("transforms.{name}.type");
                self.problems.push(Problem::refused(&property, instead));
            }
            TransformConfig {
                predicate: self.predicate_use(&name, &mut options, predicates),
                name,
                class,
                options,
            }
        };
        names.into_iter().map(transform).collect()
    }

    /// The names that a list property gives, in order.
    fn aliases(&mut self, list: &str) -> Vec<String> {
        let text = self.text(list);
        let mut names: Vec<String> = Vec::new();
        let given = text.split(',').map(str::trim);
        for name in given.filter(|_| !text.trim().is_empty()) {
            if name.is_empty() || names.iter().any(|known| known == name) {
                let what = if name.is_empty() {
                    "Empty"
                } else {
                    "Duplicate"
                };
                let problem = Problem::framework(
                    list,
                    &format!("[{text}]"),
                    format!("{what} alias provided."),
                );
                self.problems.push(problem);
            } else {
                names.push(name.to_owned());
            }
        }
        self.warn_of_unlisted(list, &names);
        names
    }

    fn warn_of_unlisted(&mut self, list: &str, names: &[String]) {
        let prefix = format!("{list}.");
        for setting in self.settings.iter() {
            let Some(rest) = setting.name.strip_prefix(&prefix) else {
                continue;
            };
            let is_option = |name: &String| {
                rest.strip_prefix(name.as_str())
                    .is_some_and(|option| option.starts_with('.'))
            };
            if !names.iter().any(is_option) {
                let property = &setting.name;
                self.warnings.push(format!(
                    "\"{property}\" has no effect: \"{list}\" does not list what it is an option of"
                ));
            }
        }
    }

    /// The class, and the options beside it.
    fn plugin(&mut self, list: &str, name: &str) -> (String, BTreeMap<String, String>) {
        let own = self.settings.below(&format!("{list}.{name}."));
        let mut options: BTreeMap<String, String> = own.into_iter().collect();
        options.remove("plugin.version");
        let class = options.remove("type").unwrap_or_default();
        if class.trim().is_empty() {
            let property = format!("{list}.{name}.type");
            self.problems.push(Problem::missing(&property));
        }
        (class.trim().to_owned(), options)
    }

    /// Takes `predicate` and `negate` out of a transform's options.
    fn predicate_use(
        &mut self,
        transform: &str,
        options: &mut BTreeMap<String, String>,
        predicates: &[PredicateConfig],
    ) -> Option<PredicateUse> {
        let property = |option: &str| format!("transforms.{transform}.{option}");
        let predicate = options.remove("predicate");
        let negate = options.remove("negate");
        if let (None, Some(_)) = (&predicate, &negate) {
            let (negate, predicate) = (property("negate"), property("predicate"));
            let message = format!(
                "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
            );
            self.problems.push(Problem {
                property: negate,
                message,
            });
        }
        let name = predicate?.trim().to_owned();
        if !predicates.iter().any(|known| known.name == name) {
            let text = "it is not listed in \"predicates\"";
            let problem = Problem::framework(&property("predicate"), &name, text);
            self.problems.push(problem);
        }
        let negate = negate.unwrap_or_default();
        let negate = match negate.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "" | "false" => false,
            _ => {
                let text = "Expected value to be either true or false";
                let problem = Problem::framework(&property("negate"), &negate, text);
                self.problems.push(problem);
                false
            }
        };
        Some(PredicateUse { name, negate })
    }
}
