//! `io.debezium.data.geometry`: schemas and values of points.

use crate::connect::schema::{Kind, Schema};
use crate::connect::sink::Sink;
use crate::postgres::value::point::Point;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connector::{DecimalFormat, JsonConverterOptions};
    use crate::connect::json::JsonSink;

    fn json(write: impl FnOnce(&mut JsonSink<'_>)) -> String {
        let options = JsonConverterOptions {
            schemas: false,
            decimal_format: DecimalFormat::Base64,
            replace_null_with_default: true,
        };
        let mut out = Vec::new();
        write(&mut JsonSink::new(&mut out, &options));
        String::from_utf8(out).unwrap()
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
            assert_eq!(json(|sink| write_point(point, sink)), recorded);
        }
    }
}
