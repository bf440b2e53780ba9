//! Whether two Avro schemas give the same bytes: their parsing canonical forms are compared.
//!
//! <https://avro.apache.org/docs/1.11.1/specification/#parsing-canonical-form-for-schemas>

use serde_json::{Map, Value, json};

const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

/// Whether both are schemas, and data of one is data of the other.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let form = |text: &str| Some(canonical(&serde_json::from_str(text).ok()?, ""));
    form(one).is_some_and(|one| form(other) == Some(one))
}

fn canonical(schema: &Value, namespace: &str) -> Value {
    match schema {
        Value::String(name) if PRIMITIVES.contains(&name.as_str()) => schema.clone(),
        Value::String(name) => Value::String(full_name(name, namespace)),
        Value::Array(branches) => branches
            .iter()
            .map(|branch| canonical(branch, namespace))
            .collect(),
        Value::Object(object) => canonical_object(object, namespace),
        Value::Null | Value::Bool(_) | Value::Number(_) => Value::Null,
    }
}

fn canonical_object(schema: &Map<String, Value>, namespace: &str) -> Value {
    let part = |name: &str| schema.get(name).unwrap_or(&Value::Null);
    let text = |name: &str| part(name).as_str();
    match text("type") {
        Some("record") => {
            let name = named(schema, namespace);
            let inner = name
                .rsplit_once('.')
                .map_or("", |(namespace, _)| namespace)
                .to_owned();
            let field = |field: &Value| json!({"name": field["name"], "type": canonical(&field["type"], &inner)});
            let fields: Vec<Value> = part("fields")
                .as_array()
                .into_iter()
                .flatten()
                .map(field)
                .collect();
            json!({"type": "record", "name": name, "fields": fields})
        }
        Some("enum") => {
            json!({"type": "enum", "name": named(schema, namespace), "symbols": part("symbols")})
        }
        Some("fixed") => {
            json!({"type": "fixed", "name": named(schema, namespace), "size": part("size")})
        }
        Some("array") => json!({"type": "array", "items": canonical(part("items"), namespace)}),
        Some("map") => json!({"type": "map", "values": canonical(part("values"), namespace)}),
        Some(_) | None => canonical(part("type"), namespace),
    }
}

fn named(schema: &Map<String, Value>, namespace: &str) -> String {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    full_name(
        text("name").unwrap_or_default(),
        text("namespace").unwrap_or(namespace),
    )
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_count_and_nothing_else() {
        let plain = r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":["null","int"]},{"name":"b","type":"n.R"}]}"#;
        let dressed = r#"{"name":"n.R","type":"record","doc":"d","fields":[{"name":"a","type":["null",{"type":"int","connect.type":"int8"}],"default":null},{"name":"b","type":"R"}],"connect.name":"x"}"#;
        assert!(is_same(plain, dressed));
        for other in [
            plain.replace("\"int\"", "\"long\""),
            plain.replace("\"a\"", "\"c\""),
            plain.replace("[\"null\",\"int\"]", "[\"int\",\"null\"]"),
            plain.replace("\"R\",\"namespace\"", "\"S\",\"namespace\""),
            "not JSON".to_owned(),
        ] {
            assert!(!is_same(plain, &other), "{other}");
        }
    }
}
