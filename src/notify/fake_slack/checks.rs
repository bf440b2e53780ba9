//! Whether Slack would take a message: its limits, with its own words for what is wrong.

use serde_json::Value;

use crate::notify::slack::limits;

/// Slack's word and what `response_metadata.messages` would explain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) word: &'static str,
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(word: &'static str, why: impl Into<String>) -> Self {
        Self {
            word,
            why: why.into(),
        }
    }
}

/// Checks the parts that `chat.postMessage`, `chat.update` and webhooks share.
pub(super) fn check(message: &Value) -> Result<(), Refusal> {
    let text = string(message, "text", "invalid_arguments")?;
    let blocks = list(message, "blocks", "invalid_blocks_format")?;
    let attachments = list(message, "attachments", "invalid_attachments")?;
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err(Refusal::new("no_text", "nothing to show"));
    }
    if text.chars().count() > limits::TEXT_MAX {
        return Err(Refusal::new("msg_too_long", "text"));
    }
    if attachments.len() > limits::ATTACHMENTS {
        return Err(Refusal::new("too_many_attachments", "attachments"));
    }
    check_blocks(blocks)?;
    let mut characters = characters_of(blocks);
    for attachment in attachments {
        let blocks = list(attachment, "blocks", "invalid_blocks_format")?;
        check_blocks(blocks)?;
        characters += characters_of(blocks);
    }
    if characters > limits::BLOCKS_TOTAL {
        return Err(Refusal::new(
            "msg_blocks_too_long",
            format!("{characters} characters"),
        ));
    }
    for name in ["thread_ts", "ts"] {
        string(message, name, "invalid_arguments")?;
    }
    check_metadata(&message["metadata"])
}

fn check_metadata(metadata: &Value) -> Result<(), Refusal> {
    if metadata.is_null() {
        return Ok(());
    }
    let is_empty = metadata.as_object().is_some_and(serde_json::Map::is_empty);
    let is_whole = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    if !is_empty && !is_whole {
        return Err(Refusal::new("invalid_metadata_format", "metadata"));
    }
    if metadata.to_string().len() > limits::METADATA_BYTES {
        return Err(Refusal::new("metadata_too_large", "metadata"));
    }
    Ok(())
}

fn check_blocks(blocks: &[Value]) -> Result<(), Refusal> {
    if blocks.len() > limits::BLOCKS {
        return Err(invalid(format!("{} blocks", blocks.len())));
    }
    let mut ids = std::collections::BTreeSet::new();
    for (at, block) in blocks.iter().enumerate() {
        let id = string(block, "block_id", "invalid_blocks")?;
        if id.chars().count() > limits::BLOCK_ID || (!id.is_empty() && !ids.insert(id)) {
            return Err(invalid(format!("/blocks/{at}/block_id")));
        }
        check_block(block).map_err(|refusal| {
            Refusal::new(refusal.word, format!("/blocks/{at}{}", refusal.why))
        })?;
    }
    Ok(())
}

fn check_block(block: &Value) -> Result<(), Refusal> {
    match block["type"].as_str() {
        Some("section") => check_section(block),
        Some("header") => {
            if block["text"]["type"] != "plain_text" {
                return Err(invalid("/text/type"));
            }
            text_object(&block["text"], limits::HEADER_TEXT)
        }
        Some("context") => {
            let elements = some(block, "elements", limits::CONTEXT_ELEMENTS)?;
            let mut texts = elements.iter().filter(|element| element["type"] != "image");
            texts.try_for_each(|element| text_object(element, limits::TEXT_OBJECT))
        }
        Some("divider" | "image") => Ok(()),
        Some("rich_text") => {
            let elements = some(block, "elements", usize::MAX)?;
            elements.iter().try_for_each(check_rich_text)
        }
        Some("actions") => {
            let elements = some(block, "elements", limits::ACTIONS_ELEMENTS)?;
            elements.iter().try_for_each(check_button)
        }
        Some(_) | None => Err(invalid("/type")),
    }
}

fn check_section(block: &Value) -> Result<(), Refusal> {
    let fields = list(block, "fields", "invalid_blocks")?;
    if block["text"].is_null() && fields.is_empty() {
        return Err(invalid(": neither text nor fields"));
    }
    if !block["text"].is_null() {
        text_object(&block["text"], limits::SECTION_TEXT)?;
    }
    if fields.len() > limits::SECTION_FIELDS {
        return Err(invalid("/fields"));
    }
    fields
        .iter()
        .try_for_each(|field| text_object(field, limits::SECTION_FIELD_TEXT))
}

fn check_button(button: &Value) -> Result<(), Refusal> {
    let url = string(button, "url", "invalid_blocks")?;
    if url.chars().count() > limits::URL {
        return Err(invalid("/url"));
    }
    text_object(&button["text"], limits::BUTTON_TEXT)
}

fn check_rich_text(element: &Value) -> Result<(), Refusal> {
    match element["type"].as_str() {
        Some("rich_text_section" | "rich_text_preformatted" | "rich_text_quote") => {
            let inner = list(element, "elements", "invalid_blocks")?;
            inner.iter().try_for_each(check_rich_text_inner)
        }
        Some("rich_text_list") => {
            let sections = some(element, "elements", usize::MAX)?;
            sections.iter().try_for_each(check_rich_text)
        }
        Some(_) | None => Err(invalid("/elements/type")),
    }
}

fn check_rich_text_inner(inner: &Value) -> Result<(), Refusal> {
    let needs = match inner["type"].as_str() {
        Some("text") => "text",
        Some("link") => "url",
        Some("emoji") => "name",
        Some("user") => "user_id",
        Some("channel") => "channel_id",
        Some("usergroup") => "usergroup_id",
        Some("broadcast") => "range",
        Some("date") => return Ok(()),
        Some(_) | None => return Err(invalid("/elements/elements/type")),
    };
    match inner[needs].as_str() {
        Some(text) if !text.is_empty() => Ok(()),
        Some(_) | None => Err(invalid(format!("/elements/elements/{needs}"))),
    }
}

fn text_object(object: &Value, max: usize) -> Result<(), Refusal> {
    if object["type"] != "plain_text" && object["type"] != "mrkdwn" {
        return Err(invalid("/text/type"));
    }
    let length = object["text"]
        .as_str()
        .map_or(0, |text| text.chars().count());
    if length == 0 || length > max {
        return Err(invalid(format!("/text: {length} characters")));
    }
    Ok(())
}

fn invalid(why: impl Into<String>) -> Refusal {
    Refusal::new("invalid_blocks", why)
}

fn string<'a>(value: &'a Value, name: &str, word: &'static str) -> Result<&'a str, Refusal> {
    match &value[name] {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Refusal::new(word, name))
        }
    }
}

fn list<'a>(value: &'a Value, name: &str, word: &'static str) -> Result<&'a [Value], Refusal> {
    match &value[name] {
        Value::Null => Ok(&[]),
        Value::Array(list) => Ok(list),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Err(Refusal::new(word, name))
        }
    }
}

/// A list that must hold something.
fn some<'a>(value: &'a Value, name: &str, max: usize) -> Result<&'a [Value], Refusal> {
    let list = list(value, name, "invalid_blocks")?;
    if list.is_empty() || list.len() > max {
        return Err(invalid(format!("/{name}: {} of them", list.len())));
    }
    Ok(list)
}

/// All that is shown of blocks, in characters.
fn characters_of(blocks: &[Value]) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(list) => list.iter().map(of).sum(),
            Value::Object(object) => object
                .iter()
                .map(|(name, value)| match value.as_str() {
                    Some(text) if name == "text" => text.chars().count(),
                    Some(_) | None => of(value),
                })
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }
    blocks.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn word(message: &Value) -> &'static str {
        check(message).map_or_else(|refusal| refusal.word, |()| "ok")
    }

    fn section(characters: usize) -> Value {
        json!({"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(characters)}})
    }

    #[test]
    fn every_limit_holds_at_its_edge_and_breaks_one_above() {
        let cases = [
            (json!({"text": "x".repeat(40_000)}), "ok"),
            (json!({"text": "x".repeat(40_001)}), "msg_too_long"),
            (json!({"text": ""}), "no_text"),
            (json!({"blocks": vec![section(1); 50]}), "ok"),
            (json!({"blocks": vec![section(1); 51]}), "invalid_blocks"),
            (json!({"blocks": [section(3_000)]}), "ok"),
            (json!({"blocks": [section(3_001)]}), "invalid_blocks"),
            (json!({"blocks": [section(0)]}), "invalid_blocks"),
            (json!({"blocks": vec![section(2_640); 5]}), "ok"),
            (
                json!({"blocks": vec![section(2_641); 5]}),
                "msg_blocks_too_long",
            ),
            (
                json!({"attachments": vec![json!({"text": "x"}); 100]}),
                "ok",
            ),
            (
                json!({"attachments": vec![json!({"text": "x"}); 101]}),
                "too_many_attachments",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(word(&message), expected);
        }
    }

    #[test]
    fn a_header_is_short_and_plain() {
        let header = |kind: &str, length: usize| json!({"blocks": [{"type": "header", "text": {"type": kind, "text": "x".repeat(length)}}]});
        assert_eq!(word(&header("plain_text", 150)), "ok");
        assert_eq!(word(&header("plain_text", 151)), "invalid_blocks");
        assert_eq!(word(&header("mrkdwn", 1)), "invalid_blocks");
    }

    #[test]
    fn rich_text_holds_known_elements_with_something_in_them() {
        let rich = |inner: Value| json!({"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [inner]}]}]});
        assert_eq!(
            word(&rich(json!({"type": "text", "text": "<!channel>"}))),
            "ok"
        );
        assert_eq!(
            word(&rich(json!({"type": "text", "text": ""}))),
            "invalid_blocks"
        );
        assert_eq!(word(&rich(json!({"type": "spell"}))), "invalid_blocks");
    }

    #[test]
    fn a_float_is_no_ts_and_metadata_has_its_two_parts() {
        assert_eq!(
            word(&json!({"text": "x", "thread_ts": 1.5})),
            "invalid_arguments"
        );
        assert_eq!(
            word(&json!({"text": "x", "metadata": {"event_type": "e"}})),
            "invalid_metadata_format"
        );
        let large = json!({"text": "x", "metadata": {"event_type": "e", "event_payload": {"x": "y".repeat(8_000)}}});
        assert_eq!(word(&large), "metadata_too_large");
    }
}
