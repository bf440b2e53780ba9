//! The program itself: configured, started, killed, and what it left behind.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use walstreet::config::connector::DatabaseConfig;

use super::eventually;
use super::kafka::{Broker, OFFSETS_TOPIC};

/// A configuration; every `start` is a process of its own.
pub(crate) struct Connector {
    dir: TempDir,
    settings: Map<String, Value>,
    worker: Map<String, Value>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    program: Vec<String>,
    runs: u32,
}

impl Connector {
    /// Captures the schema `shop` of the database into topics `srv.shop.*`.
    pub(crate) fn new(database: &DatabaseConfig, broker: &Broker) -> Self {
        let settings = json!({
            "name": "shop",
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "plugin.name": "pgoutput",
            "topic.prefix": "srv",
            "database.hostname": database.host,
            "database.port": database.port,
            "database.user": database.user,
            "database.password": database.password.as_deref().unwrap_or("unused"),
            "database.dbname": database.dbname,
            "slot.name": slot_name(database),
            "slot.retry.delay.ms": "100",
            "schema.include.list": "shop",
            "producer.override.compression.type": "zstd",
        });
        let worker = json!({
            "bootstrap.servers": broker.servers(),
            "group.id": "test",
            "offset.storage.topic": OFFSETS_TOPIC,
            "offset.flush.interval.ms": "50",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        });
        let object = |value: Value| value.as_object().expect("an object").clone();
        Self {
            dir: tempfile::tempdir().unwrap(),
            settings: object(settings),
            worker: object(worker),
            arguments: Vec::new(),
            environment: Vec::new(),
            program: vec![env!("CARGO_BIN_EXE_walstreet").to_owned()],
            runs: 0,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn set_worker(&mut self, name: &str, value: &str) -> &mut Self {
        self.worker.insert(name.to_owned(), value.into());
        self
    }

    /// Further arguments of every start.
    pub(crate) fn arguments(&mut self, arguments: &[&str]) -> &mut Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// A variable of every start; there are no others.
    pub(crate) fn environment(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it by a command that ends in an `exec` of its arguments.
    pub(crate) fn through(&mut self, command: &[&str]) -> &mut Self {
        let command = command.iter().map(|part| (*part).to_owned());
        self.program.splice(0..0, command);
        self
    }

    /// The configuration, written to a file.
    pub(crate) fn file(&self) -> PathBuf {
        let file = self.dir.path().join("connector.json");
        fs::write(&file, json!(self.settings).to_string()).unwrap();
        file
    }

    pub(crate) fn start(&mut self) -> Running {
        self.runs += 1;
        let path = |name: &str| self.dir.path().join(name);
        let worker = self
            .worker
            .iter()
            .fold(String::new(), |text, (name, value)| {
                format!("{text}{name}={}\n", value.as_str().expect("text"))
            });
        fs::write(path("worker.properties"), worker).unwrap();
        let log = path(&format!("log.{}", self.runs));
        let (program, first) = self.program.split_first().expect("a program");
        let child = Command::new(program)
            .args(first)
            .arg("run")
            .arg(self.file())
            .arg("--worker")
            .arg(path("worker.properties"))
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Running {
            child: Some(child),
            log,
        }
    }

    /// Starts it and waits until it streams.
    pub(crate) fn start_streaming(&mut self) -> Running {
        let mut running = self.start();
        running.wait_for_log("streaming slot=");
        running
    }
}

pub(crate) fn slot_name(database: &DatabaseConfig) -> String {
    format!("slot_of_{}", database.dbname)
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
    pub(crate) took: Duration,
}

impl Ended {
    /// It said everything of `sentences` and ended with `code`.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, sentences: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.log);
        for sentence in sentences {
            assert!(
                self.log.contains(sentence),
                "no \"{sentence}\" in:\n{}",
                self.log
            );
        }
    }
}

/// A process. Dropping it kills it.
pub(crate) struct Running {
    child: Option<Child>,
    log: PathBuf,
}

impl Running {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        eventually(
            || format!("\"{text}\" in:\n{}", self.log()),
            || {
                let said = self.log().contains(text);
                assert!(said || self.is_alive(), "it ended:\n{}", self.log());
                said.then_some(())
            },
        );
    }

    pub(crate) fn is_alive(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.signal(),
            Some(9),
            "it ended by itself:\n{}",
            self.log()
        );
    }

    /// SIGTERM, then waits for the end.
    pub(crate) fn terminate(self) -> Ended {
        self.signal("TERM");
        self.wait()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let started = Instant::now();
        let mut child = self.child.take().expect("it runs");
        let code = eventually(
            || format!("the end:\n{}", self.log()),
            || child.try_wait().unwrap(),
        );
        Ended {
            code: code.code(),
            log: self.log(),
            took: started.elapsed(),
        }
    }

    /// Memory in use.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
        if std::thread::panicking() {
            eprintln!("the connector said:\n{}", self.log());
        }
    }
}
