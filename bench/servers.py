"""The servers that measurements run on, and on what machine."""
import os, pathlib, platform, subprocess, sys, tempfile, time

from stack import CACHE, Stack, free_ports, stop

QUIET_LOAD = 0.5
LONGEST_STATEMENT_SECONDS = 300
FETCH_SECONDS = 1800

# The garbage collector options of Kafka's own start scripts.
JVM = "-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent"
CONNECT_JVM = f"-Xms256m -Xmx2g {JVM}"
KAFKA_JVM = f"-Xms1g -Xmx1g {JVM}"


class MeasuredStack(Stack):
    # Every question costs a starting worker some of the time that is measured.
    poll_seconds = 0.5

    def up(self):
        os.environ["CONNECT_JVM"], os.environ["KAFKA_JVM"] = CONNECT_JVM, KAFKA_JVM
        super().up()

    def create_database(self, name, schema):
        self.psql(f"CREATE DATABASE {name}")
        self.psql(schema, database=name)
        # Every wait has a limit, that for a statement too.
        self.psql(f"ALTER DATABASE {name} SET statement_timeout = '{LONGEST_STATEMENT_SECONDS}s'")

    def worker_properties(self):
        # Connect's own default: the judge's short interval would cost the worker CPU.
        return super().worker_properties() | {"offset.flush.interval.ms": "60000"}

    def restart_worker(self):
        """Returns when the new one was started, by the wall clock."""
        stop(self.pid("CONNECT"), str(self.directory))
        port = free_ports(1)[0]
        started_at = time.time()
        self._start_connect(port)
        return started_at


class CommitTimes(MeasuredStack):
    """A PostgreSQL that remembers when each transaction was committed."""

    def _launch(self, server, command, log, **options):
        if server == "POSTGRES":
            command = [*command, "-c", "track_commit_timestamp=on"]
        super()._launch(server, command, log, **options)


class PostgresAlone(CommitTimes):
    """No broker, no worker, no Java: for `walstreet run --discard`."""

    def up(self):
        self.env["STACK_DIR"] = tempfile.mkdtemp(prefix="walstreet-stack-")
        self.directory.chmod(0o711)
        # Nobody listens there, and nobody asks.
        self.env["KAFKA_BOOTSTRAP"] = "127.0.0.1:9"
        try:
            self._start_postgres(free_ports(1)[0])
        except BaseException:
            self.down()
            raise


def load_before():
    """The load average before anything is started; says when it is not quiet."""
    load = os.getloadavg()[0]
    if load > QUIET_LOAD:
        say(f"warning: the load average is {load:.2f}: something else is running, and the figures will not be comparable")
    return load


def stolen_seconds():
    """CPU time since the start of this machine in which it wanted to run and its host let others: `steal` of proc(5)."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def machine():
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
               platform.machine())
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} × {cpu}, {memory_gb:.0f} GB, Linux {platform.release()}"


def own_version(binary):
    return subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()


def postgres_version(stack):
    return "PostgreSQL " + stack.psql("SHOW server_version").split()[0]


def circumstances(stack, binary, load):
    fetched = next(CACHE.glob("kafka-*-debezium-*")).name
    return {
        "machine": machine(),
        "versions": ", ".join([
            own_version(binary),
            "Debezium " + fetched.partition("-debezium-")[2],
            "Kafka " + fetched.removeprefix("kafka-").partition("-")[0],
            postgres_version(stack),
            "Java " + subprocess.run(["java", "--version"], capture_output=True, text=True).stdout.split()[1],
        ]),
        "load_average_before": round(load, 2), "quiet": load <= QUIET_LOAD,
    }


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
