//! `/metrics`: numbers that move, in a form that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::{PAID, Stage};
use crate::support::connector::Running;
use crate::support::eventually;

/// Status and body.
pub(super) fn get(running: &Running, path: &str) -> (u16, String) {
    let log = running.log();
    let (_, address) = log
        .split_once("serving /metrics and /health address=")
        .unwrap();
    let address = address.lines().next().unwrap().trim();
    let mut socket = TcpStream::connect(address).unwrap();
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The samples of a page by name and labels; panics when it is not in Prometheus' text format.
fn scrape(running: &Running) -> BTreeMap<String, f64> {
    let (status, text) = get(running, "/metrics");
    assert_eq!(status, 200);
    read(&text)
}

/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
fn read(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let (mut name, mut kind) = ("", "");
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            (name, kind) = (help.split_once(' ').unwrap().0, "");
            assert!(seen.insert(name.to_owned()), "{name} stands twice");
            continue;
        }
        if let Some(of_type) = line.strip_prefix("# TYPE ") {
            let (of_name, of_kind) = of_type.split_once(' ').unwrap();
            assert!(of_name == name && kind.is_empty(), "{line}");
            assert!(
                ["counter", "gauge", "histogram"].contains(&of_kind),
                "{line}"
            );
            assert_eq!(of_kind == "counter", name.ends_with("_total"), "{line}");
            kind = of_kind;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (of_name, labels) = series
            .split_once('{')
            .map_or((series, ""), |(name, labels)| {
                (name, labels.strip_suffix('}').unwrap())
            });
        let suffix = of_name
            .strip_prefix(name)
            .unwrap_or_else(|| panic!("{line} in {name}"));
        let suffixes: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        assert!(suffixes.contains(&suffix), "{line} in {name}");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(of_name.bytes().all(plain), "{line}");
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once("=\"").unwrap();
            assert!(label.bytes().all(plain) && !value.contains('\\'), "{line}");
        }
        let known = samples.insert(series.to_owned(), value.parse().unwrap());
        assert!(known.is_none(), "{line} stands twice");
    }
    check_histograms(&samples);
    samples
}

/// Buckets grow, and the last one has all.
fn check_histograms(samples: &BTreeMap<String, f64>) {
    for (series, count) in samples
        .iter()
        .filter(|(series, _)| series.contains("_count"))
    {
        let (name, labels) = series.split_once("_count").unwrap();
        let labels = labels.trim_matches(['{', '}']);
        let mut buckets = Vec::new();
        for (series, value) in samples {
            let rest = series.strip_prefix(&format!("{name}_bucket{{"));
            let Some((others, bound)) = rest.and_then(|rest| rest.rsplit_once("le=\"")) else {
                continue;
            };
            if others.trim_end_matches(',') == labels {
                let bound = bound.trim_end_matches(['"', '}']).replace("+Inf", "inf");
                buckets.push((bound.parse::<f64>().unwrap(), *value));
            }
        }
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
        assert!(
            buckets.is_sorted_by(|left, right| left.1 <= right.1),
            "{series}"
        );
        assert_eq!(
            buckets.last().unwrap(),
            &(f64::INFINITY, *count),
            "{series}"
        );
        assert!(samples.contains_key(&series.replace("_count", "_sum")));
    }
}

#[track_caller]
pub(super) fn wait_for(running: &Running, series: &str, value: f64) -> BTreeMap<String, f64> {
    let series = format!("walstreet_notify_{series}");
    eventually(
        || format!("{series} {value} in {:#?}", scrape(running)),
        || Some(scrape(running)).filter(|found| found.get(&series) == Some(&value)),
    )
}

#[test]
fn the_numbers_of_metrics_move_with_what_happens() {
    let rules = format!("{PAID}dedupe = \"1h\"\ncollapse = {{ window = \"1s\" }}\n");
    let mut stage = Stage::set(&rules).full_identity();
    stage
        .connector
        .arguments(&["--metrics-listen", "127.0.0.1:0"]);
    let running = stage.connector.start_streaming();
    let begins = scrape(&running);
    assert_eq!(begins["walstreet_notify_queued_total"], 0.0);
    assert_eq!(
        begins["walstreet_notify_destination_parked{dest=\"ops\"}"],
        0.0
    );

    stage.slack.fault("429=1*1");
    stage.set_status("PAID", "id = 1");
    let found = wait_for(&running, "sent_total{dest=\"ops\"}", 1.0);
    let lag = "walstreet_notify_commit_to_sent_seconds";
    assert_eq!(
        found[&format!("{lag}_count{{rule=\"paid\",dest=\"ops\"}}")],
        1.0
    );
    // Slack asked us to wait for a second.
    let sum = found[&format!("{lag}_sum{{rule=\"paid\",dest=\"ops\"}}")];
    assert!((1.0..30.0).contains(&sum), "{sum}");
    assert_eq!(
        found[&format!("{lag}_bucket{{rule=\"paid\",dest=\"ops\",le=\"0.500\"}}")],
        0.0
    );
    assert_eq!(
        found["walstreet_notify_commit_to_enqueued_seconds_count"],
        1.0
    );
    assert_eq!(
        found["walstreet_notify_rate_limited_total{dest=\"ops\"}"],
        1.0
    );
    assert_eq!(
        found["walstreet_notify_retry_total{dest=\"ops\",class=\"ratelimited\"}"],
        1.0
    );
    assert_eq!(found["walstreet_notify_queue_depth{dest=\"ops\"}"], 0.0);
    assert!(found["walstreet_notify_outbox_bytes"] > 0.0);
    let success = found["walstreet_notify_last_success_timestamp_seconds{dest=\"ops\"}"];
    assert!(success > 1.7e9, "{success}");

    stage.set_status("NEW", "id = 1");
    stage.set_status("PAID", "id = 1");
    wait_for(&running, "suppressed_total{why=\"repeat\"}", 1.0);
    stage.slack.fault("error=invalid_blocks*2");
    stage.set_status("PAID", "id = 2");
    wait_for(
        &running,
        "dead_total{dest=\"ops\",reason=\"invalid_blocks\"}",
        1.0,
    );
    for id in 3..=12 {
        stage.set_status("PAID", &format!("id = {id}"));
    }
    stage.slack.wait_until_told(11);
    let found = scrape(&running);
    assert!(
        found["walstreet_notify_held_total{why=\"window\"}"] >= 7.0,
        "{found:#?}"
    );
    assert!(found["walstreet_notify_hold_seconds_count"] >= 1.0);
    stage.slack.fault("archived");
    stage.set_status("PAID", "id = 13");
    let found = wait_for(&running, "destination_parked{dest=\"ops\"}", 1.0);
    assert_eq!(found["walstreet_notify_queue_depth{dest=\"ops\"}"], 1.0);
    assert_eq!(found["walstreet_notify_parks_total{dest=\"ops\"}"], 1.0);
    running.terminate().expect(0, &[]);
}
