//! `walstreet demo` as a newcomer runs it, small.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Output};

use tokio_util::sync::CancellationToken;
use walstreet::notify::fake_slack::server::{FakeSlack, listen};
use walstreet::notify::fake_slack::workspace::{Pace, Workspace};

/// Where the demo would tell a real Slack.
const SLACK: [&str; 3] = ["SLACK_WEBHOOK_URL", "SLACK_BOT_TOKEN", "SLACK_CHANNEL"];

fn demo(arguments: &[&str], slack: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_walstreet"));
    command.args(["demo", "--rows", "2000", "--rate", "200", "--duration", "1"]);
    for variable in SLACK {
        command.env_remove(variable);
    }
    let slack = slack.iter().copied();
    command.args(arguments).envs(slack).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Checks that hold, and checks that do not.
fn marks(story: &str) -> (usize, usize) {
    (story.matches('✓').count(), story.matches('✗').count())
}

/// How many of the changes that the rules ask for.
fn asked_for(story: &str) -> u64 {
    let (before, _) = story.split_once(" changes that the rules ask for").unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn every_check_of_the_demo_holds_and_nothing_is_left_behind() {
    let output = demo(&[], &[]);
    let (story, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{story}{errors}");
    assert_eq!(errors, "");
    assert_eq!(marks(&story), (11, 0), "{story}");
    assert!(story.contains("✓ snapshot: 2,000 records for 2,000 rows of the table"));
    // About 200 changes: a fifth are refunds of a large payment. The first is told alone, most of the others together.
    assert!(asked_for(&story) > 5, "{story}");
    assert!(!story.contains("; 0 digests"), "{story}");
    let (_, directory) = story.split_once("its files in ").unwrap();
    let directory = directory.lines().next().unwrap();
    assert!(directory.contains("walstreet-demo-"), "{directory}");
    assert!(!Path::new(directory).exists());
}

/// As a real Slack would be: somewhere else, known by its webhook.
#[test]
fn another_slack_is_told_by_its_webhook_which_stays_a_secret_and_its_refusal_fails_its_own_checks_only()
 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let slack = FakeSlack::new(Workspace::new(Pace::default(), 1));
    let listener = runtime
        .block_on(listen(Ipv4Addr::LOCALHOST.into(), 0))
        .unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    runtime.spawn(slack.clone().serve(listener, cancel.clone()));
    let webhook = format!("http://{address}/services/T0/payments/s3cr3t");
    let webhook = [("SLACK_WEBHOOK_URL", webhook.as_str())];

    let output = demo(&[], &webhook);
    let story = text(&output.stdout);
    let first = story.lines().find(|line| line.starts_with("Slack"));
    assert!(first.unwrap().contains("the real one"), "{story}");
    assert_eq!(marks(&story), (11, 0), "{story}");
    assert!(slack.workspace().counters.accepted > 1);
    assert!(!format!("{story}{}", text(&output.stderr)).contains("s3cr3t"));

    slack.workspace().forget();
    slack.workspace().faults.add("archived".parse().unwrap());
    let output = demo(&[], &webhook);
    let story = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{story}");
    // Nothing is told, so the amounts differ too.
    assert_eq!(marks(&story), (9, 2), "{story}");
    assert!(
        story.contains("Slack refuses: channel_is_archived"),
        "{story}"
    );
    assert!(!format!("{story}{}", text(&output.stderr)).contains("s3cr3t"));

    let accepted = slack.workspace().counters.accepted;
    let output = demo(&["--no-slack"], &webhook);
    assert_eq!(marks(&text(&output.stdout)), (7, 0));
    assert_eq!(slack.workspace().counters.accepted, accepted);
    cancel.cancel();
}

#[test]
fn a_token_without_a_channel_is_refused_before_anything_starts() {
    let output = demo(&[], &[("SLACK_BOT_TOKEN", "xoxb-s3cr3t")]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("SLACK_CHANNEL") && !errors.contains("s3cr3t"),
        "{errors}"
    );
    assert_eq!(text(&output.stdout), "");
}
