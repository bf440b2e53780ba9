//! Oracles: Kafka's stock worker file, and the rules of the two images' start scripts.

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Result<LoadedWorker, ConfigError> {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    load(Sources {
        environment: &pairs,
        ..Sources::default()
    })
}

fn file(text: &str) -> Result<LoadedWorker, ConfigError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    load(Sources {
        file: Some(file.path()),
        ..Sources::default()
    })
}

const IMAGE: [(&str, &str); 4] = [
    ("BOOTSTRAP_SERVERS", "kafka:9092"),
    ("GROUP_ID", "7"),
    ("CONFIG_STORAGE_TOPIC", "my_configs"),
    ("OFFSET_STORAGE_TOPIC", "my_offsets"),
];

const STOCK_FILE: &str = "bootstrap.servers=localhost:9092\ngroup.id=connect-cluster\n\
    key.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter=org.apache.kafka.connect.json.JsonConverter\n\
    key.converter.schemas.enable=true\nvalue.converter.schemas.enable=false\n\
    offset.storage.topic=connect-offsets\noffset.storage.replication.factor=1\nconfig.storage.topic=connect-configs\n\
    config.storage.replication.factor=1\nstatus.storage.topic=connect-status\nstatus.storage.replication.factor=1\n\
    offset.flush.interval.ms=10000\n";

#[test]
fn the_stock_file_is_understood_without_a_warning() {
    let loaded = file(STOCK_FILE).unwrap();
    assert_eq!(
        (loaded.origin, loaded.warnings.as_slice()),
        (Origin::File, [].as_slice())
    );
    let worker = loaded.worker;
    assert_eq!(
        (worker.group_id.as_str(), worker.bootstrap_servers.as_str()),
        ("connect-cluster", "localhost:9092")
    );
    assert_eq!(
        worker.value_converter.options,
        [("schemas.enable".to_owned(), "false".to_owned())]
    );
    let expected = OffsetStorage {
        topic: "connect-offsets".to_owned(),
        partitions: 25,
        replication_factor: 1,
        topic_config: Vec::new(),
        flush_interval: Duration::from_secs(10),
        flush_timeout: Duration::from_secs(5),
    };
    assert_eq!(worker.offsets, expected);
    assert_eq!(worker.listeners, ["http://:8083"]);
}

#[test]
fn a_file_without_them_has_connects_own_defaults() {
    let text = "bootstrap.servers=k:1\nkey.converter=x\nvalue.converter=y\noffset.storage.topic=o\noffset.storage.cleanup.policy=compact";
    let offsets = file(text).unwrap().worker.offsets;
    assert_eq!((offsets.partitions, offsets.replication_factor), (25, 3));
    assert_eq!(offsets.flush_interval, Duration::from_secs(60));
    assert_eq!(
        offsets.topic_config,
        [("cleanup.policy".to_owned(), "compact".to_owned())]
    );
}

#[test]
fn everything_that_is_missing_or_wrong_is_said_at_once() {
    let text = "offset.storage.partitions=x\noffset.storage.replication.factor=0\ntopic.creation.enable=y\noffset.flush.interval.ms=z";
    let error = file(text).unwrap_err().to_string();
    for name in [
        "bootstrap.servers",
        "key.converter",
        "value.converter",
        "offset.storage.topic",
        "offset.storage.partitions",
        "offset.storage.replication.factor",
        "topic.creation.enable",
        "offset.flush.interval.ms",
    ] {
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn a_standalone_file_gets_an_offsets_topic_and_a_warning() {
    let text = "bootstrap.servers=k:1\nkey.converter=x\nvalue.converter=y\noffset.storage.file.filename=/tmp/connect.offsets";
    let loaded = file(text).unwrap();
    assert_eq!(loaded.worker.offsets.topic, "connect-offsets");
    assert!(loaded.warnings[0].contains("offset.storage.file.filename has no effect"));
    assert!(loaded.worker.offsets.topic_config.is_empty());
}

#[test]
fn client_settings_stay_with_the_client_they_were_given_to() {
    let text = format!(
        "{STOCK_FILE}security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.truststore.location=/t\nproducer.security.protocol=SSL\nproducer.linger.ms=20\nconsumer.max.poll.records=9\nadmin.request.timeout.ms=1\nrequest.timeout.ms=2\n"
    );
    let worker = file(&text).unwrap().worker;
    let names = |settings: &[(String, String)]| {
        settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&worker.client),
        [
            "security.protocol=SASL_SSL",
            "sasl.mechanism=PLAIN",
            "ssl.truststore.location=/t",
            "request.timeout.ms=2"
        ]
    );
    assert_eq!(
        names(&worker.producer),
        ["security.protocol=SSL", "linger.ms=20"]
    );
    assert_eq!(names(&worker.consumer), ["max.poll.records=9"]);
    assert_eq!(names(&worker.admin), ["request.timeout.ms=1"]);
}

#[test]
fn unknown_worker_properties_are_warned_about_by_name() {
    let warnings = file(&format!(
        "{STOCK_FILE}ofset.flush.interval.ms=1\nrest.port=8083\n"
    ))
    .unwrap()
    .warnings;
    assert_eq!(
        warnings,
        [
            "unknown worker property \"ofset.flush.interval.ms\" is ignored; did you mean \"offset.flush.interval.ms\"?",
            "unknown worker property \"rest.port\" is ignored",
        ]
    );
}

#[test]
fn references_in_the_worker_file_are_resolved() {
    let worker = file(&format!(
        "{STOCK_FILE}sasl.jaas.config=<${{env:CARGO_PKG_NAME}}>\n"
    ))
    .unwrap()
    .worker;
    assert_eq!(
        worker.client,
        [("sasl.jaas.config".to_owned(), "<walstreet>".to_owned())]
    );
}

#[test]
fn brokers_alone_get_careful_defaults() {
    let by_flag = load(Sources {
        bootstrap_servers: Some("a:1,b:2"),
        ..Sources::default()
    })
    .unwrap();
    let by_variable = environment(&[("BOOTSTRAP_SERVERS", "a:1,b:2"), ("HOME", "/")]).unwrap();
    for loaded in [by_flag, by_variable] {
        assert_eq!(loaded.origin, Origin::BrokersOnly);
        let worker = loaded.worker;
        assert_eq!(worker.bootstrap_servers, "a:1,b:2");
        assert_eq!(
            (
                worker.offsets.topic.as_str(),
                worker.offsets.replication_factor
            ),
            ("connect-offsets", -1)
        );
        assert_eq!(worker.offsets.flush_interval, Duration::from_secs(1));
        assert_eq!(
            (
                worker.key_converter.class.as_str(),
                worker.header_converter.as_str()
            ),
            (JSON_CONVERTER, SIMPLE_HEADER_CONVERTER)
        );
        assert!(worker.topic_creation);
    }
}

#[test]
fn no_broker_anywhere_is_an_error_that_says_where_to_name_it() {
    let error = environment(&[]).unwrap_err().to_string();
    assert!(
        error.contains("--bootstrap-servers, --worker or the variable BOOTSTRAP_SERVERS"),
        "{error}"
    );
}

#[test]
fn the_debezium_image_starts_from_the_stock_file() {
    let loaded = environment(&IMAGE).unwrap();
    assert_eq!(
        (loaded.origin, loaded.warnings.len()),
        (Origin::DebeziumImage, 0)
    );
    let worker = loaded.worker;
    assert_eq!(
        (worker.group_id.as_str(), worker.bootstrap_servers.as_str()),
        ("7", "kafka:9092")
    );
    assert_eq!(
        (
            worker.offsets.topic.as_str(),
            worker.offsets.replication_factor
        ),
        ("my_offsets", 1)
    );
    assert_eq!(
        (worker.offsets.flush_interval, worker.offsets.flush_timeout),
        (Duration::from_secs(60), Duration::from_secs(5))
    );
    assert_eq!(
        worker.key_converter.options,
        [("schemas.enable".to_owned(), "true".to_owned())]
    );
}

#[test]
fn in_the_debezium_image_the_bare_name_wins_even_when_it_is_absent() {
    let mut pairs = IMAGE.to_vec();
    pairs.extend([
        ("CONNECT_GROUP_ID", "other"),
        ("CONNECT_BOOTSTRAP_SERVERS", "other:1"),
        ("CONNECT_OFFSET_FLUSH_INTERVAL_MS", "1"),
        ("CONNECT_KEY_CONVERTER", "other"),
        ("OFFSET_FLUSH_TIMEOUT_MS", "8"),
        ("VALUE_CONVERTER", "mine"),
    ]);
    let worker = environment(&pairs).unwrap().worker;
    assert_eq!(
        (worker.group_id.as_str(), worker.bootstrap_servers.as_str()),
        ("7", "kafka:9092")
    );
    assert_eq!(
        (worker.offsets.flush_interval, worker.offsets.flush_timeout),
        (Duration::from_secs(60), Duration::from_millis(8))
    );
    assert_eq!(
        (
            worker.key_converter.class.as_str(),
            worker.value_converter.class.as_str()
        ),
        (JSON_CONVERTER, "mine")
    );
    let absent = environment(&[
        ("OFFSET_STORAGE_TOPIC", "o"),
        ("CONNECT_GROUP_ID", "other"),
        ("CONNECT_BOOTSTRAP_SERVERS", "x:1"),
    ]);
    let worker = absent.unwrap().worker;
    assert_eq!(
        (worker.group_id.as_str(), worker.bootstrap_servers.as_str()),
        ("1", "0.0.0.0:9092")
    );
}

#[test]
fn the_debezium_image_refuses_to_start_without_an_offsets_topic() {
    for pairs in [
        &[("GROUP_ID", "1")][..],
        &[
            ("GROUP_ID", "1"),
            ("OFFSET_STORAGE_TOPIC", ""),
            ("CONNECT_OFFSET_STORAGE_TOPIC", "x"),
        ],
    ] {
        let error = environment(pairs).unwrap_err().to_string();
        assert!(error.contains("\"offset.storage.topic\""), "{error}");
    }
}

#[test]
fn in_the_debezium_image_every_underscore_is_a_dot() {
    let mut pairs = IMAGE.to_vec();
    pairs.extend([
        ("CONNECT_VALUE_CONVERTER_SCHEMAS_ENABLE", "false"),
        ("CONNECT_PRODUCER_LINGER_MS", "50"),
        ("CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR", "3"),
        ("CONNECT_LOG4J_LOGGERS", "x"),
        ("CONNECT_FOO__BAR", "x"),
        ("STATUS_STORAGE_TOPIC", "s"),
    ]);
    let loaded = environment(&pairs).unwrap();
    assert_eq!(
        loaded.worker.value_converter.options,
        [("schemas.enable".to_owned(), "false".to_owned())]
    );
    assert_eq!(
        loaded.worker.producer,
        [("linger.ms".to_owned(), "50".to_owned())]
    );
    assert_eq!(loaded.worker.offsets.replication_factor, 3);
    assert_eq!(
        loaded.warnings,
        ["unknown worker property \"foo..bar\" is ignored"]
    );
}

#[test]
fn apicurio_in_the_debezium_image_names_its_converters() {
    let mut pairs = IMAGE.to_vec();
    pairs.push(("APICURIO_REGISTRY", "http://r"));
    let worker = environment(&pairs).unwrap().worker;
    assert!(
        worker.key_converter.class.ends_with("AvroConverter")
            && worker.value_converter.class.ends_with("AvroConverter")
    );
}

const CONFLUENT: [(&str, &str); 5] = [
    ("CONNECT_BOOTSTRAP_SERVERS", "kafka:9092"),
    ("CONNECT_GROUP_ID", "g"),
    ("CONNECT_OFFSET_STORAGE_TOPIC", "o"),
    ("CONNECT_KEY_CONVERTER", JSON_CONVERTER),
    ("CONNECT_VALUE_CONVERTER", JSON_CONVERTER),
];

#[test]
fn without_bare_names_the_confluent_image_and_its_names_apply() {
    let mut pairs = CONFLUENT.to_vec();
    pairs.extend([
        ("CONNECT_PRODUCER_A__B", "1"),
        ("CONNECT_PRODUCER_A___B", "2"),
        ("CONNECT_CUB_KAFKA_TIMEOUT", "40"),
        ("CONNECT_LOG4J_ROOT_LOGLEVEL", "INFO"),
    ]);
    let loaded = environment(&pairs).unwrap();
    assert_eq!(
        (loaded.origin, loaded.warnings.len()),
        (Origin::ConfluentImage, 0)
    );
    let worker = loaded.worker;
    assert_eq!(
        worker.producer,
        [
            ("a_b".to_owned(), "1".to_owned()),
            ("a-b".to_owned(), "2".to_owned())
        ]
    );
    assert_eq!(
        (worker.group_id.as_str(), worker.offsets.replication_factor),
        ("g", 3)
    );
    assert!(worker.key_converter.options.is_empty());
}

#[test]
fn the_confluent_image_has_no_default_for_converters() {
    let error = environment(&CONFLUENT[..3]).unwrap_err().to_string();
    assert!(
        error.contains("\"key.converter\"") && error.contains("\"value.converter\""),
        "{error}"
    );
}

#[test]
fn a_file_silences_the_environment_and_the_flag_overrides_both() {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), STOCK_FILE).unwrap();
    let pairs: Vec<_> = IMAGE
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let with_file = Sources {
        file: Some(path.path()),
        environment: &pairs,
        ..Sources::default()
    };
    assert_eq!(
        load(with_file).unwrap().worker.bootstrap_servers,
        "localhost:9092"
    );
    for sources in [
        with_file,
        Sources {
            file: None,
            ..with_file
        },
    ] {
        let loaded = load(Sources {
            bootstrap_servers: Some("flag:1"),
            ..sources
        })
        .unwrap();
        assert_eq!(loaded.worker.bootstrap_servers, "flag:1");
        assert_ne!(loaded.origin, Origin::BrokersOnly);
    }
}
