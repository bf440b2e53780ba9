//! `sasl.jaas.config`: the login of PLAIN and SCRAM. Pure.
//!
//! ```text
//! org.apache.kafka.common.security.scram.ScramLoginModule required username="…" password="…";
//! ```
//! The grammar is that of `JaasConfig`, which reads it with Java's `StreamTokenizer`.

use std::iter::Peekable;
use std::str::Chars;

pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

/// # Errors
///
/// What is wrong, without any part of the text that could be a secret.
pub(super) fn parse(config: &str) -> Result<Login, String> {
    let tokens = tokens(config)?;
    let mut tokens = tokens.iter().map(String::as_str);
    let module = tokens.next().ok_or("it is empty")?;
    if !module.ends_with(".PlainLoginModule") && !module.ends_with(".ScramLoginModule") {
        return Err(format!(
            "login module {module} is not built in, only PlainLoginModule and ScramLoginModule are"
        ));
    }
    if !tokens
        .next()
        .is_some_and(|flag| ["required", "requisite", "sufficient", "optional"].contains(&flag))
    {
        return Err("the login module must be followed by \"required\"".to_owned());
    }
    let (mut username, mut password) = (None, None);
    loop {
        match tokens.next() {
            Some(";") => break,
            None => return Err("it must end with a semicolon".to_owned()),
            Some(option) => {
                let (Some("="), Some(value)) = (tokens.next(), tokens.next()) else {
                    return Err("every option must be name=\"value\"".to_owned());
                };
                match option {
                    "username" => username = Some(value.to_owned()),
                    "password" => password = Some(value.to_owned()),
                    "tokenauth" if value != "true" => {}
                    _ => {
                        return Err(format!(
                            "option {option} is not supported, only username and password are"
                        ));
                    }
                }
            }
        }
    }
    Ok(Login {
        username: username.ok_or("username is missing")?,
        password: password.ok_or("password is missing")?,
    })
}

/// Words, quoted words, `=` and `;`.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '"' | '\'' => tokens.push(quoted(first, &mut rest)?),
            '=' | ';' => tokens.push(first.to_string()),
            _ if first.is_whitespace() => {}
            _ => {
                let mut word = first.to_string();
                while let Some(next) =
                    rest.next_if(|next| !next.is_whitespace() && !"=;\"'".contains(*next))
                {
                    word.push(next);
                }
                tokens.push(word);
            }
        }
    }
    Ok(tokens)
}

fn quoted(quote: char, rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match rest.next() {
            Some(end) if end == quote => return Ok(text),
            Some('\\') => match rest.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => return Err("a quote is not closed".to_owned()),
            },
            Some(other) => text.push(other),
            None => return Err("a quote is not closed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";

    fn login(config: &str) -> Option<(String, String)> {
        parse(config)
            .ok()
            .map(|login| (login.username, login.password))
    }

    #[test]
    fn quotes_escapes_and_bare_words_are_read_like_java_reads_them() {
        let expected = Some(("me".to_owned(), r#"a"b\c;=d"#.to_owned()));
        assert_eq!(
            login(&format!(
                r#"{SCRAM} required username="me" password="a\"b\\c;=d";"#
            )),
            expected
        );
        assert_eq!(
            login(&format!(
                "{SCRAM} required\n  username = 'me'\n  password='a\"b\\\\c;=d' ;"
            )),
            expected
        );
        assert_eq!(
            login(&format!("{SCRAM} required username=me password=x-y_z;")),
            Some(("me".into(), "x-y_z".into()))
        );
    }

    #[test]
    fn what_is_missing_is_named_and_the_password_is_not() {
        for (config, problem) in [
            ("", "it is empty"),
            (
                "com.example.AwsLogin required;",
                "login module com.example.AwsLogin",
            ),
            (
                &format!("{SCRAM} username=\"u\" password=\"hush\";"),
                "followed by \"required\"",
            ),
            (
                &format!("{SCRAM} required username=\"u\" password=\"hush\""),
                "semicolon",
            ),
            (
                &format!("{SCRAM} required username=\"u\" password=\"hush;"),
                "not closed",
            ),
            (
                &format!("{SCRAM} required password=\"hush\";"),
                "username is missing",
            ),
            (
                &format!("{SCRAM} required username=\"u\" password \"hush\";"),
                "name=\"value\"",
            ),
            (
                &format!("{SCRAM} required username=\"u\" password=\"hush\" tokenauth=\"true\";"),
                "option tokenauth",
            ),
        ] {
            let error = parse(config).err().unwrap();
            assert!(
                error.contains(problem) && !error.contains("hush"),
                "{config}: {error}"
            );
        }
    }
}
