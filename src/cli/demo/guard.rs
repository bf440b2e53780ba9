//! Cleans up behind a process that cannot do it any more: killed, or aborted by a panic.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads process ids until nobody can write any, which is when we are gone. Then it stops the last one, with force after 10 s: it may
/// have been started with SIGINT ignored, as by `nohup sh -c '… &'`. Then it removes the directory.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
while read -r line; do process=$line; done
if [ -n "$process" ]; then
    kill -INT "$process" 2>/dev/null
    tries=100
    while kill -0 "$process" 2>/dev/null && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
    [ $tries -gt 0 ] || kill -KILL "$process" 2>/dev/null
fi
rm -rf -- "$1"
"#;

/// A shell that waits for our end. Dropping it calls it off.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    pub(super) fn start(directory: &Path) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "walstreet-demo-guard"])
            .arg(directory)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }

    /// This process must not outlive us.
    pub(super) fn protect(&mut self, process_id: u32) {
        let told = self
            .shell
            .stdin
            .as_mut()
            .map(|pipe| writeln!(pipe, "{process_id}"));
        if let Some(Err(error)) = told {
            tracing::warn!(%error, "nobody would stop the demo's PostgreSQL after a crash");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = self.shell.kill().and_then(|()| self.shell.wait());
        if let Err(error) = ended {
            tracing::warn!(%error, "could not stop the demo's guard");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_we_are_gone_it_stops_the_process_and_removes_the_files() {
        stops_and_removes(Command::new("sleep").arg("60"));
    }

    #[test]
    fn a_process_that_ignores_the_signal_is_stopped_as_well() {
        stops_and_removes(Command::new("sh").args(["-c", "trap '' INT; exec sleep 60"]));
    }

    fn stops_and_removes(command: &mut Command) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        let mut process = command.spawn().unwrap();
        let mut guard = Guard::start(directory.path()).unwrap();
        guard.protect(process.id());
        // What the kernel does with our end of the pipe.
        drop(guard.shell.stdin.take());
        assert!(!process.wait().unwrap().success());
        guard.shell.wait().unwrap();
        assert!(!directory.path().exists());
    }
}
