"""Who is measured, and how each takes one backlog: a slot's, or the rows of a table."""
import dataclasses, itertools, json, subprocess, time

import connectors
from processes import Usage, run_to_its_end
from stack import StackError
from topics import ANSWER_SECONDS

DATABASE = "bench"
TABLE = "public.transactions"
WIDE_TABLE = "public.wide"
BASE_SLOT = "bench_base"

# What one would set for throughput, with the best values we found for Debezium.
TUNED = {
    "max.batch.size": "16384",
    "max.queue.size": "65536",
    "poll.interval.ms": "1",
    "snapshot.fetch.size": "10240",
    "producer.override.linger.ms": "5",
    "producer.override.batch.size": "1048576",
    "producer.override.compression.type": "lz4",
    "producer.override.buffer.memory": "67108864",
}
TUNED_FOR_LATENCY = TUNED | {"producer.override.linger.ms": "0"}

ROW_STATE = {"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState"}

# Nothing that works needs so long.
START_SECONDS = 60
SLOWEST_ROWS_A_SECOND = 1000


@dataclasses.dataclass
class Backlog:
    """What is to be read: the changes of the table between the base slot and `end_lsn`, or its rows. `options` are the connectors'."""
    name: str
    records: int
    end_lsn: str | None = None
    table: str = TABLE
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    is_snapshot: bool = False

    @property
    def patience_seconds(self):
        return START_SECONDS + self.records // SLOWEST_ROWS_A_SECOND


@dataclasses.dataclass
class Measurement:
    """One run. `value` is in the unit of its row of the table. PostgreSQL's CPU time is that of backends started for the run."""
    value: float
    cpu_seconds: float
    postgres_cpu_seconds: float | None
    peak_mb: float

    @staticmethod
    def of(value, usage):
        return Measurement(value, usage.cpu_seconds, usage.postgres_cpu_seconds if usage.backends else None, usage.peak_mb)


class Surroundings:
    """The servers, the helper that sees the topics, and where logs and configurations go."""

    def __init__(self, stack, topics, directory, binary):
        self.stack, self.topics, self.directory, self.binary = stack, topics, directory, binary
        self._numbers = itertools.count(1)

    def name(self, competitor):
        """Of a connector, its slot and its topics: a new one for each run."""
        return f"{competitor}_{next(self._numbers)}"

    def config(self, name, snapshot, options, table=TABLE):
        mode = "initial" if snapshot else "no_data"
        return {
            "name": name,
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.hostname": self.stack.env["POSTGRES_HOST"],
            "database.port": self.stack.env["POSTGRES_PORT"],
            "database.user": "postgres",
            "database.password": "postgres",
            "database.dbname": DATABASE,
            "topic.prefix": name,
            "slot.name": name,
            "plugin.name": "pgoutput",
            "publication.name": "bench",
            "publication.autocreate.mode": "disabled",
            "table.include.list": table,
            "snapshot.mode": mode,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        } | options

    def psql(self, sql, **variables):
        return self.stack.psql(sql, database=DATABASE, **variables)

    def copy_base_slot(self, name):
        self.psql("SELECT pg_copy_logical_replication_slot(:'base', :'name')", base=BASE_SLOT, name=name)

    def drop_slot(self, name):
        deadline = time.monotonic() + 15
        while self.psql("SELECT 1 FROM pg_replication_slots WHERE slot_name = :'name' AND active", name=name):
            if time.monotonic() > deadline:
                raise StackError(f"slot {name} is still in use")
            time.sleep(0.1)
        self.psql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :'name'", name=name)

    def usage(self, client=None):
        return Usage(self.stack.pid("POSTGRES"), client)


class PostgresOwn:
    """What PostgreSQL's own programs need for the same, their output thrown away: pg_recvlogical, for a snapshot psql's COPY.

    From the start of the program to its end, less what it needs to connect and do nothing.
    """
    key, title = "postgres", "pg_recvlogical or COPY"

    def __init__(self, surroundings):
        self.at = surroundings

    def take(self, backlog):
        if backlog.is_snapshot:
            return self._measure(backlog, self._psql("SELECT 1"), self._psql(f"COPY {backlog.table} TO STDOUT"))
        name = self.at.name(self.key)
        self.at.copy_base_slot(name)
        try:
            start = self.at.psql("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = :'name'", name=name)
            return self._measure(backlog, self._recvlogical(name, start), self._recvlogical(name, backlog.end_lsn))
        finally:
            self.at.drop_slot(name)

    def _measure(self, backlog, nothing, everything):
        with open(self.at.directory / f"{self.key}.log", "ab") as log:
            idle_seconds = run_to_its_end(nothing, self.at.usage(), log, START_SECONDS)
            usage = self.at.usage()
            seconds = run_to_its_end(everything, usage, log, backlog.patience_seconds)
        return Measurement.of(backlog.records / (seconds - idle_seconds), usage)

    def _connection(self, program):
        env = self.at.stack.env
        return [f"{env['POSTGRES_BIN']}/{program}", "-h", env["POSTGRES_HOST"], "-p", env["POSTGRES_PORT"], "-U", "postgres", "-d", DATABASE]

    def _psql(self, sql):
        return [*self._connection("psql"), "-XqAt", "-c", sql]

    def _recvlogical(self, slot, end_lsn):
        return [*self._connection("pg_recvlogical"), "--start", "--slot", slot, "--file", "/dev/null", "--fsync-interval", "0", "--no-loop",
                "--endpos", end_lsn, "--option", "proto_version=1", "--option", "publication_names=bench"]


class Discarding(connectors.Walstreet):
    """`walstreet run --discard`; what it prints is in `lines()`."""

    def start(self):
        self.printed = self.directory / f"{self.name}.jsonl"
        with open(self.directory / f"{self.name}.log", "ab") as log, open(self.printed, "wb") as printed:
            self.process = subprocess.Popen([*self.command(), "--discard"], stdin=subprocess.DEVNULL, stdout=printed, stderr=log,
                                            start_new_session=True)

    def lines(self):
        return [json.loads(line) for line in self.printed.read_text().splitlines(keepends=True) if line.endswith("\n")]


class NullSink:
    """walstreet without a broker: reads, decodes, encodes, and throws the records away.

    From where the rows, or the slot's changes, are asked for to the last record.
    """
    key, title, program = "null", "walstreet, null sink", Discarding

    def __init__(self, surroundings):
        self.at = surroundings

    def take(self, backlog):
        name = self.at.name(self.key)
        if not backlog.is_snapshot:
            self.at.copy_base_slot(name)
        connector = self.program(self.at.stack, self.at.config(name, backlog.is_snapshot, backlog.options, backlog.table),
                               self.at.directory)
        connector.binary = self.at.binary
        usage = self.at.usage()
        try:
            connector.start()
            usage.client = connector.process.pid
            line = usage.sample_until(lambda: self._finished(connector, backlog), backlog.patience_seconds,
                                      f"{name} has read {backlog.records:,} records")
            connector.stop()
        finally:
            connector.delete()
            self.at.drop_slot(name)
        if line["records"] != backlog.records:
            raise StackError(f"{name}: {line['records']} records instead of {backlog.records}")
        return Measurement.of(backlog.records / line["seconds"], usage)

    def _finished(self, connector, backlog):
        connector.check()
        phase = "snapshot" if backlog.is_snapshot else "stream"
        return next((line for line in connector.lines() if line["phase"] == phase and line["records"] >= backlog.records), None)


class IntoKafka:
    """A connector that writes to the broker: from the first record's append to the last one's, by the broker's clock."""

    def __init__(self, surroundings):
        self.at = surroundings

    def take(self, backlog):
        name = self.at.name(self.key)
        if not backlog.is_snapshot:
            self.at.copy_base_slot(name)
        with self.running(name, backlog.is_snapshot, self.options | backlog.options, backlog.table) as running:
            arrived = running.until_arrived(backlog.records, backlog.patience_seconds)
        seconds = (arrived["last_ms"] - arrived["first_ms"]) / 1000
        return Measurement.of(backlog.records / seconds, running.usage)

    def running(self, name, snapshot, options, table=TABLE):
        connector = self.connector(self.at.config(name, snapshot, options, table))
        return Running(self.at, connector, self.at.usage(self.worker_pid()), table)


class Running:
    """A connector between its start and its stop, with a topic and a slot of its own that are gone afterwards."""

    def __init__(self, surroundings, connector, usage, table):
        self.at, self.connector, self.usage = surroundings, connector, usage
        self.topic = f"{connector.name}.{table}"

    def __enter__(self):
        self.at.topics.create(self.topic)
        try:
            self.started_at = time.time()
            self.connector.start()
            # A Connect worker was there before; walstreet is a process that begins here.
            self.usage.client = self.usage.client or self.connector.process.pid
        except BaseException:
            self.connector.delete()
            raise
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None:
                self.connector.stop()
        finally:
            self.connector.delete()
            if failure is None:
                self.at.drop_slot(self.connector.name)
                self.at.topics.delete(self.topic)

    def until_arrived(self, count, seconds):
        """When the first and the last of `count` records were appended to the topic."""
        self.at.topics.ask_arrived(self.topic, count, seconds)
        look_after = time.monotonic() + 1

        def answered():
            nonlocal look_after
            if time.monotonic() > look_after:
                self.connector.check()
                look_after += 1
            return self.at.topics.has_answer()

        # Consume.java gives up after `seconds` and says what was there: that is the better answer.
        self.usage.sample_until(answered, seconds + ANSWER_SECONDS, f"{count:,} records of {self.connector.name} are in Kafka")
        arrived = self.at.topics.answer()
        if arrived["count"] != count:
            raise StackError(f"{self.connector.name}: {arrived['count']} records in the topic instead of {count}")
        return arrived


class WalstreetIntoKafka(IntoKafka):
    key, title, options, latency_options = "walstreet", "walstreet → Kafka", TUNED, TUNED_FOR_LATENCY

    def connector(self, config):
        connector = connectors.Walstreet(self.at.stack, config, self.at.directory)
        connector.binary = self.at.binary
        return connector

    def worker_pid(self):
        return None


class UntunedWalstreet(WalstreetIntoKafka):
    key, title, options, latency_options = "untuned", "walstreet → Kafka, defaults", {}, {}


class DebeziumIntoKafka(IntoKafka):
    """In one worker for all runs: its JVM stays warm. Its CPU time is that from the connector's start to the last record."""
    key, title, options, latency_options = "debezium", "tuned Debezium", TUNED, TUNED_FOR_LATENCY

    def connector(self, config):
        return connectors.Debezium(self.at.stack, config, self.at.directory)

    def worker_pid(self):
        return self.at.stack.pid("CONNECT")
