//! `walstreet demo` as a newcomer runs it, small.

use std::path::Path;
use std::process::Command;

#[test]
fn every_check_of_the_demo_holds_and_nothing_is_left_behind() {
    let output = Command::new(env!("CARGO_BIN_EXE_walstreet"))
        .args(["demo", "--rows", "2000", "--rate", "200", "--duration", "1"])
        .output()
        .unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{story}{errors}");
    assert_eq!(errors, "");
    assert_eq!(
        (story.matches('✓').count(), story.matches('✗').count()),
        (7, 0)
    );
    assert!(story.contains("✓ snapshot: 2,000 records for 2,000 rows of the table"));
    let (_, directory) = story.split_once("its files in ").unwrap();
    let directory = directory.lines().next().unwrap();
    assert!(directory.contains("walstreet-demo-"), "{directory}");
    assert!(!Path::new(directory).exists());
}
