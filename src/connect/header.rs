//! `org.apache.kafka.connect.storage.SimpleHeaderConverter`: a value as the text of `Values.convertToString`.

use super::calendar::civil_from_days;
use super::json::write_base64;
use super::sink::{Mark, Sink};
use super::{decimal, java_float, java_text};

const MS_PER_DAY: i64 = 86_400_000;

/// Appends header text to a buffer.
pub struct HeaderSink<'a> {
    out: &'a mut Vec<u8>,
    /// Containers that are open: strings inside one are quoted.
    depth: usize,
}

impl<'a> HeaderSink<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, depth: 0 }
    }

    fn quote(&mut self) {
        if self.depth > 0 {
            self.out.push(b'"');
        }
    }

    /// `Values.dateFormatFor`, which looks at the number and not at the schema: what lies before 1970-01-02 is shown as a
    /// time, whole days as a date, anything else as a timestamp.
    fn java_date(&mut self, milliseconds: i64) {
        let (days, rest) = (
            milliseconds.div_euclid(MS_PER_DAY),
            milliseconds.rem_euclid(MS_PER_DAY),
        );
        if milliseconds < MS_PER_DAY {
            self.write_time(rest);
        } else if rest == 0 {
            self.write_date(days);
        } else {
            self.write_date(days);
            self.out.push(b'T');
            self.write_time(rest);
        }
    }

    fn write_date(&mut self, days: i64) {
        let (year, month, day) = civil_from_days(days);
        self.out
            .extend_from_slice(format!("{year:04}-{month:02}-{day:02}").as_bytes());
    }

    fn write_time(&mut self, milliseconds: i64) {
        let (seconds, fraction) = (milliseconds / 1000, milliseconds % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.out.extend_from_slice(
            format!("{hour:02}:{minute:02}:{second:02}.{fraction:03}Z").as_bytes(),
        );
    }
}

impl Sink for HeaderSink<'_> {
    fn replaces_null_with_default(&self) -> bool {
        true
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn boolean(&mut self, value: bool) {
        java_text::write_boolean(value, self.out);
    }

    fn int(&mut self, value: i64) {
        java_text::write_int(value, self.out);
    }

    fn float32(&mut self, value: f32) {
        java_float::write_single(value, self.out);
    }

    fn float64(&mut self, value: f64) {
        java_float::write(value, self.out);
    }

    fn string(&mut self, text: &[u8]) {
        if self.depth == 0 {
            self.out.extend_from_slice(text);
            return;
        }
        self.out.push(b'"');
        for &byte in text {
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.quote();
        write_base64(bytes, self.out);
        self.quote();
    }

    fn decimal(&mut self, unscaled: &[u8], scale: i32) {
        decimal::write_java(unscaled, scale, self.out);
    }

    fn date(&mut self, days: i32) {
        self.java_date(i64::from(days) * MS_PER_DAY);
    }

    fn time(&mut self, milliseconds: i32) {
        self.java_date(milliseconds.into());
    }

    fn timestamp(&mut self, milliseconds: i64) {
        self.java_date(milliseconds);
    }

    fn begin_array(&mut self) {
        self.depth += 1;
        self.out.push(b'[');
    }

    fn element(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn end_array(&mut self) {
        self.depth -= 1;
        self.out.push(b']');
    }

    fn begin_struct(&mut self) {
        self.depth += 1;
        self.out.push(b'{');
    }

    fn field(&mut self, index: usize, name: &str) {
        self.element(index);
        self.string(name.as_bytes());
        self.out.push(b':');
    }

    fn end_struct(&mut self) {
        self.depth -= 1;
        self.out.push(b'}');
    }

    /// `Values.append` writes every map like this, whatever its keys are.
    fn begin_map(&mut self) {
        self.begin_struct();
    }

    fn map_key(&mut self, index: usize) {
        self.element(index);
    }

    fn map_value(&mut self) {
        self.out.push(b':');
    }

    fn end_map_entry(&mut self) {}

    fn end_map(&mut self) {
        self.end_struct();
    }

    fn mark(&self) -> Mark {
        Mark {
            length: self.out.len(),
            depth: self.depth,
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.length);
        self.depth = mark.depth;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::schema::{Datum, Field, Kind, Schema, logical};
    use crate::connect::sink::write_datum;

    fn text(schema: &Schema, datum: &Datum) -> String {
        let mut out = Vec::new();
        write_datum(schema, datum, &mut HeaderSink::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    fn row(fields: Vec<(&str, Schema)>) -> Schema {
        let field = |(name, schema): (&str, Schema)| Field::new(name, schema);
        Schema::new(Kind::Struct(fields.into_iter().map(field).collect()))
    }

    #[test]
    fn a_key_is_json_like_text() {
        let schema = row(vec![
            ("a", Schema::new(Kind::Int32)),
            ("b", Schema::new(Kind::String)),
            (
                "c",
                Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", "2"),
            ),
            ("d", Schema::new(Kind::Bytes)),
            ("e", Schema::new(Kind::String).optional(true)),
            ("f", Schema::new(Kind::Float64)),
        ]);
        let datum = Datum::Struct(vec![
            Datum::Int(10),
            Datum::String("x\"\\\n".to_owned()),
            Datum::Bytes(vec![0, 0x96]),
            Datum::Bytes(vec![1, 2]),
            Datum::Null,
            Datum::Float64(f64::NAN),
        ]);
        assert_eq!(
            text(&schema, &datum),
            "{\"a\":10,\"b\":\"x\\\"\\\\\n\",\"c\":1.50,\"d\":\"AQI=\",\"e\":null,\"f\":NaN}"
        );
    }

    #[test]
    fn a_value_of_its_own_is_not_quoted() {
        assert_eq!(
            text(
                &Schema::new(Kind::String),
                &Datum::String("a \"b\"".to_owned())
            ),
            "a \"b\""
        );
        assert_eq!(
            text(&Schema::new(Kind::Bytes), &Datum::Bytes(vec![1, 2])),
            "AQI="
        );
    }

    #[test]
    fn the_form_of_a_date_depends_on_its_value() {
        let schema = |name| row(vec![("d", Schema::named(Kind::Int64, name, 1))]);
        for (name, value, expected) in [
            (logical::DATE, 1, "{\"d\":1970-01-02}"),
            (logical::DATE, 19_782, "{\"d\":2024-02-29}"),
            (logical::DATE, 0, "{\"d\":00:00:00.000Z}"),
            (logical::TIME, 3_723_100, "{\"d\":01:02:03.100Z}"),
            (
                logical::TIMESTAMP,
                1_709_210_096_789,
                "{\"d\":2024-02-29T12:34:56.789Z}",
            ),
        ] {
            assert_eq!(
                text(&schema(name), &Datum::Struct(vec![Datum::Int(value)])),
                expected
            );
        }
    }

    #[test]
    fn going_back_also_closes_what_was_opened() {
        let mut out = Vec::new();
        let mut sink = HeaderSink::new(&mut out);
        let mark = sink.mark();
        sink.begin_array();
        sink.element(0);
        sink.rewind(mark);
        sink.string(b"raw");
        assert_eq!(out, b"raw");
    }
}
