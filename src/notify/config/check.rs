//! What serde cannot see: names that refer to each other, amounts, zones, bounds.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::problem::no_such;
use super::{NotifyFile, Problem, Quiet, RuleConfig, SnapshotNotices};
use crate::notify::amount::Amount;
use crate::notify::link::DashboardLink;
use crate::notify::notice::{ConversationMode, Operation};
use crate::notify::predicate::Predicate;
use crate::notify::template::Templates;

const MAX_TOP: usize = 20;
const MAX_PER_COMMIT: usize = 50;

pub(super) fn check(file: &NotifyFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_snapshot(file, &mut problems);
    check_destinations(file, &mut problems);
    check_dashboard(file, &mut problems);
    let mut names = BTreeSet::new();
    for rule in &file.rules {
        if !names.insert(rule.name.get_ref()) {
            problems.push(file.source.problem(
                rule.name.span(),
                format!("there are two rules \"{}\"", rule.name.get_ref()),
            ));
        }
        check_rule(file, rule, &mut problems);
    }
    problems.sort_by_key(|problem| problem.at);
    problems
}

fn check_snapshot(file: &NotifyFile, problems: &mut Vec<Problem>) {
    let snapshot = &file.notify.snapshot;
    match snapshot.get_ref() {
        SnapshotNotices::Ignore => {}
        SnapshotNotices::Digest => {
            let what = "walstreet does not tell rows of a snapshot yet, not even in a digest";
            let problem = file.source.problem(snapshot.span(), what);
            problems.push(problem.mend("snapshot = \"ignore\""));
        }
    }
}

fn check_destinations(file: &NotifyFile, problems: &mut Vec<Problem>) {
    for destination in file.destinations.values() {
        if let Some(quiet) = &destination.get_ref().quiet
            && let Err(what) = check_quiet(quiet.get_ref())
        {
            problems.push(file.source.problem(quiet.span(), what));
        }
    }
}

fn check_quiet(quiet: &Quiet) -> Result<(), String> {
    if TimeZone::get(&quiet.tz).is_err() {
        let known: Vec<String> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .collect();
        return Err(no_such(
            "no time zone",
            &quiet.tz,
            known.iter().map(String::as_str),
        ));
    }
    let time = |text: &str| {
        Time::strptime("%H:%M", text).map_err(|_| "a time of day is written 22:00".to_owned())
    };
    if time(&quiet.from)? == time(&quiet.to)? {
        return Err("quiet hours that end when they begin are none".to_owned());
    }
    Ok(())
}

fn check_dashboard(file: &NotifyFile, problems: &mut Vec<Problem>) {
    if let Some(dashboard) = &file.notify.dashboard
        && let Err(error) = DashboardLink::parse(dashboard.get_ref())
    {
        problems.push(file.source.problem(dashboard.span(), error.to_string()));
    }
}

fn check_rule(file: &NotifyFile, rule: &RuleConfig, problems: &mut Vec<Problem>) {
    let source = &file.source;
    let mut report =
        |span: std::ops::Range<usize>, what: String| problems.push(source.problem(span, what));
    for destination in &rule.to_dest {
        if !file.destinations.contains_key(destination.get_ref()) {
            let known = file.destinations.keys().map(String::as_str);
            report(
                destination.span(),
                no_such("no destination", destination.get_ref(), known),
            );
        }
    }
    let name = || rule.name.span();
    if rule.to_dest.is_empty() {
        report(
            name(),
            "the rule has no destination: to_dest = [\"…\"]".to_owned(),
        );
    }
    if rule.on.is_empty() {
        report(
            name(),
            "the rule has no operation: on = [\"update\"]".to_owned(),
        );
    }
    if file.exposed(rule.table.get_ref()).is_none() {
        let known = file
            .notify
            .expose
            .keys()
            .map(|table| table.get_ref().as_str());
        report(
            rule.table.span(),
            no_such(
                "no columns in [notify.expose] for table",
                rule.table.get_ref(),
                known,
            ),
        );
    }
    if rule.column.is_none() && !(rule.from.is_any() && rule.to.is_any()) {
        report(name(), "from and to need a column".to_owned());
    }
    if rule.from.is_empty() || rule.to.is_empty() {
        report(
            name(),
            "an empty from or to matches nothing; \"*\" matches everything".to_owned(),
        );
    }
    if rule.on == [Operation::Delete] && !rule.to.is_any() {
        report(
            name(),
            "a deleted row has no new value: to matches nothing".to_owned(),
        );
    }
    if rule.conversation.mode != ConversationMode::Flat && rule.conversation.key.is_empty() {
        report(
            name(),
            "a conversation needs a key: key = [\"transaction_id\"]".to_owned(),
        );
    }
    if !(1..=MAX_TOP).contains(&rule.collapse.top) {
        report(name(), format!("collapse.top is 1 to {MAX_TOP}"));
    }
    if rule.collapse.per_commit > MAX_PER_COMMIT {
        report(
            name(),
            format!(
                "collapse.per_commit is at most {MAX_PER_COMMIT}: Slack takes one message a second"
            ),
        );
    }
    if rule.collapse.burst == 0 || rule.collapse.window.0.is_zero() {
        report(
            name(),
            "collapse.burst and collapse.window must not be 0".to_owned(),
        );
    }
    check_min(file, rule, problems);
    check_code(file, rule, problems);
}

fn check_min(file: &NotifyFile, rule: &RuleConfig, problems: &mut Vec<Problem>) {
    let Some(min) = &rule.min else { return };
    let columns = min.get_ref();
    let mut report = |what: &str| problems.push(file.source.problem(min.span(), what));
    if !columns.contains_key("column") {
        report("min needs a column: column = \"amount\"");
    }
    match (columns.contains_key("per"), rule.thresholds().count()) {
        (_, 0) => report(
            "min needs an amount: USD = \"500.00\", or other = \"500.00\" for every other currency",
        ),
        (false, _) if rule.thresholds().any(|(currency, _)| currency != "other") => {
            report("min needs the column of the currency: per = \"currency\"");
        }
        (_, _) => {}
    }
    for (_, amount) in rule.thresholds() {
        if amount.get_ref().parse::<Amount>().is_err() {
            problems.push(
                file.source
                    .problem(amount.span(), "not a decimal number like \"500.00\""),
            );
        }
    }
}

fn check_code(file: &NotifyFile, rule: &RuleConfig, problems: &mut Vec<Problem>) {
    if let Some(when) = &rule.when
        && let Err(error) = Predicate::compile(when.get_ref())
    {
        problems.push(
            file.source
                .problem_inside(when.span(), error.line(), error.to_string()),
        );
    }
    for part in [&rule.template.title, &rule.template.body]
        .into_iter()
        .flatten()
    {
        if let Err(error) = Templates::check(part.get_ref()) {
            problems.push(
                file.source
                    .problem_inside(part.span(), error.line(), error.to_string()),
            );
        }
    }
}
