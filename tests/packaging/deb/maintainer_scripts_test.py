"""Installing, upgrading, removing and purging the package, on a copy of this machine where no systemd runs."""
import pathlib
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]
import machine_copy  # noqa: E402
import tried  # noqa: E402

ENABLED = "/etc/systemd/system/multi-user.target.wants/windlass.service"
SOCKET_ENABLED = "/etc/systemd/system/sockets.target.wants/windlass.socket"
CONFIG = "/etc/windlass/windlass.toml"
RUNNING = "windlass.service loaded active running Windlass\nwindlass@a.service loaded active running Windlass\n"


class Scripts(unittest.TestCase):
    systemd = False

    def setUp(self):
        self.now = tried.project_version()
        self.next = f"{self.now}+next"
        try:
            self.machine = machine_copy.MachineCopy(self.systemd)
        except machine_copy.Unavailable as why:
            self.skipTest(str(why))
        self.addCleanup(self.machine.close)

    def there(self, path):
        return self.machine.run("test", "-e", path, "-o", "-L", path).returncode == 0

    def installed_version(self):
        return self.machine.run("dpkg-query", "--show", "--showformat=${Version}", "windlass").stdout


class WithoutSystemd(Scripts):
    """As in the build of a container's image."""

    def test_installing_enables_the_service_and_not_the_socket(self):
        self.machine.install(self.now)
        self.assertTrue(self.there(ENABLED))
        self.assertFalse(self.there(SOCKET_ENABLED))
        self.assertEqual(self.machine.run("windlassd", "--check", f"--config={CONFIG}").returncode, 0)

    def test_installing_again_changes_nothing(self):
        self.machine.install(self.now)
        self.machine.install(self.now)
        self.assertTrue(self.there(ENABLED))
        self.assertFalse(self.there(SOCKET_ENABLED))

    def test_what_was_enabled_and_disabled_stays_so(self):
        self.machine.install(self.now)
        self.machine.run("systemctl", "disable", "windlass.service")
        self.machine.run("systemctl", "enable", "windlass.socket")
        self.machine.install(self.next)
        self.assertFalse(self.there(ENABLED))
        self.assertTrue(self.there(SOCKET_ENABLED))

    def test_upgrade_and_downgrade_keep_a_changed_configuration(self):
        self.machine.install(self.now)
        text = "# mine\n" + self.machine.path(CONFIG).read_text()
        self.machine.write(CONFIG, text)
        for version in (self.next, self.now):
            self.machine.install(version)
            self.assertEqual(self.installed_version(), version)
            self.assertEqual(self.machine.path(CONFIG).read_text(), text)

    def test_removing_keeps_the_configuration_and_what_is_enabled(self):
        self.machine.install(self.now)
        self.machine.dpkg("--remove", "windlass")
        self.assertTrue(self.there(CONFIG))
        self.assertFalse(self.there("/usr/sbin/windlassd"))
        self.machine.install(self.next)
        self.assertTrue(self.there(ENABLED))

    def test_purging_leaves_nothing_but_what_is_not_the_package_s(self):
        self.machine.install(self.now)
        self.machine.run("systemctl", "enable", "windlass.socket")
        self.machine.run("mkdir", "-p", "/var/lib/private/windlass", "/var/lib/private/windlass-a")
        self.machine.run("ln", "-s", "private/windlass", "/var/lib/windlass")
        self.machine.write("/etc/windlass/a.toml", "# an instance of the operator's\n")
        self.machine.dpkg("--purge", "windlass")
        left = self.machine.run("find", "/etc", "/usr", "/var/lib", "-xdev", "-path", "/usr/local", "-prune", "-o",
                                "-name", "*windlass*", "-print").stdout.split()
        self.assertEqual(sorted(left), ["/etc/windlass", "/var/lib/private/windlass-a"])
        self.assertFalse(self.there(CONFIG))
        self.assertTrue(self.there("/etc/windlass/a.toml"))

    def test_purging_twice_is_no_error(self):
        self.machine.install(self.now)
        self.machine.dpkg("--purge", "windlass")
        self.machine.dpkg("--purge", "windlass")


class WithSystemd(Scripts):
    """Maintainer scripts see a systemd that only writes down what it is asked."""

    systemd = True

    def forget_calls(self):
        self.machine.write("/systemctl.log", "")

    def actions(self):
        """What was asked for that starts or stops anything."""
        looks = ("list-units", "--system is-enabled", "--system --quiet is-active", "--system daemon-reload",
                 "--root=/")
        return [call for call in self.machine.systemctl_calls() if not call.startswith(looks)]

    def test_installing_starts_the_service(self):
        self.machine.install(self.now)
        self.assertEqual(self.actions(), ["--quiet --system start windlass.service"])
        self.assertIn("--system daemon-reload", self.machine.systemctl_calls())

    def test_installing_starts_nothing_where_policy_forbids_it(self):
        self.machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        self.machine.install(self.now)
        self.assertEqual(self.actions(), [])

    def test_upgrade_stops_nothing_and_a_service_that_cannot_be_upgraded_serves_on(self):
        self.machine.install(self.now)
        self.machine.write("/running", RUNNING)
        self.forget_calls()
        said = self.machine.install(self.next)  # nobody answers at the control socket
        self.assertEqual(self.installed_version(), self.next)
        self.assertEqual(self.actions(), ["--quiet --system start windlass.service"])  # which does nothing: it runs
        for unit in ("windlass.service", "windlass@a.service"):
            self.assertIn(f"windlass: {unit} serves on with its old program", said)
            self.assertIn(f"systemctl restart {unit}", said)

    def test_upgrade_reaches_each_service_that_runs(self):
        self.machine.install(self.now)
        self.machine.write("/running", RUNNING)
        self.machine.write("/usr/sbin/windlassctl", '#!/bin/sh\necho "$*" >> /windlassctl.log\n', 0o755)
        said = self.configure()
        self.assertEqual(self.machine.path("/windlassctl.log").read_text().splitlines(),
                         ["--control=/run/windlass/control.sock upgrade", "--instance=a upgrade"])
        self.assertIn("windlass: windlass@a.service goes on with the installed version", said)

    def test_upgrade_leaves_alone_what_policy_keeps(self):
        self.machine.install(self.now)
        self.machine.write("/running", RUNNING)
        self.machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        self.machine.write("/usr/sbin/windlassctl", '#!/bin/sh\necho "$*" >> /windlassctl.log\n', 0o755)
        said = self.configure()
        self.assertIn("policy-rc.d keeps windlass@a.service at its old program", said)
        self.assertFalse(self.machine.path("/windlassctl.log").exists())

    def test_removing_stops_the_socket_before_the_services(self):
        self.machine.install(self.now)
        self.forget_calls()
        self.machine.dpkg("--remove", "windlass")
        self.assertEqual(self.actions(), ["stop windlass.socket windlass.service windlass@*.service"])

    def configure(self):
        """What the script says that dpkg runs when it has unpacked an upgrade."""
        done = self.machine.run("/var/lib/dpkg/info/windlass.postinst", "configure", self.now)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout + done.stderr


if __name__ == "__main__":
    tried.skip_unless_found("dpkg", "deb-systemd-helper", "systemctl")
    tried.main()
