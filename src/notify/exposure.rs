//! What of a table may leave the process: exposed columns, each with its mask.

use openssl::sha::Sha256;

use super::config::{NotifyFile, Problem, no_such};
use super::escape::cut;
use super::mask::Mask;
use super::notice::Field;
use super::row::{Row, Value};
use super::rules::Table;
use super::template::TemplateRow;

/// Characters of a value that leave its row: bounds memory whatever the table holds.
const MAX_VALUE: usize = 1_000;
const MAX_FIELDS: usize = 60;
const UNCHANGED: &str = "(unchanged)";

#[derive(Debug)]
pub(super) struct Exposure {
    columns: Vec<ExposedColumn>,
    secret: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct ExposedColumn {
    pub(super) name: String,
    pub(super) index: usize,
    pub(super) mask: Mask,
}

impl Exposure {
    /// In the table's order. Columns that do not exist, or that Kafka does not get, are reported.
    pub(super) fn compile(
        file: &NotifyFile,
        name: &str,
        table: Table<'_>,
        secret: &[u8],
    ) -> (Self, Vec<Problem>) {
        let mut exposure = Self {
            columns: Vec::new(),
            secret: secret.to_vec(),
        };
        let mut problems = Vec::new();
        for (column, mask) in file.exposed(name).into_iter().flatten() {
            let place = table
                .relation
                .columns
                .iter()
                .position(|found| found.name == *column.get_ref());
            match place.filter(|_| (table.captured)(column.get_ref())) {
                Some(index) => exposure.columns.push(ExposedColumn {
                    name: column.get_ref().clone(),
                    index,
                    mask: *mask,
                }),
                None => {
                    let problem = |what: String| file.source.problem(column.span(), what);
                    problems.push(no_column(column.get_ref(), table, problem));
                }
            }
        }
        exposure.columns.sort_by_key(|column| column.index);
        (exposure, problems)
    }

    pub(super) fn find(&self, name: &str) -> Option<&ExposedColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A value as it may be shown; `None` for null and what is not known.
    pub(super) fn shown(&self, column: &ExposedColumn, value: Value<'_>) -> Option<String> {
        let bytes = value.text()?;
        // Four bytes a character at most; masks need the whole of what they mask.
        let head = &bytes[..bytes.len().min(MAX_VALUE * 4)];
        let text = cut(&String::from_utf8_lossy(head), MAX_VALUE);
        Some(column.mask.apply(&text, &self.secret))
    }

    pub(super) fn fields(&self, row: &Row<'_>) -> Vec<Field> {
        let field = |column: &ExposedColumn| Field {
            name: column.name.clone(),
            value: self.told(column, row.current(column.index)),
        };
        self.columns.iter().take(MAX_FIELDS).map(field).collect()
    }

    pub(super) fn template_row(&self, row: &Row<'_>, key: &str, rule: &str) -> TemplateRow {
        let mut values = TemplateRow {
            key: key.to_owned(),
            rule: rule.to_owned(),
            ..TemplateRow::default()
        };
        for column in &self.columns {
            for (side, value) in [
                (&mut values.before, row.before(column.index)),
                (&mut values.after, row.after(column.index)),
            ] {
                let shown = match value {
                    Value::Null => None,
                    Value::Text(_) | Value::Unknown => Some(self.told(column, value)),
                };
                side.insert(column.name.clone(), shown);
            }
        }
        values
    }

    fn told(&self, column: &ExposedColumn, value: Value<'_>) -> String {
        match value {
            Value::Null => "null".to_owned(),
            Value::Unknown => UNCHANGED.to_owned(),
            Value::Text(_) => self.shown(column, value).unwrap_or_default(),
        }
    }

    /// 32 hexadecimal digits, keyed.
    pub(super) fn identity(&self, values: &[Value<'_>]) -> String {
        let mut hash = Sha256::new();
        hash.update(&(self.secret.len() as u64).to_be_bytes());
        hash.update(&self.secret);
        for value in values {
            let text = value.text();
            hash.update(&[u8::from(text.is_some())]);
            hash.update(&(text.unwrap_or_default().len() as u64).to_be_bytes());
            hash.update(text.unwrap_or_default());
        }
        super::notice::hex(&hash.finish()[..16])
    }
}

/// Why [`Exposure::find`] finds nothing.
pub(super) fn missing(
    name: &str,
    table: Table<'_>,
    problem: impl FnOnce(String) -> Problem,
) -> Problem {
    let relation = table.relation;
    if !relation.columns.iter().any(|column| column.name == name) || !(table.captured)(name) {
        return no_column(name, table, problem);
    }
    let line = format!(
        "{name} = \"plain\" for \"{}.{}\" in [notify.expose]",
        relation.schema, relation.name
    );
    problem(format!("column \"{name}\" is not in [notify.expose]")).mend(line)
}

/// The table has no such column, or Kafka does not get it.
pub(super) fn no_column(
    name: &str,
    table: Table<'_>,
    problem: impl FnOnce(String) -> Problem,
) -> Problem {
    let relation = table.relation;
    let on = format!("\"{}.{}\"", relation.schema, relation.name);
    if relation.columns.iter().any(|column| column.name == name) {
        let what = format!("column \"{name}\" of {on} is withheld from Kafka, and so from notices");
        return problem(what).mend(format!(
            "column.exclude.list, column.include.list, column.mask.* and column.truncate.* of the connector that leave {}.{}.{name} \
             as it is",
            relation.schema, relation.name
        ));
    }
    let known = relation.columns.iter().map(|column| column.name.as_str());
    problem(no_such(&format!("{on} has no column"), name, known))
}
