//! What the catalog knows of tables and types.

use rustc_hash::FxHashMap;

/// A table as `pg_class`, `pg_attribute` and `pg_index` describe it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// In `attnum` order; dropped columns are left out.
    pub columns: Vec<Column>,
    /// Names of the key columns in key order: the primary key, else the first unique index in index-name order that has
    /// no expressions, else none (`debezium-contract` §2.2).
    pub key: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub type_oid: u32,
    /// `atttypmod`; -1 where the type has none.
    pub type_modifier: i32,
    pub nullable: bool,
    /// `pg_get_expr(adbin, adrelid)` of the default or generation expression.
    pub default: Option<String>,
    /// `GENERATED ALWAYS AS (…) STORED`; pgoutput does not send such columns.
    pub generated: bool,
}

/// A row of `pg_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub oid: u32,
    pub schema: String,
    /// `typname`, e.g. `int4`, `_int4`, `mood`.
    pub name: String,
    pub kind: TypeKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    Base,
    /// Element type.
    Array(u32),
    /// Labels in `enumsortorder`.
    Enum(Vec<String>),
    /// The type below it, and the modifier the domain gives it.
    Domain {
        base: u32,
        type_modifier: i32,
    },
    Composite,
    Range,
    Multirange,
    Pseudo,
}

/// All types of the database, by OID: read once at start, single types again when an unknown OID arrives.
#[derive(Clone, Debug, Default)]
pub struct Types {
    by_oid: FxHashMap<u32, Type>,
}

impl Types {
    pub fn insert(&mut self, r#type: Type) {
        self.by_oid.insert(r#type.oid, r#type);
    }

    #[must_use]
    pub fn get(&self, oid: u32) -> Option<&Type> {
        self.by_oid.get(&oid)
    }

    /// A domain looks like the type below it, with the modifier that the domain gives.
    #[must_use]
    pub fn below_domains(&self, oid: u32, modifier: i32) -> Option<(&Type, i32)> {
        let mut r#type = self.get(oid)?;
        let mut modifier = modifier;
        while let TypeKind::Domain {
            base,
            type_modifier,
        } = &r#type.kind
        {
            r#type = self.get(*base)?;
            if *type_modifier >= 0 {
                modifier = *type_modifier;
            }
        }
        Some((r#type, modifier))
    }
}
