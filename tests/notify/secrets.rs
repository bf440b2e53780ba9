//! Secrets stay where they are: everything that is written down while everything is logged is looked through.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::metrics::get;
use super::{PAID, Stage};

const TOKEN: &str = "xoxb-canary-token";
const HOOK: &str = "canary-hook";
const PASSWORD: &str = "canary-password";
const PROXY: &str = "canary-proxy";
const LITERAL: &str = "xoxb-canary-literal";

/// Files below a directory, and what is in them.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| (path.display().to_string(), fs::read(&path).unwrap());
    entries.map(read).collect()
}

#[test]
fn no_secret_is_in_log_audit_metrics_outbox_or_errors() {
    let mut stage = Stage::set("").full_identity();
    fs::write(stage.dir.path().join("token"), TOKEN).unwrap();
    let hook = stage.dir.path().join("hook");
    fs::write(
        &hook,
        format!("{}/services/T0/B0/{HOOK}", stage.slack.address),
    )
    .unwrap();
    let rules = format!(
        "{}dedupe = \"1h\"\n[destination.hook]\nkind = \"slack_webhook\"\nurl = {{ file = \"{}\" }}\n{}",
        PAID.replace("[\"ops\"]", "[\"ops\", \"hook\", \"far\"]"),
        hook.display(),
        // Through a proxy that is not there.
        stage
            .destination("far", "C3")
            .replace("http://", "https://"),
    );
    stage.write_rules("", &rules);
    stage
        .connector
        .set("database.password", PASSWORD)
        .environment("WALSTREET_LOG", "trace")
        .environment("HTTPS_PROXY", &format!("http://user:{PROXY}@127.0.0.1:9"))
        .arguments(&["--metrics-listen", "127.0.0.1:0"]);
    let mut running = stage.connector.start_streaming();
    stage.set_status("PAID", "id = 100");
    stage.slack.wait_until_told(2);
    for (id, fault) in [
        "refuse*2",
        "status=500*2",
        "bad-json*2",
        "429=1*2",
        "error=invalid_blocks*4",
        "drop*2",
        "empty*2",
        // The last one: it parks the destinations.
        "redirect*2",
    ]
    .iter()
    .enumerate()
    {
        stage.slack.fault(fault);
        stage.set_status("PAID", &format!("id = {}", id + 1));
        thread::sleep(Duration::from_millis(700));
    }
    stage.set_status("NEW", "id = 1");
    stage.set_status("PAID", "id = 1");
    let mut said = vec![
        (
            "metrics".to_owned(),
            get(&running, "/metrics").1.into_bytes(),
        ),
        ("health".to_owned(), get(&running, "/health").1.into_bytes()),
    ];
    // A secret where it must not stand.
    let text = fs::read_to_string(stage.file()).unwrap();
    let written = text.replacen("token = { file", &format!("token = \"{LITERAL}\"\n#"), 1);
    fs::write(stage.file(), written).unwrap();
    running.signal("HUP");
    running.wait_for_log("goes on with the rules that it had");
    let commands: [&[&str]; 2] = [
        &["check", "--json", "--notify"],
        &["notify", "validate", "--connector"],
    ];
    for wrong in [true, false] {
        if !wrong {
            fs::write(stage.file(), &text).unwrap();
        }
        for command in commands {
            let (first, second) = match command[0] {
                "check" => (stage.file(), stage.connector.file()),
                _ => (stage.connector.file(), stage.file()),
            };
            let output = Command::new(env!("CARGO_BIN_EXE_walstreet"))
                .args(command)
                .arg(first)
                .arg(second)
                .env_clear()
                .env("WALSTREET_LOG", "trace")
                .output()
                .unwrap();
            said.push((command.join(" "), [output.stdout, output.stderr].concat()));
        }
    }
    said.push((
        "audit".to_owned(),
        format!("{:?}", stage.audit()).into_bytes(),
    ));
    let ended = running.terminate();
    assert!(ended.log.contains("TRACE") && ended.log.contains("Slack did not answer"));
    said.push(("log".to_owned(), ended.log.into_bytes()));
    said.extend(files(&stage.state_dir()));
    assert!(said.iter().any(|(name, _)| name.ends_with("outbox.db")));
    assert_without_secrets(&said);
    assert!(!stage.slack.texts().is_empty());
}

fn assert_without_secrets(said: &[(String, Vec<u8>)]) {
    let mut hits = Vec::new();
    for (name, bytes) in said {
        assert!(!bytes.is_empty() || name.ends_with("outbox.lock"), "{name}");
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines() {
            if [TOKEN, HOOK, PASSWORD, PROXY, LITERAL]
                .iter()
                .any(|canary| line.contains(canary))
            {
                hits.push(format!("{name}: {line}"));
            }
        }
    }
    assert!(
        hits.is_empty(),
        "{} hits:\n{}",
        hits.len(),
        hits[..hits.len().min(20)].join("\n")
    );
}
