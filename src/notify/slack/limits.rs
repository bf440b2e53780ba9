//! Slack's limits in one table: the renderer stays below them, the fake Slack enforces them, the lanes keep the pace.
//!
//! The numbers are from Slack's reference of its methods and of Block Kit. Lengths are in characters, not bytes.

use std::time::Duration;

/// `text` is cut above this by Slack.
pub const TEXT_MAX: usize = 40_000;
/// Slack splits a longer `text` into several messages; we never send one.
pub const TEXT_SPLIT: usize = 4_000;
/// What we send at most in `text`.
pub const TEXT_OURS: usize = 3_900;

/// Blocks of a message, and of an attachment.
pub const BLOCKS: usize = 50;
/// What we send at most, so that a context line always fits.
pub const BLOCKS_OURS: usize = 45;
/// All blocks together. Not documented: `msg_blocks_too_long` was seen from about 13,200 characters on.
pub const BLOCKS_TOTAL: usize = 13_200;
pub const BLOCKS_TOTAL_OURS: usize = 12_000;

pub const HEADER_TEXT: usize = 150;
pub const SECTION_TEXT: usize = 3_000;
pub const SECTION_FIELDS: usize = 10;
pub const SECTION_FIELD_TEXT: usize = 2_000;
pub const CONTEXT_ELEMENTS: usize = 10;
/// Every other text object; an empty one is an error too.
pub const TEXT_OBJECT: usize = 3_000;
pub const ACTIONS_ELEMENTS: usize = 25;
pub const BUTTON_TEXT: usize = 75;
pub const URL: usize = 3_000;
pub const BLOCK_ID: usize = 255;

pub const ATTACHMENTS: usize = 100;
/// The serialized payload of `metadata`. The number is not documented; ours holds ids only and stays far below.
pub const METADATA_BYTES: usize = 8_000;

/// One message a second for a channel, with short bursts.
pub const CHANNEL_INTERVAL: Duration = Duration::from_secs(1);
pub const CHANNEL_BURST: u32 = 3;
/// "Several hundred a minute" for a workspace; this is our pace for a token.
pub const TOKEN_PER_MINUTE: u32 = 200;
/// `chat.update` is tier 3: 50 a minute and more; this is our pace.
pub const UPDATES_PER_MINUTE: u32 = 40;
/// What tier 3 promises.
pub const TIER_3_PER_MINUTE: u32 = 50;

/// When a 429 does not say how long.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(30);
pub const RETRY_AFTER_FLOOR: Duration = Duration::from_secs(1);
/// A longer `Retry-After` is cut to this, and reported.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(15 * 60);
/// `message_limit_exceeded` of a free workspace: there is no hurry.
pub const QUOTA_WAIT: Duration = Duration::from_secs(10 * 60);
