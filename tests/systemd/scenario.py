"""What all scenarios have in common: a scenario is a method test_NAME of a Scenario, run by run.py."""
import json
import sys
import unittest

import machine
from service import Journal, Unit

FOLDER = None  # where fixture.py booted the machine; set by run.py
MESSAGE, LINE = "127.0.0.1:65432", "127.0.0.1:65434"

# Small enough to start in a moment; every scenario says in its own words what differs.
CONFIG = """
[workers]
count = 2
[pool]
processes = 2
[[listener]]
address = "127.0.0.1:65432"
protocol = "message"
"""
LINE_LISTENER = """
[[listener]]
address = "127.0.0.1:65434"
protocol = "line"
handler = "echo"
"""


class Scenario(unittest.TestCase):
    """Role: one machine with the package installed and windlass.service stopped, and a language to use it in. What a
    scenario changes through `service`, `unit` and `configure` is undone after it; anything else it undoes itself, by
    addCleanup. When it fails, its output shows the state of its units and the journal."""

    def setUp(self):
        self.maxDiff = None
        self.units, self.journal = [], None
        try:
            self.machine = machine.Machine.attach(FOLDER)
        except machine.Unavailable as reason:
            self.skipTest(str(reason))
        self.machine.enter_network()
        self.packages = json.loads((FOLDER / "packages.json").read_text())
        self.service = self.unit("windlass.service", config="/etc/windlass/windlass.toml")
        self.conffile = self.machine.read(self.service.config)
        self.addCleanup(self.machine.write, self.service.config, self.conffile)
        self.journal = Journal(self.machine, self.service.name)
        self.service.configure(CONFIG)

    def unit(self, name, config=None):
        """A unit that is reset now and after the scenario."""
        unit = Unit(self.machine, name, config)
        unit.reset()
        self.addCleanup(unit.reset)
        self.units.append(unit)
        return unit

    def explain(self):
        """For a scenario that has just failed."""
        for unit in self.units:
            print(f"--- {unit.name}\n{unit.status()}", file=sys.stderr)
        if self.journal is not None:
            print(f"--- journal\n{self.journal.text()}\n---", file=sys.stderr)

    def ctl(self, *arguments):
        return self.machine.run("windlassctl", *arguments)

    def search(self, value, address=MESSAGE):
        """`windlass search` inside; its output."""
        result = self.machine.run("windlass", "search", address, value)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def signal(self, number, pid):
        self.assertGreater(pid, 1, "0 would be ourselves")
        self.assertEqual(self.machine.run("kill", f"-{number}", pid).returncode, 0)

    def process_is(self, pid):
        """Whether there is such a process."""
        return self.machine.run("kill", "-0", pid).returncode == 0
