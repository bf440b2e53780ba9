//! `RegexRouter`: another topic for those whose name matches.

use super::options::{OptionError, Options};
use super::{Transform, TransformError};
use crate::config::replacement::{Invalid, Replacement};
use crate::connect::record::SourceRecord;

#[derive(Debug)]
pub struct RegexRouter(Replacement);

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
        let router = Replacement::parse(regex.1, replacement.1).map(Self);
        router.map_err(|invalid| match invalid {
            Invalid::Pattern(problem) => OptionError::new(regex.0, problem),
            Invalid::Template(problem) => OptionError::new(replacement.0, problem),
        })
    }

    /// The topic's new name; `None` when the pattern does not match the whole of it.
    #[must_use]
    pub fn route(&self, topic: &str) -> Option<String> {
        self.0.apply(topic)
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
