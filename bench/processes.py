"""CPU time and memory of processes, from /proc."""
import os, pathlib, subprocess, threading, time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
SAMPLE_SECONDS = 0.02


class Usage:
    """What a client, and the PostgreSQL backends that serve it, use from now on.

    A process that ended is remembered as it was last seen, so `sample` has to be called now and then. `client` may be a process
    that runs already (a Connect worker) or one to be started: then it is set when it is.
    """

    def __init__(self, postmaster, client=None):
        self.postmaster, self.client = postmaster, client
        self.earlier = set(children(postmaster))
        self.client_before = cpu_seconds(client) if client else 0.0
        self.client_now = self.client_before
        self.peak_mb = 0.0
        self.backends = {}
        if client:
            forget_peak(client)

    def sample(self):
        if self.client:
            self.client_now = cpu_seconds(self.client) or self.client_now
            self.peak_mb = peak_mb(self.client) or self.peak_mb
        for pid in children(self.postmaster):
            if pid not in self.earlier:
                self.backends[pid] = cpu_seconds(pid) or self.backends.get(pid, 0.0)

    def sample_until(self, done, seconds, what):
        """Samples until `done` says so; returns what it says. Gives up after so many seconds, and says what it waited for."""
        deadline = time.monotonic() + seconds
        while not (result := done()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds} s until {what}")
            self.sample()
            time.sleep(SAMPLE_SECONDS)
        self.sample()
        return result

    @property
    def cpu_seconds(self):
        return self.client_now - self.client_before

    @property
    def postgres_cpu_seconds(self):
        return sum(self.backends.values())


def run_to_its_end(command, usage, log, seconds):
    """Runs a program that ends by itself; returns its seconds, which do not depend on how often we look."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    started, ended = time.monotonic(), []

    def watch():
        # It stays a zombie, whose CPU time can still be read.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        ended.append(time.monotonic())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        usage.client = process.pid
        usage.sample_until(lambda: ended, seconds, f"{os.path.basename(command[0])} ends")
    except BaseException:
        process.kill()
        raise
    finally:
        watcher.join()
        process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return ended[0] - started


def cpu_seconds(pid):
    """User and system time of all threads, those that ended too; None when the process is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def peak_mb(pid):
    return memory_mb(pid, "VmHWM")


def resident_mb(pid):
    return memory_mb(pid, "VmRSS")


def memory_mb(pid, field):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def forget_peak(pid):
    """Lets VmHWM start again from what is resident now."""
    try:
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        pass  # another user's, or a kernel that cannot: the peak is then that of the process's whole life


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
