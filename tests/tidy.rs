//! What the house rules say of the source tree: who may use whom, and what a file looks like.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms and the rooms each may use: the invariant of `src/lib.rs`.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("config", &[]),
    ("telemetry", &[]),
    ("postgres", &["config", "telemetry"]),
    ("connect", &["config", "telemetry"]),
    ("change", &["config", "telemetry", "postgres"]),
    ("snapshot", &["config", "telemetry", "postgres", "change"]),
    (
        "debezium",
        &["config", "telemetry", "postgres", "connect", "change"],
    ),
    ("kafka", &["config", "telemetry", "connect"]),
    ("notify", &["config", "telemetry", "postgres", "change"]),
    (
        "engine",
        &[
            "config",
            "telemetry",
            "postgres",
            "connect",
            "change",
            "snapshot",
            "debezium",
            "kafka",
            "notify",
        ],
    ),
    ("server", &["config", "telemetry", "notify", "engine"]),
];

/// Stands on top and may use every room.
const TOP: &str = "cli";

const MAX_LINES: usize = 600;

/// Names that say nothing of what lives there.
const EMPTY_WORDS: [&str; 4] = ["util", "helper", "manager", "common"];

struct Source {
    /// From the root of the repository, with slashes.
    path: String,
    text: String,
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut sources = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            pending.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let parts = path.strip_prefix(root).unwrap().components();
            let parts: Vec<_> = parts
                .map(|part| part.as_os_str().to_str().unwrap())
                .collect();
            sources.push(Source {
                path: parts.join("/"),
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
    assert!(!sources.is_empty());
    sources
}

/// Fails with every offender, not only the first.
fn assert_none(offenders: &[String], rule: &str) {
    assert!(offenders.is_empty(), "{rule}:\n{}", offenders.join("\n"));
}

/// The room a source lives in; `None` for `lib.rs` and `main.rs`.
fn room(path: &str) -> Option<&str> {
    let (room, _) = path.strip_prefix("src/")?.split_once('/')?;
    Some(room)
}

/// The rooms that a text names as `crate::room` or in `crate::{room, room}`.
fn used_rooms(text: &str) -> BTreeSet<&str> {
    let mut rooms = BTreeSet::new();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => rooms.extend(first_name(rest)),
            Some(group) => rooms.extend(group_members(group).into_iter().filter_map(first_name)),
        }
    }
    rooms
}

/// The members of a use group, up to its closing brace; commas of inner groups do not count.
fn group_members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0_u32, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members
}

fn first_name(path: &str) -> Option<&str> {
    let path = path.trim_start();
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let name = path.split(|character| !is_name(character)).next()?;
    (!name.is_empty()).then_some(name)
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    let mut offenders = Vec::new();
    for source in sources(&["src"]) {
        let Some(room) = room(&source.path).filter(|&room| room != TOP) else {
            continue;
        };
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            offenders.push(format!("{}: room {room} is not in MAY_USE", source.path));
            continue;
        };
        let is_room = |name: &str| name == TOP || MAY_USE.iter().any(|(room, _)| *room == name);
        for used in used_rooms(&source.text) {
            if used != room && is_room(used) && !may_use.contains(&used) {
                offenders.push(format!("{}: {room} uses {used}", source.path));
            }
        }
    }
    assert_none(&offenders, "dependencies point one way");
}

#[test]
fn the_rooms_of_the_rule_are_the_modules_of_the_library() {
    let library = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let library = library.unwrap();
    let declared: BTreeSet<_> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let ruled: BTreeSet<_> = MAY_USE.iter().map(|(room, _)| *room).chain([TOP]).collect();
    assert_eq!(declared, ruled);
}

#[test]
fn every_source_says_first_what_lives_in_it() {
    let offenders: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert_none(&offenders, "a source starts with `//!`");
}

#[test]
fn no_source_is_longer_than_six_hundred_lines() {
    let offenders: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&offenders, "a source is one noun, split it");
}

#[test]
fn no_name_is_an_empty_word() {
    let is_empty_word = |part: &str| {
        let part = part.strip_suffix(".rs").unwrap_or(part);
        let mut words = part.split(['_', '-']);
        words.any(|word| EMPTY_WORDS.contains(&word.trim_end_matches('s')))
    };
    let offenders: Vec<_> = sources(&["src", "tests"])
        .into_iter()
        .filter(|source| source.path.split('/').any(is_empty_word))
        .map(|source| source.path)
        .collect();
    assert_none(&offenders, "a name says what lives there");
}

/// What a line of the map of behaviours says: its number, and the names in the cell that says what shows it.
fn behaviour(line: &str) -> Option<(usize, Vec<&str>)> {
    let cells: Vec<_> = line.split(" | ").collect();
    let [number, _, shown_by] = cells[..] else {
        return None;
    };
    let names = shown_by.split('`').skip(1).step_by(2);
    Some((number.strip_prefix("| ")?.parse().ok()?, names.collect()))
}

/// A scenario, one of its variants, a test or a file of tests.
fn exists(name: &str, texts: &[Source]) -> bool {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("debezium-compat/scenarios");
    if let Some((_, last)) = name.rsplit_once("::") {
        let function = format!("fn {last}(");
        let file = format!("/{last}.rs");
        return texts
            .iter()
            .any(|source| source.text.contains(&function) || source.path.ends_with(&file));
    }
    match name.split_once('/') {
        None => scenarios.join(name).join("connector.json").exists(),
        Some((scenario, variant)) => {
            let options = std::fs::read_to_string(scenarios.join(scenario).join("scenario.json"));
            options.is_ok_and(|options| options.contains(&format!("\"{variant}\":")))
        }
    }
}

#[test]
fn every_behaviour_is_in_the_map_once_and_what_shows_it_exists() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("debezium-compat");
    let map = std::fs::read_to_string(folder.join("BEHAVIOURS.md")).unwrap();
    let deviations = std::fs::read_to_string(folder.join("DEVIATIONS.md")).unwrap();
    let texts = sources(&["src", "tests"]);
    let lines: Vec<_> = map.lines().filter_map(behaviour).collect();
    let numbers: Vec<_> = lines.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=180).collect::<Vec<_>>());
    assert!(!map.contains("not yet"), "a row without an answer");
    let mut offenders: Vec<_> = lines
        .iter()
        .flat_map(|(number, names)| names.iter().map(move |name| (number, name)))
        .filter(|(_, name)| !exists(name, &texts))
        .map(|(number, name)| format!("{number}: `{name}`"))
        .collect();
    let words = map.split(|character: char| !character.is_ascii_alphanumeric());
    let is_deviation = |word: &&str| {
        word.strip_prefix(['D', 'P'])
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    offenders.extend(
        words
            .filter(is_deviation)
            .filter(|word| !deviations.contains(&format!("| {word} |")))
            .map(str::to_owned),
    );
    assert_none(&offenders, "what the map of behaviours names exists");
}

#[test]
fn used_rooms_are_found_in_every_form_of_a_path() {
    let text = "
use crate::postgres::Lsn;
use crate::{change::{self, Change}, kafka, engine::ack};
fn f(x: &crate::connect::schema::Schema) -> crate::Local {}";
    let rooms: Vec<_> = used_rooms(text).into_iter().collect();
    assert_eq!(
        rooms,
        ["Local", "change", "connect", "engine", "kafka", "postgres"]
    );
}
