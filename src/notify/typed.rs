//! Text of a column → the value that a predicate compares.

use super::predicate::TypedValue;
use super::row::Value;

/// What predicates tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Bool,
    Integer,
    Float,
    Numeric,
    Text,
}

impl ColumnType {
    #[must_use]
    pub fn of(type_oid: u32) -> Self {
        use postgres_types::Type;
        match Type::from_oid(type_oid) {
            Some(Type::BOOL) => Self::Bool,
            Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::OID) => Self::Integer,
            Some(Type::FLOAT4 | Type::FLOAT8) => Self::Float,
            Some(Type::NUMERIC) => Self::Numeric,
            Some(_) | None => Self::Text,
        }
    }
}

/// Whether a column's text is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Also of a type that we do not know, such as a domain.
    Always,
    Perhaps,
    Never,
}

impl Numbers {
    pub(super) fn of(type_oid: u32) -> Self {
        use postgres_types::Type;
        match Type::from_oid(type_oid) {
            None => Self::Always,
            Some(Type::TEXT | Type::VARCHAR | Type::BPCHAR) => Self::Perhaps,
            Some(_) => match ColumnType::of(type_oid) {
                ColumnType::Integer | ColumnType::Float | ColumnType::Numeric => Self::Always,
                ColumnType::Bool | ColumnType::Text => Self::Never,
            },
        }
    }
}

/// `None` for a value that is not known.
pub(super) fn typed(value: Value<'_>, kind: ColumnType) -> Option<TypedValue> {
    let text = match value {
        Value::Unknown => return None,
        Value::Null => return Some(TypedValue::Null),
        Value::Text(text) => String::from_utf8_lossy(text),
    };
    let parsed = match kind {
        ColumnType::Bool => Some(TypedValue::Bool(text == "t")),
        ColumnType::Integer => text.parse().ok().map(TypedValue::Integer),
        ColumnType::Float => text.parse().ok().map(TypedValue::Float),
        ColumnType::Numeric => text.parse().ok().map(TypedValue::Decimal),
        ColumnType::Text => None,
    };
    Some(parsed.unwrap_or_else(|| TypedValue::Text(text.into_owned())))
}
