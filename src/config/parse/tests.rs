//! Oracles: configurations recorded with the real Debezium 3.6.3 and its texts about them, the properties that its
//! ConfigDef publishes, and the configurations that tutorials and production use.

mod avro;
mod meaning;
mod transforms;

use super::*;
use crate::config::connector::SslMode;
use crate::config::connector::{
    DecimalFormat, DecimalMode, FailedChange, PublicationAutocreate, SnapshotMode, TopicCreation,
};
use crate::config::connector_file;
use crate::config::properties::{Kind, PROPERTIES, Support};
use crate::config::worker::{self, Sources};

const TUTORIAL: &str = include_str!("../../../tests/fixtures/config/tutorial-post.json");
const PLAIN: &str = include_str!("../../../tests/fixtures/config/plain.json");
const ANALYTICS: &str = include_str!("../../../tests/fixtures/config/analytics.json");
const OUTBOX: &str = include_str!("../../../tests/fixtures/config/outbox.json");
const PARTITIONED: &str = include_str!("../../../tests/fixtures/config/partitioned.json");
const MANAGED: &str = include_str!("../../../tests/fixtures/config/managed.json");
const AUDIT: &str = include_str!("../../../tests/fixtures/config/audit.json");
const BAD_ENUM: &str = include_str!("../../../tests/fixtures/config/f_bad_enum_option.json");
const BAD_SLOT: &str = include_str!("../../../tests/fixtures/config/f_bad_slot_name.json");
const MISSING_PREFIX: &str = include_str!("../../../tests/fixtures/config/f_missing_prefix.json");
const UNKNOWN: &str = include_str!("../../../tests/fixtures/config/f_unknown_property.json");
const COLUMN_INCLUDE: &str = include_str!("../../../tests/fixtures/config/54_column_include.json");
const TABLE_INCLUDE: &str = include_str!("../../../tests/fixtures/config/50_table_include.json");
const STREAM_PARAMS: &str = include_str!("../../../tests/fixtures/config/b8_stream_params.json");
const SKIPPED: &str = include_str!("../../../tests/fixtures/config/21_skipped_u_d.json");
const NUMERIC: &str = include_str!("../../../tests/fixtures/config/c1_decimal_numeric.json");
const HEARTBEAT: &str = include_str!("../../../tests/fixtures/config/90_heartbeat.json");
const DEBEZIUM_PROPERTIES: &str =
    include_str!("../../../tests/fixtures/config/debezium-3.6.3-properties.tsv");

/// What any `topic.creation.` property makes mandatory.
const COUNTS: [(&str, &str); 2] = [
    ("topic.creation.default.partitions", "1"),
    ("topic.creation.default.replication.factor", "1"),
];

fn brokers_only() -> WorkerConfig {
    let sources = Sources {
        bootstrap_servers: Some("localhost:9092"),
        ..Sources::default()
    };
    worker::load(sources).unwrap().worker
}

fn worker_with(environment: &[(&str, &str)]) -> WorkerConfig {
    let base = [
        ("BOOTSTRAP_SERVERS", "k:9092"),
        ("GROUP_ID", "1"),
        ("OFFSET_STORAGE_TOPIC", "o"),
        ("CONFIG_STORAGE_TOPIC", "c"),
    ];
    let all = base
        .iter()
        .chain(environment)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let all: Vec<_> = all.collect();
    worker::load(Sources {
        environment: &all,
        ..Sources::default()
    })
    .unwrap()
    .worker
}

fn check(text: &str) -> Result<CheckedConnector, ConfigError> {
    connector(
        connector_file::decode(text.as_bytes(), "test").unwrap(),
        &brokers_only(),
    )
}

/// The tutorial's configuration with further settings.
fn with(more: &[(&str, &str)]) -> Result<CheckedConnector, ConfigError> {
    with_worker(more, &brokers_only())
}

fn with_worker(
    more: &[(&str, &str)],
    worker: &WorkerConfig,
) -> Result<CheckedConnector, ConfigError> {
    let mut settings = connector_file::decode(TUTORIAL.as_bytes(), "test").unwrap();
    for (name, value) in more {
        settings.set(name, value);
    }
    connector(settings, worker)
}

fn messages(result: Result<CheckedConnector, ConfigError>) -> Vec<String> {
    let error = result.unwrap_err();
    let ConfigError::Invalid { problems, .. } = error else {
        panic!("{error:?}")
    };
    problems
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

#[test]
fn the_tutorials_connector_runs_unchanged_and_without_a_warning() {
    let checked = check(TUTORIAL).unwrap();
    assert_eq!(checked.warnings, [""; 0]);
    let config = checked.connector;
    assert_eq!(
        (config.name.as_str(), config.topic_prefix.as_str()),
        ("postgres-fin-connector", "cdc")
    );
    assert_eq!(
        (config.database.host.as_str(), config.database.port),
        ("postgres", 5432)
    );
    assert_eq!(config.database.password.as_deref(), Some("postgres"));
    assert_eq!(config.values.decimal, DecimalMode::String);
    assert_eq!(
        (config.slot.name.as_str(), config.publication.name.as_str()),
        ("debezium", "dbz_publication")
    );
    assert_eq!(
        config.publication.autocreate,
        PublicationAutocreate::AllTables
    );
    assert_eq!(config.snapshot.mode, SnapshotMode::Initial);
    assert_eq!(
        config.errors,
        ErrorOptions {
            max_retries: None,
            retry_wait: Duration::from_secs(10),
            tolerate: false,
            log_tolerated: false,
            failed_change: FailedChange::Fail,
        }
    );
    assert!(
        config.key_converter.json_options().schemas
            && config.value_converter.json_options().schemas
    );
    assert!(config.records.tombstones_on_delete && config.records.extended_headers);
    assert!(config.records.skipped.truncate && !config.records.skipped_explicitly);
    assert_eq!(
        config.values.unavailable_placeholder,
        b"__debezium_unavailable_value"
    );
    assert_eq!(config.topics.heartbeat_prefix, "__debezium-heartbeat");
    assert!(config.heartbeat.is_none() && config.topic_creation.is_none());
}

#[test]
fn plain_capture_with_a_secret_runs() {
    let config = check(PLAIN).unwrap().connector;
    assert_eq!(config.database.port, 5433);
    assert_eq!(config.database.password.as_deref(), Some("walstreet"));
    assert_eq!(config.heartbeat, Some(Duration::from_secs(10)));
    assert_eq!(
        config.publication.autocreate,
        PublicationAutocreate::Filtered
    );
    assert!(
        !config.key_converter.json_options().schemas
            && !config.value_converter.json_options().schemas
    );
    assert!(
        config.filters.tables.accepts("PUBLIC.orders")
            && !config.filters.tables.accepts("public.orders2")
    );
}

#[test]
fn a_partitioned_table_by_its_root_runs() {
    let config = check(PARTITIONED).unwrap().connector;
    assert!(config.publication.publish_via_partition_root);
    assert!(config.filters.tables.accepts("public.measurements"));
}

#[test]
fn an_audit_trail_with_transactions_is_accepted() {
    assert!(check(AUDIT).unwrap().connector.transaction_metadata);
}

#[test]
fn what_is_not_there_yet_is_refused_by_name_and_all_at_once() {
    let ConfigError::Invalid { problems, .. } = check(MANAGED).unwrap_err() else {
        panic!()
    };
    let found: Vec<_> = problems
        .iter()
        .map(|problem| problem.property.as_str())
        .collect();
    assert_eq!(found, ["signal.data.collection"]);
}

#[test]
fn column_rules_come_in_the_order_of_precedence_and_keep_their_salt_to_themselves() {
    let config = with(&[
        ("column.mask.hash.v2.SHA-256.with.salt.gehe.im", "a.b.c"),
        ("column.mask.hash.md5.with.salt.gehe.im", "a.b.c"),
        ("datatype.propagate.source.type", ".*.MOOD"),
        ("column.propagate.source.type", ".*"),
        ("column.mask.with.0.chars", "a.b.c,a.b.d"),
        ("column.truncate.to.20.chars", "a.b.c"),
    ])
    .unwrap()
    .connector;
    let debug = format!("{:?}", config.column_rules);
    let names = [
        "Truncate { length: 20 }",
        "Mask { length: 0 }",
        "target: Column, action: PropagateType",
        "target: Datatype",
        "Md5",
        "Sha256",
    ];
    let places: Vec<_> = names.iter().map(|name| debug.find(name).unwrap()).collect();
    assert!(
        places.is_sorted() && config.column_rules.len() == 6,
        "{debug}"
    );
    assert!(!debug.contains("gehe"));
    for (name, value) in [
        ("column.truncate.to.0.chars", "a"),
        ("column.mask.with.x.chars", "a"),
        ("column.mask.with.5.chars", "("),
        ("column.mask.hash.CRC.with.salt.gehe", "a"),
        ("column.mask.hash.SHA-256", "a"),
        ("message.key.columns", "a.b"),
    ] {
        let error = with(&[(name, value)]).unwrap_err();
        assert!(
            matches!(&error, ConfigError::Invalid { problems, .. } if problems.len() == 1),
            "{name} {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("gehe"));
    }
}

#[test]
fn debeziums_validation_texts_are_debeziums() {
    for (result, text) in [
        (
            check(BAD_ENUM),
            "The 'decimal.handling.mode' value is invalid: Value must be one of string, double, precise",
        ),
        (
            check(BAD_SLOT),
            "The 'slot.name' value is invalid: Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63",
        ),
        (
            check(MISSING_PREFIX),
            "The 'topic.prefix' value is invalid: A value is required",
        ),
        (
            with(&[("topic.prefix", "bad prefix!")]),
            "The 'topic.prefix' value is invalid: bad prefix! has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)",
        ),
        (
            with(&[("database.port", "zzz")]),
            "The 'database.port' value is invalid: An integer is expected",
        ),
        (
            with(&[("snapshot.mode", "nope")]),
            "The 'snapshot.mode' value is invalid: Value must be one of always, initial_only, configuration_based, when_needed, initial, custom, no_data",
        ),
        (
            with(&[("tasks.max", "abc")]),
            "Invalid value abc for configuration tasks.max: Not a number of type INT",
        ),
        (
            with(&[("errors.tolerance", "some")]),
            "Invalid value some for configuration errors.tolerance: String must be one of: none, all",
        ),
        (
            with(&[("table.include.list", "a"), ("table.exclude.list", "b")]),
            "The 'table.exclude.list' value is invalid: \"table.include.list\" is already specified",
        ),
        (
            with(&[("skipped.operations", "none,c")]),
            "The 'skipped.operations' value is invalid: 'none' cannot be specified with other skipped operation types",
        ),
        (
            with(&[("skipped.operations", "x")]),
            "The 'skipped.operations' value is invalid: Invalid operation",
        ),
        (
            with(&[("max.queue.size", "2048")]),
            "The 'max.queue.size' value is invalid: Must be larger than the maximum batch size",
        ),
        (
            with(&[("slot.drop.on.stop", "yes")]),
            "The 'slot.drop.on.stop' value is invalid: Either 'true' or 'false' is expected",
        ),
        (
            with(&[("name", "")]),
            "Missing required configuration \"name\" which has no default value.",
        ),
    ] {
        assert_eq!(messages(result), [text]);
    }
}

#[test]
fn an_empty_configuration_gets_what_connect_says_about_it() {
    let text = r#"{"connector.class":"io.debezium.connector.postgresql.PostgresConnector"}"#;
    let mut found = messages(check(text));
    found.sort();
    assert_eq!(
        found,
        [
            "Missing required configuration \"name\" which has no default value.",
            "The 'database.dbname' value is invalid: A value is required",
            "The 'database.hostname' value is invalid: A value is required",
            "The 'database.user' value is invalid: A value is required",
            "The 'topic.prefix' value is invalid: A value is required",
        ]
    );
}

#[test]
fn unknown_names_are_warned_about_with_the_nearest_known_one() {
    let warnings = check(UNKNOWN).unwrap().warnings;
    assert!(
        warnings.contains(&"unknown property \"no.such.property\" is ignored".to_owned()),
        "{warnings:?}"
    );
    let warnings = with(&[
        ("table.inlcude.list", "a"),
        ("database.server.name", "x"),
        ("table.whitelist", "a"),
    ])
    .unwrap()
    .warnings;
    assert_eq!(
        warnings,
        [
            "unknown property \"table.inlcude.list\" is ignored; did you mean \"table.include.list\"?",
            "unknown property \"database.server.name\" is ignored: since Debezium 2.0 it is \"topic.prefix\"",
            "unknown property \"table.whitelist\" is ignored: since Debezium 2.0 it is \"table.include.list\"",
        ]
    );
}

#[test]
fn the_plugin_is_pgoutput_and_nothing_else() {
    let text = TUTORIAL.replace("plugin.name", "x.name");
    let warnings = check(&text).unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("plugin.name is absent")),
        "{warnings:?}"
    );
    let found = messages(with(&[("plugin.name", "decoderbufs")]));
    assert!(
        found[0].contains("'plugin.name' is refused: \"decoderbufs\" is not available"),
        "{found:?}"
    );
    assert!(with(&[("plugin.name", "PGOUTPUT")]).is_ok());
}

#[test]
fn every_refused_property_is_refused_with_another_value_and_silent_with_its_default() {
    for property in PROPERTIES.iter() {
        let name = property.name.replace('*', "9");
        let instead = match property.support {
            Support::Refused(instead) | Support::Only(_, instead) => instead,
            Support::Honoured | Support::NoEffect(_) => continue,
        };
        if property.name != "plugin.name"
            && let Some(default) = property.default
        {
            let checked = with(&[COUNTS[0], COUNTS[1], (&name, default)])
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(
                checked.warnings.is_empty() && checked.notes.is_empty(),
                "{name}"
            );
        }
        let other = match (property.kind, property.support) {
            (Kind::Boolean, _) if property.default == Some("true") => "false",
            (Kind::Boolean, _) => "true",
            (Kind::OneOf(values), Support::Only(honoured, _)) => values
                .iter()
                .find(|value| {
                    !honoured
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(value))
                })
                .unwrap(),
            (Kind::OneOf(values), _) => values
                .iter()
                .find(|value| Some(**value) != property.default)
                .unwrap(),
            (Kind::Text | Kind::List | Kind::Patterns | Kind::Class | Kind::Password, _) => {
                "com.example.Other"
            }
            _ => "7",
        };
        let found = messages(with(&[COUNTS[0], COUNTS[1], (&name, other)]));
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(
            found[0].starts_with(&format!("'{name}' is refused: ")) && found[0].ends_with(instead),
            "{found:?}"
        );
    }
}

#[test]
fn every_snapshot_mode_that_is_not_there_is_refused_by_its_name() {
    for mode in [
        "always",
        "initial_only",
        "when_needed",
        "configuration_based",
        "custom",
    ] {
        let found = messages(with(&[("snapshot.mode", mode)]));
        let text = format!(
            "'snapshot.mode' is refused: \"{mode}\" is not there yet; use initial or no_data"
        );
        assert_eq!(found, [text]);
    }
}

#[test]
fn properties_of_jmx_threads_and_isolation_are_noted_as_without_effect() {
    for (name, value) in [
        ("custom.metric.tags", "a=b"),
        ("internal.advanced.metrics.enable", "true"),
        ("statistics.metrics.enabled", "false"),
        ("snapshot.max.threads", "4"),
        ("snapshot.isolation.mode", "read_committed"),
        ("read.only", "true"),
    ] {
        let checked = with(&[(name, value)]).unwrap();
        assert_eq!(checked.notes.len(), 1, "{name}");
        assert!(checked.notes[0].starts_with(&format!("\"{name}\" has no effect: ")));
        assert!(checked.warnings.is_empty(), "{name}");
    }
}

#[test]
fn what_has_no_effect_is_accepted_with_a_note() {
    let checked = with(&[
        ("max.batch.size", "1000"),
        ("poll.interval.ms", "50"),
        ("tasks.max", "4"),
        ("driver.foo", "x"),
    ])
    .unwrap();
    assert_eq!(checked.notes.len(), 4, "{:?}", checked.notes);
    assert!(checked.warnings.is_empty());
    assert!(checked.notes[0].contains("max.batch.size"));
}

#[test]
fn the_table_has_every_property_default_and_allowed_value_of_debezium() {
    for line in DEBEZIUM_PROPERTIES
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let [name, kind, default, allowed] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let name = name
            .replace("([^.]+).with.salt.(.+)", "SHA-256.with.salt.x")
            .replace("(d+)", "3");
        let property = properties::find(&name).unwrap_or_else(|| panic!("{name} is missing"));
        if name.starts_with("openlineage.integration.") && property.name.ends_with('*') {
            continue;
        }
        let same_kind = match property.kind {
            Kind::Boolean => kind == "BOOLEAN",
            Kind::Short => kind == "SHORT",
            Kind::Int | Kind::PositiveInt | Kind::NonNegativeInt => kind == "INT",
            Kind::Long | Kind::PositiveLong | Kind::NonNegativeLong => kind == "LONG",
            Kind::Text => kind == "STRING",
            Kind::Password => kind == "PASSWORD",
            Kind::Class => kind == "CLASS" || kind == "STRING",
            Kind::List | Kind::Patterns => ["LIST", "STRING", "INT"].contains(&kind),
            Kind::OneOf(_) => kind == "STRING",
        };
        assert!(same_kind, "{name}: {kind} and {:?}", property.kind);
        // The ConfigDef shows no default for it; 10240 is what the manual says and the connector does.
        if name != "snapshot.fetch.size" && name != "database.port" {
            assert_eq!(
                property.default.unwrap_or("-").to_lowercase(),
                default.to_lowercase(),
                "{name}"
            );
        }
        if let Kind::OneOf(values) = property.kind {
            let sorted = |mut words: Vec<&str>| {
                words.sort_unstable();
                words.join(",")
            };
            assert_eq!(
                sorted(values.to_vec()),
                sorted(allowed.split(',').collect()),
                "{name}"
            );
        }
    }
}

#[test]
fn every_row_of_the_table_is_valid_by_its_own_rules() {
    for (index, property) in PROPERTIES.iter().enumerate() {
        assert!(
            !PROPERTIES
                .iter()
                .skip(index + 1)
                .any(|other| other.name == property.name),
            "{} twice",
            property.name
        );
        assert!(
            !property.doc.is_empty() && !property.doc.ends_with('.'),
            "{}",
            property.name
        );
        if let (Kind::OneOf(values), Some(default)) = (property.kind, property.default) {
            assert!(
                values
                    .iter()
                    .any(|value| value.eq_ignore_ascii_case(default)),
                "{}",
                property.name
            );
        }
    }
}
