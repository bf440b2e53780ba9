//! JSON text, indented for people. Pure.
//!
//! Works on the bytes: a number keeps all its digits, and what is no JSON stays as it is.

const INDENT: &[u8] = b"  ";

pub(super) fn indented(json: &[u8]) -> Vec<u8> {
    let mut indented = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for (at, &byte) in json.iter().enumerate() {
        if in_text {
            indented.push(byte);
            in_text = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'{' | b'[' => {
                indented.push(byte);
                depth += 1;
                if !matches!(json.get(at + 1), Some(b'}' | b']')) {
                    new_line(&mut indented, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(indented.last(), Some(b'{' | b'[')) {
                    new_line(&mut indented, depth);
                }
                indented.push(byte);
            }
            b',' => {
                indented.push(byte);
                new_line(&mut indented, depth);
            }
            b':' => indented.extend(b": "),
            _ => {
                in_text = byte == b'"';
                indented.push(byte);
            }
        }
    }
    indented
}

fn new_line(indented: &mut Vec<u8>, depth: usize) {
    indented.push(b'\n');
    for _ in 0..depth {
        indented.extend(INDENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_is_added() {
        let json = br#"{"a":{"b":[1.10,2e400],"c":[],"d":{}},"e":"x,\"{y}:\\","f":null}"#;
        let expected = r#"{
  "a": {
    "b": [
      1.10,
      2e400
    ],
    "c": [],
    "d": {}
  },
  "e": "x,\"{y}:\\",
  "f": null
}"#;
        assert_eq!(String::from_utf8(indented(json)).unwrap(), expected);
    }
}
