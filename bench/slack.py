"""The Slack of the measurements: `walstreet fake-slack`, which keeps to Slack's limits and remembers what it accepted, and when."""
import dataclasses, json, os, re, select, subprocess, urllib.request

from servers import say
from stack import StackError

START_SECONDS = 10
ANSWER_SECONDS = 30

ID = re.compile(r"TX\d{8}")
# Of a digest: `failed: 4,997 changes, PENDING → FAILED`.
COUNTED = re.compile(r": ([\d,]+) changes?\b")


@dataclasses.dataclass
class Told:
    """An accepted message: of one change, or a digest of `count` changes, which does not name them all."""
    channel: str
    accepted_us: int
    transaction_id: str | None
    count: int

    @staticmethod
    def of(entry):
        text = entry["body"]["text"]
        seconds, micros = entry["ts"].split(".")
        accepted_us = int(seconds) * 1_000_000 + int(micros)
        if counted := COUNTED.search(text):
            return Told(entry["channel"], accepted_us, None, int(counted[1].replace(",", "")))
        if named := ID.search(text):
            return Told(entry["channel"], accepted_us, named[0], 1)
        raise StackError(f"Slack got a message that names no transaction: {text[:200]}")


class FakeSlack:
    def __init__(self, binary, log):
        self.command, self.log = [binary, "fake-slack", "--port", "0"], log

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        start_new_session=True)
        self._runs_at_once()
        try:
            if not select.select([self.process.stdout], [], [], START_SECONDS)[0]:
                raise StackError(f"the fake Slack did not say its address within {START_SECONDS} s")
            said = self.process.stdout.readline().strip()
            self.address = said.rpartition(" ")[2]
            if not self.address.startswith("http"):
                raise StackError(f"the fake Slack did not start, its log says why; it printed {said!r}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _runs_at_once(self):
        """Slack's servers share no processor with what is measured: a request that is there does not wait for one (sched(7))."""
        try:
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            say("warning: no permission for real-time scheduling (CAP_SYS_NICE): requests also wait until the fake Slack gets a processor")

    @property
    def api(self):
        return self.address + "api/"

    def reset(self):
        self._control("reset", b"")

    def counters(self):
        return self._control("state")["counters"]

    def told(self):
        """In the order of acceptance; edits of messages are no news."""
        return [Told.of(entry) for entry in self._control("log") if entry["method"] == "chat.postMessage"]

    def _control(self, path, body=None):
        with urllib.request.urlopen(f"{self.address}control/{path}", body, ANSWER_SECONDS) as answer:
            return json.loads(answer.read())
