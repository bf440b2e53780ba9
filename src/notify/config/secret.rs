//! Secrets by reference: a variable of the environment or a file, never the secret itself.

use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    Env(String),
    File(PathBuf),
}

impl<'de> Deserialize<'de> for Secret {
    /// By hand, because serde's own refusals repeat the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let toml::Value::Table(table) = toml::Value::deserialize(deserializer)? else {
            return Err(D::Error::custom(
                "a secret is not written here: use { env = \"NAME\" } or { file = \"/path\" }",
            ));
        };
        let mut entries = table.iter();
        match (entries.next(), entries.next()) {
            (Some((key, toml::Value::String(name))), None) if key == "env" => {
                Ok(Self::Env(name.clone()))
            }
            (Some((key, toml::Value::String(path))), None) if key == "file" => {
                Ok(Self::File(path.into()))
            }
            _ => Err(D::Error::custom(
                "a secret has exactly one of env = \"NAME\" and file = \"/path\"",
            )),
        }
    }
}
