//! A PostgreSQL server of a test's own: its data directory, its port and socket, and its end are the test's.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use walstreet::config::connector::{DatabaseConfig, SslMode};

/// How long the server may take to start, and to stop when it is asked nicely.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is not as usual.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// Lines of `postgresql.conf`.
    pub(crate) settings: &'a [&'a str],
    /// `pg_hba.conf` for TCP; everyone is trusted unless given. The Unix socket always trusts.
    pub(crate) hba: Option<&'a str>,
    /// PEM files for TLS: certificate chain and key.
    pub(crate) tls: Option<(Vec<u8>, Vec<u8>)>,
}

pub(crate) struct Postgres {
    dir: TempDir,
    port: u16,
    server: Child,
    /// How much of the log was there when the server was started last.
    log_before: usize,
}

impl Postgres {
    /// A server with `wal_level = logical` that trusts everyone.
    pub(crate) fn start() -> Self {
        Self::start_with(&Options::default())
    }

    pub(crate) fn start_with(options: &Options<'_>) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("walstreet-pg")
            .tempdir()
            .expect("a temporary directory");
        own(dir.path());
        let data = dir.path().join("data");
        let initdb = as_server_user(&binary("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data)
            .output()
            .expect("initdb can be started");
        assert!(
            initdb.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&initdb.stderr)
        );
        let port = free_port();
        configure(dir.path(), port, options);
        let server = spawn(dir.path());
        let mut postgres = Self {
            dir,
            port,
            server,
            log_before: 0,
        };
        postgres.wait_until_ready();
        postgres
    }

    /// Starts a server that has stopped, with the same data and port, and `settings` on top.
    pub(crate) fn start_again(&mut self, settings: &[&str]) {
        let path = self.dir.path().join("data/postgresql.auto.conf");
        let old = fs::read_to_string(&path).expect("our own file");
        let new = settings
            .iter()
            .fold(old, |text, setting| text + setting + "\n");
        write_private(&path, new.as_bytes());
        self.log_before = self.log().len();
        self.server = spawn(self.dir.path());
        self.wait_until_ready();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Logs in as `postgres` over TCP, without encryption.
    pub(crate) fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: "postgres".to_owned(),
            password: None,
            dbname: "postgres".to_owned(),
            ssl_mode: SslMode::Disable,
            ssl_root_cert: None,
            ssl_cert: None,
            ssl_key: None,
            ssl_password: None,
            tcp_keep_alive: true,
            connect_timeout: Duration::from_secs(10),
            initial_statements: Vec::new(),
            query_timeout: None,
        }
    }

    /// Runs SQL as the superuser and returns the rows, unaligned, one per line.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.sql_in("postgres", sql)
    }

    /// The same in another database.
    pub(crate) fn sql_in(&self, database: &str, sql: &str) -> String {
        let mut config = self.config();
        config.host = self.socket_dir().display().to_string();
        config.dbname = database.to_owned();
        psql(&config, sql)
    }

    /// Runs `query` again and again until it returns `expected`.
    pub(crate) fn wait_for(&self, query: &str, expected: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.sql(query);
            if found == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{query} is {found} and not {expected}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for a fast shutdown (`SIGINT`), which ends sessions and waits for walsenders.
    pub(crate) fn begin_fast_shutdown(&self) {
        self.signal("INT");
    }

    /// Waits until the server is gone.
    pub(crate) fn wait_until_stopped(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.server.try_wait().expect("the server is our child") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the server does not stop:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log()[self.log_before..].contains("ready to accept connections") {
            let exited = self.server.try_wait().expect("the server is our child");
            assert!(
                exited.is_none() && Instant::now() < deadline,
                "the server does not start:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.server.id().to_string();
        Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .expect("kill can be started");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if matches!(self.server.try_wait(), Ok(None)) {
            self.signal("QUIT");
            self.server.wait().expect("the server is our child");
        }
    }
}

/// Runs SQL and returns the rows, unaligned, one per line.
pub(crate) fn psql(config: &DatabaseConfig, sql: &str) -> String {
    let psql = Command::new(binary("psql"))
        .args(["-XAtq", "-v", "ON_ERROR_STOP=1"])
        .args(["-h", &config.host, "-p", &config.port.to_string()])
        .args(["-U", &config.user, "-d", &config.dbname, "-c", sql])
        .output()
        .expect("psql can be started");
    assert!(
        psql.status.success(),
        "{sql}: {}",
        String::from_utf8_lossy(&psql.stderr)
    );
    String::from_utf8(psql.stdout)
        .expect("psql writes UTF-8")
        .trim_end()
        .to_owned()
}

fn spawn(dir: &Path) -> Child {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .expect("a log file");
    as_server_user(&binary("postgres"))
        .arg("-D")
        .arg(dir.join("data"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("postgres can be started")
}

fn configure(dir: &Path, port: u16, options: &Options<'_>) {
    let data = dir.join("data");
    let mut settings = format!(
        "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nwal_level = logical\n\
         fsync = off\nmax_wal_senders = 10\nmax_replication_slots = 10\nshared_buffers = 32MB\nlog_timezone = UTC\n",
        dir.display()
    );
    if let Some((certificate, key)) = &options.tls {
        settings += "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n";
        write_private(&data.join("server.crt"), certificate);
        write_private(&data.join("server.key"), key);
    }
    for setting in options.settings {
        settings = settings + setting + "\n";
    }
    let hba = options
        .hba
        .unwrap_or("host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust");
    write_private(&data.join("postgresql.auto.conf"), settings.as_bytes());
    let local = "local all all trust\nlocal replication all trust\n";
    write_private(
        &data.join("pg_hba.conf"),
        format!("{local}{hba}\n").as_bytes(),
    );
}

/// PostgreSQL refuses keys that others may read.
fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the data directory can be written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("our own file");
    own(path);
}

/// PostgreSQL refuses to run as root, so root runs it as `postgres`.
fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program)
        .current_dir("/");
    command
}

fn own(path: &Path) {
    if is_root() {
        let id = |flag| {
            let output = Command::new("id")
                .args([flag, "postgres"])
                .output()
                .expect("id can be started");
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .expect("the user postgres exists")
        };
        chown(path, Some(id("-u")), Some(id("-g"))).expect("root may change owners");
        if path.is_dir() {
            // The socket is in it, and the tests' own user must reach it.
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))
                .expect("our own directory");
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// In `WALSTREET_TEST_PG_BIN`, else where Debian installs the newest version, else in the `PATH`.
pub(crate) fn binary(name: &str) -> PathBuf {
    if let Some(dir) = std::env::var_os("WALSTREET_TEST_PG_BIN") {
        return Path::new(&dir).join(name);
    }
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = installed
        .filter_map(|version| {
            Some((
                version.file_name().to_str()?.parse::<u32>().ok()?,
                version.path(),
            ))
        })
        .max();
    newest.map_or_else(
        || PathBuf::from(name),
        |(_, path)| path.join("bin").join(name),
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}
