//! PostgreSQL's text output → typed values, one grammar a file. Pure.
//!
//! The texts are those of the session settings we ask for: `DateStyle=ISO`, `IntervalStyle=postgres`, `bytea_output=hex`.

pub mod array;
pub mod bits;
pub mod bytea;
pub mod date;
pub mod hstore;
pub mod interval;
pub mod money;
pub mod numeric;
pub mod point;
pub mod time;
pub mod timestamp;

mod cursor;

/// A text that is not what its type puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not parse the text of a {0}")]
pub struct Malformed(pub &'static str);

impl Malformed {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }
}
