//! What is wrong with the file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The text of the file, to say where something stands in it.
#[derive(Clone)]
pub struct Source(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// One problem. No values of the file but names and patterns: a secret in the wrong place must not reach a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    pub at: Option<Position>,
    pub what: String,
    pub weight: Weight,
    /// SQL statements, or lines of a file; each one mends it.
    pub remedy: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something that the file asks for cannot be done.
    Error,
    /// It is done, and not all of it as one may expect.
    Warning,
}

impl Problem {
    #[must_use]
    pub fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.weight = Weight::Warning;
        self
    }
}

impl Source {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn problem(&self, span: Range<usize>, what: impl Into<String>) -> Problem {
        Problem {
            at: Some(self.position(span.start)),
            what: what.into(),
            weight: Weight::Error,
            remedy: Vec::new(),
        }
    }

    /// A problem inside a text of several lines that starts at `span`, on its line `line`, counted from 1.
    #[must_use]
    pub fn problem_inside(
        &self,
        span: Range<usize>,
        line: usize,
        what: impl Into<String>,
    ) -> Problem {
        let written = self.0.get(span.clone()).unwrap_or_default();
        let mut problem = self.problem(span, what);
        // A multi-line string's first line end is not part of it.
        let skipped = usize::from(written.starts_with("\"\"\"\n") || written.starts_with("'''\n"));
        if let Some(at) = &mut problem.at
            && line + skipped > 1
        {
            *at = Position {
                line: at.line + line + skipped - 1,
                column: 1,
            };
        }
        problem
    }

    /// What serde or the TOML parser refused; its own text repeats values, so only the kinds that do not are passed on.
    pub(super) fn refusal(&self, error: &toml::de::Error) -> Problem {
        let what = match unknown_key(error.message()) {
            Some((unknown, known)) => unknown_text(unknown, &known),
            None => without_values(error.message()),
        };
        Problem {
            at: error.span().map(|span| self.position(span.start)),
            what,
            weight: Weight::Error,
            remedy: Vec::new(),
        }
    }

    fn position(&self, offset: usize) -> Position {
        let before = self.0.get(..offset).unwrap_or(&self.0);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.at {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "; mend it with {}", self.remedy.join(" or "))?;
        }
        Ok(())
    }
}

/// Which known name was probably meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
    known
        .into_iter()
        .map(|known| (distance(known), known))
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3))
        .min()
        .map(|(_, known)| known)
}

/// `what "name"`, and the nearest one that exists.
pub fn no_such<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let hint =
        nearest(name, known).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
    format!("{what} \"{name}\"{hint}")
}

fn unknown_text(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("unknown key \"{unknown}\"; did you mean \"{near}\"?"),
        None => format!("unknown key \"{unknown}\"; known are {}", known.join(", ")),
    }
}

/// serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let names = message.strip_prefix("unknown field ")?;
    let mut names = names.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

/// serde's "invalid type: string "…", expected …" and "unknown variant `…`, expected …" without the value.
fn without_values(message: &str) -> String {
    let first_line = message.lines().next().unwrap_or_default();
    for refused in [
        "invalid type",
        "invalid value",
        "unknown variant",
        "invalid length",
    ] {
        if first_line.starts_with(refused) {
            let expected = first_line
                .rsplit_once("expected ")
                .map_or("another value", |(_, expected)| expected);
            return format!("{refused}: expected {expected}");
        }
    }
    first_line.to_owned()
}
