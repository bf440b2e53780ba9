//! Everything that talks to Kafka: producer, topic creation, internal topics, Java property names. All of it blocks the
//! calling thread, for no longer than its timeouts say.

pub mod admin;
mod client;
pub mod error;
mod jaas;
pub mod murmur2;
pub mod offsets;
pub mod producer;
pub mod properties;
mod stores;
pub mod topics;

#[cfg(test)]
mod tests;
