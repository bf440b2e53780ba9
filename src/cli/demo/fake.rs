//! A Slack in this process, whose page can be looked at while the demo runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::told::{self, Told};
use crate::notify::fake_slack::server::{FakeSlack, listen};
use crate::notify::fake_slack::workspace::{Pace, Workspace};

/// In a thread of its own, stopped when dropped.
pub(super) struct Fake {
    slack: FakeSlack,
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// The id of the only channel, and what the page calls it.
    pub(super) const CHANNEL: (&'static str, &'static str) = ("C0PAYMENTS", "payments");

    pub(super) fn start(port: u16) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("could not start the fake Slack's runtime")?;
        let listener = runtime
            .block_on(listen(Ipv4Addr::LOCALHOST.into(), port))
            .with_context(|| format!("could not listen on port {port} of 127.0.0.1"))?;
        let address = listener
            .local_addr()
            .context("could not read the fake Slack's address")?;
        let mut workspace = Workspace::new(Pace::default(), 1);
        let (id, name) = Self::CHANNEL;
        workspace.names.insert(id.to_owned(), name.to_owned());
        let slack = FakeSlack::new(workspace);
        let stop = CancellationToken::new();
        let thread = thread::Builder::new()
            .name("demo-slack".to_owned())
            .spawn({
                let (slack, stop) = (slack.clone(), stop.clone());
                move || {
                    if let Err(error) = runtime.block_on(slack.serve(listener, stop)) {
                        tracing::warn!(%error, "the fake Slack stopped");
                    }
                }
            })
            .context("could not start a thread for the fake Slack")?;
        Ok(Self {
            slack,
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where its page is.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What its channel was told, read as people read it.
    pub(super) fn told(&self) -> Vec<Told> {
        told::in_channel(&self.slack.workspace().log)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.cancel();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::warn!("the fake Slack failed");
        }
    }
}
