//! Records as they are in Kafka, and the file that keeps them: one JSON object a line, bytes exact and readable.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What one connector wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capture {
    /// Its `topic.prefix`.
    pub(super) prefix: String,
    /// Per topic and partition in the order of their offsets.
    pub(super) records: Vec<Record>,
}

/// One Kafka record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<(String, Option<Bytes>)>,
}

/// Bytes that a file shows as text where they are UTF-8 and as `{"base64":"…"}` where they are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Spelling", into = "Spelling")]
pub(super) struct Bytes(pub(super) Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelling {
    Text(String),
    Base64 {
        #[serde(with = "base64_text")]
        base64: Vec<u8>,
    },
}

/// First line of a capture file.
#[derive(Serialize, Deserialize)]
struct Heading {
    prefix: String,
}

pub(super) fn read(path: &str) -> anyhow::Result<Capture> {
    let file = File::open(path).with_context(|| format!("opening capture file {path}"))?;
    parse(BufReader::new(file)).with_context(|| format!("reading capture file {path}"))
}

pub(super) fn write(capture: &Capture, path: &Path) -> anyhow::Result<()> {
    let file =
        File::create(path).with_context(|| format!("creating capture file {}", path.display()))?;
    print(capture, BufWriter::new(file))
        .with_context(|| format!("writing capture file {}", path.display()))
}

fn parse(lines: impl BufRead) -> anyhow::Result<Capture> {
    let mut lines = lines.lines();
    let first = lines.next().ok_or_else(|| {
        anyhow!("the file is empty: its first line must be {{\"prefix\":\"…\"}}")
    })??;
    let heading: Heading =
        serde_json::from_str(&first).context("line 1 must be {\"prefix\":\"…\"}")?;
    let mut records = Vec::new();
    for (index, line) in lines.enumerate() {
        let record = serde_json::from_str(&line?)
            .with_context(|| format!("line {} is not a record", index + 2))?;
        records.push(record);
    }
    Ok(Capture {
        prefix: heading.prefix,
        records,
    })
}

fn print(capture: &Capture, mut out: impl Write) -> anyhow::Result<()> {
    let heading = Heading {
        prefix: capture.prefix.clone(),
    };
    serde_json::to_writer(&mut out, &heading)?;
    for record in &capture.records {
        out.write_all(b"\n")?;
        serde_json::to_writer(&mut out, record)?;
    }
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

impl From<Spelling> for Bytes {
    fn from(spelling: Spelling) -> Self {
        match spelling {
            Spelling::Text(text) => Self(text.into_bytes()),
            Spelling::Base64 { base64 } => Self(base64),
        }
    }
}

impl From<Bytes> for Spelling {
    fn from(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.0) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64 {
                base64: error.into_bytes(),
            },
        }
    }
}

mod base64_text {
    use super::{Engine, STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_survives_its_file_with_every_byte() {
        let capture = Capture {
            prefix: "cdc".into(),
            records: vec![Record {
                topic: "cdc.public.t".into(),
                partition: 2,
                offset: 7,
                key: None,
                value: Some(Bytes(vec![0xff, 0, b'"'])),
                headers: vec![
                    ("h".into(), None),
                    ("h".into(), Some(Bytes("é\u{2028}\n\0".into()))),
                ],
            }],
        };
        let mut file = Vec::new();
        print(&capture, &mut file).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&file),
            "{\"prefix\":\"cdc\"}\n{\"topic\":\"cdc.public.t\",\"partition\":2,\"offset\":7,\"key\":null,\
             \"value\":{\"base64\":\"/wAi\"},\"headers\":[[\"h\",null],[\"h\",\"é\u{2028}\\n\\u0000\"]]}\n"
        );
        assert_eq!(parse(file.as_slice()).unwrap(), capture);
    }

    #[test]
    fn a_line_that_is_no_record_is_named() {
        let error = parse("{\"prefix\":\"p\"}\nnonsense\n".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 2 is not a record");
    }
}
