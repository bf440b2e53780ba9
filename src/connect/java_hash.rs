//! The order in which a `java.util.HashMap` with texts as keys yields its entries.

const FIRST_TABLE: usize = 16;
/// A bucket that has this many entries grows the table instead of becoming longer, as long as the table is small.
const LONG_BUCKET: usize = 8;
const SMALL_TABLE: usize = 64;

/// A `HashMap` keeps the size of its table when it is cleared, and the size shows in the order.
#[derive(Debug)]
pub struct HashOrder {
    table: usize,
}

impl Default for HashOrder {
    fn default() -> Self {
        Self { table: FIRST_TABLE }
    }
}

impl HashOrder {
    /// Puts the entries, which come one after another into an empty map, into the map's order: by bucket, in a bucket by
    /// arrival. (A bucket of more than eight entries in a table of 64 or more is a tree in Java, whose order is another one.)
    pub fn arrange<T>(&mut self, entries: Vec<T>, key: impl Fn(&T) -> &[u8]) -> Vec<T> {
        let mut hashed: Vec<(u32, T)> = entries
            .into_iter()
            .map(|entry| (spread_hash(key(&entry)), entry))
            .collect();
        let hashes: Vec<u32> = hashed.iter().map(|(hash, _)| *hash).collect();
        self.grow(&hashes);
        hashed.sort_by_key(|(hash, _)| bucket(*hash, self.table));
        hashed.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The table doubles when it is three quarters full.
    fn grow(&mut self, hashes: &[u32]) {
        for (size, &hash) in hashes.iter().enumerate() {
            let table = self.table;
            if table < SMALL_TABLE {
                let in_bucket = |other: &&u32| bucket(**other, table) == bucket(hash, table);
                if hashes[..size].iter().filter(in_bucket).count() > LONG_BUCKET - 1 {
                    self.table *= 2;
                }
            }
            if size + 1 > self.table / 4 * 3 {
                self.table *= 2;
            }
        }
    }
}

/// `HashMap.hash(String)`.
fn spread_hash(key: &[u8]) -> u32 {
    let hash = String::from_utf8_lossy(key)
        .encode_utf16()
        .fold(0_u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
    hash ^ (hash >> 16)
}

fn bucket(hash: u32, table: usize) -> usize {
    hash as usize & (table - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `java.util.HashMap` of JDK 17: keys in the order in which they were put, and as the map yields them.
    const JAVA: [(&str, &str); 7] = [
        ("zz|aa|mm|k1|k2", "zz|aa|mm|k1|k2"),
        ("a|q\"|b|c d|é||日本|😀|Z", "|a|q\"|b|c d|😀|é|Z|日本"),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11",
            "key1|key2|key0|key5|key6|key3|key4|key9|key7|key8|key11|key10",
        ),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11|key12",
            "key1|key2|key0|key5|key6|key3|key4|key9|key7|key8|key11|key10|key12",
        ),
        (
            "key0|key1|key2|key3|key4|key5|key6|key7|key8|key9|key10|key11|key12|key13|key14|key15|key16|key17|key18|key19|key20|key21|key22|key23|key24|key25|key26|key27|key28|key29|key30|key31|key32|key33|key34|key35|key36|key37|key38|key39|key40|key41|key42|key43|key44|key45|key46|key47|key48|key49",
            "key1|key2|key0|key5|key6|key3|key4|key9|key40|key7|key8|key44|key43|key42|key41|key37|key36|key35|key34|key39|key38|key11|key10|key48|key47|key46|key45|key49|key22|key21|key20|key15|key14|key13|key12|key19|key18|key17|key16|key33|key32|key31|key30|key26|key25|key24|key23|key29|key28|key27",
        ),
        // All of the first nine have one hash: the ninth makes the table grow.
        (
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|q1|w7|e5",
            "q1|w7|AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|e5",
        ),
        (
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|BBAaAaBB|q1|w7",
            "AaAaAaAa|AaAaAaBB|AaAaBBAa|AaAaBBBB|AaBBAaAa|AaBBAaBB|AaBBBBAa|AaBBBBBB|BBAaAaAa|BBAaAaBB|q1|w7",
        ),
    ];

    fn arranged(order: &mut HashOrder, put: &str) -> String {
        let keys = put.split('|').collect();
        order.arrange(keys, |key| key.as_bytes()).join("|")
    }

    #[test]
    fn entries_come_in_the_order_of_a_java_hash_map() {
        for (put, expected) in JAVA {
            assert_eq!(arranged(&mut HashOrder::default(), put), expected);
        }
    }

    #[test]
    fn a_map_that_was_cleared_keeps_its_table() {
        let mut order = HashOrder::default();
        arranged(&mut order, JAVA[4].0);
        // "i" and "y" differ in the bit that only tables of more than 16 look at.
        assert_eq!(arranged(&mut order, "y|i"), "i|y");
        assert_eq!(arranged(&mut HashOrder::default(), "y|i"), "y|i");
    }
}
