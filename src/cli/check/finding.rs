//! One line of the check's answer, and how it is printed.

use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// Nothing to mend, but worth knowing.
    Info,
    Warn,
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub status: Status,
    pub subject: &'static str,
    pub text: String,
    /// SQL statements, or settings, that mend it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<String>,
}

impl Finding {
    pub fn new(status: Status, subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            subject,
            text: text.into(),
            remedy: Vec::new(),
        }
    }

    #[must_use]
    pub fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy.push(remedy.into());
        self
    }
}

pub fn any_failed(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.status == Status::Fail)
}

/// For people: a line a finding, the remedies below it.
pub fn render(findings: &[Finding], colours: bool) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.subject.len())
        .max()
        .unwrap_or_default();
    let mut out = String::new();
    for finding in findings {
        let status = status_word(finding.status, colours);
        let subject = finding.subject;
        writeln!(out, "{status} {subject:width$}  {}", finding.text).expect(WRITES);
        for remedy in &finding.remedy {
            let indent = "     ".len() + width + "  ".len();
            writeln!(out, "{:indent$}-> {remedy}", "").expect(WRITES);
        }
    }
    out.push_str(&summary(findings));
    out
}

const WRITES: &str = "writing to a string cannot fail";

fn status_word(status: Status, colours: bool) -> String {
    let (word, colour) = match status {
        Status::Ok => ("ok  ", "32"),
        Status::Info => ("info", "36"),
        Status::Warn => ("warn", "33"),
        Status::Fail => ("fail", "1;31"),
    };
    if colours {
        format!("\u{1b}[{colour}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    }
}

fn summary(findings: &[Finding]) -> String {
    let count = |status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    let (failed, warned) = (count(Status::Fail), count(Status::Warn));
    match (failed, warned) {
        (0, 0) => "\nready\n".to_owned(),
        (0, _) => format!("\nready, with {warned} to look at\n"),
        (_, _) => format!("\nnot ready: {failed} to mend, {warned} to look at\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_remedies_stand_below() {
        let findings = [
            Finding::new(Status::Ok, "server", "PostgreSQL 15.4"),
            Finding::new(Status::Fail, "wal_level", "is \"replica\"").mend("ALTER SYSTEM …"),
        ];
        assert_eq!(
            render(&findings, false),
            "ok   server     PostgreSQL 15.4\n\
             fail wal_level  is \"replica\"\n                -> ALTER SYSTEM …\n\
             \nnot ready: 1 to mend, 0 to look at\n"
        );
        assert!(render(&findings, true).contains("\u{1b}[1;31mfail\u{1b}[0m wal_level"));
        assert!(any_failed(&findings));
        assert!(!any_failed(&findings[..1]));
    }

    #[test]
    fn json_has_a_remedy_only_where_there_is_one() {
        let finding = Finding::new(Status::Warn, "tables", "a");
        assert_eq!(
            serde_json::to_string(&[finding.clone(), finding.mend("b")]).unwrap(),
            r#"[{"status":"warn","subject":"tables","text":"a"},{"status":"warn","subject":"tables","text":"a","remedy":["b"]}]"#
        );
    }
}
