//! Trees → bytes: transforms, then converters (`AbstractWorkerSourceTask.sendRecords`).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::tolerance::Tolerance;
use crate::config::avro::RegistryOptions;
use crate::config::connector::{ConnectorConfig, PredicateConfig, PredicateUse, TransformConfig};
use crate::connect::avro::registry::SchemaRegistry;
use crate::connect::converter::{ConvertError, Converter, HeaderConverter};
use crate::connect::record::SourceRecord;
use crate::connect::transform::chain::{Chain, ChainError, Condition, Step};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{self, Predicate, Transform};
use crate::debezium;
use crate::debezium::record::{Headers, Placement, RecordBuffer};
use crate::kafka;
use crate::kafka::registry::RegistryClient;

/// What a connector's records go through when they are trees.
pub struct Pipeline {
    chain: Chain,
    key: Converter,
    value: Converter,
    header: HeaderConverter,
    /// Every topic so far: transforms make names anew for every record.
    topics: FxHashSet<Arc<str>>,
    tolerance: Tolerance,
}

/// A transform or predicate that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{property} is \"{class}\", which is not there; there are {}", known.join(", "))]
    Class {
        property: String,
        class: String,
        known: Vec<&'static str>,
    },
    #[error("could not configure {plugin} ({class})")]
    Options {
        /// `transforms.NAME` or `predicates.NAME`.
        plugin: String,
        class: String,
        source: OptionError,
    },
    #[error("could not set up the Schema Registry client")]
    Registry(#[from] kafka::error::Error),
}

impl SetupError {
    /// Whether trying again, unchanged, can succeed: never, somebody has to edit something.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_retriable(),
            Self::Class { .. } | Self::Options { .. } => false,
        }
    }
}

/// A record that does not become bytes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Transform(#[from] ChainError),
    #[error("could not convert the {part} of a record of topic \"{topic}\"")]
    Convert {
        part: &'static str,
        topic: Arc<str>,
        source: ConvertError,
    },
    #[error("a record of topic \"{topic}\" has the timestamp {timestamp}, which is before 1970")]
    Timestamp { topic: Arc<str>, timestamp: i64 },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Transform(error) => error.is_retriable(),
            Self::Convert { source, .. } => source.is_retriable(),
            Self::Timestamp { .. } => false,
        }
    }

    /// Whether `errors.tolerance=all` covers it (`RetryWithToleranceOperator.TOLERABLE_EXCEPTIONS`).
    fn is_tolerable(&self) -> bool {
        match self {
            Self::Transform(_) => true,
            // Connect also leaves out what a registry that is away had no id for, and loses it.
            Self::Convert { source, .. } => !source.is_retriable(),
            Self::Timestamp { .. } => false,
        }
    }
}

/// Whether the transforms of a configuration can be made, and what the user should know about them.
pub fn check(config: &ConnectorConfig) -> Result<Vec<String>, SetupError> {
    Pipeline::new(config).map(|(_, warnings)| warnings)
}

impl Pipeline {
    /// Also says what the user should know: options that nobody reads.
    pub fn new(config: &ConnectorConfig) -> Result<(Self, Vec<String>), SetupError> {
        let mut warnings = Vec::new();
        // A predicate that no transform uses has to be right all the same.
        for predicate in &config.predicates {
            create_predicate(predicate, &mut warnings)?;
        }
        let step = |transform: &TransformConfig| -> Result<Step, SetupError> {
            Ok(Step {
                name: transform.name.clone(),
                transform: create_transform(transform, &mut warnings)?,
                condition: match &transform.predicate {
                    Some(used) => condition(used, &config.predicates)?,
                    None => None,
                },
            })
        };
        let steps: Result<Vec<Step>, SetupError> = config.transforms.iter().map(step).collect();
        let pipeline = Self {
            chain: Chain(steps?),
            key: Converter::new(&config.key_converter, true, open_registry)?,
            value: Converter::new(&config.value_converter, false, open_registry)?,
            header: HeaderConverter::new(&config.header_converter),
            topics: FxHashSet::default(),
            tolerance: Tolerance::new(config.errors),
        };
        Ok((pipeline, warnings))
    }

    /// Appends what becomes of the record: nothing when a transform drops it, or when it fails and that is tolerated.
    pub fn finish(&mut self, record: SourceRecord, out: &mut RecordBuffer) -> Result<(), Error> {
        let finished = match self.chain.apply(record) {
            Ok(Some(record)) => self.convert(&record, out),
            Ok(None) => Ok(()),
            Err(error) => Err(error.into()),
        };
        match finished {
            Err(error) if self.tolerance.tolerates() && error.is_tolerable() => {
                self.tolerance.leave_out(&error);
                Ok(())
            }
            finished => finished,
        }
    }

    /// Headers, key, value: the order in which Connect finds errors.
    fn convert(&mut self, record: &SourceRecord, out: &mut RecordBuffer) -> Result<(), Error> {
        let topic = self.known(&record.topic);
        let timestamp = checked_timestamp(&topic, record.timestamp)?;
        let failed = |part| {
            let topic = Arc::clone(&record.topic);
            move |source| Error::Convert {
                part,
                topic,
                source,
            }
        };
        let first_header = out.header_count();
        for header in &record.headers {
            let convert = |bytes: &mut Vec<u8>| self.header.convert(&topic, &header.value, bytes);
            let value = out.append(convert).map_err(failed("headers"))?;
            out.push_header(Arc::clone(&header.name), value);
        }
        let key = out.append(|bytes| self.key.convert(&topic, &record.key, bytes));
        let key = key.map_err(failed("key"))?;
        let value = out.append(|bytes| self.value.convert(&topic, &record.value, bytes));
        let value = value.map_err(failed("value"))?;
        let placement = Placement {
            topic: out.topic_index(&topic),
            partition: record.partition,
            timestamp,
            key,
            value,
            headers: Headers::Own(first_header..out.header_count()),
        };
        out.push(placement);
        Ok(())
    }

    /// The one copy of a topic's name.
    fn known(&mut self, topic: &Arc<str>) -> Arc<str> {
        if let Some(known) = self.topics.get(topic) {
            return Arc::clone(known);
        }
        self.topics.insert(Arc::clone(topic));
        Arc::clone(topic)
    }
}

/// `ConnectUtils.checkAndConvertTimestamp`.
fn checked_timestamp(topic: &Arc<str>, timestamp: Option<i64>) -> Result<Option<i64>, Error> {
    const NONE: i64 = -1;
    match timestamp {
        None | Some(NONE) => Ok(None),
        Some(0..) => Ok(timestamp),
        Some(timestamp) => Err(Error::Timestamp {
            topic: Arc::clone(topic),
            timestamp,
        }),
    }
}

fn open_registry(options: &RegistryOptions) -> Result<Box<dyn SchemaRegistry>, SetupError> {
    Ok(Box::new(RegistryClient::new(options.clone())?))
}

fn create_transform(
    config: &TransformConfig,
    warnings: &mut Vec<String>,
) -> Result<Box<dyn Transform>, SetupError> {
    let plugin = format!("transforms.{}", config.name);
    let known = [&transform::CLASSES[..], &debezium::transform::CLASSES[..]].concat();
    let create = |class: &str, options: &Options<'_>| match transform::create(class, options)? {
        Some(created) => Ok(Some(created)),
        None => debezium::transform::create(class, options),
    };
    create_plugin(
        plugin,
        &config.class,
        &config.options,
        &known,
        create,
        warnings,
    )
}

fn create_predicate(
    config: &PredicateConfig,
    warnings: &mut Vec<String>,
) -> Result<Box<dyn Predicate>, SetupError> {
    let plugin = format!("predicates.{}", config.name);
    let known = &transform::PREDICATE_CLASSES[..];
    let create = transform::create_predicate;
    create_plugin(
        plugin,
        &config.class,
        &config.options,
        known,
        create,
        warnings,
    )
}

/// Every transform has a predicate of its own. `None` cannot be: the configuration was checked.
fn condition(
    used: &PredicateUse,
    predicates: &[PredicateConfig],
) -> Result<Option<Condition>, SetupError> {
    let config = predicates
        .iter()
        .find(|predicate| predicate.name == used.name);
    let predicate = config.map(|config| create_predicate(config, &mut Vec::new()));
    let negate = used.negate;
    Ok(predicate
        .transpose()?
        .map(|predicate| Condition { predicate, negate }))
}

fn create_plugin<P>(
    plugin: String,
    class: &str,
    options: &BTreeMap<String, String>,
    known: &[&'static str],
    create: impl FnOnce(&str, &Options<'_>) -> Result<Option<P>, OptionError>,
    warnings: &mut Vec<String>,
) -> Result<P, SetupError> {
    let options = Options::new(options);
    let created = create(class, &options).map_err(|source| SetupError::Options {
        plugin: plugin.clone(),
        class: class.to_owned(),
        source,
    })?;
    let Some(created) = created else {
        return Err(SetupError::Class {
            property: format!("{plugin}.type"),
            class: class.to_owned(),
            known: known.to_vec(),
        });
    };
    let unknown = options.unknown().into_iter();
    warnings.extend(
        unknown.map(|option| {
            format!("\"{plugin}.{option}\" is not an option of {class} and is ignored")
        }),
    );
    Ok(created)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::avro::AvroConverterOptions;
    use crate::config::connector::{
        ConverterConfig, ErrorOptions, FailedChange, HeaderConverterConfig,
    };
    use crate::connect::record::{Header, SchemaAndValue};
    use crate::connect::schema::{Datum, Kind, Schema};
    use crate::connect::transform::TransformError;

    struct Fails;

    impl Transform for Fails {
        fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
            match &*record.topic {
                "bad" => Err(TransformError("it is only a test".to_owned())),
                "renamed" => Ok(Some(SourceRecord {
                    // A name made anew, as transforms do.
                    topic: String::from("new").into(),
                    timestamp: Some(5),
                    partition: Some(2),
                    ..record
                })),
                _ => Ok(Some(record)),
            }
        }
    }

    fn pipeline(value: &ConverterConfig, tolerate: bool) -> Pipeline {
        let step = Step {
            name: "fails".to_owned(),
            transform: Box::new(Fails),
            condition: None,
        };
        Pipeline {
            chain: Chain(vec![step]),
            key: Converter::new(&ConverterConfig::String, true, open_registry).unwrap(),
            value: Converter::new(value, false, open_registry).unwrap(),
            header: HeaderConverter::new(&HeaderConverterConfig::Simple),
            topics: FxHashSet::default(),
            tolerance: Tolerance::new(ErrorOptions {
                max_retries: None,
                retry_wait: Duration::ZERO,
                tolerate,
                log_tolerated: false,
                failed_change: FailedChange::Fail,
            }),
        }
    }

    fn record(topic: &str) -> SourceRecord {
        let text = |text: &str| {
            let schema = Arc::new(Schema::new(Kind::String));
            SchemaAndValue::new(schema, Datum::String(text.to_owned()))
        };
        SourceRecord {
            topic: topic.into(),
            partition: None,
            key: text("k"),
            value: text("v"),
            timestamp: None,
            headers: vec![
                Header {
                    name: "h".into(),
                    value: text("1"),
                },
                Header {
                    name: "none".into(),
                    value: SchemaAndValue::NULL,
                },
            ],
        }
    }

    #[test]
    fn what_a_transform_sets_is_honoured_and_a_topic_is_named_once() {
        let mut pipeline = pipeline(&ConverterConfig::String, false);
        let mut out = RecordBuffer::new();
        for topic in ["renamed", "t", "renamed"] {
            pipeline.finish(record(topic), &mut out).unwrap();
        }
        let seen: Vec<_> = out
            .iter()
            .map(|record| (&**record.topic, record.partition, record.timestamp))
            .collect();
        let renamed = ("new", Some(2), Some(5));
        assert_eq!(seen, [renamed, ("t", None, None), renamed]);
        assert_eq!(out.topics().count(), 2);
        let first = out.get(0).unwrap();
        assert_eq!((first.key, first.value), (Some(&b"k"[..]), Some(&b"v"[..])));
        let headers: Vec<_> = first.own_headers().collect();
        assert_eq!(headers, [("h", Some(&b"1"[..])), ("none", None)]);
    }

    #[test]
    fn what_fails_stops_unless_it_is_tolerated() {
        for (value, topic, text) in [
            (ConverterConfig::String, "bad", "transform \"fails\" failed"),
            (
                ConverterConfig::ByteArray,
                "t",
                "could not convert the value of a record of topic \"t\"",
            ),
        ] {
            let mut out = RecordBuffer::new();
            let strict = pipeline(&value, false).finish(record(topic), &mut out);
            assert_eq!(strict.unwrap_err().to_string(), text);
            let mut tolerant = pipeline(&value, true);
            tolerant.finish(record(topic), &mut out).unwrap();
            assert_eq!((out.len(), tolerant.tolerance.left_out()), (0, 1));
        }
    }

    #[test]
    fn a_transform_that_is_not_there_is_refused_with_those_that_are() {
        let config = TransformConfig {
            name: "hyper".to_owned(),
            class: "io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb".to_owned(),
            options: BTreeMap::new(),
            predicate: None,
        };
        let error = create_transform(&config, &mut Vec::new()).err().unwrap();
        assert!(!error.is_retriable());
        let text = error.to_string();
        assert!(
            text.starts_with("transforms.hyper.type is \"io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb\", which is not there; there are "),
            "{text}"
        );
        assert!(text.contains("io.debezium.transforms.outbox.EventRouter"));
    }

    #[test]
    fn what_waits_for_a_schema_registry_that_is_away_is_not_left_out() {
        let avro = ConverterConfig::Avro(Box::new(AvroConverterOptions {
            registry: RegistryOptions {
                // Nobody listens there.
                urls: vec!["http://127.0.0.1:1".to_owned()],
                max_retries: 0,
                ..RegistryOptions::default()
            },
            ..AvroConverterOptions::default()
        }));
        let mut tolerant = pipeline(&avro, true);
        let mut out = RecordBuffer::new();
        let error = tolerant.finish(record("t"), &mut out).unwrap_err();
        assert!(error.is_retriable(), "{error}");
        assert_eq!((out.len(), tolerant.tolerance.left_out()), (0, 0));
    }

    #[test]
    fn a_timestamp_before_1970_is_never_tolerated_and_minus_one_is_none() {
        let mut pipeline = pipeline(&ConverterConfig::String, true);
        let mut out = RecordBuffer::new();
        let at = |timestamp| SourceRecord {
            timestamp: Some(timestamp),
            ..record("t")
        };
        assert!(pipeline.finish(at(-2), &mut out).is_err());
        pipeline.finish(at(-1), &mut out).unwrap();
        assert_eq!(out.get(0).unwrap().timestamp, None);
    }
}
