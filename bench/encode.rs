//! CPU time to encode one insert of a 12-column table, without schemas: `cargo bench --bench encode` (Linux).

use std::hint::black_box;

use walstreet::change::{Change, ChangeKind, Position};
use walstreet::debezium::encoder::TableEncoder;
use walstreet::debezium::record::RecordBuffer;
use walstreet::postgres::catalog::{Column, Table, Type, TypeKind, Types};
use walstreet::postgres::pgoutput::{Tuple, push_text};
use walstreet::postgres::{Lsn, PgTimestamp};

#[path = "../tests/connector_config.rs"]
mod connector_config;

/// Name, type, OID, modifier and value.
const COLUMNS: [(&str, &str, u32, i32, &str); 12] = [
    ("id", "int8", 20, -1, "1234567"),
    ("account_id", "int8", 20, -1, "998877"),
    (
        "reference",
        "uuid",
        2950,
        -1,
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    ),
    ("amount", "numeric", 1700, ((18 << 16) | 4) + 4, "1234.5678"),
    ("currency", "bpchar", 1042, 7, "EUR"),
    ("merchant", "text", 25, -1, "Café Müller & Söhne"),
    (
        "description",
        "text",
        25,
        -1,
        "Card payment at the corner shop, terminal 42",
    ),
    (
        "booked_at",
        "timestamptz",
        1184,
        -1,
        "2024-02-29 12:34:56.789012+00",
    ),
    ("value_date", "date", 1082, -1, "2024-03-01"),
    ("settled", "bool", 16, -1, "t"),
    ("rate", "float8", 701, -1, "1.0825"),
    (
        "details",
        "jsonb",
        3802,
        -1,
        r#"{"channel": "pos", "terminal": 42}"#,
    ),
];

const CHANGES: u32 = 2_000_000;
const CHANGES_A_BATCH: u32 = 1000;

fn main() {
    let mut types = Types::default();
    for (_, name, oid, ..) in COLUMNS {
        let schema = "pg_catalog".to_owned();
        types.insert(Type {
            oid,
            schema,
            name: name.to_owned(),
            kind: TypeKind::Base,
        });
    }
    let mut encoder =
        TableEncoder::for_snapshot(&table(), &types, &connector_config::recorded(false));
    let mut cells = Vec::new();
    for (.., value) in COLUMNS {
        push_text(&mut cells, value.as_bytes());
    }
    let new = Tuple::new(12, &cells).expect("the cells are whole");
    for changes_a_transaction in [1, 100] {
        let mut buffer = RecordBuffer::new();
        let mut value_bytes = 0;
        let start = cpu_ns();
        for number in 0..CHANGES {
            if number % CHANGES_A_BATCH == 0 {
                buffer.clear();
            }
            let change = Change {
                relation_id: 1,
                position: position(number, changes_a_transaction),
                kind: ChangeKind::Insert { new },
            };
            encoder
                .encode(black_box(&change), 1_795_338_728_315_960_444, &mut buffer)
                .expect("the row fits");
            value_bytes = buffer.byte_len();
        }
        let each = (cpu_ns() - start) / u64::from(CHANGES);
        let bytes = value_bytes / usize::try_from(CHANGES_A_BATCH).expect("usize has 32 bits");
        println!(
            "{changes_a_transaction:>3} changes a transaction: {each} ns each, {bytes} bytes of key and value"
        );
    }
}

/// Nanoseconds this process was on a CPU: what others do on the machine does not count.
fn cpu_ns() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").expect("Linux has it");
    let on_cpu = schedstat.split(' ').next().and_then(|ns| ns.parse().ok());
    on_cpu.expect("the first number is the time on the CPU")
}

fn position(number: u32, changes_a_transaction: u32) -> Position<'static> {
    let transaction = u64::from(number / changes_a_transaction);
    Position {
        lsn: Lsn(3_825_815_168 + u64::from(number) * 240),
        last_commit_lsn: Some(Lsn(3_825_815_000 + transaction * 24_000)),
        xid: Some(521_416 + transaction),
        committed_at: PgTimestamp(760_000_000_000_000 + i64::from(number / changes_a_transaction)),
        origin: None,
        slot_xmin: None,
        order: None,
    }
}

fn table() -> Table {
    let column = |(name, _, type_oid, type_modifier, _): (&str, &str, u32, i32, &str)| Column {
        name: name.to_owned(),
        type_oid,
        type_modifier,
        nullable: name != "id",
        default: None,
        generated: false,
    };
    Table {
        schema: "public".to_owned(),
        name: "transactions".to_owned(),
        columns: COLUMNS.into_iter().map(column).collect(),
        key: vec!["id".to_owned()],
    }
}
