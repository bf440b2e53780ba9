//! Text → types, once: connector properties, worker settings, secrets.
//!
//! A file becomes [`settings::Settings`] (names and values as text, `${…}` resolved), the table in [`properties`] says what
//! each name means here, and [`parse`] turns the text into a [`connector::ConnectorConfig`], collecting every problem first.

pub mod avro;
pub mod connector;
pub mod connector_file;
pub mod error;
pub mod naming;
pub mod parse;
pub mod patterns;
pub mod properties;
pub mod providers;
pub mod replacement;
pub mod settings;
pub mod worker;
