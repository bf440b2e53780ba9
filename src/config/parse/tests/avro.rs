//! Options of AvroConverter.

use super::{messages, with, with_worker, worker_with};
use crate::config::avro::{AvroConverterOptions, Login, SchemaSource, SubjectNames};
use crate::config::connector::ConverterConfig;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
const URL: &str = "value.converter.schema.registry.url";

fn avro(more: &[(&str, &str)]) -> (AvroConverterOptions, Vec<String>) {
    let given = [&[("value.converter", AVRO)], more].concat();
    let checked = with(&given).unwrap();
    let ConverterConfig::Avro(options) = checked.connector.value_converter else {
        panic!("an AvroConverter was asked for")
    };
    (*options, checked.warnings)
}

#[test]
fn without_more_options_the_defaults_of_confluent_apply() {
    let (options, warnings) = avro(&[(URL, "http://a:8081, https://b/sr")]);
    let mut expected = AvroConverterOptions::default();
    expected.registry.urls = vec!["http://a:8081".to_owned(), "https://b/sr".to_owned()];
    assert_eq!(options, expected);
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_login_comes_from_the_url_or_from_where_the_source_says() {
    let basic = Login::Basic {
        user: "u".to_owned(),
        password: "p:q".to_owned(),
    };
    let (options, _) = avro(&[(URL, "https://u:p:q@a,https://b")]);
    assert_eq!(options.registry.urls, ["https://a", "https://b"]);
    assert_eq!(options.registry.login, basic);
    let source = "value.converter.basic.auth.credentials.source";
    for info in [
        "basic.auth.user.info",
        "schema.registry.basic.auth.user.info",
    ] {
        let name = format!("value.converter.{info}");
        let (options, _) = avro(&[(URL, "https://a"), (source, "USER_INFO"), (&name, "u:p:q")]);
        assert_eq!(options.registry.login, basic);
    }
    let (options, warnings) = avro(&[
        (URL, "https://a"),
        (
            "value.converter.bearer.auth.credentials.source",
            "STATIC_TOKEN",
        ),
        ("value.converter.bearer.auth.token", "hush"),
        ("value.converter.schemas.enable", "true"),
    ]);
    assert!(!format!("{options:?} {warnings:?}").contains("hush"));
    assert_eq!(warnings.len(), 1, "schemas.enable: {warnings:?}");
}

#[test]
fn where_ids_come_from_and_what_subjects_are_called_is_read() {
    let (options, _) = avro(&[
        (URL, "http://a"),
        ("value.converter.auto.register.schemas", "false"),
        ("value.converter.use.latest.version", "true"),
        (
            "value.converter.value.subject.name.strategy",
            "io.confluent.kafka.serializers.subject.RecordNameStrategy",
        ),
    ]);
    assert_eq!(options.schemas, SchemaSource::Latest);
    assert_eq!(options.subject_names, SubjectNames::Record);
}

#[test]
fn what_would_change_records_and_is_not_there_is_refused() {
    for (option, value) in [
        ("schema.registry.url", ""),
        ("schema.registry.url", "a:8081"),
        ("use.schema.id", "5"),
        ("rule.executors", "encrypt"),
        ("value.subject.name.strategy", "com.example.Mine"),
        ("bearer.auth.credentials.source", "OAUTHBEARER"),
        ("basic.auth.credentials.source", "USER_INFO"),
        ("max.retries", "many"),
        ("connect.meta.data", "yes"),
    ] {
        let name = format!("value.converter.{option}");
        let given = [("value.converter", AVRO), (URL, "http://a"), (&name, value)];
        assert_eq!(messages(with(&given)).len(), 1, "{option}");
    }
}

#[test]
fn the_workers_converter_brings_its_own_options() {
    let worker = worker_with(&[
        ("KEY_CONVERTER", AVRO),
        ("CONNECT_KEY_CONVERTER_SCHEMA_REGISTRY_URL", "http://w"),
    ]);
    let checked = with_worker(&[], &worker).unwrap();
    let ConverterConfig::Avro(options) = checked.connector.key_converter else {
        panic!("the worker's converter counts")
    };
    assert_eq!(options.registry.urls, ["http://w"]);
}
