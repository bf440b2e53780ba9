//! One run from the stored offset: connections, catalog, publication, slot, then snapshot and stream.

use std::time::Instant;

use tokio::runtime::Handle;
use tokio_postgres::Client;
use uuid::Uuid;

use super::error::Error;
use super::heartbeat::Heartbeats;
use super::notify::Telling;
use super::outlet::{Destination, Kafka, Outlet};
use super::plan::{StartPlan, StreamStart, needed_from, plan};
use super::progress::Phase;
use super::records::Records;
use super::snapshot::Snapshot;
use super::stream::{Reached, Stream, now_ns};
use super::tables::Tables;
use super::tolerance::Tolerance;
use super::xmin::SlotXmin;
use super::{Engine, Output};
use crate::change::assembler::Assembler;
use crate::change::filter::TableFilter;
use crate::change::resume::Resume;
use crate::config::connector::ConnectorConfig;
use crate::connect::offset::{SourceOffset, offset_key};
use crate::debezium::headers::context_headers;
use crate::debezium::message::MessageEncoder;
use crate::debezium::transaction::TransactionMonitor;
use crate::kafka::offsets::{self, OffsetStore};
use crate::kafka::producer::Producer;
use crate::kafka::properties::{ClientSettings, data_producer};
use crate::kafka::topics::Topics;
use crate::postgres::catalog::Types;
use crate::postgres::catalog_query::{self, CapturedTable};
use crate::postgres::connection::Connection;
use crate::postgres::replication::ReplicationStream;
use crate::postgres::slot::{self, Slot};
use crate::postgres::{Lsn, PgTimestamp, client, publication, replica_identity};

/// SQLSTATE `object_in_use`: another walsender streams from the slot.
const SLOT_ACTIVE: &str = "55006";

/// Runs until stopped or failed.
pub(super) fn run(engine: &Engine<'_>, runtime: &Handle) -> Result<(), Error> {
    let headers = context_headers(engine.connector, Uuid::now_v7()).to_vec();
    let (records, warnings) = Records::new(engine.connector, &headers)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    // Kafka and PostgreSQL are asked at the same time: the start is mostly waiting for answers.
    let (destination, database) = std::thread::scope(|scope| {
        let destination = scope.spawn(|| open_destination(engine));
        let database = runtime.block_on(Database::open(engine.connector));
        let joined = destination.join();
        (
            joined.expect("opening the destination does not panic"),
            database,
        )
    });
    let ((destination, stored), database) = match (destination, database) {
        (Ok(destination), Ok(database)) => (destination, database),
        // Of two, the one that will not pass by itself.
        (Err(kafka), Err(postgres)) if kafka.is_retriable() => return Err(postgres),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let flush_interval = engine.worker.offsets.flush_interval;
    let outlet = Outlet::new(
        destination,
        headers,
        flush_interval,
        Tolerance::new(engine.connector.errors),
        engine.progress,
        engine.cancel,
    );
    let start = Start {
        engine,
        runtime,
        outlet,
        records,
    };
    start.run(database, stored)
}

/// The SQL session, and what the catalog says at the start.
struct Database {
    client: Client,
    types: Types,
    tables: Vec<CapturedTable>,
}

impl Database {
    async fn open(config: &ConnectorConfig) -> Result<Self, Error> {
        let client = client::connect(&config.database, "walstreet").await?;
        let types = catalog_query::load_types(&client).await?;
        let filter = TableFilter::new(&config.filters);
        let accepts = |schema: &str, name: &str| filter.accepts(schema, name);
        let tables = catalog_query::load_tables(&client, accepts).await?;
        if tables.is_empty() {
            tracing::warn!(
                "no table of the database is captured; check the include and exclude lists"
            );
        }
        Ok(Self {
            client,
            types,
            tables,
        })
    }
}

/// The producer and the offset stored by the run before.
fn open_destination(engine: &Engine<'_>) -> Result<(Destination, Option<SourceOffset>), Error> {
    if engine.output == Output::Discard {
        return Ok((Destination::Discard, None));
    }
    let (connector, worker) = (engine.connector, engine.worker);
    let settings = ClientSettings::new(engine.worker, engine.connector);
    let topic = offsets::topic(worker, connector);
    let offsets = OffsetStore::open(&settings, &worker.group_id, &topic)?;
    let offset_key = offset_key(&connector.name, &connector.topic_prefix);
    let stored = offsets
        .load(&offset_key)?
        .map(|value| SourceOffset::parse(&value))
        .transpose()?;
    let creation = connector
        .topic_creation
        .clone()
        .filter(|_| worker.topic_creation);
    let properties = data_producer(&settings, &connector.name)?;
    for warning in properties.warnings() {
        tracing::warn!("{warning}");
    }
    let producer = Producer::new(&properties)?;
    let topics = Topics::new(&settings, &connector.name, creation)?;
    Ok((
        Destination::Kafka(Box::new(Kafka {
            producer,
            topics,
            offsets,
            offset_key,
        })),
        stored,
    ))
}

struct Start<'a> {
    engine: &'a Engine<'a>,
    runtime: &'a Handle,
    outlet: Outlet<'a>,
    records: Records,
}

impl<'a> Start<'a> {
    fn run(self, database: Database, stored: Option<SourceOffset>) -> Result<(), Error> {
        let config = self.engine.connector;
        let Database {
            client,
            types,
            tables,
        } = database;
        let identities = replica_identity::set(&client, &config.replica_identities, &tables);
        self.runtime.block_on(identities);
        let ensured = publication::ensure(&client, &config.publication, &config.records, &tables);
        self.runtime.block_on(ensured)?;
        let slot = self.slot(&client)?;
        match plan(config.snapshot.mode, stored.as_ref())? {
            StartPlan::Snapshot => {
                self.snapshot_then_stream(client, types, &tables, slot.is_some())
            }
            StartPlan::StreamFromSlot => {
                let mut connection = Connection::open(&config.database)?;
                let from = match slot {
                    Some(slot) => slot.confirmed_flush_lsn.unwrap_or_default(),
                    None => self.create_slot(&client, &mut connection)?.0,
                };
                let start = StreamStart {
                    from,
                    last_commit_lsn: None,
                    sent: None,
                    begun: None,
                };
                let telling = self.telling(&mut connection)?;
                self.stream(connection, client, types, (start, telling), false)
            }
            StartPlan::Stream(start) => {
                let stored = stored.as_ref().map_or(Lsn::ZERO, needed_from);
                slot::check_available(&config.slot.name, slot.as_ref(), stored)?;
                let mut connection = Connection::open(&config.database)?;
                let telling = self.telling(&mut connection)?;
                self.stream(connection, client, types, (start, telling), false)
            }
        }
    }

    fn telling(&self, connection: &mut Connection) -> Result<Option<Telling<'a>>, Error> {
        let Some(notifier) = self.engine.notifier else {
            return Ok(None);
        };
        let server = connection.identify_system()?;
        let slot = &self.engine.connector.slot.name;
        Ok(Some(Telling::begin(notifier, server, slot)?))
    }

    fn slot(&self, client: &Client) -> Result<Option<Slot>, Error> {
        let config = self.engine.connector;
        let slot = self.runtime.block_on(slot::find(
            client,
            &config.slot.name,
            &config.database.dbname,
        ))?;
        if let Some(slot) = &slot {
            slot.check(&config.database.dbname)?;
        }
        Ok(slot)
    }

    fn create_slot(
        &self,
        client: &Client,
        connection: &mut Connection,
    ) -> Result<(Lsn, Option<String>), Error> {
        let config = &self.engine.connector.slot;
        self.runtime
            .block_on(slot::load_settings(client))?
            .check_room()?;
        let created = connection.create_replication_slot(&config.name, config.failover)?;
        tracing::info!(slot = config.name, consistent_point = %created.consistent_point, "slot created");
        Ok((created.consistent_point, created.snapshot_name))
    }

    /// The rows of one moment, then the stream from exactly that moment.
    ///
    /// Creating a slot gives both. A slot that exists already has no snapshot, so a temporary slot gives moment and snapshot, and
    /// the stream starts from the existing one at that position. Debezium reads rows and position at different moments then.
    fn snapshot_then_stream(
        mut self,
        client: Client,
        types: Types,
        tables: &[CapturedTable],
        slot_exists: bool,
    ) -> Result<(), Error> {
        let config = self.engine.connector;
        self.wait(config.snapshot.delay)?;
        self.engine.progress.enter(Phase::Snapshot);
        let mut connection = Connection::open(&config.database)?;
        // Before the slot is made: any command ends its exported snapshot.
        let mut telling = self.telling(&mut connection)?;
        // Several connectors of a server may be about it, each in a container where its process has the same number.
        let temporary = format!("walstreet_{}", Uuid::now_v7().simple());
        let (lsn, exported) = if slot_exists {
            let created = connection.create_temporary_slot(&temporary)?;
            (created.consistent_point, created.snapshot_name)
        } else {
            self.create_slot(&client, &mut connection)?
        };
        let reader = self
            .runtime
            .block_on(client::connect(&config.database, "walstreet"))?;
        let snapshot = Snapshot {
            config,
            runtime: self.runtime,
            progress: self.engine.progress,
            cancel: self.engine.cancel,
            types: &types,
            lsn,
        };
        let started = Instant::now();
        snapshot.take(
            reader,
            exported.as_deref(),
            tables,
            &mut self.outlet,
            &mut self.records,
            telling.as_mut(),
        )?;
        let rows = self
            .engine
            .progress
            .snapshot_rows
            .load(std::sync::atomic::Ordering::Relaxed);
        tracing::info!(
            rows,
            tables = tables.len(),
            seconds = started.elapsed().as_secs_f32(),
            "snapshot read"
        );
        if slot_exists {
            connection.drop_replication_slot(&temporary)?;
        }
        let start = StreamStart {
            from: lsn,
            last_commit_lsn: None,
            sent: None,
            begun: None,
        };
        self.stream(connection, client, types, (start, telling), true)
    }

    fn stream(
        self,
        connection: Connection,
        client: Client,
        types: Types,
        (start, mut telling): (StreamStart, Option<Telling<'a>>),
        after_snapshot: bool,
    ) -> Result<(), Error> {
        let Engine {
            connector: config,
            cancel,
            progress,
            ..
        } = *self.engine;
        if let Some(telling) = &mut telling {
            telling.start_at(start.from);
        }
        let from = telling
            .as_ref()
            .map_or(start.from, |telling| telling.read_from(start.from));
        let source = self.start_replication(connection, from)?;
        progress.enter(Phase::Streaming);
        tracing::info!(slot = config.slot.name, %from, "streaming");
        let now = PgTimestamp::from_unix_us(now_ns() / 1_000);
        let stream = Stream {
            source,
            assembler: Assembler::new(start.last_commit_lsn, now),
            resume: Resume::after(start.sent),
            tables: Tables::new(config, self.runtime, client, types, cancel),
            outlet: self.outlet,
            records: self.records,
            messages: MessageEncoder::new(config),
            transactions: TransactionMonitor::new(config, start.begun),
            heartbeats: Heartbeats::new(config, self.runtime, after_snapshot),
            slot_xmin: config.slot.xmin_fetch_interval.map(SlotXmin::new),
            progress,
            cancel,
            at: Reached {
                lsn: start.from,
                xid: None,
                committed_at: now,
                since: Instant::now(),
            },
            idle_interval: config.slot.status_update_interval,
            undecided: None,
            telling,
            kafka_from: start.from,
            is_for_notifier: false,
            kafka_has: None,
        };
        stream.run()?;
        if config.slot.drop_on_stop {
            let client = self
                .runtime
                .block_on(client::connect(&config.database, "walstreet"))?;
            self.runtime
                .block_on(slot::drop(&client, &config.slot.name))?;
        }
        Ok(())
    }

    /// A walsender whose client vanished holds the slot until it notices: that is waited for.
    fn start_replication(
        &self,
        connection: Connection,
        from: Lsn,
    ) -> Result<ReplicationStream, Error> {
        let Engine {
            connector: config, ..
        } = *self.engine;
        let publication = publication::resolved_name(&config.publication.name);
        let mut connection = Some(connection);
        let mut retries = 0;
        loop {
            let connection = match connection.take() {
                Some(connection) => connection,
                None => Connection::open(&config.database)?,
            };
            let started = connection.start_replication(
                &config.slot.name,
                from,
                &[&publication],
                &config.slot.stream_params,
                config.slot.status_update_interval,
            );
            match started {
                Err(error)
                    if error.sqlstate() == Some(SLOT_ACTIVE)
                        && retries < config.slot.max_retries =>
                {
                    retries += 1;
                    tracing::warn!(%error, retry = retries, "waiting for the slot");
                    self.wait(config.slot.retry_delay)?;
                }
                started => return Ok(started?),
            }
        }
    }

    fn wait(&self, time: std::time::Duration) -> Result<(), Error> {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.engine.cancel.cancelled() => Err(Error::Stopped),
                () = tokio::time::sleep(time) => Ok(()),
            }
        })
    }
}
