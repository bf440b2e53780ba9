//! `schema.registry.ssl.*` → TLS of the HTTP client.

use std::path::Path;

use openssl::pkey::PKey;
use reqwest::{Certificate, ClientBuilder, Identity};

use crate::config::avro::RegistryTls;
use crate::kafka::error::Error;
use crate::kafka::properties::Store;
use crate::kafka::stores::{self, Format};

/// A trust store takes the place of the system's authorities, as in Java.
pub(super) fn configure(
    mut builder: ClientBuilder,
    tls: &RegistryTls,
) -> Result<ClientBuilder, Error> {
    if let Some(location) = &tls.truststore {
        let store = Store {
            location: Some(location.clone()),
            password: tls.truststore_password.clone(),
        };
        let pem = stores::authorities(location, &store)?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| refused("truststore", location, "it holds no PEM certificates"))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(location) = &tls.keystore {
        builder = builder.identity(identity(location, tls)?);
    }
    Ok(builder.tls_danger_accept_invalid_hostnames(tls.any_host))
}

fn identity(location: &Path, tls: &RegistryTls) -> Result<Identity, Error> {
    let (format, bytes) = stores::key_store(location)?;
    let password = tls.keystore_password.as_deref().unwrap_or_default();
    match format {
        Format::Pkcs12 => Identity::from_pkcs12_der(&bytes, password).map_err(|_| {
            let problem = "it does not open with schema.registry.ssl.keystore.password";
            refused("keystore", location, problem)
        }),
        Format::Pem => {
            let key = unlocked(&bytes, tls.key_password.as_deref().unwrap_or(password));
            let key = key.ok_or_else(|| {
                let problem =
                    "it holds no private key, or none that opens with schema.registry.ssl.key.password";
                refused("keystore", location, problem)
            })?;
            Identity::from_pkcs8_pem(&bytes, &key)
                .map_err(|_| refused("keystore", location, "it holds no certificate chain"))
        }
    }
}

/// The private key of a PEM file as PKCS8.
fn unlocked(pem: &[u8], password: &str) -> Option<Vec<u8>> {
    let key = PKey::private_key_from_pem_passphrase(pem, password.as_bytes()).ok()?;
    key.private_key_to_pem_pkcs8().ok()
}

fn refused(store: &str, location: &Path, problem: &str) -> Error {
    Error::Property {
        name: format!("schema.registry.ssl.{store}.location"),
        problem: format!("could not use {}: {problem}", location.display()),
    }
}
