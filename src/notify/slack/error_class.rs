//! What an answer of Slack means for the message: by the error string in the body, and only then by the HTTP status.
//!
//! Slack answers most errors of its methods with status 200 and `"ok":false`; webhooks answer with a word of text, and the
//! status that goes with a word differs between installations.

use std::time::Duration;

use super::limits::{QUOTA_WAIT, RETRY_AFTER_CAP, RETRY_AFTER_DEFAULT, RETRY_AFTER_FLOOR};

/// What to do with the message that was answered with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Too fast: the same message later, which is no attempt.
    Wait,
    /// The workspace is full: as `Wait`, in long steps, and the operator must know.
    Quota,
    /// Surely not delivered: the same message after a back-off.
    Transient,
    /// Perhaps delivered.
    Unknown,
    /// The destination is closed until an operator repairs it: its queue is kept.
    DestinationBroken,
    /// This message will never be accepted as it is.
    MessageBroken,
    /// What it answers to or edits is gone or locked: a new message instead.
    ThreadBroken,
}

/// An error answer that was received whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    pub class: ErrorClass,
    /// Slack's word when we know it, else `other`: safe as a metric label.
    pub label: &'static str,
    pub wait: Duration,
    /// Slack asked for a longer wait than we accept.
    pub wait_was_cut: bool,
}

/// Slack's words, from its reference of `chat.postMessage`, `chat.update` and of incoming webhooks.
const WORDS: [(ErrorClass, &[&str]); 7] = [
    (
        ErrorClass::Wait,
        &["ratelimited", "rate_limited", "rollup_rate_limited"],
    ),
    (ErrorClass::Quota, &["message_limit_exceeded"]),
    (
        ErrorClass::Transient,
        &[
            "request_timeout",
            "service_unavailable",
            "team_added_to_org",
            "external_channel_migrating",
        ],
    ),
    (
        ErrorClass::Unknown,
        &["fatal_error", "internal_error", "rollup_error"],
    ),
    (
        ErrorClass::DestinationBroken,
        &[
            "access_denied",
            "accesslimited",
            "account_inactive",
            "action_prohibited",
            "channel_is_archived",
            "channel_not_found",
            "ekm_access_denied",
            "enterprise_is_restricted",
            "invalid_auth",
            "invalid_token",
            "is_archived",
            "messages_tab_disabled",
            "missing_scope",
            "no_active_hooks",
            "no_permission",
            "no_service",
            "no_service_id",
            "no_team",
            "not_allowed_token_type",
            "not_authed",
            "not_in_channel",
            "org_login_required",
            "posting_to_general_channel_denied",
            "restricted_action",
            "restricted_action_read_only_channel",
            "team_access_not_granted",
            "team_disabled",
            "team_not_found",
            "token_expired",
            "token_revoked",
            "two_factor_setup_required",
            "user_not_found",
        ],
    ),
    (
        ErrorClass::MessageBroken,
        &[
            "attachment_payload_limit_exceeded",
            "invalid_arg_name",
            "invalid_arguments",
            "invalid_array_arg",
            "invalid_attachments",
            "invalid_blocks",
            "invalid_blocks_format",
            "invalid_charset",
            "invalid_form_data",
            "invalid_json",
            "invalid_metadata_format",
            "invalid_metadata_schema",
            "invalid_payload",
            "invalid_post_type",
            "markdown_text_conflict",
            "metadata_must_be_sent_from_app",
            "metadata_too_large",
            "missing_post_type",
            "msg_blocks_too_long",
            "msg_too_long",
            "no_text",
            "too_many_attachments",
        ],
    ),
    (
        ErrorClass::ThreadBroken,
        &[
            "block_mismatch",
            "cannot_reply_to_message",
            "cant_update_message",
            "edit_window_closed",
            "is_inactive",
            "message_not_found",
            "restricted_action_non_threadable_channel",
            "restricted_action_thread_locked",
            "restricted_action_thread_only_channel",
            "thread_not_found",
            "update_failed",
        ],
    ),
];

/// The class and the label of Slack's word; an unknown word is taken as a fault of the message.
pub fn class_of_word(word: &str) -> (ErrorClass, &'static str) {
    known_word(word).unwrap_or((ErrorClass::MessageBroken, "other"))
}

/// The class of an answer that is not a success. `word` is the error of the JSON body, or the text of a webhook's.
///
/// An unknown word counts only where Slack itself speaks: an HTML page of a proxy is judged by its status.
pub fn classify(status: u16, word: Option<&str>, retry_after: RetryAfter<'_>) -> ErrorAnswer {
    let (class, label) = match word.and_then(known_word) {
        Some(known) => known,
        None => class_of_status(status, word),
    };
    let (wait, wait_was_cut) = match class {
        ErrorClass::Wait => retry_after.wait(),
        ErrorClass::Quota => (QUOTA_WAIT, false),
        ErrorClass::Transient
        | ErrorClass::Unknown
        | ErrorClass::DestinationBroken
        | ErrorClass::MessageBroken
        | ErrorClass::ThreadBroken => (Duration::ZERO, false),
    };
    ErrorAnswer {
        class,
        label,
        wait,
        wait_was_cut,
    }
}

/// How long Slack asks us to wait: the header, else the number in the body.
#[derive(Clone, Copy, Debug, Default)]
pub struct RetryAfter<'a> {
    pub header: Option<&'a str>,
    pub body: Option<u64>,
}

impl RetryAfter<'_> {
    /// Never below a second, never above the cap, 30 s when nothing readable was said; and whether it was cut.
    fn wait(self) -> (Duration, bool) {
        let header = self.header.and_then(|text| text.trim().parse::<u64>().ok());
        let asked = header
            .or(self.body)
            .map_or(RETRY_AFTER_DEFAULT, Duration::from_secs);
        (
            asked.clamp(RETRY_AFTER_FLOOR, RETRY_AFTER_CAP),
            asked > RETRY_AFTER_CAP,
        )
    }
}

fn known_word(word: &str) -> Option<(ErrorClass, &'static str)> {
    WORDS.iter().find_map(|(class, words)| {
        let label = words.iter().find(|known| **known == word)?;
        Some((*class, *label))
    })
}

fn class_of_status(status: u16, word: Option<&str>) -> (ErrorClass, &'static str) {
    match status {
        429 => (ErrorClass::Wait, "http_429"),
        503 => (ErrorClass::Transient, "http_503"),
        408 => (ErrorClass::Transient, "http_408"),
        500..=599 => (ErrorClass::Unknown, "http_5xx"),
        // A redirect is never followed: somebody stands between us and Slack.
        300..=399 => (ErrorClass::DestinationBroken, "http_3xx"),
        401 | 403 | 404 | 407 | 410 => (ErrorClass::DestinationBroken, "http_4xx"),
        _ if word.is_some() => (ErrorClass::MessageBroken, "other"),
        400..=499 => (ErrorClass::MessageBroken, "http_4xx"),
        // A success without Slack's answer in it: cut short, or a page of a proxy.
        _ => (ErrorClass::Unknown, "unreadable_answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, word: Option<&str>) -> ErrorClass {
        classify(status, word, RetryAfter::default()).class
    }

    #[test]
    fn the_word_decides_before_the_status() {
        assert_eq!(class(200, Some("ratelimited")), ErrorClass::Wait);
        assert_eq!(
            class(500, Some("invalid_payload")),
            ErrorClass::MessageBroken
        );
        assert_eq!(
            class(404, Some("no_service")),
            ErrorClass::DestinationBroken
        );
        assert_eq!(class(500, Some("rollup_error")), ErrorClass::Unknown);
    }

    #[test]
    fn an_answer_without_a_word_is_judged_by_its_status() {
        assert_eq!(class(429, None), ErrorClass::Wait);
        assert_eq!(class(503, None), ErrorClass::Transient);
        assert_eq!(class(502, None), ErrorClass::Unknown);
        assert_eq!(class(302, None), ErrorClass::DestinationBroken);
        assert_eq!(class(410, None), ErrorClass::DestinationBroken);
        assert_eq!(class(400, None), ErrorClass::MessageBroken);
        assert_eq!(class(200, None), ErrorClass::Unknown);
    }

    #[test]
    fn an_unknown_word_is_a_broken_message_and_never_a_label() {
        let answer = classify(200, Some("brand_new_error"), RetryAfter::default());
        assert_eq!(answer.class, ErrorClass::MessageBroken);
        assert_eq!(answer.label, "other");
        assert_eq!(class_of_word("brand_new_error").1, "other");
    }

    #[test]
    fn retry_after_has_a_default_a_floor_and_a_cap() {
        let wait = |header, body| RetryAfter { header, body }.wait();
        let seconds = Duration::from_secs;
        assert_eq!(wait(Some("3"), None), (seconds(3), false));
        assert_eq!(wait(None, Some(7)), (seconds(7), false));
        assert_eq!(wait(Some("soon"), Some(7)), (seconds(7), false));
        assert_eq!(wait(None, None), (seconds(30), false));
        assert_eq!(wait(Some("soon"), None), (seconds(30), false));
        assert_eq!(wait(Some("0"), None), (seconds(1), false));
        assert_eq!(wait(Some("86400"), None), (RETRY_AFTER_CAP, true));
    }

    #[test]
    fn no_word_stands_in_two_classes() {
        let mut seen = std::collections::HashSet::new();
        for word in WORDS.iter().flat_map(|(_, words)| words.iter()) {
            assert!(seen.insert(word), "{word}");
        }
    }
}
