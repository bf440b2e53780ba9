//! Rows that were there before the stream: exported snapshot, table readers, markers.
//!
//! [`Session`] opens the transaction and says when and where it stands; [`Session::read`] copies the tables' rows, in pgoutput's
//! tuple form, into [`RowBatch`]es that an encoder takes from a bounded channel at the same time.

pub mod batch;
pub mod copy_text;
pub mod marker;
pub mod session;

mod batcher;

pub use batch::{BatchReceiver, BatchSender, RowBatch};
pub use session::{Error, Session, SnapshotStart, TableRead};
