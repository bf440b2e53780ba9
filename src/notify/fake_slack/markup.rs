//! What Slack would act on in a message's text: mentions and links in angle brackets.

use serde_json::Value;

/// Every `<…>` that Slack parses: in `text`, and in `mrkdwn` text objects; never in `plain_text` or `rich_text`, where only
/// elements of their own kind mention.
pub(super) fn mentions(body: &Value) -> Vec<String> {
    let mut found = tokens(body["text"].as_str().unwrap_or_default());
    collect(&body["blocks"], &mut found);
    if let Some(attachments) = body["attachments"].as_array() {
        for attachment in attachments {
            collect(&attachment["blocks"], &mut found);
            found.extend(tokens(attachment["text"].as_str().unwrap_or_default()));
        }
    }
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(object) => {
            let text = value["text"].as_str().unwrap_or_default();
            match value["type"].as_str() {
                Some("mrkdwn") => found.extend(tokens(text)),
                Some(kind @ ("broadcast" | "user" | "usergroup" | "link")) => {
                    let target = ["range", "user_id", "usergroup_id", "url"];
                    let target = target.iter().find_map(|name| value[*name].as_str());
                    found.push(format!("{kind}:{}", target.unwrap_or_default()));
                }
                Some(_) | None => {}
            }
            object.values().for_each(|value| collect(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((token, tail)) = after.split_once('>') else {
            break;
        };
        found.push(format!("<{token}>"));
        rest = tail;
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_slack_would_parse_counts() {
        let body = json!({
            "text": "<!channel> a &lt;!here&gt;",
            "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": "<https://x|y>"}},
                {"type": "section", "text": {"type": "plain_text", "text": "<!here>"}},
                {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
                    {"type": "text", "text": "<!everyone>"}, {"type": "broadcast", "range": "here"}
                ]}]}
            ]
        });
        assert_eq!(
            mentions(&body),
            ["<!channel>", "<https://x|y>", "broadcast:here"]
        );
    }
}
