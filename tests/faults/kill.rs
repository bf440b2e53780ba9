//! `kill -9`, at any moment.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use walstreet::postgres::Lsn;

use super::Stage;
use super::numbers::{
    self, TOPIC, assert_continues, assert_same, stored_position, streamed, wait_until_caught_up,
    without_repeats,
};
use crate::support::eventually;

const KILLS: u64 = 10;

/// Up to `most`, other ones in each run of the tests.
fn moment(most: Duration) -> Duration {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    most.mul_f64(f64::from(since_1970.subsec_micros() % 1000) / 1000.0)
}

#[test]
fn killed_while_streaming_it_goes_on_from_the_stored_offset_without_loss() {
    let Stage {
        database: _database,
        numbers,
        broker,
        mut connector,
    } = Stage::set(&[]);
    let running = connector.start_streaming();
    let stored = || stored_position(&broker, None);
    let mut start = eventually(|| "an offset".to_owned(), stored);
    running.kill();

    let writers = numbers.write(Duration::from_millis(1));
    let (mut runs, mut all) = (Vec::new(), Vec::new());
    for _ in 0..KILLS {
        let running = connector.start();
        thread::sleep(Duration::from_millis(200) + moment(Duration::from_millis(700)));
        running.kill();
        let records = broker.new_records(TOPIC);
        runs.push((start, streamed(&records)));
        all.extend(records);
        start = stored_position(&broker, Some(start)).unwrap();
    }
    writers.stop();
    let running = connector.start();
    let mut last = Vec::new();
    wait_until_caught_up(&broker, &numbers, &mut last);
    assert!(running.is_alive());
    runs.push((start, streamed(&last)));
    all.extend(last);

    let committed = numbers.committed();
    for (start, sent) in &runs {
        assert_continues(sent, &committed, *start);
    }
    let expected = numbers::expected(&committed, Lsn::ZERO);
    assert_same(&without_repeats(streamed(&all)), &expected);
    let with_records = runs.iter().filter(|(_, sent)| !sent.is_empty()).count();
    assert!(with_records > 3, "too few of the runs sent something");
}
