//! Walks JSON text token by token and knows where it is. It keeps the bytes as they are and parses no value.

/// One token with the white space before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) gap: &'a [u8],
    pub(super) text: &'a [u8],
    /// Position of `text`.
    pub(super) start: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    Comma,
    Colon,
    Name,
    Text,
    Number,
    /// `true`, `false`, `null`.
    Literal,
}

impl Kind {
    pub(super) fn is_scalar(self) -> bool {
        matches!(self, Self::Text | Self::Number | Self::Literal)
    }
}

/// The tokens of a text up to its end or to the first byte that cannot be JSON.
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    levels: Vec<Level<'a>>,
}

enum Level<'a> {
    Object { name: &'a [u8], expects_name: bool },
    Array { index: usize },
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            levels: Vec::new(),
        }
    }

    /// Everything from here on, with the white space before it.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Where the last token was: `payload.after.tags[2]`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for level in &self.levels {
            match level {
                Level::Object { name: [], .. } => {}
                Level::Object { name, .. } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&String::from_utf8_lossy(name));
                }
                Level::Array { index } => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// The names on the way to the last token, when there are `N` and no array is among them.
    pub(super) fn names<const N: usize>(&self) -> Option<[&'a [u8]; N]> {
        if self.levels.len() != N {
            return None;
        }
        let mut names = [&[] as &[u8]; N];
        for (slot, level) in names.iter_mut().zip(&self.levels) {
            match level {
                Level::Object { name, .. } => *slot = name,
                Level::Array { .. } => return None,
            }
        }
        Some(names)
    }

    fn length_and_kind(&mut self, rest: &'a [u8]) -> Option<(usize, Kind)> {
        match rest.first()? {
            b'{' => {
                self.levels.push(Level::Object {
                    name: &[],
                    expects_name: true,
                });
                Some((1, Kind::Open))
            }
            b'[' => {
                self.levels.push(Level::Array { index: 0 });
                Some((1, Kind::Open))
            }
            b'}' | b']' => {
                self.levels.pop()?;
                Some((1, Kind::Close))
            }
            b',' => {
                match self.levels.last_mut()? {
                    Level::Object { expects_name, .. } => *expects_name = true,
                    Level::Array { index } => *index += 1,
                }
                Some((1, Kind::Comma))
            }
            b':' => Some((1, Kind::Colon)),
            b'"' => self.string(rest),
            b'-' | b'0'..=b'9' => {
                let is_part = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                Some((run(rest, is_part), Kind::Number))
            }
            b'a'..=b'z' => Some((run(rest, u8::is_ascii_alphabetic), Kind::Literal)),
            _ => None,
        }
    }

    fn string(&mut self, rest: &'a [u8]) -> Option<(usize, Kind)> {
        let mut end = 1;
        loop {
            match rest.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let length = end + 1;
        if let Some(Level::Object { name, expects_name }) = self.levels.last_mut()
            && *expects_name
        {
            *name = rest.get(1..end)?;
            *expects_name = false;
            return Some((length, Kind::Name));
        }
        Some((length, Kind::Text))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let gap_length = run(rest, u8::is_ascii_whitespace);
        let (gap, rest) = rest.split_at(gap_length);
        let (length, kind) = self.length_and_kind(rest)?;
        let start = self.at + gap_length;
        self.at = start + length;
        Some(Token {
            gap,
            text: rest.get(..length)?,
            start,
            kind,
        })
    }
}

fn run(bytes: &[u8], is_part: impl Fn(&u8) -> bool) -> usize {
    bytes
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(text: &str) -> Vec<(String, String)> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(token) = tokens.next() {
            if token.kind.is_scalar() {
                let text = String::from_utf8_lossy(token.text).into_owned();
                found.push((tokens.path(), text));
            }
        }
        found
    }

    #[test]
    fn every_scalar_has_its_path_and_its_spelling() {
        let text = r#"{"a":{"b":[1.0E10,{"c":"x\"}"},[null]]},"d":-0.0}"#;
        let expected = [
            ("a.b[0]", "1.0E10"),
            ("a.b[1].c", r#""x\"}""#),
            ("a.b[2][0]", "null"),
            ("d", "-0.0"),
        ];
        let expected: Vec<_> = expected.map(|(p, t)| (p.to_owned(), t.to_owned())).into();
        assert_eq!(scalars(text), expected);
    }

    #[test]
    fn white_space_stays_with_the_token_that_follows_it() {
        let tokens: Vec<_> = Tokens::new(b"[ 1 ]").collect();
        assert_eq!((tokens[1].gap, tokens[1].text), (&b" "[..], &b"1"[..]));
        assert_eq!((tokens[2].gap, tokens[2].text), (&b" "[..], &b"]"[..]));
    }

    #[test]
    fn text_that_is_not_json_ends_the_walk_and_remains_as_the_rest() {
        for text in ["\u{1}abc", "\"open", "}", "{\"a\":?", "\"\\"] {
            let mut tokens = Tokens::new(text.as_bytes());
            while tokens.next().is_some() {}
            assert!(!tokens.rest().is_empty(), "{text}");
        }
    }
}
