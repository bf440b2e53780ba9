//! Notices for tests.

use jiff::Timestamp;

use super::digest::DEFAULT_TOP;
use super::notice::{
    Commit, Content, Conversation, ConversationMode, DeliveryOrigin, Notice, Operation, RowChange,
    Severity,
};
use crate::postgres::Lsn;

/// The `number`th change of row `key`, told to `destination` by rule `failed`.
pub(super) fn notice(destination: &str, key: &str, number: u64) -> Notice {
    let origin = DeliveryOrigin {
        system_identifier: "7000",
        slot: "walstreet",
        commit_lsn: Lsn(number * 100),
        ordinal: 0,
        rule: "failed",
        destination,
    };
    Notice {
        id: origin.id(),
        rule: "failed".to_owned(),
        rule_version: "1".to_owned(),
        destination: destination.to_owned(),
        severity: Severity::Info,
        mentions: Vec::new(),
        conversation: Conversation::default(),
        commit: Commit {
            lsn: Lsn(number * 100),
            xid: number,
            committed_at: Timestamp::from_second(1_700_000_000).unwrap(),
        },
        repeats: 0,
        held_until: None,
        top: DEFAULT_TOP,
        content: Content::Change(Box::new(RowChange {
            table: "public.transactions".to_owned(),
            operation: Operation::Update,
            key: key.to_owned(),
            from: Some("PENDING".to_owned()),
            to: Some("FAILED".to_owned()),
            trail: Vec::new(),
            amount: None,
            fields: Vec::new(),
            title: None,
            body: None,
            link: None,
        })),
    }
}

pub(super) fn in_conversation(mut notice: Notice, mode: ConversationMode, key: &str) -> Notice {
    notice.conversation = Conversation {
        mode,
        key: Some(key.to_owned()),
        broadcast: false,
    };
    notice
}
