//! From changes to messages, on the table of the demo.

mod configuration;
mod hostile;
mod matching;
mod noise;

use super::collapse::{Candidate, CommitMatches, CommitOutcome, StreamOrigin};
use super::config::{NotifyFile, Problem};
use super::last_states::LastStates;
use super::notice::Commit;
use super::rules::{Table, TableRules};
use crate::change::{Change, ChangeKind, Position, SnapshotMarker};
use crate::postgres::pgoutput::{
    Cell, OldTuple, Relation, RelationColumn, ReplicaIdentity, Tuple, push_cell,
};
use crate::postgres::{Lsn, PgTimestamp};

/// Name and type of each column.
const COLUMNS: [(&str, u32); 9] = [
    ("transaction_id", 1043),
    ("user_id", 1043),
    ("amount", 1700),
    ("currency", 1043),
    ("merchant_name", 1043),
    ("payment_method", 1043),
    ("ip_address", 1043),
    ("status", 25),
    ("attempts", 23),
];

const HEAD: &str = r#"
[notify]
state_dir = "/var/lib/walstreet"
dashboard = "https://pay.example/tx/{transaction_id|url}"

[notify.expose]
"public.transactions" = { transaction_id = "plain", amount = "plain", currency = "plain", merchant_name = "plain", status = "plain", ip_address = "ip24", user_id = "hash8" }

[destination.ops]
kind = "slack_bot"
token = { env = "SLACK_BOT_TOKEN" }
channel = "C0123ABCD"
"#;

const FAILED: &str = r#"
[[rule]]
name = "failed"
table = "public.transactions"
column = "status"
to = ["FAILED"]
amount = { column = "amount", per = "currency" }
to_dest = ["ops"]
"#;

/// A row of [`COLUMNS`] as its cells' bytes.
#[derive(Clone)]
struct Cells(Vec<u8>);

impl Cells {
    fn new(cells: [Cell<'_>; 9]) -> Self {
        let mut bytes = Vec::new();
        for cell in cells {
            push_cell(&mut bytes, cell);
        }
        Self(bytes)
    }

    fn tuple(&self) -> Tuple<'_> {
        Tuple::new(9, &self.0).unwrap()
    }
}

fn text(value: &str) -> Cell<'_> {
    Cell::Text(value.as_bytes())
}

/// A transaction with a status, an amount and a currency.
fn transaction(id: &str, status: &str, amount: &str, currency: &str) -> Cells {
    Cells::new([
        text(id),
        text("user-7"),
        text(amount),
        text(currency),
        text("Café Zürich"),
        text("credit_card"),
        text("203.0.113.77"),
        text(status),
        text("3"),
    ])
}

fn relation(replica_identity: ReplicaIdentity) -> Relation {
    let column = |(name, type_oid): &(&str, u32)| RelationColumn {
        is_key: *name == "transaction_id",
        name: (*name).to_owned(),
        type_oid: *type_oid,
        type_modifier: -1,
    };
    Relation {
        id: 16_385,
        schema: "public".to_owned(),
        name: "transactions".to_owned(),
        replica_identity,
        columns: COLUMNS.iter().map(column).collect(),
    }
}

fn file(rules: &str) -> NotifyFile {
    NotifyFile::parse(&format!("{HEAD}{rules}")).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn compile_for(
    file: &NotifyFile,
    relation: &Relation,
    withheld: &str,
) -> (Option<TableRules>, Vec<Problem>) {
    let table = Table {
        relation,
        key: &["transaction_id".to_owned()],
        captured: &|name| name != withheld,
    };
    TableRules::compile(file, table, b"secret")
}

fn compile(rules: &str) -> TableRules {
    let (compiled, problems) = compile_for(&file(rules), &relation(ReplicaIdentity::Full), "");
    assert_eq!(problems, []);
    compiled.unwrap()
}

fn change(kind: ChangeKind<'_>) -> Change<'_> {
    let position = Position {
        lsn: Lsn(1),
        last_commit_lsn: None,
        xid: Some(7),
        committed_at: PgTimestamp(0),
        origin: None,
        slot_xmin: None,
        order: None,
    };
    Change {
        relation_id: 16_385,
        position,
        kind,
    }
}

fn update<'a>(old: &'a Cells, new: &'a Cells) -> Change<'a> {
    change(ChangeKind::Update {
        old: Some(OldTuple::Full(old.tuple())),
        new: new.tuple(),
    })
}

fn snapshot_row(row: &Cells) -> Change<'_> {
    change(ChangeKind::Read {
        row: row.tuple(),
        marker: SnapshotMarker::True,
    })
}

fn commit_at(lsn: u64, at: &str) -> Commit {
    Commit {
        lsn: Lsn(lsn),
        xid: 7,
        committed_at: at.parse().unwrap(),
    }
}

fn origin() -> StreamOrigin {
    StreamOrigin {
        system_identifier: "7000000000000000001".to_owned(),
        slot: "walstreet".to_owned(),
    }
}

/// One commit of these changes.
fn outcome(rules: &TableRules, changes: &[Change<'_>]) -> CommitOutcome {
    let mut matches = CommitMatches::default();
    for change in changes {
        matches.change(rules, &mut LastStates::default(), change);
    }
    matches.commit(commit_at(0x1A_2B3C, "2026-11-22T10:00:00Z"), &origin())
}

fn candidates(rules: &TableRules, changes: &[Change<'_>]) -> Vec<Candidate> {
    let outcome = outcome(rules, changes);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    outcome.candidates
}
