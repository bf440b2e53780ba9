//! Java's key and trust stores → files and PEM text that librdkafka takes.

use std::fs;
use std::path::Path;

use openssl::error::ErrorStack;
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

pub(super) enum Format {
    Pem,
    Pkcs12,
}

/// The certificates of a trust store as PEM, for a client other than librdkafka.
pub(super) fn authorities(location: &Path, store: &Store) -> Result<Vec<u8>, Error> {
    const PROPERTY: &str = "ssl.truststore.location";
    let bytes = read(PROPERTY, location)?;
    Ok(match format(PROPERTY, location, &bytes)? {
        Format::Pem => bytes,
        Format::Pkcs12 => certificates(location, &bytes, store)?.into_bytes(),
    })
}

/// The kind and the bytes of a key store, likewise.
pub(super) fn key_store(location: &Path) -> Result<(Format, Vec<u8>), Error> {
    const PROPERTY: &str = "ssl.keystore.location";
    let bytes = read(PROPERTY, location)?;
    Ok((format(PROPERTY, location, &bytes)?, bytes))
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
    let refused = |problem: &str| Error::Property {
        name: "ssl.truststore.location".to_owned(),
        problem: format!(
            "could not open {} with ssl.truststore.password: {problem}",
            location.display()
        ),
    };
    let password = store.password.as_deref().unwrap_or_default();
    let parsed = Pkcs12::from_der(bytes)
        .and_then(|archive| archive.parse2(password))
        .map_err(|error| refused(&reason(&error)))?;
    let mut pem = String::new();
    for certificate in parsed.ca.iter().flatten() {
        let bytes = certificate
            .to_pem()
            .map_err(|error| refused(&reason(&error)))?;
        pem.push_str(&String::from_utf8_lossy(&bytes));
    }
    if pem.is_empty() {
        Err(refused("it holds no certificate"))
    } else {
        Ok(pem)
    }
}

/// What OpenSSL said last; the errors before are of other attempts.
fn reason(error: &ErrorStack) -> String {
    let last = error.errors().last().and_then(|last| last.reason());
    last.unwrap_or("unknown reason").to_owned()
}

fn read(property: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::ReadStore {
        property,
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::stack::Stack;
    use openssl::x509::{X509, X509NameBuilder};

    use super::*;

    fn certificate() -> X509 {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "a test authority").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder
            .set_not_before(&Asn1Time::days_from_now(0).unwrap())
            .unwrap();
        builder
            .set_not_after(&Asn1Time::days_from_now(1).unwrap())
            .unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    fn store(directory: &Path, name: &str, content: &[u8], password: Option<&str>) -> Store {
        let location = directory.join(name);
        fs::write(&location, content).unwrap();
        Store {
            location: Some(location),
            password: password.map(str::to_owned),
        }
    }

    #[test]
    fn a_pkcs12_trust_store_becomes_pem_and_a_pkcs12_key_store_stays() {
        let directory = tempfile::tempdir().unwrap();
        let authority = certificate();
        let mut authorities = Stack::new().unwrap();
        authorities.push(authority.clone()).unwrap();
        let archive = Pkcs12::builder()
            .ca(authorities)
            .build2("changeit")
            .unwrap();
        let archive = archive.to_der().unwrap();
        let trust = store(directory.path(), "trust.jks", &archive, Some("changeit"));
        let stores = Stores {
            key: trust.clone(),
            trust,
        };
        let key_path = directory.path().join("trust.jks").display().to_string();
        let pem = String::from_utf8(authority.to_pem().unwrap()).unwrap();
        let expected = [
            ("ssl.ca.pem", pem),
            ("ssl.keystore.location", key_path),
            ("ssl.keystore.password", "changeit".to_owned()),
        ];
        assert_eq!(settings(&stores).unwrap(), expected);

        let trust = Store {
            password: Some("hush".to_owned()),
            ..stores.trust
        };
        let error = settings(&Stores {
            trust,
            key: Store::default(),
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("could not open") && !error.contains("hush"),
            "{error}"
        );
    }

    #[test]
    fn pem_files_are_handed_over_and_jks_is_refused_with_the_conversion() {
        let directory = tempfile::tempdir().unwrap();
        let pem = store(
            directory.path(),
            "ca.pem",
            &certificate().to_pem().unwrap(),
            None,
        );
        let stores = Stores {
            trust: pem.clone(),
            key: pem,
        };
        let names = settings(&stores).unwrap().into_iter().map(|(name, _)| name);
        let expected = [
            "ssl.ca.location",
            "ssl.key.location",
            "ssl.certificate.location",
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected);

        let trust = store(
            directory.path(),
            "trust.jks",
            b"\xfe\xed\xfe\xed\0\0\0\x02",
            None,
        );
        let error = settings(&Stores {
            trust,
            key: Store::default(),
        })
        .unwrap_err();
        assert!(error.to_string().contains("keytool -importkeystore") && !error.is_retriable());

        let trust = Store {
            location: Some("/nowhere/ca.pem".into()),
            password: None,
        };
        let error = settings(&Stores {
            trust,
            key: Store::default(),
        })
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("ssl.truststore.location from /nowhere/ca.pem"),
            "{error}"
        );
    }
}
