//! The notifier's file: TOML, strict, and every problem of it with line and column.

mod check;
mod file;
mod period;
mod problem;
mod secret;
mod states;

pub use file::{
    AmountColumns, Collapse, ConversationConfig, Destination, Notify, NotifyFile, OldState, Quiet,
    RuleConfig, SnapshotNotices, Template, Transport, UnknownOutcome,
};
pub use period::Period;
pub use problem::no_such;
pub use problem::{Position, Problem, Source, Weight, nearest};
pub use secret::Secret;
pub use states::{StatePattern, States};
