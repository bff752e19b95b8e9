"""The systemd units, as they are installed: valid, hardened, and the same for instances."""
import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tried  # noqa: E402

UNITS = tried.INSTALLED / "lib" / "systemd" / "system"
MOST_EXPOSURE = 1.5  # of systemd-analyze security: 10 is none of its measures, below 2 it says OK


def settings(path):
    """(key, value) of every line that is no comment and no section."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] not in "#["]
    return [tuple(line.split("=", 1)) for line in lines]


def words(path, key):
    return [value for name, value in settings(path) if name == key]


def exposure(path):
    said = tried.output_of("systemd-analyze", "security", "--offline=yes", "--no-pager", path)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said).group(1))


class Units(unittest.TestCase):
    def test_systemd_has_no_complaint(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS.iterdir():
                os.symlink(unit, pathlib.Path(folder, unit.name.replace("@.", "@one.")))
            names = sorted(pathlib.Path(folder).iterdir())
            done = tried.run("systemd-analyze", "verify", "--man=no", *names)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_little_of_the_machine_is_exposed(self):
        for unit in ("windlass.service", "windlass@.service"):
            self.assertLessEqual(exposure(UNITS / unit), MOST_EXPOSURE, unit)

    def test_instances_differ_in_names_and_places_only(self):
        one = settings(UNITS / "windlass.service")
        many = settings(UNITS / "windlass@.service")
        differing = {key for key, _ in set(one) ^ set(many)}
        self.assertEqual([key for key, _ in one], [key for key, _ in many])
        self.assertEqual(differing, {"Description", "ExecStart", "ExecReload", "SyslogIdentifier",
                                     "User", "RuntimeDirectory", "StateDirectory"})

    def test_places_are_those_of_the_installation(self):
        for unit in ("windlass.service", "windlass@.service"):
            (start,) = words(UNITS / unit, "ExecStart")
            program, option = start.split()
            self.assertTrue(os.access(program, os.X_OK), program)
            config = option.removeprefix("--config=").replace("%i", "windlass")
            self.assertTrue(pathlib.Path(config).is_file(), config)

    def test_nothing_is_left_to_fill_in(self):
        for unit in UNITS.iterdir():
            self.assertNotRegex(unit.read_text(), r"@[A-Z_]+@|\$\{")

    def test_the_socket_is_the_one_of_the_shipped_configuration(self):
        (address,) = words(UNITS / "windlass.socket", "ListenStream")
        config = (tried.INSTALLED / "etc" / "windlass" / "windlass.toml").read_text()
        self.assertRegex(config, rf'(?m)^address = "{re.escape(address)}"')


if __name__ == "__main__":
    tried.skip_unless_found("systemd-analyze")
    tried.main()
