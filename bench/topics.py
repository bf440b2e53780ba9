"""Topics of the broker, through the one process of Consume.java."""
import json, pathlib, select, subprocess, time

from stack import CACHE, StackError

HERE = pathlib.Path(__file__).resolve().parent

# What Consume.java may need beyond the time that it was given: for its own start, and to ask the broker.
ANSWER_SECONDS = 30


class Topics:
    def __init__(self, bootstrap_servers, log):
        self.command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", f"{CACHE}/libs/*", str(HERE / "Consume.java"), bootstrap_servers]
        self.log = log

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1,
                                        start_new_session=True)
        self.deadline = None
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def forget(self):
        """Gives up the answer that is still to come."""
        self.__exit__()
        self.__enter__()

    def create(self, topic):
        self._ask("create", topic)
        return self.answer()

    def delete(self, topic):
        self._ask("delete", topic)
        return self.answer()

    def ask_arrived(self, topic, count, seconds):
        self._ask("arrived", topic, count, seconds)
        self.deadline += seconds

    def ask_latency(self, topic, count, seconds):
        self._ask("latency", topic, count, seconds)
        self.answer()  # it reads from here on
        self.deadline += seconds

    def has_answer(self, seconds=0):
        return bool(select.select([self.process.stdout], [], [], seconds)[0])

    def answer(self):
        if not self.has_answer(max(0, self.deadline - time.monotonic())):
            raise StackError("Consume.java did not answer in time; its log may say why")
        line = self.process.stdout.readline()
        if not line:
            raise StackError("Consume.java ended; its log says why")
        answer = json.loads(line)
        if "error" in answer:
            raise StackError(f"Consume.java: {answer['error']}")
        return answer

    def _ask(self, *words):
        self.deadline = time.monotonic() + ANSWER_SECONDS
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
