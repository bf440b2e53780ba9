//! A column's text output → its datum, as Debezium's `PostgresValueConverter` makes it.

use crate::config::connector::ValueOptions;
use crate::connect::schema::Schema;
use crate::connect::sink::Sink;
use crate::postgres::catalog::{Column, Types};

/// Where rows come from: Debezium reads a snapshot through JDBC and the stream with its own decoder, and a few types differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Snapshot,
    Stream,
}

/// What is decided once per column.
#[derive(Debug)]
pub struct ColumnConverter {
    schema: Schema,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not convert {problem} in column \"{column}\", which takes no null")]
pub struct ConvertError {
    column: String,
    problem: &'static str,
}

impl ConvertError {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl ColumnConverter {
    /// `None`: Debezium leaves columns of this type out.
    #[must_use]
    pub fn new(
        column: &Column,
        types: &Types,
        options: &ValueOptions,
        phase: Phase,
    ) -> Option<Self> {
        todo!("{column:?} {types:?} {options:?} {phase:?}")
    }

    /// With the column's nullability, default and parameters.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// A value in the type's text output. What cannot be converted becomes null with a warning
    /// (`event.converting.failure.handling.mode=warn`), or an error where the field takes no null: there Debezium dies.
    pub fn convert<S: Sink>(&self, text: &[u8], sink: &mut S) -> Result<(), ConvertError> {
        todo!("{text:?} {:?}", sink.mark())
    }

    /// SQL NULL, and likewise a column that the server did not send in a delete's old tuple: null if the column is nullable
    /// (shown as the default if there is one and the sink wants so), else the default, else the type's zero.
    pub fn null<S: Sink>(&self, sink: &mut S) {
        todo!("{:?}", sink.mark())
    }

    /// A TOASTed value that the update did not change and whose old value is not known.
    pub fn unavailable<S: Sink>(&self, sink: &mut S) -> Result<(), ConvertError> {
        todo!("{:?}", sink.mark())
    }
}
