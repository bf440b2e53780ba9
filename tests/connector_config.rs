//! The configuration of the recordings: every property at its default, topic prefix `srv`, database `golden`.

use std::time::Duration;

use walstreet::config::connector::{
    BinaryMode, ConnectorConfig, ConverterConfig, DatabaseConfig, DecimalFormat, DecimalMode,
    ErrorOptions, FailedChange, Filters, HeaderConverterConfig, HstoreMode, IntervalMode,
    InvalidCharacters, JsonConverterOptions, NameAdjustment, NameOptions, PublicationAutocreate,
    PublicationConfig, RecordOptions, SkippedOperations, SlotConfig, SnapshotConfig, SnapshotMode,
    SslMode, TimePrecisionMode, TopicOptions, TopicStrategy, ValueOptions,
};

/// `schemas` is `schemas.enable` of both converters.
pub(crate) fn recorded(schemas: bool) -> ConnectorConfig {
    let converter = ConverterConfig::Json(JsonConverterOptions {
        schemas,
        decimal_format: DecimalFormat::Base64,
        replace_null_with_default: true,
    });
    ConnectorConfig {
        name: "golden".to_owned(),
        topic_prefix: "srv".to_owned(),
        database: database(),
        slot: SlotConfig {
            name: "debezium".to_owned(),
            drop_on_stop: false,
            failover: false,
            stream_params: Vec::new(),
            max_retries: 6,
            retry_delay: Duration::from_secs(10),
            status_update_interval: Duration::from_secs(10),
            xmin_fetch_interval: None,
        },
        publication: PublicationConfig {
            name: "dbz_publication".to_owned(),
            autocreate: PublicationAutocreate::AllTables,
            publish_via_partition_root: false,
        },
        replica_identities: Vec::new(),
        snapshot: SnapshotConfig {
            mode: SnapshotMode::Initial,
            include_collections: None,
            delay: Duration::ZERO,
        },
        filters: Filters::default(),
        values: ValueOptions {
            decimal: DecimalMode::Precise,
            time_precision: TimePrecisionMode::Adaptive,
            binary: BinaryMode::Bytes,
            interval: IntervalMode::Numeric,
            hstore: HstoreMode::Json,
            money_fraction_digits: 2,
            include_unknown: false,
            unavailable_placeholder: b"__debezium_unavailable_value".to_vec(),
        },
        keys: Vec::new(),
        column_rules: Vec::new(),
        records: RecordOptions {
            tombstones_on_delete: true,
            skipped: SkippedOperations {
                truncate: true,
                ..SkippedOperations::default()
            },
            skip_unchanged: false,
            skipped_explicitly: false,
            extended_headers: true,
        },
        topics: TopicOptions {
            delimiter: ".".to_owned(),
            heartbeat_prefix: "__debezium-heartbeat".to_owned(),
            heartbeat_name: None,
            transaction: "transaction".to_owned(),
            strategy: TopicStrategy {
                with_schema: true,
                invalid: InvalidCharacters::Underscore,
                route: None,
            },
        },
        names: NameOptions {
            schemas: NameAdjustment::None,
            fields: NameAdjustment::None,
        },
        transaction_metadata: false,
        heartbeat: None,
        heartbeat_action_query: None,
        key_converter: converter.clone(),
        value_converter: converter,
        header_converter: HeaderConverterConfig::Simple,
        transforms: Vec::new(),
        predicates: Vec::new(),
        errors: ErrorOptions {
            max_retries: None,
            retry_wait: Duration::from_secs(10),
            tolerate: false,
            log_tolerated: false,
            failed_change: FailedChange::Fail,
        },
        topic_creation: None,
        producer_overrides: Vec::new(),
        offsets_storage_topic: None,
    }
}

fn database() -> DatabaseConfig {
    DatabaseConfig {
        host: "localhost".to_owned(),
        port: 5432,
        user: "postgres".to_owned(),
        password: None,
        dbname: "golden".to_owned(),
        ssl_mode: SslMode::Prefer,
        ssl_root_cert: None,
        ssl_cert: None,
        ssl_key: None,
        ssl_password: None,
        tcp_keep_alive: true,
        connect_timeout: Duration::from_secs(10),
        initial_statements: Vec::new(),
        query_timeout: None,
    }
}
