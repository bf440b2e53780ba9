//! `io.confluent.connect.avro.AvroConverter`: values as Avro binary behind the id of their schema in a Schema Registry.
//!
//! Pure: [`schema_text`] makes the Avro schema of a Connect schema, [`binary`] writes values, [`converter`] puts the id before
//! them, which it asks a [`registry::SchemaRegistry`] for.

pub mod binary;
pub mod converter;
pub mod error;
pub mod registry;
pub mod schema_text;

mod default_value;
mod layout;
mod name;

#[cfg(test)]
mod golden_tests;
