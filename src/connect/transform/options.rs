//! A transform's or predicate's own properties, without the prefix `transforms.NAME.`.

use std::collections::BTreeMap;

/// The options by name. What is asked for is remembered, so that the rest can be reported as unknown.
#[derive(Debug)]
pub struct Options<'a> {
    options: &'a BTreeMap<String, String>,
    asked: std::cell::RefCell<Vec<String>>,
}

/// An option that is missing or wrong, in words that name neither transform nor prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("option \"{option}\": {problem}")]
pub struct OptionError {
    pub option: String,
    pub problem: String,
}

impl OptionError {
    #[must_use]
    pub fn new(option: &str, problem: impl Into<String>) -> Self {
        Self {
            option: option.to_owned(),
            problem: problem.into(),
        }
    }
}

impl<'a> Options<'a> {
    #[must_use]
    pub fn new(options: &'a BTreeMap<String, String>) -> Self {
        Self {
            options,
            asked: std::cell::RefCell::default(),
        }
    }

    /// `None` when it is not given. An empty text is given.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.asked.borrow_mut().push(name.to_owned());
        self.options.get(name).map(|text| text.trim())
    }

    pub fn mandatory(&self, name: &str) -> Result<&'a str, OptionError> {
        self.text(name)
            .ok_or_else(|| OptionError::new(name, "is missing and has no default"))
    }

    pub fn boolean(&self, name: &str, default: bool) -> Result<bool, OptionError> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .to_ascii_lowercase()
                .parse()
                .map_err(|_| OptionError::new(name, "true or false is expected")),
        }
    }

    /// Comma-separated, each part trimmed (`ConfigDef.Type.LIST`); empty when not given.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&'a str> {
        match self.text(name) {
            None | Some("") => Vec::new(),
            Some(text) => text.split(',').map(str::trim).collect(),
        }
    }

    /// Options below `prefix`, without it.
    pub fn below(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.asked.borrow_mut().push(format!("{prefix}*"));
        let prefix = prefix.to_owned();
        self.options.iter().filter_map(move |(name, text)| {
            Some((name.strip_prefix(prefix.as_str())?, text.as_str()))
        })
    }

    /// What was given and never asked for: Connect ignores it, so a warning names it.
    #[must_use]
    pub fn unknown(&self) -> Vec<&'a str> {
        let asked = self.asked.borrow();
        let is_asked = |name: &str| {
            asked.iter().any(|asked| match asked.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => asked == name,
            })
        };
        let names = self.options.keys().map(String::as_str);
        names.filter(|name| !is_asked(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_unknown() {
        let given = ["field", "spec.a", "typo"].map(|name| (name.to_owned(), "x".to_owned()));
        let given = BTreeMap::from(given);
        let options = Options::new(&given);
        assert_eq!(options.text("field"), Some("x"));
        assert_eq!(options.below("spec.").collect::<Vec<_>>(), [("a", "x")]);
        assert_eq!(options.unknown(), ["typo"]);
    }

    #[test]
    fn a_boolean_is_not_guessed() {
        let given = BTreeMap::from([("negate".to_owned(), "yes".to_owned())]);
        assert!(Options::new(&given).boolean("negate", false).is_err());
    }
}
