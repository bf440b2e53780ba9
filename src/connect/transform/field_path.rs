//! `field` with `field.syntax.version`: `SingleFieldPath` and `FieldSyntaxVersion`.

use super::options::{OptionError, Options};

/// The names from the root to the field. V1 knows only fields of the root.
pub(super) fn from_options(
    options: &Options<'_>,
    option: &str,
) -> Result<Vec<String>, OptionError> {
    let path = options.mandatory(option)?;
    match options.text("field.syntax.version") {
        None => Ok(vec![path.to_owned()]),
        Some(version) if version.eq_ignore_ascii_case("V1") => Ok(vec![path.to_owned()]),
        Some(version) if version.eq_ignore_ascii_case("V2") => {
            let steps = parse_v2(path).filter(|steps| !steps.is_empty());
            steps.ok_or_else(|| {
                OptionError::new(
                    option,
                    "is empty or has an incomplete backtick pair; a backslash before a backtick escapes it",
                )
            })
        }
        Some(_) => Err(OptionError::new(
            "field.syntax.version",
            "V1 or V2 is expected",
        )),
    }
}

/// Splits at dots; a name between backticks can have dots of its own. `None` if a backtick is not closed.
fn parse_v2(path: &str) -> Option<Vec<String>> {
    let (mut steps, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('`') {
            let (step, after) = parse_quoted(quoted)?;
            steps.push(step);
            rest = after;
        } else if let Some((step, after)) = rest.split_once('.') {
            steps.push(step.to_owned());
            rest = after;
        } else {
            steps.push(rest.to_owned());
            rest = "";
        }
    }
    if path.ends_with('.') {
        steps.push(String::new());
    }
    Some(steps)
}

/// A name up to the backtick that a dot or the end follows, and what comes after the dot. Other backticks belong to the name;
/// so does one before a dot that a backslash escapes, without the backslash.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let (mut step, mut start) = (String::new(), 0);
    for (index, _) in text.match_indices('`') {
        let is_escaped = text[..index].ends_with('\\');
        let after = &text[index + 1..];
        if after.is_empty() {
            step.push_str(&text[start..index]);
            return (!is_escaped).then_some((step, ""));
        }
        let Some(after) = after.strip_prefix('.') else {
            continue;
        };
        if is_escaped {
            step.push_str(&text[start..index - 1]);
            step.push('`');
            start = index + 1;
        } else {
            step.push_str(&text[start..index]);
            return Some((step, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of KIP-821 and `FieldPathNotationTest` of Kafka.
    #[test]
    fn dots_split_and_backticks_hold_together() {
        for (path, steps) in [
            ("foo.bar.baz", Some(vec!["foo", "bar", "baz"])),
            ("`foo.bar`.baz", Some(vec!["foo.bar", "baz"])),
            ("foo.`bar.baz`", Some(vec!["foo", "bar.baz"])),
            ("foo.`bar", None),
            (r"foo.`bar\`.baz`", Some(vec!["foo", "bar`.baz"])),
            ("`foo`bar`.baz", Some(vec!["foo`bar", "baz"])),
            ("foo.", Some(vec!["foo", ""])),
            ("..", Some(vec!["", "", ""])),
        ] {
            let steps = steps.map(|steps| steps.into_iter().map(str::to_owned).collect());
            assert_eq!(parse_v2(path), steps, "{path}");
        }
    }
}
