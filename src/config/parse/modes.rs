//! The words of enumerated properties and the variants they stand for.

use crate::config::connector::{
    BinaryMode, DecimalMode, FailedChange, HstoreMode, IntervalMode, NameAdjustment,
    PublicationAutocreate, SnapshotMode, SslMode, TimePrecisionMode,
};

pub(super) const SSL_MODE: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

pub(super) const PUBLICATION_AUTOCREATE: &[(&str, PublicationAutocreate)] = &[
    ("disabled", PublicationAutocreate::Disabled),
    ("all_tables", PublicationAutocreate::AllTables),
    ("filtered", PublicationAutocreate::Filtered),
    ("no_tables", PublicationAutocreate::NoTables),
];

pub(super) const SNAPSHOT: &[(&str, SnapshotMode)] = &[
    ("initial", SnapshotMode::Initial),
    ("no_data", SnapshotMode::NoData),
];

pub(super) const NAME_ADJUSTMENT: &[(&str, NameAdjustment)] = &[
    ("none", NameAdjustment::None),
    ("avro", NameAdjustment::Avro),
    ("avro_unicode", NameAdjustment::AvroUnicode),
];

pub(super) const DECIMAL: &[(&str, DecimalMode)] = &[
    ("precise", DecimalMode::Precise),
    ("string", DecimalMode::String),
    ("double", DecimalMode::Double),
];

pub(super) const TIME_PRECISION: &[(&str, TimePrecisionMode)] = &[
    ("adaptive", TimePrecisionMode::Adaptive),
    (
        "adaptive_time_microseconds",
        TimePrecisionMode::AdaptiveTimeMicroseconds,
    ),
    ("connect", TimePrecisionMode::Connect),
    ("isostring", TimePrecisionMode::Isostring),
    ("microseconds", TimePrecisionMode::Microseconds),
    ("nanoseconds", TimePrecisionMode::Nanoseconds),
];

pub(super) const FAILED_CHANGE: &[(&str, FailedChange)] = &[
    ("fail", FailedChange::Fail),
    ("warn", FailedChange::Warn),
    ("skip", FailedChange::Skip),
    ("ignore", FailedChange::Skip),
];

pub(super) const BINARY: &[(&str, BinaryMode)] = &[
    ("bytes", BinaryMode::Bytes),
    ("base64", BinaryMode::Base64),
    ("base64-url-safe", BinaryMode::Base64UrlSafe),
    ("hex", BinaryMode::Hex),
];

pub(super) const INTERVAL: &[(&str, IntervalMode)] = &[
    ("numeric", IntervalMode::Numeric),
    ("string", IntervalMode::String),
];

pub(super) const HSTORE: &[(&str, HstoreMode)] =
    &[("json", HstoreMode::Json), ("map", HstoreMode::Map)];
