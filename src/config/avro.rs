//! Options of `io.confluent.connect.avro.AvroConverter`, and of its Schema Registry client.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvroConverterOptions {
    pub data: AvroDataOptions,
    pub registry: RegistryOptions,
    pub schemas: SchemaSource,
    /// `normalize.schemas`.
    pub normalize_schemas: bool,
    /// `key.subject.name.strategy` or `value.subject.name.strategy`.
    pub subject_names: SubjectNames,
}

/// `AvroDataConfig`: how Connect schemas become Avro schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvroDataOptions {
    /// `connect.meta.data`.
    pub connect_meta_data: bool,
    /// `scrub.invalid.names`.
    pub scrub_invalid_names: bool,
    /// `allow.optional.map.keys`.
    pub allow_optional_map_keys: bool,
    /// `ignore.default.for.nullables`.
    pub ignore_default_for_nullables: bool,
    /// `discard.type.doc.default`.
    pub discard_type_doc_default: bool,
}

impl Default for AvroDataOptions {
    fn default() -> Self {
        Self {
            connect_meta_data: true,
            scrub_invalid_names: false,
            allow_optional_map_keys: false,
            ignore_default_for_nullables: false,
            discard_type_doc_default: false,
        }
    }
}

/// Where a schema's id comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaSource {
    /// `auto.register.schemas=true`.
    #[default]
    Register,
    /// `auto.register.schemas=false`, `use.latest.version=true`.
    Latest,
    /// `auto.register.schemas=false`: somebody else has registered it.
    Find,
}

/// `io.confluent.kafka.serializers.subject.*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectNames {
    #[default]
    Topic,
    Record,
    TopicRecord,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryOptions {
    /// `schema.registry.url`, without what a URL may hold of a login.
    pub urls: Vec<String>,
    pub login: Login,
    pub tls: RegistryTls,
    /// `proxy.host` and `proxy.port`.
    pub proxy: Option<String>,
    /// `http.connect.timeout.ms`.
    pub connect_timeout: Duration,
    /// `http.read.timeout.ms`.
    pub read_timeout: Duration,
    /// `max.retries`, for each URL.
    pub max_retries: u32,
    /// `retries.wait.ms`: the first pause is shorter than this, later ones than twice, four times …
    pub retry_wait: Duration,
    /// `retries.max.wait.ms`.
    pub max_retry_wait: Duration,
}

impl Default for RegistryOptions {
    /// `SchemaRegistryClientConfig`.
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            login: Login::None,
            tls: RegistryTls::default(),
            proxy: None,
            connect_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            max_retries: 3,
            retry_wait: Duration::from_secs(1),
            max_retry_wait: Duration::from_secs(20),
        }
    }
}

#[derive(Clone, Default, PartialEq, Eq)]
pub enum Login {
    #[default]
    None,
    Basic {
        user: String,
        password: String,
    },
    Bearer {
        token: String,
    },
    /// `SASL_INHERIT`: that of a `sasl.jaas.config`.
    Sasl {
        jaas: String,
    },
}

/// Without the secrets.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Bearer { .. } => "Bearer",
            Self::Sasl { .. } => "Sasl",
        })
    }
}

/// `schema.registry.ssl.*`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RegistryTls {
    pub truststore: Option<PathBuf>,
    pub truststore_password: Option<String>,
    pub keystore: Option<PathBuf>,
    pub keystore_password: Option<String>,
    /// `ssl.key.password`.
    pub key_password: Option<String>,
    /// `ssl.endpoint.identification.algorithm` is empty: the certificate may be of another host.
    pub any_host: bool,
}

/// Without the passwords.
impl fmt::Debug for RegistryTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryTls")
            .field("truststore", &self.truststore)
            .field("keystore", &self.keystore)
            .field("any_host", &self.any_host)
            .finish_non_exhaustive()
    }
}
