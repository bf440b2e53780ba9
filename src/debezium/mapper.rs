//! What a rule of the configuration does to the values of a column (`io.debezium.relational.mapping`).

use openssl::hash::{Hasher, MessageDigest};

use super::source_type::SourceType;
use crate::config::connector::{ColumnAction, HashAlgorithm, HashForm, Salt};
use crate::connect::schema::{Datum, Kind, Schema};

#[derive(Debug)]
pub(super) enum ValueChange {
    /// To so many UTF-16 units or bytes.
    Truncate(usize),
    Replace(String),
    Hash {
        algorithm: HashAlgorithm,
        salt: Salt,
        form: HashForm,
        /// The column's: the digits of the hash are cut to it.
        length: usize,
    },
}

/// The schema that a rule gives a column, and what it does to its values.
pub(super) fn apply(
    action: &ColumnAction,
    column: &str,
    source: &SourceType,
    schema: Schema,
) -> (Schema, Option<ValueChange>) {
    match action {
        ColumnAction::Truncate { length } if source.length > *length => {
            let change =
                is_text_or_bytes(&schema).then_some(ValueChange::Truncate(*length as usize));
            (
                schema.parameter("truncateLength", length.to_string()),
                change,
            )
        }
        ColumnAction::Truncate { .. } => (schema, None),
        ColumnAction::Mask { length } => {
            let asterisks = "*".repeat(*length as usize);
            let change = source
                .is_character
                .then_some(ValueChange::Replace(asterisks));
            (schema.parameter("masked", "true"), change)
        }
        ColumnAction::Hash {
            algorithm,
            salt,
            form,
        } => {
            let change = source.is_character.then(|| ValueChange::Hash {
                algorithm: *algorithm,
                salt: salt.clone(),
                form: *form,
                length: source.length as usize,
            });
            (schema.parameter("masked", "true"), change)
        }
        ColumnAction::PropagateType => (source.add_parameters(column, schema), None),
    }
}

/// Java strings and byte buffers.
fn is_text_or_bytes(schema: &Schema) -> bool {
    schema.kind == Kind::String || schema.kind == Kind::Bytes && schema.name.is_none()
}

impl ValueChange {
    pub(super) fn apply(&self, value: Datum) -> Datum {
        match (self, value) {
            (Self::Replace(text), _) => Datum::String(text.clone()),
            (Self::Truncate(length), Datum::String(text)) => {
                Datum::String(first_units(&text, *length))
            }
            (Self::Truncate(length), Datum::Bytes(mut bytes)) => {
                bytes.truncate(*length);
                Datum::Bytes(bytes)
            }
            (
                Self::Hash {
                    algorithm,
                    salt,
                    form,
                    length,
                },
                Datum::String(text),
            ) => match hash(*algorithm, salt, *form, &text) {
                Some(mut digits) => {
                    digits.truncate(*length);
                    Datum::String(digits)
                }
                None => Datum::Null,
            },
            (Self::Truncate(_) | Self::Hash { .. }, other) => other,
        }
    }
}

/// `String.substring`: a character of two units that is cut in the middle leaves one that stands for nothing.
fn first_units(text: &str, length: usize) -> String {
    let units: Vec<u16> = text.encode_utf16().take(length).collect();
    String::from_utf16_lossy(&units)
}

/// `None` where OpenSSL does not have the algorithm: in FIPS mode there is no MD5.
fn hash(algorithm: HashAlgorithm, salt: &Salt, form: HashForm, text: &str) -> Option<String> {
    let mut hasher = Hasher::new(digest_of(algorithm)).ok()?;
    hasher.update(salt.0.as_bytes()).ok()?;
    match form {
        HashForm::Serialized => hasher.update(&serialized(text)).ok()?,
        HashForm::Utf8 => hasher.update(text.as_bytes()).ok()?,
    }
    let digest = hasher.finish().ok()?;
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn digest_of(algorithm: HashAlgorithm) -> MessageDigest {
    match algorithm {
        HashAlgorithm::Md5 => MessageDigest::md5(),
        HashAlgorithm::Sha1 => MessageDigest::sha1(),
        HashAlgorithm::Sha224 => MessageDigest::sha224(),
        HashAlgorithm::Sha256 => MessageDigest::sha256(),
        HashAlgorithm::Sha384 => MessageDigest::sha384(),
        HashAlgorithm::Sha512 => MessageDigest::sha512(),
    }
}

/// What `java.io.ObjectOutputStream` writes for a `String`.
fn serialized(text: &str) -> Vec<u8> {
    const STREAM_HEADER: [u8; 4] = [0xAC, 0xED, 0, 5];
    const STRING: u8 = 0x74;
    const LONG_STRING: u8 = 0x7C;
    let characters = modified_utf8(text);
    let mut stream = STREAM_HEADER.to_vec();
    match u16::try_from(characters.len()) {
        Ok(length) => {
            stream.push(STRING);
            stream.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            stream.push(LONG_STRING);
            stream.extend_from_slice(&(characters.len() as u64).to_be_bytes());
        }
    }
    stream.extend_from_slice(&characters);
    stream
}

/// UTF-8 of each UTF-16 unit; PostgreSQL has no U+0000, which is special there.
fn modified_utf8(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0..0x80 => out.push(low),
            0x80..0x800 => {
                out.extend_from_slice(&[0xC0 | (high << 2) | (low >> 6), 0x80 | (low & 0x3F)]);
            }
            _ => out.extend_from_slice(&[
                0xE0 | (high >> 4),
                0x80 | ((high & 0xF) << 2) | (low >> 6),
                0x80 | (low & 0x3F),
            ]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        // Made with `MessageDigest` and `ObjectOutputStream` of JDK 17.
        let long = "x".repeat(70_000);
        for (text, algorithm, serialized, utf8) in [
            (
                "",
                HashAlgorithm::Sha256,
                "8490b6a5707704fc3b0566705b14106dfbb4e9c37690761d6ebeff2fae355d95",
                "e06d1b222c173e73e597793f0e71eeca35a426b761347484612ff78219a863e3",
            ),
            (
                "Žofia 日本 🎉",
                HashAlgorithm::Sha256,
                "c10dfb17a2f0d609528944fa9b3884bd863ff52d4ec64e4f03e7a30394636c06",
                "14b500121867e99cdb26d1540393a334a8e1a8062463565d1fd532ba95e59fb7",
            ),
            (
                &long,
                HashAlgorithm::Md5,
                "308313d36ac71dd873e2f68cd91cff9a",
                "f852e2c9461684dda36bc83acb2dc5d0",
            ),
        ] {
            let salt = Salt("abc.d".to_owned());
            let hash = |form| hash(algorithm, &salt, form, text).unwrap();
            assert_eq!(hash(HashForm::Serialized), serialized);
            assert_eq!(hash(HashForm::Utf8), utf8);
        }
    }

    #[test]
    fn truncation_counts_utf_16_units_and_bytes() {
        for (text, length, expected) in [
            ("Žofia", 3, "Žof"),
            ("a🎉b", 3, "a🎉"),
            ("a🎉b", 2, "a\u{FFFD}"),
            ("ab", 4, "ab"),
        ] {
            let change = ValueChange::Truncate(length);
            let value = change.apply(Datum::String(text.to_owned()));
            assert_eq!(value, Datum::String(expected.to_owned()));
        }
        let bytes = ValueChange::Truncate(2).apply(Datum::Bytes(vec![1, 2, 3]));
        assert_eq!(bytes, Datum::Bytes(vec![1, 2]));
        assert_eq!(ValueChange::Truncate(2).apply(Datum::Null), Datum::Null);
    }
}
