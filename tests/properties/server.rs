//! Plays a case on a real server and compares what both paths show of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::test_runner::TestCaseError;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use walstreet::change::{Change, ChangeKind, Position, SnapshotMarker};
use walstreet::config::connector::ConnectorConfig;
use walstreet::debezium::encoder::TableEncoder;
use walstreet::debezium::record::RecordBuffer;
use walstreet::debezium::tree::SourceRecords;
use walstreet::postgres::catalog::{Table, Types};
use walstreet::postgres::catalog_query::{load_table, load_types};
use walstreet::postgres::pgoutput::{Cell, Message, OldTuple, Tuple, decode};
use walstreet::postgres::replication::{Frame, ReplicationStream};
use walstreet::postgres::{Connection, Lsn, PgTimestamp, client, quote};
use walstreet::snapshot::{Session, TableRead, batch};

use super::cases::{Case, Value};
use super::kinds;
use crate::support::PATIENCE;
use crate::support::database::Database;
use crate::trees::Trees;

const POSITION: Position<'_> = Position {
    lsn: Lsn(500),
    last_commit_lsn: Some(Lsn(400)),
    xid: Some(7),
    committed_at: PgTimestamp(1_234_567),
    origin: None,
    slot_xmin: None,
    order: None,
};

/// The server, a slot on it, and what was seen so far.
pub(super) struct Server {
    runtime: Runtime,
    database: Database,
    client: Client,
    stream: ReplicationStream,
    types: Types,
    tables: usize,
    compared: usize,
    type_names: BTreeSet<String>,
}

/// A JSON text a column.
type Columns = BTreeMap<String, String>;

/// What became of a row, or why it became nothing.
type Shown = Result<Columns, String>;

#[derive(Debug)]
struct ReadRow {
    shown: Shown,
    /// The columns that need not look alike in both phases.
    may_differ: BTreeSet<String>,
}

/// Rows by their keys.
type Snapshot = BTreeMap<String, ReadRow>;

/// What the stream showed of a change.
#[derive(Debug)]
struct Streamed {
    op: char,
    id: String,
    before: Option<Shown>,
    after: Option<Shown>,
    unchanged_toast: BTreeSet<String>,
}

impl Server {
    pub(super) fn start() -> Self {
        let database = Database::create();
        database.sql(kinds::SETUP);
        database.sql("CREATE PUBLICATION properties FOR ALL TABLES");
        let slot = format!("properties_{}", database.name);
        let mut connection = Connection::open(&database.config()).unwrap();
        let start = connection.create_replication_slot(&slot, false).unwrap();
        let stream = connection.start_replication(
            &slot,
            start.consistent_point,
            &["properties"],
            &[],
            Duration::from_secs(1),
        );
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(database.connect());
        let types = runtime.block_on(load_types(&client)).unwrap();
        Self {
            runtime,
            database,
            client,
            stream: stream.unwrap(),
            types,
            tables: 0,
            compared: 0,
            type_names: BTreeSet::new(),
        }
    }

    pub(super) fn play(&mut self, case: &Case) -> Result<(), TestCaseError> {
        self.tables += 1;
        let name = format!("t{}", self.tables);
        self.sql(&case.create(&name))?;
        self.sql(&case.inserts(&name))?;
        let table = self
            .runtime
            .block_on(load_table(&self.client, "public", &name));
        let table = table.unwrap().unwrap().table;
        let inserted = self.snapshot(&table, case);
        self.sql(&case.updates(&name))?;
        let updated = self.snapshot(&table, case);
        self.sql(&format!("DELETE FROM {name}"))?;
        let streamed = self.streamed(&table, case);
        self.sql(&format!("DROP TABLE {name}"))?;
        assert_eq!(inserted.len(), case.rows.len());
        assert_eq!(updated.len(), case.rows.len());
        for change in &streamed {
            let (old, new) = (&inserted[&change.id], &updated[&change.id]);
            match change.op {
                'c' => self.compare(&[(&change.after, old)], change),
                'u' if case.full => {
                    self.compare(&[(&change.before, old), (&change.after, new)], change)
                }
                'u' => self.compare(&[(&change.after, new)], change),
                _ if case.full => self.compare(&[(&change.before, new)], change),
                // The key alone.
                _ => {}
            }
        }
        let names = case.columns.iter().map(|column| column.type_name.clone());
        self.type_names.extend(names);
        Ok(())
    }

    /// Something was compared, of most types.
    pub(super) fn assert_enough(&self) {
        println!(
            "{} tables, {} values of {} types compared",
            self.tables,
            self.compared,
            self.type_names.len()
        );
        assert!(self.compared > self.tables * 10, "{}", self.compared);
        assert!(
            self.type_names.len() > self.tables.min(60),
            "{:?}",
            self.type_names
        );
    }

    fn sql(&self, sql: &str) -> Result<(), TestCaseError> {
        let done = self.runtime.block_on(self.client.batch_execute(sql));
        done.map_err(|error| {
            let cause = error.as_db_error().map(ToString::to_string);
            TestCaseError::fail(format!("{cause:?} {error}: {sql}"))
        })
    }

    fn snapshot(&self, table: &Table, case: &Case) -> Snapshot {
        let config = &case.settings.0;
        let mut encoder = TableEncoder::for_snapshot(table, &self.types, config);
        let mut trees = Trees::new(config);
        let mut rows = Snapshot::new();
        for cells in self.copied(table) {
            let row = tuple(table, &cells);
            let kind = ChangeKind::Read {
                row,
                marker: SnapshotMarker::True,
            };
            let value = encode(&mut encoder, &mut trees, kind);
            let shown = value.map(|value| part(&value, "after", config).unwrap());
            let may_differ = may_differ(&row, table, case);
            rows.insert(id(&row), ReadRow { shown, may_differ });
        }
        rows
    }

    /// The cells of the table's rows as the product reads them.
    fn copied(&self, table: &Table) -> Vec<Vec<u8>> {
        let reads = [TableRead::new(table, |_| true)];
        let config = self.database.config();
        self.runtime.block_on(async {
            let client = client::connect(&config, "properties").await.unwrap();
            let session = Session::begin(client, None).await.unwrap();
            let (mut sender, mut receiver) = batch::channel();
            let reading = async {
                session.read(&reads, &mut sender).await.unwrap();
                drop(sender);
            };
            let taking = async {
                let mut rows = Vec::new();
                while let Some(batch) = receiver.recv().await {
                    rows.extend(batch.rows().map(|(row, _)| row.to_vec()));
                }
                rows
            };
            tokio::join!(reading, taking).1
        })
    }

    /// Every row's insert, update and delete.
    fn streamed(&self, table: &Table, case: &Case) -> Vec<Streamed> {
        let config = &case.settings.0;
        let mut trees = Trees::new(config);
        let mut encoder: Option<(u32, TableEncoder)> = None;
        let mut changes = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while changes.len() < 3 * case.rows.len() {
            assert!(Instant::now() < deadline, "{} changes", changes.len());
            let Some(batch) = self.stream.recv_timeout(PATIENCE).unwrap() else {
                continue;
            };
            for frame in batch.frames() {
                let Frame::XLogData { data, .. } = frame.unwrap() else {
                    continue;
                };
                let message = decode(data, false).unwrap();
                if let Message::Relation { relation, .. } = &message {
                    if relation.name == table.name {
                        let new =
                            TableEncoder::for_stream(relation, Some(table), &self.types, config);
                        encoder = Some((relation.id, new));
                    }
                } else if let Some((relation_id, encoder)) = &mut encoder
                    && let Some((op, kind)) = change_of(&message, *relation_id)
                {
                    changes.push(show(op, kind, encoder, &mut trees, table, config));
                }
            }
        }
        changes
    }

    /// Each image of a change with what the snapshot read. One image that has no form in a record takes the other along.
    fn compare(&mut self, images: &[(&Option<Shown>, &ReadRow)], change: &Streamed) {
        let excused = !change.unchanged_toast.is_empty()
            || images.iter().any(|(_, read)| !read.may_differ.is_empty());
        let failed = images.iter().any(|(_, read)| read.shown.is_err());
        let same_end = failed
            == images
                .iter()
                .any(|(shown, _)| matches!(shown, Some(Err(_))));
        assert!(same_end || excused, "{images:?}");
        for (shown, read) in images {
            if let (Some(Ok(streamed)), Ok(row)) = (shown, &read.shown) {
                self.compare_columns(row, streamed, &read.may_differ, change);
            }
        }
    }

    fn compare_columns(
        &mut self,
        read: &Columns,
        streamed: &Columns,
        may_differ: &BTreeSet<String>,
        change: &Streamed,
    ) {
        assert!(read.keys().eq(streamed.keys()), "{read:?}\n{streamed:?}");
        for (column, read) in read {
            let is_unavailable = change.unchanged_toast.contains(column) && change.before.is_none();
            if is_unavailable || may_differ.contains(column) {
                continue;
            }
            let streamed = &streamed[column];
            assert_eq!(streamed, read, "{column} of a change {}", change.op);
            self.compared += 1;
        }
    }
}

impl Case {
    fn create(&self, name: &str) -> String {
        let columns = self.columns.iter().enumerate().map(|(index, column)| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            format!(", c{index} {}{null}", column.type_name)
        });
        let identity = if self.full { "FULL" } else { "DEFAULT" };
        format!(
            "CREATE TABLE {name} (id int PRIMARY KEY{}); ALTER TABLE {name} REPLICA IDENTITY {identity}",
            columns.collect::<String>()
        )
    }

    fn inserts(&self, name: &str) -> String {
        let rows = self.rows.iter().enumerate().map(|(id, row)| {
            let values: String = row
                .inserted
                .iter()
                .map(|value| format!(", {}", literal(value)))
                .collect();
            format!("INSERT INTO {name} VALUES ({id}{values});\n")
        });
        rows.collect()
    }

    fn updates(&self, name: &str) -> String {
        let rows = self.rows.iter().enumerate().map(|(id, row)| {
            let columns = row.updated.iter().enumerate();
            let changes: String = columns
                .filter_map(|(index, value)| {
                    Some(format!(", c{index} = {}", literal(value.as_ref()?)))
                })
                .collect();
            format!("UPDATE {name} SET id = id{changes} WHERE id = {id};\n")
        });
        rows.collect()
    }
}

fn literal(value: &Value) -> String {
    value
        .as_deref()
        .map_or_else(|| "NULL".to_owned(), quote::literal)
}

fn tuple<'a>(table: &Table, cells: &'a [u8]) -> Tuple<'a> {
    Tuple::new(u16::try_from(table.columns.len()).unwrap(), cells).unwrap()
}

fn id(row: &Tuple<'_>) -> String {
    let Some(Cell::Text(text)) = row.cells().next() else {
        panic!("no key in {row:?}");
    };
    String::from_utf8(text.to_vec()).unwrap()
}

/// Debezium's snapshot counts days before 1582-10-15 as `java.sql.Date` does, and its stream has no columns of type `name`.
fn may_differ(row: &Tuple<'_>, table: &Table, case: &Case) -> BTreeSet<String> {
    let types = ["id"]
        .into_iter()
        .chain(case.columns.iter().map(|column| column.type_name.as_str()));
    let columns = row.cells().zip(types).zip(&table.columns);
    columns
        .filter(|((cell, type_name), _)| match (*type_name, cell) {
            ("name", _) => !case.settings.0.values.include_unknown,
            ("date" | "day", Cell::Text(text)) => !is_plain_date(text),
            _ => false,
        })
        .map(|(_, column)| column.name.clone())
        .collect()
}

fn is_plain_date(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
        && !text.ends_with(b" BC")
        && !(text.len() == 10 && (&b"1582-10-05"[..]..=&b"1582-10-14"[..]).contains(&text))
}

/// `None` for another table's, and for what is no change of a row.
fn change_of<'a>(message: &Message<'a>, table: u32) -> Option<(char, ChangeKind<'a>)> {
    let (relation, op, kind) = if let Message::Insert {
        relation_id, new, ..
    } = *message
    {
        (relation_id, 'c', ChangeKind::Insert { new })
    } else if let Message::Update {
        relation_id,
        old,
        new,
        ..
    } = *message
    {
        (relation_id, 'u', ChangeKind::Update { old, new })
    } else if let Message::Delete {
        relation_id, old, ..
    } = *message
    {
        (relation_id, 'd', ChangeKind::Delete { old })
    } else {
        return None;
    };
    (relation == table).then_some((op, kind))
}

fn show(
    op: char,
    kind: ChangeKind<'_>,
    encoder: &mut TableEncoder,
    trees: &mut Trees,
    table: &Table,
    config: &ConnectorConfig,
) -> Streamed {
    let row = match kind {
        ChangeKind::Insert { new } | ChangeKind::Update { new, .. } => new,
        ChangeKind::Delete {
            old: OldTuple::Full(old) | OldTuple::Key(old),
        } => old,
        ChangeKind::Read { .. } | ChangeKind::Truncate => panic!("{kind:?}"),
    };
    let value = encode(encoder, trees, kind);
    let image = |name| match &value {
        Ok(value) => part(value, name, config).map(Ok),
        Err(error) => Some(Err(error.clone())),
    };
    let columns = row.cells().zip(&table.columns);
    Streamed {
        op,
        id: id(&row),
        before: image("before"),
        after: image("after"),
        unchanged_toast: columns
            .filter(|(cell, _)| *cell == Cell::UnchangedToast)
            .map(|(_, column)| column.name.clone())
            .collect(),
    }
}

/// The value of the first record, after the same change went through trees.
fn encode(
    encoder: &mut TableEncoder,
    trees: &mut Trees,
    kind: ChangeKind<'_>,
) -> Result<Vec<u8>, String> {
    let change = Change {
        relation_id: 1,
        position: POSITION,
        kind,
    };
    let mut straight = RecordBuffer::new();
    match encoder.encode(&change, 0, &mut straight) {
        Ok(_) => {
            trees.assert_same(encoder, &change, &straight);
            Ok(straight.get(0).unwrap().value.unwrap().to_vec())
        }
        Err(error) => {
            let same = encoder.encode_tree(&change, 0, &mut SourceRecords::new(&[]));
            assert_eq!(same.unwrap_err().to_string(), error.to_string());
            Err(error.to_string())
        }
    }
}

/// The columns of `before` or `after`, as they are written; `None` for null.
fn part(value: &[u8], name: &str, config: &ConnectorConfig) -> Option<Columns> {
    type Fields = BTreeMap<String, Box<RawValue>>;
    let fields: Fields = serde_json::from_slice(value).unwrap();
    let envelope: Fields = if config.value_converter.json_options().schemas {
        serde_json::from_str(fields["payload"].get()).unwrap()
    } else {
        fields
    };
    let row: Option<Fields> = serde_json::from_str(envelope[name].get()).unwrap();
    row.map(|row| {
        let text = |(column, value): (String, Box<RawValue>)| (column, value.get().to_owned());
        row.into_iter().map(text).collect()
    })
}
