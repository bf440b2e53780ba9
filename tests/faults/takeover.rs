//! Going on from where Debezium stopped: offsets as it stores them, in the middle of transactions.
//!
//! The shapes are those of recordings of Debezium 3.6.3: `lsn_commit` is missing before the first commit and can be above
//! `lsn_proc` when transactions lie between each other; `lsn_proc` stays behind `lsn` for a message and for all but the last
//! table of a `TRUNCATE`.

use serde_json::{Value, json};
use walstreet::postgres::Lsn;

use crate::support::connector::Connector;
use crate::support::database::Database;
use crate::support::eventually;
use crate::support::kafka::{Broker, OFFSETS_TOPIC, Record};

const SETUP: &str = "
CREATE SCHEMA shop;
CREATE TABLE shop.t (id int PRIMARY KEY);
CREATE TABLE shop.a (id int PRIMARY KEY);
CREATE PUBLICATION dbz_publication FOR ALL TABLES;";

/// One statement a transaction, but for the second and third, which are open at the same time.
const CHANGES: [&str; 10] = [
    "BEGIN; INSERT INTO shop.t VALUES (1); INSERT INTO shop.t VALUES (2); INSERT INTO shop.t VALUES (3); COMMIT",
    "BEGIN; INSERT INTO shop.t VALUES (10)",
    "BEGIN; INSERT INTO shop.t VALUES (20); INSERT INTO shop.t VALUES (21); COMMIT",
    "INSERT INTO shop.t VALUES (11); INSERT INTO shop.t VALUES (12); COMMIT",
    "BEGIN; COPY shop.t FROM PROGRAM 'printf ''%s\\n'' 30 31 32 33'; INSERT INTO shop.t VALUES (34); COMMIT",
    "BEGIN; INSERT INTO shop.t VALUES (40); SELECT pg_logical_emit_message(true, 'p', 'within');
     INSERT INTO shop.t VALUES (41); COMMIT",
    "SELECT pg_logical_emit_message(false, 'p', 'outside')",
    "BEGIN; UPDATE shop.t SET id = 50 WHERE id = 1; INSERT INTO shop.t VALUES (51); COMMIT",
    "BEGIN; INSERT INTO shop.t VALUES (60); TRUNCATE shop.t, shop.a; INSERT INTO shop.t VALUES (61); COMMIT",
    "DELETE FROM shop.t WHERE id = 61",
];
const LAST: &str = "INSERT INTO shop.t VALUES (99)";

/// A change as PostgreSQL's own plugin shows it.
struct Event {
    lsn: Lsn,
    xid: String,
    /// End of the last commit before it in the stream.
    commit: Option<Lsn>,
    text: String,
}

impl Event {
    /// What it becomes in the topic of `shop.t`.
    fn records(&self) -> Vec<String> {
        let numbers = self.text.split("id[integer]:").skip(1);
        let ids: Vec<&str> = numbers
            .map(|rest| rest.split(' ').next().unwrap())
            .collect();
        match (self.text.split(": ").nth(1), &ids[..]) {
            (Some("INSERT"), [id]) => vec![format!("c {id}")],
            (Some("UPDATE"), [old, new]) => vec![
                format!("d {old}"),
                format!("tombstone {old}"),
                format!("c {new}"),
            ],
            (Some("DELETE"), [id]) => vec![format!("d {id}"), format!("tombstone {id}")],
            (Some("TRUNCATE"), []) => vec!["t".to_owned()],
            _ => Vec::new(),
        }
    }
}

struct History {
    /// In the order of the stream.
    events: Vec<Event>,
}

impl History {
    /// The first event whose text ends so.
    fn position(&self, text: &str) -> usize {
        let position = self
            .events
            .iter()
            .position(|event| event.text.ends_with(text));
        position.unwrap_or_else(|| panic!("no event \"{text}\""))
    }

    fn event(&self, text: &str) -> &Event {
        &self.events[self.position(text)]
    }

    /// What is to be sent when everything before the event was.
    fn from(&self, text: &str) -> Vec<String> {
        let rest = &self.events[self.position(text)..];
        rest.iter().flat_map(Event::records).collect()
    }

    /// What is to be sent when the event was, too.
    fn after(&self, text: &str) -> Vec<String> {
        let rest = &self.events[self.position(text) + 1..];
        rest.iter().flat_map(Event::records).collect()
    }

    /// The offset that Debezium stores after a row.
    fn offset(&self, text: &str, message_type: &str) -> Value {
        let event = self.event(text);
        let mut offset = json!({
            "lsn_proc": event.lsn.0,
            "messageType": message_type,
            "lsn": event.lsn.0,
            "txId": event.xid.parse::<u32>().unwrap(),
            "ts_usec": 1_795_332_683_793_597_u64,
        });
        if let Some(commit) = event.commit {
            offset["lsn_commit"] = commit.0.into();
        }
        offset
    }
}

/// What Debezium stored, what is to be sent then, and how many messages and truncates of the other table.
struct Case {
    name: &'static str,
    offset: Value,
    expected: Vec<String>,
    messages: usize,
    truncates: usize,
}

/// A field of an offset replaced.
fn with(mut offset: Value, name: &str, value: impl Into<Value>) -> Value {
    offset[name] = value.into();
    offset
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases(history: &History, start: Lsn) -> Vec<Case> {
    let case = |name, offset, expected| Case {
        name,
        offset,
        expected,
        messages: 2,
        truncates: 1,
    };
    let all = || history.from("id[integer]:1");
    let snapshot = json!({"lsn": start.0, "txId": 7, "ts_usec": 1_795_332_678_637_047_u64});
    let done =
        json!({"last_snapshot_record": true, "snapshot": "INITIAL", "snapshot_completed": true});
    let mut finished = snapshot.clone();
    finished
        .as_object_mut()
        .unwrap()
        .extend(done.as_object().unwrap().clone());
    let message =
        |text: &str, processed: Lsn| with(history.offset(text, "MESSAGE"), "lsn_proc", processed.0);
    let outside = history.event("content:outside").lsn.0;
    let commit = history.event("id[integer]:10").commit.unwrap().0;
    vec![
        case("after a finished snapshot", finished, all()),
        case("a heartbeat after a snapshot", snapshot, all()),
        case(
            "the first row of the first transaction",
            history.offset("id[integer]:1", "INSERT"),
            history.after("id[integer]:1"),
        ),
        case(
            "a row in the middle of the first transaction",
            history.offset("id[integer]:2", "INSERT"),
            history.after("id[integer]:2"),
        ),
        case(
            "the last row of a transaction",
            history.offset("id[integer]:3", "INSERT"),
            history.after("id[integer]:3"),
        ),
        case(
            "the first row of a later transaction",
            history.offset("id[integer]:20", "INSERT"),
            history.after("id[integer]:20"),
        ),
        case(
            "a commit",
            json!({"lsn_proc": commit, "messageType": "COMMIT", "lsn_commit": commit, "lsn": commit, "txId": 7, "ts_usec": 1}),
            history.from("id[integer]:10"),
        ),
        case(
            "a begin",
            with(
                history.offset("id[integer]:10", "BEGIN"),
                "lsn_proc",
                commit,
            ),
            history.from("id[integer]:10"),
        ),
        case(
            "a row that lies before the last commit",
            history.offset("id[integer]:10", "INSERT"),
            history.after("id[integer]:10"),
        ),
        case(
            "one of the rows of a COPY, which share their LSN",
            history.offset("id[integer]:32", "INSERT"),
            history.from("id[integer]:30"),
        ),
        case(
            "a counted row of a COPY",
            with(
                history.offset("id[integer]:31", "INSERT"),
                "lsn_events_processed",
                2,
            ),
            history.after("id[integer]:31"),
        ),
        Case {
            messages: 1,
            ..case(
                "a message in a transaction",
                message("content:within", history.event("id[integer]:40").lsn),
                history.from("id[integer]:41"),
            )
        },
        Case {
            messages: 0,
            ..case(
                "a message outside of transactions",
                json!({"lsn_proc": outside, "messageType": "MESSAGE", "lsn_commit": outside, "lsn": outside, "ts_usec": 1}),
                history.after("content:outside"),
            )
        },
        Case {
            messages: 0,
            // Its three records go to different partitions: the last may be missing.
            ..case(
                "an update of the key",
                history.offset("id[integer]:50", "UPDATE"),
                history.from("id[integer]:50"),
            )
        },
        Case {
            messages: 0,
            ..case(
                "the first table of a TRUNCATE",
                with(
                    history.offset("TRUNCATE: (no-flags)", "TRUNCATE"),
                    "lsn_proc",
                    history.event("id[integer]:60").lsn.0,
                ),
                history.from("TRUNCATE: (no-flags)"),
            )
        },
        Case {
            messages: 0,
            truncates: 0,
            ..case(
                "the last table of a TRUNCATE",
                history.offset("TRUNCATE: (no-flags)", "TRUNCATE"),
                history.after("TRUNCATE: (no-flags)"),
            )
        },
        Case {
            messages: 0,
            truncates: 0,
            ..case(
                "the last row before the stop",
                history.offset("DELETE: id[integer]:61", "DELETE"),
                history.after("DELETE: id[integer]:61"),
            )
        },
    ]
}

#[test]
fn every_offset_that_debezium_stores_is_continued_at_the_change_after_it() {
    let database = Database::create();
    database.sql(SETUP);
    let slot = |case: usize| format!("{}_{case}", database.name);
    const MOST_CASES: usize = 20;
    for case in 0..MOST_CASES {
        database.sql(&format!(
            "SELECT pg_create_logical_replication_slot('{}', 'pgoutput')",
            slot(case)
        ));
    }
    let start: Lsn = database.sql("SELECT pg_current_wal_lsn()").parse().unwrap();
    let history = write_history(&database);
    let cases = cases(&history, start);
    let topics: Vec<String> = (0..cases.len())
        .flat_map(|case| ["shop.t", "shop.a", "message"].map(|topic| format!("srv{case}.{topic}")))
        .collect();
    let topics: Vec<(&str, i32)> = topics.iter().map(|topic| (topic.as_str(), 1)).collect();
    let broker = Broker::start(&topics);

    // Each is a connector of its own; they run at the same time.
    let mut connectors = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let prefix = format!("srv{number}");
        let key = format!(r#"["shop",{{"server":"{prefix}"}}]"#);
        broker.write(
            OFFSETS_TOPIC,
            key.as_bytes(),
            case.offset.to_string().as_bytes(),
        );
        let mut connector = Connector::new(&database.config(), &broker);
        connector
            .set("topic.prefix", &prefix)
            .set("slot.name", &slot(number))
            .set("skipped.operations", "none")
            .set("publication.autocreate.mode", "disabled");
        let running = connector.start();
        connectors.push((running, connector));
    }
    for (number, (case, (running, _connector))) in cases.iter().zip(&mut connectors).enumerate() {
        let name = case.name;
        let topic = |name: &str| format!("srv{number}.{name}");
        let mut records = Vec::new();
        eventually(
            || format!("the last record, {name}:\n{}", running.log()),
            || {
                records.extend(broker.new_records(&topic("shop.t")).iter().map(described));
                records
                    .last()
                    .is_some_and(|last| last == "c 99")
                    .then_some(())
            },
        );
        assert_eq!(records, case.expected, "{name}");
        assert_eq!(
            broker.new_records(&topic("message")).len(),
            case.messages,
            "{name}: messages"
        );
        assert_eq!(
            broker.new_records(&topic("shop.a")).len(),
            case.truncates,
            "{name}: truncates"
        );
    }
}

fn described(record: &Record) -> String {
    let key = record.key.as_ref().map(|_| record.key_json()["id"].clone());
    let op = match &record.value {
        None => "tombstone".to_owned(),
        Some(_) => record.json()["op"].as_str().unwrap().to_owned(),
    };
    key.map_or(op.clone(), |id| format!("{op} {id}"))
}

/// Makes the changes and reads back what they are in the stream.
fn write_history(database: &Database) -> History {
    database.sql(
        "SELECT pg_create_logical_replication_slot(current_database() || '_seen', 'test_decoding')",
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (one, other) = (database.connect().await, database.connect().await);
        for (number, change) in CHANGES.iter().chain([&LAST]).enumerate() {
            let client = if number == 2 { &other } else { &one };
            client.batch_execute(change).await.unwrap();
        }
    });
    let seen = database.sql("SELECT lsn, xid, data FROM pg_logical_slot_peek_changes(current_database() || '_seen', NULL, NULL)");
    let (mut events, mut last_commit) = (Vec::new(), None);
    for line in seen.lines() {
        let mut columns = line.splitn(3, '|');
        let mut column = || columns.next().unwrap().to_owned();
        let (lsn, xid, text) = (column().parse().unwrap(), column(), column());
        if text.starts_with("COMMIT") {
            last_commit = Some(lsn);
        } else if !text.starts_with("BEGIN") {
            // Outside of transactions a message counts as a commit.
            let commits = text.starts_with("message: transactional: 0").then_some(lsn);
            events.push(Event {
                lsn,
                xid,
                commit: last_commit,
                text,
            });
            last_commit = commits.or(last_commit);
        }
    }
    History { events }
}
