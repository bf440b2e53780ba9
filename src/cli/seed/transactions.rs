//! Synthetic payments. Pure: the same seed and number give the same payment, whatever was made before it.

use uuid::Uuid;

const CURRENCIES: [&str; 2] = ["USD", "GBP"];
const PAYMENT_METHODS: [&str; 3] = ["credit_card", "debit_card", "online_transfer"];
const VOUCHERS: [&str; 2] = ["", "DISCOUNT10"];

/// Weighted by how often they stand here: most payments of a shop are settled.
const STATUSES: [&str; 10] = [
    "PENDING",
    "AUTHORIZED",
    "CAPTURED",
    "CAPTURED",
    "SETTLED",
    "SETTLED",
    "SETTLED",
    "SETTLED",
    "FAILED",
    "REFUNDED",
];

const CITIES: [(&str, &str); 12] = [
    ("London", "United Kingdom"),
    ("Manchester", "United Kingdom"),
    ("New York", "United States"),
    ("San José", "United States"),
    ("Zürich", "Switzerland"),
    ("São Paulo", "Brazil"),
    ("Kraków", "Poland"),
    ("Tokyo", "Japan"),
    ("Nairobi", "Kenya"),
    ("Mumbai", "India"),
    ("Reykjavík", "Iceland"),
    ("Abidjan", "Côte d'Ivoire"),
];

const FIRST_NAMES: [&str; 12] = [
    "amelia", "ben", "chidi", "dana", "elif", "farid", "grace", "hugo", "ines", "jun", "kofi",
    "lena",
];

const LAST_NAMES: [&str; 12] = [
    "adams", "becker", "costa", "diallo", "evans", "fischer", "garcia", "haas", "ito", "jones",
    "kaya", "lopez",
];

const MERCHANTS: [&str; 10] = [
    "Harbour Books",
    "Café Central",
    "Nordlicht Outdoor",
    "Blue Door Bakery",
    "Smith & Daughters",
    "Corner Pharmacy",
    "Atlas Travel",
    "Green Wheel Bikes",
    "O'Neill Hardware",
    "Lumen Electronics",
];

/// The columns of [`push_row`], for COPY.
pub(super) const COLUMNS: &str = "transaction_id, user_id, \"timestamp\", amount, currency, city, country, \
     merchant_name, payment_method, ip_address, voucher_code, affiliateid, status";

/// The `transaction_id` of payment `number`.
pub(super) fn id(seed: u64, number: u64) -> Uuid {
    Dice::of_payment(seed, number).uuid()
}

/// Appends payment `number` as a line of COPY's text format. No value needs escaping: the words above have no tab,
/// newline or backslash.
pub(super) fn push_row(out: &mut Vec<u8>, seed: u64, number: u64) {
    let mut dice = Dice::of_payment(seed, number);
    push_uuid(out, dice.uuid());
    out.push(b'\t');
    push_user(out, &mut dice);
    out.push(b'\t');
    push_timestamp(out, &mut dice);
    out.push(b'\t');
    push_amount(out, &mut dice);
    push_field(out, dice.pick(&CURRENCIES));
    let (city, country) = dice.pick(&CITIES);
    push_field(out, city);
    push_field(out, country);
    push_field(out, dice.pick(&MERCHANTS));
    push_field(out, dice.pick(&PAYMENT_METHODS));
    out.push(b'\t');
    push_ip_address(out, &mut dice);
    push_field(out, dice.pick(&VOUCHERS));
    out.push(b'\t');
    push_uuid(out, dice.uuid());
    push_field(out, dice.pick(&STATUSES));
    out.push(b'\n');
}

fn push_field(out: &mut Vec<u8>, text: &str) {
    out.push(b'\t');
    out.extend_from_slice(text.as_bytes());
}

fn push_uuid(out: &mut Vec<u8>, uuid: Uuid) {
    let mut text = Uuid::encode_buffer();
    out.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
}

fn push_user(out: &mut Vec<u8>, dice: &mut Dice) {
    out.extend_from_slice(dice.pick(&FIRST_NAMES).as_bytes());
    out.push(b'.');
    out.extend_from_slice(dice.pick(&LAST_NAMES).as_bytes());
    push_number(out, dice.below(1000), 1);
}

/// A moment of 2025, before the 29th of its month.
fn push_timestamp(out: &mut Vec<u8>, dice: &mut Dice) {
    out.extend_from_slice(b"2025-");
    push_number(out, 1 + dice.below(12), 2);
    out.push(b'-');
    push_number(out, 1 + dice.below(28), 2);
    out.push(b' ');
    push_number(out, dice.below(24), 2);
    out.push(b':');
    push_number(out, dice.below(60), 2);
    out.push(b':');
    push_number(out, dice.below(60), 2);
    out.push(b'.');
    push_number(out, dice.below(1_000_000), 6);
}

/// 10.00 to 1000.00, as in the tutorials.
fn push_amount(out: &mut Vec<u8>, dice: &mut Dice) {
    let cents = 1_000 + dice.below(99_001);
    push_number(out, cents / 100, 1);
    out.push(b'.');
    push_number(out, cents % 100, 2);
}

fn push_ip_address(out: &mut Vec<u8>, dice: &mut Dice) {
    push_number(out, 1 + dice.below(223), 1);
    for _ in 0..3 {
        out.push(b'.');
        push_number(out, dice.below(256), 1);
    }
}

/// With at least `width` digits.
fn push_number(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number);
    for _ in digits.len()..width {
        out.push(b'0');
    }
    out.extend_from_slice(digits.as_bytes());
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, the same everywhere and for ever.
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// One sequence a payment, far from those of its neighbours.
    fn of_payment(seed: u64, number: u64) -> Self {
        let start = Self::new(seed).next();
        Self::new(start.wrapping_add(number.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `limit` - 1.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "below the length of a slice"
    )]
    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.next(), self.next());
        let random = u128::from(high) << 64 | u128::from(low);
        uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn row(seed: u64, number: u64) -> String {
        let mut line = Vec::new();
        push_row(&mut line, seed, number);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_payment_depends_on_seed_and_number_only() {
        let mut together = Vec::new();
        for number in 0..3 {
            push_row(&mut together, 42, number);
        }
        let apart: String = (0..3).map(|number| row(42, number)).collect();
        assert_eq!(String::from_utf8(together).unwrap(), apart);
        assert_ne!(row(42, 1), row(43, 1));
    }

    #[test]
    fn a_line_has_the_columns_of_the_copy_and_starts_with_the_id() {
        for number in 0..1000 {
            let line = row(1, number);
            assert_eq!(line.matches('\n').count(), 1);
            assert!(!line.contains('\\'));
            let fields: Vec<_> = line.trim_end_matches('\n').split('\t').collect();
            assert_eq!(fields.len(), COLUMNS.split(", ").count());
            assert_eq!(fields[0], id(1, number).to_string());
        }
    }

    #[test]
    fn two_hundred_thousand_payments_have_as_many_ids() {
        let ids: HashSet<_> = (0..200_000).map(|number| id(42, number)).collect();
        assert_eq!(ids.len(), 200_000);
    }
}
