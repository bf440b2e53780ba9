//! A Java pattern with what takes its place, as `Matcher.matches` and then `Matcher.replaceFirst` do it.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Captures, Regex};

use super::patterns;

#[derive(Clone, Debug)]
pub struct Replacement {
    whole: Regex,
    anywhere: Regex,
    template: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// A group by its number.
    Group(usize),
}

/// Which of the two texts is wrong, and how.
#[derive(Debug, PartialEq, Eq)]
pub enum Invalid {
    Pattern(String),
    Template(String),
}

impl Replacement {
    pub fn parse(pattern: &str, template: &str) -> Result<Self, Invalid> {
        let whole = patterns::compile_whole(pattern).map_err(Invalid::Pattern)?;
        let anywhere = patterns::compile_anywhere(pattern).map_err(Invalid::Pattern)?;
        let template = parse_template(template, &anywhere)
            .map_err(|reason| Invalid::Template(reason.to_owned()))?;
        Ok(Self {
            whole,
            anywhere,
            template,
        })
    }

    /// `None` when the pattern does not match the whole text. What is replaced is the first match within it, which can be
    /// shorter.
    #[must_use]
    pub fn apply(&self, text: &str) -> Option<String> {
        if !self.whole.is_match(text) {
            return None;
        }
        let captures = self.anywhere.captures(text)?;
        let found = captures.get(0)?;
        let parts = self.template.iter().map(|part| part.text(&captures));
        Some(
            [
                &text[..found.start()],
                &parts.collect::<String>(),
                &text[found.end()..],
            ]
            .concat(),
        )
    }
}

impl Part {
    fn text<'a>(&'a self, captures: &'a Captures<'_>) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Group(number) => captures.get(*number).map_or("", |group| group.as_str()),
        }
    }
}

/// `Matcher.appendExpandedReplacement`: a backslash makes the next character plain, `$1` and `${name}` are groups.
fn parse_template(template: &str, pattern: &Regex) -> Result<Vec<Part>, &'static str> {
    let mut rest = template.chars().peekable();
    let mut parts = Vec::new();
    while let Some(char) = rest.next() {
        let plain = match char {
            '\\' => rest.next().ok_or("ends in a backslash")?,
            '$' => {
                parts.push(Part::Group(group(&mut rest, pattern)?));
                continue;
            }
            plain => plain,
        };
        match parts.last_mut() {
            Some(Part::Text(text)) => text.push(plain),
            Some(Part::Group(_)) | None => parts.push(Part::Text(plain.to_string())),
        }
    }
    Ok(parts)
}

fn group(rest: &mut Peekable<Chars<'_>>, pattern: &Regex) -> Result<usize, &'static str> {
    if rest.next_if_eq(&'{').is_some() {
        let mut is_closed = false;
        let name: String = rest
            .by_ref()
            .take_while(|char| {
                is_closed = *char == '}';
                !is_closed
            })
            .collect();
        if !is_closed {
            return Err("has a group name without its closing brace");
        }
        let mut names = pattern.capture_names();
        return names
            .position(|known| known == Some(&name))
            .ok_or("names a group that the pattern does not have");
    }
    let digit = |char: &char| char.to_digit(10);
    let first = rest.peek().and_then(digit);
    let mut number = first.ok_or("has a $ that no group follows")? as usize;
    rest.next();
    if number >= pattern.captures_len() {
        return Err("has the number of a group that the pattern does not have");
    }
    // As many digits as still make the number of a group.
    while let Some(next) = rest.peek().and_then(digit) {
        let longer = number * 10 + next as usize;
        if longer >= pattern.captures_len() {
            break;
        }
        number = longer;
        rest.next();
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(pattern: &str, template: &str, text: &str) -> Option<String> {
        Replacement::parse(pattern, template).unwrap().apply(text)
    }

    #[test]
    fn the_first_match_of_a_text_that_matches_as_a_whole_is_replaced() {
        assert_eq!(apply("(.*)_[0-9]+", "$1", "a_12").as_deref(), Some("a"));
        assert_eq!(apply("(.*)_[0-9]+", "$1", "a_12x"), None);
        assert_eq!(apply("a|ab", "X", "ab").as_deref(), Some("Xb"));
        assert_eq!(
            apply(r"(?<k>.)(.)", r"$2\$${k}$10", "ab").as_deref(),
            Some("b$aa0")
        );
    }

    #[test]
    fn what_java_refuses_when_it_replaces_is_refused_at_the_start() {
        for template in ["$", "$x", "$2", "${x}", "${k", "\\"] {
            let parsed = Replacement::parse("(?<k>.*)", template);
            assert!(matches!(parsed, Err(Invalid::Template(_))), "{template}");
        }
        let parsed = Replacement::parse("(", "x");
        assert!(matches!(parsed, Err(Invalid::Pattern(_))));
    }
}
