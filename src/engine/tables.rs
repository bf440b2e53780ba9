//! The tables of the stream: what the server says of them, joined with the catalog, compiled into encoders.

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::notify::Telling;
use crate::change::filter::TableFilter;
use crate::config::connector::{ConnectorConfig, FailedChange};
use crate::debezium::encoder::TableEncoder;
use crate::notify::rules::TableRules;
use crate::postgres::catalog::{TypeKind, Types};
use crate::postgres::pgoutput::Relation;
use crate::postgres::{Lsn, catalog_query, client, slot};

/// How long a transaction that was sent may stay invisible, and how often to look.
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(2);

pub(super) struct Tables<'a> {
    config: &'a ConnectorConfig,
    runtime: &'a Handle,
    client: Client,
    types: Types,
    filter: TableFilter,
    /// `None` for a table that is not captured.
    encoders: FxHashMap<u32, Option<TableEncoder>>,
    cancel: &'a CancellationToken,
    /// The transaction that was found visible last.
    visible: Option<u32>,
    /// Of captured tables, when there is a notifier.
    watched: FxHashMap<u32, Watched>,
}

/// A table as the notifier's rules see it.
struct Watched {
    relation: Relation,
    key: Vec<String>,
    rules: Option<TableRules>,
}

impl<'a> Tables<'a> {
    pub(super) fn new(
        config: &'a ConnectorConfig,
        runtime: &'a Handle,
        client: Client,
        types: Types,
        cancel: &'a CancellationToken,
    ) -> Self {
        let filter = TableFilter::new(&config.filters);
        Self {
            config,
            runtime,
            client,
            types,
            filter,
            encoders: FxHashMap::default(),
            cancel,
            visible: None,
            watched: FxHashMap::default(),
        }
    }

    /// Compiles the encoder of a table that the server described in transaction `xid`, or described anew.
    ///
    /// Nullability, defaults and the key come from the catalog as it is now, as in Debezium (`PostgresSchema.applySchemaChangesForTable`),
    /// but never as it was before that transaction: Debezium writes null keys then.
    pub(super) fn learn(
        &mut self,
        relation: &Relation,
        xid: Option<u32>,
        telling: Option<&Telling<'_>>,
    ) -> Result<(), Error> {
        if !self.filter.accepts(&relation.schema, &relation.name) {
            self.encoders.insert(relation.id, None);
            self.watched.remove(&relation.id);
            return Ok(());
        }
        self.reconnect_if_closed()?;
        if let Some(xid) = xid.filter(|xid| self.visible != Some(*xid)) {
            self.wait_until_visible(xid)?;
        }
        for column in &relation.columns {
            self.learn_type(column.type_oid)?;
        }
        let found = self.runtime.block_on(catalog_query::load_table(
            &self.client,
            &relation.schema,
            &relation.name,
        ))?;
        let table = found.as_ref().map(|captured| &captured.table);
        let encoder = TableEncoder::for_stream(relation, table, &self.types, self.config);
        tracing::debug!(table = %format!("{}.{}", relation.schema, relation.name), topic = %encoder.topic(), "table described");
        self.encoders.insert(relation.id, Some(encoder));
        if let Some(telling) = telling {
            let key = table.map_or(&[][..], |table| &table.key);
            let watched = Watched {
                relation: relation.clone(),
                key: key.to_vec(),
                rules: telling.compile_for(self.config, relation, key),
            };
            self.watched.insert(relation.id, watched);
        }
        Ok(())
    }

    /// What the notifier wants to know of a table; `None` where its changes cost nothing.
    pub(super) fn rules(&self, relation_id: u32) -> Option<&TableRules> {
        self.watched.get(&relation_id)?.rules.as_ref()
    }

    /// The notifier's file was read again.
    pub(super) fn compile_rules_again(&mut self, telling: &Telling<'_>) {
        for watched in self.watched.values_mut() {
            watched.rules = telling.compile_for(self.config, &watched.relation, &watched.key);
        }
    }

    /// The encoder of a described table, `None` when the table is not captured.
    pub(super) fn encoder(
        &mut self,
        relation_id: u32,
        lsn: Lsn,
    ) -> Result<Option<&mut TableEncoder>, Error> {
        match self.encoders.get_mut(&relation_id) {
            Some(encoder) => Ok(encoder.as_mut()),
            None => Err(Error::UnknownRelation { relation_id, lsn }),
        }
    }

    /// What becomes of a change that failed with `error` (`EventDispatcher.handleEventProcessingFailure`).
    pub(super) fn failed(&self, error: Error) -> Result<(), Error> {
        let is_of_the_change = matches!(error, Error::Encode { .. }) && !error.is_retriable();
        match self.config.errors.failed_change {
            FailedChange::Warn if is_of_the_change => {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(error, "a change is left out");
            }
            FailedChange::Skip if is_of_the_change => {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::debug!(error, "a change is left out");
            }
            FailedChange::Fail | FailedChange::Warn | FailedChange::Skip => return Err(error),
        }
        Ok(())
    }

    /// What the slot of the stream keeps of the catalog.
    pub(super) fn slot_xmin(&mut self) -> Result<Option<i64>, Error> {
        self.reconnect_if_closed()?;
        let xmin = slot::catalog_xmin(&self.client, &self.config.slot.name);
        Ok(self.runtime.block_on(xmin)?)
    }

    fn wait_until_visible(&mut self, xid: u32) -> Result<(), Error> {
        let started = Instant::now();
        while !self
            .runtime
            .block_on(catalog_query::is_visible(&self.client, xid))?
        {
            if self.cancel.is_cancelled() {
                return Err(Error::Stopped);
            }
            if started.elapsed() >= VISIBLE_WITHIN {
                let waited = VISIBLE_WITHIN;
                return Err(Error::NotVisible { xid, waited });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.visible = Some(xid);
        Ok(())
    }

    /// Types that were created since the start, and what they are made of.
    fn learn_type(&mut self, oid: u32) -> Result<(), Error> {
        let mut unknown = Some(oid);
        while let Some(oid) = unknown.filter(|oid| self.types.get(*oid).is_none()) {
            let Some(found) = self
                .runtime
                .block_on(catalog_query::load_type(&self.client, oid))?
            else {
                return Ok(());
            };
            unknown = match found.kind {
                TypeKind::Array(element) => Some(element),
                TypeKind::Domain { base, .. } => Some(base),
                TypeKind::Base
                | TypeKind::Enum(_)
                | TypeKind::Composite
                | TypeKind::Range
                | TypeKind::Multirange
                | TypeKind::Pseudo => None,
            };
            self.types.insert(found);
        }
        Ok(())
    }

    /// The stream can be quiet for days, and this connection with it.
    fn reconnect_if_closed(&mut self) -> Result<(), Error> {
        if self.client.is_closed() {
            self.client = self
                .runtime
                .block_on(client::connect(&self.config.database, "walstreet"))?;
        }
        Ok(())
    }
}
