"""What the unit takes away from the service, and several services beside each other."""
import re

import clients
import scenario
from scenario import CONFIG, MESSAGE, Scenario

LARGEST_EXPOSURE = 1.5
DYNAMIC_USERS = range(61184, 65520)  # systemd's
SECCOMP_FILTER = "2"
FAULT = "/srv/fault.so"  # tools/examples/fault
FAULT_HANDLER = f"""
[[handler]]
name = "fault"
library = "{FAULT}"
idempotent = false
"""


class Hardening(Scenario):
    def test_hardening_leaves_little_exposed(self):
        self.service.start()
        said = self.machine.run("systemd-analyze", "security", "--no-pager", self.service.name).stdout
        exposure = float(re.search(r"Overall exposure level for windlass.service: ([\d.]+)", said).group(1))
        self.assertLessEqual(exposure, LARGEST_EXPOSURE, said)

    def test_hardening_holds_for_every_process(self):
        self.service.start()
        processes = self.service.processes()
        self.assertEqual(len(processes), 7, processes)
        for pid in processes:
            self.check_process(pid)
        # And all that it is left with is enough.
        self.assertEqual(clients.echo_message(MESSAGE, b"x" * 1_000_000), b"x" * 1_000_000)

    def check_process(self, pid):
        status = dict(line.split(":\t", 1) for line in self.machine.read(f"/proc/{pid}/status").splitlines()
                      if ":\t" in line)
        what = f"{status['Name']}[{pid}]"
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[capabilities], 16), 0, f"{capabilities} of {what}")
        self.assertEqual(status["NoNewPrivs"], "1", what)
        self.assertEqual(status["Seccomp"], SECCOMP_FILTER, what)
        for user in status["Uid"].split():
            self.assertIn(int(user), DYNAMIC_USERS, what)
        # The memory of what is not dumpable is root's: nobody of its user can look into it.
        self.assertEqual(self.machine.run("stat", "--format=%u", f"/proc/{pid}/mem").stdout.strip(), "0", what)

    def test_hardening_leaves_the_sandbox_of_the_pool_to_do_its_part(self):
        self.machine.copy_in(scenario.FOLDER.parent / "plugins" / "fault.so", FAULT)
        for level, call, forbidden in (("strict", "open", "openat"), ("basic", "exec", "execve")):
            with self.subTest(level):
                self.service.configure(CONFIG.replace("[pool]", f"[pool]\nsandbox = \"{level}\"") + FAULT_HANDLER)
                self.service.start()
                allowed = b'{"kind": "call", "name": "clock"}'
                self.assertEqual(clients.ask(MESSAGE, allowed, "fault").status, "ok")
                tried = b'{"kind": "call", "name": "%s"}' % call.encode()
                self.assertEqual(clients.ask(MESSAGE, tried, "fault").status, "handler_crashed")
                self.journal.wait_for(f"the sandbox forbids {forbidden}: {forbidden}(")
                self.service.stop()


class Instances(Scenario):
    def instance(self, name, port):
        unit = self.unit(f"windlass@{name}.service", config=f"/etc/windlass/{name}.toml")
        self.addCleanup(self.machine.run, "rm", "-f", unit.config)
        unit.configure(CONFIG.replace("65432", str(port)))
        unit.start()
        return unit

    def test_instances_run_beside_each_other(self):
        units = {"a": self.instance("a", 7001), "b": self.instance("b", 7002)}
        for name, port in (("a", 7001), ("b", 7002)):
            self.assertEqual(clients.echo_message(f"127.0.0.1:{port}", name.encode()), name.encode())
            status = self.ctl(f"--instance={name}", "status")
            self.assertEqual(status.returncode, 0, status.stderr)
            self.assertIn(f"127.0.0.1:{port}", status.stdout)
            self.assertTrue(self.machine.path(f"/run/windlass-{name}/control.sock").is_socket())
            self.assertEqual(self.machine.run("test", "-d", f"/var/lib/windlass-{name}").returncode, 0)
        self.check_reload_of_one(units)
        units["a"].stop()
        self.assertEqual(clients.echo_message("127.0.0.1:7002", b"alone"), b"alone")
        self.assertEqual(self.ctl("--instance=a", "status").returncode, 3)

    def check_reload_of_one(self, units):
        units["a"].reload()
        self.assertTrue(units["a"].show("StatusText").endswith("generation 2"), units["a"].status())
        self.assertTrue(units["b"].show("StatusText").endswith("generation 1"), units["b"].status())
