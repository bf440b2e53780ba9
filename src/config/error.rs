//! What can be wrong with a configuration. Values appear only as the user wrote them, never as a provider resolved them.

use std::fmt;
use std::io;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("could not read {file}")]
    Read { file: String, source: io::Error },
    #[error("{file} is not JSON")]
    Json {
        file: String,
        source: serde_json::Error,
    },
    #[error("{file} is not a Java properties file")]
    Properties {
        file: String,
        source: java_properties::PropertiesError,
    },
    #[error(
        "{file} is no connector configuration: expected {{\"name\": …, \"config\": {{…}}}}, a flat object or a properties file"
    )]
    Shape { file: String },
    #[error("could not resolve the reference \"{reference}\": {reason}")]
    Reference { reference: String, reason: String },
    #[error("could not read {file} for the reference \"{reference}\"")]
    ReferenceFile {
        reference: String,
        file: String,
        source: io::Error,
    },
    #[error("{what} is not valid{}", listed(.problems))]
    Invalid {
        what: String,
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// Whether trying again, unchanged, can succeed: never, somebody has to edit something.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Read { .. }
            | Self::Json { .. }
            | Self::Properties { .. }
            | Self::Shape { .. }
            | Self::Reference { .. }
            | Self::ReferenceFile { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// What to do about it, where the text does not say so already.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Read { .. } => Some(
                "give the path of a connector or worker configuration, or - for standard input",
            ),
            Self::Json { .. } | Self::Shape { .. } => {
                Some("the body of POST /connectors or PUT /connectors/NAME/config works unchanged")
            }
            Self::Properties { .. } => {
                Some("write name=value on each line; a file that starts with { is read as JSON")
            }
            Self::Reference { .. } | Self::ReferenceFile { .. } => Some(
                "references look like ${file:/path:key}, ${env:VARIABLE} or ${directory:/path:file}",
            ),
            Self::Invalid { .. } => None,
        }
    }
}

/// One property that cannot be used as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub property: String,
    /// A complete sentence, in Debezium's or Connect's words where they have some for the case.
    pub message: String,
}

impl Problem {
    /// As Debezium's `Field.validationOutput` words it.
    #[must_use]
    pub fn invalid(property: &str, text: impl fmt::Display) -> Self {
        Self {
            property: property.to_owned(),
            message: format!("The '{property}' value is invalid: {text}"),
        }
    }

    /// As Connect's `ConfigException` words it.
    #[must_use]
    pub fn framework(property: &str, value: &str, text: impl fmt::Display) -> Self {
        Self {
            property: property.to_owned(),
            message: format!("Invalid value {value} for configuration {property}: {text}"),
        }
    }

    /// As Connect's `ConfigDef` words it.
    #[must_use]
    pub fn missing(property: &str) -> Self {
        Self {
            property: property.to_owned(),
            message: format!(
                "Missing required configuration \"{property}\" which has no default value."
            ),
        }
    }

    /// A value that Debezium would honour and walstreet does not: refused by name, never ignored.
    #[must_use]
    pub fn refused(property: &str, instead: &str) -> Self {
        Self {
            property: property.to_owned(),
            message: format!("'{property}' is refused: {instead}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn listed(problems: &[Problem]) -> String {
    match problems {
        [only] => format!(": {only}"),
        many => many
            .iter()
            .fold(format!(", {} problems:", many.len()), |text, problem| {
                text + "\n  - " + &problem.message
            }),
    }
}
