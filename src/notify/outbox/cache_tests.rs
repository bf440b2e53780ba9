//! The log stays in the system's cache. Linux alone tells what is there.

use std::fs::File;
use std::io::IoSliceMut;

use rustix::io::{Errno, ReadWriteFlags};

use super::tests::{open, store};
use super::*;
use crate::notify::sample::notice;

#[test]
fn the_log_stays_in_the_cache_and_a_flood_leaves_it_short() {
    let directory = tempfile::tempdir().unwrap();
    let outbox = open(directory.path());
    let log = directory.path().join("outbox.db-wal");
    let long = "x".repeat(8 << 20);
    outbox
        .write(|transaction| {
            transaction.execute(
                "INSERT INTO audit (at, destination, what, detail) VALUES (1, 'ops', 'queued', ?1)",
                [long],
            )
        })
        .unwrap();
    assert!(log.metadata().unwrap().len() > 8 << 20);
    forget(&log);
    if is_cached(&log) {
        return; // It lies in memory.
    }
    outbox.tend_log().unwrap();
    assert!(is_cached(&log));
    for watermark in 1..200 {
        store(&outbox, watermark, &[notice("ops", "a", watermark)]);
    }
    outbox.tend_log().unwrap();
    assert!(log.metadata().unwrap().len() <= 4 << 20);
}

fn forget(file: &Path) {
    let file = File::open(file).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

/// Whether its end can be read without waiting.
fn is_cached(file: &Path) -> bool {
    let file = File::open(file).unwrap();
    let end = file.metadata().unwrap().len() - 4096;
    let mut page = [0; 1];
    let mut pages = [IoSliceMut::new(&mut page)];
    match rustix::io::preadv2(&file, &mut pages, end, ReadWriteFlags::NOWAIT) {
        Ok(read) => read == 1,
        Err(Errno::AGAIN) => false,
        Err(error) => panic!("{error}"),
    }
}
