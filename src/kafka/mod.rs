//! Everything that talks to Kafka: producer, topic creation, internal topics, Java property names.
