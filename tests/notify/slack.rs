//! The fake Slack on a thread of its own, and what it was told.

use std::net::Ipv4Addr;
use std::sync::MutexGuard;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;
use walstreet::notify::fake_slack::server::{FakeSlack, listen};
use walstreet::notify::fake_slack::workspace::{Pace, Workspace};

use crate::support::eventually;

pub(super) struct Slack {
    fake: FakeSlack,
    pub(super) address: String,
    port: u16,
    serving: Option<Serving>,
}

struct Serving {
    cancel: CancellationToken,
    thread: JoinHandle<()>,
}

impl Slack {
    pub(super) fn start() -> Self {
        let fake = FakeSlack::new(Workspace::new(Pace::default(), 1));
        let (serving, port) = Serving::start(&fake, 0);
        Self {
            fake,
            address: format!("http://127.0.0.1:{port}"),
            port,
            serving: Some(serving),
        }
    }

    /// Connections are refused until it opens again; what it was told stays.
    pub(super) fn close(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop();
        }
    }

    pub(super) fn open(&mut self) {
        if self.serving.is_none() {
            self.serving = Some(Serving::start(&self.fake, self.port).0);
        }
    }

    pub(super) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.fake.workspace()
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

    /// Ends this fault; the others stay.
    pub(super) fn mend(&self, fault: &str) {
        let mut workspace = self.fake.workspace();
        let faults = workspace.faults.active().to_vec();
        workspace.faults.clear();
        let others = faults
            .into_iter()
            .filter(|other| other.to_string() != fault);
        others.for_each(|other| workspace.faults.add(other));
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

impl Serving {
    /// On a port, or on a free one.
    fn start(fake: &FakeSlack, port: u16) -> (Self, u16) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // Somebody's outgoing connection may have our old port for a moment.
        let listener = eventually(
            || format!("port {port}"),
            || {
                let listener = listen(Ipv4Addr::LOCALHOST.into(), port);
                runtime.block_on(listener).ok()
            },
        );
        let port = listener.local_addr().unwrap().port();
        let cancel = CancellationToken::new();
        let thread = std::thread::spawn({
            let (fake, cancel) = (fake.clone(), cancel.clone());
            move || runtime.block_on(fake.serve(listener, cancel)).unwrap()
        });
        (Self { cancel, thread }, port)
    }

    fn stop(self) {
        self.cancel.cancel();
        self.thread.join().ok();
    }
}

impl Drop for Slack {
    fn drop(&mut self) {
        self.close();
    }
}
