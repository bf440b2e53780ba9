//! The rules of `column.*` and `datatype.propagate.source.type` (`ColumnMappers.create`).

use super::Parser;
use crate::config::connector::{
    ColumnAction, ColumnRule, HashAlgorithm, HashForm, PatternList, RuleTarget, Salt,
};
use crate::config::error::Problem;
use crate::config::patterns;

impl Parser<'_> {
    /// In the order in which they are looked at: the first that matches a column applies.
    pub(super) fn column_rules(&mut self) -> Vec<ColumnRule> {
        let mut rules = Vec::new();
        let truncate = |length| (length > 0).then_some(ColumnAction::Truncate { length });
        self.numbered("column.truncate.to.", truncate, &mut rules);
        let mask = |length| Some(ColumnAction::Mask { length });
        self.numbered("column.mask.with.", mask, &mut rules);
        for (name, target) in [
            ("column.propagate.source.type", RuleTarget::Column),
            ("datatype.propagate.source.type", RuleTarget::Datatype),
        ] {
            let value = self.text(name);
            self.add_rule(
                name,
                &value,
                target,
                ColumnAction::PropagateType,
                &mut rules,
            );
        }
        self.hashes(false, &mut rules);
        self.hashes(true, &mut rules);
        rules
    }

    /// `column.….N.chars`.
    fn numbered(
        &mut self,
        prefix: &str,
        action: impl Fn(u32) -> Option<ColumnAction>,
        rules: &mut Vec<ColumnRule>,
    ) {
        for (rest, value) in self.settings.below(prefix) {
            let name = format!("{prefix}{rest}");
            let number = rest
                .strip_suffix(".chars")
                .and_then(|number| number.parse().ok());
            match number.and_then(&action) {
                Some(action) => self.add_rule(&name, &value, RuleTarget::Column, action, rules),
                None => self.problems.push(Problem::invalid(
                    &name,
                    "a number of characters is expected before \".chars\"",
                )),
            }
        }
    }

    /// `column.mask.hash.ALGORITHM.with.salt.SALT`, or the same after `column.mask.hash.v2.`.
    fn hashes(&mut self, is_second_form: bool, rules: &mut Vec<ColumnRule>) {
        const PREFIX: &str = "column.mask.hash.";
        for (rest, value) in self.settings.below(PREFIX) {
            let (form, specification) = match rest.strip_prefix("v2.") {
                Some(specification) => (HashForm::Utf8, specification),
                None => (HashForm::Serialized, rest.as_str()),
            };
            if is_second_form != (form == HashForm::Utf8) {
                continue;
            }
            let parts = specification
                .split_once(".with.salt.")
                .filter(|(_, salt)| !salt.is_empty());
            let algorithm = parts.and_then(|(algorithm, _)| HashAlgorithm::from_java(algorithm));
            let (Some((_, salt)), Some(algorithm)) = (parts, algorithm) else {
                // The name holds the salt.
                self.problems.push(Problem::invalid(
                    "column.mask.hash.*",
                    "expected is column.mask.hash.ALGORITHM.with.salt.SALT, where the algorithm is MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512",
                ));
                continue;
            };
            let action = ColumnAction::Hash {
                algorithm,
                salt: Salt(salt.to_owned()),
                form,
            };
            self.add_rule(
                "column.mask.hash.*",
                &value,
                RuleTarget::Column,
                action,
                rules,
            );
        }
    }

    fn add_rule(
        &mut self,
        name: &str,
        value: &str,
        target: RuleTarget,
        action: ColumnAction,
        rules: &mut Vec<ColumnRule>,
    ) {
        match patterns::parse_list(value) {
            Ok(PatternList(patterns)) if patterns.is_empty() => {}
            Ok(patterns) => rules.push(ColumnRule {
                patterns,
                target,
                action,
            }),
            Err(reason) => self.problems.push(Problem::invalid(name, reason)),
        }
    }
}
