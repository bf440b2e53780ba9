"""The two kinds of connectors that are compared. Both are started, waited for, stopped and started again in the same way."""
import json, os, signal, subprocess, threading, time

from stack import StackError

WAIT_SECONDS = 150
DELETE_SECONDS = 30
# Set when the whole run is to end: nobody waits for a connector any more.
ENDING = threading.Event()


class Connector:
    """`name` is the connector's name and its topic.prefix, and that of its slot unless the scenario names another."""

    is_playing = True

    def __init__(self, stack, config, directory):
        self.stack, self.config, self.directory = stack, config, directory
        self.name, self.slot_name = config["name"], config["slot.name"]

    def records(self):
        """What it wrote, as `walstreet diff` names it."""
        return f"kafka://{self.stack.env['KAFKA_BOOTSTRAP']}/{self.name}"

    def slot(self, column):
        return self.stack.psql(f"SELECT {column} FROM pg_replication_slots WHERE slot_name = '{self.slot_name}'")

    def wait_until_streaming(self):
        # A slot is active while it is being created, too; the walsender says more.
        streams = (f"SELECT count(*) FROM pg_replication_slots JOIN pg_stat_replication ON pid = active_pid "
                   f"WHERE slot_name = '{self.slot_name}' AND state IN ('catchup', 'streaming')")
        self.wait(lambda: self.stack.psql(streams) == "1", "streams")

    def wait_until_confirmed(self, lsn):
        """Until every record of what was committed before `lsn` is in Kafka and its offset stored."""
        self.wait(lambda: self.slot(f"confirmed_flush_lsn > '{lsn}'") == "t", f"has confirmed {lsn}")

    def wait(self, condition, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.check()
            if ENDING.is_set():
                raise StackError("the run was ended")
            if time.monotonic() > deadline:
                raise StackError(f"{self.kind} {self.name}: waited {WAIT_SECONDS} s until it {what}; slot active and confirmed: "
                                 f"{self.slot('active, confirmed_flush_lsn')}")
            time.sleep(0.1)


class Debezium(Connector):
    kind = "debezium"
    exists = False

    def start(self):
        if self.exists:
            self.stack.rest("PUT", f"/connectors/{self.name}/resume")
        else:
            config = {key: value for key, value in self.config.items() if key != "name"}
            self.stack.rest("POST", "/connectors", {"name": self.name, "config": config})
            self.exists = True

    def check(self):
        try:
            status = self.stack.rest("GET", f"/connectors/{self.name}/status")
        except StackError:  # not known yet
            return
        for part in [status["connector"], *status["tasks"]]:
            if part["state"] == "FAILED":
                raise StackError(f"debezium {self.name} failed:\n{part['trace'][:3000]}")

    def stop(self):
        """Stops the task; its offsets stay."""
        self.stack.rest("PUT", f"/connectors/{self.name}/stop")
        self.wait(lambda: self.slot("active") != "t", "has stopped")

    def delete(self):
        if self.exists:
            self.stack.rest("DELETE", f"/connectors/{self.name}")
            self.exists = False
            deadline = time.monotonic() + DELETE_SECONDS
            while self.slot("active") == "t" and time.monotonic() < deadline:
                time.sleep(0.1)


class Earlier:
    """Debezium in an earlier run: only its records are there."""

    is_playing = False

    def __init__(self, capture):
        if not capture.exists():
            raise StackError(f"{capture} is not there: play the scenario on that server first, without --against")
        self.capture = capture

    def records(self):
        return self.capture

    def delete(self):
        pass


class Walstreet(Connector):
    kind = "walstreet"
    binary = None
    process = None

    def start(self):
        with open(self.directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def command(self):
        """Writes the two configurations and names them."""
        config = self.directory / f"{self.name}.json"
        config.write_text(json.dumps({"name": self.name, "config": self.config}, indent=2, ensure_ascii=False))
        worker = self.directory / f"{self.name}.worker.properties"
        worker.write_text("".join(f"{key}={value}\n" for key, value in self.stack.worker_properties().items()))
        return [self.binary, "run", config, "--bootstrap-servers", self.stack.env["KAFKA_BOOTSTRAP"], "--worker", worker]

    def check(self):
        if self.process.poll() is not None:
            log = (self.directory / f"{self.name}.log").read_text(errors="replace").splitlines()
            raise StackError(f"walstreet {self.name} ended with code {self.process.returncode}:\n" + "\n".join(log[-25:]))

    def stop(self):
        self.check()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise StackError(f"walstreet {self.name} did not end within 30 s of SIGTERM")
        if code:
            raise StackError(f"walstreet {self.name} ended with code {code} after SIGTERM")
        self.wait(lambda: self.slot("active") != "t", "has stopped")

    def delete(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
