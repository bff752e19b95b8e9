"""A unit of the machine under test, as an operator sees it: configuration, drop-ins, state, journal."""
import json
import time

SOON = 20  # seconds in which what should happen has happened, on a machine that others use, too


def eventually(condition, what, seconds=SOON):
    """Waits until condition() is true, and returns it. AssertionError saying `what` if it stays false."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


class Unit:
    """Role: one unit of a machine, and what a test changes about it: drop-ins, and for services a configuration file.
    Owns the drop-ins and the unit files that it wrote: `reset` removes them and stops the unit.
    Blocking: as systemctl does, at most a minute. Errors: AssertionError with what systemctl said.
    """

    def __init__(self, machine, name, config=None):
        self.machine = machine
        self.name = name
        self.config = config  # path of the configuration file

    # --- Changing

    def configure(self, text):
        self.machine.write(self.config, text)

    def drop_in(self, text):
        """Adds to the unit's settings until `reset`."""
        self.machine.write(f"/run/systemd/system/{self.name}.d/test.conf", text)
        self.systemctl("daemon-reload")

    def define(self, text):
        """Makes a unit of this name until `reset`."""
        self.machine.write(f"/run/systemd/system/{self.name}", text)
        self.systemctl("daemon-reload")

    def start(self):
        return self.expect("start")

    def stop(self):
        return self.expect("stop")

    def restart(self):
        return self.expect("restart")

    def reload(self):
        return self.expect("reload")

    def expect(self, verb):
        """`systemctl VERB` of this unit, which must succeed."""
        result = self.systemctl(verb, self.name)
        assert result.returncode == 0, f"systemctl {verb} {self.name}: {result.stderr}{self.status()}"
        return result

    def systemctl(self, *arguments):
        return self.machine.run("systemctl", *arguments)

    def reset(self):
        """Stops it, forgets its failures and restarts, and undoes drop_in and define."""
        ours = f"/run/systemd/system/{self.name}"
        self.machine.run("sh", "-c", f"systemctl stop {self.name}; [ ! -e {ours} -a ! -e {ours}.d ] || "
                                     f"{{ rm -rf {ours} {ours}.d; systemctl daemon-reload; }}; "
                                     f"systemctl reset-failed {self.name}")

    # --- Looking

    def show(self, name):
        """One property, as text."""
        return self.machine.run("systemctl", "show", "--value", "-p", name, self.name).stdout.rstrip("\n")

    def status(self):
        return self.machine.run("systemctl", "status", "--no-pager", "--lines=0", "--full", self.name).stdout

    def main_pid(self):
        return int(self.show("MainPID"))

    def is_active(self):
        return self.show("ActiveState") == "active"

    def wait_until(self, name, value, seconds=SOON):
        eventually(lambda: self.show(name) == value, lambda: f"{name}={value}: {self.status()}", seconds)

    def processes(self):
        """pids of all of the unit's processes."""
        group = self.show("ControlGroup")
        if not group:
            return []
        # Cgroup version 2 is mounted there, or beside version 1. Read inside: pids are those of the reader's namespace.
        files = [f"/sys/fs/cgroup{hierarchy}{group}/cgroup.procs" for hierarchy in ("", "/unified", "/systemd")]
        return sorted({int(pid) for pid in self.machine.run("cat", *files).stdout.split()})


class Journal:
    """Role: the journal of one unit from now on. Blocking: never, but while `journalctl` runs."""

    def __init__(self, machine, unit):
        self.machine = machine
        self.unit = unit
        found = machine.run("journalctl", "--quiet", "--lines=0", "--show-cursor").stdout
        self.cursor = found.partition("-- cursor: ")[2].strip()

    def entries(self):
        """Entries of the unit, and of systemd about it, oldest first."""
        # Not --after-cursor: it leaves out the first entry when the cursor's own is another unit's.
        begin = [f"--cursor={self.cursor}"] if self.cursor else []
        result = self.machine.run("journalctl", "--quiet", "--output=json", f"--unit={self.unit}", *begin)
        entries = [json.loads(line) for line in result.stdout.splitlines()]
        return [entry for entry in entries if entry["__CURSOR"] != self.cursor]

    def messages(self, priority=None):
        """What the service itself said; with a priority, "0" to "7", only that."""
        return [as_text(entry["MESSAGE"]) for entry in self.entries()
                if entry["_PID"] != "1" and priority in (None, entry["PRIORITY"])]

    def of_systemd(self):
        """What systemd said about the unit."""
        return [entry["MESSAGE"] for entry in self.entries() if entry["_PID"] == "1"]

    def text(self):
        return "\n".join(as_text(entry["MESSAGE"]) for entry in self.entries())

    def wait_for(self, part, seconds=SOON):
        """The first message of the service with `part` in it."""
        def find():
            return next((message for message in self.messages() if part in message), None)
        return eventually(find, lambda: f"a line with {part!r} in\n{self.text()}", seconds)


def as_text(message):
    """journalctl gives what is not printable as an array of bytes."""
    return bytes(message).decode(errors="replace") if isinstance(message, list) else message
