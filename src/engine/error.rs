//! Why a connector stopped, and whether starting it again can help.

use std::time::Duration;

use crate::change::assembler::AssembleError;
use crate::connect::offset::OffsetError;
use crate::debezium::encoder::EncodeError;
use crate::postgres::Lsn;
use crate::postgres::pgoutput::DecodeError;
use crate::{kafka, postgres, snapshot};

use super::pipeline;
use super::plan::PlanError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Postgres(#[from] postgres::error::Error),
    #[error(transparent)]
    Catalog(#[from] postgres::catalog_query::Error),
    #[error(transparent)]
    Publication(#[from] postgres::publication::Error),
    #[error(transparent)]
    Slot(#[from] postgres::slot::Error),
    #[error(transparent)]
    Snapshot(#[from] snapshot::session::Error),
    #[error(transparent)]
    Kafka(#[from] kafka::error::Error),
    #[error("could not use the offset stored in Kafka")]
    Offset(#[from] OffsetError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(
        "could not decode the message at {lsn}; nothing was skipped, and the slot still has it: \
         please report this with the output of `SELECT version()`"
    )]
    Decode { lsn: Lsn, source: DecodeError },
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(
        "could not write a change of table {table} at {lsn}; nothing was skipped, and the slot still has it"
    )]
    Encode {
        table: String,
        lsn: Lsn,
        source: EncodeError,
    },
    #[error(transparent)]
    Setup(#[from] pipeline::SetupError),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    #[error("the server sent a row at {lsn} of relation {relation_id}, which it had not described")]
    UnknownRelation { relation_id: u32, lsn: Lsn },
    #[error(
        "transaction {xid}, which the server sent, is not visible after {} s, so its tables cannot be described: does its commit wait \
         for a synchronous standby (synchronous_standby_names)?", waited.as_secs()
    )]
    NotVisible { xid: u32, waited: Duration },
    #[error(transparent)]
    Notify(#[from] super::notify::Error),
    #[error("could not start the threads that talk to PostgreSQL")]
    Runtime(#[source] std::io::Error),
    /// Asked for; not a failure.
    #[error("stopped before the work was finished")]
    Stopped,
}

impl Error {
    /// Whether starting again from the stored offset can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Postgres(error) => error.is_retriable(),
            Self::Catalog(error) => error.is_retriable(),
            Self::Publication(error) => error.is_retriable(),
            Self::Slot(error) => error.is_retriable(),
            Self::Snapshot(error) => error.is_retriable(),
            Self::Kafka(error) => error.is_retriable(),
            Self::Offset(error) => error.is_retriable(),
            Self::Encode { source, .. } => source.is_retriable(),
            Self::Setup(error) => error.is_retriable(),
            Self::Pipeline(error) => error.is_retriable(),
            Self::NotVisible { .. } => true,
            Self::Notify(error) => error.is_retriable(),
            Self::Plan(_)
            | Self::Decode { .. }
            | Self::Assemble(_)
            | Self::UnknownRelation { .. }
            | Self::Runtime(_)
            | Self::Stopped => false,
        }
    }
}
