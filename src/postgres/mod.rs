//! Everything that is PostgreSQL: wire, TLS, authentication, the replication stream, pgoutput, the catalog, slots and
//! publications, text values → typed values.

pub mod catalog;
pub mod catalog_query;
pub mod lsn;
pub mod pgoutput;
pub mod publication;
pub mod quote;
pub mod slot;
pub mod sql_error;
pub mod timestamp;
pub mod value;

pub use lsn::Lsn;
pub use timestamp::PgTimestamp;
