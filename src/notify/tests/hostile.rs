//! Data that would like to be markup, and data without measure.

use proptest::prelude::*;

use super::*;
use crate::notify::message::Message;
use crate::notify::notice::{Content, Notice};
use crate::notify::render::Sending;
use crate::notify::slack::limits;

const TEMPLATES: &str = r#"
[rule.template]
title = "{{ before.status }} → {{ after.status | upper }} {{ key }}"
body = "*{{ after.amount | money(after.currency) }}* at {{ after.merchant_name }} {% set x %}{{ after.merchant_name }}{% endset %}{{ x }}{% macro m(v) %}{{ v }}{% endmacro %}{{ m(after.merchant_name) }} {% autoescape false %}{{ after.merchant_name ~ '!' }}{% endautoescape %} {{ after.merchant_name | code }} {{ after.merchant_name | link('https://pay.example/', after.merchant_name) }} {{ after.merchant_name | trunc(50) | date }} {{ ('x' | code) ~ after.merchant_name }}"
"#;

fn send(notice: &Notice) -> Message {
    let sending = Sending {
        now: "2026-11-22T10:00:00.4Z".parse().unwrap(),
        possible_repeat: true,
    };
    Message::render(notice, sending)
}

/// A status change of a row that is `value` wherever it can be.
fn row(value: &str, status: &str) -> Cells {
    Cells::new([
        text(value),
        text(value),
        text("12.50"),
        text(value),
        text(value),
        text(value),
        text(value),
        text(status),
        text("1"),
    ])
}

fn notices(value: &str, templates: &str, times: usize) -> Vec<Notice> {
    let rules = compile(&format!(
        "{}{templates}",
        FAILED.replace("to = [\"FAILED\"]\n", "")
    ));
    let (old, new) = (row(value, "PENDING"), row(value, value));
    let outcome = outcome(&rules, &vec![update(&old, &new); times]);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    outcome
        .candidates
        .into_iter()
        .map(|candidate| candidate.notice)
        .collect()
}

/// All texts of a message that Slack parses as mrkdwn.
fn parsed_texts(message: &Message) -> Vec<String> {
    let json = serde_json::to_value(message).unwrap();
    let mut texts = vec![message.text.clone()];
    for block in json["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|attachment| attachment["blocks"].as_array().unwrap())
    {
        match block["type"].as_str().unwrap() {
            "section" => texts.push(block["text"]["text"].as_str().unwrap().to_owned()),
            "context" => texts.extend(
                block["elements"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|element| element["text"].as_str().unwrap().to_owned()),
            ),
            "rich_text" => {}
            kind => panic!("{kind}"),
        }
    }
    texts
}

/// Everything in angle brackets must be a date or a link to our dashboard.
fn assert_harmless(message: &Message) {
    for text in parsed_texts(message) {
        for control in text.split('<').skip(1) {
            let Some((control, _)) = control.split_once('>') else {
                panic!("an open < in {text}")
            };
            let target = control.split('|').next().unwrap();
            assert!(
                target.starts_with("!date^") || target.starts_with("https://pay.example/"),
                "{control} in {text}"
            );
        }
        for entity in text.split('&').skip(1) {
            assert!(
                ["amp;", "lt;", "gt;"]
                    .iter()
                    .any(|known| entity.starts_with(known)),
                "& in {text}"
            );
        }
        for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\0', '\u{1b}', '\r'] {
            assert!(!text.contains(hidden), "{hidden:?} in {text}");
        }
    }
}

fn assert_within_limits(message: &Message) {
    let json = serde_json::to_value(message).unwrap();
    let length = |text: &serde_json::Value| text.as_str().unwrap().chars().count();
    assert!((1..=limits::TEXT_OURS).contains(&length(&json["text"])));
    let mut total = 0;
    for attachment in json["attachments"].as_array().unwrap() {
        assert!(length(&attachment["fallback"]) <= limits::TEXT_OURS);
        let blocks = attachment["blocks"].as_array().unwrap();
        assert!((1..=limits::BLOCKS_OURS).contains(&blocks.len()));
        for block in blocks {
            let texts: Vec<usize> = match block["type"].as_str().unwrap() {
                "section" => vec![length(&block["text"]["text"])],
                "context" => block["elements"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|element| length(&element["text"]))
                    .collect(),
                "rich_text" => block["elements"][0]["elements"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|element| length(&element["text"]))
                    .collect(),
                kind => panic!("{kind}"),
            };
            assert!(
                !texts.is_empty()
                    && texts
                        .iter()
                        .all(|length| (1..=limits::TEXT_OBJECT).contains(length)),
                "{texts:?}"
            );
            total += texts.iter().sum::<usize>();
        }
    }
    assert!(total <= limits::BLOCKS_TOTAL_OURS, "{total}");
    assert!(json["metadata"]["event_payload"].to_string().len() <= limits::METADATA_BYTES);
}

#[test]
fn hostile_values_make_no_mention_no_foreign_link_and_no_evaluation() {
    for value in [
        "<!channel>",
        "<!here|x>",
        "<!everyone>",
        "<@U123>",
        "<#C123>",
        "<!subteam^S123>",
        "<https://evil.example|Refund>",
        "<mailto:a@b|x>",
        "&lt;!here&gt;",
        "&amp;lt;!here&amp;gt;",
        "*_~`<!channel>`~_*",
        "```<!channel>```",
        "{{7*7}}",
        "{% raw %}<!here>{% endraw %}",
        "|safe",
        "{{ x|safe }}",
        "<!date^1^{date}^https://evil.example|x>",
        "a|b>c d&e",
        "\u{202e}<!channel>",
        "<\u{200b}!channel>",
        "<!chan\0nel>",
        "\r\n<!here>\n",
        "<",
        ">",
        "|",
        "\\",
        "&",
        "&lt",
        "https://evil.example",
        "javascript:alert(1)",
        "'\"`",
        "<https://pay.example.evil.example|x>",
    ] {
        for (templates, times) in [("", 1), (TEMPLATES, 1), ("", 7)] {
            for notice in notices(value, templates, times) {
                let message = send(&notice);
                assert_harmless(&message);
                assert_within_limits(&message);
                if value.starts_with("{{") {
                    assert!(
                        message.text.contains(value) || times > 1,
                        "{value} was evaluated"
                    );
                }
            }
        }
    }
}

#[test]
fn values_are_shown_as_they_are_where_slack_does_not_parse() {
    let notice = notices("<!channel>", "", 1).remove(0);
    let json = serde_json::to_string(&send(&notice).attachments[0].blocks[0]).unwrap();
    assert!(json.contains("\"<!channel>\\n\""), "{json}");
    let text = send(&notice).text;
    assert!(text.contains("&lt;!channel&gt;"), "{text}");
}

#[test]
fn emoji_and_scripts_stay_whole() {
    for value in ["👩‍👩‍👧‍👦", "🇨🇭🇨🇭", "e\u{301}", "مرحبا", "می‌خواهم", "日本語"]
    {
        let text = send(&notices(value, "", 1)[0]).text;
        assert!(text.contains(value), "{value} in {text}");
    }
    let family = "👩‍👩‍👧‍👦".repeat(100);
    let text = send(&notices(&family, "", 1)[0]).text;
    let shown = text.split(' ').nth(2).unwrap().trim_end_matches(':');
    assert!(
        shown
            .trim_end_matches('…')
            .chars()
            .count()
            .is_multiple_of(7),
        "{shown} was cut inside a family"
    );
}

#[test]
fn card_numbers_leave_nowhere() {
    for (templates, times) in [("", 1), (TEMPLATES, 1), ("", 7)] {
        for notice in notices("4111 1111 1111 1111", templates, times) {
            let message = serde_json::to_string(&send(&notice)).unwrap();
            let digits: String = message.chars().filter(char::is_ascii_digit).collect();
            assert!(!digits.contains("4111111111111111"), "{message}");
            assert!(!serde_json::to_string(&notice).unwrap().contains("4111"));
        }
    }
}

#[test]
fn mentions_come_from_the_file_alone() {
    let rules = compile(&format!(
        "{FAILED}severity = \"critical\"\nmention = [\"<!subteam^SAZ94GDB8>\"]\n"
    ));
    let (old, new) = (row("x", "PENDING"), row("x", "FAILED"));
    let notice = candidates(&rules, &[update(&old, &new)]).remove(0).notice;
    let message = send(&notice);
    assert!(
        message
            .text
            .starts_with("<!subteam^SAZ94GDB8> :rotating_light: transactions x"),
        "{}",
        message.text
    );
    assert_eq!(message.attachments[0].color, "#d9534f");
}

#[test]
fn a_template_that_does_not_end_is_stopped_and_the_change_is_told_without_it() {
    let loops = "{% for a in 'x' * 1000 %}{% for b in 'x' * 1000 %}{{ after.status }}{% endfor %}{% endfor %}";
    let rules = compile(&format!("{FAILED}[rule.template]\nbody = \"{loops}\"\n"));
    let (old, new) = (row("x", "PENDING"), row("x", "FAILED"));
    let outcome = outcome(&rules, &[update(&old, &new)]);
    assert_eq!(outcome.candidates.len(), 1);
    assert_eq!(outcome.errors.len(), 1, "{:?}", outcome.errors);
    assert!(
        matches!(&outcome.candidates[0].notice.content, Content::Change(change) if change.body.is_none())
    );
}

#[test]
fn a_megabyte_in_every_column_stays_within_the_limits() {
    for value in [
        "<&>".repeat(350_000),
        "👩‍👩‍👧‍👦".repeat(40_000),
        "\n".repeat(1_000_000),
    ] {
        for (templates, times) in [("", 1), (TEMPLATES, 1), ("", 7)] {
            for notice in notices(&value, templates, times) {
                let message = send(&notice);
                assert_within_limits(&message);
                assert_harmless(&message);
                assert!(serde_json::to_string(&notice).unwrap().len() < 300_000);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_row_makes_a_message_that_slack_would_refuse_or_misread(
        value in prop_oneof![any::<String>(), "[<>&|!@#*_~`{}%a ]{0,400}", "(&lt;|<!|<@|\\|x>|\u{202e}|👩‍👧|e\u{301}){0,2000}"],
        times in 1_usize..8,
        templated in any::<bool>(),
    ) {
        // PostgreSQL's text has no NUL.
        for notice in notices(&value.replace('\0', ""), if templated { TEMPLATES } else { "" }, times) {
            let message = send(&notice);
            assert_within_limits(&message);
            assert_harmless(&message);
        }
    }
}
