//! Compares one record of each side: key, value, headers.

use std::collections::HashMap;

use super::bytes::{comparable, is_same_number, without_prefix};
use super::capture::{Bytes, Record};
use super::compare::{Difference, Place};
use super::position::Positions;
use super::token::{Kind, Token, Tokens};
use super::volatile::{Role, RunId, Servers, Span, Volatile};

pub(super) const RUN_ID_HEADER: &str = "__debezium.context.runId";

/// What must correspond one to one over the whole comparison: a value of the left side always meets the same of the right.
#[derive(Default)]
pub(super) struct Pairing {
    forth: HashMap<Vec<u8>, Vec<u8>>,
    back: HashMap<Vec<u8>, Vec<u8>>,
}

impl Pairing {
    fn holds(&mut self, left: &[u8], right: &[u8]) -> bool {
        let forth = self.forth.entry(left.to_vec()).or_insert(right.to_vec());
        let back = self.back.entry(right.to_vec()).or_insert(left.to_vec());
        forth == right && back == left
    }
}

/// What the records compared so far have shown to belong together.
pub(super) struct Seen {
    runs: Pairing,
    snapshots: Pairing,
    positions: Positions,
    servers: Servers,
}

impl Seen {
    pub(super) fn new(servers: Servers) -> Self {
        Self {
            runs: Pairing::default(),
            snapshots: Pairing::default(),
            positions: Positions::default(),
            servers,
        }
    }
}

/// One record of each side, and what was found.
pub(super) struct Pair<'a> {
    topic: &'a str,
    prefixes: [&'a str; 2],
    role: Role,
    left: &'a Record,
    right: &'a Record,
    pub(super) differences: Vec<Difference>,
    /// Floating point numbers of the same value in another spelling.
    pub(super) respelled: usize,
}

impl<'a> Pair<'a> {
    pub(super) fn new(
        topic: &'a str,
        prefixes: [&'a str; 2],
        role: Role,
        left: &'a Record,
        right: &'a Record,
    ) -> Self {
        Self {
            topic,
            prefixes,
            role,
            left,
            right,
            differences: Vec::new(),
            respelled: 0,
        }
    }

    pub(super) fn compare(&mut self, seen: &mut Seen) {
        let (left, right) = (self.left, self.right);
        self.part("key", left.key.as_ref(), right.key.as_ref(), seen);
        self.part("value", left.value.as_ref(), right.value.as_ref(), seen);
        self.headers(&mut seen.runs);
        self.snapshot_position(&mut seen.snapshots);
    }

    fn add(&mut self, path: String, left: &[u8], right: &[u8], rule: Option<String>) {
        self.differences.push(Difference {
            topic: self.topic.to_owned(),
            left: Some(place(self.left)),
            right: Some(place(self.right)),
            path,
            left_text: left.to_vec(),
            right_text: right.to_vec(),
            rule,
        });
    }

    fn part(&mut self, name: &str, left: Option<&Bytes>, right: Option<&Bytes>, seen: &mut Seen) {
        let (Some(Bytes(left)), Some(Bytes(right))) = (left, right) else {
            if left.is_some() != right.is_some() {
                self.add(name.to_owned(), &shown(left), &shown(right), None);
            }
            return;
        };
        let parts = [left, right].map(|bytes| Volatile::find(bytes, self.role, seen.servers));
        let texts = [0, 1]
            .map(|side| comparable([left, right][side], &parts[side].spans, self.prefixes[side]));
        if texts[0] != texts[1] {
            self.tokens(name, [left, right], [&parts[0].spans, &parts[1].spans]);
        }
        for (side, part) in parts.iter().enumerate() {
            if let Err(broken) = part.check() {
                let side = ["left", "right"][side];
                let rule = format!("{side} side: {}", broken.rule);
                self.add(format!("{name}: {}", broken.path), left, right, Some(rule));
            }
        }
        if parts[0].sequence_shape() != parts[1].sequence_shape() {
            let rule = "both sides must know the last commit, or neither".to_owned();
            self.add(format!("{name}: source.sequence"), left, right, Some(rule));
        }
        for [left, right] in Volatile::stream_positions(&parts) {
            if !seen.positions.hold(left, right) {
                let rule = "must correspond one to one, in one order".to_owned();
                let path = format!("{name}: {}", left.part.name());
                self.add(path, left.text, right.text, Some(rule));
            }
        }
    }

    /// Finds the places that differ. Goes on after a scalar, stops where the structure differs.
    fn tokens(&mut self, name: &str, bytes: [&[u8]; 2], spans: [&[Span]; 2]) {
        let mut walks = bytes.map(Tokens::new);
        loop {
            let tokens = [walks[0].next(), walks[1].next()];
            let [Some(left), Some(right)] = tokens else {
                let rest = |side: usize| match tokens[side] {
                    Some(token) => bytes[side].get(token.start..).unwrap_or_default(),
                    None => walks[side].rest(),
                };
                let prefixes = self.prefixes;
                let mapped = |side: usize| without_prefix(rest(side), prefixes[side]);
                if mapped(0) != mapped(1) {
                    self.add(at(name, &walks[0]), rest(0), rest(1), None);
                }
                return;
            };
            if left.gap != right.gap {
                self.add(
                    at(name, &walks[0]),
                    left.gap,
                    right.gap,
                    Some("white space".to_owned()),
                );
            }
            match self.token([left, right], spans) {
                Verdict::Equal => {}
                Verdict::Respelled => self.respelled += 1,
                Verdict::ScalarDiffers => {
                    self.add(at(name, &walks[0]), left.text, right.text, None);
                }
                Verdict::StructureDiffers => {
                    let from = |side: usize, token: Token<'_>| {
                        bytes[side].get(token.start..).unwrap_or_default()
                    };
                    self.add(at(name, &walks[0]), from(0, left), from(1, right), None);
                    return;
                }
            }
        }
    }

    fn token(&self, [left, right]: [Token<'_>; 2], spans: [&[Span]; 2]) -> Verdict {
        if left.kind == right.kind && left.text == right.text {
            return Verdict::Equal;
        }
        let volatile = |side: usize, token: Token<'_>| {
            let span = spans[side].iter().find(|span| span.start == token.start);
            span.map(|span| span.part)
        };
        if left.kind.is_scalar() && right.kind.is_scalar() {
            let part = volatile(0, left);
            if part.is_some() && part == volatile(1, right) {
                return Verdict::Equal;
            }
            if left.kind == Kind::Number && is_same_number(left.text, right.text) {
                return Verdict::Respelled;
            }
        }
        let mapped = [
            without_prefix(left.text, self.prefixes[0]),
            without_prefix(right.text, self.prefixes[1]),
        ];
        match (left.kind, right.kind) {
            _ if left.kind == right.kind && mapped[0] == mapped[1] => Verdict::Equal,
            (l, r) if l.is_scalar() && r.is_scalar() => Verdict::ScalarDiffers,
            _ => Verdict::StructureDiffers,
        }
    }

    fn headers(&mut self, runs: &mut Pairing) {
        let (left, right) = (&self.left.headers, &self.right.headers);
        if left.len() != right.len() {
            let names = |headers: &[(String, Option<Bytes>)]| {
                let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
                names.join(", ").into_bytes()
            };
            self.add("headers".to_owned(), &names(left), &names(right), None);
            return;
        }
        for (index, (left, right)) in left.iter().zip(right).enumerate() {
            let path = format!("headers[{index}]");
            if left.0 != right.0 {
                self.add(path, left.0.as_bytes(), right.0.as_bytes(), None);
            } else if left.0 == RUN_ID_HEADER {
                self.run_id(path, left.1.as_ref(), right.1.as_ref(), runs);
            } else {
                self.header(
                    format!("{path} {}", left.0),
                    left.1.as_ref(),
                    right.1.as_ref(),
                );
            }
        }
    }

    fn header(&mut self, path: String, left: Option<&Bytes>, right: Option<&Bytes>) {
        let mapped = |side: usize, value: Option<&Bytes>| {
            value.map(|Bytes(value)| without_prefix(value, self.prefixes[side]).into_owned())
        };
        if mapped(0, left) != mapped(1, right) {
            self.add(path, &shown(left), &shown(right), None);
        }
    }

    fn run_id(
        &mut self,
        path: String,
        left: Option<&Bytes>,
        right: Option<&Bytes>,
        runs: &mut Pairing,
    ) {
        let (left_text, right_text) = (shown(left), shown(right));
        let (left_id, right_id) = (RunId::find(&left_text), RunId::find(&right_text));
        let rule = if !left_id.is_uuid_v7() || !right_id.is_uuid_v7() {
            "must be a UUID of version 7 in small letters"
        } else if left_id.around != right_id.around {
            "must stand in the same JSON on both sides"
        } else if !runs.holds(left_id.text, right_id.text) {
            "must be the same in all records of one run"
        } else {
            return;
        };
        self.add(path, &left_text, &right_text, Some(rule.to_owned()));
    }

    fn snapshot_position(&mut self, snapshots: &mut Pairing) {
        let position = |record: &Record| {
            let Bytes(value) = record.value.as_ref()?;
            Volatile::find(value, Role::Rows, Servers::One).snapshot_position()
        };
        let (Some(left), Some(right)) = (position(self.left), position(self.right)) else {
            return;
        };
        if !snapshots.holds(&left, &right) {
            let rule = "time and position must be the same in all rows of one snapshot";
            self.add(
                "value: source".to_owned(),
                &left,
                &right,
                Some(rule.to_owned()),
            );
        }
    }
}

enum Verdict {
    Equal,
    Respelled,
    ScalarDiffers,
    StructureDiffers,
}

fn at(name: &str, walk: &Tokens<'_>) -> String {
    let path = walk.path();
    if path.is_empty() || path.starts_with('[') {
        return format!("{name}{path}");
    }
    format!("{name}.{path}")
}

pub(super) fn place(record: &Record) -> Place {
    Place {
        partition: record.partition,
        offset: record.offset,
    }
}

pub(super) fn shown(bytes: Option<&Bytes>) -> Vec<u8> {
    bytes.map_or_else(|| b"(null)".to_vec(), |Bytes(bytes)| bytes.clone())
}
