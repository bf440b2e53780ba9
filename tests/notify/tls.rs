//! Whose Slack is believed: certificates of a test's own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

use super::check::{check_with, lines};
use super::{PAID, Stage};

struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

/// For `name`, valid from so many days from now until so many days from now; signed by `issuer`, or by itself.
fn identity(name: &str, days: (i64, i64), issuer: Option<&Identity>) -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let day = |days: i64| Asn1Time::from_unix(now.as_secs().cast_signed() + days * 86_400).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(u32::try_from(name.len()).unwrap() + 1).unwrap();
    builder
        .set_serial_number(&serial.to_asn1_integer().unwrap())
        .unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&day(days.0)).unwrap();
    builder.set_not_after(&day(days.1)).unwrap();
    let issuer_name = issuer.map_or(&*subject, |issuer| issuer.certificate.subject_name());
    builder.set_issuer_name(issuer_name).unwrap();
    if issuer.is_none() {
        let authority = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(authority).unwrap();
    }
    let names = SubjectAlternativeName::new()
        .dns(name)
        .build(&builder.x509v3_context(issuer.map(|issuer| &*issuer.certificate), None))
        .unwrap();
    builder.append_extension(names).unwrap();
    let signer = issuer.map_or(&key, |issuer| &issuer.key);
    builder.sign(signer, MessageDigest::sha256()).unwrap();
    Identity {
        certificate: builder.build(),
        key,
    }
}

/// A Slack that says yes to everybody who believes it; where it listens.
fn serve(identity: &Identity) -> u16 {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&identity.certificate).unwrap();
    acceptor.set_private_key(&identity.key).unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            socket
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            if let Ok(mut stream) = acceptor.accept(socket) {
                answer(&mut stream);
            }
        }
    });
    port
}

fn answer(stream: &mut SslStream<TcpStream>) {
    const BODY: &str = r#"{"ok":true,"messages":[]}"#;
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let length = BODY.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{BODY}").as_bytes()).ok();
    stream.shutdown().ok();
}

#[test]
fn only_a_valid_certificate_of_a_known_authority_for_this_host_is_believed() {
    let stage = Stage::set(PAID).full_identity();
    let authority = identity("authority.test", (-1, 9), None);
    let file = stage.dir.path().join("authority.pem");
    fs::write(&file, authority.certificate.to_pem().unwrap()).unwrap();
    let known = [("SSL_CERT_FILE", file.to_str().unwrap())];
    let plain = format!("{}/api", stage.slack.address);
    let text = fs::read_to_string(stage.file()).unwrap();
    let check = |identity: &Identity, environment: &[(&str, &str)]| {
        let api_base = format!("https://localhost:{}/api", serve(identity));
        fs::write(stage.file(), text.replace(&plain, &api_base)).unwrap();
        // A busy machine does not shake hands in time at once.
        let tries = (0..4).map(|_| check_with(&stage, environment));
        let tries = tries.map(|(code, findings)| (code, lines(&findings)));
        let is_timely =
            |(_, found): &(_, Vec<String>)| !found.iter().any(|line| line.contains("timeout"));
        tries.into_iter().find(is_timely).unwrap()
    };
    let good = identity("localhost", (-1, 9), Some(&authority));
    assert_eq!(check(&good, &known), (Some(0), Vec::new()));
    let expired = identity("localhost", (-9, -1), Some(&authority));
    let early = identity("localhost", (1, 9), Some(&authority));
    let elsewhere = identity("slack.test", (-1, 9), Some(&authority));
    let own = identity("localhost", (-1, 9), None);
    for (name, identity, environment) in [
        ("unknown authority", &good, &[][..]),
        ("expired", &expired, &known),
        ("not valid yet", &early, &known),
        ("another host", &elsewhere, &known),
        ("self-signed", &own, &known),
    ] {
        let (code, found) = check(identity, environment);
        assert_eq!((code, found.len()), (Some(1), 1), "{name}: {found:#?}");
        assert!(
            found[0].contains("\"ops\" cannot be reached: connect"),
            "{name}: {found:#?}"
        );
    }
}
