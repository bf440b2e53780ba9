//! Names and values as text, between the file and the types.

use std::fmt;

use super::error::ConfigError;
use super::providers::Providers;

/// The settings of a connector or a worker, in the order of the file.
#[derive(Clone, Default)]
pub struct Settings(Vec<Setting>);

#[derive(Clone)]
pub struct Setting {
    pub name: String,
    /// As the user wrote it: `${…}` is still a reference. The only form that errors and warnings may show.
    pub given: String,
    /// With references resolved.
    pub value: String,
}

impl Settings {
    /// A later setting of the same name wins, as in a Java map.
    pub fn set(&mut self, name: &str, value: &str) {
        let setting = Setting {
            name: name.to_owned(),
            given: value.to_owned(),
            value: value.to_owned(),
        };
        match self.0.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = setting,
            None => self.0.push(setting),
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.name == name)
    }

    /// The resolved value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|setting| setting.value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// Everything below a prefix, without the prefix.
    #[must_use]
    pub fn below(&self, prefix: &str) -> Vec<(String, String)> {
        self.0
            .iter()
            .filter_map(|setting| {
                let name = setting.name.strip_prefix(prefix)?;
                Some((name.to_owned(), setting.value.clone()))
            })
            .collect()
    }

    /// Resolves the references in every value, keeping the text that was given beside it.
    pub fn resolve(&mut self, providers: &Providers) -> Result<(), ConfigError> {
        for setting in &mut self.0 {
            setting.value = providers.resolve(&setting.given)?;
        }
        Ok(())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Settings {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut settings = Self::default();
        for (name, value) in pairs {
            settings.set(name, value);
        }
        settings
    }
}

/// Names only: any value can be a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|setting| &setting.name))
            .finish()
    }
}
