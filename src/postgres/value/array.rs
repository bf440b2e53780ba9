//! Array literals: `{1,NULL,"a \"b\"",{…}}`, `[2:3]={a,b}`.

use std::borrow::Cow;

use super::Malformed;

const MALFORMED: Malformed = Malformed("array");

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    Null,
    /// Without quotes and escapes.
    Text(Cow<'a, [u8]>),
    /// An element of an array with more than one dimension: its own literal.
    Array(&'a [u8]),
}

/// The elements of the outermost dimension.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    /// What follows the opening brace or a comma; `None` after the closing brace or an error.
    rest: Option<&'a [u8]>,
    /// What may stand between elements.
    separators: &'static [u8],
}

impl<'a> Elements<'a> {
    pub fn parse(literal: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse_separated(literal, b",")
    }

    /// The same for types with another delimiter (`typdelim`): one of these bytes.
    pub fn parse_separated(
        literal: &'a [u8],
        separators: &'static [u8],
    ) -> Result<Self, Malformed> {
        let rest = match without_bounds(literal)? {
            b"{}" => None,
            [b'{', rest @ ..] => Some(rest),
            _ => return Err(MALFORMED),
        };
        Ok(Self { rest, separators })
    }

    fn read(&mut self, text: &'a [u8]) -> Option<Element<'a>> {
        let (element, rest) = match text.first()? {
            b'"' => read_quoted(&text[1..])?,
            b'{' => read_nested(text)?,
            _ => read_plain(text, self.separators)?,
        };
        self.rest = match rest {
            b"}" => None,
            [byte, rest @ ..] if self.separators.contains(byte) => Some(rest),
            _ => return None,
        };
        Some(element)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.take()?;
        Some(self.read(text).ok_or(MALFORMED))
    }
}

/// Lower bounds other than 1 are printed in front: `[2:3]={a,b}`.
fn without_bounds(literal: &[u8]) -> Result<&[u8], Malformed> {
    if literal.first() != Some(&b'[') {
        return Ok(literal);
    }
    let equals = literal
        .iter()
        .position(|&byte| byte == b'=')
        .ok_or(MALFORMED)?;
    Ok(&literal[equals + 1..])
}

fn read_plain<'a>(text: &'a [u8], separators: &[u8]) -> Option<(Element<'a>, &'a [u8])> {
    let ends = |byte: &u8| *byte == b'}' || separators.contains(byte);
    let end = text.iter().position(ends)?;
    let (plain, rest) = text.split_at(end);
    let element = match plain {
        b"" => return None,
        b"NULL" => Element::Null,
        _ => Element::Text(Cow::Borrowed(plain)),
    };
    Some((element, rest))
}

/// `text` begins behind the opening quote.
fn read_quoted(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if text[end] == b'"' {
        return Some((Element::Text(Cow::Borrowed(&text[..end])), &text[end + 1..]));
    }
    let mut unescaped = text[..end].to_vec();
    let mut rest = &text[end..];
    loop {
        match rest {
            [b'"', rest @ ..] => return Some((Element::Text(Cow::Owned(unescaped)), rest)),
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                unescaped.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

fn read_nested(text: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let mut depth = 0;
    let mut quoted = false;
    let mut index = 0;
    loop {
        match text.get(index)? {
            b'\\' => index += 1,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => depth -= 1,
            _ => {}
        }
        index += 1;
        if depth == 0 {
            let (nested, rest) = text.split_at(index);
            return Some((Element::Array(nested), rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(literal: &str) -> Result<Vec<Element<'_>>, Malformed> {
        Elements::parse(literal.as_bytes())?.collect()
    }

    fn text(text: &str) -> Element<'_> {
        Element::Text(Cow::Borrowed(text.as_bytes()))
    }

    #[test]
    fn quoting_tells_null_from_the_word() {
        let expected = vec![
            text("a"),
            text("b c"),
            Element::Null,
            text("NULL"),
            text(""),
            text("\"q\""),
            text("\\b"),
        ];
        assert_eq!(
            elements(r#"{a,"b c",NULL,"NULL","","\"q\"","\\b"}"#),
            Ok(expected)
        );
        assert_eq!(elements("{}"), Ok(vec![]));
        assert_eq!(elements("[2:3]={1,2}"), Ok(vec![text("1"), text("2")]));
    }

    #[test]
    fn boxes_stand_between_semicolons() {
        let parsed: Result<Vec<_>, _> =
            Elements::parse_separated(b"{(1,1),(0,0);NULL;(3,3),(2,2)}", b";")
                .unwrap()
                .collect();
        let expected = vec![text("(1,1),(0,0)"), Element::Null, text("(3,3),(2,2)")];
        assert_eq!(parsed, Ok(expected));
    }

    #[test]
    fn inner_dimensions_are_left_as_they_are() {
        let nested = |literal: &'static str| Element::Array(literal.as_bytes());
        assert_eq!(
            elements("{{1,2},{3,4}}"),
            Ok(vec![nested("{1,2}"), nested("{3,4}")])
        );
        assert_eq!(
            elements(r#"[0:0][1:1]={{"}\""}}"#),
            Ok(vec![nested(r#"{"}\""}"#)])
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for literal in [
            "", "{", "{a", "{a,", "{a,}", "{\"a}", "{\"a\"b}", "{a}b", "a", "[1:2]", "{{1}",
            "{\"\\",
        ] {
            assert!(elements(literal).is_err(), "{literal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(values in proptest::collection::vec(".*", 1..5)) {
            let quoted: Vec<_> = values.iter().map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))).collect();
            let literal = format!("{{{}}}", quoted.join(","));
            let expected: Vec<_> = values.iter().map(|value| text(value)).collect();
            prop_assert_eq!(elements(&literal), Ok(expected));
        }
    }
}
