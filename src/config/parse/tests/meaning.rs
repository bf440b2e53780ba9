//! What accepted configurations mean.

use super::*;

#[test]
fn recorded_configurations_mean_what_their_recordings_show() {
    let config = check(COLUMN_INCLUDE).unwrap().connector;
    assert!(
        config.filters.columns.accepts("public.t_int.i4")
            && !config.filters.columns.accepts("public.t_int.i8")
    );
    let config = check(TABLE_INCLUDE).unwrap().connector;
    assert!(
        config.filters.tables.accepts("public.ri_full")
            && !config.filters.tables.accepts("public.ri_fuller")
    );
    let config = check(STREAM_PARAMS).unwrap().connector;
    assert_eq!(
        config.slot.stream_params,
        [("streaming".to_owned(), "off".to_owned())]
    );
    assert_eq!(
        config.database.initial_statements,
        [
            "SET search_path = inventory",
            "SET application_name = 'x;y'"
        ]
    );
    assert_eq!(config.errors.max_retries, Some(0));
    let config = check(SKIPPED).unwrap().connector;
    let expected = SkippedOperations {
        update: true,
        delete: true,
        ..SkippedOperations::default()
    };
    assert_eq!(
        (config.records.skipped, config.records.skipped_explicitly),
        (expected, true)
    );
    let config = check(NUMERIC).unwrap().connector;
    assert_eq!(
        config.value_converter.json_options().decimal_format,
        DecimalFormat::Numeric
    );
    assert!(!config.key_converter.json_options().schemas);
    let config = check(HEARTBEAT).unwrap().connector;
    assert_eq!(config.heartbeat, Some(Duration::from_millis(500)));
}

#[test]
fn skipping_nothing_is_not_limiting_the_publication() {
    let records = with(&[("skipped.operations", "none")])
        .unwrap()
        .connector
        .records;
    assert_eq!(
        (records.skipped, records.skipped_explicitly),
        (SkippedOperations::default(), false)
    );
}

#[test]
fn enumerated_values_and_booleans_may_have_any_case() {
    let config = with(&[
        ("snapshot.mode", "No_Data"),
        ("decimal.handling.mode", "DOUBLE"),
        ("tombstones.on.delete", "FALSE"),
    ]);
    let config = config.unwrap().connector;
    assert_eq!(
        (config.snapshot.mode, config.values.decimal),
        (SnapshotMode::NoData, DecimalMode::Double)
    );
    assert!(!config.records.tombstones_on_delete);
}

#[test]
fn the_placeholder_can_be_octets() {
    let placeholder = |text| with(&[("unavailable.value.placeholder", text)]);
    assert_eq!(
        placeholder("hex:00fF")
            .unwrap()
            .connector
            .values
            .unavailable_placeholder,
        [0, 255]
    );
    assert_eq!(
        placeholder("__toast__")
            .unwrap()
            .connector
            .values
            .unavailable_placeholder,
        b"__toast__"
    );
    assert_eq!(messages(placeholder("hex:0")).len(), 1);
    assert_eq!(messages(placeholder("hex:+1")).len(), 1);
}

#[test]
fn an_unsupported_pattern_is_an_error_on_its_property() {
    let found = messages(with(&[("table.include.list", "public.a,(?!x).*")]));
    assert!(found[0].starts_with("The 'table.include.list' value is invalid: A comma-separated list of valid regular expressions is expected, but entry 2 uses look-ahead"), "{found:?}");
}

#[test]
fn ssl_factory_maps_to_no_verification_or_is_refused() {
    let factory = "org.postgresql.ssl.NonValidatingFactory";
    let database = |mode| {
        with(&[
            ("database.sslfactory", factory),
            ("database.sslmode", mode),
            ("database.sslrootcert", "/ca.pem"),
        ])
    };
    let config = database("verify-ca").unwrap().connector.database;
    assert_eq!(
        (config.ssl_mode, config.ssl_root_cert),
        (SslMode::Require, None)
    );
    assert!(messages(database("verify-full"))[0].contains("'database.sslfactory' is refused"));
    assert!(
        messages(with(&[("database.sslfactory", "com.example.F")]))[0]
            .contains("'database.sslfactory' is refused")
    );
    let config = with(&[
        ("database.sslmode", "require"),
        ("database.sslrootcert", "/ca.pem"),
    ])
    .unwrap()
    .connector
    .database;
    assert_eq!(config.ssl_root_cert, Some(PathBuf::from("/ca.pem")));
}

#[test]
fn a_socket_directory_and_an_ipv6_address_are_hosts() {
    for (host, valid) in [
        ("/run/postgresql", true),
        ("::1", true),
        ("db-1.example.com", true),
        ("a b", false),
        ("a,b", false),
    ] {
        assert_eq!(
            with(&[("database.hostname", host)]).is_ok(),
            valid,
            "{host}"
        );
    }
}

#[test]
fn converter_options_count_only_beside_the_converter() {
    let json = worker::JSON_CONVERTER;
    let worker = worker_with(&[("CONNECT_VALUE_CONVERTER_SCHEMAS_ENABLE", "false")]);
    let value = |more: &[(&str, &str)]| with_worker(more, &worker).unwrap();
    assert!(
        !value(&[]).connector.value_converter.json_options().schemas,
        "the worker's converter and options"
    );
    assert!(
        value(&[("value.converter", json)])
            .connector
            .value_converter
            .json_options()
            .schemas,
        "the worker's options are dropped"
    );
    let orphan = value(&[("value.converter.schemas.enable", "true")]);
    assert!(
        !orphan.connector.value_converter.json_options().schemas,
        "an option without its converter"
    );
    assert!(
        orphan.warnings[0].contains("has no effect without \"value.converter\""),
        "{:?}",
        orphan.warnings
    );
    for class in [json, "JsonConverter", "Json"] {
        let both = value(&[
            ("value.converter", class),
            ("value.converter.schemas.enable", "false"),
        ]);
        assert!(!both.connector.value_converter.json_options().schemas);
    }
}

#[test]
fn other_converters_are_refused_wherever_they_are_named() {
    let protobuf = "io.confluent.connect.protobuf.ProtobufConverter";
    assert!(
        messages(with(&[("value.converter", protobuf)]))[0]
            .starts_with("'value.converter' is refused: only")
    );
    let worker = worker_with(&[
        ("KEY_CONVERTER", protobuf),
        ("CONNECT_HEADER_CONVERTER", protobuf),
    ]);
    let found = messages(with_worker(&[], &worker));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found
            .iter()
            .all(|text| text.contains("the worker names another one")),
        "{found:?}"
    );
    let own = [
        ("key.converter", "JsonConverter"),
        ("header.converter", worker::SIMPLE_HEADER_CONVERTER),
    ];
    assert!(
        with_worker(&own, &worker).is_ok(),
        "the connector's own converters win"
    );
}

#[test]
fn a_wrong_converter_option_is_reported_once() {
    let own = with(&[
        ("value.converter", "Json"),
        ("value.converter.schemas.enable", "x"),
        ("value.converter.decimal.format", "y"),
    ]);
    assert_eq!(messages(own).len(), 2);
    let worker = worker_with(&[("CONNECT_KEY_CONVERTER_DECIMAL_FORMAT", "y")]);
    let found = messages(with_worker(&[], &worker));
    assert_eq!(
        found,
        [
            "The 'key.converter.decimal.format' value is invalid: in the worker configuration: String must be one of: BASE64, NUMERIC"
        ]
    );
}

#[test]
fn topic_creation_needs_both_counts_and_a_willing_worker() {
    let name = |key: &str| format!("topic.creation.default.{key}");
    let (partitions, replicas, policy) = (
        name("partitions"),
        name("replication.factor"),
        name("cleanup.policy"),
    );
    let all = [
        (partitions.as_str(), "6"),
        (replicas.as_str(), "-1"),
        (policy.as_str(), "compact"),
    ];
    let expected = TopicCreation {
        partitions: 6,
        replication_factor: -1,
        config: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
    };
    assert_eq!(with(&all).unwrap().connector.topic_creation, Some(expected));
    assert_eq!(messages(with(&[(&policy, "compact")])).len(), 2);
    assert_eq!(
        messages(with(&[(&partitions, "0"), (&replicas, "1")])).len(),
        1
    );
    let unwilling = with_worker(
        &all,
        &worker_with(&[("CONNECT_TOPIC_CREATION_ENABLE", "false")]),
    )
    .unwrap();
    assert!(unwilling.connector.topic_creation.is_none() && unwilling.warnings.len() == 1);
}

#[test]
fn no_secret_appears_in_debug_output_or_errors() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("s"), "k=geheim!(\n").unwrap();
    let reference = format!("${{file:{}/s:k}}", directory.path().display());
    let jaas = "PlainLoginModule required username=\"u\" password=\"geheim!\";";
    let checked = with(&[
        ("database.password", "geheim!"),
        ("database.sslpassword", "geheim!"),
        ("producer.override.sasl.jaas.config", jaas),
        ("heartbeat.action.query", "select 'geheim!'"),
    ]);
    let debug = format!("{:?}", checked.unwrap());
    assert!(
        !debug.contains("geheim") && debug.contains("sasl.jaas.config"),
        "{debug}"
    );
    for name in [
        "topic.prefix",
        "slot.name",
        "tasks.max",
        "table.include.list",
        "snapshot.mode",
        "hstore.handling.mode",
        "database.hostname",
        "signal.data.collection",
        "topic.creation.default.partitions",
        "offsets.storage.topic",
        "no.such.name",
        "plugin.name",
        "key.converter",
    ] {
        let text = match with(&[(name, &reference)]) {
            Ok(checked) => format!("{:?}", checked.warnings),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!text.contains("geheim"), "{name}: {text}");
    }
    let worker = worker_with(&[
        ("CONNECT_SASL_JAAS_CONFIG", jaas),
        ("CONNECT_PRODUCER_SASL_JAAS_CONFIG", jaas),
    ]);
    let debug = format!("{worker:?}");
    assert!(
        !debug.contains("geheim") && debug.contains("sasl.jaas.config"),
        "{debug}"
    );
}
