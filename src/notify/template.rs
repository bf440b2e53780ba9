//! Templates of a rule: minijinja, strict and fuelled, every value escaped on its way out.
//!
//! The formatter escapes whatever is not markup of our own filters, so that neither `|safe`, which is removed, nor
//! `{% autoescape false %}`, which it ignores, lets a value through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::amount::{Amount, grouped};
use super::config::no_such;
use super::escape::{self, Markup, Url};
use super::mask::hide_card_numbers;
use super::slack::limits::TEXT_OURS;

/// Instructions of one rendering: an ordinary template takes some hundred.
const FUEL: u64 = 50_000;
/// A value's characters that can reach a template.
pub const MAX_VALUE: usize = 3_000;
const MAX_OUTPUT: usize = 256 * 1024;
/// Characters of a link's address; a longer one is left out.
const MAX_LINK: usize = 2_000;

const FILTERS: [&str; 11] = [
    "upper", "lower", "trim", "length", "default", "money", "mask", "link", "date", "code", "trunc",
];

/// What of a row a template sees: exposed columns, masked already.
#[derive(Clone, Debug, Default)]
pub struct TemplateRow {
    pub before: BTreeMap<String, Option<String>>,
    pub after: BTreeMap<String, Option<String>>,
    pub key: String,
    pub rule: String,
}

/// The templates of all rules.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

/// One template of [`Templates`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateName(String);

/// Why a template is none, or was stopped. Without values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template is malformed: {what}")]
    Syntax { line: usize, what: String },
    #[error("the template took too long or wrote too much and was stopped")]
    Fuel,
    #[error("the template names what does not exist: {what}")]
    Undefined { line: usize, what: String },
    #[error("the template failed: {what}")]
    Failed { line: usize, what: String },
}

impl TemplateError {
    /// In the template, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Syntax { line, .. }
            | Self::Undefined { line, .. }
            | Self::Failed { line, .. } => *line,
            Self::Fuel => 1,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "not ours to list: the crate adds kinds"
    )]
    fn of(error: &Error) -> Self {
        let line = error.line().unwrap_or(1);
        // The details of other kinds can repeat values.
        let what = error.kind().to_string();
        let detail = || format!("{what}: {}", error.detail().unwrap_or_default());
        match error.kind() {
            ErrorKind::OutOfFuel | ErrorKind::WriteFailure => Self::Fuel,
            ErrorKind::SyntaxError => Self::Syntax {
                line,
                what: detail(),
            },
            ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownMethod => Self::Undefined {
                line,
                what: detail(),
            },
            ErrorKind::UndefinedError => Self::Undefined { line, what },
            _ => Self::Failed { line, what },
        }
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self(environment())
    }
}

impl Templates {
    /// Whether it is a template, with filters that exist.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn check(text: &str) -> Result<(), TemplateError> {
        let environment = environment();
        let template = environment
            .template_from_str(text)
            .map_err(|error| TemplateError::of(&error))?;
        // minijinja looks a filter up only when it comes to it.
        for (line, name) in filters(text) {
            if !FILTERS.contains(&name) {
                let what = no_such("unknown filter", name, FILTERS);
                return Err(TemplateError::Undefined { line, what });
            }
        }
        let unknown = template
            .undeclared_variables(false)
            .into_iter()
            .find(|name| {
                !["before", "after", "key", "rule"].contains(&name.as_str())
                    && !environment.globals().any(|(global, _)| global == name)
            });
        match unknown {
            Some(name) => Err(TemplateError::Undefined {
                line: 1,
                what: format!("\"{name}\"; there are before, after, key and rule"),
            }),
            None => Ok(()),
        }
    }

    /// The columns that the template names, as `before.x` and `after.x`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn columns(text: &str) -> Result<Vec<String>, TemplateError> {
        Self::columns_of(text, &["before", "after"])
    }

    /// Those of which it shows the old value.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn old_columns(text: &str) -> Result<Vec<String>, TemplateError> {
        Self::columns_of(text, &["before"])
    }

    fn columns_of(text: &str, rows: &[&str]) -> Result<Vec<String>, TemplateError> {
        let environment = environment();
        let template = environment
            .template_from_str(text)
            .map_err(|error| TemplateError::of(&error))?;
        let names = template.undeclared_variables(true);
        let column = |name: &String| {
            let (row, column) = name.split_once('.')?;
            let column = column.split('.').next().unwrap_or(column);
            rows.contains(&row).then(|| column.to_owned())
        };
        Ok(names.iter().filter_map(column).collect())
    }

    /// # Errors
    /// When it is malformed.
    pub fn add(&mut self, name: String, text: String) -> Result<TemplateName, TemplateError> {
        let added = self.0.add_template_owned(name.clone(), text);
        added.map_err(|error| TemplateError::of(&error))?;
        Ok(TemplateName(name))
    }

    /// # Errors
    /// When the template names what the row does not have, or does not end.
    pub fn render(&self, name: &TemplateName, row: &TemplateRow) -> Result<Markup, TemplateError> {
        let render = || {
            let context = minijinja::context! {
                before => columns(&row.before), after => columns(&row.after), key => row.key.as_str(), rule => row.rule.as_str(),
            };
            let mut output = Bounded(Vec::new());
            self.0
                .get_template(&name.0)?
                .render_captured_to(context, &mut output)?;
            Ok(String::from_utf8_lossy(&output.0).into_owned())
        };
        let text = render().map_err(|error| TemplateError::of(&error))?;
        let markup = Markup::from_template(hide_card_numbers(&text));
        Ok(escape::cut_markup(&markup, TEXT_OURS))
    }
}

fn columns(values: &BTreeMap<String, Option<String>>) -> Value {
    let value = |value: &Option<String>| value.clone().map_or(Value::from(()), Value::from);
    let values = values
        .iter()
        .map(|(name, shown)| (name.clone(), value(shown)));
    Value::from(values.collect::<BTreeMap<_, _>>())
}

/// Only the filters and tests listed here: none of minijinja's own that make markup, and no functions.
fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // With a mode of our own, minijinja joins markup and values through the formatter below.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("slack".into()));
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_formatter(format_value);
    environment.add_filter("upper", minijinja::filters::upper);
    environment.add_filter("lower", minijinja::filters::lower);
    environment.add_filter("trim", minijinja::filters::trim);
    environment.add_filter("length", minijinja::filters::length);
    environment.add_filter("default", minijinja::filters::default);
    environment.add_test("defined", minijinja::tests::is_defined);
    environment.add_test("none", minijinja::tests::is_none);
    environment.add_filter("money", money);
    environment.add_filter("mask", mask);
    environment.add_filter("link", link);
    environment.add_filter("date", date);
    environment.add_filter("code", code);
    environment.add_filter("trunc", trunc);
    environment
}

fn format_value(
    out: &mut Output<'_>,
    _state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let text = value.to_string();
    if value.is_safe() {
        out.write_str(&text)?;
    } else if value.is_none() {
        out.write_str("null")?;
    } else {
        out.write_str(escape::escape(&escape::cut(&text, MAX_VALUE)).as_str())?;
    }
    Ok(())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "not ours to list: the crate adds kinds"
)]
fn text(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool | ValueKind::Number | ValueKind::String => Ok(value.to_string()),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            "not a value of a column",
        )),
    }
}

/// `{{ after.amount | money(after.currency) }}`.
fn money(amount: &Value, currency: Option<&Value>) -> Result<String, Error> {
    let amount = text(amount)?;
    let number = amount
        .parse::<Amount>()
        .map_or(amount, |amount| grouped(&amount));
    let currency = currency.map(text).transpose()?.unwrap_or_default();
    Ok(format!("{number} {currency}").trim_end().to_owned())
}

/// All but the last four characters hidden.
fn mask(value: &Value) -> Result<String, Error> {
    Ok(super::mask::Mask::Last4.apply(&text(value)?, b""))
}

/// `{{ "open" | link("https://pay.example/tx/", key) }}`: the address is the template's own, values are components of it.
fn link(label: &Value, address: &str, component: Option<&Value>) -> Result<Value, Error> {
    let component = component.map(text).transpose()?.unwrap_or_default();
    let url = Url::new(&format!("{address}{}", escape::url_component(&component)));
    let url = url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            "link takes an https:// address",
        )
    })?;
    if url.as_str().len() > MAX_LINK {
        return Ok(Value::from(text(label)?));
    }
    Ok(Value::from_safe_string(
        escape::link(&url, &text(label)?).into_string(),
    ))
}

/// A timestamp column in each reader's own zone; one without a zone is taken as UTC.
fn date(value: &Value) -> Result<Value, Error> {
    let text = text(value)?;
    let zoned = || text.replace(' ', "T").parse::<Timestamp>().ok();
    let civil = || {
        text.parse::<jiff::civil::DateTime>()
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    };
    Ok(match zoned().or_else(civil) {
        Some(at) => Value::from_safe_string(Markup::date(at).into_string()),
        None => Value::from(text),
    })
}

fn code(value: &Value) -> Result<Value, Error> {
    let inner =
        escape::escape(&escape::one_line(&escape::cut(&text(value)?, MAX_VALUE)).replace('`', "'"));
    Ok(Value::from_safe_string(format!("`{inner}`")))
}

fn trunc(value: &Value, limit: usize) -> Result<String, Error> {
    Ok(escape::cut(&text(value)?, limit))
}

/// The filters that a template names, each with its line.
fn filters(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        let (code, after) = tag(&rest[start + 2..]);
        let line = text[..text.len() - rest.len() + start]
            .matches('\n')
            .count()
            + 1;
        let mut outside = true;
        let mut quote = ' ';
        for (at, character) in code.char_indices() {
            match character {
                '"' | '\'' if outside => (outside, quote) = (false, character),
                character if !outside && character == quote => outside = true,
                '|' if outside => found.extend(
                    name(&code[at + 1..])
                        .map(|name| (line + code[..at].matches('\n').count(), name)),
                ),
                _ => {}
            }
        }
        if let Some(filter) = code
            .trim_start_matches(['-', '+', ' '])
            .strip_prefix("filter ")
        {
            found.extend(name(filter).map(|name| (line, name)));
        }
        rest = after;
    }
    found
}

/// What stands before the end of a tag, and what after it.
fn tag(text: &str) -> (&str, &str) {
    let end = text.find("}}").into_iter().chain(text.find("%}")).min();
    end.map_or((text, ""), |end| (&text[..end], &text[end + 2..]))
}

fn name(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_');
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then_some(name)
}

/// Takes output up to [`MAX_OUTPUT`].
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
