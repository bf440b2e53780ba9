//! The types that every PostgreSQL has under the same OID.

use postgres_types::{Kind, Type as Builtin};

use crate::postgres::catalog::{Type, TypeKind, Types};

/// `FirstGenbkiObjectId`: OIDs below it are given by hand and never change.
const FIRST_GENERATED_OID: u32 = 10_000;

/// Built-in types as the catalog shows them.
#[must_use]
pub fn builtin_types() -> Types {
    let mut types = Types::default();
    for builtin in (1..FIRST_GENERATED_OID).filter_map(Builtin::from_oid) {
        types.insert(Type {
            oid: builtin.oid(),
            schema: builtin.schema().to_owned(),
            name: builtin.name().to_owned(),
            kind: kind(&builtin),
        });
    }
    types
}

fn kind(builtin: &Builtin) -> TypeKind {
    match builtin.kind() {
        Kind::Array(element) => TypeKind::Array(element.oid()),
        Kind::Range(_) => TypeKind::Range,
        Kind::Multirange(_) => TypeKind::Multirange,
        Kind::Pseudo => TypeKind::Pseudo,
        // Since PostgreSQL 10, and this library thinks of a base type.
        Kind::Simple if *builtin == Builtin::UNKNOWN => TypeKind::Pseudo,
        Kind::Composite(_) => TypeKind::Composite,
        // Enums and domains are never built in, and only the database knows what belongs to them.
        Kind::Simple | _ => TypeKind::Base,
    }
}
