//! The transforms of a connector, one after the other (`TransformationChain`, `TransformationStage`).

use super::{Predicate, Transform, TransformError};
use crate::connect::record::SourceRecord;

/// One transform, and when it is applied.
pub struct Step {
    /// As in `transforms`.
    pub name: String,
    pub transform: Box<dyn Transform>,
    pub condition: Option<Condition>,
}

pub struct Condition {
    pub predicate: Box<dyn Predicate>,
    pub negate: bool,
}

/// A record that one of the transforms cannot work on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transform \"{transform}\" failed")]
pub struct ChainError {
    pub transform: String,
    pub source: TransformError,
}

impl ChainError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.source.is_retriable()
    }
}

#[derive(Default)]
pub struct Chain(pub Vec<Step>);

impl Chain {
    /// The record as the last transform leaves it; `None` when one drops it.
    pub fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, ChainError> {
        let mut record = record;
        for step in &mut self.0 {
            if !step.applies_to(&record) {
                continue;
            }
            let applied = step.transform.apply(record);
            match applied.map_err(|source| step.failed(source))? {
                Some(changed) => record = changed,
                None => return Ok(None),
            }
        }
        Ok(Some(record))
    }
}

impl Step {
    fn applies_to(&self, record: &SourceRecord) -> bool {
        self.condition.as_ref().is_none_or(|condition| {
            let holds = condition.predicate.test(record);
            holds != condition.negate
        })
    }

    fn failed(&self, source: TransformError) -> ChainError {
        ChainError {
            transform: self.name.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connect::record::SchemaAndValue;

    struct Append(&'static str);
    struct Drop;
    struct Fail;
    struct EndsWith(&'static str);

    impl Transform for Append {
        fn apply(&mut self, record: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
            let topic = format!("{}{}", record.topic, self.0).into();
            Ok(Some(SourceRecord { topic, ..record }))
        }
    }

    impl Transform for Drop {
        fn apply(&mut self, _: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
            Ok(None)
        }
    }

    impl Transform for Fail {
        fn apply(&mut self, _: SourceRecord) -> Result<Option<SourceRecord>, TransformError> {
            Err(TransformError("it is only a test".to_owned()))
        }
    }

    impl Predicate for EndsWith {
        fn test(&self, record: &SourceRecord) -> bool {
            record.topic.ends_with(self.0)
        }
    }

    fn step(transform: impl Transform + 'static, condition: Option<(&'static str, bool)>) -> Step {
        Step {
            name: "t".to_owned(),
            transform: Box::new(transform),
            condition: condition.map(|(end, negate)| Condition {
                predicate: Box::new(EndsWith(end)),
                negate,
            }),
        }
    }

    fn topic(steps: Vec<Step>) -> Result<Option<Arc<str>>, ChainError> {
        let record = SourceRecord {
            topic: "t".into(),
            partition: None,
            key: SchemaAndValue::NULL,
            value: SchemaAndValue::NULL,
            timestamp: None,
            headers: Vec::new(),
        };
        let applied = Chain(steps).apply(record)?;
        Ok(applied.map(|record| record.topic))
    }

    #[test]
    fn a_predicate_sees_what_the_steps_before_made_of_the_record() {
        let steps = vec![
            step(Append("a"), None),
            step(Append("b"), Some(("a", false))),
            step(Append("c"), Some(("a", false))),
            step(Append("d"), Some(("a", true))),
        ];
        assert_eq!(topic(steps).unwrap().as_deref(), Some("tabd"));
    }

    #[test]
    fn what_one_step_drops_the_next_does_not_see() {
        assert_eq!(topic(vec![step(Drop, None), step(Fail, None)]), Ok(None));
        let error = topic(vec![step(Fail, None)]).unwrap_err();
        assert_eq!(error.to_string(), "transform \"t\" failed");
    }
}
