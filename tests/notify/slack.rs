//! The fake Slack on a thread of its own, and what it was told.

use std::net::Ipv4Addr;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;
use walstreet::notify::fake_slack::server::{FakeSlack, listen};
use walstreet::notify::fake_slack::workspace::{Pace, Workspace};

use crate::support::eventually;

pub(super) struct Slack {
    fake: FakeSlack,
    pub(super) address: String,
    cancel: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Slack {
    pub(super) fn start() -> Self {
        let fake = FakeSlack::new(Workspace::new(Pace::default(), 1));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(listen(Ipv4Addr::LOCALHOST.into(), 0))
            .unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cancel = CancellationToken::new();
        let thread = std::thread::spawn({
            let (fake, cancel) = (fake.clone(), cancel.clone());
            move || runtime.block_on(fake.serve(listener, cancel)).unwrap()
        });
        Self {
            fake,
            address,
            cancel,
            thread: Some(thread),
        }
    }

    /// The texts of all messages, in the order in which they came; repeats that Slack saw are left out.
    pub(super) fn texts(&self) -> Vec<String> {
        let workspace = self.fake.workspace();
        let text = |body: &serde_json::Value| body["text"].as_str().unwrap().to_owned();
        let posted = workspace.posted.iter().filter(|posted| !posted.repeated);
        posted.map(|posted| text(&posted.body)).collect()
    }

    /// What tokens may do from now on.
    pub(super) fn scopes(&self, scopes: &str) {
        self.fake.workspace().scopes = scopes.to_owned();
    }

    /// The texts of one channel.
    pub(super) fn texts_of(&self, channel: &str) -> Vec<String> {
        let workspace = self.fake.workspace();
        let posted = workspace.posted.iter();
        let posted = posted.filter(|posted| posted.channel == channel && !posted.repeated);
        posted
            .map(|posted| posted.body["text"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn duplicates(&self) -> u64 {
        self.fake.workspace().counters.duplicates
    }

    pub(super) fn fault(&self, fault: &str) {
        self.fake.workspace().faults.add(fault.parse().unwrap());
    }

    pub(super) fn no_fault(&self) {
        self.fake.workspace().faults.clear();
    }

    /// How many changes the messages tell of.
    pub(super) fn told(&self) -> u64 {
        self.texts().iter().map(|text| changes(text)).sum()
    }

    pub(super) fn wait_until_told(&self, count: u64) -> Vec<String> {
        eventually(
            || format!("{count} changes in {:#?}", self.texts()),
            || (self.told() >= count).then(|| self.texts()),
        )
    }
}

/// `paid: 50,000 changes, NEW → PAID; …` tells of many, everything else of one.
fn changes(text: &str) -> u64 {
    let digest = text.split_once(" change").map(|(before, _)| before);
    let number = digest.and_then(|before| before.rsplit(' ').next());
    number.map_or(1, |number| number.replace(',', "").parse().unwrap())
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
