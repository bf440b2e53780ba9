//! Debezium's lists of Java regular expressions → [`PatternList`].
//!
//! `Strings.listOfRegex` of Debezium: split at commas (a backslash escapes one), trim, compile with `CASE_INSENSITIVE`,
//! match whole. The syntax of Java and of the `regex` crate is the same for nearly everything that appears in such
//! lists; this file rewrites what is spelled differently and names what the linear-time engine cannot do.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

use super::connector::{KeyRule, PatternList};

/// Parses a list; the error says which construct of which entry is the problem, by position, not by its text.
pub fn parse_list(text: &str) -> Result<PatternList, String> {
    let entries = split(text);
    let compiled = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| compile(entry).map_err(|reason| format!("A comma-separated list of valid regular expressions is expected, but entry {} {reason}", index + 1)));
    compiled.collect::<Result<_, _>>().map(PatternList)
}

/// Parses `message.key.columns`: `table:column,column;table:column`, all of them regular expressions.
pub fn parse_key_rules(text: &str) -> Result<Vec<KeyRule>, String> {
    let entries = text.split(';').map(str::trim).enumerate();
    let rules = entries
        .filter(|(_, entry)| !entry.is_empty())
        .map(|(index, entry)| {
            key_rule(entry).map_err(|reason| format!("entry {} {reason}", index + 1))
        });
    rules.collect()
}

fn key_rule(entry: &str) -> Result<KeyRule, String> {
    let has_form = |part: &str| {
        !part.is_empty() && !part.contains(|char: char| char == ':' || char.is_whitespace())
    };
    let (table, columns) = entry
        .split_once(':')
        .filter(|(table, columns)| has_form(table) && has_form(columns))
        .ok_or("has an invalid format (expecting 'table:column,column')")?;
    let patterns = columns
        .split(',')
        .filter(|column| !column.is_empty())
        .map(|column| compile(&format!("{table}.{column}")));
    Ok(KeyRule(PatternList(patterns.collect::<Result<_, _>>()?)))
}

/// Splits at commas that no backslash escapes, drops the backslash of those that one does, trims, drops empty entries.
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    let mut entries = vec![String::new()];
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let entry = entries
            .last_mut()
            .expect("it starts with one entry and never loses one");
        match char {
            ',' => entries.push(String::new()),
            '\\' => match chars.next() {
                Some(',') => entry.push(','),
                Some(escaped) => entry.extend(['\\', escaped]),
                None => entry.push('\\'),
            },
            _ => entry.push(char),
        }
    }
    entries
        .iter()
        .map(|entry| entry.trim().to_owned())
        .filter(|entry| !entry.is_empty())
        .collect()
}

/// A pattern that must match a whole text, as `Matcher.matches` does; case matters.
pub fn compile_whole(java: &str) -> Result<Regex, String> {
    build(&format!(r"\A(?:{})\z", translate(java)?))
}

/// A pattern to find within a text, as `Matcher.find` does; case matters.
pub fn compile_anywhere(java: &str) -> Result<Regex, String> {
    build(&translate(java)?)
}

fn compile(java: &str) -> Result<Regex, String> {
    build(&format!(r"\A(?i:{})\z", translate(java)?))
}

/// A regular expression of Java as the `regex` crate spells it.
fn translate(java: &str) -> Result<String, String> {
    let translation = Translation {
        rest: java.chars().peekable(),
        out: String::new(),
    };
    translation.run()
}

fn build(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| {
        // The last line is the reason; the lines before repeat the pattern, which may come from a secret.
        let text = error.to_string();
        let reason = text
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("does not compile: {reason}")
    })
}

struct Translation<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

impl Translation<'_> {
    fn run(mut self) -> Result<String, String> {
        while let Some(char) = self.rest.next() {
            match char {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '*' | '+' | '?' | '}' => self.quantifier(char)?,
                _ => self.literal(char),
            }
        }
        Ok(self.out)
    }

    /// Without `UNICODE_CASE`, Java folds the case of ASCII letters only.
    fn literal(&mut self, char: char) {
        if char.is_ascii() {
            self.out.push(char);
        } else {
            self.out
                .extend(["(?-i:", char.encode_utf8(&mut [0; 4]), ")"]);
        }
    }

    fn quantifier(&mut self, char: char) -> Result<(), String> {
        self.out.push(char);
        if self.rest.next_if_eq(&'+').is_some() {
            return Err(unsupported("a possessive quantifier"));
        }
        if let Some(lazy) = self.rest.next_if_eq(&'?') {
            self.out.push(lazy);
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        match self.rest.peek() {
            Some('=' | '!') => Err(unsupported("look-ahead")),
            Some('>') => Err(unsupported("an atomic group")),
            Some('<') => {
                self.out.push('<');
                self.rest.next();
                match self.rest.peek() {
                    Some('=' | '!') => Err(unsupported("look-behind")),
                    Some(_) | None => Ok(()),
                }
            }
            Some(_) | None => self.flags(),
        }
    }

    /// `(?i)` or `(?i:`. Java's `d`, `u`, `x` and `U` mean other things, or nothing, to the `regex` crate.
    fn flags(&mut self) -> Result<(), String> {
        for flag in self.rest.by_ref() {
            match flag {
                'i' | 's' | 'm' | '-' => self.out.push(flag),
                ':' | ')' => {
                    self.out.push(flag);
                    return Ok(());
                }
                _ => return Err(unsupported(&format!("the group flag \"{flag}\""))),
            }
        }
        Ok(())
    }

    /// A character class, nested classes and intersections (`&&`) included.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if let Some(negation) = self.rest.next_if_eq(&'^') {
            self.out.push(negation);
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some(char) = self.rest.next() {
            match char {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => self.class()?,
                '\\' => self.escape(true)?,
                // `[a~~b]` and `[[:alpha:]]` mean something else to the `regex` crate.
                '~' | ':' => self.out.extend(['\\', char]),
                _ => self.out.push(char),
            }
        }
        Err("has a character class without its end".to_owned())
    }

    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(char) = self.rest.next() else {
            return Err("ends with a single backslash".to_owned());
        };
        // Java's predefined classes are ASCII; those of the `regex` crate are Unicode.
        let ascii_class = match char {
            'd' => Some("[0-9]"),
            'D' => Some("[^0-9]"),
            'w' => Some("[a-zA-Z0-9_]"),
            'W' => Some("[^a-zA-Z0-9_]"),
            's' => Some(r"[ \t\n\x0B\f\r]"),
            'S' => Some(r"[^ \t\n\x0B\f\r]"),
            'h' => Some(r"[ \t\u{A0}\u{1680}\u{180E}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}]"),
            'v' => Some(r"[\n\x0B\f\r\u{85}\u{2028}\u{2029}]"),
            _ => None,
        };
        if let Some(class) = ascii_class {
            self.out.push_str(class);
            return Ok(());
        }
        match char {
            't' | 'n' | 'r' | 'f' | 'a' | 'x' => self.out.extend(['\\', char]),
            'e' => self.out.push_str(r"\x1B"),
            'u' => {
                let digits: String = self.rest.by_ref().take(4).collect();
                self.out.extend([r"\u{", &digits, "}"]);
            }
            'b' | 'B' | 'A' | 'z' if !in_class => self.out.extend(['\\', char]),
            'Z' if !in_class => self.out.push_str(r"\z"),
            'p' | 'P' => return self.property(char),
            'Q' => self.quotation(),
            '1'..='9' | 'k' => return Err(unsupported("a back-reference")),
            _ if char.is_ascii_alphanumeric() => {
                return Err(unsupported(&format!("the escape \"\\{char}\"")));
            }
            _ => self
                .out
                .push_str(&regex::escape(char.encode_utf8(&mut [0; 4]))),
        }
        Ok(())
    }

    /// `\p{…}`: Java's POSIX names are ASCII; one- and two-letter general categories are spelled alike.
    fn property(&mut self, letter: char) -> Result<(), String> {
        let name: String = if self.rest.next_if_eq(&'{').is_some() {
            self.rest.by_ref().take_while(|char| *char != '}').collect()
        } else {
            self.rest.next().into_iter().collect()
        };
        let posix = [
            "Lower", "Upper", "Alpha", "Digit", "Alnum", "Punct", "Space", "ASCII", "XDigit",
            "Blank", "Cntrl", "Graph", "Print",
        ];
        if posix.contains(&name.as_str()) {
            let negation = if letter == 'P' { "^" } else { "" };
            self.out
                .push_str(&format!("[[:{negation}{}:]]", name.to_ascii_lowercase()));
            return Ok(());
        }
        if (1..=2).contains(&name.len()) {
            self.out.push_str(&format!(r"\{letter}{{{name}}}"));
            return Ok(());
        }
        Err(unsupported(&format!("the character property \"{name}\"")))
    }

    /// `\Q…\E`: everything up to `\E`, or to the end, is literal.
    fn quotation(&mut self) {
        let mut quoted = String::new();
        while let Some(char) = self.rest.next() {
            if char == '\\' && self.rest.next_if_eq(&'E').is_some() {
                break;
            }
            quoted.push(char);
        }
        self.out.push_str(&regex::escape(&quoted));
    }
}

fn unsupported(construct: &str) -> String {
    format!(
        "uses {construct}, which walstreet cannot match; write it without, or use the include list instead of the exclude list"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_rules_keep_the_order_of_tables_and_columns() {
        let rules = parse_key_rules(r" inv.a:b,a ; (.*)\.x:Id ;").unwrap();
        let [KeyRule(first), KeyRule(second)] = rules.as_slice() else {
            panic!()
        };
        assert_eq!(
            (first.position("inv.a.b"), first.position("INV.a.A")),
            (Some(0), Some(1))
        );
        assert!(second.matches("any.x.id") && !second.matches("any.x.ident"));
        assert!(parse_key_rules("").unwrap().is_empty());
        for wrong in ["a", "a:", ":b", "a:b:c", "a b:c", "a:b;c"] {
            assert!(parse_key_rules(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_match_whole_and_ignore_the_case() {
        let list = parse_list(r"public.orders, inventory\..*").unwrap();
        assert!(list.matches("PUBLIC.Orders") && list.matches("inventory.a.b"));
        assert!(
            list.matches("publicxorders"),
            "an unescaped dot is any character"
        );
        assert!(!list.matches("public.orders_old") && !list.matches("x.public.orders"));
        assert_eq!(list.position("inventory.x"), Some(1));
    }

    #[test]
    fn alternatives_are_anchored_as_a_whole() {
        let list = parse_list("a|bc").unwrap();
        assert!(list.matches("a") && list.matches("bc"));
        assert!(!list.matches("abc") && !list.matches("ac") && !list.matches("ab"));
    }

    #[test]
    fn a_backslash_keeps_a_comma_in_the_pattern() {
        assert_eq!(split(r"a{1\,3}, b ,,c\\,d"), ["a{1,3}", "b", r"c\\", "d"]);
        assert!(parse_list(r"a{1\,3}").unwrap().matches("aaa"));
    }

    /// Expected values: `Pattern.compile(p, CASE_INSENSITIVE).matcher(text).matches()` as the Java manual defines it.
    #[test]
    fn java_spellings_keep_their_meaning() {
        for (pattern, text, expected) in [
            (r"\d+", "12", true),
            (r"\d+", "\u{661}", false),
            (r"\w+", "\u{e9}", false),
            (r"[\w.]+", "a.b", true),
            (r"\Qa.b\E.", "a.bc", true),
            (r"\Qa.b\E.", "axbc", false),
            (r"a\_b\<c", "a_b<c", true),
            (r"[a-z&&[^b]]+", "ac", true),
            (r"[a-z&&[^b]]+", "ab", false),
            (r"\p{Alpha}+", "aB", true),
            (r"\P{Alpha}+", "1-", true),
            (r"\p{Lu}x?+", "", false),
            (r"\u0041", "a", true),
            (r"\x41", "a", true),
            (r"[~~x]", "~", true),
            ("\u{c9}", "\u{e9}", false),
            (r"(?<schema>public)\.(?:a|b)", "public.b", true),
            (r"a.*?b", "aab", true),
        ] {
            match parse_list(pattern) {
                Ok(list) => assert_eq!(list.matches(text), expected, "{pattern} on {text}"),
                Err(reason) => assert!(pattern.contains("?+"), "{pattern}: {reason}"),
            }
        }
    }

    #[test]
    fn what_the_engine_cannot_do_is_named() {
        for (pattern, construct) in [
            ("(?!x).*", "look-ahead"),
            ("a,(?<=x)y", "entry 2 uses look-behind"),
            ("(?>a)", "atomic group"),
            ("a*+", "possessive"),
            (r"(a)\1", "back-reference"),
            (r"(?x)a", "group flag"),
            (r"\G", "escape"),
            (r"\p{IsLatin}", "character property"),
            ("(a", "does not compile"),
            ("[a", "character class"),
            ("*", "does not compile"),
        ] {
            let reason = parse_list(pattern).unwrap_err();
            assert!(reason.contains(construct), "{pattern}: {reason}");
        }
    }
}
