//! The hash that decides which partition a key belongs to. Pure.

/// The partition in which Java's producer puts a key: `BuiltInPartitioner.partitionForKey`.
///
/// # Panics
///
/// If `partitions` is not positive: a topic has at least one.
#[must_use]
pub fn partition_for_key(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    (murmur2(key) & 0x7fff_ffff).cast_signed() % partitions
}

/// `org.apache.kafka.common.utils.Utils.murmur2`: MurmurHash2, 32 bits, with Kafka's seed.
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(bytes.len()).expect("a key is far shorter than 4 GiB");
    let (words, tail) = bytes.as_chunks::<4>();
    let mut hash = SEED ^ length;
    for word in words {
        let k = u32::from_le_bytes(*word).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (k ^ (k >> 24)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let last = tail
            .iter()
            .rev()
            .fold(0, |last, byte| (last << 8) | u32::from(*byte));
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes and partitions that Java's producer was seen to choose.
    #[test]
    fn hashes_and_partitions_are_those_of_java() {
        let offsets_key = r#"["inventory-connector",{"server":"dbserver1"}]"#;
        for (key, hash, partitions) in [
            (r#"{"id":1}"#, 0xfc9d_c724, &[(3, 0)][..]),
            (r#"{"id":2}"#, 0x9a55_73a8, &[(3, 1)]),
            (r#"{"id":4}"#, 0xe4af_492c, &[(3, 2)]),
            (offsets_key, 0x8d67_b0d6, &[(5, 1), (25, 11)]),
            (
                "status-connector-inventory-connector",
                0xa89f_a0aa,
                &[(3, 1), (5, 4)],
            ),
            ("status-task-inventory-connector-0", 0xad78_38f9, &[(3, 2)]),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
            for (count, partition) in partitions {
                assert_eq!(
                    partition_for_key(key.as_bytes(), *count),
                    *partition,
                    "{key} of {count}"
                );
            }
        }
    }

    /// `UtilsTest.testMurmur2` of Apache Kafka: every length of the tail.
    #[test]
    fn tails_of_every_length_hash_like_java() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107_i32),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash.cast_unsigned(), "{key}");
        }
    }
}
