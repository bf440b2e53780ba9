//! Kafka Connect's own data model: schemas, values, converters, offsets. Knows no PostgreSQL.

pub mod schema;
