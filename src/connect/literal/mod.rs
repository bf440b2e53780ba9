//! `Values.parseString`: a literal in a configuration → a value and the schema that it seems to have.

mod container;
mod tokens;

use std::sync::Arc;

use container::{Elements, Entries};
use tokens::Tokens;

use super::big_decimal::BigDecimal;
use super::record::SchemaAndValue;
use super::schema::{Datum, Kind, Schema, logical};
use super::simple_date_format::SimpleDateFormat;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    #[error(
        "an array or map of different types is not supported; write one type, or a text that is not of this form"
    )]
    Mixed,
}

impl LiteralError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Mixed => false,
        }
    }
}

/// Numbers, `true`, `false`, `null`, ISO dates and times, arrays and maps of these; anything else is a text.
pub fn parse(text: &str) -> Result<SchemaAndValue, LiteralError> {
    if text.is_empty() {
        return Ok(string(text).into());
    }
    match parse_value(&mut Tokens::new(text), false) {
        Ok(value) => Ok(value.map_or(SchemaAndValue::NULL, Into::into)),
        Err(Failure::Mixed) => Err(LiteralError::Mixed),
        Err(Failure::NotParsed) => unreachable!("what is not embedded is a text in the end"),
    }
}

/// A value that is not null.
#[derive(Clone, Debug)]
struct Parsed {
    schema: Schema,
    value: Datum,
}

impl From<Parsed> for SchemaAndValue {
    fn from(parsed: Parsed) -> Self {
        Self::new(Arc::new(parsed.schema), parsed.value)
    }
}

enum Failure {
    /// The `DataException` after which an array or map is taken for a text.
    NotParsed,
    /// Java has a schema without element type for it, which exists nowhere else.
    Mixed,
}

fn string(text: &str) -> Parsed {
    Parsed {
        schema: Schema::new(Kind::String),
        value: Datum::String(text.to_owned()),
    }
}

/// `ValueParser.parse`; `embedded` is within an array or map. `None` is a null.
fn parse_value(tokens: &mut Tokens<'_>, embedded: bool) -> Result<Option<Parsed>, Failure> {
    if !tokens.has_next() {
        return Ok(None);
    }
    if embedded && tokens.consume("\"") {
        return Ok(Some(parse_quoted(tokens)));
    }
    if consume_literal(tokens, embedded, "null") {
        return Ok(None);
    }
    for (text, value) in [("true", true), ("false", false)] {
        if consume_literal(tokens, embedded, text) {
            let (schema, value) = (Schema::new(Kind::Boolean), Datum::Boolean(value));
            return Ok(Some(Parsed { schema, value }));
        }
    }
    let start = tokens.mark();
    match parse_container(tokens) {
        Ok(None) => {}
        Err(Failure::NotParsed) => tokens.rewind(start),
        Ok(container) => return Ok(container),
        Err(Failure::Mixed) => return Err(Failure::Mixed),
    }
    let token = tokens.next();
    if token.trim().is_empty() {
        return Ok(Some(string(token)));
    }
    parse_token(tokens, token.trim(), embedded).map(Some)
}

/// A word counts only if nothing follows it, or if the array or map around it looks at what follows.
fn consume_literal(tokens: &mut Tokens<'_>, embedded: bool, literal: &str) -> bool {
    let start = tokens.mark();
    if tokens.consume(literal) && (embedded || !tokens.has_next()) {
        return true;
    }
    tokens.rewind(start);
    false
}

fn parse_container(tokens: &mut Tokens<'_>) -> Result<Option<Parsed>, Failure> {
    if tokens.consume("[") {
        return parse_array(tokens).map(Some);
    }
    if tokens.consume("{") {
        return parse_map(tokens).map(Some);
    }
    Ok(None)
}

fn parse_array(tokens: &mut Tokens<'_>) -> Result<Parsed, Failure> {
    let mut elements = Elements::default();
    while tokens.has_next() {
        if tokens.consume("]") {
            return elements.into_array();
        }
        if tokens.consume(",") {
            return Err(Failure::NotParsed);
        }
        elements.push(parse_value(tokens, true)?);
        let position = tokens.mark();
        if tokens.consume("]") {
            tokens.rewind(position);
        } else if !tokens.consume(",") {
            return Err(Failure::NotParsed);
        }
    }
    Err(Failure::NotParsed)
}

fn parse_map(tokens: &mut Tokens<'_>) -> Result<Parsed, Failure> {
    let mut entries = Entries::default();
    while tokens.has_next() {
        if tokens.consume("}") {
            return entries.into_map();
        }
        if tokens.consume(",") {
            return Err(Failure::NotParsed);
        }
        let key = parse_value(tokens, true)?.ok_or(Failure::NotParsed)?;
        if !tokens.consume(":") {
            return Err(Failure::NotParsed);
        }
        entries.push(key, parse_value(tokens, true)?);
        tokens.consume(",");
    }
    Err(Failure::NotParsed)
}

fn parse_quoted(tokens: &mut Tokens<'_>) -> Parsed {
    let mut text = String::new();
    while tokens.has_next() && !tokens.consume("\"") {
        text.push_str(tokens.next());
    }
    parse_temporal(&text).unwrap_or_else(|| string(&text))
}

fn parse_token(tokens: &mut Tokens<'_>, token: &str, embedded: bool) -> Result<Parsed, Failure> {
    let is_digit = token.starts_with(|char: char| char.is_ascii_digit());
    if is_digit && let Some(temporal) = parse_temporal_tokens(tokens, token) {
        return Ok(temporal);
    }
    if is_digit || token.starts_with(['+', '-']) {
        let number = BigDecimal::parse(token);
        if let Some(number) = number {
            return Ok(parse_number(&number));
        }
    }
    if embedded {
        return Err(Failure::NotParsed);
    }
    Ok(string(tokens.original()))
}

/// Colons divide tokens, so a time consists of five.
fn parse_temporal_tokens(tokens: &mut Tokens<'_>, first: &str) -> Option<Parsed> {
    let position = tokens.mark();
    if let Some(rest) = tokens.next_four()
        && let Some(temporal) = parse_temporal(&format!("{first}{rest}"))
    {
        return Some(temporal);
    }
    tokens.rewind(position);
    parse_temporal(first)
}

fn parse_temporal(text: &str) -> Option<Parsed> {
    const MS_PER_DAY: i64 = 86_400_000;
    let text = text.replace("\\:", ":");
    let (pattern, kind, name) = match text.encode_utf16().count() {
        10 => ("yyyy-MM-dd", Kind::Int32, logical::DATE),
        13 => ("HH:mm:ss.SSS'Z'", Kind::Int32, logical::TIME),
        24 => (
            "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
            Kind::Int64,
            logical::TIMESTAMP,
        ),
        _ => return None,
    };
    let format = SimpleDateFormat::new(pattern).expect("these patterns are supported");
    let milliseconds = format.parse(&text).ok()?;
    let value = match name {
        logical::DATE => milliseconds.div_euclid(MS_PER_DAY),
        _ => milliseconds,
    };
    // A clock that shows hundreds of hours: for Java it is a time still, and looks like a timestamp when it is written.
    let (kind, name) = if name == logical::TIME && i32::try_from(value).is_err() {
        (Kind::Int64, logical::TIMESTAMP)
    } else {
        (kind, name)
    };
    Some(Parsed {
        schema: Schema::named(kind, name, 1),
        value: Datum::Int(value),
    })
}

/// The smallest type that holds it.
fn parse_number(number: &BigDecimal) -> Parsed {
    let integer = number.to_exact_integer();
    if let Some(integer) = integer.and_then(|integer| i64::try_from(integer).ok()) {
        return parse_integer(integer);
    }
    let (float, double) = (number.float_value(), number.double_value());
    let (kind, value) = if float.is_finite() && number.scale != 0 {
        (Kind::Float32, Datum::Float32(float))
    } else if double.is_finite() && number.scale != 0 {
        (Kind::Float64, Datum::Float64(double))
    } else {
        let schema = Schema::named(Kind::Bytes, logical::DECIMAL, 1);
        return Parsed {
            schema: schema.parameter("scale", number.scale.to_string()),
            value: Datum::Bytes(number.unscaled.to_signed_bytes_be()),
        };
    };
    let schema = Schema::new(kind);
    Parsed { schema, value }
}

fn parse_integer(integer: i64) -> Parsed {
    let kind = if i8::try_from(integer).is_ok() {
        Kind::Int8
    } else if i16::try_from(integer).is_ok() {
        Kind::Int16
    } else if i32::try_from(integer).is_ok() {
        Kind::Int32
    } else {
        Kind::Int64
    };
    let schema = Schema::new(kind);
    Parsed {
        schema,
        value: Datum::Int(integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::header::HeaderSink;
    use crate::connect::sink::write_datum;

    /// As `java.tsv` describes a schema; what stands for a schema that Java does not know is an optional text.
    fn describe(schema: &Schema) -> String {
        if let Some(name) = &schema.name {
            let simple = name.rsplit('.').next().unwrap();
            let parameters = schema.parameters.iter();
            let parameters: String = parameters
                .map(|(name, value)| format!("{{{name}={value}}}"))
                .collect();
            return format!("{simple}{parameters}");
        }
        if let Kind::Array(items) = &schema.kind {
            return format!("array({})", describe(items));
        }
        if let Kind::Map(keys, values) = &schema.kind {
            return format!("map({},{})", describe(keys), describe(values));
        }
        if schema.optional {
            return "none".to_owned();
        }
        format!("{:?}", schema.kind).to_lowercase()
    }

    /// `java.tsv` holds literals, the schema that `Values.parseString` of connect-api 4.3.1 found, and `Values.convertToString` of
    /// the value.
    #[test]
    fn literals_are_understood_as_by_connect() {
        let mut differences = Vec::new();
        for line in include_str!("java.tsv").lines() {
            let (literal, expected) = line.split_once('\t').unwrap();
            let found = match parse(literal) {
                Err(LiteralError::Mixed) => "mixed".to_owned(),
                Ok(SchemaAndValue { schema: None, .. }) => "null\tnull".to_owned(),
                Ok(SchemaAndValue {
                    schema: Some(schema),
                    value,
                }) => {
                    let mut text = Vec::new();
                    write_datum(&schema, &value, &mut HeaderSink::new(&mut text));
                    format!(
                        "{}\t{}",
                        describe(&schema),
                        String::from_utf8(text).unwrap()
                    )
                }
            };
            let is_mixed = ["[1,\"a\"]", "{\"a\":1,\"b\":\"x\"}"].contains(&literal);
            if found != if is_mixed { "mixed" } else { expected } {
                differences.push(format!("{line}: {found}"));
            }
        }
        assert_eq!(differences, Vec::<String>::new());
    }

    /// What a fuzzer found: the schema of the last element did not fit the first.
    #[test]
    fn containers_of_different_shape_are_refused_or_shown() {
        for literal in [
            "[[[1],[2]],[2]]",
            r#"[{1:2},{"a":2}]"#,
            r#"[[9999999999],["1970-01-01"]]"#,
            "[[1e400],[1e500]]",
        ] {
            assert_eq!(parse(literal).err(), Some(LiteralError::Mixed), "{literal}");
        }
        for literal in ["[[[1]],[]]", "[[],[[1]]]", "[{1:2},{}]", "[{},{1:[2]}]"] {
            let parsed = parse(literal).unwrap();
            let mut text = Vec::new();
            let schema = parsed.schema.unwrap();
            write_datum(&schema, &parsed.value, &mut HeaderSink::new(&mut text));
            assert_eq!(String::from_utf8(text).unwrap(), literal);
        }
    }

    #[test]
    fn a_time_of_many_days_is_shown_as_a_timestamp() {
        let parsed = parse("999:99:99.99Z").unwrap();
        let mut text = Vec::new();
        let schema = parsed.schema.unwrap();
        write_datum(&schema, &parsed.value, &mut HeaderSink::new(&mut text));
        assert_eq!(text, b"1970-02-11T16:40:39.099Z");
    }
}
