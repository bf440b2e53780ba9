//! Builds an owned value.

use super::schema::Datum;
use super::sink::{Mark, Sink};

/// Takes one value and keeps it.
#[derive(Debug, Default)]
pub struct DatumSink {
    /// The values so far, those of open containers behind them.
    values: Vec<Datum>,
    /// Where in `values` the open containers begin.
    open: Vec<usize>,
}

impl DatumSink {
    /// The value, if one was written whole.
    #[must_use]
    pub fn finish(mut self) -> Option<Datum> {
        if self.open.is_empty() {
            self.values.pop()
        } else {
            None
        }
    }

    fn begin(&mut self) {
        self.open.push(self.values.len());
    }

    fn end(&mut self, container: impl FnOnce(Vec<Datum>) -> Datum) {
        let start = self.open.pop().expect("what ends has begun");
        let parts = self.values.split_off(start);
        self.values.push(container(parts));
    }
}

impl Sink for DatumSink {
    fn replaces_null_with_default(&self) -> bool {
        false
    }

    fn null(&mut self) {
        self.values.push(Datum::Null);
    }

    fn boolean(&mut self, value: bool) {
        self.values.push(Datum::Boolean(value));
    }

    fn int(&mut self, value: i64) {
        self.values.push(Datum::Int(value));
    }

    fn float32(&mut self, value: f32) {
        self.values.push(Datum::Float32(value));
    }

    fn float64(&mut self, value: f64) {
        self.values.push(Datum::Float64(value));
    }

    fn string(&mut self, text: &[u8]) {
        self.values
            .push(Datum::String(String::from_utf8_lossy(text).into_owned()));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.values.push(Datum::Bytes(bytes.to_vec()));
    }

    fn decimal(&mut self, unscaled: &[u8], _scale: i32) {
        self.bytes(unscaled);
    }

    fn date(&mut self, days: i32) {
        self.int(days.into());
    }

    fn time(&mut self, milliseconds: i32) {
        self.int(milliseconds.into());
    }

    fn timestamp(&mut self, milliseconds: i64) {
        self.int(milliseconds);
    }

    fn begin_array(&mut self) {
        self.begin();
    }

    fn element(&mut self, _index: usize) {}

    fn end_array(&mut self) {
        self.end(Datum::Array);
    }

    fn begin_struct(&mut self) {
        self.begin();
    }

    fn field(&mut self, _index: usize, _name: &str) {}

    fn end_struct(&mut self) {
        self.end(Datum::Struct);
    }

    fn string_key(&mut self, _index: usize, key: &str) {
        self.values.push(Datum::String(key.to_owned()));
    }

    fn end_string_map(&mut self) {
        self.end_map();
    }

    fn map_key(&mut self, _index: usize) {}

    fn map_value(&mut self) {}

    fn end_map_entry(&mut self) {}

    fn end_map(&mut self) {
        self.end(|parts| {
            let mut parts = parts.into_iter();
            let mut entries = Vec::with_capacity(parts.len() / 2);
            while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                entries.push((key, value));
            }
            Datum::Map(entries)
        });
    }

    fn mark(&self) -> Mark {
        Mark {
            length: self.values.len(),
            depth: self.open.len(),
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.values.truncate(mark.length);
        self.open.truncate(mark.depth);
    }
}
