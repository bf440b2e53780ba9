//! How fast we may write: per channel, per token, and per method where Slack said "too fast".

use std::collections::HashMap;
use std::time::Duration;

use crate::notify::pace::Bucket;
use crate::notify::slack::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Paced {
    Post,
    Edit,
    Look,
}

/// What a lane shares with others: two destinations may name one channel, and many one token.
#[derive(Clone, Debug)]
pub(super) struct PaceKeys {
    pub(super) channel: String,
    pub(super) token: String,
}

#[derive(Debug, Default)]
pub struct Paces {
    channels: HashMap<String, Bucket>,
    tokens: HashMap<String, Bucket>,
    edits: HashMap<String, Bucket>,
    looks: HashMap<String, Bucket>,
    /// A 429 is for one method of one token.
    paused: HashMap<(String, Paced), Duration>,
}

impl Paces {
    pub(super) fn ready_at(&mut self, keys: &PaceKeys, paced: Paced) -> Duration {
        let paused = self.paused.get(&(keys.token.clone(), paced));
        let paused = paused.copied().unwrap_or_default();
        let buckets = self.buckets(keys, paced);
        let ready = buckets.into_iter().map(|bucket| bucket.ready_at());
        ready.fold(paused, Duration::max)
    }

    pub(super) fn take(&mut self, keys: &PaceKeys, paced: Paced, now: Duration) {
        for bucket in self.buckets(keys, paced) {
            bucket.take(now);
        }
    }

    /// Slack said "too fast": nothing until then, and no burst after it.
    pub(super) fn pause(&mut self, keys: &PaceKeys, paced: Paced, until: Duration) {
        let pause = self.paused.entry((keys.token.clone(), paced)).or_default();
        *pause = (*pause).max(until);
        let interval = limits::CHANNEL_INTERVAL;
        for bucket in self.buckets(keys, paced) {
            bucket.drain(until.saturating_sub(interval));
        }
    }

    fn buckets(&mut self, keys: &PaceKeys, paced: Paced) -> Vec<&mut Bucket> {
        let token = keys.token.clone();
        let tier_3 = || Bucket::per_minute(limits::UPDATES_PER_MINUTE, limits::CHANNEL_BURST);
        match paced {
            Paced::Post => {
                let channel = self
                    .channels
                    .entry(keys.channel.clone())
                    .or_insert_with(|| {
                        Bucket::new(limits::CHANNEL_INTERVAL, limits::CHANNEL_BURST)
                    });
                let per_token = self
                    .tokens
                    .entry(token)
                    .or_insert_with(|| Bucket::per_minute(limits::TOKEN_PER_MINUTE, 10));
                vec![channel, per_token]
            }
            Paced::Edit => vec![self.edits.entry(token).or_insert_with(tier_3)],
            Paced::Look => vec![self.looks.entry(token).or_insert_with(tier_3)],
        }
    }
}
