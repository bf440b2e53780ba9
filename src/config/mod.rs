//! Text → types, once: connector properties, worker settings, secrets.

pub mod connector;
