//! Options of Confluent's AvroConverter and its Schema Registry client (`AvroConverterConfig`, `AvroDataConfig`,
//! `AbstractKafkaSchemaSerDeConfig`, `SchemaRegistryClientConfig`).

use std::path::PathBuf;
use std::time::Duration;

use super::Parser;
use crate::config::avro::{
    AvroConverterOptions, AvroDataOptions, Login, RegistryOptions, RegistryTls, SchemaSource,
    SubjectNames,
};
use crate::config::error::Problem;
use crate::config::worker::Converter;

pub(super) const AVRO_CONVERTER: &str = "io.confluent.connect.avro.AvroConverter";

/// The client takes its options with this prefix as well.
const CLIENT_PREFIX: &str = "schema.registry.";

const STRATEGIES: [(&str, SubjectNames); 3] = [
    (
        "io.confluent.kafka.serializers.subject.TopicNameStrategy",
        SubjectNames::Topic,
    ),
    (
        "io.confluent.kafka.serializers.subject.RecordNameStrategy",
        SubjectNames::Record,
    ),
    (
        "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
        SubjectNames::TopicRecord,
    ),
];

/// What would change records or the registry, and is not done here. A default in the second place changes nothing.
const REFUSED: [(&str, &str); 15] = [
    ("use.schema.id", "-1"),
    ("use.schema.guid", ""),
    ("use.latest.with.metadata", ""),
    ("rule.executors", ""),
    ("rule.actions", ""),
    (
        "key.schema.id.serializer",
        "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer",
    ),
    (
        "value.schema.id.serializer",
        "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer",
    ),
    (
        "context.name.strategy",
        "io.confluent.kafka.serializers.context.NullContextNameStrategy",
    ),
    ("schema.backup.enabled", "false"),
    ("schema.format", ""),
    ("propagate.schema.tags", "false"),
    ("schema.registry.ssl.truststore.certificates", ""),
    ("schema.registry.ssl.keystore.key", ""),
    ("schema.registry.ssl.keystore.certificate.chain", ""),
    ("bearer.auth.custom.provider.class", ""),
];

/// Options that are read; the others only get a warning.
const READ: [&str; 29] = [
    "url",
    "auto.register.schemas",
    "use.latest.version",
    "normalize.schemas",
    "key.subject.name.strategy",
    "value.subject.name.strategy",
    "connect.meta.data",
    "scrub.invalid.names",
    "allow.optional.map.keys",
    "ignore.default.for.nullables",
    "discard.type.doc.default",
    "basic.auth.credentials.source",
    "basic.auth.user.info",
    "bearer.auth.credentials.source",
    "bearer.auth.token",
    "sasl.jaas.config",
    "http.connect.timeout.ms",
    "http.read.timeout.ms",
    "max.retries",
    "retries.wait.ms",
    "retries.max.wait.ms",
    "proxy.host",
    "proxy.port",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.key.password",
    "ssl.endpoint.identification.algorithm",
];

impl Parser<'_> {
    pub(super) fn avro_options(
        &mut self,
        name: &str,
        converter: &Converter,
    ) -> AvroConverterOptions {
        let mut options = AvroOptions {
            parser: self,
            name,
            converter,
        };
        options.refuse();
        options.warn();
        AvroConverterOptions {
            data: options.data(),
            registry: options.registry(),
            schemas: options.schema_source(),
            normalize_schemas: options.boolean("normalize.schemas", false),
            subject_names: options.subject_names(),
        }
    }
}

struct AvroOptions<'p, 'a> {
    parser: &'p mut Parser<'a>,
    /// `key.converter` or `value.converter`.
    name: &'p str,
    converter: &'p Converter,
}

impl AvroOptions<'_, '_> {
    fn refuse(&mut self) {
        for (option, default) in REFUSED {
            let given = self.given(option);
            if given.is_some_and(|given| !given.is_empty() && given != default) {
                let text = "AvroConverter honours it, and it is not there yet; leave it out";
                self.problem(Problem::refused, option, text);
            }
        }
    }

    /// Connect only logs what nobody reads.
    fn warn(&mut self) {
        let is_known = |option: &str| {
            let bare = option.strip_prefix(CLIENT_PREFIX).unwrap_or(option);
            let is_refused = REFUSED.iter().any(|(refused, _)| *refused == option);
            is_refused || READ.contains(&bare) || option == "plugin.version"
        };
        let options = self.converter.options.iter();
        let unknown = options.filter(|(option, _)| !is_known(option));
        let warnings = unknown.map(|(option, _)| {
            format!(
                "\"{}.{option}\" has no effect on what AvroConverter writes here",
                self.name
            )
        });
        let warnings: Vec<String> = warnings.collect();
        self.parser.warnings.extend(warnings);
    }

    fn data(&mut self) -> AvroDataOptions {
        AvroDataOptions {
            connect_meta_data: self.boolean("connect.meta.data", true),
            scrub_invalid_names: self.boolean("scrub.invalid.names", false),
            allow_optional_map_keys: self.boolean("allow.optional.map.keys", false),
            ignore_default_for_nullables: self.boolean("ignore.default.for.nullables", false),
            discard_type_doc_default: self.boolean("discard.type.doc.default", false),
        }
    }

    /// The order in which `AbstractKafkaAvroSerializer` looks.
    fn schema_source(&mut self) -> SchemaSource {
        let registers = self.boolean("auto.register.schemas", true);
        let is_latest = self.boolean("use.latest.version", false);
        match (registers, is_latest) {
            (true, _) => SchemaSource::Register,
            (false, true) => SchemaSource::Latest,
            (false, false) => SchemaSource::Find,
        }
    }

    fn subject_names(&mut self) -> SubjectNames {
        let part = self.name.strip_suffix(".converter").unwrap_or(self.name);
        let option = format!("{part}.subject.name.strategy");
        let Some(class) = self.given(&option) else {
            return SubjectNames::Topic;
        };
        let mut known = STRATEGIES.iter();
        if let Some((_, names)) = known.find(|(known, _)| *known == class) {
            return *names;
        }
        let text = format!(
            "only {} are there",
            STRATEGIES.map(|(known, _)| known).join(", ")
        );
        self.problem(Problem::refused, &option, &text);
        SubjectNames::Topic
    }

    fn registry(&mut self) -> RegistryOptions {
        let mut url_login = None;
        let urls = self.urls(&mut url_login);
        RegistryOptions {
            urls,
            login: self.login(url_login),
            tls: self.tls(),
            proxy: self.proxy(),
            connect_timeout: self.millis("http.connect.timeout.ms", 60_000),
            read_timeout: self.millis("http.read.timeout.ms", 60_000),
            max_retries: self.number("max.retries", 3),
            retry_wait: self.millis("retries.wait.ms", 1000),
            max_retry_wait: self.millis("retries.max.wait.ms", 20_000),
        }
    }

    /// A login in a URL is taken out of it, so that no message shows it.
    fn urls(&mut self, login: &mut Option<String>) -> Vec<String> {
        const OPTION: &str = "schema.registry.url";
        let given = self.given(OPTION).unwrap_or_default().to_owned();
        if given.is_empty() {
            let property = format!("{}.{OPTION}", self.name);
            self.parser.problems.push(Problem::missing(&property));
        }
        let mut urls = Vec::new();
        for url in given
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
        {
            let Some((scheme, rest)) = url.split_once("://") else {
                let text = "every URL has to begin with http:// or https://";
                self.problem(invalid, OPTION, text);
                continue;
            };
            if !["http", "https"].contains(&scheme) {
                let text = "every URL has to begin with http:// or https://";
                self.problem(invalid, OPTION, text);
            }
            let authority_end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(authority_end);
            let (user_info, host) = match authority.rsplit_once('@') {
                Some((user_info, host)) => (Some(user_info), host),
                None => (None, authority),
            };
            if let Some(user_info) = user_info {
                if login.as_ref().is_some_and(|login| login != user_info) {
                    let text = "the URLs have different logins, and only one is used for all";
                    self.problem(Problem::refused, OPTION, text);
                }
                *login = Some(user_info.to_owned());
            }
            urls.push(format!("{scheme}://{host}{path}"));
        }
        urls
    }

    fn login(&mut self, of_url: Option<String>) -> Login {
        const BASIC: &str = "basic.auth.credentials.source";
        const BEARER: &str = "bearer.auth.credentials.source";
        let basic = self.given(BASIC).unwrap_or_default().to_owned();
        let bearer = self.given(BEARER).unwrap_or_default().to_owned();
        match (basic.as_str(), bearer.as_str()) {
            ("" | "URL", "") => of_url.map_or(Login::None, |user_info| basic_login(&user_info)),
            ("USER_INFO", "") => match self.given("basic.auth.user.info") {
                Some(user_info) if !user_info.is_empty() => basic_login(user_info),
                Some(_) | None => self.missing_login("basic.auth.user.info"),
            },
            ("SASL_INHERIT", "") => match self.given("sasl.jaas.config") {
                Some(config) => Login::Sasl {
                    jaas: config.to_owned(),
                },
                None => self.missing_login("sasl.jaas.config"),
            },
            ("", "STATIC_TOKEN") => match self.given("bearer.auth.token") {
                Some(token) if !token.is_empty() => Login::Bearer {
                    token: token.to_owned(),
                },
                Some(_) | None => self.missing_login("bearer.auth.token"),
            },
            ("", _) => {
                let text = "only STATIC_TOKEN is there";
                self.problem(Problem::refused, BEARER, text);
                Login::None
            }
            (_, "") => {
                let text = "only URL, USER_INFO and SASL_INHERIT are there";
                self.problem(Problem::refused, BASIC, text);
                Login::None
            }
            (_, _) => {
                let text = format!("only one of {BASIC} and {BEARER} may be given");
                self.problem(Problem::refused, BASIC, &text);
                Login::None
            }
        }
    }

    fn missing_login(&mut self, option: &str) -> Login {
        let property = format!("{}.{option}", self.name);
        self.parser.problems.push(Problem::missing(&property));
        Login::None
    }

    /// A certificate of another host is only taken if that was asked for; Java takes it unless the algorithm is given as
    /// `https`.
    fn tls(&self) -> RegistryTls {
        let text = |option: &str| self.given(option).map(str::to_owned);
        let path = |option: &str| self.given(option).map(PathBuf::from);
        let algorithm = self.given("ssl.endpoint.identification.algorithm");
        RegistryTls {
            truststore: path("ssl.truststore.location"),
            truststore_password: text("ssl.truststore.password"),
            keystore: path("ssl.keystore.location"),
            keystore_password: text("ssl.keystore.password"),
            key_password: text("ssl.key.password"),
            any_host: algorithm.is_some_and(|algorithm| ["", "none"].contains(&algorithm)),
        }
    }

    fn proxy(&mut self) -> Option<String> {
        let host = self.given("proxy.host").filter(|host| !host.is_empty())?;
        let host = host.to_owned();
        let port: i32 = self.number("proxy.port", -1);
        (port > 0).then(|| format!("http://{host}:{port}"))
    }

    fn millis(&mut self, option: &str, default: u64) -> Duration {
        Duration::from_millis(self.number(option, default))
    }

    fn number<T: std::str::FromStr>(&mut self, option: &str, default: T) -> T {
        let Some(text) = self.given(option) else {
            return default;
        };
        text.parse().unwrap_or_else(|_| {
            self.problem(invalid, option, "Not a number of type INT");
            default
        })
    }

    fn boolean(&mut self, option: &str, default: bool) -> bool {
        let Some(text) = self.given(option) else {
            return default;
        };
        text.to_ascii_lowercase().parse().unwrap_or_else(|_| {
            let text = "Expected value to be either true or false";
            self.problem(invalid, option, text);
            default
        })
    }

    fn given(&self, option: &str) -> Option<&str> {
        let prefixed = format!("{CLIENT_PREFIX}{option}");
        let find = |name: &str| {
            let mut options = self.converter.options.iter();
            options.find_map(|(given, value)| (given == name).then_some(value.trim()))
        };
        find(&prefixed).or_else(|| find(option))
    }

    fn problem(&mut self, problem: fn(&str, &str) -> Problem, option: &str, text: &str) {
        let property = format!("{}.{option}", self.name);
        self.parser.problems.push(problem(&property, text));
    }
}

fn invalid(property: &str, text: &str) -> Problem {
    Problem::invalid(property, text)
}

/// Everything behind the first colon is the password.
fn basic_login(user_info: &str) -> Login {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    Login::Basic {
        user: user.to_owned(),
        password: password.to_owned(),
    }
}
