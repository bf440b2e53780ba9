//! Kafka's configuration providers: `${file:/path:key}`, `${env:VARIABLE}`, `${directory:/path:file}`.
//!
//! References are resolved once, at start, into values that are never printed. Reference syntax:
//! `ConfigTransformer` of Kafka, `\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}`.

use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::error::{ConfigError, Problem};
use super::settings::Settings;

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}").expect("a constant pattern is valid")
});

/// The providers by the names that references use.
#[derive(Clone, Debug)]
pub struct Providers(Vec<(String, Provider)>);

#[derive(Clone, Debug)]
enum Provider {
    /// `FileConfigProvider`: a key of a properties file.
    File { allowed_paths: Vec<PathBuf> },
    /// `EnvVarConfigProvider`.
    Environment { allowed_names: Option<Regex> },
    /// `DirectoryConfigProvider`: the content of a file, as Kubernetes mounts secrets.
    Directory { allowed_paths: Vec<PathBuf> },
}

impl Default for Providers {
    /// Connect knows no provider until `config.providers` names one. A worker that many people post connectors to
    /// needs that; here the person who starts the program also wrote the file, and could read the same secrets
    /// anyway, so all three work under their usual names.
    fn default() -> Self {
        let file = || Provider::File {
            allowed_paths: Vec::new(),
        };
        let directory = || Provider::Directory {
            allowed_paths: Vec::new(),
        };
        Self(vec![
            ("file".to_owned(), file()),
            (
                "env".to_owned(),
                Provider::Environment {
                    allowed_names: None,
                },
            ),
            ("dir".to_owned(), directory()),
            ("directory".to_owned(), directory()),
        ])
    }
}

impl Providers {
    /// From a worker's `config.providers`, `config.providers.NAME.class` and `config.providers.NAME.param.*`.
    pub fn from_worker(worker: &Settings, problems: &mut Vec<Problem>) -> Self {
        let Some(names) = worker
            .value("config.providers")
            .filter(|names| !names.trim().is_empty())
        else {
            return Self::default();
        };
        let mut providers = Vec::new();
        for name in names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            match provider(worker, name) {
                Ok(provider) => providers.push((name.to_owned(), provider)),
                Err(problem) => problems.push(problem),
            }
        }
        Self(providers)
    }

    /// The text with every known reference replaced. A reference to an unknown provider stays as it is, as in Connect:
    /// it may be part of a query or a replacement text.
    pub fn resolve(&self, text: &str) -> Result<String, ConfigError> {
        let mut resolved = String::with_capacity(text.len());
        let mut copied = 0;
        for captures in REFERENCE.captures_iter(text) {
            let whole = captures.get(0).expect("group 0 is the match");
            let group = |index| captures.get(index).map_or("", |part| part.as_str());
            let Some((_, provider)) = self.0.iter().find(|(name, _)| name == group(1)) else {
                continue;
            };
            resolved.push_str(text.get(copied..whole.start()).unwrap_or_default());
            resolved.push_str(&provider.look_up(group(2), group(3), whole.as_str())?);
            copied = whole.end();
        }
        resolved.push_str(text.get(copied..).unwrap_or_default());
        Ok(resolved)
    }
}

fn provider(worker: &Settings, name: &str) -> Result<Provider, Problem> {
    let class_name = format!("config.providers.{name}.class");
    let Some(class) = worker.value(&class_name) else {
        return Err(Problem::missing(&class_name));
    };
    let parameter = |key: &str| worker.value(&format!("config.providers.{name}.param.{key}"));
    let allowed_paths = || {
        let list = parameter("allowed.paths")
            .unwrap_or_default()
            .split(',')
            .map(str::trim);
        list.filter(|path| !path.is_empty())
            .map(|path| normalized(Path::new(path)))
            .collect()
    };
    match class.trim().rsplit('.').next().unwrap_or_default() {
        "FileConfigProvider" => Ok(Provider::File {
            allowed_paths: allowed_paths(),
        }),
        "DirectoryConfigProvider" => Ok(Provider::Directory {
            allowed_paths: allowed_paths(),
        }),
        "EnvVarConfigProvider" => {
            let pattern =
                parameter("allowlist.pattern").map(|text| Regex::new(&format!(r"\A(?:{text})\z")));
            match pattern.transpose() {
                Ok(allowed_names) => Ok(Provider::Environment { allowed_names }),
                Err(_) => Err(Problem::invalid(
                    &format!("config.providers.{name}.param.allowlist.pattern"),
                    "a valid regular expression is expected",
                )),
            }
        }
        _ => Err(Problem::refused(
            &class_name,
            "only FileConfigProvider, EnvVarConfigProvider and DirectoryConfigProvider exist here; fetch other secrets into a file first",
        )),
    }
}

impl Provider {
    fn look_up(&self, path: &str, key: &str, reference: &str) -> Result<String, ConfigError> {
        let failed = |reason: &str| ConfigError::Reference {
            reference: reference.to_owned(),
            reason: reason.to_owned(),
        };
        match self {
            Self::Environment { allowed_names } => {
                if allowed_names
                    .as_ref()
                    .is_some_and(|names| !names.is_match(key))
                {
                    return Err(failed("allowlist.pattern does not admit this variable"));
                }
                std::env::var(key)
                    .map_err(|_| failed("the environment variable is not set, or not UTF-8"))
            }
            Self::File { allowed_paths } => {
                let file = admitted(Path::new(path), allowed_paths)
                    .ok_or_else(|| failed("allowed.paths does not admit this file"))?;
                let bytes = read(&file, reference)?;
                // Kafka's FileConfigProvider reads UTF-8, unlike Java's other readers of properties files.
                let mut value = None;
                java_properties::PropertiesIter::new_with_encoding(
                    bytes.as_slice(),
                    encoding_rs::UTF_8,
                )
                .read_into(|name, text| {
                    if name == key {
                        value = Some(text);
                    }
                })
                .map_err(|source| ConfigError::Properties {
                    file: path.to_owned(),
                    source,
                })?;
                value.ok_or_else(|| failed("the file has no such key"))
            }
            Self::Directory { allowed_paths } => {
                if key.contains(['/', '\\']) || key == ".." {
                    return Err(failed(
                        "the last part must be the name of a file in the directory",
                    ));
                }
                let file = admitted(&Path::new(path).join(key), allowed_paths)
                    .ok_or_else(|| failed("allowed.paths does not admit this file"))?;
                // The content as it is, a final line feed included, as DirectoryConfigProvider gives it.
                String::from_utf8(read(&file, reference)?)
                    .map_err(|_| failed("the file is not UTF-8"))
            }
        }
    }
}

fn read(file: &Path, reference: &str) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(file).map_err(|source| ConfigError::ReferenceFile {
        reference: reference.to_owned(),
        file: file.display().to_string(),
        source,
    })
}

fn admitted(file: &Path, allowed: &[PathBuf]) -> Option<PathBuf> {
    let file = normalized(file);
    (allowed.is_empty() || allowed.iter().any(|path| file.starts_with(path))).then_some(file)
}

/// Without `.` and `..`, so that `allowed.paths` cannot be left by name (`AllowedPaths.normalize`).
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                normal.push(component)
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("db.properties"),
            "user=app\npassword=s3\\u00e9cr\u{e9}t = x\n",
        )
        .unwrap();
        std::fs::write(directory.path().join("token"), "abc\n").unwrap();
        directory
    }

    #[test]
    fn file_environment_and_directory_references_are_replaced_inside_text() {
        let directory = secrets();
        let path = directory.path().display();
        let providers = Providers::default();
        let text = format!(
            "<${{file:{path}/db.properties:password}}|${{dir:{path}:token}}|${{env:CARGO_PKG_NAME}}>"
        );
        assert_eq!(
            providers.resolve(&text).unwrap(),
            "<s3\u{e9}cr\u{e9}t = x|abc\n|walstreet>"
        );
    }

    #[test]
    fn what_is_no_reference_or_belongs_to_an_unknown_provider_stays() {
        for text in ["${vault:a:b}", "$1", "${nothing}", "a ${x} ${b:c}", ""] {
            assert_eq!(Providers::default().resolve(text).unwrap(), text);
        }
    }

    #[test]
    fn a_missing_key_file_or_variable_is_an_error_that_names_the_reference() {
        let directory = secrets();
        let path = directory.path().display();
        for reference in [
            format!("${{file:{path}/db.properties:nope}}"),
            format!("${{file:{path}/nope:password}}"),
            format!("${{directory:{path}:nope}}"),
            format!("${{directory:{path}:../etc}}"),
            "${env:WALSTREET_NOT_SET}".to_owned(),
        ] {
            let error = Providers::default()
                .resolve(&reference)
                .unwrap_err()
                .to_string();
            assert!(error.contains(&reference), "{error}");
            assert!(!error.contains("cr\u{e9}t"), "{error}");
        }
    }

    #[test]
    fn a_worker_limits_paths_and_variables() {
        let directory = secrets();
        let path = directory.path().display().to_string();
        let class = |name: &str| format!("org.apache.kafka.common.config.provider.{name}");
        let inner = format!("{path}/inner");
        let mut problems = Vec::new();
        let (file, env) = (class("FileConfigProvider"), class("EnvVarConfigProvider"));
        let worker: Settings = [
            ("config.providers", "f, e"),
            ("config.providers.f.class", file.as_str()),
            ("config.providers.f.param.allowed.paths", inner.as_str()),
            ("config.providers.e.class", env.as_str()),
            (
                "config.providers.e.param.allowlist.pattern",
                "CARGO_PKG_N.*",
            ),
        ]
        .into_iter()
        .collect();
        let providers = Providers::from_worker(&worker, &mut problems);
        assert!(problems.is_empty());
        assert!(
            providers
                .resolve(&format!("${{f:{inner}/../db.properties:user}}"))
                .is_err()
        );
        assert!(providers.resolve("${e:CARGO_PKG_VERSION}").is_err());
        assert_eq!(
            providers.resolve("${e:CARGO_PKG_NAME}").unwrap(),
            "walstreet"
        );
        assert_eq!(
            providers.resolve("${env:CARGO_PKG_NAME}").unwrap(),
            "${env:CARGO_PKG_NAME}"
        );
    }

    #[test]
    fn a_provider_class_that_does_not_exist_here_is_refused_by_name() {
        let mut problems = Vec::new();
        let worker: Settings = [
            ("config.providers", "v,w"),
            (
                "config.providers.v.class",
                "com.example.VaultConfigProvider",
            ),
        ]
        .into_iter()
        .collect();
        let _ = Providers::from_worker(&worker, &mut problems);
        let names: Vec<_> = problems
            .iter()
            .map(|problem| problem.property.as_str())
            .collect();
        assert_eq!(
            names,
            ["config.providers.v.class", "config.providers.w.class"]
        );
    }
}
