//! Points: `(x,y)`.

use super::Malformed;

const MALFORMED: Malformed = Malformed("point");

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

impl Point {
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(text).map_err(|_| MALFORMED)?;
        let inner = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            .ok_or(MALFORMED)?;
        let (x, y) = inner.split_once(',').ok_or(MALFORMED)?;
        Ok(Self {
            x: x.parse().map_err(|_| MALFORMED)?,
            y: y.parse().map_err(|_| MALFORMED)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_those_of_double_precision() {
        for (text, x, y) in [
            ("(1.5,-2)", 1.5, -2.0),
            ("(1e+300,5e-324)", 1e300, 5e-324),
            ("(Infinity,-Infinity)", f64::INFINITY, f64::NEG_INFINITY),
        ] {
            assert_eq!(Point::parse(text.as_bytes()), Ok(Point { x, y }), "{text}");
        }
        assert!(
            Point::parse(b"(NaN,-0)").is_ok_and(|point| point.x.is_nan()
                && point.y == 0.0
                && point.y.is_sign_negative())
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "()", "(1)", "(1,)", "1,2", "(1,2", "(1,2,3)", "(a,b)"] {
            assert_eq!(Point::parse(text.as_bytes()), Err(MALFORMED), "{text}");
        }
    }
}
