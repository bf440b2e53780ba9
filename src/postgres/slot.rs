//! Replication slots: looking one up, judging whether it can be streamed from, dropping it, and the server settings that slots
//! need. Creating one and streaming from it needs the replication connection and lives there.

use std::time::Duration;

use tokio_postgres::types::Type as WireType;
use tokio_postgres::{Client, Row};

use super::{Lsn, quote, sql_error};

pub const PLUGIN: &str = "pgoutput";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {attempt} replication slot \"{slot}\"")]
    Query {
        attempt: &'static str,
        slot: String,
        source: tokio_postgres::Error,
    },
    #[error("could not read the server's replication settings")]
    Settings { source: tokio_postgres::Error },
    #[error(
        "replication slot \"{slot}\" belongs to database \"{found}\", not to \"{wanted}\": choose another slot.name, slots are \
         unique in the whole server"
    )]
    OtherDatabase {
        slot: String,
        found: String,
        wanted: String,
    },
    #[error(
        "replication slot \"{slot}\" uses plugin \"{found}\", not pgoutput: choose another slot.name"
    )]
    OtherPlugin { slot: String, found: String },
    #[error("replication slot \"{slot}\" is a physical slot: choose another slot.name")]
    Physical { slot: String },
    #[error(
        "replication slot \"{slot}\" is lost: the server removed WAL that it still needed (max_slot_wal_keep_size); changes are \
         missing, so drop it with SELECT pg_drop_replication_slot({literal}) and take a new snapshot", literal = quote::literal(slot)
    )]
    Lost { slot: String },
    #[error("replication slot \"{slot}\" disappeared while it was waited for")]
    Gone { slot: String },
    #[error(
        "replication slot \"{slot}\" has no confirmed position after {} s: a transaction older than the slot is still open, \
         see pg_stat_activity.xact_start", waited.as_secs()
    )]
    NotReady { slot: String, waited: Duration },
    #[error(
        "the connector would continue at {stored}, but replication slot \"{slot}\" does not exist: changes since then are lost; \
         remove the stored offset, so that a new snapshot is taken"
    )]
    SlotMissing { slot: String, stored: Lsn },
    #[error(
        "the connector would continue at {stored}, but replication slot \"{slot}\" starts at {available}: changes between them \
         are no longer available on the server; remove the stored offset, so that a new snapshot is taken"
    )]
    StoredLsnGone {
        slot: String,
        stored: Lsn,
        available: Lsn,
    },
    #[error(
        "wal_level is \"{found}\": run ALTER SYSTEM SET wal_level = 'logical' and restart the server"
    )]
    WalLevel { found: String },
    #[error(
        "all {max} replication slots of the server are in use: drop one, or run ALTER SYSTEM SET max_replication_slots = {} \
         and restart the server", max + 4
    )]
    NoFreeSlot { max: u32 },
}

impl Error {
    /// Whether trying again, unchanged, can succeed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Query { source, .. } | Self::Settings { source } => {
                sql_error::is_retriable(source)
            }
            Self::NotReady { .. } | Self::Gone { .. } | Self::NoFreeSlot { .. } => true,
            Self::OtherDatabase { .. }
            | Self::OtherPlugin { .. }
            | Self::Physical { .. }
            | Self::Lost { .. }
            | Self::SlotMissing { .. }
            | Self::StoredLsnGone { .. }
            | Self::WalLevel { .. } => false,
        }
    }
}

/// A row of `pg_replication_slots`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub name: String,
    /// `None`: a physical slot.
    pub plugin: Option<String>,
    pub database: Option<String>,
    /// The process that streams from it now.
    pub active_pid: Option<i32>,
    /// Oldest WAL that the slot keeps.
    pub restart_lsn: Option<Lsn>,
    /// Changes of transactions that ended before are not sent again; `None` until decoding found a consistent point.
    pub confirmed_flush_lsn: Option<Lsn>,
    /// `pg_replication_slots.wal_status` is `lost`.
    pub lost: bool,
}

impl Slot {
    /// Whether a connector of this database can stream from it. Being active is no obstacle here: the walsender of a connection
    /// that broke holds its slot up to `wal_sender_timeout`.
    ///
    /// # Errors
    /// What is wrong with the slot.
    pub fn check(&self, database: &str) -> Result<(), Error> {
        let slot = self.name.clone();
        let Some(plugin) = &self.plugin else {
            return Err(Error::Physical { slot });
        };
        if plugin != PLUGIN {
            let found = plugin.clone();
            return Err(Error::OtherPlugin { slot, found });
        }
        let found = self.database.clone().unwrap_or_default();
        if found != database {
            let wanted = database.to_owned();
            return Err(Error::OtherDatabase {
                slot,
                found,
                wanted,
            });
        }
        if self.lost {
            return Err(Error::Lost { slot });
        }
        Ok(())
    }
}

/// The slot of that name, whatever it is.
///
/// # Errors
/// When the server does not answer.
pub async fn load(client: &Client, name: &str) -> Result<Option<Slot>, Error> {
    const SQL: &str = "\
SELECT slot_name, plugin, database, active_pid, restart_lsn::text, confirmed_flush_lsn::text,
    coalesce(wal_status = 'lost', false)
FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";
    let failed = |source| Error::Query {
        attempt: "look up",
        slot: name.to_owned(),
        source,
    };
    let rows = client
        .query_typed(SQL, &[(&name, WireType::TEXT)])
        .await
        .map_err(failed)?;
    rows.first().map(slot_of).transpose().map_err(failed)
}

/// `catalog_xmin` of the slot of that name, if there is one: rows of the catalog that older transactions removed may be gone.
///
/// # Errors
/// When the server does not answer.
pub async fn catalog_xmin(client: &Client, name: &str) -> Result<Option<i64>, Error> {
    const SQL: &str = "SELECT catalog_xmin::text::bigint FROM pg_catalog.pg_replication_slots WHERE slot_name = $1";
    let failed = |source| Error::Query {
        attempt: "read catalog_xmin of",
        slot: name.to_owned(),
        source,
    };
    let row = client
        .query_typed(SQL, &[(&name, WireType::TEXT)])
        .await
        .map_err(failed)?;
    row.first()
        .map_or(Ok(None), |row| row.try_get(0))
        .map_err(failed)
}

/// The slot of that name, fit to be streamed from in the connected database; `None` when there is none.
///
/// While an older transaction is open, a slot that somebody else creates has no confirmed position yet. It is waited for half an
/// hour, as Debezium does (`PostgresConnection.readReplicationSlotInfo`, 900 times 2 s).
///
/// # Errors
/// When the slot cannot be used, see [`Slot::check`], or the server does not answer.
pub async fn find(client: &Client, name: &str, database: &str) -> Result<Option<Slot>, Error> {
    const ATTEMPTS: u32 = 900;
    const PAUSE: Duration = Duration::from_secs(2);
    for attempt in 0..ATTEMPTS {
        let Some(slot) = load(client, name).await? else {
            return if attempt == 0 {
                Ok(None)
            } else {
                Err(Error::Gone {
                    slot: name.to_owned(),
                })
            };
        };
        slot.check(database)?;
        if slot.confirmed_flush_lsn.is_some() {
            return Ok(Some(slot));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::NotReady {
        slot: name.to_owned(),
        waited: PAUSE * ATTEMPTS,
    })
}

/// Whether the stream can continue at the stored LSN (`PostgresConnectorTask`, "is no longer available on the server").
///
/// # Errors
/// When WAL behind the stored LSN may be gone.
pub fn check_available(name: &str, slot: Option<&Slot>, stored: Lsn) -> Result<(), Error> {
    let Some(slot) = slot else {
        return Err(Error::SlotMissing {
            slot: name.to_owned(),
            stored,
        });
    };
    match slot.restart_lsn {
        Some(available) if available > stored => Err(Error::StoredLsnGone {
            slot: slot.name.clone(),
            stored,
            available,
        }),
        Some(_) => Ok(()),
        None => Err(Error::Lost {
            slot: slot.name.clone(),
        }),
    }
}

/// Drops the slot, if it exists, once nobody streams from it: the walsender of a connection that was just closed needs a moment.
///
/// # Errors
/// When it is still in use after five seconds, or the server refuses.
pub async fn drop(client: &Client, name: &str) -> Result<(), Error> {
    const SQL: &str =
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1";
    const PAUSE: Duration = Duration::from_millis(100);
    let mut attempts_left = 50_u32;
    loop {
        match client.query_typed(SQL, &[(&name, WireType::TEXT)]).await {
            Ok(_) => return Ok(()),
            Err(error) if is_in_use(&error) && attempts_left > 0 => {
                attempts_left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(source) => {
                return Err(Error::Query {
                    attempt: "drop",
                    slot: name.to_owned(),
                    source,
                });
            }
        }
    }
}

/// What the server offers to slots and WAL senders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicationSettings {
    pub wal_level: String,
    pub max_slots: u32,
    pub used_slots: u32,
    pub max_senders: u32,
    pub used_senders: u32,
}

impl ReplicationSettings {
    /// Whether a new slot can be created. Whether there is a WAL sender for it shows when one connects.
    ///
    /// # Errors
    /// The first obstacle.
    pub fn check_room(&self) -> Result<(), Error> {
        self.check_wal_level()?;
        if self.used_slots >= self.max_slots {
            return Err(Error::NoFreeSlot {
                max: self.max_slots,
            });
        }
        Ok(())
    }

    /// # Errors
    /// When logical decoding is impossible.
    pub fn check_wal_level(&self) -> Result<(), Error> {
        if self.wal_level == "logical" {
            return Ok(());
        }
        Err(Error::WalLevel {
            found: self.wal_level.clone(),
        })
    }

    #[must_use]
    pub fn has_free_sender(&self) -> bool {
        self.used_senders < self.max_senders
    }
}

/// # Errors
/// When the server does not answer.
pub async fn load_settings(client: &Client) -> Result<ReplicationSettings, Error> {
    const SQL: &str = "\
SELECT current_setting('wal_level'),
    current_setting('max_replication_slots')::oid, (SELECT count(*)::oid FROM pg_catalog.pg_replication_slots),
    current_setting('max_wal_senders')::oid, (SELECT count(*)::oid FROM pg_catalog.pg_stat_replication)";
    let failed = |source| Error::Settings { source };
    let rows = client.query_typed(SQL, &[]).await.map_err(failed)?;
    let row = rows.first().expect("a SELECT without FROM has one row");
    settings_of(row).map_err(failed)
}

/// SQLSTATE 55006 `object_in_use`.
fn is_in_use(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE)
}

fn settings_of(row: &Row) -> Result<ReplicationSettings, tokio_postgres::Error> {
    Ok(ReplicationSettings {
        wal_level: row.try_get(0)?,
        max_slots: row.try_get(1)?,
        used_slots: row.try_get(2)?,
        max_senders: row.try_get(3)?,
        used_senders: row.try_get(4)?,
    })
}

fn slot_of(row: &Row) -> Result<Slot, tokio_postgres::Error> {
    Ok(Slot {
        name: row.try_get(0)?,
        plugin: row.try_get(1)?,
        database: row.try_get(2)?,
        active_pid: row.try_get(3)?,
        restart_lsn: lsn(row, 4)?,
        confirmed_flush_lsn: lsn(row, 5)?,
        lost: row.try_get(6)?,
    })
}

fn lsn(row: &Row, column: usize) -> Result<Option<Lsn>, tokio_postgres::Error> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(|text| text.parse().expect("pg_lsn's text form is an LSN")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        Slot {
            name: "debezium".to_owned(),
            plugin: Some("pgoutput".to_owned()),
            database: Some("shop".to_owned()),
            active_pid: None,
            restart_lsn: Some(Lsn(100)),
            confirmed_flush_lsn: Some(Lsn(200)),
            lost: false,
        }
    }

    #[test]
    fn a_slot_is_refused_for_another_database_another_plugin_or_lost_wal() {
        assert!(slot().check("shop").is_ok());
        assert!(
            matches!(slot().check("other"), Err(Error::OtherDatabase { found, .. }) if found == "shop")
        );
        let decoderbufs = Slot {
            plugin: Some("decoderbufs".to_owned()),
            ..slot()
        };
        assert!(matches!(
            decoderbufs.check("shop"),
            Err(Error::OtherPlugin { .. })
        ));
        let physical = Slot {
            plugin: None,
            database: None,
            ..slot()
        };
        assert!(matches!(
            physical.check("shop"),
            Err(Error::Physical { .. })
        ));
        let lost = Slot {
            lost: true,
            ..slot()
        };
        let error = lost.check("shop").unwrap_err();
        assert!(!error.is_retriable());
        assert!(
            error
                .to_string()
                .contains("pg_drop_replication_slot('debezium')"),
            "{error}"
        );
    }

    #[test]
    fn a_stored_lsn_is_available_from_the_slots_restart_lsn_on() {
        assert!(check_available("debezium", Some(&slot()), Lsn(100)).is_ok());
        assert!(check_available("debezium", Some(&slot()), Lsn(150)).is_ok());
        assert!(matches!(
            check_available("debezium", Some(&slot()), Lsn(99)),
            Err(Error::StoredLsnGone {
                available: Lsn(100),
                ..
            })
        ));
        assert!(matches!(
            check_available("debezium", None, Lsn(99)),
            Err(Error::SlotMissing { .. })
        ));
    }

    #[test]
    fn room_means_logical_wal_and_a_slot() {
        let roomy = ReplicationSettings {
            wal_level: "logical".to_owned(),
            max_slots: 10,
            used_slots: 9,
            max_senders: 10,
            used_senders: 9,
        };
        assert!(roomy.check_room().is_ok() && roomy.has_free_sender());
        let full = ReplicationSettings {
            used_slots: 10,
            ..roomy.clone()
        };
        let error = full.check_room().unwrap_err();
        assert!(
            error.to_string().contains("max_replication_slots = 14"),
            "{error}"
        );
        // Our own connection may be the last.
        let busy = ReplicationSettings {
            used_senders: 10,
            ..roomy.clone()
        };
        assert!(busy.check_room().is_ok() && !busy.has_free_sender());
        let replica = ReplicationSettings {
            wal_level: "replica".to_owned(),
            ..roomy
        };
        assert!(matches!(replica.check_room(), Err(Error::WalLevel { .. })));
    }
}
