//! `kill -9` under load, then everything is counted again.

use std::thread;
use std::time::{Duration, Instant};

use super::{PAID, Stage};
use walstreet::notify::random::Random;

const KILLS: u64 = 5;
const SEED: u64 = 20_261_123;

#[test]
fn killed_at_random_times_it_loses_no_change() {
    // Without it this test waits for windows that a flood made long.
    let rules = format!("{PAID}collapse = {{ window = \"1s\" }}\n");
    let mut stage = Stage::set(&rules).full_identity();
    stage.connector.start_streaming().kill();
    let mut random = Random::seeded(SEED);
    for run in 0..KILLS {
        let running = stage.connector.start();
        let lives = Duration::from_millis(300 + random.below(900));
        let until = Instant::now() + lives;
        while Instant::now() < until {
            let first = 1 + random.below(990);
            let last = first + random.below(10);
            let status = ["PAID", "NEW"][usize::try_from(random.below(2)).unwrap()];
            stage.set_status(status, &format!("id BETWEEN {first} AND {last}"));
        }
        running.kill();
        println!("run {run} lived {lives:?}, {} told", stage.slack.told());
    }
    let running = stage.connector.start_streaming();
    let expected = stage
        .database
        .sql("SELECT count(*) FROM public.history WHERE now = 'PAID'")
        .parse()
        .unwrap();
    stage.slack.wait_until_told(expected);
    thread::sleep(Duration::from_secs(1));
    // At most one message was on its way at each kill, and it is looked for before it is sent again.
    assert_eq!(stage.slack.told(), expected, "{:#?}", stage.slack.texts());
    println!(
        "{expected} changes in {} messages, {} duplicates",
        stage.slack.texts().len(),
        stage.slack.duplicates()
    );
    running.terminate().expect(0, &[]);
}
