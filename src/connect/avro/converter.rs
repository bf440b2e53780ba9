//! The converter: a zero byte, the schema's id, Avro binary (`AbstractKafkaAvroSerializer.serializeImpl`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::binary::{self, Misfit};
use super::error::Error;
use super::layout;
use super::registry::SchemaRegistry;
use super::schema_text;
use crate::config::avro::{AvroConverterOptions, SchemaSource, SubjectNames};
use crate::connect::record::SchemaAndValue;
use crate::connect::schema::{Datum, Schema};

const MAGIC: u8 = 0;

/// How many schemas are kept by address (`schemas.cache.config`). A table's new schema after a change comes on top of its old
/// one, so this is not the number of tables.
const MAX_KEPT: usize = 1000;

pub struct AvroConverter {
    /// `key` or `value`: the end of a subject's name.
    part: &'static str,
    options: AvroConverterOptions,
    registry: Box<dyn SchemaRegistry>,
    /// By the schema's address, which is its own as long as the entry is there.
    kept: FxHashMap<usize, Kept>,
    /// By subject and text: what was asked once is not asked again.
    ids: HashMap<(String, String), i32>,
}

struct Kept {
    /// Keeps the address from being used again.
    _schema: Arc<Schema>,
    /// A schema is seldom used in more than one topic.
    ids: Vec<(Box<str>, i32)>,
}

impl fmt::Debug for AvroConverter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AvroConverter")
            .field("part", &self.part)
            .field("schemas", &self.kept.len())
            .finish_non_exhaustive()
    }
}

impl AvroConverter {
    #[must_use]
    pub fn new(
        is_key: bool,
        options: AvroConverterOptions,
        registry: Box<dyn SchemaRegistry>,
    ) -> Self {
        Self {
            part: if is_key { "key" } else { "value" },
            options,
            registry,
            kept: FxHashMap::default(),
            ids: HashMap::new(),
        }
    }

    /// Appends the bytes of a value; `false` if it has none, which is a null for Kafka. Asks the registry, and so blocks, when it
    /// meets a schema for the first time.
    pub fn convert(
        &mut self,
        topic: &str,
        data: &SchemaAndValue,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let part = self.part;
        let Some(schema) = &data.schema else {
            if data.value == Datum::Null {
                return Ok(false);
            }
            let topic = topic.to_string();
            return Err(Error::NoSchema { part, topic });
        };
        if data.value == Datum::Null {
            if schema.optional {
                return Ok(false);
            }
            let topic = topic.to_string();
            return Err(Error::Null { part, topic });
        }
        let id = self.id(topic, schema)?;
        out.push(MAGIC);
        out.extend_from_slice(&id.to_be_bytes());
        binary::write_top(schema, &data.value, &self.options.data, out)
            .map_err(|misfit| self.misfit(misfit, topic))?;
        Ok(true)
    }

    fn id(&mut self, topic: &str, schema: &Arc<Schema>) -> Result<i32, Error> {
        let address = Arc::as_ptr(schema).addr();
        if let Some(kept) = self.kept.get(&address) {
            let mut ids = kept.ids.iter();
            if let Some((_, id)) = ids.find(|(known, _)| **known == *topic) {
                return Ok(*id);
            }
        }
        let id = self.ask(topic, schema)?;
        if self.kept.len() >= MAX_KEPT {
            self.kept.clear();
        }
        let kept = self.kept.entry(address).or_insert_with(|| Kept {
            _schema: Arc::clone(schema),
            ids: Vec::new(),
        });
        kept.ids.push((topic.into(), id));
        Ok(id)
    }

    fn ask(&mut self, topic: &str, schema: &Schema) -> Result<i32, Error> {
        let subject = self.subject(topic, schema)?;
        let text = schema_text::avro_schema(schema, &self.options.data)?;
        let question = (subject, text);
        if let Some(id) = self.ids.get(&question) {
            return Ok(*id);
        }
        let (subject, text) = &question;
        let normalize = self.options.normalize_schemas;
        let id = match self.options.schemas {
            SchemaSource::Register => self.registry.register(subject, text, normalize)?,
            SchemaSource::Find => self.registry.find(subject, text, normalize)?,
            SchemaSource::Latest => self.latest(topic, subject, text)?,
        };
        tracing::debug!(subject, id, "the registry knows the schema");
        self.ids.insert(question, id);
        Ok(id)
    }

    /// Confluent would write by the registry's schema and fill in what it has more. Here both have to have the same layout.
    fn latest(&mut self, topic: &str, subject: &str, text: &str) -> Result<i32, Error> {
        let latest = self.registry.latest(subject)?;
        if layout::is_same(&latest.schema, text) {
            return Ok(latest.id);
        }
        Err(Error::LatestDiffers {
            part: self.part,
            topic: topic.to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// `TopicNameStrategy`, `RecordNameStrategy`, `TopicRecordNameStrategy`.
    fn subject(&self, topic: &str, schema: &Schema) -> Result<String, Error> {
        if self.options.subject_names == SubjectNames::Topic {
            return Ok(format!("{topic}-{}", self.part));
        }
        let Some(record) = schema_text::record_name(schema, &self.options.data)? else {
            return Err(Error::NotARecord {
                part: self.part,
                topic: topic.to_owned(),
            });
        };
        Ok(match self.options.subject_names {
            SubjectNames::TopicRecord => format!("{topic}-{record}"),
            SubjectNames::Topic | SubjectNames::Record => record,
        })
    }

    fn misfit(&self, misfit: Misfit, topic: &str) -> Error {
        let (part, topic) = (self.part, topic.to_owned());
        match misfit {
            Misfit::Null => Error::Null { part, topic },
            Misfit::Expected(expected) => Error::Mismatch {
                part,
                topic,
                expected,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::avro::AvroDataOptions;
    use crate::connect::avro::registry::{Registered, RegistryError};
    use crate::connect::schema::{Field, Kind};
    use std::sync::Mutex;

    type Asked = Arc<Mutex<Vec<(String, String)>>>;

    /// Numbers the schemas in the order in which it is asked.
    struct Numbering {
        asked: Asked,
        latest: String,
    }

    impl SchemaRegistry for Numbering {
        fn register(&mut self, subject: &str, schema: &str, _: bool) -> Result<i32, RegistryError> {
            let mut asked = self.asked.lock().unwrap();
            asked.push((subject.to_owned(), schema.to_owned()));
            Ok(asked.len().try_into().unwrap())
        }

        fn find(&mut self, subject: &str, _: &str, _: bool) -> Result<i32, RegistryError> {
            Err(RegistryError::NotFound {
                url: "http://registry".to_owned(),
                subject: subject.to_owned(),
            })
        }

        fn latest(&mut self, _: &str) -> Result<Registered, RegistryError> {
            Ok(Registered {
                id: 9,
                schema: self.latest.clone(),
            })
        }
    }

    fn converter(
        subject_names: SubjectNames,
        schemas: SchemaSource,
        latest: &str,
    ) -> (AvroConverter, Asked) {
        let options = AvroConverterOptions {
            data: AvroDataOptions::default(),
            subject_names,
            schemas,
            ..AvroConverterOptions::default()
        };
        let asked = Asked::default();
        let registry = Numbering {
            asked: Arc::clone(&asked),
            latest: latest.to_owned(),
        };
        (AvroConverter::new(true, options, Box::new(registry)), asked)
    }

    fn key(id: i64) -> SchemaAndValue {
        let field = Field {
            name: "id".to_owned(),
            schema: Schema::new(Kind::Int32),
        };
        let schema = Schema {
            name: Some("p.public.t.Key".into()),
            ..Schema::new(Kind::Struct(vec![field]))
        };
        SchemaAndValue::new(Arc::new(schema), Datum::Struct(vec![Datum::Int(id)]))
    }

    #[test]
    fn a_schema_is_registered_once_for_a_subject() {
        let (mut converter, asked) = converter(SubjectNames::Topic, SchemaSource::Register, "");
        let mut out = Vec::new();
        for data in [key(1), key(2)] {
            assert!(converter.convert("t", &data, &mut out).unwrap());
        }
        assert!(converter.convert("u", &key(3), &mut out).unwrap());
        assert_eq!(out, [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 2, 6]);
        let asked = asked.lock().unwrap();
        let subjects: Vec<_> = asked.iter().map(|(subject, _)| subject).collect();
        assert_eq!(subjects, ["t-key", "u-key"]);
    }

    #[test]
    fn subjects_are_named_after_topic_and_record() {
        for (names, subject) in [
            (SubjectNames::Topic, "t-key"),
            (SubjectNames::Record, "p.public.t.Key"),
            (SubjectNames::TopicRecord, "t-p.public.t.Key"),
        ] {
            let (mut converter, asked) = converter(names, SchemaSource::Register, "");
            converter.convert("t", &key(1), &mut Vec::new()).unwrap();
            assert_eq!(asked.lock().unwrap()[0].0, subject);
        }
    }

    #[test]
    fn a_null_is_a_null_for_kafka_if_its_schema_allows() {
        let (mut converter, _) = converter(SubjectNames::Topic, SchemaSource::Register, "");
        let mut out = Vec::new();
        let null = SchemaAndValue::NULL;
        assert!(!converter.convert("t", &null, &mut out).unwrap());
        let optional = Arc::new(Schema::new(Kind::String).optional(true));
        let null = SchemaAndValue::new(optional, Datum::Null);
        assert!(!converter.convert("t", &null, &mut out).unwrap());
        let required = Arc::new(Schema::new(Kind::String));
        let null = SchemaAndValue::new(required, Datum::Null);
        let error = converter.convert("t", &null, &mut out).unwrap_err();
        assert!(matches!(error, Error::Null { .. }), "{error}");
        assert!(out.is_empty());
    }

    #[test]
    fn the_latest_schema_has_to_have_the_same_layout() {
        let latest = r#"{"type":"record","name":"p.public.t.Key","doc":"by hand","fields":[{"name":"id","type":"int"}]}"#;
        let (mut same, _) = converter(SubjectNames::Topic, SchemaSource::Latest, latest);
        let mut out = Vec::new();
        same.convert("t", &key(1), &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 0, 9, 2]);
        let other = latest.replace("\"int\"", "\"long\"");
        let (mut differs, _) = converter(SubjectNames::Topic, SchemaSource::Latest, &other);
        let error = differs.convert("t", &key(1), &mut out).unwrap_err();
        assert!(matches!(error, Error::LatestDiffers { .. }), "{error}");
    }
}
