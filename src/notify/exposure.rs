//! What of a table may leave the process: exposed columns, each with its mask.

use openssl::sha::Sha256;

use super::config::{NotifyFile, Problem, nearest};
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
                None => problems.push(
                    file.source
                        .problem(column.span(), exposure.no_column(column.get_ref(), table)),
                ),
            }
        }
        exposure.columns.sort_by_key(|column| column.index);
        (exposure, problems)
    }

    pub(super) fn find(&self, name: &str) -> Option<&ExposedColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Why [`Self::find`] finds nothing.
    pub(super) fn missing(&self, name: &str, table: Table<'_>) -> String {
        let exists = table
            .relation
            .columns
            .iter()
            .any(|column| column.name == name);
        if exists && (table.captured)(name) {
            return format!("column \"{name}\" is not in [notify.expose]");
        }
        self.no_column(name, table)
    }

    #[expect(clippy::unused_self, reason = "beside the other answers")]
    pub(super) fn no_column(&self, name: &str, table: Table<'_>) -> String {
        let relation = table.relation;
        let on = format!("\"{}.{}\"", relation.schema, relation.name);
        if relation.columns.iter().any(|column| column.name == name) {
            return format!(
                "column \"{name}\" of {on} is withheld from Kafka, and so from notices"
            );
        }
        let known = relation.columns.iter().map(|column| column.name.as_str());
        let hint = nearest(name, known)
            .map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
        format!("{on} has no column \"{name}\"{hint}")
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
