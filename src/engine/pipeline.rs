//! Trees → bytes: transforms, then converters (`AbstractWorkerSourceTask.sendRecords`).

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::config::connector::{ConnectorConfig, PredicateConfig, PredicateUse, TransformConfig};
use crate::connect::converter::{ConvertError, Converter, HeaderConverter};
use crate::connect::record::SourceRecord;
use crate::connect::transform::chain::{Chain, ChainError, Condition, Step};
use crate::connect::transform::options::{OptionError, Options};
use crate::connect::transform::{self, Predicate, Transform};
use crate::debezium;
use crate::debezium::record::{Headers, Placement, RecordBuffer};

/// What a connector's records go through when they are trees.
pub struct Pipeline {
    chain: Chain,
    key: Converter,
    value: Converter,
    header: HeaderConverter,
    /// Every topic so far: transforms make names anew for every record.
    topics: FxHashSet<Arc<str>>,
    tolerate: bool,
    log_tolerated: bool,
    left_out: u64,
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
}

impl SetupError {
    /// Whether trying again, unchanged, can succeed: never, somebody has to edit something.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
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
            Self::Transform(_) | Self::Convert { .. } => true,
            Self::Timestamp { .. } => false,
        }
    }
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
            key: Converter::new(&config.key_converter),
            value: Converter::new(&config.value_converter),
            header: HeaderConverter::new(&config.header_converter),
            topics: FxHashSet::default(),
            tolerate: config.errors.tolerate,
            log_tolerated: config.errors.log_tolerated,
            left_out: 0,
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
            Err(error) if self.tolerate && error.is_tolerable() => {
                self.leave_out(&error);
                Ok(())
            }
            finished => finished,
        }
    }

    fn leave_out(&mut self, error: &Error) {
        self.left_out += 1;
        let cause = std::error::Error::source(error).map(ToString::to_string);
        if self.log_tolerated {
            tracing::error!(%error, cause, "a record is left out");
        } else if self.left_out == 1 {
            let hint = "errors.log.enable=true shows the next ones";
            tracing::warn!(%error, cause, hint, "a record is left out");
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
