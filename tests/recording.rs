//! Recorded runs of Debezium 3.6.3: the raw messages, the catalog, and the records it made of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use walstreet::debezium::record::Record;
use walstreet::postgres::catalog::{Column, Table, Type, TypeKind, Types};

/// Records by topic.
pub(crate) type ByTopic = std::collections::BTreeMap<String, Vec<ComparedRecord>>;

/// A record as far as it can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComparedRecord {
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl ComparedRecord {
    pub(crate) fn of(record: &Record<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            key: record.key.map(text),
            value: record.value.map(text),
            headers: record
                .own_headers()
                .map(|(name, value)| (name.to_owned(), text(value.unwrap())))
                .collect(),
        }
    }
}

/// A message as `golden/pgoutput.jsonl` or a recording holds it.
#[derive(Clone, Deserialize)]
pub(crate) struct RawMessage {
    pub(crate) lsn: String,
    #[serde(default)]
    hex: String,
    #[serde(default)]
    base64: String,
}

impl RawMessage {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.hex.is_empty() {
            return STANDARD.decode(&self.base64).unwrap();
        }
        let byte = |at| u8::from_str_radix(&self.hex[at..at + 2], 16).unwrap();
        (0..self.hex.len()).step_by(2).map(byte).collect()
    }
}

/// Recorded records. To keep the file small, `⟦7⟧` stands for the eighth phrase.
#[derive(Deserialize)]
pub(crate) struct Recording {
    /// Of an envelope's schema: the fields after `before` and `after`.
    #[serde(default)]
    envelope_tail: String,
    phrases: Vec<Phrase>,
    pub(crate) messages: Vec<RawMessage>,
    records: Vec<RecordedRecord>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Phrase {
    Text(String),
    /// The schema of an envelope: `row` is that of `before` without its name and end.
    Envelope {
        row: String,
        name: String,
    },
}

#[derive(Deserialize)]
struct RecordedRecord {
    topic: String,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
}

impl Recording {
    pub(crate) fn without_schemas() -> Self {
        let mut recording: Self =
            serde_json::from_str(include_str!("golden/records_noschemas.json")).unwrap();
        let messages = include_str!("golden/pgoutput.jsonl").lines();
        recording.messages = messages
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        recording
    }

    pub(crate) fn with_schemas() -> Self {
        serde_json::from_str(include_str!("golden/records_schemas.json")).unwrap()
    }

    /// Its records by topic, in their order.
    pub(crate) fn by_topic(&self) -> ByTopic {
        let phrases = self.expanded_phrases();
        let mut topics = ByTopic::new();
        for record in &self.records {
            topics
                .entry(record.topic.clone())
                .or_default()
                .push(record.expanded(&phrases));
        }
        topics
    }

    fn expanded_phrases(&self) -> Vec<String> {
        let mut expanded: Vec<String> = Vec::new();
        for phrase in &self.phrases {
            let text = match phrase {
                Phrase::Text(text) => expand(text, &expanded),
                Phrase::Envelope { row, name } => {
                    let (row, tail) = (expand(row, &expanded), &self.envelope_tail);
                    format!(
                        r#"{{"type":"struct","fields":[{row},"field":"before"}},{row},"field":"after"}},{tail}"name":"{name}","version":2}}"#
                    )
                }
            };
            expanded.push(text);
        }
        expanded
    }
}

impl RecordedRecord {
    fn expanded(&self, phrases: &[String]) -> ComparedRecord {
        let text = |text: &String| expand(text, phrases);
        ComparedRecord {
            key: self.key.as_ref().map(text),
            value: self.value.as_ref().map(text),
            headers: self.headers.clone(),
        }
    }
}

fn expand(text: &str, phrases: &[String]) -> String {
    let mut parts = text.split('⟦');
    let mut expanded = parts.next().unwrap().to_owned();
    for part in parts {
        let (index, rest) = part.split_once('⟧').unwrap();
        expanded += &phrases[index.parse::<usize>().unwrap()];
        expanded += rest;
    }
    expanded
}

/// What the catalog said of the tables and types in the recordings; the workload's later `mood` label left out.
pub(crate) struct Catalog {
    tables: Vec<Table>,
    pub(crate) types: Types,
}

impl Catalog {
    pub(crate) fn read() -> Self {
        let recorded: RecordedCatalog =
            serde_json::from_str(include_str!("golden/catalog.json")).unwrap();
        let mut types = Types::default();
        for recorded in recorded.types {
            types.insert(recorded.into_type());
        }
        Self {
            tables: recorded
                .tables
                .into_iter()
                .map(RecordedTable::into_table)
                .collect(),
            types,
        }
    }

    pub(crate) fn table(&self, schema: &str, name: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| table.schema == schema && table.name == name)
    }
}

#[derive(Deserialize)]
struct RecordedCatalog {
    types: Vec<RecordedType>,
    tables: Vec<RecordedTable>,
}

#[derive(Deserialize)]
pub(crate) struct RecordedType {
    oid: u32,
    schema: String,
    name: String,
    element: Option<u32>,
    base: Option<u32>,
    modifier: Option<i32>,
    labels: Option<Vec<String>>,
    /// `typtype`.
    kind: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct RecordedTable {
    schema: String,
    name: String,
    columns: Vec<RecordedColumn>,
    key: Vec<String>,
}

#[derive(Deserialize)]
struct RecordedColumn {
    name: String,
    r#type: u32,
    modifier: Option<i32>,
    #[serde(default)]
    nullable: bool,
    default: Option<String>,
    #[serde(default)]
    generated: bool,
}

impl RecordedType {
    pub(crate) fn into_type(self) -> Type {
        let kind = match (self.element, self.base, self.labels, self.kind.as_deref()) {
            (Some(element), ..) => TypeKind::Array(element),
            (_, Some(base), ..) => TypeKind::Domain {
                base,
                type_modifier: self.modifier.unwrap(),
            },
            (_, _, Some(labels), _) => TypeKind::Enum(labels),
            (.., Some("c")) => TypeKind::Composite,
            (.., Some("r")) => TypeKind::Range,
            (.., Some("m")) => TypeKind::Multirange,
            (.., Some(_)) => TypeKind::Pseudo,
            _ => TypeKind::Base,
        };
        Type {
            oid: self.oid,
            schema: self.schema,
            name: self.name,
            kind,
        }
    }
}

impl RecordedTable {
    pub(crate) fn into_table(self) -> Table {
        let column = |column: RecordedColumn| Column {
            name: column.name,
            type_oid: column.r#type,
            type_modifier: column.modifier.unwrap_or(-1),
            nullable: column.nullable,
            default: column.default,
            generated: column.generated,
        };
        Table {
            schema: self.schema,
            name: self.name,
            columns: self.columns.into_iter().map(column).collect(),
            key: self.key,
        }
    }
}
