//! A client's configuration in the making: one property of Java's after the other.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::rules::{self, ClientKind, Rule};
use super::{ClientProperties, ClientSettings, Store, Stores};
use crate::kafka::error::Error;
use crate::kafka::jaas;

/// librdkafka counts neither keys nor headers nor its own structures, together some 1 kB for a record with Debezium's
/// four headers. One record per so many bytes of `buffer.memory` bounds them.
const BUFFER_PER_RECORD: u64 = 1024;

pub(super) struct Translation {
    kind: ClientKind,
    settings: BTreeMap<String, String>,
    stores: Stores,
    warnings: Vec<String>,
    /// `sasl.jaas.config` or the like was given.
    mechanism: Option<String>,
    /// `compression.<codec>.level`, of which the one of the codec in use counts.
    levels: BTreeMap<String, String>,
}

impl Translation {
    pub(super) fn new(kind: ClientKind, settings: &ClientSettings) -> Self {
        let mut translation = Self {
            kind,
            settings: BTreeMap::new(),
            stores: Stores::default(),
            warnings: Vec::new(),
            mechanism: None,
            levels: BTreeMap::new(),
        };
        translation.set_all(&[
            ("bootstrap.servers", &settings.bootstrap_servers),
            ("socket.keepalive.enable", "true"),
            // An idle connection that the broker closes is no news.
            ("log.connection.close", "false"),
        ]);
        translation
    }

    pub(super) fn internal(settings: &ClientSettings, client_id: &str) -> Result<Self, Error> {
        let mut translation = Self::new(ClientKind::Internal, settings);
        let given: BTreeMap<_, _> = settings
            .client
            .iter()
            .map(|(name, value)| (name, value))
            .collect();
        for (name, value) in given {
            translation.translate("", name, value.trim())?;
        }
        translation.set("client.id", client_id);
        Ok(translation)
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    pub(super) fn set_all(&mut self, pairs: &[(&str, &str)]) {
        for (name, value) in pairs {
            self.set(name, *value);
        }
    }

    fn warn(&mut self, prefix: &str, name: &str, why: &str) {
        self.warnings.push(format!("{prefix}{name} {why}"));
    }

    /// One property as Java knows it.
    pub(super) fn translate(&mut self, prefix: &str, name: &str, value: &str) -> Result<(), Error> {
        let problem = |problem: String| Error::Property {
            name: format!("{prefix}{name}"),
            problem,
        };
        let Some(rule) = rules::find(self.kind, name) else {
            if self.kind == ClientKind::Producer {
                self.warn(
                    prefix,
                    name,
                    "is not known to a Kafka producer: it is ignored",
                );
            }
            return Ok(());
        };
        match rule {
            Rule::Same => self.set(name, value),
            Rule::Named(native) => self.set(native, value),
            Rule::LowerCase => self.set(name, value.to_lowercase()),
            Rule::Number { native, min, max } => {
                let number: i64 = value
                    .parse()
                    .map_err(|_| problem(format!("\"{value}\" is not a whole number")))?;
                let allowed = number.clamp(min, max);
                if allowed != number {
                    self.warn(
                        prefix,
                        name,
                        &format!("is set to {allowed}: librdkafka takes {min} to {max}"),
                    );
                }
                for native in native {
                    self.set(native, allowed.to_string());
                }
            }
            Rule::Ignored(why) => self.warn(prefix, name, &format!("changes nothing here: {why}")),
            Rule::Refused(why) if value.is_empty() => {
                self.warn(prefix, name, &format!("is empty and ignored ({why})"))
            }
            Rule::Refused(why) => return Err(problem(why.to_owned())),
            Rule::Special(translate) => translate(self, value).map_err(problem)?,
        }
        Ok(())
    }

    pub(super) fn set_buffer_memory(&mut self, bytes: u64) {
        self.set(
            "queue.buffering.max.kbytes",
            (bytes / 1024).clamp(1, 2_147_483_647).to_string(),
        );
        self.set(
            "queue.buffering.max.messages",
            (bytes / BUFFER_PER_RECORD)
                .clamp(1000, 2_147_483_647)
                .to_string(),
        );
    }

    /// As Connect: not idempotent, and one request at a time, so that a retry does not overtake. Asked to be idempotent, the
    /// producer keeps the order with five on the way; librdkafka's broker thread then spins while records of a partition wait
    /// behind a request of it, which costs two to three times the CPU.
    pub(super) fn decide_order(&mut self, given: &BTreeMap<&str, (&str, &str)>) {
        let value = |name: &str| given.get(name).map(|(value, _)| value.trim());
        let idempotent =
            value("enable.idempotence").is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
        self.set("enable.idempotence", idempotent.to_string());
        if value("max.in.flight.requests.per.connection").is_none() {
            self.set(
                "max.in.flight.requests.per.connection",
                if idempotent { "5" } else { "1" },
            );
        } else if !idempotent && value("max.in.flight.requests.per.connection") != Some("1") {
            self.warnings.push(
                "max.in.flight.requests.per.connection above 1 without enable.idempotence=true: a retry can change the order"
                    .to_owned(),
            );
        }
        if value("acks") == Some("0") {
            self.warnings.push(
                "acks=0: records are confirmed to PostgreSQL although Kafka may not have them"
                    .to_owned(),
            );
        }
    }

    pub(super) fn finish(mut self) -> Result<ClientProperties, Error> {
        self.check_sasl()?;
        if let Some(level) = self
            .settings
            .get("compression.type")
            .and_then(|codec| self.levels.get(codec))
        {
            self.settings
                .insert("compression.level".to_owned(), level.clone());
        }
        if self
            .settings
            .get("bootstrap.servers")
            .is_none_or(|servers| servers.trim().is_empty())
        {
            let problem = "no Kafka broker is named".to_owned();
            return Err(Error::Property {
                name: "bootstrap.servers".to_owned(),
                problem,
            });
        }
        Ok(ClientProperties {
            settings: self.settings,
            stores: self.stores,
            warnings: self.warnings,
        })
    }

    fn check_sasl(&self) -> Result<(), Error> {
        let uses_sasl = self
            .settings
            .get("security.protocol")
            .is_some_and(|protocol| protocol.starts_with("sasl_"));
        let refuse = |name: &str, problem: &str| {
            Err(Error::Property {
                name: name.to_owned(),
                problem: problem.to_owned(),
            })
        };
        match (uses_sasl, self.mechanism.as_deref()) {
            (false, _) => Ok(()),
            (true, None | Some("GSSAPI")) => refuse(
                "sasl.mechanism",
                "GSSAPI (Kerberos), Java's default, is not built in: use SCRAM or PLAIN",
            ),
            (true, Some("PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512")) => {
                if self.settings.contains_key("sasl.username") {
                    Ok(())
                } else {
                    refuse("sasl.jaas.config", "it must name username and password")
                }
            }
            (true, Some(_)) => refuse(
                "sasl.mechanism",
                "only PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are built in",
            ),
        }
    }
}

// Translations that are more than a name, called from `rules`. `Err` holds the problem without the value.
impl Translation {
    pub(super) fn acks(&mut self, value: &str) -> Result<(), String> {
        match value {
            "all" | "-1" | "0" | "1" => self.set("acks", value),
            _ => return Err("only all, -1, 0 and 1 are legal".to_owned()),
        }
        Ok(())
    }

    pub(super) fn buffer_memory(&mut self, value: &str) -> Result<(), String> {
        self.set_buffer_memory(
            value
                .parse()
                .map_err(|_| "it must be a number of bytes".to_owned())?,
        );
        Ok(())
    }

    /// Java's largest value means for ever; librdkafka says 0.
    pub(super) fn delivery_timeout(&mut self, value: &str) -> Result<(), String> {
        let timeout: u32 = value
            .parse()
            .map_err(|_| "it must be a number of milliseconds".to_owned())?;
        let for_ever = timeout >= i32::MAX.cast_unsigned();
        self.set(
            "message.timeout.ms",
            if for_ever { 0 } else { timeout.max(1) }.to_string(),
        );
        Ok(())
    }

    pub(super) fn partitioner_ignore_keys(&mut self, value: &str) -> Result<(), String> {
        if value.eq_ignore_ascii_case("true") {
            self.set("partitioner", "random");
        }
        Ok(())
    }

    pub(super) fn compression_level(
        &mut self,
        codec: &str,
        value: &str,
        range: RangeInclusive<i32>,
    ) -> Result<(), String> {
        let level: i32 = value
            .parse()
            .map_err(|_| "it must be a number".to_owned())?;
        self.levels.insert(
            codec.to_owned(),
            level.clamp(*range.start(), *range.end()).to_string(),
        );
        Ok(())
    }

    pub(super) fn mechanism(&mut self, value: &str) -> Result<(), String> {
        self.mechanism = Some(value.to_owned());
        self.set("sasl.mechanism", value);
        Ok(())
    }

    pub(super) fn jaas_config(&mut self, value: &str) -> Result<(), String> {
        let login = jaas::parse(value)?;
        self.set("sasl.username", login.username);
        self.set("sasl.password", login.password);
        Ok(())
    }

    pub(super) fn endpoint_identification(&mut self, value: &str) -> Result<(), String> {
        match value.to_lowercase().as_str() {
            "" => self.set("ssl.endpoint.identification.algorithm", "none"),
            "https" => self.set("ssl.endpoint.identification.algorithm", "https"),
            _ => return Err("only https and an empty value are legal".to_owned()),
        }
        Ok(())
    }

    pub(super) fn trust_store(&mut self) -> &mut Store {
        &mut self.stores.trust
    }

    pub(super) fn key_store(&mut self) -> &mut Store {
        &mut self.stores.key
    }
}
