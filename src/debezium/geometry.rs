//! `io.debezium.data.geometry`: points, and the geometries and geographies of PostGIS.

use super::conversion::Problem;
use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::value::point::Point;

/// `GEOMETRYCOLLECTION EMPTY`.
const EMPTY: [u8; 9] = [1, 7, 0, 0, 0, 0, 0, 0, 0];

/// Bit of an EWKB type that says that a reference system follows.
const HAS_SRID: u32 = 0x2000_0000;

const ORIGIN: Point = Point { x: 0.0, y: 0.0 };

/// Byte order (little-endian) and type (1: point) of well-known binary.
const WKB_POINT: [u8; 5] = [1, 1, 0, 0, 0];

pub(super) fn point_schema() -> Schema {
    let fields = [
        ("x", Schema::new(Kind::Float64)),
        ("y", Schema::new(Kind::Float64)),
        ("wkb", Schema::new(Kind::Bytes).optional(true)),
        ("srid", Schema::new(Kind::Int32).optional(true)),
    ];
    Schema::structure(
        "io.debezium.data.geometry.Point",
        "Geometry (POINT)",
        fields,
    )
}

/// A point of the plane, which has no reference system.
pub(super) fn write_point<S: Sink>(point: Point, sink: &mut S) {
    sink.begin_struct();
    sink.field(0, "x");
    sink.float64(point.x);
    sink.field(1, "y");
    sink.float64(point.y);
    sink.field(2, "wkb");
    sink.bytes(
        &[
            &WKB_POINT[..],
            &point.x.to_le_bytes(),
            &point.y.to_le_bytes(),
        ]
        .concat(),
    );
    sink.field(3, "srid");
    sink.null();
    sink.end_struct();
}

pub(super) fn write_origin<S: Sink>(sink: &mut S) {
    write_point(ORIGIN, sink);
}

pub(super) fn geometry_schema() -> Schema {
    // Debezium makes it optional whatever the column is.
    ewkb_schema("io.debezium.data.geometry.Geometry", "Geometry").optional(true)
}

pub(super) fn geography_schema() -> Schema {
    ewkb_schema("io.debezium.data.geometry.Geography", "Geography")
}

fn ewkb_schema(name: &'static str, doc: &'static str) -> Schema {
    let fields = [
        ("wkb", Schema::new(Kind::Bytes)),
        ("srid", Schema::new(Kind::Int32).optional(true)),
    ];
    Schema::structure(name, doc, fields)
}

/// PostGIS prints extended well-known binary in hexadecimal digits.
pub(super) fn write_ewkb<S: Sink>(text: &[u8], sink: &mut S) -> Result<(), Problem> {
    const PROBLEM: Problem = Problem("geometry");
    let bytes = decode_hex(text).ok_or(PROBLEM)?;
    let srid = srid(&bytes).ok_or(PROBLEM)?;
    write_wkb(&bytes, srid, sink);
    Ok(())
}

pub(super) fn write_empty<S: Sink>(sink: &mut S) {
    write_wkb(&EMPTY, None, sink);
}

fn write_wkb<S: Sink>(wkb: &[u8], srid: Option<i32>, sink: &mut S) {
    sink.begin_struct();
    sink.field(0, "wkb");
    sink.bytes(wkb);
    sink.field(1, "srid");
    match srid {
        Some(srid) => sink.int(srid.into()),
        None => sink.null(),
    }
    sink.end_struct();
}

/// The outer `None` is for bytes that are no EWKB.
fn srid(bytes: &[u8]) -> Option<Option<i32>> {
    let (order, rest) = bytes.split_first()?;
    let (kind, rest) = rest.split_first_chunk()?;
    let is_little = *order == 1;
    let number = |bytes: [u8; 4]| {
        if is_little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    };
    if number(*kind) & HAS_SRID == 0 {
        return Some(None);
    }
    Some(Some(number(*rest.first_chunk()?).cast_signed()))
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let octet = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    text.chunks(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::debezium::deviation_tests::written;

    #[test]
    fn the_reference_system_is_read_in_either_byte_order() {
        for (text, expected) in [
            (
                "0101000020E6100000000000000000F03F0000000000000040",
                r#"{"wkb":"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==","srid":4326}"#,
            ),
            (
                "0020000001000010E63FF00000000000004000000000000000",
                r#"{"wkb":"ACAAAAEAABDmP/AAAAAAAABAAAAAAAAAAA==","srid":4326}"#,
            ),
            (
                "010700000000000000",
                r#"{"wkb":"AQcAAAAAAAAA","srid":null}"#,
            ),
        ] {
            let written = written(|sink| write_ewkb(text.as_bytes(), sink).unwrap());
            assert_eq!(written, expected);
        }
        assert_eq!(
            written(|sink| write_empty(sink)),
            r#"{"wkb":"AQcAAAAAAAAA","srid":null}"#
        );
        for text in ["", "01", "0101000020E610", "01010000zz", "010"] {
            assert_eq!(
                srid(&decode_hex(text.as_bytes()).unwrap_or_default()),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn points_without_numbers_are_the_recorded_ones() {
        for (text, recorded) in [
            (
                "(NaN,Infinity)",
                r#"{"x":"NaN","y":"Infinity","wkb":"AQEAAAAAAAAAAAD4fwAAAAAAAPB/","srid":null}"#,
            ),
            (
                "(NaN,-Infinity)",
                r#"{"x":"NaN","y":"-Infinity","wkb":"AQEAAAAAAAAAAAD4fwAAAAAAAPD/","srid":null}"#,
            ),
        ] {
            let point = Point::parse(text.as_bytes()).unwrap();
            assert_eq!(written(|sink| write_point(point, sink)), recorded);
        }
    }
}
