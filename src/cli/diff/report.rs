//! Prints a report: for people, or as one JSON object.

use std::fmt::Write;

use serde_json::{Value, json};

use super::compare::{Difference, Place, Report, TopicSummary};

/// Bytes shown before and after the first byte that differs.
const BEFORE: usize = 48;
const AFTER: usize = 72;

pub(super) fn text(report: &Report, limit: usize, colours: bool) -> String {
    let paint = Paint { colours };
    let mut out = String::new();
    for difference in report.differences.iter().take(limit) {
        print_difference(&mut out, difference, &paint);
    }
    let hidden = report.differences.len().saturating_sub(limit);
    if hidden > 0 {
        line(&mut out, &format!("… and {hidden} more (--limit)\n"));
    }
    for topic in &report.topics {
        line(&mut out, &summary(topic, &paint));
    }
    let compared: usize = report.topics.iter().map(|topic| topic.compared).sum();
    let verdict = match report.differences.len() {
        0 => paint.green("equal"),
        count => paint.red(&format!("{count} differences")),
    };
    line(&mut out, &format!("{compared} records compared: {verdict}"));
    out
}

pub(super) fn json(report: &Report) -> String {
    let topics: Vec<Value> = report
        .topics
        .iter()
        .map(|topic| {
            json!({
                "topic": topic.topic,
                "left": topic.left_records,
                "right": topic.right_records,
                "compared": topic.compared,
                "differences": topic.differences,
                "respelled": topic.respelled,
            })
        })
        .collect();
    let place = |place: Option<Place>| {
        place.map(|place| json!({"partition": place.partition, "offset": place.offset}))
    };
    let differences: Vec<Value> = report
        .differences
        .iter()
        .map(|difference| {
            let (left, right) = excerpts(&difference.left_text, &difference.right_text);
            json!({
                "topic": difference.topic,
                "left": place(difference.left),
                "right": place(difference.right),
                "path": difference.path,
                "left_text": left.text,
                "right_text": right.text,
                "rule": difference.rule,
            })
        })
        .collect();
    let report = json!({
        "equal": report.is_equal(),
        "topics": topics,
        "differences": differences,
    });
    format!("{report}\n")
}

fn print_difference(out: &mut String, difference: &Difference, paint: &Paint) {
    let place = |place: Option<Place>| match place {
        Some(place) => format!("{}@{}", place.partition, place.offset),
        None => "-".to_owned(),
    };
    let heading = format!(
        "{}  partition@offset {} | {}  {}",
        difference.topic,
        place(difference.left),
        place(difference.right),
        paint.bold(&difference.path),
    );
    line(out, &heading);
    if let Some(rule) = &difference.rule {
        line(out, &format!("      {rule}"));
    }
    let (left, right) = excerpts(&difference.left_text, &difference.right_text);
    line(out, &format!("    - {}", paint.red(&left.text)));
    line(out, &format!("    + {}", paint.green(&right.text)));
    line(out, &format!("      {}^\n", " ".repeat(left.same_width)));
}

fn summary(topic: &TopicSummary, paint: &Paint) -> String {
    let verdict = match topic.differences {
        0 => paint.green("equal"),
        count => paint.red(&format!("{count} differences")),
    };
    let mut text = format!(
        "{}: {} | {} records, {} compared, {verdict}",
        topic.topic, topic.left_records, topic.right_records, topic.compared
    );
    if topic.respelled > 0 {
        text.push_str(&format!(
            ", {} numbers spelled differently with the same value",
            topic.respelled
        ));
    }
    text
}

/// A piece of text around the first byte that differs.
struct Excerpt {
    text: String,
    /// Width of the part that both sides share.
    same_width: usize,
}

fn excerpts(left: &[u8], right: &[u8]) -> (Excerpt, Excerpt) {
    let same = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let from = same.saturating_sub(BEFORE);
    let excerpt = |bytes: &[u8]| {
        let to = bytes.len().min(same + AFTER);
        let mut text = String::new();
        if from > 0 {
            text.push('…');
        }
        text.push_str(&printable(&bytes[from..same]));
        let same_width = text.chars().count();
        text.push_str(&printable(&bytes[same..to]));
        if to < bytes.len() {
            text.push('…');
        }
        Excerpt { text, same_width }
    };
    (excerpt(left), excerpt(right))
}

fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

struct Paint {
    colours: bool,
}

impl Paint {
    fn red(&self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            topics: vec![TopicSummary {
                topic: "*.public.t".into(),
                left_records: 3,
                right_records: 2,
                compared: 2,
                differences: 1,
                respelled: 1,
            }],
            differences: vec![Difference {
                topic: "*.public.t".into(),
                left: Some(Place {
                    partition: 0,
                    offset: 7,
                }),
                right: None,
                path: "value.after.c".into(),
                left_text: b"1.0E10".to_vec(),
                right_text: b"1.5E10".to_vec(),
                rule: None,
            }],
        }
    }

    #[test]
    fn a_difference_shows_both_sides_and_points_at_the_first_byte() {
        let expected = "\
*.public.t  partition@offset 0@7 | -  value.after.c
    - 1.0E10
    + 1.5E10
        ^

*.public.t: 3 | 2 records, 2 compared, 1 differences, 1 numbers spelled differently with the same value
2 records compared: 1 differences
";
        assert_eq!(text(&report(), 10, false), expected);
    }

    #[test]
    fn differences_beyond_the_limit_are_counted() {
        assert!(text(&report(), 0, false).starts_with("… and 1 more (--limit)"));
    }

    #[test]
    fn long_texts_are_cut_around_the_difference() {
        let left = format!("{}A{}", "x".repeat(100), "y".repeat(100));
        let (excerpt, _) = excerpts(left.as_bytes(), left.replace('A', "B").as_bytes());
        let expected = format!("…{}A{}…", "x".repeat(BEFORE), "y".repeat(AFTER - 1));
        assert_eq!(excerpt.text, expected);
    }

    #[test]
    fn the_json_form_has_all_differences() {
        let value: Value = serde_json::from_str(&json(&report())).unwrap();
        assert_eq!(value["equal"], false);
        assert_eq!(value["differences"][0]["left"]["offset"], 7);
        assert_eq!(value["differences"][0]["right"], Value::Null);
        assert_eq!(value["topics"][0]["respelled"], 1);
    }
}
