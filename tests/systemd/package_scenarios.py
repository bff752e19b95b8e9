"""The Debian package: installed, upgraded under load and back, removed, purged."""
import re

import clients
import machine
from scenario import CONFIG, LINE, LINE_LISTENER, MESSAGE, Scenario
from service import Journal, eventually

PAGES = ("windlassd(8)", "windlassctl(8)", "windlass(1)", "windlass-bench(1)", "windlass.toml(5)", "windlass-wire(7)")
RABBIT = "Follow the white rabbit. 🐰"
PRIORITIES = {"3", "4", "5", "6", "7"}  # errors to debug


class Package(Scenario):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.dpkg, "--install", self.packages["current"])

    def dpkg(self, *arguments):
        result = self.machine.run("dpkg", *machine.DPKG_OPTIONS, *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def version(self):
        return self.machine.run("dpkg-query", "--show", "--showformat=${Version}", "windlass").stdout

    def exists(self, inside):
        return self.machine.path(inside).exists()

    # --- Installing

    def test_package_installs_and_serves(self):
        self.dpkg("--purge", "windlass")
        self.dpkg("--install", self.packages["current"])
        self.service.wait_until("ActiveState", "active")
        self.assertEqual(self.service.show("UnitFileState"), "enabled")
        self.assertEqual(self.service.show("Type"), "notify")
        self.assertRegex(self.service.show("StatusText"),
                         r"^serving: \d+ workers?, \d+ pool process(es)?, generation 1$")
        self.assertEqual(self.search("morpheus").strip(), RABBIT)
        status = self.ctl("status")
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIn("127.0.0.1:65432", status.stdout)
        self.check_journal()

    def check_journal(self):
        self.journal.wait_for("listening protocol=message address=127.0.0.1:65432")
        entries = [entry for entry in self.journal.entries() if entry["_PID"] != "1"]
        for entry in entries:
            self.assertEqual(entry["SYSLOG_IDENTIFIER"], "windlass", entry)
            self.assertIn(entry["PRIORITY"], PRIORITIES, entry)
            self.assertNotRegex(entry["MESSAGE"], r"^<\d>|^\d{4}-\d\d-\d\dT", "prefix and time are the journal's")
        self.assertEqual([entry["MESSAGE"] for entry in entries if entry["PRIORITY"] in ("3", "4")], [])

    def test_package_brings_manual_pages(self):
        for page in PAGES:
            name, section = re.fullmatch(r"(.*)\((\d)\)", page).groups()
            found = self.machine.run("man", "--where", section, name)
            self.assertEqual(found.returncode, 0, f"{page}: {found.stderr}")
            self.assertTrue(found.stdout.startswith(f"/usr/share/man/man{section}/{name}.{section}"), found.stdout)

    # --- Upgrading

    def test_package_upgrade_under_load_loses_nothing(self):
        self.service.configure(CONFIG + LINE_LISTENER)
        self.service.start()
        pid, version = self.service.main_pid(), self.version()
        load, book = self.start_load()
        self.dpkg("--install", self.packages["next"])
        self.assertGreater(self.version(), version)
        self.expect_generation(2, pid)
        self.dpkg("--install", self.packages["current"])
        self.assertEqual(self.version(), version)
        self.expect_generation(3, pid)
        load.stop()
        self.assertEqual(load.show("ExecMainStatus"), "0", book.text())
        self.assertIn(" 0 refused, 0 wrong, 0 out of order, 0 lost, 0 in flight", book.text())

    def start_load(self):
        """The ledger, as a service of the machine; it says what became of every request when it is stopped."""
        load = self.unit("ledger-load.service")
        program = f"{self.packages['ledger_load']} --message={MESSAGE} --line={LINE} --connections=5 --seconds=120"
        load.define(f"[Service]\nExecStart={program}\n")
        book = Journal(self.machine, load.name)
        load.start()
        book.wait_for("under load")
        return load, book

    def expect_generation(self, number, pid):
        eventually(lambda: self.service.show("StatusText").endswith(f"generation {number}"), self.service.status)
        self.assertTrue(self.service.is_active())
        self.assertEqual(self.service.main_pid(), pid)
        program = self.machine.run("readlink", f"/proc/{pid}/exe").stdout
        self.assertEqual(program, "/usr/sbin/windlassd\n", "the program that was installed last")

    def test_package_upgrade_keeps_an_edited_configuration(self):
        edited = CONFIG.replace(":65432", ":7007") + "\n# edited\n"
        self.service.configure(edited)
        self.service.start()
        for package in ("next", "current"):
            self.dpkg("--install", self.packages[package])
            self.assertEqual(self.machine.read(self.service.config), edited)
            self.assertEqual(clients.echo_message("127.0.0.1:7007", b"here"), b"here")

    def test_package_upgrade_leaves_a_disabled_service_alone(self):
        self.addCleanup(self.service.systemctl, "enable", self.service.name)
        self.service.expect("disable")
        self.dpkg("--install", self.packages["next"])
        self.assertEqual(self.service.show("ActiveState"), "inactive")
        self.assertEqual(self.service.show("UnitFileState"), "disabled")

    # --- Removing

    def test_package_removal_and_purge(self):
        self.service.configure(CONFIG + "# edited\n")
        self.service.start()
        processes = self.service.processes()
        self.dpkg("--remove", "windlass")
        self.assertFalse(self.service.is_active())
        self.assertEqual([pid for pid in processes if self.process_is(pid)], [])
        self.assertFalse(self.exists("/usr/sbin/windlassd"))
        self.assertEqual(self.machine.read(self.service.config), CONFIG + "# edited\n")
        self.dpkg("--purge", "windlass")
        for path in ("/etc/windlass", "/var/lib/windlass", "/var/lib/private/windlass", "/run/windlass",
                     "/etc/systemd/system/multi-user.target.wants/windlass.service"):
            self.assertFalse(self.machine.run("test", "-e", path, "-o", "-L", path).returncode == 0, path)
        self.dpkg("--install", self.packages["current"])
        self.service.wait_until("ActiveState", "active")
        self.assertEqual(self.machine.read(self.service.config), self.conffile)
        self.assertEqual(self.search("morpheus").strip(), RABBIT)
