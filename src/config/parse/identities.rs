//! `replica.identity.autoset.values`.

use super::Parser;
use crate::config::connector::{IdentityRule, WantedIdentity};
use crate::config::error::Problem;
use crate::config::patterns;

const PROPERTY: &str = "replica.identity.autoset.values";

impl Parser<'_> {
    /// `regex:DEFAULT`, `regex:FULL`, `regex:NOTHING`, `regex:INDEX name`, separated by commas
    /// (`ReplicaIdentityMapper.REPLICA_AUTO_SET_PATTERN`).
    pub(super) fn replica_identities(&mut self) -> Vec<IdentityRule> {
        let text = self.text(PROPERTY);
        let mut rules = Vec::new();
        for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
            match rule(entry.trim()) {
                Some(rule) => rules.push(rule),
                None => self.problems.push(Problem::invalid(
                    PROPERTY,
                    format!("{entry} has an invalid format (expecting regex:DEFAULT, regex:FULL, regex:NOTHING or regex:INDEX name)"),
                )),
            }
        }
        rules
    }
}

fn rule(entry: &str) -> Option<IdentityRule> {
    let (tables, identity) = entry.split_once(':')?;
    let is = |word: &str| identity.eq_ignore_ascii_case(word);
    let identity = if is("DEFAULT") {
        WantedIdentity::Default
    } else if is("FULL") {
        WantedIdentity::Full
    } else if is("NOTHING") {
        WantedIdentity::Nothing
    } else {
        let (word, name) = identity.split_once(' ')?;
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !word.eq_ignore_ascii_case("INDEX") || name.is_empty() || !name.chars().all(is_name) {
            return None;
        }
        WantedIdentity::Index(name.to_owned())
    };
    let is_pattern = !tables.is_empty() && !tables.contains(char::is_whitespace);
    Some(IdentityRule {
        tables: patterns::parse_list(tables).ok().filter(|_| is_pattern)?,
        identity,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_tables_and_an_identity_in_any_case() {
        let parsed = |entry| rule(entry).map(|rule| rule.identity);
        assert_eq!(parsed("public.a:full"), Some(WantedIdentity::Full));
        assert_eq!(
            parsed("public.*:INDEX a_key"),
            Some(WantedIdentity::Index("a_key".to_owned()))
        );
        for wrong in [
            "public.a",
            ":FULL",
            "public.a:INDEX",
            "public.a:ALL",
            "a b:FULL",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
