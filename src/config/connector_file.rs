//! Reads an unmodified connector configuration: the body of `POST /connectors` (`{"name", "config"}`), of
//! `PUT /connectors/NAME/config` (a flat object), or a `.properties` file as `connect-standalone` takes it.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::error::{ConfigError, Problem};
use super::settings::Settings;

/// Reads a file, or standard input when the path is `-`. References stay unresolved.
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    let file = path.display().to_string();
    let bytes = if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    }
    .map_err(|source| ConfigError::Read {
        file: file.clone(),
        source,
    })?;
    decode(&bytes, &file)
}

/// JSON when the first character is `{`, otherwise Java properties; `file` only names the source in errors.
pub fn decode(bytes: &[u8], file: &str) -> Result<Settings, ConfigError> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => json(bytes, file),
        Some(_) | None => properties(bytes, file),
    }
}

/// Java reads properties files as ISO 8859-1 (`Utils.loadProps` of Kafka), and so do we.
pub fn properties(bytes: &[u8], file: &str) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    java_properties::PropertiesIter::new(bytes)
        .read_into(|name, value| settings.set(&name, &value))
        .map_err(|source| ConfigError::Properties {
            file: file.to_owned(),
            source,
        })?;
    Ok(settings)
}

fn json(bytes: &[u8], file: &str) -> Result<Settings, ConfigError> {
    let body: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|source| ConfigError::Json {
            file: file.to_owned(),
            source,
        })?;
    match (body.get("name"), body.get("config")) {
        (name, Some(Value::Object(config))) => flat(config, name, file),
        (_, Some(_)) => Err(ConfigError::Shape {
            file: file.to_owned(),
        }),
        (_, None) => flat(&body, None, file),
    }
}

/// Connect's REST layer takes numbers and booleans for their text, and rejects null (`ConnectorConfig.validate`).
fn flat(
    config: &Map<String, Value>,
    name: Option<&Value>,
    file: &str,
) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    let mut problems = Vec::new();
    let outer_name = name.map(|name| ("name", name));
    let pairs = config.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in outer_name.into_iter().chain(pairs) {
        match text(value) {
            Ok(text)
                if name == "name" && settings.value(name).is_some_and(|outer| outer != text) =>
            {
                problems.push(Problem::framework(
                    name,
                    &text,
                    "the name inside \"config\" differs from the one beside it",
                ));
            }
            Ok(text) => settings.set(name, &text),
            Err(reason) => problems.push(Problem::invalid(name, reason)),
        }
    }
    if problems.is_empty() {
        return Ok(settings);
    }
    Err(ConfigError::Invalid {
        what: file.to_owned(),
        problems,
    })
}

fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Null => Err("Null value can not be supplied as the configuration value."),
        Value::Array(_) | Value::Object(_) => Err("a string, a number or a boolean is expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_body_a_flat_object_and_properties_give_the_same_settings() {
        let bodies = [
            r#"{"name":"c","config":{"database.port":5433,"slot.drop.on.stop":true,"topic.prefix":"p"}}"#,
            r#" {"name":"c","database.port":"5433","slot.drop.on.stop":"true","topic.prefix":"p"}"#,
            "# a comment\nname=c\ndatabase.port = 5433\nslot.drop.on.stop: true\ntopic.prefix=\\\n  p\n",
        ];
        for body in bodies {
            let settings = decode(body.as_bytes(), "test").unwrap();
            let pairs: Vec<_> = settings
                .iter()
                .map(|s| (s.name.as_str(), s.value.as_str()))
                .collect();
            let expected = [
                ("name", "c"),
                ("database.port", "5433"),
                ("slot.drop.on.stop", "true"),
                ("topic.prefix", "p"),
            ];
            assert_eq!(pairs, expected, "{body}");
        }
    }

    #[test]
    fn null_and_nested_values_are_refused_together_and_by_name() {
        let error = decode(br#"{"config":{"a":null,"b":[1],"c":"x"}}"#, "f.json")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("The 'a' value is invalid: Null value can not be supplied"),
            "{error}"
        );
        assert!(error.contains("The 'b' value is invalid"), "{error}");
        assert!(!error.contains("'c'"), "{error}");
    }

    #[test]
    fn two_different_names_are_refused() {
        let error = decode(br#"{"name":"a","config":{"name":"b"}}"#, "f")
            .unwrap_err()
            .to_string();
        assert!(error.contains("differs"), "{error}");
        assert!(decode(br#"{"name":"a","config":{"name":"a"}}"#, "f").is_ok());
    }

    #[test]
    fn broken_json_names_the_file_and_shows_no_content() {
        let error = decode(br#"{"database.password":"geheim","x"}"#, "orders.json").unwrap_err();
        assert_eq!(error.to_string(), "orders.json is not JSON");
        assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    }
}
