//! What pgjdbc and Debezium's decoder say of a column's type: name, length and scale (`TypeRegistry`, `PgDatabaseMetaData`).

use super::types::{is_vector, precision_and_scale, second_digits};
use crate::connect::schema::Schema;
use crate::postgres::catalog::{Column, Type, TypeKind, Types};

/// `Integer.MAX_VALUE`: the length of types without a limit.
pub(super) const UNLIMITED: u32 = i32::MAX.cast_unsigned();

/// Of `numeric` without a precision; in a snapshot it has none.
const NUMERIC_LENGTH: u32 = 131_089;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceType {
    /// As in the column: a domain's own, arrays with an underscore.
    pub(super) name: String,
    pub(super) length: u32,
    scale: Option<u32>,
    /// Values are Java strings of one of JDBC's character types.
    pub(super) is_character: bool,
}

impl SourceType {
    /// `None` for a type that is not known.
    pub(super) fn of(column: &Column, types: &Types, is_snapshot: bool) -> Option<Self> {
        let own = types.get(column.type_oid)?;
        let (root, modifier) = types.below_domains(column.type_oid, column.type_modifier)?;
        let element = match &root.kind {
            TypeKind::Array(element) if !is_vector(root) => types.get(*element)?,
            TypeKind::Array(_)
            | TypeKind::Base
            | TypeKind::Enum(_)
            | TypeKind::Domain { .. }
            | TypeKind::Composite
            | TypeKind::Range
            | TypeKind::Multirange
            | TypeKind::Pseudo => root,
        };
        let (length, scale) = length_and_scale(element, modifier);
        let is_bare_numeric = own.name == "numeric" && length == NUMERIC_LENGTH;
        let (length, scale) = if is_snapshot && is_bare_numeric {
            (0, None)
        } else {
            (length, Some(scale))
        };
        let name = serial_name(own, column, is_snapshot).unwrap_or(&own.name);
        Some(Self {
            name: name.to_uppercase(),
            length,
            scale,
            is_character: is_character(root),
        })
    }

    /// `column.propagate.source.type`.
    pub(super) fn add_parameters(&self, column: &str, schema: Schema) -> Schema {
        let schema = schema
            .parameter("__debezium.source.column.type", self.name.as_str())
            .parameter("__debezium.source.column.length", self.length.to_string());
        let schema = match self.scale {
            Some(scale) => schema.parameter("__debezium.source.column.scale", scale.to_string()),
            None => schema,
        };
        schema.parameter("__debezium.source.column.name", column)
    }
}

/// pgjdbc calls integers with a sequence behind them so; the decoder does not.
fn serial_name(r#type: &Type, column: &Column, is_snapshot: bool) -> Option<&'static str> {
    let default = column.default.as_deref()?;
    if !is_snapshot || !default.contains("nextval('") {
        return None;
    }
    match r#type.name.as_str() {
        "int2" => Some("smallserial"),
        "int4" => Some("serial"),
        "int8" => Some("bigserial"),
        _ => None,
    }
}

fn is_character(root: &Type) -> bool {
    let is_text = matches!(
        root.name.as_str(),
        "text" | "varchar" | "bpchar" | "char" | "name"
    );
    matches!(root.kind, TypeKind::Enum(_)) || root.schema == "pg_catalog" && is_text
}

fn length_and_scale(r#type: &Type, modifier: i32) -> (u32, u32) {
    if r#type.schema != "pg_catalog" {
        return (UNLIMITED, 0);
    }
    let limit = |header: i32| u32::try_from(modifier - header).unwrap_or(UNLIMITED);
    let digits = second_digits(modifier);
    // How many characters point and digits of the second take; pgjdbc has its own idea of one digit.
    let fraction = match digits {
        0 => 0,
        1 => 3,
        digits => digits + 1,
    };
    match r#type.name.as_str() {
        "bool" | "char" => (1, 0),
        "int2" => (5, 0),
        "int4" | "oid" => (10, 0),
        "int8" => (19, 0),
        "float4" => (8, 8),
        "float8" => (17, 17),
        "numeric" => {
            precision_and_scale(modifier).map_or((NUMERIC_LENGTH, 0), |(length, scale)| {
                (
                    length,
                    u32::try_from(scale).expect("a scale has eleven bits"),
                )
            })
        }
        "bpchar" | "varchar" => (limit(4), 0),
        "bit" | "varbit" => (limit(0), 0),
        "date" => (13, 0),
        "time" => (8 + fraction, digits),
        "timetz" => (14 + fraction, digits),
        "timestamp" => (22 + fraction, digits),
        "timestamptz" => (28 + fraction, digits),
        "interval" if modifier < 0 => (49, 6),
        "interval" => (49, modifier.cast_unsigned() & 0xFFFF),
        _ => (UNLIMITED, 0),
    }
}
