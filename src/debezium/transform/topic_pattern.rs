//! A regular expression for topic names and what replaces a match: `Matcher.matches`, then `Matcher.replaceFirst` of Java.

use regex::{Captures, Regex};

use crate::config::patterns;
use crate::connect::transform::options::OptionError;

pub(super) struct TopicPattern {
    whole: Regex,
    /// Not anchored: what it finds first need not be the whole name.
    anywhere: Regex,
    replacement: Vec<Part>,
}

enum Part {
    Text(String),
    Group(usize),
}

impl TopicPattern {
    pub(super) fn new(
        regex_option: &str,
        regex: &str,
        replacement_option: &str,
        replacement: &str,
    ) -> Result<Self, OptionError> {
        let wrong = |reason| OptionError::new(regex_option, reason);
        let translated = patterns::translate(regex).map_err(wrong)?;
        let compile = |pattern: &str| {
            Regex::new(pattern).map_err(|_| wrong("is no regular expression".to_owned()))
        };
        let anywhere = compile(&translated)?;
        let replacement = parse(replacement, &anywhere).ok_or_else(|| {
            OptionError::new(
                replacement_option,
                "names a group that the regular expression does not have, or is not closed",
            )
        })?;
        Ok(Self {
            whole: compile(&format!(r"\A(?:{translated})\z"))?,
            anywhere,
            replacement,
        })
    }

    /// `None` when the expression does not match the whole name.
    pub(super) fn replace(&self, name: &str) -> Option<String> {
        if !self.whole.is_match(name) {
            return None;
        }
        let found = self.anywhere.captures(name)?;
        let range = found.get(0)?.range();
        let replacement = self.expand(&found);
        Some([&name[..range.start], &replacement, &name[range.end..]].concat())
    }

    fn expand(&self, found: &Captures<'_>) -> String {
        let parts = self.replacement.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
        });
        parts.collect()
    }
}

/// The grammar of `Matcher.appendReplacement`: `$1`, `${name}`, and a backslash before a character that stands for itself.
fn parse(text: &str, regex: &Regex) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\\' => literal.push(rest.next()?),
            '$' => {
                let group = if rest.next_if_eq(&'{').is_some() {
                    let mut name = String::new();
                    loop {
                        match rest.next()? {
                            '}' => break,
                            char => name.push(char),
                        }
                    }
                    let mut names = regex.capture_names();
                    names.position(|known| known == Some(name.as_str()))?
                } else {
                    group_number(&mut rest, regex.captures_len())?
                };
                parts.push(Part::Text(std::mem::take(&mut literal)));
                parts.push(Part::Group(group));
            }
            _ => literal.push(char),
        }
    }
    parts.push(Part::Text(literal));
    Some(parts)
}

/// The longest number that is a group's.
fn group_number(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    groups: usize,
) -> Option<usize> {
    let digit = |char: &char| char.to_digit(10).map(|digit| digit as usize);
    let mut group = digit(&rest.next()?)?;
    while let Some(next) = rest.peek().and_then(digit) {
        if group * 10 + next >= groups {
            break;
        }
        group = group * 10 + next;
        rest.next();
    }
    (group < groups).then_some(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(regex: &str, replacement: &str, name: &str) -> Option<String> {
        let pattern = TopicPattern::new("regex", regex, "replacement", replacement);
        pattern.unwrap().replace(name)
    }

    /// Expected values: what Java's manual says of `replaceFirst` and `appendReplacement`.
    #[test]
    fn the_first_match_of_a_name_that_matches_whole_is_replaced() {
        for (regex, replacement, name, expected) in [
            (
                "(.*)part_(.*)",
                "$1parts_all",
                "srv.a.part_eu",
                Some("srv.a.parts_all"),
            ),
            ("(.*)part_(.*)", "$1parts_all", "srv.a.other", None),
            (
                "(?<a>.*)",
                "outbox.event.${a}",
                "order",
                Some("outbox.event.order"),
            ),
            ("a|ab", "x", "ab", Some("xb")),
            ("(a)", "$10", "a", Some("a0")),
            ("a", r"\$1", "a", Some("$1")),
            ("(a)|(b)", "[$2]", "a", Some("[]")),
            ("A", "x", "a", None),
            (".*", "", "a", Some("")),
        ] {
            assert_eq!(
                replaced(regex, replacement, name).as_deref(),
                expected,
                "{regex}"
            );
        }
    }

    #[test]
    fn a_replacement_of_a_group_that_is_not_there_is_refused() {
        for replacement in ["$1", "${a}", "$", "${a", "\\", "$x"] {
            assert!(
                TopicPattern::new("r", "a", "t", replacement).is_err(),
                "{replacement}"
            );
        }
    }
}
