//! `equals` and `hashCode` of the Java objects that Connect's values are.

use num_bigint::{BigInt, Sign};

use crate::connect::schema::{Datum, Field, Kind, Schema, logical};

/// Its values are arrays of bytes, and not buffers as of other types. An array of Java is only equal to itself.
pub(super) const BITS: &str = "io.debezium.data.Bits";

const MS_PER_DAY: i64 = 86_400_000;

/// `Objects.equals` of two values that are not the same object.
pub(super) fn equal(schema: &Schema, left: &Datum, right: &Datum) -> bool {
    if schema.name.as_deref() == Some(BITS) {
        return (left, right) == (&Datum::Null, &Datum::Null);
    }
    deep_equal(left, right)
}

fn deep_equal(left: &Datum, right: &Datum) -> bool {
    let all = |left: &[Datum], right: &[Datum]| {
        left.len() == right.len()
            && left
                .iter()
                .zip(right)
                .all(|(left, right)| deep_equal(left, right))
    };
    match (left, right) {
        (Datum::Float32(left), Datum::Float32(right)) => float_bits(*left) == float_bits(*right),
        (Datum::Float64(left), Datum::Float64(right)) => double_bits(*left) == double_bits(*right),
        (Datum::Array(left), Datum::Array(right)) | (Datum::Struct(left), Datum::Struct(right)) => {
            all(left, right)
        }
        (Datum::Map(left), Datum::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    let other = right.iter().find(|(other, _)| deep_equal(key, other));
                    other.is_some_and(|(_, other)| deep_equal(value, other))
                })
        }
        (left, right) => left == right,
    }
}

/// `Float.floatToIntBits`: there is one NaN.
fn float_bits(value: f32) -> u32 {
    if value.is_nan() {
        f32::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// `Double.doubleToLongBits`.
fn double_bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

/// `hashCode`; `None` where it is another one in every run of Java, and for null.
pub(super) fn hash(schema: &Schema, value: &Datum) -> Option<i32> {
    let name = schema.name.as_deref();
    Some(match value {
        Datum::Null => return None,
        Datum::Boolean(true) => 1231,
        Datum::Boolean(false) => 1237,
        Datum::Int(value) => int_hash(schema, *value),
        Datum::Float32(value) => float_bits(*value).cast_signed(),
        Datum::Float64(value) => long_hash(double_bits(*value).cast_signed()),
        Datum::String(text) => text_hash(text),
        Datum::Bytes(_) if name == Some(BITS) => return None,
        Datum::Bytes(unscaled) if name == Some(logical::DECIMAL) => {
            let unscaled = BigInt::from_signed_bytes_be(unscaled);
            big_integer_hash(&unscaled)
                .wrapping_mul(31)
                .wrapping_add(schema.decimal_scale())
        }
        Datum::Bytes(bytes) => buffer_hash(bytes),
        Datum::Array(elements) => {
            let Kind::Array(items) = &schema.kind else {
                return None;
            };
            let mut list = 1_i32;
            for element in elements {
                list = list
                    .wrapping_mul(31)
                    .wrapping_add(hash_or_zero(items, element)?);
            }
            list
        }
        Datum::Map(entries) => {
            let Kind::Map(keys, values) = &schema.kind else {
                return None;
            };
            let mut map = 0_i32;
            for (key, value) in entries {
                map = map.wrapping_add(hash_or_zero(keys, key)? ^ hash_or_zero(values, value)?);
            }
            map
        }
        // Has the schema's in it, and that the one of an enum constant.
        Datum::Struct(_) => return None,
    })
}

fn hash_or_zero(schema: &Schema, value: &Datum) -> Option<i32> {
    if *value == Datum::Null {
        return Some(0);
    }
    hash(schema, value)
}

fn int_hash(schema: &Schema, value: i64) -> i32 {
    match schema.name.as_deref() {
        Some(logical::DATE) => long_hash(value * MS_PER_DAY),
        Some(logical::TIME | logical::TIMESTAMP) => long_hash(value),
        _ if schema.kind == Kind::Int64 => long_hash(value),
        _ => low_half(value),
    }
}

fn long_hash(value: i64) -> i32 {
    low_half(value ^ (value.cast_unsigned() >> 32).cast_signed())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "Java's (int) takes the low half"
)]
fn low_half(value: i64) -> i32 {
    value as i32
}

fn text_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

/// `ByteBuffer.hashCode`: from the end to the start.
fn buffer_hash(bytes: &[u8]) -> i32 {
    bytes.iter().rev().fold(1_i32, |hash, byte| {
        hash.wrapping_mul(31)
            .wrapping_add(byte.cast_signed().into())
    })
}

fn big_integer_hash(value: &BigInt) -> i32 {
    let digits = value.magnitude().iter_u32_digits().rev();
    let hash = digits.fold(0_i32, |hash, digit| {
        hash.wrapping_mul(31).wrapping_add(digit.cast_signed())
    });
    match value.sign() {
        Sign::Minus => hash.wrapping_neg(),
        Sign::NoSign | Sign::Plus => hash,
    }
}

/// Debezium's `MurmurHash3.hash`: of a text's bytes, of an array of bytes, and of what any other object's `hashCode` is.
pub(super) fn murmur_hash(field: &Field, value: &Datum) -> Option<i32> {
    if let Datum::String(text) = value {
        return Some(murmur3(text.as_bytes()));
    }
    if let (Datum::Bytes(bits), Some(BITS)) = (value, field.schema.name.as_deref()) {
        return Some(murmur3(bits));
    }
    let hash = hash(&field.schema, value)?;
    Some(murmur3(&hash.to_le_bytes()))
}

struct Murmur {
    h1: u64,
    h2: u64,
    c1: u64,
    c2: u64,
}

impl Murmur {
    fn mix(&mut self, k1: u64, k2: u64) {
        let k1 = k1
            .wrapping_mul(self.c1)
            .rotate_left(23)
            .wrapping_mul(self.c2);
        self.h1 = (self.h1 ^ k1).wrapping_add(self.h2);
        self.h2 = self.h2.rotate_left(41);
        let k2 = k2
            .wrapping_mul(self.c2)
            .rotate_left(23)
            .wrapping_mul(self.c1);
        self.h2 = (self.h2 ^ k2).wrapping_add(self.h1);
        self.h1 = self.h1.wrapping_mul(3).wrapping_add(0x52dc_e729);
        self.h2 = self.h2.wrapping_mul(3).wrapping_add(0x3849_5ab5);
        self.c1 = self.c1.wrapping_mul(5).wrapping_add(0x7b7d_159c);
        self.c2 = self.c2.wrapping_mul(5).wrapping_add(0x6bce_6396);
    }
}

/// The upper half of an early x64 variant, with seed 9001; bytes of the tail are signed.
fn murmur3(bytes: &[u8]) -> i32 {
    const SEED: u64 = 9001;
    let mut state = Murmur {
        h1: 0x9368_e53c_2f6a_f274 ^ SEED,
        h2: 0x586d_cd20_8f7c_d3fd ^ SEED,
        c1: 0x87c3_7b91_1142_53d5,
        c2: 0x4cf5_ad43_2745_937f,
    };
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        let (low, high) = block.split_at(8);
        let word = |half: &[u8]| u64::from_le_bytes(half.try_into().expect("half of 16 bytes"));
        state.mix(word(low), word(high));
    }
    if !tail.is_empty() {
        let signed_word = |bytes: &[u8]| {
            bytes.iter().enumerate().fold(0, |word, (index, byte)| {
                word ^ i64::from(byte.cast_signed()).cast_unsigned() << (8 * index)
            })
        };
        let (low, high) = tail.split_at(tail.len().min(8));
        state.mix(signed_word(low), signed_word(high));
    }
    let mut h1 = state.h1;
    let mut h2 = state.h2 ^ bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let h1 = finish(h1).wrapping_add(finish(h2));
    low_half((h1 >> 32).cast_signed())
}

fn finish(mut word: u64) -> u64 {
    for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        word ^= word >> 33;
        word = word.wrapping_mul(factor);
    }
    word ^ word >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        let decimal = Schema::named(Kind::Bytes, logical::DECIMAL, 1).parameter("scale", "2");
        let list = Schema::new(Kind::Array(Box::new(Schema::new(Kind::String))));
        let text = |text: &str| Datum::String(text.to_owned());
        for (schema, value, expected) in [
            // "hello".hashCode(), Long.hashCode(1L << 32), Double.hashCode(1.5), from the Java manual's formulas.
            (Schema::new(Kind::String), text("hello"), 99_162_322),
            (Schema::new(Kind::Int64), Datum::Int(1 << 32), 1),
            (Schema::new(Kind::Int64), Datum::Int(-1), 0),
            (Schema::new(Kind::Int32), Datum::Int(-1), -1),
            (
                Schema::new(Kind::Float64),
                Datum::Float64(1.5),
                1_073_217_536,
            ),
            (Schema::new(Kind::Boolean), Datum::Boolean(true), 1231),
            (decimal, Datum::Bytes(vec![0x96]), -106 * 31 + 2),
            (
                list,
                Datum::Array(vec![text("a"), text("b")]),
                (31 + 97) * 31 + 98,
            ),
            (
                Schema::new(Kind::Bytes),
                Datum::Bytes(vec![1, 0xFF]),
                (31 - 1) * 31 + 1,
            ),
        ] {
            assert_eq!(hash(&schema, &value), Some(expected));
        }
    }

    #[test]
    fn bits_are_never_equal() {
        let bits = Schema::named(Kind::Bytes, BITS, 1);
        let value = Datum::Bytes(vec![1]);
        assert!(!equal(&bits, &value, &value) && equal(&bits, &Datum::Null, &Datum::Null));
        let double = Schema::new(Kind::Float64);
        assert!(equal(
            &double,
            &Datum::Float64(f64::NAN),
            &Datum::Float64(f64::NAN)
        ));
        assert!(!equal(&double, &Datum::Float64(0.0), &Datum::Float64(-0.0)));
    }
}
