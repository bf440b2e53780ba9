//! Every translation is accepted by librdkafka, and what each layer of settings wins over.

use super::*;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn settings(producer: &[(&str, &str)], overrides: &[(&str, &str)]) -> ClientSettings {
    ClientSettings {
        bootstrap_servers: "kafka:9092".to_owned(),
        client: Vec::new(),
        producer: pairs(producer),
        overrides: pairs(overrides),
    }
}

fn overridden(overrides: &[(&str, &str)]) -> Result<ClientProperties, Error> {
    data_producer(&settings(&[], overrides), "inventory")
}

#[track_caller]
fn assert_set(properties: &ClientProperties, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(properties.get(name), *value, "{name}");
    }
}

#[test]
fn defaults_are_those_of_connect_in_librdkafkas_words() {
    let properties = overridden(&[]).unwrap();
    assert_set(
        &properties,
        &[
            ("bootstrap.servers", "kafka:9092"),
            ("client.id", "connector-producer-inventory-0"),
            ("acks", "all"),
            ("message.timeout.ms", "0"),
            ("message.max.bytes", "1048576"),
            ("partitioner", "murmur2_random"),
            ("enable.idempotence", "false"),
            ("max.in.flight.requests.per.connection", "1"),
            ("queue.buffering.max.kbytes", "8192"),
        ],
    );
    assert!(properties.warnings().is_empty());
}

#[test]
fn an_override_wins_over_the_worker_and_the_worker_over_the_default() {
    let properties = data_producer(
        &settings(
            &[("linger.ms", "5"), ("batch.size", "1")],
            &[("linger.ms", "20")],
        ),
        "inventory",
    );
    assert_set(
        &properties.unwrap(),
        &[("linger.ms", "20"), ("batch.size", "1")],
    );
}

#[test]
fn java_names_and_values_become_librdkafkas() {
    let properties = overridden(&[
        ("buffer.memory", "67108864"),
        ("max.request.size", "5242880"),
        ("send.buffer.bytes", "-1"),
        ("delivery.timeout.ms", "2147483647"),
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        (
            "sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"me\" password=\"s3cret\";",
        ),
        ("ssl.endpoint.identification.algorithm", ""),
        ("ssl.truststore.certificates", "-----BEGIN CERTIFICATE-----"),
        ("ssl.keystore.key", "-----BEGIN PRIVATE KEY-----"),
        ("compression.type", "lz4"),
        ("compression.lz4.level", "17"),
        ("compression.zstd.level", "3"),
        ("request.timeout.ms", "900000"),
    ])
    .unwrap();
    assert_set(
        &properties,
        &[
            ("queue.buffering.max.kbytes", "65536"),
            ("queue.buffering.max.messages", "65536"),
            ("message.max.bytes", "5242880"),
            ("socket.send.buffer.bytes", "0"),
            ("message.timeout.ms", "0"),
            ("security.protocol", "sasl_ssl"),
            ("sasl.username", "me"),
            ("sasl.password", "s3cret"),
            ("ssl.endpoint.identification.algorithm", "none"),
            ("ssl.ca.pem", "-----BEGIN CERTIFICATE-----"),
            ("ssl.key.pem", "-----BEGIN PRIVATE KEY-----"),
            ("compression.level", "12"),
            ("socket.timeout.ms", "300000"),
        ],
    );
    assert_eq!(
        properties.warnings(),
        [
            "producer.override.request.timeout.ms is set to 300000: librdkafka takes 10 to 300000",
            "producer.override.send.buffer.bytes is set to 0: librdkafka takes 0 to 100000000",
        ]
    );
    let shown = format!("{properties:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("PRIVATE"),
        "{shown}"
    );
}

/// Every value we set is one that librdkafka takes.
#[test]
fn librdkafka_accepts_every_translation() {
    let names = rules::PRODUCER
        .iter()
        .chain(rules::COMMON)
        .map(|(name, _)| *name);
    let mut accepted = 0;
    for name in names {
        let value = match name {
            "client.dns.lookup" => "use_all_dns_ips",
            "metadata.recovery.strategy" => "REBOOTSTRAP",
            "security.protocol" => "PLAINTEXT",
            "bootstrap.servers" => "kafka:9092",
            "compression.type" => "zstd",
            "acks" => "all",
            "enable.metrics.push" | "enable.idempotence" | "partitioner.ignore.keys" => "true",
            "ssl.keystore.type" => "PEM",
            // Read from files or parsed: see `stores`.
            name if name.contains("store.") => continue,
            _ => "5",
        };
        let Ok(properties) = overridden(&[(name, value)]) else {
            continue;
        };
        let mut config = rdkafka::ClientConfig::new();
        for (name, value) in properties.settings() {
            config.set(name, value);
        }
        config
            .create_native_config()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        accepted += 1;
    }
    assert!(accepted > 60, "{accepted}");
}

#[test]
fn what_is_ignored_is_named_and_what_cannot_be_honoured_is_refused() {
    let properties = overridden(&[
        ("interceptor.classes", "x.Y"),
        ("max.block.ms", "1"),
        ("no.such", "1"),
    ])
    .unwrap();
    let warned = |name: &str| {
        properties
            .warnings()
            .iter()
            .any(|warning| warning.contains(name))
    };
    assert!(warned("interceptor.classes") && warned("max.block.ms") && warned("override.no.such"));

    for (name, value, problem) in [
        (
            "partitioner.class",
            "com.example.Mine",
            "Java's default partitioner",
        ),
        ("transactional.id", "t", "no transactions"),
        ("linger.ms", "soon", "not a whole number"),
        ("acks", "2", "only all"),
        (
            "sasl.jaas.config",
            "com.example.Login required password=\"hush\";",
            "com.example.Login",
        ),
        ("security.protocol", "SASL_SSL", "Kerberos"),
    ] {
        let error = overridden(&[(name, value)]).unwrap_err();
        assert!(
            error.to_string().contains(problem) && !error.is_retriable(),
            "{name}: {error}"
        );
        assert!(!error.to_string().contains("hush"));
    }
}

#[test]
fn one_request_at_a_time_or_idempotence_keeps_the_order() {
    for (given, idempotent, in_flight) in [
        (&[][..], "false", "1"),
        (&[("enable.idempotence", "true")], "true", "5"),
        (
            &[
                ("enable.idempotence", "true"),
                ("max.in.flight.requests.per.connection", "1"),
            ],
            "true",
            "1",
        ),
        (
            &[("max.in.flight.requests.per.connection", "20")],
            "false",
            "20",
        ),
    ] {
        let properties = overridden(given).unwrap();
        assert_set(
            &properties,
            &[
                ("enable.idempotence", idempotent),
                ("max.in.flight.requests.per.connection", in_flight),
            ],
        );
        assert_eq!(
            properties.warnings().len(),
            usize::from(in_flight == "20"),
            "{given:?}"
        );
    }
}

#[test]
fn clients_of_internal_topics_take_the_workers_bare_properties() {
    let mut settings = settings(&[("client.id", "data")], &[]);
    settings.client = pairs(&[
        ("group.id", "cdc"),
        (
            "key.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("security.protocol", "SSL"),
        ("ssl.truststore.location", "/certs/ca.p12"),
        ("acks", "1"),
    ]);
    let producer = internal_producer(&settings, "cdc-offsets").unwrap();
    assert_set(
        &producer,
        &[
            ("client.id", "cdc-offsets"),
            ("acks", "all"),
            ("security.protocol", "ssl"),
        ],
    );
    assert_eq!(
        producer.stores.trust.location.as_deref(),
        Some(std::path::Path::new("/certs/ca.p12"))
    );
    assert!(producer.warnings().is_empty(), "{:?}", producer.warnings());
    assert_set(
        &internal_consumer(&settings, "cdc-offsets").unwrap(),
        &[("group.id", "cdc")],
    );
    assert_set(
        &admin(&settings, "cdc-shared-admin").unwrap(),
        &[("allow.auto.create.topics", "false")],
    );
}

#[test]
fn debug_shows_names_only() {
    let shown = format!(
        "{:?}",
        settings(
            &[("sasl.jaas.config", "hush")],
            &[("ssl.key.password", "hush")]
        )
    );
    assert!(
        shown.contains("sasl.jaas.config") && !shown.contains("hush"),
        "{shown}"
    );
}
