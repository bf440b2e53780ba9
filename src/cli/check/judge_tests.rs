//! Judgements over facts that are made up.

use std::collections::BTreeSet;
use std::time::Duration;

use regex::Regex;

use super::super::facts::{Access, Role, Server};
use super::super::judge_server;
use super::*;
use crate::config::connector::{PatternList, SkippedOperations, SlotConfig};
use crate::postgres::Lsn;
use crate::postgres::catalog::Table;
use crate::postgres::slot::{ReplicationSettings, Slot};

/// A server on which everything is right and nothing is made yet.
fn sound() -> ServerFacts {
    ServerFacts {
        server: Server {
            version: 150_004,
            version_text: "15.4".to_owned(),
            in_recovery: false,
            database: "shop".to_owned(),
            max_slot_wal_keep_mb: Some(51_200),
            wal_sender_timeout_ms: 60_000,
            is_rds: false,
            backend_age_s: 0.01,
            retained_bytes: None,
        },
        role: Role {
            name: "dbz".to_owned(),
            superuser: false,
            can_login: true,
            replication: true,
            rds_replication: false,
            can_create: true,
        },
        replication: ReplicationSettings {
            wal_level: "logical".to_owned(),
            max_slots: 10,
            used_slots: 0,
            max_senders: 10,
            used_senders: 0,
        },
        slot: None,
        publication: None,
        withheld: Vec::new(),
        captured: vec![checked("orders"), checked("customers")],
        all_tables: vec!["public.orders".to_owned(), "public.customers".to_owned()],
    }
}

fn checked(name: &str) -> CheckedTable {
    CheckedTable {
        table: CapturedTable {
            oid: 1,
            table: Table {
                schema: "public".to_owned(),
                name: name.to_owned(),
                columns: Vec::new(),
                key: vec!["id".to_owned()],
            },
            kind: TableKind::Ordinary,
            unlogged: false,
            replica_identity: ReplicaIdentity::Full,
            estimated_rows: None,
        },
        access: Access {
            select: true,
            owner: true,
            row_security: false,
            has_primary_key: true,
        },
    }
}

fn published(names: &[&str]) -> Publication {
    let named: BTreeSet<(String, String)> = names
        .iter()
        .map(|name| ("public".to_owned(), (*name).to_owned()))
        .collect();
    Publication {
        all_tables: false,
        publishes: [true; 4],
        via_partition_root: false,
        effective: named.clone(),
        named,
    }
}

fn slot() -> Slot {
    Slot {
        name: "debezium".to_owned(),
        plugin: Some("pgoutput".to_owned()),
        database: Some("shop".to_owned()),
        active_pid: None,
        restart_lsn: Some(Lsn(1)),
        confirmed_flush_lsn: Some(Lsn(2)),
        lost: false,
    }
}

fn on_server(facts: &ServerFacts) -> Vec<Finding> {
    let config = SlotConfig {
        name: "debezium".to_owned(),
        drop_on_stop: false,
        failover: false,
        stream_params: Vec::new(),
        max_retries: 6,
        retry_delay: Duration::from_secs(10),
        status_update_interval: Duration::from_secs(10),
        xmin_fetch_interval: None,
    };
    judge_server::judge(facts, &config)
}

fn on_tables(
    facts: &ServerFacts,
    autocreate: PublicationAutocreate,
    filters: &Filters,
) -> Vec<Finding> {
    let publication = PublicationConfig {
        name: "dbz_publication".to_owned(),
        autocreate,
        publish_via_partition_root: false,
    };
    let records = RecordOptions {
        tombstones_on_delete: true,
        skipped: SkippedOperations {
            truncate: true,
            ..SkippedOperations::default()
        },
        skip_unchanged: false,
        skipped_explicitly: false,
        extended_headers: true,
    };
    let snapshot = SnapshotConfig {
        mode: SnapshotMode::Initial,
        include_collections: None,
        delay: Duration::ZERO,
    };
    let wanted = Wanted {
        publication: &publication,
        records: &records,
        snapshot: &snapshot,
        filters,
    };
    judge(facts, wanted)
}

fn filtered(facts: &ServerFacts) -> Vec<Finding> {
    on_tables(facts, PublicationAutocreate::Filtered, &Filters::default())
}

/// The one finding that is not ok must be this.
#[track_caller]
fn assert_only(findings: &[Finding], status: Status, subject: &str, part: &str) {
    let others: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.status != Status::Ok)
        .collect();
    let [finding] = others[..] else {
        panic!("{others:#?}");
    };
    assert_eq!(
        (finding.status, finding.subject),
        (status, subject),
        "{finding:?}"
    );
    let text = format!("{} {}", finding.text, finding.remedy.join(" "));
    assert!(text.contains(part), "{text}");
}

#[test]
fn a_sound_server_is_ok_in_every_line() {
    for finding in on_server(&sound()).iter().chain(&filtered(&sound())) {
        assert_eq!(finding.status, Status::Ok, "{finding:?}");
        assert!(finding.remedy.is_empty(), "{finding:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of faults")]
fn each_fault_of_the_server_is_one_finding_with_its_remedy() {
    type Fault = fn(&mut ServerFacts);
    let faults: [(Fault, Status, &str, &str); 17] = [
        (
            |facts| facts.server.version = 130_001,
            Status::Fail,
            "server",
            "version 14",
        ),
        (
            |facts| facts.server.version = 190_000,
            Status::Warn,
            "server",
            "newer",
        ),
        (
            |facts| facts.server.in_recovery = true,
            Status::Fail,
            "server",
            "version 16",
        ),
        (
            |facts| facts.replication.wal_level = "replica".to_owned(),
            Status::Fail,
            "wal_level",
            "ALTER SYSTEM SET wal_level = 'logical'; -- then restart",
        ),
        (
            |facts| facts.role.replication = false,
            Status::Fail,
            "role",
            "ALTER ROLE \"dbz\" REPLICATION;",
        ),
        (
            |facts| facts.role.can_login = false,
            Status::Fail,
            "role",
            "ALTER ROLE \"dbz\" LOGIN;",
        ),
        (
            |facts| facts.replication.used_slots = 10,
            Status::Fail,
            "slot",
            "max_replication_slots = 14",
        ),
        (
            |facts| facts.replication.used_senders = 10,
            Status::Fail,
            "wal senders",
            "max_wal_senders = 14",
        ),
        (
            |facts| {
                facts.slot = Some(Slot {
                    database: Some("other".to_owned()),
                    ..slot()
                })
            },
            Status::Fail,
            "slot",
            "belongs to database \"other\"",
        ),
        (
            |facts| {
                facts.slot = Some(Slot {
                    plugin: Some("wal2json".to_owned()),
                    ..slot()
                })
            },
            Status::Fail,
            "slot",
            "wal2json",
        ),
        (
            |facts| {
                facts.slot = Some(Slot {
                    lost: true,
                    ..slot()
                })
            },
            Status::Fail,
            "slot",
            "pg_drop_replication_slot('debezium'); -- then take a new snapshot",
        ),
        (
            |facts| {
                facts.slot = Some(Slot {
                    active_pid: Some(42),
                    ..slot()
                })
            },
            Status::Warn,
            "slot",
            "in use by process 42",
        ),
        (
            |facts| {
                facts.slot = Some(Slot {
                    confirmed_flush_lsn: None,
                    ..slot()
                })
            },
            Status::Warn,
            "slot",
            "xact_start",
        ),
        (
            |facts| facts.server.max_slot_wal_keep_mb = None,
            Status::Info,
            "max_slot_wal_keep_size",
            "ALTER SYSTEM SET max_slot_wal_keep_size",
        ),
        (
            |facts| facts.server.retained_bytes = Some(40_000 << 20),
            Status::Warn,
            "max_slot_wal_keep_size",
            "it keeps 40000 MB",
        ),
        (
            |facts| facts.server.wal_sender_timeout_ms = 15_000,
            Status::Warn,
            "wal_sender_timeout",
            "status.update.interval.ms: 5000",
        ),
        (
            |facts| facts.server.backend_age_s = 600.0,
            Status::Warn,
            "pooler",
            "database.port",
        ),
    ];
    for (fault, status, subject, part) in faults {
        let mut facts = sound();
        fault(&mut facts);
        assert_only(&on_server(&facts), status, subject, part);
    }
}

#[test]
fn amazon_rds_has_remedies_of_its_own() {
    let mut facts = sound();
    facts.server.is_rds = true;
    facts.role.replication = false;
    assert_only(
        &on_server(&facts),
        Status::Fail,
        "role",
        "GRANT rds_replication TO \"dbz\";",
    );
    facts.role.rds_replication = true;
    facts.replication.wal_level = "replica".to_owned();
    assert_only(
        &on_server(&facts),
        Status::Fail,
        "wal_level",
        "rds.logical_replication = 1",
    );
}

#[test]
fn a_running_connector_needs_no_second_slot_and_sender() {
    let mut facts = sound();
    facts.slot = Some(Slot {
        active_pid: Some(42),
        ..slot()
    });
    facts.replication.used_slots = 10;
    facts.replication.used_senders = 10;
    assert_only(
        &on_server(&facts),
        Status::Warn,
        "slot",
        "stop the other connector",
    );
}

#[test]
fn each_fault_of_the_tables_is_one_finding_with_its_remedy() {
    type Fault = fn(&mut ServerFacts);
    let faults: [(Fault, Status, &str, &str); 9] = [
        (
            |facts| facts.captured[0].access.select = false,
            Status::Fail,
            "privileges",
            "GRANT SELECT ON \"public\".\"orders\" TO \"dbz\";",
        ),
        (
            |facts| facts.captured[0].access.row_security = true,
            Status::Warn,
            "row security",
            "BYPASSRLS",
        ),
        (
            |facts| facts.captured[0].access.owner = false,
            Status::Fail,
            "publication",
            "CREATE PUBLICATION \"dbz_publication\" FOR TABLE",
        ),
        (
            |facts| facts.role.can_create = false,
            Status::Fail,
            "publication",
            "no CREATE on database \"shop\"",
        ),
        (
            |facts| facts.captured[0].table.unlogged = true,
            Status::Warn,
            "unlogged",
            "never in the stream",
        ),
        (
            |facts| facts.captured[0].table.table.key.clear(),
            Status::Warn,
            "keys",
            "\"public\".\"orders\"",
        ),
        (
            |facts| facts.captured[0].table.replica_identity = ReplicaIdentity::Nothing,
            Status::Warn,
            "replica identity",
            "ALTER TABLE \"public\".\"orders\" REPLICA IDENTITY FULL;",
        ),
        (
            |facts| {
                facts.captured[0].table.replica_identity = ReplicaIdentity::Default;
                facts.captured[0].access.has_primary_key = false;
            },
            Status::Warn,
            "replica identity",
            "refuses UPDATE and DELETE",
        ),
        (
            |facts| facts.captured[0].table.replica_identity = ReplicaIdentity::Default,
            Status::Info,
            "replica identity",
            "before is null",
        ),
    ];
    for (fault, status, subject, part) in faults {
        let mut facts = sound();
        fault(&mut facts);
        assert_only(&filtered(&facts), status, subject, part);
    }
}

#[test]
fn a_publication_is_judged_by_the_mode_that_makes_it() {
    use PublicationAutocreate::{AllTables, Disabled, Filtered, NoTables};
    let findings =
        |facts: &ServerFacts, autocreate| on_tables(facts, autocreate, &Filters::default());
    let statement = "CREATE PUBLICATION \"dbz_publication\" FOR TABLE \"public\".\"orders\", \"public\".\"customers\";";
    assert_only(
        &findings(&sound(), Disabled),
        Status::Fail,
        "publication",
        statement,
    );
    assert_only(
        &findings(&sound(), AllTables),
        Status::Fail,
        "publication",
        "no superuser",
    );

    let mut facts = sound();
    facts.publication = Some(published(&["orders"]));
    let statement = "ALTER PUBLICATION \"dbz_publication\" ADD TABLE \"public\".\"customers\";";
    for autocreate in [Disabled, AllTables, NoTables] {
        assert_only(
            &findings(&facts, autocreate),
            Status::Fail,
            "publication",
            statement,
        );
    }
    assert!(
        findings(&facts, Filtered)
            .iter()
            .all(|finding| finding.status == Status::Ok)
    );
    facts.captured[1].access.owner = false;
    assert_only(
        &findings(&facts, Filtered),
        Status::Fail,
        "publication",
        statement,
    );

    facts.publication = Some(Publication {
        all_tables: true,
        ..published(&[])
    });
    assert_only(
        &findings(&facts, Filtered),
        Status::Fail,
        "publication",
        "FOR ALL TABLES",
    );
    assert!(
        findings(&facts, AllTables)
            .iter()
            .all(|finding| finding.status == Status::Ok)
    );

    let publishes = [true, true, false, false];
    facts.publication = Some(Publication {
        publishes,
        ..published(&["orders", "customers"])
    });
    assert_only(
        &findings(&facts, Disabled),
        Status::Warn,
        "publication",
        "does not publish delete ALTER",
    );
}

#[test]
fn a_pattern_that_matches_nothing_gets_the_nearest_names() {
    let pattern = |text: &str| Regex::new(&format!(r"\A(?i:{text})\z")).unwrap();
    let filters = Filters {
        tables: Filter::Include(PatternList(vec![
            pattern(r"public\.customers"),
            pattern(r"public\.order"),
        ])),
        ..Filters::default()
    };
    let mut facts = sound();
    facts.captured = vec![checked("customers")];
    assert_only(
        &on_tables(&facts, PublicationAutocreate::Filtered, &filters),
        Status::Warn,
        "tables",
        "entry 2 of table.include.list matches no table nearest names: public.orders",
    );
}

#[test]
fn no_captured_table_fails() {
    let mut facts = sound();
    facts.captured.clear();
    let findings = filtered(&facts);
    assert_eq!(
        (findings[0].status, findings[0].subject),
        (Status::Fail, "tables")
    );
}

#[test]
fn distance_counts_insertions_deletions_and_substitutions() {
    for (left, right, expected) in [
        ("", "abc", 3),
        ("order", "orders", 1),
        ("kitten", "sitting", 3),
        ("a", "a", 0),
    ] {
        assert_eq!(distance(left, right), expected);
        assert_eq!(distance(right, left), expected);
    }
}
