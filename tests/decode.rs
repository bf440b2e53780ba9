//! `walstreet decode` as its users run it, on the recorded messages: its records are those that Debezium made of them.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::recording::{ByTopic, ComparedRecord, Recording};

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pgoutput.jsonl");

const CONNECTOR: &str = r#"{"name": "golden", "config": {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
    "topic.prefix": "srv", "database.hostname": "localhost", "database.user": "u", "database.dbname": "golden",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter", "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false"}}"#;

/// Tables whose records differ in what the help says: `NOT NULL` and defaults show in the `before` of a delete, …
const NULLS: [&str; 17] = [
    "inventory.orders",
    "public.k_default",
    "public.k_last",
    "public.outbox",
    "public.t_arr",
    "public.t_bin",
    "public.t_char",
    "public.t_defaults",
    "public.t_gen",
    "public.t_geo",
    "public.t_int",
    "public.t_interval",
    "public.t_json",
    "public.t_net",
    "public.t_numeric",
    "public.t_range",
    "public.t_time",
];

/// … their key is not their replica identity, …
const KEYS: [&str; 8] = [
    "inventory.customers",
    "public.k_composite",
    "public.k_ts",
    "public.k_unique",
    "public.ri_full",
    "public.ri_index",
    "public.ri_nothing",
    "public.toast_full",
];

/// … or they have columns of types that the database made itself.
const TYPES: [&str; 7] = [
    "inventory.moods",
    "public.t_arr2",
    "public.t_contrib",
    "public.t_ext",
    "public.t_ext_arr",
    "public.t_user",
    "public.toast_types",
];

/// Debezium shows the hash codes of Java objects.
const NEVER_THE_SAME: [&str; 1] = ["public.t_arr_dim"];

fn walstreet_decode(arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_walstreet"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    process.wait_with_output().unwrap()
}

fn stdout(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn connector_file() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(CONNECTOR.as_bytes()).unwrap();
    file
}

/// The lines as the recording has them: the envelope's own clock is 0.
fn by_topic(lines: &str) -> ByTopic {
    let text = |column: &str| (column != "null").then(|| column.to_owned());
    let clock = regex::Regex::new(r#""ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+}$"#).unwrap();
    let mut topics = ByTopic::new();
    for line in lines.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let header = columns.get(3).and_then(|header| header.split_once('='));
        let value = clock.replace(columns[2], r#""ts_ms":0,"ts_us":0,"ts_ns":0}"#);
        let record = ComparedRecord {
            key: text(columns[1]),
            value: text(&value),
            headers: header
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        topics
            .entry(columns[0].to_owned())
            .or_default()
            .push(record);
    }
    topics
}

#[test]
fn the_recorded_messages_become_the_recorded_records_where_the_catalog_is_not_needed() {
    let connector = connector_file();
    let connector = connector.path().to_str().unwrap();
    let decoded = stdout(walstreet_decode(&[CAPTURE, "--connector", connector], ""));
    let mut decoded = by_topic(&decoded);
    let different = [&NULLS[..], &KEYS, &TYPES, &NEVER_THE_SAME].concat();
    let mut equal = 0;
    for (topic, expected) in Recording::without_schemas().by_topic() {
        let decoded = decoded.remove(&topic).unwrap_or_default();
        let table = topic.strip_prefix("srv.").unwrap();
        if different.contains(&table) {
            assert_ne!(decoded, expected, "{table} needs no catalog");
        } else {
            assert_eq!(decoded, expected, "{table}");
            equal += expected.len();
        }
    }
    assert!(equal >= 158, "only {equal} records were compared");
}

#[test]
fn what_cannot_be_decoded_is_named_by_line_and_lsn() {
    let begin = "4200000000e4094fb8000303d8a3f5f6520007f4c9";
    let refused = [
        (
            format!("0/E4094EE0\t{begin}\n\n0/E4094EE8\t4900"),
            "error: -, line 3, LSN 0/E4094EE8\n  caused by: decoding a Insert message failed",
        ),
        (
            format!("0/E4094EE0\t{begin}\n0/E4094EE8\t49000"),
            "error: -, line 2\n  caused by: LSN 0/E4094EE8: the message is not hexadecimal",
        ),
        (
            format!("0/E4094EE0\t{begin}\n0/E4094EE8\t540000000100000000f1"),
            "error: -, line 2, LSN 0/E4094EE8\n  caused by: the change is of relation 241, which no line before",
        ),
        (
            "0/E4094EE8\t540000000100000000f1".to_owned(),
            "error: -, line 1, LSN 0/E4094EE8\n  caused by: the server sent a truncate at 0/E4094EE8 outside a transaction",
        ),
    ];
    for (input, expected) in refused {
        let output = walstreet_decode(&["-"], &input);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.starts_with(expected), "{errors}");
    }
}

#[test]
fn every_recorded_message_is_a_line_of_the_listing() {
    let listing = stdout(walstreet_decode(&[CAPTURE, "--messages"], ""));
    let recorded = include_str!("golden/pgoutput.jsonl").lines().count();
    assert_eq!(listing.lines().count(), recorded);
    let insert = "0/E4094EE0  insert    inventory.customers: (id='1005', first_name='Kim', last_name='Ö', email='kim@x.org')";
    assert!(listing.contains(insert));
}
