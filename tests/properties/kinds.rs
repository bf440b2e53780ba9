//! Types of columns, and texts that the server takes for values of them: the usual ones and the hostile ones.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// Extensions and types of the database's own that [`KINDS`] names.
pub(super) const SETUP: &str = r#"
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION isn;
CREATE TYPE mood AS ENUM ('sad', 'o''k', 'ha,ppy', '"q"\', '', 'größe 😀');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN price AS numeric(8,2); CREATE DOMAIN day AS date; CREATE DOMAIN notes AS text[];"#;

/// A type as SQL names it, and texts for it.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    text: fn() -> BoxedStrategy<String>,
}

impl Kind {
    /// A value; now and then NULL.
    pub(super) fn value(self) -> impl Strategy<Value = Option<String>> {
        weighted(0.9, (self.text)())
    }

    /// An array of one or two dimensions, or none at all; an element can be NULL.
    pub(super) fn array(self) -> impl Strategy<Value = Option<String>> {
        let rows = move |columns| vec(vec(self.value(), columns), 1..3);
        let nested = (1..3_usize).prop_flat_map(rows).prop_map(|rows| {
            let rows: Vec<String> = rows.iter().map(|row| braces(row)).collect();
            format!("{{{}}}", rows.join(","))
        });
        let flat = vec(self.value(), 0..4).prop_map(|elements| braces(&elements));
        let shifted = vec(self.value(), 3).prop_map(|three| format!("[-1:1]={}", braces(&three)));
        weighted(0.9, prop_oneof![4 => flat, 1 => nested, 1 => shifted])
    }
}

fn braces(elements: &[Option<String>]) -> String {
    let quoted = |element: &Option<String>| match element {
        None => "NULL".to_owned(),
        Some(text) => quote(text),
    };
    let elements: Vec<String> = elements.iter().map(quoted).collect();
    format!("{{{}}}", elements.join(","))
}

/// In double quotes, as arrays, composites and hstore take any text.
fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

const fn kind(name: &'static str, text: fn() -> BoxedStrategy<String>) -> Kind {
    Kind { name, text }
}

/// Those from [`SCALARS_ONLY`] on have no arrays here.
pub(super) const KINDS: [Kind; 72] = [
    kind("bool", || one_of(&["t", "f"])),
    kind("int2", || any::<i16>().prop_map(text_of).boxed()),
    kind("int4", || any::<i32>().prop_map(text_of).boxed()),
    kind("int8", || any::<i64>().prop_map(text_of).boxed()),
    kind("oid", || any::<u32>().prop_map(text_of).boxed()),
    kind("float4", || {
        proptest::num::f32::ANY.prop_map(text_of).boxed()
    }),
    kind("float8", || {
        proptest::num::f64::ANY.prop_map(text_of).boxed()
    }),
    kind("numeric", || {
        number("-?[0-9]{1,40}(\\.[0-9]{1,40})?", &["Infinity", "-Infinity"])
    }),
    kind("numeric(9,3)", || {
        number("-?[0-9]{1,5}(\\.[0-9]{1,5})?", &[])
    }),
    kind("numeric(38,0)", || number("-?[0-9]{1,38}", &[])),
    kind("numeric(50,20)", || {
        number("-?[0-9]{1,30}\\.[0-9]{1,20}", &[])
    }),
    kind("numeric(5,-2)", || number("-?[0-9]{1,6}", &[])),
    kind("price", || number("-?[0-9]{1,5}\\.[0-9]{2}", &[])),
    kind("text", any_text),
    kind("varchar(12)", || short_text(12)),
    kind("bpchar(5)", || short_text(5)),
    kind("\"char\"", || matching("[ -~]?")),
    kind("citext", any_text),
    kind("json", json),
    kind("jsonb", json),
    kind("uuid", || matching("[0-9a-f]{32}")),
    kind("bytea", bytea),
    kind("date", date),
    kind("day", date),
    kind("time", time),
    kind("time(0)", time),
    kind("time(3)", time),
    kind("timetz", zoned_time),
    kind("timestamp", timestamp),
    kind("timestamp(3)", timestamp),
    kind("timestamp(0)", timestamp),
    kind("timestamptz", timestamp),
    kind("timestamptz(2)", timestamp),
    kind("inet", inet),
    kind("cidr", || {
        one_of(&["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "1.2.3.4"])
    }),
    kind("macaddr", || matching("[0-9a-f]{2}(:[0-9a-f]{2}){5}")),
    kind("macaddr8", || matching("[0-9a-f]{2}(:[0-9a-f]{2}){7}")),
    kind("int4range", || range(any::<i32>().boxed())),
    kind("int8range", || range(any::<i64>().boxed())),
    kind("numrange", || range(any::<i64>().boxed())),
    kind("daterange", || range(date())),
    kind("tsrange", || range(timestamp())),
    kind("tstzrange", || range(timestamp())),
    kind("tsvector", || matching("([a-zé]{1,5} ){0,4}")),
    kind("mood", || {
        one_of(&["sad", "o'k", "ha,ppy", "\"q\"\\", "", "größe 😀"])
    }),
    kind("hstore", hstore),
    kind("ltree", || {
        matching("([a-z_0-9]{1,4}(\\.[A-Z]{1,3}){0,3})?")
    }),
    kind("isbn", || one_of(&["978-0-393-04002-9", "039304002X"])),
    kind("bit(9)", || matching("[01]{9}")),
    kind("line", || one_of(&["{1,-1,0}", "{0.5,2,-3e10}"])),
    kind("lseg", || one_of(&["[(0,0),(1.5,-2)]"])),
    kind("path", || {
        one_of(&["((0,0),(1,1))", "[(0,0),(1e20,1),(2,0)]"])
    }),
    kind("polygon", || one_of(&["((0,0),(1,1),(1e-7,0))"])),
    kind("circle", || one_of(&["<(0.1,0),5>", "<(-1,1e9),0>"])),
    kind("pair", || {
        (any::<i32>(), any_text())
            .prop_map(|(a, b)| format!("({a},{})", quote(&b)))
            .boxed()
    }),
    kind("int4multirange", || one_of(&["{}", "{[1,3),[5,)}"])),
    kind("pg_lsn", || matching("[0-9A-F]{1,8}/[0-9A-F]{1,8}")),
    kind("tid", || matching("\\([0-9]{1,4},[1-9]\\)")),
    kind("jsonpath", || one_of(&["$", "$.a[*] ? (@ > 1)"])),
    kind("tsquery", || one_of(&["a & b", "!'x y' | z:*", ""])),
    kind("money", money),
    kind("name", || short_text(15)),
    kind("interval", interval),
    kind("bit(1)", || matching("[01]")),
    kind("bit varying", || matching("[01]{0,90}")),
    kind("xml", || {
        matching("<a( b=\"[a-z]{0,3}\")?>[a-zé ]{0,9}</a>")
    }),
    kind("point", || {
        (proptest::num::f64::ANY, proptest::num::f64::ANY)
            .prop_map(|(x, y)| format!("({x},{y})"))
            .boxed()
    }),
    kind("refcursor", any_text),
    kind("box", || one_of(&["(1,1),(0,0)", "(1e300,0.1),(-1,-1e-9)"])),
    kind("notes", || {
        vec(weighted(0.8, any_text()), 0..4)
            .prop_map(|elements| braces(&elements))
            .boxed()
    }),
    kind("oidvector", || matching("([0-9]{1,9} ){0,3}")),
    kind("int2vector", || matching("([0-9]{1,4} ){0,3}")),
];

pub(super) const SCALARS_ONLY: usize = 68;

fn text_of(value: impl ToString) -> String {
    value.to_string()
}

fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(texts)
        .prop_map(str::to_owned)
        .boxed()
}

fn matching(pattern: &'static str) -> BoxedStrategy<String> {
    pattern.boxed()
}

fn number(finite: &'static str, infinite: &'static [&'static str]) -> BoxedStrategy<String> {
    let special: Vec<&str> = ["NaN", "0", "-0.0"]
        .iter()
        .chain(infinite)
        .copied()
        .collect();
    let special = proptest::sample::select(special).prop_map(str::to_owned);
    prop_oneof![6 => finite, 1 => special].boxed()
}

/// Anything but the zero character; some of it longer than a page, so that it is TOASTed.
fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[^\0]{0,12}",
        2 => "[\\\\\"'{},\t\n\r\u{8}\u{b}\u{c}N.\u{7f}\u{2028}\u{feff}😀 ]{0,8}",
        1 => one_of(&["", " ", "\\N", "\\.", "NULL", "null", "{}", "\u{ffff}\u{10ffff}"]),
        1 => "[ -~]{9000}",
    ]
    .boxed()
}

fn short_text(characters: usize) -> BoxedStrategy<String> {
    let cut = move |text: String| text.chars().take(characters).collect();
    any_text().prop_map(cut).boxed()
}

fn json() -> BoxedStrategy<String> {
    let string = "[^\0]{0,6}".prop_map(serde_json::Value::from);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        string,
    ];
    let nested = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(serde_json::Value::from),
            proptest::collection::btree_map("[^\0]{0,3}", inner, 0..3)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop_oneof![
        4 => nested.prop_map(text_of),
        1 => one_of(&[" {\"a\" : 1.50,\n\"a\":1e3} ", "123456789012345678901234567890.10", "\"\\u00e9\\/\""]),
    ]
    .boxed()
}

fn bytea() -> BoxedStrategy<String> {
    let hex = |bytes: Vec<u8>| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\\x{digits}")
    };
    prop_oneof![
        4 => vec(any::<u8>(), 0..20).prop_map(hex),
        1 => vec(any::<u8>(), 5000).prop_map(hex),
    ]
    .boxed()
}

fn money() -> BoxedStrategy<String> {
    let cents = |cents: i64| {
        let sign = if cents < 0 { "-" } else { "" };
        let cents = cents.unsigned_abs();
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    };
    prop_oneof![any::<i64>(), -999..999_i64]
        .prop_map(cents)
        .boxed()
}

fn day(last_year: u32) -> BoxedStrategy<String> {
    let civil =
        (1..=last_year, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let recent = (1500..2100, 1..=12, 1..=28).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}"));
    prop_oneof![2 => civil, 4 => recent].boxed()
}

/// Before Christ, around the Gregorian reform, at the limits.
const SPECIAL_DAYS: [&str; 9] = [
    "0001-01-01 BC",
    "0005-02-29 BC",
    "4713-01-01 BC",
    "0044-03-15 BC",
    "0001-01-01",
    "1582-10-04",
    "1582-10-10",
    "1582-10-15",
    "2000-02-29",
];

fn date() -> BoxedStrategy<String> {
    prop_oneof![
        6 => day(5_874_896),
        2 => one_of(&SPECIAL_DAYS),
        1 => one_of(&["infinity", "-infinity", "5874897-12-30"]),
    ]
    .boxed()
}

fn time() -> BoxedStrategy<String> {
    let clock = (0..24, 0..60, 0..60, 0..1_000_000)
        .prop_map(|(h, m, s, us)| format!("{h:02}:{m:02}:{s:02}.{us:06}"));
    prop_oneof![6 => clock, 1 => one_of(&["24:00:00", "00:00:00", "23:59:59.999999", "12:30:00"])]
        .boxed()
}

fn zoned_time() -> BoxedStrategy<String> {
    let zone = one_of(&["+00", "-15:59:59", "+15:59", "+05:30", "-08", "+00:00:01"]);
    (time(), zone).prop_map(|(time, zone)| time + &zone).boxed()
}

fn timestamp() -> BoxedStrategy<String> {
    let ordinary = (day(294_275), time()).prop_map(|(day, time)| format!("{day} {time}"));
    prop_oneof![
        6 => ordinary,
        1 => one_of(&["infinity", "-infinity", "294276-12-31 23:59:59", "1970-01-01 00:00:00"]),
        1 => one_of(&["0001-12-31 23:59:59.5 BC", "4713-01-01 00:00:00 BC", "0005-02-29 12:00:00.000001 BC",
                     "1582-10-10 01:02:03", "1969-12-31 23:59:59.999999"]),
    ]
    .boxed()
}

fn interval() -> BoxedStrategy<String> {
    let small = (-200..200, -11..12, -40..40, any::<i32>());
    let large = (
        -178_000_000..178_000_000,
        -11..12,
        any::<i32>(),
        any::<i32>(),
    );
    prop_oneof![4 => small, 1 => large]
        .prop_map(|(y, m, d, us)| format!("{y} years {m} mons {d} days {us} microseconds"))
        .boxed()
}

fn inet() -> BoxedStrategy<String> {
    let four = (any::<std::net::Ipv4Addr>(), 0..=32).prop_map(|(ip, bits)| format!("{ip}/{bits}"));
    let six = (any::<std::net::Ipv6Addr>(), 0..=128).prop_map(|(ip, bits)| format!("{ip}/{bits}"));
    prop_oneof![four, six].boxed()
}

/// From one value to infinity or nothing, or everything: no bound is above another.
fn range<T: ToString + std::fmt::Debug + 'static>(
    bound: BoxedStrategy<T>,
) -> BoxedStrategy<String> {
    prop_oneof![
        3 => bound.prop_map(|bound| bound.to_string()).prop_flat_map(|bound| {
            proptest::sample::select(vec![
                format!("(,\"{bound}\")"),
                format!("(\"{bound}\",)"),
                format!("[\"{bound}\",\"{bound}\"]"),
            ])
        }),
        1 => one_of(&["empty", "(,)"]),
    ]
    .boxed()
}

fn hstore() -> BoxedStrategy<String> {
    let entry = ("[^\0]{0,5}", weighted(0.8, "[^\0]{0,6}")).prop_map(|(key, value)| {
        let value = value.map_or_else(|| "NULL".to_owned(), |text| quote(&text));
        format!("{}=>{value}", quote(&key))
    });
    vec(entry, 0..4)
        .prop_map(|entries| entries.join(", "))
        .boxed()
}
