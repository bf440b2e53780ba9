#!/usr/bin/env python3
"""A private PostgreSQL, Kafka broker (KRaft), Kafka Connect worker with the Debezium plugin, and stand-in for a Schema Registry, on
free ports of 127.0.0.1.

  stack.py up       start them, print KEY=VALUE lines for `eval` or `source`, leave them running
  stack.py status   print the same lines and whether each server lives; exit code 1 when one does not
  stack.py down     stop them by pid and remove their directory

Other scripts use `with Stack(): …`, which stops the servers on every way out. KAFKA_JVM and CONNECT_JVM replace the Java
options (heap 512 MB each). POSTGRES_BIN names the directory with initdb, postgres and psql; without it the system's newest
server is used. Needs ./fetch to have been run.
"""
import json, os, pathlib, pwd, shutil, signal, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE / ".cache"
ENV_FILE = CACHE / "stack.env"
SERVERS = ("POSTGRES", "KAFKA", "REGISTRY", "CONNECT")
START_SECONDS = 90


class StackError(Exception):
    """A server did not start; the text says which and shows the end of its log."""


class Stack:
    """The servers. `env` holds their addresses and pids under the names that `stack.py up` prints."""

    # How often a starting server is asked whether it is ready.
    poll_seconds = 0.1

    def __init__(self, env=None, has_connect=True):
        # Servers that were there before are there afterwards.
        self.stays = env is not None
        self.env = env or {}
        self.has_connect = has_connect
        self._children = {}

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        self.env["STACK_DIR"] = tempfile.mkdtemp(prefix="walstreet-stack-")
        # PostgreSQL may run as another user and must be able to walk into its data directory.
        self.directory.chmod(0o711)
        try:
            ports = free_ports(5)
            self._start_postgres(ports[0])
            self._start_kafka(ports[1], ports[2])
            self._start_registry(ports[4])
            if self.has_connect:
                self._start_connect(ports[3])
        except BaseException:
            self.down()
            raise

    def down(self):
        for server in reversed(SERVERS):
            # Their data is thrown away and need not be in order; with SIGQUIT PostgreSQL takes its processes along.
            stop(self.pid(server), str(self.directory), signal.SIGQUIT if server == "POSTGRES" else signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def alive(self, server):
        return belongs_to(self.pid(server), str(self.directory))

    def pid(self, server):
        return int(self.env.get(f"{server}_PID", 0))

    @property
    def directory(self):
        return pathlib.Path(self.env["STACK_DIR"])

    def psql(self, sql, database="postgres", **variables):
        """Plays a script as one psql session, statement by statement, and returns what it printed."""
        command = [f"{self.env['POSTGRES_BIN']}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database,
                   "-h", "127.0.0.1", "-p", self.env["POSTGRES_PORT"], "-U", "postgres"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True, env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"})
        if done.returncode:
            raise StackError(f"SQL failed in database {database}: {done.stderr.strip()}")
        return done.stdout.strip()

    def major(self):
        """15 of PostgreSQL 15.18."""
        return int(self.psql("SHOW server_version_num")) // 10000

    def rest(self, method, path, body=None):
        """Calls the worker's REST API; waits out the 409 of a rebalance."""
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + 60
        while True:
            request = urllib.request.Request(self.env["CONNECT_URL"] + path, data, {"Content-Type": "application/json"}, method=method)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code != 409 or time.monotonic() > deadline:
                    raise StackError(f"{method} {path}: {error.code} {error.read().decode()}") from error
                time.sleep(0.2)

    def worker_properties(self):
        """What the worker runs with, less what only Java needs."""
        return {
            "bootstrap.servers": self.env["KAFKA_BOOTSTRAP"],
            "group.id": "compat",
            "config.storage.topic": "connect-configs",
            "offset.storage.topic": "connect-offsets",
            "status.storage.topic": "connect-status",
            "config.storage.replication.factor": "1",
            "offset.storage.replication.factor": "1",
            "status.storage.replication.factor": "1",
            "offset.flush.interval.ms": "200",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        }

    def _start_postgres(self, port):
        binaries = postgres_binaries()
        data = self.directory / "postgres"
        data.mkdir(mode=0o700)
        user = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            name = "postgres" if any(u.pw_name == "postgres" for u in pwd.getpwall()) else "nobody"
            account = pwd.getpwnam(name)
            os.chown(data, account.pw_uid, account.pw_gid)
            user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        log = open(self.directory / "postgres.log", "wb")
        subprocess.run([f"{binaries}/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
                       stdout=log, stderr=log, check=True, cwd="/", **user)
        settings = {
            "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": data, "wal_level": "logical",
            "fsync": "off", "max_connections": 200, "max_wal_senders": 100, "max_replication_slots": 100,
            "max_prepared_transactions": 10, "max_wal_size": "4GB", "timezone": "UTC",
            # Both connectors must read a table in the same order.
            "synchronize_seqscans": "off", "autovacuum": "off",
        }
        command = [f"{binaries}/postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._launch("POSTGRES", command, log, cwd="/", **user)
        self.env |= {"POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": str(port), "POSTGRES_BIN": str(binaries)}
        ready = [f"{binaries}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        self._wait("POSTGRES", lambda: subprocess.run(ready).returncode == 0)

    def _start_kafka(self, port, controller_port):
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.directory / "kafka"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "num.partitions": "1",
        }
        file = self._write_properties("kafka.properties", properties)
        log = open(self.directory / "kafka.log", "wb")
        java = java_command("KAFKA_JVM", self._logging())
        # A cluster id is 16 random bytes in base64; asking Kafka for one would start another Java.
        subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", "d2Fsc3RyZWV0LWNvbXBhdA", "-c", file], stdout=log, stderr=log, check=True)
        self._launch("KAFKA", [*java, "kafka.Kafka", file], log)
        self.env["KAFKA_BOOTSTRAP"] = f"127.0.0.1:{port}"
        self._wait("KAFKA", lambda: b"Kafka Server started" in (self.directory / "kafka.log").read_bytes())

    def _start_registry(self, port):
        log = open(self.directory / "registry.log", "wb")
        # The directory is there to tell the process from others, see belongs_to.
        self._launch("REGISTRY", [sys.executable, HERE / "registry.py", str(port), self.directory], log)
        self.env["REGISTRY_URL"] = f"http://127.0.0.1:{port}"
        self._wait("REGISTRY", lambda: answers(self.env["REGISTRY_URL"] + "/all"))

    def _start_connect(self, port):
        file = self._write_properties("connect.properties", self.worker_properties() | {
            "listeners": f"http://127.0.0.1:{port}",
            "plugin.path": f"{CACHE}/plugins,{CACHE}/plugins-avro",
            "plugin.discovery": "service_load",
        })
        log = open(self.directory / "connect.log", "wb")
        self._launch("CONNECT", [*java_command("CONNECT_JVM", self._logging()), "org.apache.kafka.connect.cli.ConnectDistributed", file], log)
        self.env["CONNECT_URL"] = f"http://127.0.0.1:{port}"
        self._wait("CONNECT", lambda: answers(self.env["CONNECT_URL"] + "/health"))

    def _launch(self, server, command, log, **options):
        # In a session of its own: a Ctrl-C in the terminal reaches us, and we stop the servers in order.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **options)
        self._children[server] = process
        self.env[f"{server}_PID"] = str(process.pid)

    def _wait(self, server, ready):
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._children[server].poll() is not None or time.monotonic() > deadline:
                log = (self.directory / f"{server.lower()}.log").read_text(errors="replace")
                raise StackError(f"{server.lower()} did not start:\n" + "\n".join(log.splitlines()[-25:]))
            time.sleep(self.poll_seconds)

    def _write_properties(self, name, properties):
        file = self.directory / name
        file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
        return file

    def _logging(self):
        file = self.directory / "log4j2.properties"
        file.write_text("appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n"
                        "appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n\nrootLogger.level=INFO\nrootLogger.appenderRef.out.ref=out\n")
        return file


def free_ports(count):
    """Ports that nobody listens on; all are held until the last is found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def postgres_binaries():
    """What POSTGRES_BIN names, else the newest server of the system: the Debian directories, pg_config, the PATH."""
    if os.environ.get("POSTGRES_BIN"):
        directory = pathlib.Path(os.environ["POSTGRES_BIN"])
        missing = [name for name in ("initdb", "postgres", "psql", "pg_isready") if not (directory / name).exists()]
        if missing:
            raise StackError(f"POSTGRES_BIN: {directory} has no {', '.join(missing)}")
        return directory
    candidates = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    if shutil.which("pg_config"):
        candidates.append(pathlib.Path(subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout.strip()))
    if shutil.which("initdb"):
        candidates.append(pathlib.Path(shutil.which("initdb")).resolve().parent)
    for directory in candidates:
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return directory
    raise StackError("no PostgreSQL server found: install one (Debian: apt install postgresql) or put initdb into the PATH")


def java_command(variable, logging):
    options = os.environ.get(variable, "-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1").split()
    return ["java", *options, "-Duser.timezone=UTC", f"-Dlog4j2.configurationFile={logging}", "-cp", f"{CACHE}/libs/*"]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def belongs_to(pid, directory):
    """Whether the process lives and is one of this stack: a pid may have been given to another since."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OverflowError):
        pass
    try:
        return pid > 0 and directory in pathlib.Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return False


def stop(pid, directory, first=signal.SIGINT):
    for attempt in (first, signal.SIGKILL):
        if not belongs_to(pid, directory):
            return
        os.kill(pid, attempt)
        deadline = time.monotonic() + 5
        while belongs_to(pid, directory) and time.monotonic() < deadline:
            time.sleep(0.05)


def read_env():
    if not ENV_FILE.exists():
        return None
    return Stack(dict(line.split("=", 1) for line in ENV_FILE.read_text().splitlines()))


def main(command):
    running = read_env()
    if command == "up":
        if running and all(running.alive(server) for server in SERVERS):
            print(ENV_FILE.read_text(), end="")
            return 0
        if running:
            running.down()
        stack = Stack()
        stack.up()
        ENV_FILE.write_text("".join(f"{key}={value}\n" for key, value in stack.env.items()))
        print(ENV_FILE.read_text(), end="")
        return 0
    if command == "status":
        if not running:
            print("not running")
            return 1
        print(ENV_FILE.read_text(), end="")
        for server in SERVERS:
            print(f"# {server.lower()} {'runs' if running.alive(server) else 'is gone'}")
        return 0 if all(running.alive(server) for server in SERVERS) else 1
    if command == "down":
        if running:
            running.down()
            ENV_FILE.unlink()
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    # A termination unwinds the stack like an error does, so that a half started one is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
    except StackError as error:
        sys.exit(f"stack: {error}")
