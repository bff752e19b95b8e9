"""Processes of a benchmark: started, looked at in /proc, and ended whatever happens."""
import atexit
import ctypes
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class BenchError(Exception):
    """Something that was to be measured could not be."""


class Processes:
    """Everything that was started, to be ended whatever happens."""

    def __init__(self):
        self.started = []
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of what we start become ours to end
        atexit.register(self.end_all)

    def start(self, command, **options):
        def in_child():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # A process group of its own, so that Ctrl-C reaches only the runner; not a session of its
        # own: the kernel's autogroups would share the CPU out between sessions, half for the load
        # generator whatever it needs, and the peers that generate their own load have one only.
        process = subprocess.Popen([str(part) for part in command], process_group=0,
                                   preexec_fn=in_child, text=True, **options)
        self.started.append(process)
        return process

    def end(self, process, patience=10):
        """SIGTERM, then SIGKILL for whatever is left of the tree, orphans too."""
        tree = descendants(process.pid)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                print(f"  {process.args[0]} did not end within {patience} s: killed",
                      file=sys.stderr)
        for pid, started in tree:
            if start_time(pid) == started:
                os.kill(pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        self.started.remove(process)
        end_strangers({child.pid for child in self.started})

    def end_all(self):
        while self.started:
            self.end(self.started[-1], patience=3)

    def run_json(self, command, seconds):
        """Runs a program that prints one line of JSON, for `seconds` at most."""
        process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=seconds)
            if process.returncode != 0:
                raise BenchError(f"{command[0]} exited with {process.returncode}: {err.strip()}")
            return json.loads(out.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            raise BenchError(f"{command[0]} took more than {seconds} s") from None
        except (ValueError, IndexError):
            raise BenchError(f"{command[0]} printed no JSON: {out[:200]!r}") from None
        finally:
            self.end(process)


def stat_fields(pid):
    """/proc/PID/stat from field 3 (state) on, or None."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def start_time(pid):
    fields = stat_fields(pid)
    return None if fields is None else fields[19]


def descendants(root):
    """[(pid, start time)] of the processes under `root`, and of it, as they are now."""
    children = {}
    for entry in os.listdir("/proc"):
        fields = stat_fields(entry) if entry.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append((pid, start_time(pid)))
        todo += children.get(pid, [])
    return [(pid, started) for pid, started in found if started is not None]


def end_strangers(ours):
    """Orphans of a tree that ended become our children; those of Popen are its own business."""
    for pid, _ in descendants(os.getpid())[1:]:
        fields = stat_fields(pid)
        if pid not in ours and fields is not None and int(fields[1]) == os.getpid():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def cpu_seconds(root):
    """CPU time of a tree: (by utime + stime, by the scheduler's nanoseconds or 0 without them)."""
    ticks = nanoseconds = 0
    for pid, _ in descendants(root):
        fields = stat_fields(pid)
        if fields is None:
            continue
        ticks += int(fields[11]) + int(fields[12])
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                nanoseconds += int(task.read_text().split()[0])
            except OSError:
                pass
    return ticks / os.sysconf("SC_CLK_TCK"), nanoseconds / 1e9


def memory_and_descriptors(pids):
    """{pid: (Pss in bytes, open descriptors)} of those that live and let us look."""
    seen = {}
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            pss = int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024
            seen[pid] = (pss, len(os.listdir(f"/proc/{pid}/fd")))
        except OSError:
            pass
    return seen


# --- Servers ---

class Server:
    """A process that says on one of its streams where it listens."""

    def __init__(self, processes, command, listeners, stream, pattern, env=None, keep=None):
        self.processes = processes
        self.keep, self.kept = keep and re.compile(keep), []  # lines that somebody wants later
        streams = {"stdout": subprocess.DEVNULL, stream: subprocess.PIPE}
        self.process = processes.start(command, env=env, **streams)
        self.ports, self.last_lines, self.announced = {}, [], threading.Event()
        arguments = (getattr(self.process, stream), re.compile(pattern), listeners)
        self.reader = threading.Thread(target=self.read, daemon=True, args=arguments)
        self.reader.start()
        if not self.announced.wait(30) or len(self.ports) < listeners:
            processes.end(self.process)
            said = "".join(self.last_lines)
            raise BenchError(f"{command[0]} does not say where it listens: {said}")

    def read(self, stream, pattern, listeners):
        for line in stream:  # to its end: a full pipe must not hold the server up
            self.last_lines = self.last_lines[-19:] + [line]
            if self.keep and self.keep.search(line):
                self.kept.append(line)
            match = pattern.search(line)
            if match is not None:
                self.ports[match.group(1)] = int(match.group(2))
            if len(self.ports) == listeners:
                self.announced.set()
        self.announced.set()

    def log(self):
        return "".join(self.kept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process in self.processes.started:
            self.processes.end(self.process)
        self.reader.join(5)
