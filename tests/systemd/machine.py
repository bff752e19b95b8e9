"""A machine with a real systemd for the tests: a container that boots a copy-on-write copy of this one.

    machine.boot(folder)                      # once; the container then lives until halt, or until the caller's parent
    machine = Machine.attach(folder)          # from any process, as often as wanted
    machine.run("systemctl", "start", "windlass")
    machine.halt(folder)

FOLDER is where logs and the state are; each folder can have one machine.
"""
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
CAP_SYS_ADMIN = 21
BOOT_SECONDS = 90  # more than the keeper gives the container
HALT_SECONDS = 20
COMMAND_SECONDS = 60
DPKG_OPTIONS = ("--path-include=/usr/share/man/*", "--path-include=/usr/share/doc/*")  # images may leave them out
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


class Unavailable(Exception):
    """No machine can be had here, and why: tests are skipped."""


class Machine:
    """Role: the door to a booted container.
    Owns nothing: the container is its keeper's (keeper.py). Any number of these may look at one.
    Blocking: run waits for its command, at most `seconds`; everything else returns at once.
    Errors: run raises subprocess.TimeoutExpired; files raise OSError, as those of this machine do.
    """

    def __init__(self, leader):
        self.leader = leader  # pid of the container's systemd, as seen from here
        self.root = pathlib.Path(f"/proc/{leader}/root")

    @classmethod
    def attach(cls, folder):
        """The machine that was booted in `folder`. Raises Unavailable if there is a reason that there is none."""
        state = read_json(folder / "machine.json")
        if state is None:
            raise RuntimeError(f"no machine was booted in {folder}")
        if "skip" in state:
            raise Unavailable(state["skip"])
        if living(state) is None or "leader" not in state:
            raise RuntimeError(f"the machine in {folder} is gone; its logs are there")
        return cls(state["leader"])

    def run(self, *command, seconds=COMMAND_SECONDS):
        """Runs a command inside, as root in a clean environment: CompletedProcess with stdout and stderr as text."""
        return subprocess.run(self.command(*command), capture_output=True, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True)

    def command(self, *command):
        return ["nsenter", "-t", str(self.leader), "-a", *(str(part) for part in command)]

    def path(self, inside):
        """Where a file of the machine is for this process. Symbolic links to absolute paths would lead out of it."""
        return self.root / str(inside).lstrip("/")

    def write(self, inside, text):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, inside):
        return self.path(inside).read_text(encoding="utf-8")

    def copy_in(self, source, inside):
        self.path(inside).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.path(inside))

    def enter_network(self):
        """From now on the sockets that the calling thread, and threads that it starts, make are the machine's: its
        loopback is not ours."""
        with open(f"/proc/{self.leader}/ns/net", encoding="ascii") as namespace:
            if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")


# --- Booting and halting ---

def why_not():
    """Why no machine can be booted here, or None. What shows only on trying is not known here."""
    if os.geteuid() != 0:
        return "not root"
    effective = pathlib.Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0]
    if not int(effective, 16) >> CAP_SYS_ADMIN & 1:
        return "root without CAP_SYS_ADMIN (a container?)"
    for program in ("systemd-nspawn", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"no {program} (packages systemd-container, util-linux)"
    return None


def boot(folder, owner=None):
    """Boots a machine in `folder`, in place of the one that is there, and waits until it runs. It ends with process
    `owner`, the caller's parent if none is given. Raises Unavailable, which Machine.attach repeats; RuntimeError if it
    should have come up."""
    halt(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reason = why_not()
    if reason is None:
        unshare = start_keeper(folder, owner or os.getppid())
        outcome = wait_for_outcome(folder, unshare)
        if "error" in outcome:
            unshare.terminate()
            raise RuntimeError(outcome["error"])
        reason = outcome.get("skip")
    if reason is not None:
        write_json(folder / "machine.json", {"skip": reason})
        raise Unavailable(reason)
    keeper = first_child(unshare.pid)
    write_json(folder / "machine.json", identity(unshare.pid) | {"leader": first_child(first_child(keeper))})


def start_keeper(folder, owner):
    """The `unshare` that waits for the keeper: when it is killed, so is the keeper."""
    script = pathlib.Path(__file__).with_name("keeper.py")
    pidfd = os.pidfd_open(owner)
    command = ["unshare", "--mount", "--propagation=private", "--pid", "--mount-proc", "--fork", "--kill-child",
               sys.executable, "-B", script, folder, str(pidfd)]
    with open(folder / "keeper.log", "w", encoding="utf-8") as log:
        unshare = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[pidfd],
                                   start_new_session=True)
    write_json(folder / "machine.json", identity(unshare.pid))
    return unshare


def wait_for_outcome(folder, unshare):
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        ended = unshare.poll() is not None
        outcome = read_json(folder / "boot.json")
        if outcome is not None:
            return outcome
        if ended:  # the keeper was not even started
            return {"skip": last_line(folder / "keeper.log")}
        time.sleep(0.05)
    return {"error": f"not booted after {BOOT_SECONDS} s"}


def halt(folder):
    """Ends the machine that was booted in `folder`, if there is one, and waits until nothing of it is left."""
    unshare = living(read_json(folder / "machine.json") or {})
    if unshare is None:
        return
    ended = os.pidfd_open(unshare)
    for keeper in children(unshare):
        os.kill(keeper, signal.SIGTERM)
    if not select.select([ended], [], [], HALT_SECONDS)[0]:
        signal.pidfd_send_signal(ended, signal.SIGKILL)
        select.select([ended], [], [], HALT_SECONDS)
    os.close(ended)


# --- Files and processes; for the keeper, too ---

def write_json(path, what):
    """All of it or nothing, whenever somebody reads."""
    path.with_suffix(".new").write_text(json.dumps(what))
    path.with_suffix(".new").rename(path)


def read_json(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def identity(pid):
    """A process that will not be mistaken for another that has its pid later."""
    return {"pid": pid, "started": start_time(pid)}


def living(state):
    """The pid in `state`, None if that process has ended."""
    if "pid" not in state or state["started"] is None:
        return None
    return state["pid"] if start_time(state["pid"]) == state["started"] else None


def start_time(pid):
    """In clock ticks since this computer started, None if there is no such process, or only a zombie."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def first_child(pid):
    return next(iter(children(pid)), None)


def last_line(path):
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"{path.name} is empty"
