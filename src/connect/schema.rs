//! `org.apache.kafka.connect.data.Schema`, as far as source records need it.

use std::borrow::Cow;

/// The shape of a value: what `ConnectSchema` holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub kind: Kind,
    pub optional: bool,
    /// Semantic name, e.g. `io.debezium.time.MicroTimestamp`.
    pub name: Option<Cow<'static, str>>,
    pub version: Option<i32>,
    pub doc: Option<Cow<'static, str>>,
    /// In insertion order; JSON shows them in this order.
    pub parameters: Vec<(Cow<'static, str>, String)>,
    /// What JsonConverter writes in place of null.
    pub default: Option<Datum>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    String,
    Bytes,
    Array(Box<Schema>),
    Map(Box<Schema>, Box<Schema>),
    Struct(Vec<Field>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub schema: Schema,
}

/// An owned value of a schema: defaults, and what is not on the row path.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    Null,
    Boolean(bool),
    /// Int8 … Int64, and the logical types on top of them.
    Int(i64),
    Float32(f32),
    Float64(f64),
    String(String),
    Bytes(Vec<u8>),
    Array(Vec<Datum>),
    Map(Vec<(Datum, Datum)>),
    /// Field values in schema order.
    Struct(Vec<Datum>),
}

impl Field {
    #[must_use]
    pub fn new(name: &str, schema: Schema) -> Self {
        let name = name.to_owned();
        Self { name, schema }
    }
}

impl Schema {
    /// A required schema without name, version, doc, parameters or default.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
        }
    }

    /// A required schema with a semantic name and version.
    #[must_use]
    pub fn named(kind: Kind, name: &'static str, version: i32) -> Self {
        Self {
            name: Some(Cow::Borrowed(name)),
            version: Some(version),
            ..Self::new(kind)
        }
    }

    /// A required struct with a semantic name of version 1 and a description.
    #[must_use]
    pub fn structure<const N: usize>(
        name: &'static str,
        doc: &'static str,
        fields: [(&'static str, Self); N],
    ) -> Self {
        let fields = fields.map(|(name, schema)| Field::new(name, schema));
        let kind = Kind::Struct(fields.into());
        Self {
            doc: Some(Cow::Borrowed(doc)),
            ..Self::named(kind, name, 1)
        }
    }

    #[must_use]
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    #[must_use]
    pub fn with_default(mut self, default: Option<Datum>) -> Self {
        self.default = default;
        self
    }

    #[must_use]
    pub fn parameter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// The scale that a `Decimal` schema keeps in its parameters.
    ///
    /// # Panics
    /// If this is not a `Decimal` schema.
    #[must_use]
    pub fn decimal_scale(&self) -> i32 {
        let scale = self.parameters.iter().find(|(name, _)| name == "scale");
        scale
            .and_then(|(_, scale)| scale.parse().ok())
            .expect("a Decimal schema has a scale")
    }
}

/// Names of Connect's own logical types.
pub mod logical {
    pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
    pub const DATE: &str = "org.apache.kafka.connect.data.Date";
    pub const TIME: &str = "org.apache.kafka.connect.data.Time";
    pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
}
