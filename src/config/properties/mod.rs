//! Every property that a Debezium 3.6.3 PostgreSQL connector configuration can hold: its own and Kafka Connect's.
//!
//! One table feeds defaults, type checks, refusals and the warning about unknown names. The policy: what Debezium honours
//! and walstreet does not is refused by name, unless it cannot change a record; nothing is ignored silently.

mod table;

pub use table::PROPERTIES;

use super::error::Problem;
use super::settings::{Setting, Settings};

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// The name; one `*` stands for any text.
    pub name: &'static str,
    pub kind: Kind,
    /// What applies when the property is absent, as text.
    pub default: Option<&'static str>,
    pub support: Support,
    pub doc: &'static str,
}

/// The type of a value, with the checks that Debezium's `Field` and Connect's `ConfigDef` attach to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Short,
    Int,
    PositiveInt,
    NonNegativeInt,
    Long,
    PositiveLong,
    NonNegativeLong,
    Text,
    Password,
    /// Comma-separated.
    List,
    /// Comma-separated regular expressions: [`super::patterns`].
    Patterns,
    Class,
    /// One of these, in any case; in the order in which Debezium's validation text lists them.
    OneOf(&'static [&'static str]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Honoured,
    /// Honoured for these values; the others are refused, and the text says what to do instead.
    Only(&'static [&'static str], &'static str),
    /// Any valid value is accepted and changes nothing; the text says why that is harmless.
    NoEffect(&'static str),
    /// Anything but the default is refused; the text says what to do instead.
    Refused(&'static str),
}

/// Who words the text about a wrong value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Debezium,
    Connect,
}

/// The row for a name: the exact one, else the most specific pattern.
#[must_use]
pub fn find(name: &str) -> Option<&'static Property> {
    PROPERTIES
        .iter()
        .filter(|property| property.matches(name))
        .max_by_key(|property| (!property.name.contains('*'), property.name.len()))
}

/// The default of a property of the table.
#[must_use]
pub fn default_of(name: &str) -> Option<&'static str> {
    find(name).and_then(|property| property.default)
}

/// The known name that differs least, if it is close enough to be what was meant.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest_of(
        name,
        PROPERTIES
            .iter()
            .map(|property| property.name)
            .filter(|known| !known.contains('*')),
    )
}

/// The candidate that differs least from the name, in at most a quarter of its letters.
pub(super) fn nearest_of<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (name.len() / 4).clamp(1, 5);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names that older Debezium releases knew and 3.x ignores, with their successors.
#[must_use]
pub fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "database.server.name" => "topic.prefix",
        "schema.whitelist" => "schema.include.list",
        "schema.blacklist" => "schema.exclude.list",
        "table.whitelist" => "table.include.list",
        "table.blacklist" => "table.exclude.list",
        "column.whitelist" => "column.include.list",
        "column.blacklist" => "column.exclude.list",
        "toasted.value.placeholder" => "unavailable.value.placeholder",
        "slot.drop_on_stop" => "slot.drop.on.stop",
        _ => return None,
    })
}

/// What the table alone has to say about a configuration.
#[derive(Debug, Default)]
pub struct Review {
    /// Wrong types, values outside the enumerations, refusals.
    pub problems: Vec<Problem>,
    /// Unknown names.
    pub warnings: Vec<String>,
    /// Accepted without effect.
    pub notes: Vec<String>,
}

/// Looks every setting up in the table.
#[must_use]
pub fn review(settings: &Settings) -> Review {
    let mut review = Review::default();
    for setting in settings.iter() {
        let name = &setting.name;
        match find(name) {
            Some(property) => property.review(setting, &mut review),
            None => review.warnings.push(match (renamed(name), nearest(name)) {
                (Some(successor), _) => format!("unknown property \"{name}\" is ignored: since Debezium 2.0 it is \"{successor}\""),
                (None, Some(known)) => format!("unknown property \"{name}\" is ignored; did you mean \"{known}\"?"),
                (None, None) => format!("unknown property \"{name}\" is ignored"),
            }),
        }
    }
    review
}

impl Property {
    fn matches(&self, name: &str) -> bool {
        match self.name.split_once('*') {
            Some((start, end)) => {
                name.len() > start.len() + end.len()
                    && name.starts_with(start)
                    && name.ends_with(end)
            }
            None => self.name == name,
        }
    }

    fn review(&self, setting: &Setting, review: &mut Review) {
        if let Err(problem) = self.check(setting) {
            review.problems.push(problem);
            return;
        }
        let value = setting.value.trim();
        match self.support {
            Support::Honoured => {}
            Support::Only(values, _) if self.is_among(values, value) => {}
            Support::Only(_, instead) => review.problems.push(Problem::refused(
                &setting.name,
                &format!("{} {instead}", shown(setting)),
            )),
            _ if self.is_default(value) => {}
            Support::NoEffect(why) => review
                .notes
                .push(format!("\"{}\" has no effect: {why}", setting.name)),
            Support::Refused(instead) => review
                .problems
                .push(Problem::refused(&setting.name, instead)),
        }
    }

    /// An empty value of a property without default is as good as none.
    fn is_among(&self, values: &[&str], value: &str) -> bool {
        let absent = self.default.is_none() && value.is_empty();
        absent || values.iter().any(|known| self.same(known, value))
    }

    fn is_default(&self, value: &str) -> bool {
        self.default
            .map_or(value.is_empty(), |default| self.same(default, value))
    }

    fn same(&self, known: &str, value: &str) -> bool {
        match self.kind {
            Kind::Boolean | Kind::OneOf(_) => known.eq_ignore_ascii_case(value),
            Kind::Short
            | Kind::Int
            | Kind::PositiveInt
            | Kind::NonNegativeInt
            | Kind::Long
            | Kind::PositiveLong
            | Kind::NonNegativeLong => known.parse::<i64>().ok() == value.parse::<i64>().ok(),
            Kind::Text | Kind::Password | Kind::List | Kind::Patterns | Kind::Class => {
                known == value
            }
        }
    }

    /// Checks the type of a value, in the words of whoever owns the property.
    fn check(&self, setting: &Setting) -> Result<(), Problem> {
        let value = setting.value.trim();
        let complaint = match self.owner() {
            Owner::Debezium => self
                .kind
                .complaint_of_debezium(value)
                .map(|text| Problem::invalid(&setting.name, text)),
            Owner::Connect => self
                .kind
                .complaint_of_connect(value)
                .map(|text| Problem::framework(&setting.name, &setting.given, text)),
        };
        complaint.map_or(Ok(()), Err)
    }

    /// Connect's own properties are those of its `SourceConnectorConfig`.
    #[must_use]
    pub fn owner(&self) -> Owner {
        if table::CONNECT
            .iter()
            .any(|property| property.name == self.name)
        {
            Owner::Connect
        } else {
            Owner::Debezium
        }
    }
}

impl Kind {
    /// The validators of Debezium's `Field`, with its spelling.
    fn complaint_of_debezium(self, value: &str) -> Option<String> {
        match self {
            Self::Boolean => not(is_boolean(value), "Either 'true' or 'false' is expected"),
            Self::Short => not(value.parse::<i16>().is_ok(), "A short value is expected"),
            Self::Int => not(value.parse::<i32>().is_ok(), "An integer is expected"),
            Self::PositiveInt => not(
                value.parse::<i32>().is_ok_and(|int| int > 0),
                "A positive, non-zero integer value is expected",
            ),
            Self::NonNegativeInt => not(
                value.parse::<i32>().is_ok_and(|int| int >= 0),
                "An non-negative integer is expected",
            ),
            Self::Long => not(value.parse::<i64>().is_ok(), "A long value is expected"),
            Self::PositiveLong => not(
                value.parse::<i64>().is_ok_and(|long| long > 0),
                "A positive, non-zero long value is expected",
            ),
            Self::NonNegativeLong => not(
                value.parse::<i64>().is_ok_and(|long| long >= 0),
                "A non-negative long value is expected",
            ),
            Self::OneOf(words) => not(
                is_one_of(value, words),
                &format!("Value must be one of {}", words.join(", ")),
            ),
            Self::Text | Self::Password | Self::List | Self::Patterns | Self::Class => None,
        }
    }

    /// The types and validators of Connect's `ConfigDef`.
    fn complaint_of_connect(self, value: &str) -> Option<String> {
        let (kind, number, least) = match self {
            Self::Boolean => {
                return not(
                    is_boolean(value),
                    "Expected value to be either true or false",
                );
            }
            Self::OneOf(words) => {
                return not(
                    is_one_of(value, words),
                    &format!("String must be one of: {}", words.join(", ")),
                );
            }
            Self::Text | Self::Password | Self::List | Self::Patterns | Self::Class => return None,
            Self::Short => ("SHORT", value.parse::<i16>().ok().map(i64::from), i64::MIN),
            Self::Int => ("INT", value.parse::<i32>().ok().map(i64::from), i64::MIN),
            Self::PositiveInt => ("INT", value.parse::<i32>().ok().map(i64::from), 1),
            Self::NonNegativeInt => ("INT", value.parse::<i32>().ok().map(i64::from), 0),
            Self::Long => ("LONG", value.parse().ok(), i64::MIN),
            Self::PositiveLong => ("LONG", value.parse().ok(), 1),
            Self::NonNegativeLong => ("LONG", value.parse().ok(), 0),
        };
        match number {
            None => Some(format!("Not a number of type {kind}")),
            Some(number) => not(number >= least, &format!("Value must be at least {least}")),
        }
    }
}

fn not(valid: bool, complaint: &str) -> Option<String> {
    (!valid).then(|| complaint.to_owned())
}

fn is_boolean(value: &str) -> bool {
    is_one_of(value, &["true", "false"])
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// A value as the user wrote it, short enough for a message.
fn shown(setting: &Setting) -> String {
    format!("\"{}\"", setting.given.chars().take(60).collect::<String>())
}

/// Levenshtein's distance, over bytes: property names are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
