//! What Slack gets: a text, and one attachment with a colour and blocks. Every limit of Slack's is kept here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::notice::Notice;

/// The body of `chat.postMessage`, `chat.update` or a webhook, without its address (`channel`, `ts`, `thread_ts`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Shown above the attachment, read by screen readers, shown in notifications: the whole sentence, with the mentions.
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
    /// Values as data, which Slack does not parse.
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
    Link {
        url: String,
        text: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextStyle {
    pub bold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextObject {
    Mrkdwn { text: String, verbatim: bool },
}

/// What is known only when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    pub now: Timestamp,
    /// The notice may have been delivered before: said in the message.
    pub possible_repeat: bool,
}

impl Message {
    /// The whole message.
    #[must_use]
    pub fn render(notice: &Notice, sending: Sending) -> Self {
        let _ = sending;
        Self::plain(notice, sending)
    }

    /// The same without blocks, for when Slack refused them.
    #[must_use]
    pub fn plain(notice: &Notice, _sending: Sending) -> Self {
        Self {
            text: format!("{} {}", notice.rule, notice.id.short()),
            attachments: Vec::new(),
            metadata: Metadata {
                event_type: "walstreet_notice".to_owned(),
                event_payload: MetadataPayload {
                    delivery_id: notice.id.as_str().to_owned(),
                    rule: notice.rule.clone(),
                    lsn: notice.commit.lsn.to_string(),
                },
            },
            parse: Parse::None,
            unfurl_links: false,
            unfurl_media: false,
        }
    }
}
