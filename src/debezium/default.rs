//! Column defaults: an expression of `pg_get_expr` → the default in the field's schema (`PostgresDefaultValueConverter`).

use super::conversion::Conversion;
use super::temporal::{self, DateForm, LocalDateTime};
use super::types::{self, Mapping};
use crate::connect::datum_sink::DatumSink;
use crate::connect::schema::Datum;
use crate::connect::sink::Sink;
use crate::postgres::catalog::{Type, TypeKind};
use crate::postgres::value::numeric::Decimal;

/// `LocalDateTime.MAX` and `MIN`, which pgjdbc gives for `infinity`.
const LATEST: LocalDateTime = LocalDateTime {
    seconds: 31_556_889_832_780_799,
    nanoseconds: 999_999_999,
};
const EARLIEST: LocalDateTime = LocalDateTime {
    seconds: -31_557_014_135_596_800,
    nanoseconds: 0,
};

/// `None`: there is no default, or Debezium cannot show it. `type` is the column's own, a domain and not what is below it.
pub(super) fn parse(
    expression: &str,
    r#type: &Type,
    modifier: i32,
    mapping: &Mapping,
) -> Option<Datum> {
    if let TypeKind::Enum(_) = r#type.kind {
        return enum_label(expression, r#type).map(|label| Datum::String(label.to_owned()));
    }
    if r#type.schema != "pg_catalog" {
        return None;
    }
    let zero = zero(&r#type.name)?;
    let text = if is_function(expression) {
        zero.to_owned()
    } else {
        literal(expression)?
    };
    let mut sink = DatumSink::default();
    write(&text, modifier, &mapping.conversion, &mut sink)?;
    // Connect cannot keep a struct as a default (KAFKA-12694).
    sink.finish()
        .filter(|datum| !matches!(datum, Datum::Struct(_)))
}

/// What stands for a value that a function computes; `None` for types whose defaults are not read.
fn zero(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "bool" => "false",
        "int2" | "int4" | "int8" | "bit" | "varbit" => "0",
        "float4" | "float8" | "numeric" => "0.0",
        "bpchar" | "varchar" | "text" | "xml" => "",
        "json" | "jsonb" => "{}",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "date" => "1970-01-01",
        "time" => "00:00:00",
        "timestamp" => "1970-01-01 00:00:00",
        "timestamptz" => "1970-01-01 00:00:00+00",
        "interval" => "00:00:00",
        _ => return None,
    })
}

fn write(text: &str, modifier: i32, conversion: &Conversion, sink: &mut DatumSink) -> Option<()> {
    match (conversion, text) {
        (Conversion::Date(form, _), "infinity" | "-infinity") => {
            write_date_limit(text == "infinity", *form, sink)
        }
        (Conversion::Timestamp(form), "infinity") => {
            temporal::write_local_date_time(LATEST, *form, sink).ok()?
        }
        (Conversion::Timestamp(form), "-infinity") => {
            temporal::write_local_date_time(EARLIEST, *form, sink).ok()?
        }
        // `LocalTime.MAX`.
        (Conversion::Time(form, _), "24:00:00") => temporal::write_last_nanosecond(*form, sink),
        // pgjdbc's largest OffsetDateTime has no equivalent in UTC.
        (Conversion::ZonedTimestamp { .. }, "infinity" | "-infinity") => return None,
        (Conversion::Numeric(_), _) => conversion
            .write(rescaled(text, modifier)?.as_bytes(), sink)
            .ok()?,
        // `Boolean.parseBoolean`.
        (Conversion::Boolean, _) => sink.boolean(text.eq_ignore_ascii_case("true")),
        _ => conversion.write(text.as_bytes(), sink).ok()?,
    }
    Some(())
}

/// The number with no more digits than the column has, which must lose nothing by it.
fn rescaled(text: &str, modifier: i32) -> Option<&str> {
    let decimal = Decimal::parse(text.as_bytes()).ok()?;
    let Some((_, scale)) = types::precision_and_scale(modifier) else {
        return Some(text);
    };
    decimal
        .unscaled(scale)
        .map(|_| without_digits_behind(text, scale))
}

/// Cuts a fraction to so many digits.
fn without_digits_behind(text: &str, digits: usize) -> &str {
    let Some((whole, fraction)) = text.split_once('.') else {
        return text;
    };
    let kept = fraction.len().min(digits);
    &text[..if kept == 0 {
        whole.len()
    } else {
        whole.len() + 1 + kept
    }]
}

fn write_date_limit(is_latest: bool, form: DateForm, sink: &mut DatumSink) {
    let limit = if is_latest { LATEST } else { EARLIEST };
    temporal::write_days(limit.seconds.div_euclid(86_400), form, sink);
}

/// `now()`, `(now() AT TIME ZONE …)`, `CURRENT_DATE`: a name with a parenthesis behind it, or a keyword for the current time.
fn is_function(expression: &str) -> bool {
    const KEYWORDS: [&str; 5] = [
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
    ];
    if KEYWORDS
        .iter()
        .any(|keyword| expression.eq_ignore_ascii_case(keyword))
    {
        return true;
    }
    let expression = expression.strip_prefix('(').unwrap_or(expression);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let name_length = expression.bytes().take_while(is_name).count();
    let (name, rest) = expression.split_at(name_length);
    !name.is_empty() && rest.starts_with('(') && rest.contains(')')
}

/// The first string literal in the expression, without its quotes; without a literal the expression itself.
fn literal(expression: &str) -> Option<String> {
    let Some((_, quoted)) = expression.split_once('\'') else {
        return (!expression.starts_with("NULL::")).then(|| expression.to_owned());
    };
    let mut text = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                text.push('\'');
                rest = after;
            }
            None => return Some(text),
        }
    }
}

/// `'label'::type`, with or without the type's schema: the label as it stands there (`TypeId.parse`).
fn enum_label<'a>(expression: &'a str, r#type: &Type) -> Option<&'a str> {
    let (literal, cast) = expression.rsplit_once("::")?;
    let is_cast_to_it = match &identifiers(cast)[..] {
        [name] => *name == r#type.name,
        [schema, name] => *schema == r#type.schema && *name == r#type.name,
        _ => false,
    };
    let label = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    is_cast_to_it.then_some(label)
}

/// The parts of a dotted name, each with or without quotes.
fn identifiers(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let part = parts.last_mut().expect("there is always one");
        match character {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => part.push('"'),
            '"' => is_quoted = !is_quoted,
            '.' if !is_quoted => parts.push(String::new()),
            _ => part.push(character),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_from_literals() {
        for function in [
            "now()",
            "(now() AT TIME ZONE 'utc'::text)",
            "CURRENT_DATE",
            "pg_catalog.now()",
            "f(1, 2)",
        ] {
            assert!(is_function(function), "{function}");
        }
        for other in [
            "(1 + 2)",
            "CURRENT_USER",
            "'now()'::text",
            "('a'::text || f())",
            "5",
            "(5)::bigint",
        ] {
            assert!(!is_function(other), "{other}");
        }
    }

    #[test]
    fn a_literal_loses_its_quotes() {
        for (expression, expected) in [
            ("'it''s'::text", Some("it's")),
            ("('a'::text || 'b'::text)", Some("a")),
            ("''::text", Some("")),
            ("'-2'::integer", Some("-2")),
            ("5", Some("5")),
            ("NULL::integer", None),
            ("'open", None),
        ] {
            assert_eq!(literal(expression).as_deref(), expected, "{expression}");
        }
        assert_eq!(without_digits_behind("12:34:56.789", 0), "12:34:56");
        assert_eq!(without_digits_behind("12:34:56.789", 2), "12:34:56.78");
    }

    #[test]
    fn the_label_of_an_enum_is_told_by_the_cast() {
        let odd = Type {
            oid: 1,
            schema: "in.side".to_owned(),
            name: "Mixed \"Mood".to_owned(),
            kind: TypeKind::Enum(Vec::new()),
        };
        for (expression, expected) in [
            ("'ok'::\"Mixed \"\"Mood\"", Some("ok")),
            ("'ok'::\"in.side\".\"Mixed \"\"Mood\"", Some("ok")),
            ("'ok'::other.\"Mixed \"\"Mood\"", None),
            ("'with''quote'::\"Mixed \"\"Mood\"", Some("with''quote")),
            ("('ok'::text)::\"Mixed \"\"Mood\"", None),
            ("'ok'::text", None),
            ("f()", None),
        ] {
            assert_eq!(enum_label(expression, &odd), expected, "{expression}");
        }
    }
}
