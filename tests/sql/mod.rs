//! The SQL side against a real server: catalog, publication, slot, snapshot, checks.

mod catalog;
mod check;
mod decode;
mod publication;
mod seed;
mod slot;
mod snapshot;
