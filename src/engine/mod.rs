//! Runs one connector: start plan, the loop, acknowledgement, stored offsets, back-off.

pub mod ack;
