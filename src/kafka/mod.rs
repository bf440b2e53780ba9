//! Everything that talks to Kafka: producer, topic creation, internal topics, Java property names; and to the Schema Registry
//! beside it, whose client has its key stores and its manners in common with Kafka's. All of it blocks the
//! calling thread, for no longer than its timeouts say.

pub mod admin;
mod client;
pub mod error;
mod jaas;
pub mod murmur2;
pub mod offsets;
pub mod producer;
pub mod properties;
pub mod registry;
mod stores;
pub mod topics;

#[cfg(test)]
mod tests;
