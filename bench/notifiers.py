"""Who tells Slack: walstreet alone, or the real Debezium, Kafka and a Python script."""
import os, subprocess

import connectors
from competitors import TUNED_FOR_LATENCY
from processes import resident_mb
from stack import StackError

TABLE = "public.transactions"
DATABASE = "bench"
# Slack takes a message a second into a channel: so many channels take the pace that is measured one by one.
CHANNELS = 60
# kafka-python reads lz4 only with a further package, and single records are not worth it.
TUNED = TUNED_FOR_LATENCY | {"producer.override.compression.type": "none"}
WITHOUT_SCHEMAS = {
    "key.converter": "org.apache.kafka.connect.json.JsonConverter", "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false",
}

NOTIFY_HEAD = """\
[notify]
state_dir = "{state_dir}"

[notify.expose]
"{table}" = {{ transaction_id = "plain", amount = "plain", currency = "plain", merchant_name = "plain", status = "plain" }}
"""

# A second's window: during a flood Slack's own pace, and no digest of what comes once a second.
NOTIFY_ROUTE = """
[destination.c{number}]
kind = "slack_bot"
token = {{ env = "SLACK_TOKEN_{number}" }}
channel = "C{number}"
api_base = "{slack}"

[[rule]]
name = "failed-{number}"
table = "{table}"
column = "status"
from = ["PENDING"]
to = ["FAILED_{number}"]
amount = {{ column = "amount", per = "currency" }}
to_dest = ["c{number}"]
collapse = {{ window = "1s" }}
"""


class Notifying(connectors.Walstreet):
    """`walstreet run --notify`."""
    slack_api = None

    def command(self):
        state = self.directory / f"{self.name}.state"
        state.mkdir()
        notify = self.directory / f"{self.name}.notify.toml"
        routes = [NOTIFY_ROUTE.format(number=number, slack=self.slack_api.rstrip("/"), table=TABLE) for number in range(CHANNELS)]
        notify.write_text(NOTIFY_HEAD.format(state_dir=state, table=TABLE) + "".join(routes))
        # A token's messages are limited too; a token a channel is what as many teams with an app each would have.
        os.environ.update({f"SLACK_TOKEN_{number}": f"xoxb-{number}" for number in range(CHANNELS)})
        return [*super().command(), "--notify", notify]


class Notifier:
    """Between start and stop; in each round with a slot and topics of its own."""
    loads = ("trickle", "stream", "flood")
    options = TUNED
    gives_up_when_refused = False

    def __init__(self, stack, slack, directory, binary, round_number=1):
        self.stack, self.slack, self.directory, self.binary = stack, slack, directory, binary
        self.name = f"{self.key}_{round_number}"
        self.processes = ()

    def config(self):
        return {
            "name": self.name,
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "database.hostname": self.stack.env["POSTGRES_HOST"],
            "database.port": self.stack.env["POSTGRES_PORT"],
            "database.user": "postgres",
            "database.password": "postgres",
            "database.dbname": DATABASE,
            "topic.prefix": self.name,
            "slot.name": self.name,
            "plugin.name": "pgoutput",
            "publication.name": "bench",
            "publication.autocreate.mode": "disabled",
            "table.include.list": TABLE,
            "snapshot.mode": "no_data",
            "decimal.handling.mode": "string",
        } | self.options

    def __enter__(self):
        self.connector = self.make_connector()
        try:
            self.connector.start()
            self.connector.wait_until_streaming()
            self.start_rest()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.connector.delete()
        self.stack.psql(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{self.name}' AND NOT active")

    def check(self):
        self.connector.check()
        for process in self.processes:
            if process.poll() is not None:
                raise StackError(f"{self.title}: the script ended with code {process.returncode}; {self.name}.script.log says why")


class Walstreet(Notifier):
    key, title, program = "walstreet", "walstreet", Notifying

    def make_connector(self):
        connector = self.program(self.stack, self.config(), self.directory)
        connector.binary, connector.slack_api = self.binary, self.slack.api
        return connector

    def start_rest(self):
        """It is all there is."""

    def resident_mb(self):
        return resident_mb(self.connector.process.pid)


class Script(Notifier):
    """Debezium with its settings tuned for latency, JSON without schemas, and the script of the tutorials."""
    key, title, script_options = "tuned", "tuned Debezium + script", ()
    options = TUNED | WITHOUT_SCHEMAS
    python, gives_up_when_refused = None, True

    def make_connector(self):
        return connectors.Debezium(self.stack, self.config(), self.directory)

    def start_rest(self):
        script = [self.python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "consumer.py"), self.stack.env["KAFKA_BOOTSTRAP"],
                  f"{self.name}.{TABLE}", self.slack.api, *self.script_options]
        with open(self.directory / f"{self.name}.script.log", "wb") as log:
            self.processes = (subprocess.Popen(script, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True),)

    def resident_mb(self):
        """Of the worker and the script; Kafka itself is not counted."""
        return sum(resident_mb(pid) for pid in (self.stack.pid("CONNECT"), *(process.pid for process in self.processes)))


class ScriptWithDefaults(Script):
    key, title, options = "defaults", "Debezium's defaults + script", {}


class PatientScript(Script):
    """Its client waits as long as Slack says: nothing is lost, and everything waits."""
    key, title, script_options = "patient", "tuned Debezium + script that waits", ("--retry",)
    loads, gives_up_when_refused = ("flood",), False
