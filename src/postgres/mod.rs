//! Everything that is PostgreSQL: wire, TLS, authentication, the replication stream, pgoutput, the catalog, slots and
//! publications, text values → typed values.

mod auth;
pub mod catalog;
pub mod catalog_query;
pub mod client;
pub mod connection;
pub mod error;
mod login;
pub mod lsn;
pub mod pgoutput;
pub mod publication;
pub mod quote;
pub mod replica_identity;
pub mod replication;
pub mod slot;
mod socket;
pub mod sql_error;
pub mod timestamp;
mod tls;
pub mod value;
mod wire;

pub use connection::Connection;
pub use error::Error;
pub use lsn::Lsn;
pub use timestamp::PgTimestamp;
