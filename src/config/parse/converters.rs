//! Converters: which one, and its options.

use super::Parser;
use super::avro::AVRO_CONVERTER;
use crate::config::connector::{
    ConverterConfig, DecimalFormat, HeaderConverterConfig, JsonConverterOptions,
};
use crate::config::error::Problem;
use crate::config::worker::{Converter, JSON_CONVERTER, SIMPLE_HEADER_CONVERTER};

const STRING_CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";
const BYTE_ARRAY_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

const JSON_OPTIONS: [&str; 5] = [
    "schemas.enable",
    "decimal.format",
    "replace.null.with.default",
    "schemas.cache.size",
    "schema.content",
];

impl Parser<'_> {
    /// A connector that names a converter also brings all of its options; otherwise the worker's converter counts, with
    /// the worker's options only (`Worker.startTask` builds it from one of the two, never from both).
    pub(super) fn converter(&mut self, name: &str, of_worker: &Converter) -> ConverterConfig {
        let own = self.own_converter(name);
        let converter = own.as_ref().unwrap_or(of_worker);
        match &own {
            Some(own) => self.warn_of_unread(name, own),
            None => self.warn_of_orphans(name),
        }
        match converter.class.trim() {
            class if is_class(class, JSON_CONVERTER, "Json") => {
                ConverterConfig::Json(self.json_options(name, converter))
            }
            class if is_class(class, STRING_CONVERTER, "String") => {
                self.refuse_encoding(name, converter);
                ConverterConfig::String
            }
            class if is_class(class, BYTE_ARRAY_CONVERTER, "ByteArray") => {
                ConverterConfig::ByteArray
            }
            class if is_class(class, AVRO_CONVERTER, "Avro") => {
                ConverterConfig::Avro(Box::new(self.avro_options(name, converter)))
            }
            _ => {
                self.unknown_converter(name, own.is_some(), &[AVRO_CONVERTER]);
                ConverterConfig::String
            }
        }
    }

    pub(super) fn header_converter(&mut self) -> HeaderConverterConfig {
        let name = "header.converter";
        let own = self.own_converter(name);
        let converter = own.as_ref().unwrap_or(&self.worker.header_converter);
        match converter.class.trim() {
            class if is_class(class, SIMPLE_HEADER_CONVERTER, "Simple") => {
                HeaderConverterConfig::Simple
            }
            class if is_class(class, JSON_CONVERTER, "Json") => {
                HeaderConverterConfig::Json(self.json_options(name, converter))
            }
            class if is_class(class, STRING_CONVERTER, "String") => {
                self.refuse_encoding(name, converter);
                HeaderConverterConfig::String
            }
            class if is_class(class, BYTE_ARRAY_CONVERTER, "ByteArray") => {
                HeaderConverterConfig::ByteArray
            }
            _ => {
                self.unknown_converter(name, own.is_some(), &[SIMPLE_HEADER_CONVERTER]);
                HeaderConverterConfig::Simple
            }
        }
    }

    fn own_converter(&self, name: &str) -> Option<Converter> {
        self.setting(name).map(|class| Converter {
            class: class.value.trim().to_owned(),
            options: self.settings.below(&format!("{name}.")),
        })
    }

    fn unknown_converter(&mut self, name: &str, is_own: bool, more: &[&str]) {
        let source = if is_own {
            ""
        } else {
            "the worker names another one; "
        };
        let known = [JSON_CONVERTER, STRING_CONVERTER, BYTE_ARRAY_CONVERTER];
        let known = [more, &known].concat().join(", ");
        let text = format!("{source}only {known} are there");
        self.problems.push(Problem::refused(name, &text));
    }

    fn json_options(&mut self, name: &str, converter: &Converter) -> JsonConverterOptions {
        JsonConverterOptions {
            schemas: self.option(name, converter, "schemas.enable", true),
            decimal_format: self.decimal_format(name, converter),
            replace_null_with_default: self.option(
                name,
                converter,
                "replace.null.with.default",
                true,
            ),
        }
    }

    fn refuse_encoding(&mut self, name: &str, converter: &Converter) {
        let option = "converter.encoding";
        let is_utf_8 =
            |encoding: &str| ["UTF-8", "UTF8"].contains(&encoding.to_uppercase().as_str());
        if option_of(converter, option).is_some_and(|encoding| !is_utf_8(encoding)) {
            let problem = Problem::refused(&format!("{name}.{option}"), "only UTF-8 is written");
            self.problems.push(problem);
        }
    }

    /// The options of AvroConverter are looked at where they are read.
    fn warn_of_unread(&mut self, name: &str, own: &Converter) {
        let (class, read) = match own.class.trim() {
            class if is_class(class, JSON_CONVERTER, "Json") => {
                ("JsonConverter", &JSON_OPTIONS[..])
            }
            class if is_class(class, STRING_CONVERTER, "String") => {
                ("StringConverter", &["converter.encoding"][..])
            }
            class if is_class(class, BYTE_ARRAY_CONVERTER, "ByteArray") => {
                ("ByteArrayConverter", &[][..])
            }
            _ => return,
        };
        let options = own.options.iter().map(|(option, _)| option.as_str());
        let unread = options.filter(|option| *option != "plugin.version" && !read.contains(option));
        let warnings = unread.map(|option| {
            format!("\"{name}.{option}\" has no effect: it is not an option of {class}")
        });
        self.warnings.extend(warnings);
    }

    fn warn_of_orphans(&mut self, name: &str) {
        let prefix = format!("{name}.");
        let orphans = self.settings.iter().filter(|setting| {
            setting.name.starts_with(&prefix) && !setting.name.ends_with(".plugin.version")
        });
        let warnings = orphans.map(|setting| {
            format!("\"{}\" has no effect without \"{name}\": Connect then uses the worker's converter with the worker's options", setting.name)
        });
        let warnings: Vec<String> = warnings.collect();
        self.warnings.extend(warnings);
    }

    fn option(&mut self, name: &str, converter: &Converter, option: &str, default: bool) -> bool {
        let Some(text) = option_of(converter, option) else {
            return default;
        };
        text.to_ascii_lowercase().parse().unwrap_or_else(|_| {
            self.wrong_option(name, option, "Expected value to be either true or false");
            default
        })
    }

    fn decimal_format(&mut self, name: &str, converter: &Converter) -> DecimalFormat {
        match option_of(converter, "decimal.format")
            .map(str::to_ascii_uppercase)
            .as_deref()
        {
            None | Some("BASE64") => DecimalFormat::Base64,
            Some("NUMERIC") => DecimalFormat::Numeric,
            Some(_) => {
                self.wrong_option(
                    name,
                    "decimal.format",
                    "String must be one of: BASE64, NUMERIC",
                );
                DecimalFormat::Base64
            }
        }
    }

    /// The table has already complained about the connector's own options; this is for the worker's.
    fn wrong_option(&mut self, name: &str, option: &str, text: &str) {
        if self.setting(name).is_none() {
            let property = format!("{name}.{option}");
            self.problems.push(Problem::invalid(
                &property,
                format!("in the worker configuration: {text}"),
            ));
        }
    }
}

fn option_of<'a>(converter: &'a Converter, option: &str) -> Option<&'a str> {
    converter
        .options
        .iter()
        .find(|(name, _)| name == option)
        .map(|(_, value)| value.trim())
}

/// The full name, the simple name or Connect's alias of a class.
fn is_class(given: &str, full: &str, alias: &str) -> bool {
    let simple = full.rsplit('.').next().unwrap_or_default();
    [full, simple, alias].contains(&given.trim())
}
