//! Identifiers and literals in SQL text
//! (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>). Pure.

/// `name` in double quotes, whatever it contains.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.name`, both quoted.
#[must_use]
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(name))
}

/// `text` as an SQL string, whatever `standard_conforming_strings` is.
#[must_use]
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_cannot_end_a_name_or_string() {
        assert_eq!(qualified("Up.per", "a\"b"), "\"Up.per\".\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), " E'\\\\'''");
    }
}
