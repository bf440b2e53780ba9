//! PostgreSQL type → Connect schema and conversion (`PostgresValueConverter.schemaBuilder`).

use super::conversion::{Conversion, NumericForm};
use super::source_type::UNLIMITED;
use super::temporal::{Clock, DateForm, TimeForm};
use super::{geometry, hstore, opaque, vector as pgvector};
use crate::config::connector::{
    BinaryMode, DecimalMode, HstoreMode, IntervalMode, TimePrecisionMode, ValueOptions,
};
use crate::connect::schema::{Kind, Schema, logical};
use crate::postgres::catalog::{Column, Type, TypeKind, Types};

/// How values of one type look, before nullability and default.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mapping {
    pub(super) schema: Schema,
    pub(super) conversion: Conversion,
    pub(super) placeholder: Placeholder,
    /// Never a value, although the column is there: pgjdbc or Debezium's decoder does not deliver one.
    pub(super) always_null: bool,
}

/// What stands for an unchanged TOASTed value (`UnchangedToastedPlaceholder`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    /// The type has none: the conversion fails.
    None,
    Text,
    Bytes,
    Hstore(HstoreMode),
    TextArray,
    BytesArray,
    /// An array with the value of each byte.
    ByteNumbers,
    UuidArray,
}

impl Mapping {
    fn new(kind: Kind, conversion: Conversion) -> Self {
        Self::of(Schema::new(kind), conversion)
    }

    fn of(schema: Schema, conversion: Conversion) -> Self {
        Self {
            schema,
            conversion,
            placeholder: Placeholder::None,
            always_null: false,
        }
    }

    fn text() -> Self {
        Self::new(Kind::String, Conversion::Text).placeholder(Placeholder::Text)
    }

    fn named_text(name: &'static str) -> Self {
        Self::of(Schema::named(Kind::String, name, 1), Conversion::Text)
            .placeholder(Placeholder::Text)
    }

    fn placeholder(self, placeholder: Placeholder) -> Self {
        Self {
            placeholder,
            ..self
        }
    }

    fn always_null(self) -> Self {
        Self {
            always_null: true,
            ..self
        }
    }
}

/// Maps the types of one connector's columns.
#[derive(Clone, Copy)]
pub(super) struct Mapper<'a> {
    pub(super) types: &'a Types,
    pub(super) options: &'a ValueOptions,
    /// What pgjdbc makes of dates in the column's phase.
    pub(super) dates: Clock,
    /// Debezium's stream decoder drops `name` columns, unless unknown types are wanted.
    pub(super) delivers_names: bool,
}

impl Mapper<'_> {
    /// `None`: Debezium leaves columns of this type out.
    pub(super) fn column(&self, column: &Column) -> Option<Mapping> {
        let (r#type, modifier) = self
            .types
            .below_domains(column.type_oid, column.type_modifier)?;
        match &r#type.kind {
            TypeKind::Array(_) | TypeKind::Base if is_vector(r#type) => Some(vector(r#type)),
            TypeKind::Array(element) => self.array(self.types.get(*element)?, modifier),
            TypeKind::Base
            | TypeKind::Enum(_)
            | TypeKind::Domain { .. }
            | TypeKind::Composite
            | TypeKind::Range
            | TypeKind::Multirange
            | TypeKind::Pseudo => self
                .scalar(r#type, modifier)
                .or_else(|| self.unknown(r#type)),
        }
    }

    fn scalar(&self, r#type: &Type, modifier: i32) -> Option<Mapping> {
        match &r#type.kind {
            TypeKind::Enum(labels) => Some(enumeration(labels)),
            TypeKind::Base | TypeKind::Range if r#type.schema == "pg_catalog" => {
                self.built_in(&r#type.name, modifier)
            }
            TypeKind::Base => self.extension(&r#type.name),
            TypeKind::Array(_)
            | TypeKind::Domain { .. }
            | TypeKind::Composite
            | TypeKind::Range
            | TypeKind::Multirange
            | TypeKind::Pseudo => None,
        }
    }

    fn built_in(&self, name: &str, modifier: i32) -> Option<Mapping> {
        Some(match name {
            "bool" => Mapping::new(Kind::Boolean, Conversion::Boolean),
            "int2" => Mapping::new(Kind::Int16, Conversion::Integer),
            "int4" => Mapping::new(Kind::Int32, Conversion::Integer),
            "int8" | "oid" => Mapping::new(Kind::Int64, Conversion::Integer),
            "float4" => Mapping::new(Kind::Float32, Conversion::Float32),
            "float8" => Mapping::new(Kind::Float64, Conversion::Float64),
            "numeric" => self.numeric(modifier),
            "money" => self.money(),
            "name" if self.delivers_names => Mapping::text(),
            "name" => Mapping::text().always_null(),
            "bpchar" | "varchar" | "text" | "char" | "inet" | "cidr" | "macaddr" | "macaddr8"
            | "int4range" | "int8range" | "numrange" | "tsrange" | "tstzrange" | "daterange" => {
                Mapping::text()
            }
            "json" | "jsonb" => Mapping::named_text("io.debezium.data.Json"),
            "xml" => Mapping::named_text("io.debezium.data.Xml"),
            "uuid" => Mapping::named_text("io.debezium.data.Uuid"),
            "tsvector" => Mapping::named_text("io.debezium.data.Tsvector"),
            "bytea" => self.bytea(),
            "bit" | "varbit" => bits(modifier),
            "date" => self.date(),
            "time" => self.time(modifier),
            "timetz" => Mapping::of(
                Schema::named(Kind::String, "io.debezium.time.ZonedTime", 1),
                Conversion::ZonedTime,
            ),
            "timestamp" => self.timestamp(modifier),
            "timestamptz" => zoned_timestamp(modifier),
            "interval" => self.interval(),
            "point" => Mapping::of(geometry::point_schema(), Conversion::Point),
            _ => return None,
        })
    }

    fn numeric(&self, modifier: i32) -> Mapping {
        let precision_and_scale = precision_and_scale(modifier);
        let scale = precision_and_scale.map_or(0, |(_, scale)| scale);
        match (self.options.decimal, precision_and_scale) {
            (DecimalMode::Precise, None) => Mapping::of(
                variable_scale_decimal(),
                Conversion::Numeric(NumericForm::VariableScale),
            ),
            (DecimalMode::Precise, Some((precision, _))) => {
                let schema =
                    decimal(scale).parameter("connect.decimal.precision", precision.to_string());
                Mapping::of(schema, Conversion::Numeric(NumericForm::Decimal { scale }))
            }
            (DecimalMode::String, _) => {
                let conversion = Conversion::Numeric(NumericForm::Text { scale });
                Mapping::new(Kind::String, conversion).placeholder(Placeholder::Text)
            }
            (DecimalMode::Double, _) => {
                Mapping::new(Kind::Float64, Conversion::Numeric(NumericForm::Double))
            }
        }
    }

    fn money(&self) -> Mapping {
        let mode = self.options.decimal;
        let scale = self.options.money_fraction_digits as usize;
        let schema = match mode {
            DecimalMode::Precise => decimal(scale),
            DecimalMode::String => Schema::new(Kind::String),
            DecimalMode::Double => Schema::new(Kind::Float64),
        };
        Mapping::of(schema, Conversion::Money { mode, scale })
    }

    fn bytea(&self) -> Mapping {
        let mode = self.options.binary;
        let (kind, placeholder) = opaque::binary(mode);
        Mapping::new(kind, Conversion::Bytes(mode)).placeholder(placeholder)
    }

    fn date(&self) -> Mapping {
        let (form, schema) = match self.options.time_precision {
            TimePrecisionMode::Connect => (
                DateForm::Connect,
                Schema::named(Kind::Int32, logical::DATE, 1),
            ),
            TimePrecisionMode::Isostring => (
                DateForm::Iso,
                Schema::named(Kind::String, "io.debezium.time.IsoDate", 1),
            ),
            TimePrecisionMode::Adaptive
            | TimePrecisionMode::AdaptiveTimeMicroseconds
            | TimePrecisionMode::Microseconds
            | TimePrecisionMode::Nanoseconds => (
                DateForm::Days,
                Schema::named(Kind::Int32, "io.debezium.time.Date", 1),
            ),
        };
        Mapping::of(schema, Conversion::Date(form, self.dates))
    }

    fn time(&self, modifier: i32) -> Mapping {
        let mode = self.options.time_precision;
        let form = time_form(
            mode,
            mode == TimePrecisionMode::Adaptive && second_digits(modifier) <= 3,
        );
        let (kind, name) = match form {
            TimeForm::Milliseconds => (Kind::Int32, "io.debezium.time.Time"),
            TimeForm::Microseconds => (Kind::Int64, "io.debezium.time.MicroTime"),
            TimeForm::Nanoseconds => (Kind::Int64, "io.debezium.time.NanoTime"),
            TimeForm::Connect => (Kind::Int32, logical::TIME),
            TimeForm::Iso => (Kind::String, "io.debezium.time.IsoTime"),
        };
        Mapping::of(
            Schema::named(kind, name, 1),
            Conversion::Time(form, Clock::JavaTime),
        )
    }

    fn timestamp(&self, modifier: i32) -> Mapping {
        let form = time_form(self.options.time_precision, second_digits(modifier) <= 3);
        let (kind, name) = match form {
            TimeForm::Milliseconds => (Kind::Int64, "io.debezium.time.Timestamp"),
            TimeForm::Microseconds => (Kind::Int64, "io.debezium.time.MicroTimestamp"),
            TimeForm::Nanoseconds => (Kind::Int64, "io.debezium.time.NanoTimestamp"),
            TimeForm::Connect => (Kind::Int64, logical::TIMESTAMP),
            TimeForm::Iso => (Kind::String, "io.debezium.time.IsoTimestamp"),
        };
        Mapping::of(Schema::named(kind, name, 1), Conversion::Timestamp(form))
    }

    fn interval(&self) -> Mapping {
        let mode = self.options.interval;
        let schema = match mode {
            IntervalMode::Numeric => {
                Schema::named(Kind::Int64, "io.debezium.time.MicroDuration", 1)
            }
            IntervalMode::String => Schema::named(Kind::String, "io.debezium.time.Interval", 1),
        };
        Mapping::of(schema, Conversion::Interval(mode))
    }

    /// Types that Debezium finds by their names, in whatever schema they are.
    fn extension(&self, name: &str) -> Option<Mapping> {
        Some(match name {
            "citext" | "isbn" => Mapping::text(),
            "ltree" => Mapping::named_text("io.debezium.data.Ltree"),
            "hstore" => {
                let mode = self.options.hstore;
                Mapping::of(hstore::schema(mode), Conversion::Hstore(mode))
                    .placeholder(Placeholder::Hstore(mode))
            }
            "geometry" => Mapping::of(geometry::geometry_schema(), Conversion::Ewkb),
            "geography" => Mapping::of(geometry::geography_schema(), Conversion::Ewkb),
            "vector" => {
                let items = Kind::Array(Box::new(Schema::new(Kind::Float64)));
                let schema = Schema::named(items, "io.debezium.data.DoubleVector", 1);
                Mapping::of(schema, Conversion::DoubleVector)
            }
            "halfvec" => {
                let items = Kind::Array(Box::new(Schema::new(Kind::Float32)));
                let schema = Schema::named(items, "io.debezium.data.FloatVector", 1);
                Mapping::of(schema, Conversion::FloatVector)
            }
            "sparsevec" => Mapping::of(pgvector::sparse_schema(), Conversion::SparseVector),
            _ => return None,
        })
    }

    /// `include.unknown.datatypes`.
    fn unknown(&self, r#type: &Type) -> Option<Mapping> {
        if !self.options.include_unknown {
            return None;
        }
        let mode = self.options.binary;
        let (kind, placeholder) = opaque::binary(mode);
        let geometric = r#type.schema == "pg_catalog" && opaque::is_geometric(&r#type.name);
        let conversion = Conversion::Opaque { mode, geometric };
        Some(Mapping::new(kind, conversion).placeholder(placeholder))
    }

    fn array(&self, element: &Type, modifier: i32) -> Option<Mapping> {
        match element.name.as_str() {
            // "These array types still need to be implemented", says Debezium; elements of a domain type it does not know.
            "money" | "name" | "interval" | "varbit" | "xml" | "point" | "refcursor"
                if element.schema == "pg_catalog" =>
            {
                return None;
            }
            // The schema is that of one bit string, and no value fits it.
            "bit" if element.schema == "pg_catalog" => return Some(bits(modifier).always_null()),
            _ => {}
        }
        let known = self.scalar(element, modifier);
        let nullable_elements = known.is_some()
            && !matches!(element.kind, TypeKind::Enum(_))
            && !matches!(
                element.name.as_str(),
                "isbn" | "tsvector" | "vector" | "halfvec" | "sparsevec"
            );
        let mapping = known.or_else(|| self.unknown(element))?;
        let items = mapping.schema.optional(nullable_elements);
        let placeholder = array_placeholder(&element.name, &mapping.conversion);
        let conversion = Conversion::Array {
            element: Box::new(through_java_sql(mapping.conversion)),
            nullable_elements,
            separators: separators(element),
        };
        Some(Mapping::new(Kind::Array(Box::new(items)), conversion).placeholder(placeholder))
    }
}

/// The type's delimiter: boxes have a semicolon, PostGIS types a colon, of which hexadecimal digits have neither.
fn separators(element: &Type) -> &'static [u8] {
    match element.name.as_str() {
        "box" if element.schema == "pg_catalog" => b";",
        "geometry" | "geography" => b":,",
        _ => b",",
    }
}

/// pgjdbc decodes arrays itself, in both phases.
fn through_java_sql(mut conversion: Conversion) -> Conversion {
    if let Conversion::Date(_, clock) | Conversion::Time(_, clock) = &mut conversion {
        *clock = Clock::JavaSql;
    }
    conversion
}

fn array_placeholder(element: &str, conversion: &Conversion) -> Placeholder {
    match (element, conversion) {
        ("text" | "varchar" | "bpchar" | "json" | "jsonb", _) => Placeholder::TextArray,
        ("int4" | "int8", _) | (_, Conversion::Date(DateForm::Days, _)) => Placeholder::ByteNumbers,
        ("uuid", _) => Placeholder::UuidArray,
        (_, Conversion::Bytes(BinaryMode::Bytes)) => Placeholder::BytesArray,
        _ => Placeholder::None,
    }
}

pub(super) fn is_vector(r#type: &Type) -> bool {
    r#type.schema == "pg_catalog" && matches!(r#type.name.as_str(), "oidvector" | "int2vector")
}

fn vector(r#type: &Type) -> Mapping {
    let items = if r#type.name == "oidvector" {
        Kind::Int64
    } else {
        Kind::Int16
    };
    Mapping::new(
        Kind::Array(Box::new(Schema::new(items))),
        Conversion::EmptyArray,
    )
}

fn enumeration(labels: &[String]) -> Mapping {
    let mapping = Mapping::named_text("io.debezium.data.Enum").placeholder(Placeholder::None);
    Mapping {
        schema: mapping.schema.parameter("allowed", labels.join(",")),
        ..mapping
    }
}

fn bits(modifier: i32) -> Mapping {
    if modifier == 1 {
        return Mapping::new(Kind::Boolean, Conversion::Bit);
    }
    let length = if modifier > 0 {
        modifier.to_string()
    } else {
        UNLIMITED.to_string()
    };
    let schema = Schema::named(Kind::Bytes, "io.debezium.data.Bits", 1).parameter("length", length);
    Mapping::of(schema, Conversion::Bits)
}

fn zoned_timestamp(modifier: i32) -> Mapping {
    let schema = Schema::named(Kind::String, "io.debezium.time.ZonedTimestamp", 1);
    Mapping::of(
        schema,
        Conversion::ZonedTimestamp {
            digits: second_digits(modifier),
        },
    )
}

fn decimal(scale: usize) -> Schema {
    Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", scale.to_string())
}

fn variable_scale_decimal() -> Schema {
    let fields = [
        ("scale", Schema::new(Kind::Int32)),
        ("value", Schema::new(Kind::Bytes)),
    ];
    Schema::structure(
        "io.debezium.data.VariableScaleDecimal",
        "Variable scaled decimal",
        fields,
    )
}

/// What `numeric(precision, scale)` keeps in its modifier. The scale has a sign there, in eleven bits, which pgjdbc does not know:
/// -2 becomes 2046.
pub(super) fn precision_and_scale(modifier: i32) -> Option<(u32, usize)> {
    let packed = u32::try_from(modifier).ok()?.checked_sub(4)?;
    Some((packed >> 16, (packed & 0x7FF) as usize))
}

/// `is_short`: milliseconds are enough for a mode that adapts.
fn time_form(mode: TimePrecisionMode, is_short: bool) -> TimeForm {
    match mode {
        TimePrecisionMode::Adaptive | TimePrecisionMode::AdaptiveTimeMicroseconds if is_short => {
            TimeForm::Milliseconds
        }
        TimePrecisionMode::Adaptive
        | TimePrecisionMode::AdaptiveTimeMicroseconds
        | TimePrecisionMode::Microseconds => TimeForm::Microseconds,
        TimePrecisionMode::Nanoseconds => TimeForm::Nanoseconds,
        TimePrecisionMode::Connect => TimeForm::Connect,
        TimePrecisionMode::Isostring => TimeForm::Iso,
    }
}

/// Digits of the second: the modifier of times and timestamps, six without one.
pub(super) fn second_digits(modifier: i32) -> u32 {
    u32::try_from(modifier).map_or(6, |digits| digits.min(6))
}
