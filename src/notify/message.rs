//! What Slack gets: a text, and one attachment with a colour and blocks.
//!
//! The text carries the whole meaning: it stands above the attachment, in notifications, and is all that screen readers read.
//! Values stand in `rich_text`, which Slack does not parse. The kinds of the blocks of a rule never change, because
//! `chat.update` refuses to exchange them (`block_mismatch`).

use serde::{Deserialize, Serialize};

use super::escape::Markup;

/// The body of `chat.postMessage`, `chat.update` or a webhook, without its address (`channel`, `ts`, `thread_ts`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub text: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub attachments: Vec<Attachment>,
    pub metadata: Metadata,
    /// Always `none`: `chat.update` has another default than `chat.postMessage`.
    pub parse: Parse,
    pub unfurl_links: bool,
    pub unfurl_media: bool,
}

/// Any member of the workspace can read it: ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub event_type: String,
    pub event_payload: MetadataPayload,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataPayload {
    pub delivery_id: String,
    pub rule: String,
    pub lsn: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parse {
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub color: String,
    pub fallback: String,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A template's body.
    Section {
        text: TextObject,
    },
    RichText {
        elements: Vec<RichTextSection>,
    },
    Context {
        elements: Vec<TextObject>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "rich_text_section")]
pub struct RichTextSection {
    pub elements: Vec<RichText>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RichText {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        style: Option<TextStyle>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextStyle {
    pub bold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextObject {
    Mrkdwn {
        text: String,
        /// Always true: Slack makes no links of its own.
        verbatim: bool,
    },
}

impl TextObject {
    #[must_use]
    pub fn markup(markup: Markup) -> Self {
        Self::Mrkdwn {
            text: markup.into_string(),
            verbatim: true,
        }
    }
}

impl RichText {
    #[must_use]
    pub fn plain(text: String) -> Self {
        Self::Text { text, style: None }
    }

    #[must_use]
    pub fn bold(text: String) -> Self {
        Self::Text {
            text,
            style: Some(TextStyle { bold: true }),
        }
    }
}
