//! Names of schemas and fields that Avro accepts too (`SchemaNameAdjuster`).

use crate::config::connector::NameAdjustment;

/// The full name of a schema: dots are allowed.
pub(super) fn schema_name(mode: NameAdjustment, name: &str) -> String {
    adjusted(mode, name, ".")
}

pub(super) fn field_name(mode: NameAdjustment, name: &str) -> String {
    adjusted(mode, name, "")
}

/// `validFullname`; a digit may not be the first character.
fn adjusted(mode: NameAdjustment, name: &str, also_valid: &str) -> String {
    let mut adjusted = String::with_capacity(name.len());
    for (index, character) in name.chars().enumerate() {
        let is_first = index == 0;
        let is_valid = character.is_ascii_alphabetic()
            || (!is_first && (character.is_ascii_digit() || also_valid.contains(character)));
        match mode {
            NameAdjustment::None => adjusted.push(character),
            NameAdjustment::Avro | NameAdjustment::AvroUnicode if is_valid => {
                adjusted.push(character);
            }
            NameAdjustment::Avro if is_first && character.is_ascii_digit() => {
                adjusted.extend(['_', character]);
            }
            NameAdjustment::Avro => {
                adjusted.extend(std::iter::repeat_n('_', character.len_utf16()));
            }
            NameAdjustment::AvroUnicode => push_escaped(character, &mut adjusted),
        }
    }
    adjusted
}

/// `UnicodeReplacementFunction`: the underscore is its escape character. Java sees UTF-16 units.
pub(super) fn push_escaped(character: char, out: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        let zeros = if *unit <= 0xff { "00" } else { "" };
        out.push_str(&format!("_u{zeros}{unit:x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_avro_refuses_becomes_an_underscore_for_each_utf16_unit() {
        let schema = |name| schema_name(NameAdjustment::Avro, name);
        assert_eq!(schema("srv.We ird-S.t"), "srv.We_ird_S.t");
        assert_eq!(schema("1srv.a"), "_1srv.a");
        assert_eq!(
            field_name(NameAdjustment::Avro, "We ird.Col😀"),
            "We_ird_Col__"
        );
        assert_eq!(field_name(NameAdjustment::Avro, "_a"), "_a");
    }

    #[test]
    fn the_unicode_mode_escapes_the_underscore_as_well() {
        let field = |name| field_name(NameAdjustment::AvroUnicode, name);
        assert_eq!(field("a_b c"), "a_u005fb_u0020c");
        assert_eq!(field("1é日😀"), "_u0031_u00e9_u65e5_ud83d_ude00");
        // Three digits are not padded.
        assert_eq!(field("aś"), "a_u15b");
        assert_eq!(schema_name(NameAdjustment::AvroUnicode, "a.b"), "a.b");
    }
}
