//! Lines of a capture → messages. Pure.

use serde::Deserialize;

use crate::postgres::Lsn;

/// A message and where it was in the WAL.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Captured {
    pub(in crate::cli) lsn: Lsn,
    pub(in crate::cli) bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Error {
    #[error(
        "a line must be an LSN and a message in hexadecimal, separated by a tab, a comma or |, or a JSON object with \
         \"lsn\" and \"hex\""
    )]
    Shape,
    #[error("the line is not a JSON object with \"lsn\" and \"hex\"")]
    Json { source: serde_json::Error },
    #[error("could not find the LSN in the line")]
    Lsn {
        #[from]
        source: crate::postgres::lsn::ParseLsnError,
    },
    #[error("LSN {lsn}: the message is not hexadecimal, two digits a byte; was the line cut off?")]
    Hex { lsn: Lsn },
}

#[derive(Deserialize)]
struct JsonLine<'a> {
    lsn: &'a str,
    hex: &'a str,
}

/// `None` for a line that psql adds to the rows: headings, rulers, row counts, nothing.
pub(in crate::cli) fn parse(line: &str) -> Result<Option<Captured>, Error> {
    let line = line.trim();
    if line.starts_with('{') {
        let JsonLine { lsn, hex } =
            serde_json::from_str(line).map_err(|source| Error::Json { source })?;
        return captured(lsn, hex).map(Some);
    }
    if is_decoration(line) {
        return Ok(None);
    }
    let columns: Vec<&str> = line.split(['\t', '|', ',']).map(str::trim).collect();
    match *columns {
        ["lsn", ..] => Ok(None),
        [lsn, hex] | [lsn, _, hex] => captured(lsn, hex).map(Some),
        _ => Err(Error::Shape),
    }
}

fn captured(lsn: &str, hex: &str) -> Result<Captured, Error> {
    let lsn = lsn.parse()?;
    let digits = hex.strip_prefix("\\x").unwrap_or(hex);
    let bytes = bytes_of(digits).ok_or(Error::Hex { lsn })?;
    Ok(Captured { lsn, bytes })
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => u8::try_from(nibble(high)? << 4 | nibble(low)?).ok(),
            _ => None,
        })
        .collect()
}

/// `-----+-----` below the headings, `(3 rows)` at the end.
fn is_decoration(line: &str) -> bool {
    let is_ruler = line.bytes().all(|byte| matches!(byte, b'-' | b'+'));
    let is_count = line.starts_with('(') && (line.ends_with(" rows)") || line.ends_with(" row)"));
    is_ruler || is_count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_the_same_message() {
        let expected = Captured {
            lsn: Lsn(0x16_B374_D848),
            bytes: vec![0x42, 0x00, 0xfe],
        };
        let lines = [
            r#"{"lsn": "16/B374D848", "xid": 7, "hex": "4200fe"}"#,
            "16/B374D848\t4200fe",
            "16/B374D848\t521417\t4200FE",
            " 16/B374D848 | 521417 | 4200fe",
            "16/B374D848|4200fe\r",
            "16/B374D848,521417,\\x4200fe",
        ];
        for line in lines {
            assert_eq!(parse(line).unwrap().as_ref(), Some(&expected), "{line}");
        }
    }

    #[test]
    fn what_psql_adds_is_no_message() {
        for line in [
            "",
            "    lsn     |  xid   |  encode",
            "------------+--------+---------",
            "(2 rows)",
            "(1 row)",
            "lsn,encode",
        ] {
            assert_eq!(parse(line).unwrap(), None, "{line}");
        }
    }

    #[test]
    fn a_damaged_line_is_refused_and_a_known_position_is_named() {
        let error = |line: &str| parse(line).unwrap_err().to_string();
        assert!(error("16/B374D848\t4200f").starts_with("LSN 16/B374D848: the message is not hex"));
        assert!(error("16/B374D848\t42_0").starts_with("LSN 16/B374D848: the message is not hex"));
        assert!(error("nonsense\t42").contains("could not find the LSN"));
        assert!(error("one column").starts_with("a line must be"));
        assert!(error(r#"{"lsn": "0/1"}"#).contains("not a JSON object with"));
    }
}
