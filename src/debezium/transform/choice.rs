//! Options of which Debezium knows every value.

use crate::connect::transform::options::{OptionError, Options};

/// The value of the first name that is `name`'s text, in any case (`Field.withEnum`); any other text is refused.
pub(super) fn choice<T: Copy>(
    options: &Options<'_>,
    name: &str,
    choices: &[(&str, T)],
    default: T,
) -> Result<T, OptionError> {
    match options.text(name) {
        None => Ok(default),
        Some(text) => chosen(name, text, choices),
    }
}

pub(super) fn chosen<T: Copy>(
    name: &str,
    text: &str,
    choices: &[(&str, T)],
) -> Result<T, OptionError> {
    let found = choices
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
        OptionError::new(name, format!("must be one of {}", known.join(", ")))
    })
}

/// A text that is not blank (`Field.isRequired`).
pub(super) fn required<'a>(options: &Options<'a>, name: &str) -> Result<&'a str, OptionError> {
    match options.mandatory(name)? {
        "" => Err(OptionError::new(name, "a value is required")),
        text => Ok(text),
    }
}

/// `String.split` of Java: empty parts at the end are left out.
pub(super) fn java_split(text: &str, separator: char) -> Vec<&str> {
    if !text.contains(separator) {
        return vec![text];
    }
    let mut parts: Vec<_> = text.split(separator).collect();
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    parts
}
