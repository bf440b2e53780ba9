//! `include.list` and `exclude.list` of `TimezoneConverter`: of which tables and topics which fields are converted.

use std::collections::BTreeSet;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::choice::java_split;
use crate::connect::transform::options::{OptionError, Options};

pub(super) struct Rules {
    kind: ListKind,
    by_topic: Fields,
    by_table: Fields,
    by_any: Fields,
}

/// Without fields, all of them.
type Fields = FxHashMap<String, BTreeSet<String>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListKind {
    None,
    Include,
    Exclude,
}

/// Which fields of a struct are converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scopes {
    pub(super) before: Scope,
    pub(super) after: Scope,
    /// `None` unless a rule names one of its fields.
    pub(super) source: Option<Scope>,
}

impl Scope {
    pub(super) fn includes(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.contains(field),
            Self::AllBut(fields) => !fields.contains(field),
        }
    }
}

impl Rules {
    pub(super) fn new(options: &Options<'_>) -> Result<Self, OptionError> {
        let (include, exclude) = (options.list("include.list"), options.list("exclude.list"));
        let (kind, name, list) = match (include.is_empty(), exclude.is_empty()) {
            (true, true) => (ListKind::None, "include.list", Vec::new()),
            (false, true) => (ListKind::Include, "include.list", include),
            (true, false) => (ListKind::Exclude, "exclude.list", exclude),
            (false, false) => {
                let problem = "cannot be combined with include.list";
                return Err(OptionError::new("exclude.list", problem));
            }
        };
        if !list.is_empty() && !has_form(&list) {
            let problem = "must be of the form source:table:field, topic:topic:field or name:field";
            return Err(OptionError::new(name, problem));
        }
        let mut rules = Self {
            kind,
            by_topic: Fields::default(),
            by_table: Fields::default(),
            by_any: Fields::default(),
        };
        rules.add(&list);
        Ok(rules)
    }

    /// An item without `source:` or `topic:` takes that of the last item that has one.
    fn add(&mut self, list: &[&str]) {
        let mut last_prefix = None;
        for item in list {
            let parts = java_split(item, ':');
            let (prefix, name, field) = match parts.as_slice() {
                [name] => (None, *name, None),
                [prefix, name, rest @ ..] if is_prefix(prefix) => {
                    (Some(*prefix), *name, rest.first().copied())
                }
                [name, field, ..] => (None, *name, Some(*field)),
                [] => continue,
            };
            last_prefix = prefix.or(last_prefix);
            let fields = match last_prefix {
                Some("topic") => &mut self.by_topic,
                Some("source") => &mut self.by_table,
                Some(_) | None => &mut self.by_any,
            };
            let fields = fields.entry(name.to_owned()).or_default();
            fields.extend(field.map(str::to_owned));
        }
    }

    /// `None` leaves the record as it is.
    pub(super) fn scopes(&self, topic: &str, table: Option<&str>) -> Option<Scopes> {
        let table = table.unwrap_or_default();
        let found = self.by_topic.get(topic);
        let found = found.or_else(|| self.by_table.get(table));
        let found = found.or_else(|| self.by_any.get(topic));
        let found = found.or_else(|| self.by_any.get(table));
        match (self.kind, found) {
            (ListKind::None, _) | (ListKind::Exclude, None) => Some(Scopes::all()),
            (ListKind::Include, None) => None,
            (ListKind::Include, Some(fields)) if fields.is_empty() => Some(Scopes::all()),
            (ListKind::Include, Some(fields)) => Some(Scopes::of(fields, Scope::Only)),
            (ListKind::Exclude, Some(fields)) if fields.is_empty() => None,
            (ListKind::Exclude, Some(fields)) => Some(Scopes::of(fields, Scope::AllBut)),
        }
    }
}

impl Scopes {
    fn all() -> Self {
        Self {
            before: Scope::All,
            after: Scope::All,
            source: None,
        }
    }

    fn of(fields: &BTreeSet<String>, scope: impl Fn(BTreeSet<String>) -> Scope) -> Self {
        let (mut before, mut after, mut source) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for field in fields {
            if let Some(field) = field.strip_prefix("source.") {
                source.insert(field.to_owned());
            } else if let Some(field) = field.strip_prefix("before.") {
                before.insert(field.to_owned());
            } else if let Some(field) = field.strip_prefix("after.") {
                after.insert(field.to_owned());
            } else {
                before.insert(field.clone());
                after.insert(field.clone());
            }
        }
        Self {
            before: scope(before),
            after: scope(after),
            source: (!source.is_empty()).then(|| scope(source)),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    text.eq_ignore_ascii_case("source") || text.eq_ignore_ascii_case("topic")
}

/// Debezium's own pattern, on the list as Java prints it.
fn has_form(list: &[&str]) -> bool {
    const PART: &str = r#"[".A-Za-z0-9_\s]+"#;
    let pattern = format!(r"^\[{PART}:(?:{PART}(?::{PART})?(?:,|\]$))+$");
    let pattern = Regex::new(&pattern).expect("the pattern is our own");
    pattern.is_match(&format!("[{}]", list.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn rules(option: &str, list: &str) -> Result<Rules, OptionError> {
        let options = BTreeMap::from([(option.to_owned(), list.to_owned())]);
        Rules::new(&Options::new(&options))
    }

    fn only(fields: &[&str]) -> Scope {
        Scope::Only(fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn a_rule_names_a_table_or_a_topic_and_perhaps_a_field() {
        let rules = rules("include.list", "source:a:x,b:after.y,topic:s.c").unwrap();
        let scopes = |topic, table| rules.scopes(topic, Some(table));
        assert_eq!(scopes("s.a", "a").unwrap().before, only(&["x"]));
        let table_b = scopes("s.b", "b").unwrap();
        assert_eq!((table_b.before, table_b.after), (only(&[]), only(&["y"])));
        assert_eq!(scopes("s.c", "c"), Some(Scopes::all()));
        assert_eq!(scopes("s.d", "d"), None);
    }

    #[test]
    fn the_source_block_is_only_touched_where_a_field_of_it_is_named() {
        let rules = rules("exclude.list", "source:a:source.ts_ms").unwrap();
        let scopes = rules.scopes("s.a", Some("a")).unwrap();
        let source = scopes.source.unwrap();
        assert!(!source.includes("ts_ms") && source.includes("ts_us"));
        assert!(rules.scopes("s.b", Some("b")).unwrap().source.is_none());
    }

    #[test]
    fn a_list_of_another_form_is_refused() {
        for list in ["a", "source:a-b", "a:b:c:d"] {
            assert!(rules("include.list", list).is_err(), "{list}");
        }
        assert!(rules("include.list", "a:b, c:d").is_ok());
    }
}
