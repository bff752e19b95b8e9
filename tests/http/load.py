"""Load by wrk and h2load, and what they say about it."""
import re
import subprocess

from server import TIMEOUT, tried


class Load:
    """A load generator that runs beside the test. said() waits for its end."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def runs(self):
        return self.process.poll() is None

    def said(self):
        said, _ = self.process.communicate(timeout=TIMEOUT)
        if self.process.returncode != 0:
            raise AssertionError(f"ended with {self.process.returncode}:\n{said}")
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.runs():
            self.process.kill()
        self.process.communicate()


def wrk(url, *more, seconds=2, connections=8):
    tried.skip_unless_found("wrk")
    return Load("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *more, url)


def h2load(url, *more, connections=8):
    tried.skip_unless_found("h2load")
    return Load("h2load", "--h1", f"-c{connections}", *more, url)


def answered_by_wrk(said):
    """How many requests; AssertionError when one failed."""
    if "Non-2xx" in said or "Socket errors" in said:
        raise AssertionError(said)
    return int(re.search(r"(\d+) requests in", said).group(1))


def answered_by_h2load(said):
    """As answered_by_wrk."""
    succeeded, failed, errored, late = map(int, re.search(
        r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said).groups())
    good = int(re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", said).group(1)) if succeeded else 0
    # Those whose answers had begun when its time was over have a status and are nothing else.
    if failed or errored or late or good < succeeded:
        raise AssertionError(said)
    return succeeded
