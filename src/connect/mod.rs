//! Kafka Connect's own data model: schemas, values, converters, offsets. Knows no PostgreSQL.

pub mod calendar;
pub mod datum_sink;
pub mod header;
pub mod java_float;
pub mod java_hash;
pub mod json;
pub mod offset;
pub mod record;
pub mod schema;
pub mod sink;
pub mod transform;

mod decimal;
