//! A private PostgreSQL server on a Unix socket, shared by the tests that run at the same time, a database for each.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "wal_level=logical",
    "max_replication_slots=20",
    "max_wal_senders=20",
    "fsync=off",
    "TimeZone=Asia/Kolkata",
    "DateStyle=SQL, DMY",
    "IntervalStyle=sql_standard",
    "bytea_output=escape",
    "extra_float_digits=-3",
];

pub(super) struct Server {
    directory: tempfile::TempDir,
    process: Child,
}

/// A new database on the shared server.
pub(super) struct Database {
    server: Arc<Server>,
    pub(super) name: String,
}

impl Database {
    pub(super) async fn create() -> Self {
        static CURRENT: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = {
            let mut current = CURRENT.lock().unwrap();
            current.upgrade().unwrap_or_else(|| {
                let server = Arc::new(Server::start());
                *current = Arc::downgrade(&server);
                server
            })
        };
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = server.connect("postgres", "postgres").await.unwrap();
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .unwrap();
        Self { server, name }
    }

    pub(super) async fn connect(&self) -> Client {
        self.connect_as("postgres").await
    }

    pub(super) async fn connect_as(&self, user: &str) -> Client {
        self.server.connect(&self.name, user).await.unwrap()
    }

    pub(super) fn socket_directory(&self) -> &Path {
        self.server.directory.path()
    }

    pub(super) fn psql(&self) -> Command {
        let mut command = Command::new(binary("psql"));
        command.args(["-X", "-q"]).arg(format!(
            "host={} dbname={} user=postgres",
            self.socket_directory().display(),
            self.name
        ));
        command
    }

    /// `psql` on a replication connection, reading commands from its standard input.
    pub(super) fn replication_psql(&self) -> Command {
        let mut command = Command::new(binary("psql"));
        command.args(["-X", "-A", "-t", "-q"]).arg(format!(
            "host={} dbname={} user=postgres replication=database",
            self.socket_directory().display(),
            self.name
        ));
        command
    }
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(directory.path()));
        }
        run(unprivileged("initdb")
            .args([
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data)
            .stdout(Stdio::null()));
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut command = unprivileged("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(directory.path());
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        let process = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { directory, process };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_ready = || {
            let mut command = Command::new(binary("pg_isready"));
            command.arg("-q").arg("-h").arg(self.directory.path());
            command.status().unwrap().success()
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "the server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    async fn connect(&self, database: &str, user: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::Config::new()
            .host_path(self.directory.path())
            .dbname(database)
            .user(user)
            .connect(NoTls)
            .await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.directory.path().join("data");
        let mut stop = unprivileged("pg_ctl");
        stop.args(["stop", "-s", "-m", "immediate", "-D"]).arg(data);
        stop.status().ok();
        self.process.wait().ok();
    }
}

fn binary(name: &str) -> PathBuf {
    let debian = Path::new("/usr/lib/postgresql/15/bin").join(name);
    if debian.exists() { debian } else { name.into() }
}

/// PostgreSQL refuses to run as root.
fn unprivileged(name: &str) -> Command {
    if !is_root() {
        return Command::new(binary(name));
    }
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid",
        "postgres",
        "--regid",
        "postgres",
        "--clear-groups",
    ]);
    command.arg(binary(name)).current_dir("/");
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
