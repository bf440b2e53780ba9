//! Sets of values: `*`, values, `!value` for every other, `null`; `=` before a value takes it literally.

use serde::Deserialize;

/// `from` or `to` of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct States(Vec<StatePattern>);

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum StatePattern {
    Any,
    /// SQL's null.
    Null,
    Value(String),
    /// Every value but this one, null too.
    Not(String),
    NotNull,
}

impl States {
    #[must_use]
    pub fn any() -> Self {
        Self(vec![StatePattern::Any])
    }

    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.contains(&StatePattern::Any)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A value that the set names, if it names one.
    #[must_use]
    pub fn example(&self) -> Option<&str> {
        self.0.iter().find_map(|pattern| match pattern {
            StatePattern::Value(value) => Some(value.as_str()),
            StatePattern::Any
            | StatePattern::Null
            | StatePattern::Not(_)
            | StatePattern::NotNull => None,
        })
    }

    /// Whether the value, `None` for null, is in the set: what the patterns name, less what they deny. A set of denials alone
    /// has every other value.
    #[must_use]
    pub fn contains(&self, value: Option<&[u8]>) -> bool {
        self.decide(|pattern| pattern.matches(value))
    }

    /// The same for a value that no pattern names.
    #[must_use]
    pub fn contains_others(&self) -> bool {
        self.decide(|pattern| match pattern {
            StatePattern::Any | StatePattern::Not(_) | StatePattern::NotNull => true,
            StatePattern::Null | StatePattern::Value(_) => false,
        })
    }

    /// The values that it names or denies.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|pattern| match pattern {
            StatePattern::Value(value) | StatePattern::Not(value) => Some(value.as_str()),
            StatePattern::Any | StatePattern::Null | StatePattern::NotNull => None,
        })
    }

    fn decide(&self, matches: impl Fn(&StatePattern) -> bool) -> bool {
        let mut named = None;
        for pattern in &self.0 {
            let matches = matches(pattern);
            match pattern {
                StatePattern::Not(_) | StatePattern::NotNull if !matches => return false,
                StatePattern::Not(_) | StatePattern::NotNull => {}
                StatePattern::Any | StatePattern::Null | StatePattern::Value(_) => {
                    named = Some(named.unwrap_or(false) || matches);
                }
            }
        }
        named.unwrap_or(true)
    }
}

impl StatePattern {
    fn matches(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Any => true,
            Self::Null => value.is_none(),
            Self::NotNull => value.is_some(),
            Self::Value(text) => value == Some(text.as_bytes()),
            Self::Not(text) => value != Some(text.as_bytes()),
        }
    }
}

impl From<String> for StatePattern {
    fn from(text: String) -> Self {
        match text.as_str() {
            "*" => Self::Any,
            "null" => Self::Null,
            "!null" => Self::NotNull,
            text => match (text.strip_prefix('!'), text.strip_prefix('=')) {
                (Some(denied), _) => {
                    Self::Not(denied.strip_prefix('=').unwrap_or(denied).to_owned())
                }
                (None, Some(literal)) => Self::Value(literal.to_owned()),
                (None, None) => Self::Value(text.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_names_less_what_it_denies() {
        let contains = |patterns: &[&str], value: Option<&str>| {
            let patterns = patterns
                .iter()
                .map(|text| StatePattern::from((*text).to_owned()));
            States(patterns.collect()).contains(value.map(str::as_bytes))
        };
        assert!(contains(&["*"], Some("X")) && contains(&["*"], None));
        assert!(contains(&["A", "B"], Some("B")) && !contains(&["A", "B"], Some("C")));
        assert!(
            !contains(&["A"], None)
                && contains(&["null"], None)
                && !contains(&["null"], Some("null"))
        );
        assert!(
            contains(&["=null"], Some("null"))
                && contains(&["=*"], Some("*"))
                && !contains(&["=*"], Some("A"))
        );
        assert!(
            contains(&["!A"], Some("B"))
                && !contains(&["!A"], Some("A"))
                && contains(&["!A"], None)
        );
        assert!(
            !contains(&["!A", "!null"], None)
                && contains(&["!A", "!B"], Some("C"))
                && !contains(&["!A", "!B"], Some("B"))
        );
        assert!(!contains(&["*", "!A"], Some("A")) && contains(&["*", "!A"], Some("B")));
        assert!(contains(&["!=!A"], Some("A")) && !contains(&["!=!A"], Some("!A")));
    }

    #[test]
    fn a_value_that_no_pattern_names_is_like_any_other_of_them() {
        let sets: [&[&str]; 9] = [
            &["*"],
            &["A"],
            &["null"],
            &["!null"],
            &["!A"],
            &["A", "!null"],
            &["*", "!A"],
            &["A", "!B"],
            &["null", "*"],
        ];
        for set in sets {
            let patterns = set
                .iter()
                .map(|text| StatePattern::from((*text).to_owned()));
            let states = States(patterns.collect());
            assert_eq!(
                states.contains_others(),
                states.contains(Some(b"unnamed")),
                "{set:?}"
            );
        }
    }
}
