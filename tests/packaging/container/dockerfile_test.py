"""The Dockerfile: few instructions that are what they should be. Nothing is built; there is no engine here."""
import fnmatch
import pathlib
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]
import image  # noqa: E402
import tried  # noqa: E402


class Dockerfile(unittest.TestCase):
    def test_is_three_instructions_on_debian_12(self):
        names = [name for name, _ in image.instructions()]
        self.assertEqual(names, ["FROM", "COPY", "RUN", "ENTRYPOINT"])
        self.assertIn(image.instructions()[0][1], ("debian:12", "debian:12-slim"))

    def test_copies_the_package_and_no_other(self):
        pattern, folder = dict(image.instructions())["COPY"].split()
        self.assertTrue(fnmatch.fnmatch(f"windlass_{tried.project_version()}_amd64.deb", pattern))
        self.assertFalse(fnmatch.fnmatch(f"windlass-dev_{tried.project_version()}_all.deb", pattern))
        self.assertTrue(folder.endswith("/"), "several files can only be copied into a folder")

    def test_installs_what_it_copied_and_leaves_nothing_behind(self):
        commands = dict(image.instructions())["RUN"]
        pattern, folder = dict(image.instructions())["COPY"].split()
        self.assertEqual(tried.run("sh", "-n", "-c", commands).returncode, 0)
        install, clean = commands.split("rm -rf")
        self.assertIn(folder + pattern, install)
        self.assertIn(folder + pattern, clean)
        self.assertIn("/var/lib/apt/lists/*", clean)
        self.assertNotIn(";", commands, "a step that fails must fail the build")

    def test_runs_the_server_itself_as_pid_1(self):
        self.assertEqual(image.entrypoint()[0], "/usr/sbin/windlassd")

    def test_listens_for_other_machines_and_logs_to_standard_output(self):
        self.assertIn("--listen=message://:65432", image.entrypoint())
        self.assertIn("--set=log.file=/dev/stdout", image.entrypoint())

    def test_arguments_are_valid(self):
        said = image.check()
        self.assertEqual(said.returncode, 0, said.stderr)

    def test_this_test_would_see_an_argument_that_is_not_valid(self):
        self.assertEqual(image.check("--set=workers.cuont=2").returncode, 78)


if __name__ == "__main__":
    tried.main()
