//! Identifiers and literals in SQL text.

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

/// `text` as a string of the replication commands, whose grammar knows no backslash escapes (`repl_scanner.l`).
#[must_use]
pub(super) fn replication_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_cannot_end_a_name_or_string() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(qualified("S", "t.u"), "\"S\".\"t.u\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), " E'\\\\'''");
        assert_eq!(replication_literal("a\\'b"), "'a\\''b'");
    }
}
