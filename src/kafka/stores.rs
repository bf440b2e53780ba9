//! Java's key and trust stores → files and PEM text that librdkafka takes.

use std::fs;
use std::path::Path;

use openssl::pkcs12::Pkcs12;

use super::error::Error;
use super::properties::{Store, Stores};

/// librdkafka's settings for the stores, whose kind is told by the first bytes of the files, as Java's default type does.
pub(super) fn settings(stores: &Stores) -> Result<Vec<(&'static str, String)>, Error> {
    let mut settings = Vec::new();
    if let Some(location) = &stores.trust.location {
        settings.push(trust_setting(location, &stores.trust)?);
    }
    if let Some(location) = &stores.key.location {
        settings.extend(key_settings(location, &stores.key)?);
    }
    Ok(settings)
}

enum Format {
    Pem,
    Pkcs12,
}

fn trust_setting(location: &Path, store: &Store) -> Result<(&'static str, String), Error> {
    const PROPERTY: &str = "ssl.truststore.location";
    let bytes = read(PROPERTY, location)?;
    Ok(match format(PROPERTY, location, &bytes)? {
        Format::Pem => ("ssl.ca.location", location.display().to_string()),
        Format::Pkcs12 => ("ssl.ca.pem", certificates(location, &bytes, store)?),
    })
}

fn key_settings(location: &Path, store: &Store) -> Result<Vec<(&'static str, String)>, Error> {
    const PROPERTY: &str = "ssl.keystore.location";
    let path = location.display().to_string();
    Ok(
        match format(PROPERTY, location, &read(PROPERTY, location)?)? {
            // One file holds the key and the chain (KIP-651).
            Format::Pem => vec![
                ("ssl.key.location", path.clone()),
                ("ssl.certificate.location", path),
            ],
            Format::Pkcs12 => {
                vec![
                    ("ssl.keystore.location", path),
                    (
                        "ssl.keystore.password",
                        store.password.clone().unwrap_or_default(),
                    ),
                ]
            }
        },
    )
}

fn format(property: &'static str, location: &Path, bytes: &[u8]) -> Result<Format, Error> {
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Err(Error::Property {
            name: property.to_owned(),
            problem: format!(
                "{} is a Java key store (JKS); convert it with: keytool -importkeystore -srckeystore {} -destkeystore \
                 {} -deststoretype PKCS12",
                location.display(),
                location.display(),
                location.with_extension("p12").display(),
            ),
        }),
        [0x30, ..] => Ok(Format::Pkcs12),
        _ => Ok(Format::Pem),
    }
}

/// All certificates of a PKCS12 trust store as PEM.
fn certificates(location: &Path, bytes: &[u8], store: &Store) -> Result<String, Error> {
    let refused = |problem: String| Error::Property {
        name: "ssl.truststore.location".to_owned(),
        problem: format!(
            "could not open {} with ssl.truststore.password: {problem}",
            location.display()
        ),
    };
    let password = store.password.as_deref().unwrap_or_default();
    let parsed = Pkcs12::from_der(bytes)
        .and_then(|archive| archive.parse2(password))
        .map_err(|error| refused(error.to_string()))?;
    let mut pem = String::new();
    for certificate in parsed.ca.iter().flatten() {
        let bytes = certificate
            .to_pem()
            .map_err(|error| refused(error.to_string()))?;
        pem.push_str(&String::from_utf8_lossy(&bytes));
    }
    if pem.is_empty() {
        Err(refused("it holds no certificate".to_owned()))
    } else {
        Ok(pem)
    }
}

fn read(property: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::ReadStore {
        property,
        path: path.to_owned(),
        source,
    })
}
