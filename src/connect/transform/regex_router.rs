//! `RegexRouter`: another topic for those whose name matches.

use regex::{Captures, Regex};

use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::config::patterns;
use crate::connect::record::SourceRecord;

#[derive(Debug)]
pub struct RegexRouter {
    whole: Regex,
    anywhere: Regex,
    replacement: Vec<Piece>,
}

/// A part of what `Matcher.replaceFirst` puts in place of the match.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

impl RegexRouter {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let (regex, replacement) = (
            options.mandatory("regex")?,
            options.mandatory("replacement")?,
        );
        Self::of(("regex", regex), ("replacement", replacement))
    }

    /// Of two options that have other names, each with its text.
    pub fn of(regex: (&str, &str), replacement: (&str, &str)) -> Result<Self, OptionError> {
        let (option, pattern) = regex;
        let invalid = |problem| OptionError::new(option, problem);
        let whole = patterns::compile_whole(pattern).map_err(invalid)?;
        let anywhere = patterns::compile_anywhere(pattern).map_err(invalid)?;
        let (option, text) = replacement;
        let replacement = parse_replacement(text, &anywhere)
            .map_err(|problem| OptionError::new(option, problem))?;
        Ok(Self {
            whole,
            anywhere,
            replacement,
        })
    }

    /// The whole name must match, but replaced is the first match within it, which can be shorter: `a|ab` in `ab`.
    #[must_use]
    pub fn route(&self, topic: &str) -> Option<String> {
        if !self.whole.is_match(topic) {
            return None;
        }
        let captures = self.anywhere.captures(topic)?;
        let matched = captures.get(0)?;
        let mut routed = topic[..matched.start()].to_owned();
        for piece in &self.replacement {
            routed.push_str(piece.resolve(&captures));
        }
        routed.push_str(&topic[matched.end()..]);
        Some(routed)
    }
}

impl Transform for RegexRouter {
    fn apply(&mut self, mut record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
        if let Some(topic) = self.route(&record.topic) {
            record.topic = topic.into();
        }
        Ok(Some(record))
    }
}

impl Piece {
    fn resolve<'a>(&'a self, captures: &'a Captures<'_>) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Group(group) => captures.get(*group).map_or("", |group| group.as_str()),
        }
    }
}

/// `Matcher.appendExpandedReplacement`.
fn parse_replacement(text: &str, regex: &Regex) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match char {
            '\\' => {
                let escaped = rest.chars().next();
                let escaped = escaped.ok_or("ends with a single backslash")?;
                literal.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
            '$' => {
                let (group, after) = parse_group(rest, regex)?;
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Group(group));
                rest = after;
            }
            _ => literal.push(char),
        }
    }
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

/// The group that stands after a dollar sign, by name in braces or by number, and what follows.
fn parse_group<'a>(text: &'a str, regex: &Regex) -> Result<(usize, &'a str), String> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, after) = braced
            .split_once('}')
            .ok_or("has a group name without its closing brace")?;
        let group = regex.capture_names().position(|known| known == Some(name));
        let group =
            group.ok_or_else(|| format!("names the group \"{name}\", which regex lacks"))?;
        return Ok((group, after));
    }
    let digits = text.len()
        - text
            .trim_start_matches(|char: char| char.is_ascii_digit())
            .len();
    // As many digits as still make the number of a group.
    let number = |length: &usize| text[..*length].parse().ok();
    let exists = |group: &usize| *group < regex.captures_len();
    let longest = (1..=digits)
        .map_while(|length| number(&length).filter(exists).map(|group| (group, length)))
        .last();
    let (group, length) = longest
        .ok_or("has a \"$\" without the number of a group of regex; \"\\$\" is a dollar sign")?;
    Ok((group, &text[length..]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn route(regex: &str, replacement: &str, topic: &str) -> Result<Option<String>, OptionError> {
        let given = [("regex", regex), ("replacement", replacement)];
        let given: BTreeMap<_, _> = given
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into();
        Ok(RegexRouter::new(&Options::new(&given))?.route(topic))
    }

    /// What `Matcher.matches` and then `Matcher.replaceFirst` of Java 17 made of them.
    #[test]
    fn topics_are_routed_as_by_java() {
        for (regex, replacement, topic, routed) in [
            (r"(\w+)\.(\w+)\.(\w+)", "$3", "srv.public.t", Some("t")),
            (
                r"srv\.(.*)",
                r"new-$1\$1",
                "srv.public.t",
                Some("new-public.t$1"),
            ),
            ("a|ab", "X", "ab", Some("Xb")),
            ("(.*?)", "X$1", "ab", Some("Xab")),
            ("(.*)", "$1$12", "t", Some("tt2")),
            ("(?<name>.)(x)?", "${name}-$2-", "t", Some("t--")),
            ("T", "x", "t", None),
            ("t", "x", "st", None),
        ] {
            let routed = routed.map(str::to_owned);
            assert_eq!(route(regex, replacement, topic), Ok(routed), "{regex}");
        }
    }

    #[test]
    fn a_replacement_that_java_refuses_is_refused() {
        for replacement in ["$", "$x", "$2", "${x}", "${x", "\\"] {
            assert!(route("(.*)", replacement, "t").is_err(), "{replacement}");
        }
    }
}
