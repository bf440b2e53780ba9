//! What the file may say, and where it is told that something is wrong.

use super::*;

/// Each problem as it is printed.
fn problems(text: &str) -> Vec<String> {
    match NotifyFile::parse(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn rule_problems(rule: &str) -> Vec<String> {
    problems(&format!("{HEAD}{rule}"))
}

/// The line of the first text like `needle` in the file with this rule.
fn line(rule: &str, needle: &str) -> usize {
    let text = format!("{HEAD}{rule}");
    text.lines().position(|line| line.contains(needle)).unwrap() + 1
}

#[test]
fn a_misspelt_key_is_named_with_line_column_and_nearest_key() {
    let rule = FAILED.replacen("column =", "colum =", 1);
    assert_eq!(
        rule_problems(&rule),
        [format!(
            "line {}, column 1: unknown key \"colum\"; did you mean \"column\"?",
            line(&rule, "colum =")
        )]
    );
    let head = HEAD.replace("state_dir", "statedir");
    assert_eq!(
        problems(&head),
        ["line 3, column 1: unknown key \"statedir\"; did you mean \"state_dir\"?"]
    );
    let rule = FAILED.replace("\"ops\"", "\"opps\"");
    let at = line(&rule, "to_dest");
    assert_eq!(
        rule_problems(&rule),
        [format!(
            "line {at}, column 12: no destination \"opps\"; did you mean \"ops\"?"
        )]
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for text in [
        HEAD.replace("{ env = \"SLACK_BOT_TOKEN\" }", "\"xoxb-canary\""),
        HEAD.replace(
            "{ env = \"SLACK_BOT_TOKEN\" }",
            "{ value = \"xoxb-canary\" }",
        ),
        HEAD.replace("{ env = \"SLACK_BOT_TOKEN\" }", "[\"xoxb-canary\"]"),
        HEAD.replace("\"slack_bot\"", "\"xoxb-canary\""),
        HEAD.replace("\"C0123ABCD\"", "\"xoxb-canary\""),
        HEAD.replace(
            "state_dir = ",
            "stale_after = \"xoxb-canary\"\nstate_dir = ",
        ),
        HEAD.replace("state_dir = ", "snapshot = \"xoxb-canary\"\nstate_dir = "),
        HEAD.replace("\"/var/lib/walstreet\"", "{ a = \"xoxb-canary\" }"),
        format!("{HEAD}{FAILED}mention = [\"xoxb-canary\"]\n"),
        format!("{HEAD}{FAILED}severity = \"xoxb-canary\"\n"),
        format!("{HEAD}{FAILED}dedupe = \"xoxb-canary\"\n"),
    ] {
        let problems = problems(&text);
        assert_eq!(problems.len(), 1, "{text}");
        assert!(
            problems[0].starts_with("line ") && !problems[0].contains("canary"),
            "{problems:?}"
        );
    }
}

#[test]
fn destinations_must_be_whole_and_safe() {
    for (from, to, told) in [
        (
            "channel = \"C0123ABCD\"",
            "channel = \"#ops\"",
            "channel is not the id of a channel",
        ),
        ("channel = \"C0123ABCD\"", "", "a slack_bot needs a channel"),
        (
            "channel = \"C0123ABCD\"",
            "channel = \"C1\"\napi_base = \"http://slack.example/api\"",
            "http:// is for the loopback only",
        ),
        (
            "channel = \"C0123ABCD\"",
            "channel = \"C1\"\napi_base = \"http://127.0.0.1.evil.example/api\"",
            "http:// is for the loopback only",
        ),
        (
            "channel = \"C0123ABCD\"",
            "channel = \"C1\"\nquiet = { tz = \"Europe/Londn\", from = \"22:00\", to = \"07:00\" }",
            "did you mean \"Europe/London\"?",
        ),
        (
            "channel = \"C0123ABCD\"",
            "channel = \"C1\"\nquiet = { tz = \"Europe/London\", from = \"22h\", to = \"07:00\" }",
            "a time of day is written 22:00",
        ),
        (
            "kind = \"slack_bot\"",
            "kind = \"slack_webhook\"",
            "has no token, channel",
        ),
        (
            "dashboard = \"https://pay.example/tx/{transaction_id|url}\"",
            "dashboard = \"https://{transaction_id|url}/\"",
            "cannot stand in the host",
        ),
    ] {
        let problems = problems(&HEAD.replace(from, to));
        assert!(
            problems.len() == 1 && problems[0].contains(told),
            "{told}: {problems:?}"
        );
    }
    assert_eq!(
        problems(&HEAD.replace(
            "channel =",
            "api_base = \"http://127.0.0.1:9393/api\"\nchannel ="
        )),
        [""; 0]
    );
}

#[test]
fn rules_that_cannot_mean_anything_are_refused() {
    for (written, told) in [
        (
            "min = { column = \"amount\", per = \"currency\", USD = \"5oo\" }",
            "not a decimal number",
        ),
        (
            "min = { column = \"amount\", per = \"currency\" }",
            "min needs an amount",
        ),
        (
            "min = { column = \"amount\", USD = \"5\" }",
            "min needs the column of the currency",
        ),
        ("when = \"after.status ==\"", "not a CEL expression"),
        ("when = \"afer.status == 'x'\"", "\"afer\" is unknown"),
        ("when = \"after == before\"", "is not a whole row"),
        (
            "conversation = { mode = \"thread\" }",
            "a conversation needs a key",
        ),
        ("collapse = { top = 1000 }", "collapse.top is 1 to 20"),
        (
            "template = { body = \"{{ after.status\" }",
            "the template is malformed",
        ),
        (
            "template = { body = \"{{ after.status | monny }}\" }",
            "monny",
        ),
        (
            "template = { body = \"{{ after.status | safe }}\" }",
            "safe",
        ),
        ("template = { body = \"{{ row.status }}\" }", "\"row\""),
        ("mention = [\"@channel\"]", "a mention is written"),
    ] {
        let problems = rule_problems(&format!("{FAILED}{written}\n"));
        assert!(
            problems.len() == 1 && problems[0].contains(told),
            "{told}: {problems:?}"
        );
    }
    let twice = rule_problems(&format!("{FAILED}{FAILED}"));
    assert!(
        twice.len() == 1 && twice[0].contains("there are two rules \"failed\""),
        "{twice:?}"
    );
}

#[test]
fn a_problem_in_a_long_template_has_its_own_line() {
    let rule = format!(
        "{FAILED}[rule.template]\nbody = \"\"\"\nfirst\nsecond {{{{ after.status | nofilter }}}}\n\"\"\"\n"
    );
    let problems = rule_problems(&rule);
    assert!(
        problems[0].starts_with(&format!("line {}, ", line(&rule, "nofilter"))),
        "{problems:?}"
    );
}

#[test]
fn columns_are_checked_against_the_table() {
    let with = |rule: &str, identity, withheld: &str| {
        let (rules, problems) = compile_for(&file(rule), &relation(identity), withheld);
        (
            rules.is_some(),
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    };
    for (rule, told) in [
        (
            FAILED.replace("\"status\"", "\"statsu\""),
            "has no column \"statsu\"; did you mean \"status\"?",
        ),
        (
            FAILED.replace("\"status\"", "\"payment_method\""),
            "\"payment_method\" is not in [notify.expose]",
        ),
        (
            format!("{FAILED}when = \"after.payment == 'x'\"\n"),
            "has no column \"payment\"",
        ),
        (
            format!("{FAILED}template = {{ body = \"{{{{ after.payment_method }}}}\" }}\n"),
            "\"payment_method\" is not in [notify.expose]",
        ),
        (
            FAILED.replace("\"amount\"", "\"ip_address\""),
            "expose it as \"plain\"",
        ),
    ] {
        let (works, problems) = with(&rule, ReplicaIdentity::Full, "");
        assert!(
            !works && problems.contains(told) && problems.starts_with("line "),
            "{told}: {problems}"
        );
    }
    assert_eq!(
        with(
            &format!("{FAILED}when = \"after.payment_method == 'x'\"\n"),
            ReplicaIdentity::Full,
            ""
        ),
        (true, String::new())
    );
}

#[test]
fn what_kafka_does_not_get_rules_do_not_see() {
    let rule = format!("{FAILED}when = \"after.payment_method == 'x'\"\n");
    let (rules, problems) = compile_for(
        &file(&rule),
        &relation(ReplicaIdentity::Full),
        "payment_method",
    );
    assert!(rules.is_none());
    assert!(
        problems[0].to_string().contains("withheld from Kafka"),
        "{problems:?}"
    );
    let (rules, problems) = compile_for(
        &file(FAILED),
        &relation(ReplicaIdentity::Full),
        "merchant_name",
    );
    assert!(
        problems[0]
            .to_string()
            .contains("\"merchant_name\" of \"public.transactions\" is withheld")
    );
    let (old, new) = (
        transaction("a", "PENDING", "1", "USD"),
        transaction("a", "FAILED", "1", "USD"),
    );
    let notice = &candidates(&rules.unwrap(), &[update(&old, &new)])[0].notice;
    assert!(!serde_json::to_string(notice).unwrap().contains("Café"));
}

#[test]
fn a_digest_of_the_snapshot_is_refused_with_its_line() {
    let text = HEAD.replace("state_dir = ", "snapshot = \"digest\"\nstate_dir = ");
    let problems = NotifyFile::parse(&text).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let line = text
        .lines()
        .position(|line| line.starts_with("snapshot"))
        .unwrap()
        + 1;
    let said = problems[0].to_string();
    assert!(
        said.starts_with(&format!("line {line}, column 12: ")),
        "{said}"
    );
    assert!(
        said.ends_with("mend it with snapshot = \"ignore\""),
        "{said}"
    );
}

#[test]
fn without_the_old_row_a_rule_cannot_work_and_says_why() {
    for identity in [
        ReplicaIdentity::Default,
        ReplicaIdentity::Index,
        ReplicaIdentity::Nothing,
    ] {
        let (rules, problems) = compile_for(&file(FAILED), &relation(identity), "");
        assert!(rules.is_none());
        assert!(
            problems[0]
                .to_string()
                .contains("ALTER TABLE \"public\".\"transactions\" REPLICA IDENTITY FULL")
        );
    }
}

#[test]
fn a_dropped_column_stops_its_rule_and_no_other() {
    let other = FAILED
        .replace("\"failed\"", "\"big\"")
        .replace("amount = { column = \"amount\", per = \"currency\" }\n", "");
    let file = file(&format!("{FAILED}{other}"));
    let mut relation = relation(ReplicaIdentity::Full);
    relation.columns.retain(|column| column.name != "amount");
    let (rules, problems) = compile_for(&file, &relation, "");
    assert!(rules.is_some());
    assert!(
        problems
            .iter()
            .any(|problem| problem.to_string().contains("rule \"failed\"")),
        "{problems:?}"
    );
    assert!(
        !problems
            .iter()
            .any(|problem| problem.to_string().contains("rule \"big\"")),
        "{problems:?}"
    );
}

#[test]
fn a_table_without_rules_has_nothing_compiled() {
    let mut relation = relation(ReplicaIdentity::Full);
    relation.name = "other".to_owned();
    let (rules, problems) = compile_for(&file(FAILED), &relation, "");
    assert!(rules.is_none() && problems.is_empty());
}
