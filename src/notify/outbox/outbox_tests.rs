//! The outbox keeps what it took, through restarts, overflow and damage.

use crate::notify::notice::{Content, Notice, Severity};
use crate::notify::sample::notice;
use crate::postgres::Lsn;

use super::*;

const SOURCE: &str = "7000/walstreet";

pub(super) fn open(directory: &Path) -> Outbox {
    Outbox::open(directory, 1).unwrap()
}

pub(super) fn store(outbox: &Outbox, watermark: u64, notices: &[Notice]) {
    let intake = Intake {
        source: SOURCE,
        watermark: Some(Lsn(watermark)),
        notices,
        noise: &Default::default(),
        untold: &[],
        states: &std::collections::HashMap::new(),
    };
    outbox.store(intake, 10).unwrap();
}

fn states(outbox: &Outbox) -> Vec<String> {
    let query = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT state FROM notice ORDER BY seq")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    outbox.read(query).unwrap()
}

fn begin(outbox: &Outbox, queued: &Queued) {
    let opened = Opened {
        seq: queued.seq,
        body_hash: "x",
        thread_ts: None,
    };
    outbox.begin(opened, 20).unwrap().unwrap();
}

#[test]
fn a_position_that_was_reached_brings_nothing_new_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    assert_eq!(outbox.watermark(SOURCE).unwrap(), None);
    let both = [notice("ops", "a", 1), notice("ops", "b", 1)];
    // Of one commit and rule, with one ordinal: the same delivery.
    store(&outbox, 100, &both);
    assert_eq!(states(&outbox), ["pending"]);
    drop(outbox);
    let outbox = open(directory.path());
    assert_eq!(outbox.watermark(SOURCE).unwrap(), Some(Lsn(100)));
    let again = [notice("ops", "a", 1), notice("ops", "c", 7)];
    store(&outbox, 100, &again);
    assert_eq!(states(&outbox), ["pending"]);
    store(&outbox, 200, &again);
    assert_eq!(states(&outbox), ["pending", "pending"]);
}

#[test]
fn what_was_being_sent_is_unknown_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    store(
        &outbox,
        100,
        &[notice("ops", "a", 1), notice("ops", "b", 2)],
    );
    let first = outbox.next("ops").unwrap().unwrap();
    begin(&outbox, &first);
    drop(outbox);
    let outbox = open(directory.path());
    assert_eq!(states(&outbox), ["unknown", "pending"]);
    assert!(outbox.next("ops").unwrap().unwrap().unknown);
}

#[test]
fn severity_goes_first_but_a_row_keeps_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let mut critical_of_a = notice("ops", "a", 2);
    critical_of_a.severity = Severity::Critical;
    let mut critical_of_b = notice("ops", "b", 3);
    critical_of_b.severity = Severity::Critical;
    let all = [
        notice("ops", "c", 4),
        notice("ops", "a", 1),
        critical_of_a,
        critical_of_b,
    ];
    store(&outbox, 400, &all);
    let mut order = Vec::new();
    while let Some(queued) = outbox.next("ops").unwrap() {
        begin(&outbox, &queued);
        order.push(queued.notice.commit.xid);
        outbox
            .end(&queued, &Ending::Sent { posted: None }, "ok", 30)
            .unwrap();
    }
    assert_eq!(order, [3, 4, 1, 2]);
}

#[test]
fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    let second = Outbox::open(directory.path(), 1);
    assert!(
        matches!(second, Err(OutboxError::Locked { .. })),
        "{second:?}"
    );
    drop(first);
    open(directory.path());
}

#[test]
fn a_damaged_file_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    for number in 1..200 {
        store(&outbox, number * 100, &[notice("ops", "a", number)]);
    }
    drop(outbox);
    let path = directory.path().join("outbox.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = Outbox::open(directory.path(), 1).unwrap_err();
    assert!(matches!(error, OutboxError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains(".recover"));
    std::fs::write(&path, "this is no database, but it is long enough to be looked at, at least a hundred bytes of it, really").unwrap();
    let error = Outbox::open(directory.path(), 1).unwrap_err();
    assert!(matches!(error, OutboxError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_newer_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    outbox
        .write(|transaction| transaction.pragma_update(None, "user_version", 99))
        .unwrap();
    drop(outbox);
    let error = Outbox::open(directory.path(), 1).unwrap_err();
    assert!(
        matches!(error, OutboxError::Newer { found: 99, .. }),
        "{error:?}"
    );
}

#[test]
fn a_file_that_takes_nothing_says_so_and_the_position_stays() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    store(&outbox, 100, &[]);
    outbox
        .read(|connection| connection.pragma_update(None, "query_only", true))
        .unwrap();
    let intake = Intake {
        source: SOURCE,
        watermark: Some(Lsn(200)),
        notices: &[notice("ops", "a", 2)],
        noise: &Default::default(),
        untold: &[],
        states: &std::collections::HashMap::new(),
    };
    let error = outbox.store(intake, 10).unwrap_err();
    assert!(matches!(error, OutboxError::ReadOnly { .. }), "{error:?}");
    assert!(error.is_retriable());
    assert_eq!(outbox.watermark(SOURCE).unwrap(), Some(Lsn(100)));
}

#[test]
fn a_full_disk_is_told_and_passes() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    store(&outbox, 100, &[]);
    let pages: i64 = outbox
        .read(|connection| connection.pragma_query_value(None, "page_count", |row| row.get(0)))
        .unwrap();
    let limit = |pages: i64| {
        outbox
            .read(|connection| {
                connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            })
            .unwrap();
    };
    limit(pages);
    let many: Vec<_> = (2..300).map(|number| notice("ops", "a", number)).collect();
    let intake = Intake {
        source: SOURCE,
        watermark: Some(Lsn(30_000)),
        notices: &many,
        noise: &Default::default(),
        untold: &[],
        states: &std::collections::HashMap::new(),
    };
    let error = outbox.store(intake, 10).unwrap_err();
    assert!(matches!(error, OutboxError::Full { .. }), "{error:?}");
    assert_eq!(outbox.watermark(SOURCE).unwrap(), Some(Lsn(100)));
    limit(1_000_000);
    outbox.store(intake, 10).unwrap();
    assert_eq!(states(&outbox).len(), 298);
}

#[test]
fn too_much_is_folded_and_every_change_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let many: Vec<_> = (1..=312)
        .map(|number| notice("ops", &number.to_string(), number))
        .collect();
    store(&outbox, 31_200, &many);
    let small = Capacity {
        max_bytes: 10_000,
        ..Capacity::default()
    };
    let folded = outbox.fold("ops", small, 50).unwrap();
    assert_eq!(folded.notices, 311);
    let digest = outbox.next("ops").unwrap().unwrap();
    assert_eq!(digest.notice.count(), 312);
    assert!(matches!(digest.notice.content, Content::Digest(_)));
    assert_eq!(digest.notice.id, many[0].id);
    assert_eq!(
        states(&outbox)
            .iter()
            .filter(|state| *state == "folded")
            .count(),
        311
    );
    assert_eq!(outbox.fold("ops", small, 50).unwrap(), Folded::default());
}

#[test]
fn what_is_too_old_is_folded_and_one_alone_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    store(
        &outbox,
        200,
        &[notice("ops", "a", 1), notice("ops", "b", 2)],
    );
    store(&outbox, 300, &[notice("other", "a", 3)]);
    let hour = Capacity {
        max_age: Duration::from_secs(3600),
        ..Capacity::default()
    };
    // By the time of the commit, not of the reading.
    let after = |seconds: i64| (1_700_000_000 + seconds) * 1_000;
    assert_eq!(outbox.fold("ops", hour, after(3_600)).unwrap().notices, 0);
    assert_eq!(outbox.fold("ops", hour, after(3_700)).unwrap().notices, 1);
    assert_eq!(outbox.fold("other", hour, after(3_700)).unwrap().notices, 0);
}

#[test]
fn an_operator_decides_what_is_held() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let (first, second) = (notice("ops", "a", 1), notice("ops", "b", 2));
    store(&outbox, 200, &[first.clone(), second.clone()]);
    for _ in 0..2 {
        let queued = outbox.next("ops").unwrap().unwrap();
        begin(&outbox, &queued);
        outbox.end(&queued, &Ending::Held, "timeout", 30).unwrap();
    }
    let held = outbox.list(State::Held, 10).unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].reason.as_deref(), Some("timeout"));
    outbox.acknowledge(first.id.as_str(), 40).unwrap();
    outbox.resend(second.id.as_str(), 40).unwrap();
    assert_eq!(states(&outbox), ["sent", "pending"]);
    assert!(outbox.next("ops").unwrap().unwrap().repeat);
    let again = outbox.acknowledge(first.id.as_str(), 40);
    assert!(matches!(again, Err(OutboxError::NoSuchNotice { .. })));
}

#[test]
fn threads_survive_a_restart_and_end_with_their_time() {
    use crate::notify::notice::ConversationMode;
    use crate::notify::sample::in_conversation;
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let notice = in_conversation(notice("ops", "a", 1), ConversationMode::Thread, "a");
    let thread = Thread {
        channel: "C1".to_owned(),
        ts: "1.000001".to_owned(),
        told: None,
    };
    outbox.remember_thread(&notice, &thread, 1_000).unwrap();
    drop(outbox);
    let outbox = open(directory.path());
    assert_eq!(outbox.thread(&notice).unwrap(), Some(thread));
    outbox.prune(Duration::from_secs(10), 12_000).unwrap();
    assert_eq!(outbox.thread(&notice).unwrap(), None);
}

#[test]
fn what_is_written_is_on_disk_after_a_sync_of_it_or_of_something_later() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let is_synced = |write| outbox.disk.is_synced(write);
    store(&outbox, 100, &[notice("ops", "a", 1)]);
    let stored = outbox.disk.written();
    assert!(!is_synced(stored));

    let queued = outbox.next("ops").unwrap().unwrap();
    let nothing = Opened {
        seq: queued.seq + 1,
        body_hash: "x",
        thread_ts: None,
    };
    assert_eq!(outbox.begin(nothing, 20).unwrap(), None);
    assert_eq!(outbox.disk.written(), stored, "nothing was written");
    begin(&outbox, &queued);
    let begun = outbox.disk.written();
    outbox.sync(begun).unwrap();
    assert!(is_synced(stored) && is_synced(begun));

    outbox.end(&queued, &Ending::Unknown, "x", 30).unwrap();
    let ended = outbox.disk.written();
    outbox.sync(begun).unwrap();
    assert!(!is_synced(ended), "nobody asked for it");
    outbox.set_wait("ops", &Wait::default(), 40).unwrap();
    assert!(is_synced(ended));
}

#[test]
fn only_a_machine_that_went_down_leaves_doubts() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("outbox.lock");
    let outbox = open(directory.path());
    assert_eq!(outbox.doubts_before_ms(), None);
    let this_boot = std::fs::read_to_string(&lock).unwrap();
    assert!(!this_boot.is_empty());
    outbox.end_orderly().unwrap();
    assert_eq!(std::fs::read_to_string(&lock).unwrap(), "");
    drop(outbox);
    for (left, doubts) in [(this_boot.as_str(), None), ("another boot", Some(1))] {
        std::fs::write(&lock, left).unwrap();
        let outbox = open(directory.path());
        assert_eq!(outbox.doubts_before_ms(), doubts, "{left}");
        assert_eq!(
            std::fs::read_to_string(&lock).unwrap(),
            left,
            "if it is killed"
        );
    }
}

#[test]
fn the_log_begins_anew_while_somebody_writes() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    // Of the log's header (https://sqlite.org/fileformat2.html#walformat).
    let times_begun_anew = || {
        let log = std::fs::read(directory.path().join("outbox.db-wal")).unwrap();
        u32::from_be_bytes(log[12..16].try_into().unwrap())
    };
    store(&outbox, 1, &[notice("ops", "a", 1)]);
    let before = times_begun_anew();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            // Fewer pages than those after which the writer does it itself.
            for watermark in 2..2_000 {
                store(&outbox, watermark, &[notice("ops", "a", watermark)]);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        while !writer.is_finished() {
            outbox.tend_log().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(times_begun_anew() > before);
}

#[test]
fn what_was_told_costs_nothing_later() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let mut told = 0;
    let mut tell = |count| {
        let began = std::time::Instant::now();
        for _ in 0..count {
            told += 1;
            store(&outbox, told, &[notice("ops", "a", told)]);
            outbox.fold("ops", Capacity::default(), 10).unwrap();
            let queued = outbox.next("ops").unwrap().unwrap();
            begin(&outbox, &queued);
            let sent = Ending::Sent { posted: None };
            outbox.end(&queued, &sent, "ok", 30).unwrap();
            outbox.standings().unwrap();
        }
        began.elapsed()
    };
    let first = tell(200);
    outbox
        .write(|transaction| {
            transaction.execute_batch(
                "INSERT INTO notice (delivery_id, destination, rule, fifo_key, severity, notice, created_at, committed_at, state)
                 WITH RECURSIVE many (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM many WHERE n < 100000)
                 SELECT n, 'ops', 'failed', 'row', 0, '', 1, 1, 'sent' FROM many",
            )
        })
        .unwrap();
    let later = tell(200);
    assert!(later < 3 * first, "{first:?} {later:?}");
}
