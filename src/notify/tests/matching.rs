//! Which changes are told, and as what.

use super::*;
use crate::notify::message::Message;
use crate::notify::notice::{Content, ConversationMode, Notice, RowChange};
use crate::notify::render::Sending;

fn sent(notice: &Notice) -> Message {
    let now = "2026-11-22T10:00:00.4Z".parse().unwrap();
    Message::render(
        notice,
        Sending {
            now,
            possible_repeat: false,
        },
    )
}

fn row_change(candidate: &Candidate) -> &RowChange {
    match &candidate.notice.content {
        Content::Change(change) => change,
        Content::Digest(digest) => panic!("{digest:?}"),
    }
}

/// How many notices an update from one status and amount to others makes.
fn count(rules: &TableRules, from: [&str; 3], to: [&str; 3]) -> usize {
    let [status, amount, currency] = from;
    let old = transaction("7f3a", status, amount, currency);
    let [status, amount, currency] = to;
    let new = transaction("7f3a", status, amount, currency);
    candidates(rules, &[update(&old, &new)]).len()
}

#[test]
fn a_status_change_becomes_one_message() {
    let rules = compile(FAILED);
    let (old, new) = (
        transaction("7f3a", "PENDING", "1000.10", "USD"),
        transaction("7f3a", "FAILED", "1000.10", "USD"),
    );
    let candidates = candidates(&rules, &[update(&old, &new)]);
    let [candidate] = candidates.as_slice() else {
        panic!("{candidates:?}")
    };
    let message = sent(&candidate.notice);
    assert_eq!(
        message.text,
        ":information_source: transactions 7f3a: PENDING → FAILED, 1,000.10 USD"
    );
    let json = serde_json::to_value(&message).unwrap();
    assert_eq!(json["parse"], "none");
    assert_eq!(json["unfurl_links"], false);
    let blocks = &json["attachments"][0]["blocks"];
    assert_eq!(blocks[0]["type"], "rich_text");
    assert_eq!(blocks[0]["elements"][0]["type"], "rich_text_section");
    let lines = serde_json::to_string(&blocks[0]).unwrap();
    for told in [
        "Café Zürich",
        "203.0.113.0/24",
        "1,000.10 USD",
        "public.transactions",
    ] {
        assert!(lines.contains(told), "{told} in {lines}");
    }
    for hidden in ["203.0.113.77", "user-7", "credit_card"] {
        assert!(
            !serde_json::to_string(&message).unwrap().contains(hidden),
            "{hidden}"
        );
    }
    let context = blocks[1]["elements"][0]["text"].as_str().unwrap();
    let id = candidate.notice.id.short();
    assert_eq!(
        context,
        format!(
            "failed · <!date^1795341600^{{date_short_pretty}} {{time_secs}}|2026-11-22 10:00:00 UTC> · +0.4 s · {id} · <https://pay.example/tx/7f3a|open>"
        )
    );
}

#[test]
fn notices_survive_the_outbox() {
    let rules = compile(FAILED);
    let (old, new) = (
        transaction("7f3a", "PENDING", "1000.10", "USD"),
        transaction("7f3a", "FAILED", "NaN", "USD"),
    );
    let single = candidates(&rules, &[update(&old, &new)]);
    let many = candidates(&rules, &[update(&old, &new); 6]);
    for candidate in [&single[0], &many[0]] {
        let stored = serde_json::to_string(&candidate.notice).unwrap();
        assert_eq!(
            serde_json::from_str::<Notice>(&stored).unwrap(),
            candidate.notice
        );
    }
}

#[test]
fn a_commit_read_again_has_the_same_ids_and_every_notice_its_own() {
    let rules = compile(FAILED);
    let (old, new) = (
        transaction("a", "PENDING", "1", "USD"),
        transaction("a", "FAILED", "1", "USD"),
    );
    let changes = [update(&old, &new), update(&old, &new)];
    let (first, again) = (candidates(&rules, &changes), candidates(&rules, &changes));
    assert_eq!(first, again);
    assert_ne!(first[0].notice.id, first[1].notice.id);
    assert_eq!(first[0].notice.id.as_str().len(), 32);
}

#[test]
fn only_a_watched_column_that_changed_matches() {
    let rules = compile(FAILED);
    let usd = |status: &'static str| [status, "1", "USD"];
    assert_eq!(count(&rules, usd("PENDING"), usd("FAILED")), 1);
    assert_eq!(count(&rules, usd("FAILED"), ["FAILED", "2", "EUR"]), 0);
    assert_eq!(count(&rules, usd("FAILED"), usd("PENDING")), 0);
}

#[test]
fn from_to_and_operations_select() {
    let rules = compile(&FAILED.replace("to = [\"FAILED\"]", "from = [\"!PENDING\"]\nto = [\"FAILED\", \"null\"]\non = [\"update\", \"insert\", \"delete\"]"));
    let usd = |status: &'static str| [status, "1", "USD"];
    assert_eq!(count(&rules, usd("AUTHORIZED"), usd("FAILED")), 1);
    assert_eq!(count(&rules, usd("PENDING"), usd("FAILED")), 0);
    assert_eq!(count(&rules, usd("AUTHORIZED"), usd("CAPTURED")), 0);
    let row = transaction("a", "FAILED", "1", "USD");
    // `from` cannot hold for a row that was not there.
    assert!(candidates(&rules, &[change(ChangeKind::Insert { new: row.tuple() })]).is_empty());
    let all = compile(&FAILED.replace("to = [\"FAILED\"]", "on = [\"insert\", \"delete\"]"));
    let inserted = candidates(&all, &[change(ChangeKind::Insert { new: row.tuple() })]);
    assert_eq!(
        (
            row_change(&inserted[0]).from.as_deref(),
            row_change(&inserted[0]).to.as_deref()
        ),
        (None, Some("FAILED"))
    );
    let deleted = candidates(
        &all,
        &[change(ChangeKind::Delete {
            old: OldTuple::Full(row.tuple()),
        })],
    );
    assert_eq!(
        (
            row_change(&deleted[0]).from.as_deref(),
            row_change(&deleted[0]).to.as_deref()
        ),
        (Some("FAILED"), None)
    );
}

#[test]
fn thresholds_are_exact_decimals_of_each_currency() {
    let rules = compile(&format!(
        "{FAILED}min = {{ column = \"amount\", per = \"currency\", USD = \"500.00\", GBP = \"400.000000000000000000000000000000000001\" }}\n"
    ));
    let amount = |amount: &'static str, currency: &'static str| {
        count(
            &rules,
            ["PENDING", amount, currency],
            ["FAILED", amount, currency],
        )
    };
    assert_eq!(amount("500.00", "USD"), 1);
    assert_eq!(amount("500", "USD"), 1);
    assert_eq!(amount("499.999999999999999999999999999999999999", "USD"), 0);
    assert_eq!(amount("400", "GBP"), 0);
    assert_eq!(amount("400.000000000000000000000000000000000001", "GBP"), 1);
    assert_eq!(amount("1234567890123456789012345678901234567890", "USD"), 1);
    assert_eq!(amount("-1000", "USD"), 0);
    // As PostgreSQL orders them: NaN is greater than every number.
    assert_eq!(
        (
            amount("NaN", "USD"),
            amount("Infinity", "USD"),
            amount("-Infinity", "USD")
        ),
        (1, 1, 0)
    );
    assert_eq!(amount("1000000", "JPY"), 0);
    let other = compile(&format!(
        "{FAILED}min = {{ column = \"amount\", per = \"currency\", USD = \"500.00\", other = \"1000\" }}\n"
    ));
    assert_eq!(
        count(
            &other,
            ["PENDING", "1000", "JPY"],
            ["FAILED", "1000", "JPY"]
        ),
        1
    );
    assert_eq!(
        count(
            &other,
            ["PENDING", "999.99", "JPY"],
            ["FAILED", "999.99", "JPY"]
        ),
        0
    );
}

#[test]
fn a_null_amount_reaches_no_threshold() {
    let rules = compile(&format!(
        "{FAILED}min = {{ column = \"amount\", other = \"-Infinity\" }}\n"
    ));
    let row = |status, amount| {
        Cells::new([
            text("a"),
            text("u"),
            amount,
            text("USD"),
            text("m"),
            text("p"),
            text("i"),
            text(status),
            text("1"),
        ])
    };
    let (old, null, zero) = (
        row("PENDING", Cell::Null),
        row("FAILED", Cell::Null),
        row("FAILED", text("0")),
    );
    assert_eq!(candidates(&rules, &[update(&old, &null)]).len(), 0);
    assert_eq!(candidates(&rules, &[update(&old, &zero)]).len(), 1);
}

#[test]
fn predicates_compare_exactly_and_fail_aloud() {
    let with = |when: &str| compile(&format!("{FAILED}when = '''{when}'''\n"));
    let pair = (
        transaction("a", "PENDING", "499.99", "USD"),
        transaction("a", "FAILED", "500.10", "USD"),
    );
    let matched = |when: &str| candidates(&with(when), &[update(&pair.0, &pair.1)]).len() == 1;
    assert!(matched("after.payment_method != 'online_transfer'"));
    assert!(matched(
        "after.amount == dec('500.1') && before.amount < 500"
    ));
    assert!(matched(
        "after.amount > before.amount && after.attempts == 3"
    ));
    assert!(!matched(
        "after.amount > dec('500.100000000000000000000000000001')"
    ));
    assert!(matched(
        "changed('amount') && !changed('currency') && changed('status')"
    ));
    assert!(matched(
        "after.currency in ['USD', 'GBP'] && ['a', 'b'].exists(x, x == after.transaction_id)"
    ));
    for (when, source) in [
        ("after.amount > 500.0", "types that do not go together"),
        ("after.currency > 5", "types that do not go together"),
        ("after.currency", "not true or false"),
        ("dec(after.currency) > 5", "could not be evaluated"),
    ] {
        let outcome = outcome(&with(when), &[update(&pair.0, &pair.1); 3]);
        assert!(outcome.candidates.is_empty(), "{when}");
        let [(error, 3)] = outcome.errors.as_slice() else {
            panic!("{:?}", outcome.errors)
        };
        let error = format!("{:#}", anyhow::Error::new(error.clone()));
        assert!(error.contains(source), "{when}: {error}");
    }
}

#[test]
fn an_unchanged_toast_value_is_taken_from_the_old_row_or_said_to_be_unchanged() {
    let row = |status, merchant| {
        Cells::new([
            text("a"),
            text("u"),
            text("1"),
            text("USD"),
            merchant,
            text("p"),
            text("i"),
            text(status),
            text("1"),
        ])
    };
    let (old, new) = (
        row("PENDING", text("Old & Sons")),
        row("FAILED", Cell::UnchangedToast),
    );
    let rules = compile(&format!(
        "{FAILED}[rule.template]\nbody = \"at {{{{ after.merchant_name }}}}\"\n"
    ));
    let found = candidates(&rules, &[update(&old, &new)]);
    assert_eq!(
        row_change(&found[0]).body.as_ref().unwrap().as_str(),
        "at Old &amp; Sons"
    );
    let found = candidates(
        &rules,
        &[update(&new.clone(), &row("FAILED", Cell::UnchangedToast))],
    );
    assert!(found.is_empty(), "status did not change");
    let unknown_old = row("PENDING", Cell::UnchangedToast);
    let found = candidates(&rules, &[update(&unknown_old, &new)]);
    assert_eq!(
        row_change(&found[0]).body.as_ref().unwrap().as_str(),
        "at (unchanged)"
    );
}

#[test]
fn snapshot_rows_and_aborted_transactions_tell_nothing() {
    let rules = compile(&FAILED.replace("to = [\"FAILED\"]", "on = [\"insert\", \"update\"]"));
    let row = transaction("a", "FAILED", "1", "USD");
    assert!(candidates(&rules, &[snapshot_row(&row); 20]).is_empty());
    let mut matches = CommitMatches::default();
    matches.change(
        &rules,
        &mut LastStates::default(),
        &change(ChangeKind::Insert { new: row.tuple() }),
    );
    matches.discard();
    let outcome = matches.commit(commit_at(1, "2026-11-22T10:00:00Z"), &origin());
    assert!(outcome.candidates.is_empty());
}

#[test]
fn fifty_thousand_rows_of_one_commit_become_one_exact_digest() {
    let rules = compile(FAILED);
    let mut matches = CommitMatches::default();
    let mut expected = [0_i64; 3];
    for number in 0..50_000_i64 {
        let (cents, currency) = (number * 37 % 100_003, usize::try_from(number % 3).unwrap());
        expected[currency] += cents;
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        let (id, currency) = (format!("tx-{number}"), ["USD", "GBP", "EUR"][currency]);
        let status = if number % 10 == 0 {
            "AUTHORIZED"
        } else {
            "PENDING"
        };
        let (old, new) = (
            transaction(&id, status, &amount, currency),
            transaction(&id, "FAILED", &amount, currency),
        );
        matches.change(&rules, &mut LastStates::default(), &update(&old, &new));
    }
    let outcome = matches.commit(commit_at(9, "2026-11-22T10:00:00Z"), &origin());
    let [candidate] = outcome.candidates.as_slice() else {
        panic!("{}", outcome.candidates.len())
    };
    let Content::Digest(digest) = &candidate.notice.content else {
        panic!()
    };
    assert_eq!(
        (digest.count, digest.commits, digest.without_amount()),
        (50_000, 1, 0)
    );
    let counts: Vec<_> = digest
        .transitions
        .iter()
        .map(|step| (step.from.as_deref().unwrap(), step.count))
        .collect();
    assert_eq!(counts, [("AUTHORIZED", 5_000), ("PENDING", 45_000)]);
    for (sum, cents) in digest.sums.iter().zip(expected) {
        assert_eq!(
            sum.total.to_string(),
            format!("{}.{:02}", cents / 100, cents % 100)
        );
        assert_eq!(sum.top.len(), 5);
        assert!(
            sum.top
                .is_sorted_by(|left, right| left.amount >= right.amount)
        );
    }
    let greatest = (0..50_000_i64)
        .step_by(3)
        .map(|number| number * 37 % 100_003)
        .max()
        .unwrap();
    let greatest = format!("{}.{:02}", greatest / 100, greatest % 100);
    assert_eq!(digest.sums[0].top[0].amount.to_string(), greatest);
    let stored = serde_json::to_string(&candidate.notice).unwrap();
    assert!(stored.len() < 10_000, "{} bytes", stored.len());
    assert!(
        sent(&candidate.notice)
            .text
            .starts_with(":information_source: failed: 50,000 changes; ")
    );
}

#[test]
fn folding_is_exact_whatever_is_folded() {
    let rules = compile(FAILED);
    let notice = |amounts: &[&str], lsn| {
        let mut matches = CommitMatches::default();
        for amount in amounts {
            let (old, new) = (
                transaction("a", "PENDING", amount, "USD"),
                transaction("a", "FAILED", amount, "USD"),
            );
            matches.change(&rules, &mut LastStates::default(), &update(&old, &new));
        }
        matches
            .commit(commit_at(lsn, "2026-11-22T10:00:00Z"), &origin())
            .candidates
            .remove(0)
            .notice
    };
    let mut folded = notice(&["0.1"], 1);
    folded.fold(notice(&["0.2"], 2));
    folded.fold(notice(&["NaN"; 6], 3));
    folded.fold(notice(&["1e-30"], 4));
    let Content::Digest(digest) = &folded.content else {
        panic!()
    };
    assert_eq!((digest.count, digest.commits, folded.count()), (9, 4, 9));
    assert_eq!((digest.sums[0].finite, digest.sums[0].not_finite), (3, 6));
    assert_eq!(
        digest.sums[0].total.to_string(),
        "0.300000000000000000000000000001"
    );
    assert_eq!(folded.commit.lsn, Lsn(4));
}

#[test]
fn a_row_that_flips_within_a_commit_is_told_step_by_step_in_one_conversation() {
    let rules = compile(&FAILED.replace(
        "to = [\"FAILED\"]",
        "conversation = { mode = \"update\", key = [\"transaction_id\"], broadcast = [\"B\"] }",
    ));
    let row = |status| transaction("a", status, "1", "USD");
    let states = [row("A"), row("B"), row("C"), row("B")];
    let changes: Vec<_> = states
        .windows(2)
        .map(|pair| update(&pair[0], &pair[1]))
        .collect();
    let found = candidates(&rules, &changes);
    let steps: Vec<_> = found
        .iter()
        .map(|candidate| row_change(candidate).to.clone().unwrap())
        .collect();
    assert_eq!(steps, ["B", "C", "B"]);
    assert!(
        found
            .iter()
            .all(|candidate| candidate.notice.conversation.mode == ConversationMode::Update)
    );
    assert!(
        found
            .iter()
            .all(|candidate| candidate.notice.conversation.key == found[0].notice.conversation.key)
    );
    assert_eq!(
        [0, 1, 2].map(|at| found[at].notice.conversation.broadcast),
        [true, false, true]
    );
    let (mut last, mut second) = (row_change(&found[2]).clone(), row_change(&found[1]).clone());
    second.follow(row_change(&found[0]));
    last.follow(&second);
    let mut notice = found[2].notice.clone();
    notice.content = Content::Change(Box::new(last));
    assert!(
        sent(&notice).text.contains("A → B → C → B"),
        "{}",
        sent(&notice).text
    );
}

#[test]
fn without_old_rows_the_last_states_tell_what_changed() {
    let written = format!("{HEAD}{FAILED}")
        .replace("to = [\"FAILED\"]\n", "")
        .replace("state_dir =", "old_state = \"local_store\"\nstate_dir =");
    let file = NotifyFile::parse(&written).unwrap();
    let (rules, problems) = compile_for(&file, &relation(ReplicaIdentity::Default), "");
    assert_eq!(problems, []);
    let (rules, mut states) = (rules.unwrap(), LastStates::default());
    let told = |states: &mut LastStates, change: Change<'_>| {
        let mut matches = CommitMatches::default();
        matches.change(&rules, states, &change);
        let outcome = matches.commit(commit_at(1, "2026-11-22T10:00:00Z"), &origin());
        let steps = outcome.candidates.iter().map(|candidate| {
            (
                row_change(candidate).from.clone().unwrap(),
                row_change(candidate).to.clone().unwrap(),
            )
        });
        (steps.collect::<Vec<_>>(), outcome.errors.len())
    };
    let row = |id, status| transaction(id, status, "1", "USD");
    let key = |id: &str| {
        Cells::new([
            text(id),
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
            Cell::Null,
        ])
    };
    let (pending, failed, paid) = (row("a", "PENDING"), row("a", "FAILED"), row("a", "PAID"));
    let to = |new| change(ChangeKind::Update { old: None, new });
    let step = |from: &str, to: &str| (vec![(from.to_owned(), to.to_owned())], 0);
    assert_eq!(
        told(&mut states, to(failed.tuple())),
        (vec![], 1),
        "nothing is known of the row yet"
    );
    assert_eq!(states.commit().len(), 1);
    // A snapshot seeds, and tells nothing.
    assert_eq!(told(&mut states, snapshot_row(&pending)), (vec![], 0));
    states.commit();
    assert_eq!(
        told(&mut states, to(failed.tuple())),
        step("PENDING", "FAILED")
    );
    assert_eq!(
        told(&mut states, to(failed.tuple())),
        (vec![], 0),
        "within the same transaction"
    );
    // The transaction breaks off and comes again.
    states.discard();
    assert_eq!(
        told(&mut states, to(failed.tuple())),
        step("PENDING", "FAILED")
    );
    let mut states = LastStates::load(states.commit());
    assert_eq!(told(&mut states, to(paid.tuple())), step("FAILED", "PAID"));
    // The key changes: the row is known by its old one.
    let (old_key, renamed) = (key("a"), row("b", "FAILED"));
    let moved = change(ChangeKind::Update {
        old: Some(OldTuple::Key(old_key.tuple())),
        new: renamed.tuple(),
    });
    assert_eq!(told(&mut states, moved), step("PAID", "FAILED"));
    let back = row("b", "PAID");
    assert_eq!(told(&mut states, to(back.tuple())), step("FAILED", "PAID"));
    let gone = key("b");
    assert_eq!(
        told(
            &mut states,
            change(ChangeKind::Delete {
                old: OldTuple::Key(gone.tuple())
            })
        ),
        (vec![], 0)
    );
    assert_eq!(told(&mut states, to(back.tuple())), (vec![], 1));
}
