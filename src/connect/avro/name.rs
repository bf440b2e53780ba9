//! Names as Avro wants them (`AvroData.splitName`, `doScrubName`; `org.apache.avro.Schema.validateName`).

use std::borrow::Cow;

use super::error::Error;

/// Namespace of records without a name of their own.
pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";

/// A namespace and a name without dots. As in Avro's Java library, only the name has to be legal.
pub(super) fn split(full: &str, scrub: bool) -> Result<(Option<String>, String), Error> {
    let (namespace, name) = match full.rsplit_once('.') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, full),
    };
    let name = legal(name, scrub)?.into_owned();
    let namespace = namespace.map(|namespace| {
        let parts: Vec<_> = namespace
            .split('.')
            .map(|part| scrubbed(part, scrub))
            .collect();
        parts.join(".")
    });
    Ok((namespace, name))
}

/// A name without dots, scrubbed if it may be, else refused if it has to be.
pub(super) fn legal(name: &str, scrub: bool) -> Result<Cow<'_, str>, Error> {
    let name = scrubbed(name, scrub);
    let mut characters = name.chars();
    let starts_well = characters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_');
    if starts_well && characters.all(|next| next.is_alphanumeric() || next == '_') {
        return Ok(name);
    }
    Err(Error::IllegalName {
        name: name.into_owned(),
    })
}

pub(super) fn scrubbed(name: &str, scrub: bool) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_with_digit = name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if !scrub || name.bytes().all(is_plain) && !starts_with_digit {
        return Cow::Borrowed(name);
    }
    // `URLEncoder` makes %XX of a byte, and the percent sign becomes an underscore.
    let mut scrubbed = String::from(if starts_with_digit { "x" } else { "" });
    for byte in name.bytes() {
        match byte {
            byte if is_plain(byte) => scrubbed.push(char::from(byte)),
            b' ' | b'.' | b'-' | b'*' => scrubbed.push('_'),
            byte => scrubbed.push_str(&format!("_{byte:02X}")),
        }
    }
    Cow::Owned(scrubbed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `AvroData.doScrubName` 7.0.16.
    #[test]
    fn names_are_scrubbed_as_confluent_does() {
        for (name, expected) in [
            ("plain_1", "plain_1"),
            ("1st", "x1st"),
            ("a-b c", "a_b_c"),
            ("a$b", "a_24b"),
            ("größe", "gr_C3_B6_C3_9Fe"),
        ] {
            assert_eq!(legal(name, true).unwrap(), expected);
        }
    }

    #[test]
    fn a_namespace_may_hold_what_a_name_may_not() {
        let (namespace, name) = split("my-prefix.public.t.Value", false).unwrap();
        assert_eq!(namespace.as_deref(), Some("my-prefix.public.t"));
        assert_eq!(name, "Value");
        assert!(split("prefix.we ird", false).is_err());
        assert!(split("", false).is_err());
    }
}
