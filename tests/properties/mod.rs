//! Random tables and rows through a real server, on both paths of the product: what COPY gives to a snapshot and what pgoutput
//! gives to the stream becomes the same row, and the way through trees the same bytes as the straight way.
//!
//! `WALSTREET_CASES=5000` plays more tables than usual, `WALSTREET_SEED=…` those of a run that failed.

mod cases;
mod kinds;
mod server;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use cases::{Case, case};
use server::Server;

const CASES: u32 = 60;

#[test]
fn snapshot_and_stream_show_the_same_rows_of_any_table() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let cases = number("WALSTREET_CASES").map_or(CASES, |cases| cases.try_into().unwrap());
    let seed = number("WALSTREET_SEED").unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1);
    println!("WALSTREET_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let server = std::cell::RefCell::new(Server::start());
    let played = runner.run(&case(), |case: Case| server.borrow_mut().play(&case));
    if let Err(failure) = played {
        panic!("WALSTREET_SEED={seed}\n{failure}");
    }
    server.borrow().assert_enough();
}
