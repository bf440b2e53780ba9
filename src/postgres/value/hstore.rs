//! The entries of an hstore: `"a"=>"1", "b"=>NULL`, in which a backslash escapes quotes and backslashes.

use std::borrow::Cow;

use super::Malformed;

const MALFORMED: Malformed = Malformed("hstore");

/// Key and value, without quotes and escapes.
pub type Entry<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

/// All entries, in the order of the text. No key comes twice.
pub fn parse(mut text: &[u8]) -> Result<Vec<Entry<'_>>, Malformed> {
    let mut entries = Vec::new();
    while !text.is_empty() {
        let (entry, rest) = read_entry(text).ok_or(MALFORMED)?;
        entries.push(entry);
        text = match rest {
            b"" => rest,
            _ => rest
                .strip_prefix(b", ")
                .filter(|rest| !rest.is_empty())
                .ok_or(MALFORMED)?,
        };
    }
    Ok(entries)
}

fn read_entry(text: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (key, rest) = read_quoted(text)?;
    let rest = rest.strip_prefix(b"=>")?;
    if let Some(rest) = rest.strip_prefix(b"NULL") {
        return Some(((key, None), rest));
    }
    let (value, rest) = read_quoted(rest)?;
    Some(((key, Some(value)), rest))
}

fn read_quoted(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    if text[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut unescaped = text[..end].to_vec();
    let mut rest = &text[end..];
    loop {
        match rest {
            [b'"', rest @ ..] => return Some((Cow::Owned(unescaped), rest)),
            [b'\\', byte, after @ ..] => {
                unescaped.push(*byte);
                rest = after;
            }
            [b'\\'] | [] => return None,
            [byte, after @ ..] => {
                unescaped.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(text: &str) -> Result<Vec<(String, Option<String>)>, Malformed> {
        let owned = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).unwrap();
        let parsed = parse(text.as_bytes())?;
        Ok(parsed
            .into_iter()
            .map(|(key, value)| (owned(key), value.map(owned)))
            .collect())
    }

    #[test]
    fn quotes_tell_null_from_the_word() {
        let pair = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
        assert_eq!(
            entries(r#""a"=>"1", "b"=>NULL, "c d"=>"NULL", "q\""=>"\\", ""=>"=>, ""#),
            Ok(vec![
                pair("a", Some("1")),
                pair("b", None),
                pair("c d", Some("NULL")),
                pair("q\"", Some("\\")),
                pair("", Some("=>, ")),
            ])
        );
        assert_eq!(entries(""), Ok(vec![]));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "a",
            "\"a",
            "\"a\"",
            "\"a\"=>",
            "\"a\"=>b",
            "\"a\"=>\"b",
            "\"a\"=>\"b\",",
            "\"a\"=>\"b\", ",
            "\"a\"=>\"b\"\"c\"=>\"d\"",
            "\"a\"=>\"\\",
        ] {
            assert_eq!(entries(text), Err(MALFORMED), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(pairs in proptest::collection::vec((".*", proptest::option::of(".*")), 0..5)) {
            let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let texts: Vec<_> = pairs
                .iter()
                .map(|(key, value)| format!("{}=>{}", quoted(key), value.as_ref().map_or("NULL".to_owned(), quoted)))
                .collect();
            prop_assert_eq!(entries(&texts.join(", ")), Ok(pairs));
        }
    }
}
