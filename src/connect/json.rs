//! `org.apache.kafka.connect.json.JsonConverter`: values and schemas as the JSON text that Jackson writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::schema::{Datum, Kind, Schema};
use super::sink::{self, Mark, Sink};
use super::{decimal, java_float, java_text};
use crate::config::connector::{DecimalFormat, JsonConverterOptions};

/// Appends JSON text to a buffer.
pub struct JsonSink<'a> {
    out: &'a mut Vec<u8>,
    options: JsonConverterOptions,
}

impl<'a> JsonSink<'a> {
    pub fn new(out: &'a mut Vec<u8>, options: &JsonConverterOptions) -> Self {
        Self {
            out,
            options: *options,
        }
    }
}

impl Sink for JsonSink<'_> {
    fn replaces_null_with_default(&self) -> bool {
        self.options.replace_null_with_default
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
        if value.is_finite() {
            java_float::write_f32(value, self.out);
        } else {
            self.string(java_float::special(f64::from(value)).as_bytes());
        }
    }

    fn float64(&mut self, value: f64) {
        if value.is_finite() {
            java_float::write_f64(value, self.out);
        } else {
            self.string(java_float::special(value).as_bytes());
        }
    }

    fn string(&mut self, text: &[u8]) {
        write_string(text, self.out);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.push(b'"');
        write_base64(bytes, self.out);
        self.out.push(b'"');
    }

    fn decimal(&mut self, unscaled: &[u8], scale: i32) {
        match self.options.decimal_format {
            DecimalFormat::Base64 => self.bytes(unscaled),
            DecimalFormat::Numeric => decimal::write_java(unscaled, scale, self.out),
        }
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
        self.out.push(b'[');
    }

    fn element(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn end_array(&mut self) {
        self.out.push(b']');
    }

    fn begin_struct(&mut self) {
        self.out.push(b'{');
    }

    fn field(&mut self, index: usize, name: &str) {
        self.element(index);
        self.string(name.as_bytes());
        self.out.push(b':');
    }

    fn end_struct(&mut self) {
        self.out.push(b'}');
    }

    fn mark(&self) -> Mark {
        Mark {
            length: self.out.len(),
            depth: 0,
        }
    }

    fn rewind(&mut self, mark: Mark) {
        self.out.truncate(mark.length);
    }
}

/// An owned value, as the payload of a converter with these options.
pub fn write_datum(
    schema: &Schema,
    datum: &Datum,
    options: &JsonConverterOptions,
    out: &mut Vec<u8>,
) {
    sink::write_datum(schema, datum, &mut JsonSink::new(out, options));
}

/// What `JsonConverter.asJsonSchema` writes; `field` is the name under which a struct holds this schema.
pub fn write_schema(
    schema: &Schema,
    field: Option<&str>,
    decimal_format: DecimalFormat,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(br#"{"type":""#);
    out.extend_from_slice(type_name(&schema.kind).as_bytes());
    out.push(b'"');
    write_children(&schema.kind, decimal_format, out);
    out.extend_from_slice(if schema.optional {
        br#","optional":true"#
    } else {
        br#","optional":false"#
    });
    if let Some(name) = &schema.name {
        write_member("name", name, out);
    }
    if let Some(version) = schema.version {
        out.extend_from_slice(br#","version":"#);
        out.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
    }
    if let Some(doc) = &schema.doc {
        write_member("doc", doc, out);
    }
    write_parameters(&schema.parameters, out);
    if let Some(default) = &schema.default {
        out.extend_from_slice(br#","default":"#);
        let options = JsonConverterOptions {
            schemas: true,
            decimal_format,
            replace_null_with_default: true,
        };
        write_datum(schema, default, &options, out);
    }
    if let Some(field) = field {
        write_member("field", field, out);
    }
    out.push(b'}');
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Float32 => "float",
        Kind::Float64 => "double",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Array(_) => "array",
        Kind::Map(..) => "map",
        Kind::Struct(_) => "struct",
    }
}

fn write_children(kind: &Kind, decimal_format: DecimalFormat, out: &mut Vec<u8>) {
    match kind {
        Kind::Struct(fields) => {
            out.extend_from_slice(br#","fields":["#);
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_schema(&field.schema, Some(&field.name), decimal_format, out);
            }
            out.push(b']');
        }
        Kind::Array(items) => {
            out.extend_from_slice(br#","items":"#);
            write_schema(items, None, decimal_format, out);
        }
        Kind::Map(keys, values) => {
            out.extend_from_slice(br#","keys":"#);
            write_schema(keys, None, decimal_format, out);
            out.extend_from_slice(br#","values":"#);
            write_schema(values, None, decimal_format, out);
        }
        Kind::Boolean
        | Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::Float32
        | Kind::Float64
        | Kind::String
        | Kind::Bytes => {}
    }
}

fn write_parameters(parameters: &[(std::borrow::Cow<'static, str>, String)], out: &mut Vec<u8>) {
    if parameters.is_empty() {
        return;
    }
    out.extend_from_slice(br#","parameters":{"#);
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name.as_bytes(), out);
        out.push(b':');
        write_string(value.as_bytes(), out);
    }
    out.push(b'}');
}

fn write_member(key: &str, value: &str, out: &mut Vec<u8>) {
    out.push(b',');
    write_string(key.as_bytes(), out);
    out.push(b':');
    write_string(value.as_bytes(), out);
}

/// A JSON string as Jackson's `UTF8JsonGenerator` writes it: short escapes where there are some, `\u00XX` in upper case for the
/// other control characters, characters beyond the BMP as an escaped surrogate pair, everything else raw.
pub fn write_string(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(plain) = position_to_escape(rest) {
        out.extend_from_slice(&rest[..plain]);
        let escaped = write_escape(&rest[plain..], out);
        rest = &rest[plain + escaped..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// A JSON string as Jackson's `WriterBasedJsonGenerator` writes it, which makes characters and not bytes: as above, but nothing
/// beyond ASCII is escaped.
pub fn write_string_of_characters(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        if byte.is_ascii() && needs_escape(byte) {
            write_escape(&[byte], out);
        } else {
            out.push(byte);
        }
    }
    out.push(b'"');
}

/// Index of the first byte that must not be copied, eight bytes a step.
fn position_to_escape(text: &[u8]) -> Option<usize> {
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = marks_to_escape(u64::from_le_bytes(*word));
        if marks != 0 {
            // Bytes above the first mark may be marked by a borrow, the first one is exact.
            return Some(index * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    tail.iter()
        .position(|&byte| needs_escape(byte))
        .map(|index| words.len() * 8 + index)
}

/// The high bit of each byte that is below 0x20, a quote, a backslash, or starts a four-byte character.
fn marks_to_escape(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    let quote = is_zero(word ^ (ONES * u64::from(b'"')));
    let backslash = is_zero(word ^ (ONES * u64::from(b'\\')));
    // All of the four high bits set: 0xF0 and above.
    let four_byte = word & (word << 1) & (word << 2) & (word << 3) & HIGH;
    control | quote | backslash | four_byte
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0xF0
}

/// Writes the escape of the first character of `text`; returns how many bytes it took of `text`.
fn write_escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    match text[0] {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0C => out.extend_from_slice(b"\\f"),
        control @ ..0x20 => write_utf16(control.into(), out),
        _ => return write_surrogates(text, out),
    }
    1
}

fn write_surrogates(text: &[u8], out: &mut Vec<u8>) -> usize {
    let four = text
        .get(..4)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    let Some(character) = four.and_then(|text| text.chars().next()) else {
        // Not UTF-8, which a UTF8 database does not send: what Java's decoder would have put in its place.
        out.extend_from_slice("\u{FFFD}".as_bytes());
        return 1;
    };
    for unit in character.encode_utf16(&mut [0; 2]) {
        write_utf16(*unit, out);
    }
    4
}

fn write_utf16(unit: u16, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(DIGITS[usize::from(unit >> shift & 0xF)]);
    }
}

pub(super) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let length = bytes.len().div_ceil(3) * 4;
    out.resize(start + length, 0);
    STANDARD
        .encode_slice(bytes, &mut out[start..])
        .expect("base64 takes four characters for three bytes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::schema::{Field, logical};
    use proptest::prelude::*;

    const OPTIONS: JsonConverterOptions = JsonConverterOptions {
        schemas: true,
        decimal_format: DecimalFormat::Base64,
        replace_null_with_default: true,
    };

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        write_string(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// Jackson's rules, one character at a time.
    fn reference(text: &str) -> String {
        let escaped: String = text
            .chars()
            .map(|character| match character {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{C}' => "\\f".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\0'..' ' | '\u{10000}'.. => {
                    let units = character.encode_utf16(&mut [0; 2]).to_vec();
                    units.iter().map(|unit| format!("\\u{unit:04X}")).collect()
                }
                plain => plain.to_string(),
            })
            .collect();
        format!("\"{escaped}\"")
    }

    #[test]
    fn strings_are_escaped_as_jackson_does() {
        for (text, expected) in [
            ("\u{1}\u{1F}", r#""\u0001\u001F""#),
            ("\u{1F600}", r#""\uD83D\uDE00""#),
            ("a/<\u{7F}\u{2028}é", "\"a/<\u{7F}\u{2028}é\""),
            ("\"\\\n", r#""\"\\\n""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn what_is_not_utf_8_becomes_the_replacement_character() {
        let mut out = Vec::new();
        write_string(b"a\xFFb\xF0\x9F", &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "\"a\u{FFFD}b\u{FFFD}\u{FFFD}\""
        );
    }

    #[test]
    fn a_decimal_is_base64_or_a_number() {
        let schema = Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", "2");
        let datum = Datum::Bytes(vec![0x96]);
        for (decimal_format, expected) in [
            (DecimalFormat::Base64, "\"lg==\""),
            (DecimalFormat::Numeric, "-1.06"),
        ] {
            let mut out = Vec::new();
            write_datum(
                &schema,
                &datum,
                &JsonConverterOptions {
                    decimal_format,
                    ..OPTIONS
                },
                &mut out,
            );
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_null_is_shown_as_its_default_if_it_may() {
        let schema = Schema::new(Kind::Int32)
            .optional(true)
            .with_default(Some(Datum::Int(7)));
        for (replace_null_with_default, expected) in [(true, "7"), (false, "null")] {
            let mut out = Vec::new();
            write_datum(
                &schema,
                &Datum::Null,
                &JsonConverterOptions {
                    replace_null_with_default,
                    ..OPTIONS
                },
                &mut out,
            );
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_strings() {
        let schema = Schema::new(Kind::Array(Box::new(Schema::new(Kind::Float64))));
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e7];
        let mut out = Vec::new();
        write_datum(
            &schema,
            &Datum::Array(numbers.map(Datum::Float64).to_vec()),
            &OPTIONS,
            &mut out,
        );
        assert_eq!(out, br#"["NaN","Infinity","-Infinity",1.0E7]"#);
    }

    #[test]
    fn maps_with_string_keys_are_objects_and_others_pairs() {
        let map = |keys| {
            Schema::new(Kind::Map(
                Box::new(Schema::new(keys)),
                Box::new(Schema::new(Kind::Int32)),
            ))
        };
        let entries = |key: Datum| Datum::Map(vec![(key, Datum::Int(1))]);
        let mut out = Vec::new();
        write_datum(
            &map(Kind::String),
            &entries(Datum::String("k".to_owned())),
            &OPTIONS,
            &mut out,
        );
        write_datum(
            &map(Kind::Int16),
            &entries(Datum::Int(7)),
            &OPTIONS,
            &mut out,
        );
        assert_eq!(out, br#"{"k":1}[[7,1]]"#);
    }

    /// The key of `t(id int primary key)`, as JsonConverter 4.3 writes it.
    #[test]
    fn a_schema_names_its_parts_in_connects_order() {
        let fields = vec![Field {
            name: "id".to_owned(),
            schema: Schema::new(Kind::Int32),
        }];
        let schema = Schema {
            name: Some("srv.public.t.Key".into()),
            ..Schema::new(Kind::Struct(fields))
        };
        let mut out = Vec::new();
        write_schema(&schema, None, DecimalFormat::Base64, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"}],"optional":false,"name":"srv.public.t.Key"}"#
        );
    }

    proptest! {
        #[test]
        fn escaping_is_that_of_the_reference(text in r#"[\x00-\x7F"\\éẞ\u{2028}\u{FFFF}\u{10000}\u{10FFFF}]{0,40}"#) {
            prop_assert_eq!(quoted(&text), reference(&text));
        }

        #[test]
        fn any_text_reads_back(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&quoted(&text)).unwrap(), text);
        }
    }
}
