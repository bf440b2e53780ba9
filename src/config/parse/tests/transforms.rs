//! `transforms` and `predicates`: texts of Connect's `ConnectorConfig`.

use super::*;
use crate::config::connector::PredicateUse;

#[test]
fn transforms_and_predicates_keep_their_order_and_options() {
    for (text, class) in [
        (ANALYTICS, "io.debezium.transforms.ExtractNewRecordState"),
        (OUTBOX, "io.debezium.transforms.outbox.EventRouter"),
    ] {
        let checked = check(text).unwrap();
        assert_eq!(checked.connector.transforms[0].class, class);
        assert!(
            checked.connector.needs_tree()
                && !checked.warnings.iter().any(|w| w.contains("transforms"))
        );
    }
    let config = with(&[
        ("transforms", "b , a"),
        ("transforms.a.type", "A"),
        ("transforms.a.password", "geheim"),
        ("transforms.b.type", "B$Value"),
        ("transforms.b.predicate", "p"),
        ("transforms.b.negate", "TRUE"),
        ("predicates", "p"),
        ("predicates.p.type", "P"),
        ("predicates.p.pattern", "x.*"),
    ])
    .unwrap()
    .connector;
    let [b, a] = &config.transforms[..] else {
        panic!("{config:?}")
    };
    assert_eq!(
        (b.name.as_str(), b.class.as_str(), b.options.len()),
        ("b", "B$Value", 0)
    );
    assert_eq!(a.options["password"], "geheim");
    let predicate = PredicateUse {
        name: "p".to_owned(),
        negate: true,
    };
    assert_eq!(
        (b.predicate.as_ref(), &a.predicate),
        (Some(&predicate), &None)
    );
    assert_eq!(config.predicates[0].options["pattern"], "x.*");
    let debug = format!("{config:?}");
    assert!(
        debug.contains("password") && !debug.contains("geheim"),
        "{debug}"
    );
}

#[test]
fn transforms_are_judged_as_connect_does() {
    let given: [(&[(&str, &str)], &str); 7] = [
        (
            &[("transforms", "a")],
            "Missing required configuration \"transforms.a.type\" which has no default value.",
        ),
        (
            &[("transforms", "a,a"), ("transforms.a.type", "A")],
            "Invalid value [a,a] for configuration transforms: Duplicate alias provided.",
        ),
        (
            &[
                ("transforms", "a"),
                ("transforms.a.type", "A"),
                ("transforms.a.negate", "true"),
            ],
            "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a predicate to be negated.",
        ),
        (
            &[
                ("transforms", "a"),
                ("transforms.a.type", "A"),
                ("transforms.a.predicate", "p"),
            ],
            "Invalid value p for configuration transforms.a.predicate: it is not listed in \"predicates\"",
        ),
        (
            &[("predicates", "p")],
            "Missing required configuration \"predicates.p.type\" which has no default value.",
        ),
        (
            &[
                ("transforms", "a"),
                ("transforms.a.type", "A"),
                ("transforms.a.predicate", "p"),
                ("transforms.a.negate", "yes"),
                ("predicates", "p"),
                ("predicates.p.type", "P"),
            ],
            "Invalid value yes for configuration transforms.a.negate: Expected value to be either true or false",
        ),
        (
            &[("errors.tolerance", "some")],
            "Invalid value some for configuration errors.tolerance: String must be one of: none, all",
        ),
    ];
    for (settings, text) in given {
        assert_eq!(messages(with(settings)), [text]);
    }
    let scripted = [
        ("transforms", "a"),
        ("transforms.a.type", "io.debezium.transforms.Filter"),
    ];
    assert!(messages(with(&scripted))[0].contains("row filter of the publication"));
    let sized = [
        ("transforms", "a"),
        (
            "transforms.a.type",
            "io.debezium.transforms.EnforceRecordSize",
        ),
    ];
    assert!(messages(with(&sized))[0].contains("column.truncate.to.N.chars"));
    let warnings = with(&[("transforms.b.field", "x"), ("errors.tolerance", "all")])
        .unwrap()
        .warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.starts_with("\"transforms.b.field\" has no effect"))
    );
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("errors.tolerance=all"))
    );
}
