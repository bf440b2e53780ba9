//! The client against a server that answers what a test tells it, on a port of this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::*;
use crate::config::avro::RegistryTls;

/// A request: its first line, its `Authorization`, its body.
type Seen = (String, Option<String>, String);

/// Answers one request after another, then closes its port.
fn server(answers: Vec<(u16, &'static str)>) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            sender.send(read_request(&mut reader)).unwrap();
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let mut stream = reader.into_inner();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body.as_bytes()).unwrap();
        }
    });
    (url, receiver)
}

fn read_request(reader: &mut impl BufRead) -> Seen {
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut login, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                login = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (
        first.trim().to_owned(),
        login,
        String::from_utf8(body).unwrap(),
    )
}

fn client(urls: Vec<String>, login: Login) -> RegistryClient {
    RegistryClient::new(RegistryOptions {
        urls,
        login,
        max_retries: 1,
        retry_wait: Duration::from_millis(1),
        ..RegistryOptions::default()
    })
    .unwrap()
}

#[test]
fn the_three_questions_are_those_of_the_api() {
    let (url, seen) = server(vec![
        (200, r#"{"id":7}"#),
        (
            200,
            r#"{"subject":"s","version":1,"id":8,"schema":"\"int\""}"#,
        ),
        (
            200,
            r#"{"subject":"s","version":1,"id":9,"schema":"\"string\""}"#,
        ),
    ]);
    let login = Login::Basic {
        user: "u".to_owned(),
        password: "p".to_owned(),
    };
    // Behind a path, with a slash too many.
    let mut client = client(vec![format!("{url}/sr/")], login);
    assert_eq!(client.register("a b/ö-key", "\"int\"", false).unwrap(), 7);
    assert_eq!(client.find("s", "\"int\"", true).unwrap(), 8);
    let latest = Registered {
        id: 9,
        schema: "\"string\"".to_owned(),
    };
    assert_eq!(client.latest("s").unwrap(), latest);
    let login = Some("Basic dTpw".to_owned());
    let body = r#"{"schema":"\"int\""}"#.to_owned();
    let first = "POST /sr/subjects/a%20b%2F%C3%B6-key/versions?normalize=false HTTP/1.1";
    let expected = [
        (first.to_owned(), login.clone(), body.clone()),
        (
            "POST /sr/subjects/s?normalize=true&deleted=false HTTP/1.1".to_owned(),
            login.clone(),
            body,
        ),
        (
            "GET /sr/subjects/s/versions/latest HTTP/1.1".to_owned(),
            login,
            String::new(),
        ),
    ];
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_server_that_fails_is_asked_again_and_then_the_next_one() {
    let (broken, seen) = server(vec![(503, "down"), (500, "down")]);
    let (good, _answered) = server(vec![(200, r#"{"id":1}"#), (200, r#"{"id":2}"#)]);
    let token = "t".to_owned();
    let mut client = client(vec![broken, good], Login::Bearer { token });
    assert_eq!(client.register("s", "\"int\"", false).unwrap(), 1);
    let logins: Vec<_> = seen.iter().map(|(_, login, _)| login.unwrap()).collect();
    assert_eq!(logins, ["Bearer t", "Bearer t"]);
    // The one that answered stays.
    assert_eq!(client.register("s", "\"long\"", false).unwrap(), 2);
}

#[test]
fn what_somebody_has_to_repair_is_not_asked_again() {
    let secret = || Login::Bearer {
        token: "hush".to_owned(),
    };
    for (status, body, part) in [
        (401, "", "refused the login"),
        (
            404,
            r#"{"error_code":40403,"message":"Schema not found"}"#,
            "no such schema",
        ),
        (
            409,
            r#"{"error_code":409,"message":"reader lacks field x"}"#,
            "reader lacks field x",
        ),
        (
            422,
            r#"{"error_code":42201,"message":"Invalid schema"}"#,
            "Invalid schema",
        ),
        (200, "<html>", "not a Schema Registry"),
    ] {
        let (url, seen) = server(vec![(status, body)]);
        let (second, _asked) = server(vec![]);
        let error = client(vec![url, second], secret())
            .register("s", "\"int\"", false)
            .unwrap_err();
        assert!(!error.is_retriable(), "{error}");
        let text = error.to_string();
        assert!(text.contains(part) && !text.contains("hush"), "{text}");
        assert_eq!(seen.iter().count(), 1, "{status}");
    }
}

#[test]
fn a_registry_that_is_not_there_may_come() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(vec![url], Login::None)
        .register("s", "\"int\"", false)
        .unwrap_err();
    assert!(error.is_retriable());
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn a_java_key_store_is_refused_with_the_conversion() {
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().join("trust.jks");
    std::fs::write(&location, [0xfe, 0xed, 0xfe, 0xed, 0]).unwrap();
    let tls = RegistryTls {
        truststore: Some(location),
        ..RegistryTls::default()
    };
    let options = RegistryOptions {
        tls,
        ..RegistryOptions::default()
    };
    let error = RegistryClient::new(options).unwrap_err().to_string();
    assert!(error.contains("keytool -importkeystore"), "{error}");
}
