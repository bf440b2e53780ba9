//! Kafka Connect's own data model: schemas, values, converters, offsets. Knows no PostgreSQL.

pub mod avro;
pub mod big_decimal;
pub mod calendar;
pub mod converter;
pub mod datum_sink;
pub mod header;
pub mod java_float;
pub mod java_hash;
pub mod json;
pub mod literal;
pub mod offset;
pub mod record;
pub mod schema;
pub mod simple_date_format;
pub mod sink;
pub mod transform;

mod decimal;
mod fit;
mod java_text;
