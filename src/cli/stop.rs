//! SIGINT and SIGTERM ask for an orderly stop, SIGHUP for reading a file again.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Does something on every SIGHUP, until the process ends.
///
/// # Errors
/// When the system allows no more threads or signal handlers.
pub(super) fn on_hangup(mut act: impl FnMut() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    // Before the thread runs: a signal that comes early must not end the process.
    let mut hangup = {
        let _inside = runtime.enter();
        signal(SignalKind::hangup())?
    };
    let thread = std::thread::Builder::new().name("hangup".to_owned());
    thread.spawn(move || {
        while runtime.block_on(hangup.recv()).is_some() {
            act();
        }
    })?;
    Ok(())
}

/// A token that the first signal cancels; a second one ends the process at once.
///
/// # Errors
/// When the system allows no more threads or signal handlers.
pub(super) fn on_signal() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let (Ok(mut interrupt), Ok(mut terminate)) = (
                    signal(SignalKind::interrupt()),
                    signal(SignalKind::terminate()),
                ) else {
                    tracing::warn!(
                        "could not listen to signals: the process ends without storing its position"
                    );
                    return;
                };
                for asked in 1.. {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    if asked > 1 {
                        std::process::exit(1);
                    }
                    tracing::info!("stopping; ask again to stop at once");
                    cancelled.cancel();
                }
            });
        })?;
    Ok(token)
}
