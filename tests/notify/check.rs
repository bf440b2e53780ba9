//! `check --notify` on a server where much is wrong, and after what it says mends it.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::Stage;

/// One rule for each thing that can be wrong.
const RULES: &str = r#"
[[rule]]
name = "old"
table = "shop.orders"
column = "status"
to_dest = ["ops"]

[[rule]]
name = "misspelled"
table = "shop.ordres"
to_dest = ["ops"]

[[rule]]
name = "elsewhere"
table = "public.history"
to_dest = ["ops"]

[[rule]]
name = "withheld"
table = "shop.orders"
on = ["insert"]
when = "after.note == 'x'"
to_dest = ["ops"]

[[rule]]
name = "dropped"
table = "shop.orders"
on = ["insert"]
column = "stauts"
to_dest = ["ops"]

[[rule]]
name = "words"
table = "shop.orders"
on = ["insert"]
min = { column = "status", other = "1" }
to_dest = ["ops"]

[[rule]]
name = "times"
table = "shop.payments"
on = ["insert"]
min = { column = "at", other = "1" }
to_dest = ["ops"]

[[rule]]
name = "keyless"
table = "shop.payments"
on = ["insert"]
dedupe = "1h"
to_dest = ["ops"]

[[rule]]
name = "before"
table = "shop.orders"
when = "before.amount < after.amount"
to_dest = ["ops"]

[[rule]]
name = "gone"
table = "shop.orders"
on = ["delete"]
to_dest = ["ops"]

[[rule]]
name = "shows"
table = "shop.orders"
to_dest = ["ops"]
[rule.template]
title = "it was {{ before.status }}"
"#;

const EXPOSED: &str = r#"
[notify.expose]
"shop.ordres" = { id = "plain" }
"shop.payments" = { id = "plain", at = "plain" }
"public.history" = { id = "plain" }
"#;

/// The exit code and the findings about rules and Slack.
fn check(stage: &Stage) -> (Option<i32>, Vec<Value>) {
    check_with(stage, &[])
}

/// The same with variables.
pub(super) fn check_with(stage: &Stage, environment: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_walstreet"))
        .arg("check")
        .arg(stage.connector.file())
        .arg("--json")
        .arg("--notify")
        .arg(stage.file())
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    let mut findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect(&error);
    findings.retain(|finding| ["rules", "slack"].contains(&finding["subject"].as_str().unwrap()));
    (output.status.code(), findings)
}

/// `fail paid …: text; remedy`, without what is ok.
pub(super) fn lines(findings: &[Value]) -> Vec<String> {
    let line = |finding: &Value| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        let remedy = finding["remedy"].as_array().cloned().unwrap_or_default();
        let remedy: Vec<_> = remedy.iter().map(|line| line.as_str().unwrap()).collect();
        format!(
            "{} {} -> {}",
            text("status"),
            text("text"),
            remedy.join(" -> ")
        )
    };
    let lines = findings.iter().map(line);
    lines.filter(|line| !line.starts_with("ok ")).collect()
}

#[track_caller]
fn assert_says(lines: &[String], parts: &[&str]) {
    let says = |line: &&String| parts.iter().all(|part| line.contains(part));
    assert_eq!(
        lines.iter().filter(says).count(),
        1,
        "{parts:?} in {lines:#?}"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of faults")]
fn each_rule_that_cannot_work_is_named_with_what_mends_it() {
    let mut stage = Stage::set("");
    stage.database.sql(
        "CREATE TABLE shop.payments (id int, at timestamptz);
         CREATE PUBLICATION dbz_publication FOR TABLE shop.orders WITH (publish = 'insert, update')",
    );
    stage
        .connector
        .set("publication.autocreate.mode", "disabled");
    stage
        .connector
        .set("column.exclude.list", "shop.orders.note");
    stage.write_rules("", RULES);
    let text = std::fs::read_to_string(stage.file()).unwrap();
    std::fs::write(stage.file(), text.replace("\n[notify.expose]\n", EXPOSED)).unwrap();

    let (code, findings) = check(&stage);
    assert_eq!(code, Some(1));
    let found = lines(&findings);
    let full = "ALTER TABLE \"shop\".\"orders\" REPLICA IDENTITY FULL;";
    let fault = |rule: &str| format!("rule \"{rule}\"");
    for parts in [
        &[
            "fail",
            &fault("old"),
            "the old value of \"status\"",
            full,
            "old_state = \"local_store\"",
        ][..],
        &[
            "fail",
            &fault("misspelled"),
            "no table \"shop.ordres\"; did you mean \"shop.orders\"",
        ],
        &[
            "fail",
            &fault("elsewhere"),
            "does not capture",
            "table.include.list",
        ],
        &[
            "fail",
            &fault("withheld"),
            "withheld from Kafka",
            "column.exclude.list",
        ],
        &[
            "fail",
            &fault("dropped"),
            "no column \"stauts\"; did you mean \"status\"",
        ],
        &["warn", &fault("words"), "is text", "TYPE numeric"],
        &["fail", &fault("times"), "\"at\" is no column of numbers"],
        &[
            "fail",
            &fault("times"),
            "not in the publication",
            "ADD TABLE \"shop\".\"payments\";",
        ],
        &["fail", &fault("keyless"), "not in the publication"],
        &[
            "warn",
            &fault("keyless"),
            "no primary key",
            "ADD PRIMARY KEY",
        ],
        &[
            "fail",
            &fault("before"),
            "when needs the old value of \"amount\"",
            full,
        ],
        &[
            "fail",
            &fault("gone"),
            "does not publish delete",
            "SET (publish = ",
        ],
        &["warn", &fault("shows"), "before.status", full],
    ] {
        assert_says(&found, parts);
    }
    assert_eq!(found.len(), 13, "{found:#?}");

    // What it says is SQL that mends it.
    let remedies = findings
        .iter()
        .flat_map(|finding| finding["remedy"].as_array().into_iter().flatten())
        .map(|remedy| remedy.as_str().unwrap());
    let statements: BTreeSet<&str> = remedies
        .filter(|sql| sql.starts_with("ALTER PUBLICATION") || *sql == full)
        .collect();
    assert_eq!(statements.len(), 3, "{statements:#?}");
    for sql in statements {
        stage.database.sql(sql);
    }
    stage
        .database
        .sql("ALTER TABLE shop.payments ADD PRIMARY KEY (id)");
    let left = lines(&check(&stage).1);
    for rule in ["old", "before", "gone", "shows", "keyless"] {
        let name = fault(rule);
        assert!(!left.iter().any(|line| line.contains(&name)), "{left:#?}");
    }
    assert_eq!(left.len(), 6, "{left:#?}");
}

#[test]
fn slack_is_asked_about_its_tokens_and_nothing_is_posted() {
    let stage = Stage::set(super::PAID).full_identity();
    let (code, findings) = check(&stage);
    assert_eq!((code, lines(&findings)), (Some(0), Vec::new()));
    assert!(findings.iter().any(|finding| {
        finding["text"] == "\"ops\" has a token that Slack takes, and reads C1"
    }));

    stage.slack.scopes("chat:write");
    let found = lines(&check(&stage).1);
    assert_says(
        &found,
        &["warn", "without channels:history", "add the scope"],
    );
    stage.slack.scopes("channels:history");
    let found = lines(&check(&stage).1);
    assert_says(&found, &["fail", "without chat:write"]);
    stage.slack.scopes("chat:write,channels:history");

    stage
        .slack
        .fault("error=not_in_channel*1@conversations.history");
    let found = lines(&check(&stage).1);
    assert_says(
        &found,
        &["fail", "may not read C1: not_in_channel", "/invite"],
    );
    stage.slack.fault("revoked*1");
    let (code, findings) = check(&stage);
    assert_eq!(code, Some(1));
    assert_says(
        &lines(&findings),
        &["fail", "Slack refuses the token: token_revoked"],
    );
    stage.slack.fault("hang*1");
    assert_says(
        &lines(&check(&stage).1),
        &["fail", "cannot be reached: timeout"],
    );

    let token = stage.dir.path().join("token");
    std::fs::write(&token, " \n").unwrap();
    assert_says(&lines(&check(&stage).1), &["fail", "\"ops\" is empty"]);
    std::fs::remove_file(&token).unwrap();
    let found = lines(&check(&stage).1);
    assert_says(
        &found,
        &["fail", "could not read the secret", token.to_str().unwrap()],
    );
    let text = std::fs::read_to_string(stage.file()).unwrap();
    let path = format!("file = \"{}\"", token.to_str().unwrap());
    std::fs::write(stage.file(), text.replace(&path, "env = \"NO_SUCH\"")).unwrap();
    let found = lines(&check(&stage).1);
    assert_says(&found, &["fail", "NO_SUCH is not set", "export NO_SUCH=…"]);
    assert!(stage.slack.texts().is_empty());
}
