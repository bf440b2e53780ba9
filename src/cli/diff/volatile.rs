//! Which parts of a value differ in every run, and the rules that they obey instead of being equal.

use super::token::Tokens;

/// 2020-01-01, in milliseconds: an earlier wall clock is a mistake in the unit.
const PLAUSIBLE_MS: i64 = 1_577_836_800_000;

/// What the topic says about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Rows,
    Heartbeat,
    /// BEGIN of a transaction.
    Begin,
    /// END of a transaction.
    End,
}

/// Where the two sides have their changes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Servers {
    /// Streamed rows have the same position and time on both sides.
    One,
    /// Positions, transaction ids and commit times are each server's own.
    Two,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Clock(Unit),
    SourceTime(Unit),
    Lsn,
    TxId,
    /// Of the slot, which moves with what the server does.
    Xmin,
    Sequence,
    /// `"xid:LSN"` in the transaction block of a row.
    TransactionId,
    /// `"xid:LSN"` in a BEGIN, where the LSN is that of whatever the transaction wrote first.
    TransactionBegin,
    /// `"xid:LSN"` in an END, where the LSN is that of the commit.
    TransactionEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Ms,
    Us,
    Ns,
}

impl Part {
    /// As Debezium calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clock(_) => "ts",
            Self::SourceTime(_) => "source.ts",
            Self::Lsn => "source.lsn",
            Self::TxId => "source.txId",
            Self::Xmin => "source.xmin",
            Self::Sequence => "source.sequence",
            Self::TransactionId | Self::TransactionBegin | Self::TransactionEnd => "transaction.id",
        }
    }
}

/// A part and how it is spelled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelled<'a> {
    pub(super) part: Part,
    /// Whether it is of a logical decoding message.
    pub(super) is_message: bool,
    pub(super) text: &'a [u8],
}

/// Where a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) part: Part,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Streamed,
    Snapshot,
    Incremental,
}

/// The volatile parts of one value, in the order of their positions.
#[derive(Debug)]
pub(super) struct Volatile<'a> {
    bytes: &'a [u8],
    pub(super) spans: Vec<Span>,
    phase: Phase,
    is_message: bool,
}

/// The id of a run in its header, and what stands around it: nothing, or with JsonConverter quotes or a schema and quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RunId<'a> {
    pub(super) text: &'a [u8],
    pub(super) around: [&'a [u8]; 2],
}

/// A rule that a value breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) path: &'static str,
    pub(super) rule: &'static str,
}

impl<'a> Volatile<'a> {
    pub(super) fn find(bytes: &'a [u8], role: Role, servers: Servers) -> Self {
        let mut found = Self {
            bytes,
            spans: Vec::new(),
            phase: Phase::Streamed,
            is_message: false,
        };
        let has_schema = bytes.starts_with(b"{\"schema\":{");
        let mut has_source = false;
        let mut candidates = Vec::new();
        let mut tokens = Tokens::new(bytes);
        while let Some(token) = tokens.next() {
            if !token.kind.is_scalar() {
                continue;
            }
            let Some((outer, inner)) = names_in_payload(&tokens, has_schema) else {
                continue;
            };
            has_source |= outer == b"source" && inner.is_some();
            found.is_message |= (outer, inner, token.text) == (b"op", None, b"\"m\"");
            if let Some(phase) = phase(outer, inner, token.text) {
                found.phase = phase;
            }
            if let Some(part) = part(role, outer, inner) {
                let span = Span {
                    part,
                    start: token.start,
                    end: token.start + token.text.len(),
                };
                candidates.push((span, outer.starts_with(b"__")));
            }
        }
        for (span, is_added_field) in candidates {
            // Without a source block `ts_ms` is a column like any other.
            let is_clock = matches!(span.part, Part::Clock(_));
            let is_clock_here = has_source || is_added_field || role == Role::Heartbeat;
            if (is_clock && is_clock_here) || is_volatile_in(found.phase, span.part, servers) {
                found.spans.push(span);
            }
        }
        found
    }

    /// The volatile parts of a streamed row in both its forms, as far as they have the same.
    pub(super) fn stream_positions(both: &[Self; 2]) -> impl Iterator<Item = [Spelled<'a>; 2]> {
        let [left, right] = both;
        let are_streamed = left.phase == Phase::Streamed && right.phase == Phase::Streamed;
        let spans = left.spans.iter().zip(&right.spans);
        let same = spans.filter(move |(left, right)| are_streamed && left.part == right.part);
        same.map(|(l, r)| [left.spelled(l), right.spelled(r)])
    }

    /// Checks what one side can break alone.
    pub(super) fn check(&self) -> Result<(), Broken> {
        self.check_times(Part::Clock, "ts_ms, ts_us, ts_ns")?;
        self.check_times(Part::SourceTime, "source.ts_ms, ts_us, ts_ns")?;
        let Some(sequence) = self.text(Part::Sequence) else {
            return Ok(());
        };
        let broken = |rule| Broken {
            path: "source.sequence",
            rule,
        };
        if self.sequence_shape() != Some("[#,#]") && self.sequence_shape() != Some("[null,#]") {
            return Err(broken("must be two LSNs or null and an LSN"));
        }
        let ends_with = |lsn: &str| sequence.ends_with(&format!("\\\"{lsn}\\\"]\""));
        if self.text(Part::Lsn).is_some_and(|lsn| !ends_with(lsn)) {
            return Err(broken("must end with source.lsn"));
        }
        Ok(())
    }

    /// Time and position of a snapshot. Rows of one snapshot share them, so both sides must change them at the same rows.
    pub(super) fn snapshot_position(&self) -> Option<Vec<u8>> {
        if self.phase != Phase::Snapshot {
            return None;
        }
        let mut position = Vec::new();
        for span in &self.spans {
            if !matches!(span.part, Part::Clock(_)) {
                position.extend_from_slice(&self.bytes[span.start..span.end]);
                position.push(b' ');
            }
        }
        Some(position)
    }

    /// `"[null,\"4711\"]"` → `[null,#]`; None where there is no sequence or it has another shape.
    pub(super) fn sequence_shape(&self) -> Option<&'static str> {
        let text = self.text(Part::Sequence)?;
        let pair = text.strip_prefix("\"[")?.strip_suffix("]\"")?;
        let (first, second) = pair.split_once(',')?;
        match (first, is_quoted_lsn(first), is_quoted_lsn(second)) {
            ("null", _, true) => Some("[null,#]"),
            (_, true, true) => Some("[#,#]"),
            _ => None,
        }
    }

    fn check_times(&self, part: fn(Unit) -> Part, path: &'static str) -> Result<(), Broken> {
        let broken = |rule| Broken { path, rule };
        let number = |unit| match self.text(part(unit)) {
            None => Ok(None),
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(broken("must be an integer")),
            },
        };
        let (ms, us, ns) = (number(Unit::Ms)?, number(Unit::Us)?, number(Unit::Ns)?);
        if ms.is_some_and(|ms| ms < PLAUSIBLE_MS) {
            return Err(broken("must be a time of today"));
        }
        if let (Some(ms), Some(us)) = (ms, us)
            && ms != us.div_euclid(1000)
        {
            return Err(broken("ts_ms must be ts_us / 1000"));
        }
        if let (Some(us), Some(ns)) = (us, ns)
            && us != ns.div_euclid(1000)
        {
            return Err(broken("ts_us must be ts_ns / 1000"));
        }
        Ok(())
    }

    fn spelled(&self, span: &Span) -> Spelled<'a> {
        Spelled {
            part: span.part,
            is_message: self.is_message,
            text: &self.bytes[span.start..span.end],
        }
    }

    fn text(&self, part: Part) -> Option<&'a str> {
        let span = self.spans.iter().find(|span| span.part == part)?;
        std::str::from_utf8(&self.bytes[span.start..span.end]).ok()
    }
}

impl<'a> RunId<'a> {
    pub(super) fn find(header: &'a [u8]) -> Self {
        let end = header.strip_suffix(b"}").unwrap_or(header);
        let (before, text) = match end.strip_suffix(b"\"") {
            Some(quoted) => quoted.split_at(memchr::memrchr(b'"', quoted).map_or(0, |at| at + 1)),
            None => header.split_at(0),
        };
        let after = &header[before.len() + text.len()..];
        Self {
            text,
            around: [before, after],
        }
    }

    pub(super) fn is_uuid_v7(&self) -> bool {
        let id = uuid::Uuid::try_parse_ascii(self.text).ok();
        id.is_some_and(|id| id.get_version_num() == 7 && id.to_string().as_bytes() == self.text)
    }
}

fn names_in_payload<'a>(
    tokens: &Tokens<'a>,
    has_schema: bool,
) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    if !has_schema {
        if let Some([outer]) = tokens.names::<1>() {
            return Some((outer, None));
        }
        return tokens
            .names::<2>()
            .map(|[outer, inner]| (outer, Some(inner)));
    }
    if let Some([b"payload", outer]) = tokens.names::<2>() {
        return Some((outer, None));
    }
    match tokens.names::<3>() {
        Some([b"payload", outer, inner]) => Some((outer, Some(inner))),
        _ => None,
    }
}

/// The names with underscores are what ExtractNewRecordState's `add.fields` makes of them.
fn part(role: Role, outer: &[u8], inner: Option<&[u8]>) -> Option<Part> {
    if matches!(role, Role::Begin | Role::End) {
        return match (outer, inner) {
            (b"id", None) if role == Role::End => Some(Part::TransactionEnd),
            (b"id", None) => Some(Part::TransactionBegin),
            (b"ts_ms", None) => Some(Part::SourceTime(Unit::Ms)),
            _ => None,
        };
    }
    match (outer, inner) {
        (b"ts_ms" | b"__ts_ms", None) => Some(Part::Clock(Unit::Ms)),
        (b"ts_us" | b"__ts_us", None) => Some(Part::Clock(Unit::Us)),
        (b"ts_ns" | b"__ts_ns", None) => Some(Part::Clock(Unit::Ns)),
        (b"source", Some(b"ts_ms")) | (b"__source_ts_ms", None) => Some(Part::SourceTime(Unit::Ms)),
        (b"source", Some(b"ts_us")) | (b"__source_ts_us", None) => Some(Part::SourceTime(Unit::Us)),
        (b"source", Some(b"ts_ns")) | (b"__source_ts_ns", None) => Some(Part::SourceTime(Unit::Ns)),
        (b"source", Some(b"lsn")) | (b"__lsn" | b"__source_lsn", None) => Some(Part::Lsn),
        (b"source", Some(b"txId")) | (b"__txId" | b"__source_txId", None) => Some(Part::TxId),
        (b"source", Some(b"xmin")) | (b"__xmin" | b"__source_xmin", None) => Some(Part::Xmin),
        (b"source", Some(b"sequence")) | (b"__sequence" | b"__source_sequence", None) => {
            Some(Part::Sequence)
        }
        (b"transaction", Some(b"id")) | (b"__id" | b"__transaction_id", None) => {
            Some(Part::TransactionId)
        }
        _ => None,
    }
}

fn phase(outer: &[u8], inner: Option<&[u8]>, text: &[u8]) -> Option<Phase> {
    match (outer, inner, text) {
        (b"__op", None, b"\"r\"") => Some(Phase::Snapshot),
        (b"source", Some(b"snapshot"), _) | (b"__source_snapshot" | b"__snapshot", None, _) => {
            match text {
                b"\"false\"" | b"null" => Some(Phase::Streamed),
                b"\"incremental\"" => Some(Phase::Incremental),
                _ => Some(Phase::Snapshot),
            }
        }
        _ => None,
    }
}

fn is_volatile_in(phase: Phase, part: Part, servers: Servers) -> bool {
    match (phase, part) {
        (_, Part::Clock(_)) => false,
        (Phase::Streamed, _)
        | (_, Part::TransactionId | Part::TransactionBegin | Part::TransactionEnd) => {
            servers == Servers::Two
        }
        // Incremental rows have no LSN and no xid, and that is compared.
        (Phase::Incremental, Part::Lsn | Part::TxId) => false,
        (Phase::Snapshot | Phase::Incremental, _) => true,
    }
}

fn is_quoted_lsn(text: &str) -> bool {
    let digits = text
        .strip_prefix("\\\"")
        .and_then(|rest| rest.strip_suffix("\\\""));
    digits.is_some_and(|lsn| !lsn.is_empty() && lsn.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: &str =
        r#""ts_ms":1795332678637,"ts_us":1795332678637047,"ts_ns":1795332678637047000"#;

    fn row(snapshot: &str) -> String {
        format!(
            r#"{{"before":null,"after":{{"ts_ms":1,"lsn":2}},"source":{{"ts_ms":1795332678600,"snapshot":"{snapshot}","sequence":"[null,\"26\"]","ts_us":1795332678600001,"ts_ns":1795332678600001000,"txId":7,"lsn":26}},"op":"r",{TIMES}}}"#
        )
    }

    fn parts(value: &str, role: Role) -> Vec<(Part, String)> {
        let found = Volatile::find(value.as_bytes(), role, Servers::One);
        let text = |span: &Span| value[span.start..span.end].to_owned();
        found
            .spans
            .iter()
            .map(|span| (span.part, text(span)))
            .collect()
    }

    #[test]
    fn of_a_streamed_row_only_the_wall_clock_is_volatile() {
        let found = parts(&row("false"), Role::Rows);
        let expected = [
            (Part::Clock(Unit::Ms), "1795332678637".to_owned()),
            (Part::Clock(Unit::Us), "1795332678637047".to_owned()),
            (Part::Clock(Unit::Ns), "1795332678637047000".to_owned()),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn of_a_snapshot_row_position_and_time_are_volatile_too() {
        let found = parts(&row("first"), Role::Rows);
        assert_eq!(found.len(), 9);
        assert!(found.contains(&(Part::Sequence, r#""[null,\"26\"]""#.to_owned())));
        assert!(found.contains(&(Part::Lsn, "26".to_owned())));
    }

    #[test]
    fn of_an_incremental_row_lsn_and_xid_are_compared() {
        let found = parts(&row("incremental"), Role::Rows);
        assert_eq!(found.len(), 7);
    }

    #[test]
    fn a_value_with_its_schema_has_the_same_parts() {
        let value = format!(
            r#"{{"schema":{{"type":"struct"}},"payload":{}}}"#,
            row("last")
        );
        assert_eq!(parts(&value, Role::Rows).len(), 9);
    }

    #[test]
    fn a_column_named_ts_ms_of_a_flattened_row_is_compared_and_its_added_clock_is_not() {
        let value = r#"{"ts_ms":5,"lsn":3,"__ts_ms":1795332678637,"__op":"c","__lsn":26}"#;
        let found = parts(value, Role::Rows);
        assert_eq!(found, [(Part::Clock(Unit::Ms), "1795332678637".to_owned())]);
    }

    #[test]
    fn a_heartbeat_has_nothing_but_its_clock() {
        let found = parts(r#"{"ts_ms":1795332678637}"#, Role::Heartbeat);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_id_of_a_run_is_found_in_the_bytes_of_every_header_converter() {
        let id = "019a1b2c-3d4e-7f60-8a9b-0c1d2e3f4a5b";
        let schema = r#"{"schema":{"type":"string","optional":false},"payload":""#;
        for [before, after] in [["", ""], ["\"", "\""], [schema, "\"}"]] {
            let header = format!("{before}{id}{after}");
            let found = RunId::find(header.as_bytes());
            assert_eq!(found.text, id.as_bytes());
            assert_eq!(found.around, [before.as_bytes(), after.as_bytes()]);
            assert!(found.is_uuid_v7());
        }
        for other in [
            "",
            "\"",
            "}",
            "\"}",
            "x",
            "019a1b2c-3d4e-4f60-8a9b-0c1d2e3f4a5b",
            &id.to_uppercase(),
        ] {
            assert!(!RunId::find(other.as_bytes()).is_uuid_v7(), "{other}");
        }
    }

    #[test]
    fn times_that_do_not_agree_break_the_rule() {
        for (from, to, rule) in [
            (
                r#""ts_us":1795332678637047"#,
                r#""ts_us":1795332678637048"#,
                "ts_us must be ts_ns / 1000",
            ),
            (
                r#""ts_ms":1795332678637,"#,
                r#""ts_ms":1795332678638,"#,
                "ts_ms must be ts_us / 1000",
            ),
            (
                r#""ts_ms":1795332678637,"#,
                r#""ts_ms":null,"#,
                "must be an integer",
            ),
            (
                r#""ts_ms":1795332678637,"#,
                r#""ts_ms":1795332678,"#,
                "must be a time of today",
            ),
        ] {
            let value = row("first").replace(from, to);
            let broken = Volatile::find(value.as_bytes(), Role::Rows, Servers::One).check();
            assert_eq!(broken.unwrap_err().rule, rule);
        }
        let value = row("first");
        assert_eq!(
            Volatile::find(value.as_bytes(), Role::Rows, Servers::One).check(),
            Ok(())
        );
    }

    #[test]
    fn the_sequence_of_a_snapshot_row_ends_with_its_lsn() {
        let value = row("first").replace(r#""lsn":26"#, r#""lsn":27"#);
        let broken = Volatile::find(value.as_bytes(), Role::Rows, Servers::One).check();
        assert_eq!(broken.unwrap_err().rule, "must end with source.lsn");
        let value = row("first").replace("null,", "");
        let broken = Volatile::find(value.as_bytes(), Role::Rows, Servers::One).check();
        assert_eq!(broken.unwrap_err().path, "source.sequence");
    }
}
