"""The example of a plug-in, copied out of an installation: it builds without a warning, runs without a server and in one."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import served  # noqa: E402
import tried  # noqa: E402

EXAMPLE = tried.INSTALLED / "share" / "doc" / "windlass-dev" / "examples" / "plugin"
WINDLASS = tried.INSTALLED / "bin" / "windlass"
ENVIRONMENT = {**os.environ, "PKG_CONFIG_PATH": str(tried.INSTALLED / "share" / "pkgconfig")}


class Copy(unittest.TestCase):
    """The example in an empty folder, which pool processes, who are nobody, can read."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="windlass-plugin-")
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        self.folder = pathlib.Path(folder.name)
        shutil.copytree(EXAMPLE, self.folder, dirs_exist_ok=True)
        self.library = self.folder / "wordcount.so"

    def make(self, *arguments):
        done = tried.run("make", *arguments, cwd=self.folder, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def edit(self, old, new):
        source = self.folder / "wordcount.cc"
        text = source.read_text()
        self.assertEqual(text.count(old), 1, old)
        source.write_text(text.replace(old, new))

    def run_handler(self, *options):
        return tried.run(WINDLASS, "run", f"--library={self.library}", "--handler=wordcount", *options,
                         self.folder / "input.txt", cwd=self.folder)

    def counted(self, *options):
        done = self.run_handler(*options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["words"]


class ExampleProject(Copy):
    def test_builds_with_cmake_without_a_warning(self):
        tried.output_of("cmake", "-S", self.folder, "-B", self.folder / "build",
                        f"-DCMAKE_PREFIX_PATH={tried.INSTALLED}")
        built = tried.run("cmake", "--build", self.folder / "build", "--verbose")
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        self.assertIn("-Wpedantic", built.stdout)
        self.assertNotIn("warning:", built.stdout + built.stderr)
        self.library = self.folder / "build" / "wordcount.so"
        self.assertEqual(self.counted(), 14)

    def test_builds_with_make_and_pkg_config_without_a_warning(self):
        said = self.make()
        self.assertIn("-Wpedantic", said)
        self.assertNotIn("warning:", said)
        self.assertEqual(self.counted(), 14)

    def test_shows_nothing_of_its_own_to_other_libraries(self):
        self.make()
        names = tried.output_of("nm", "--dynamic", "--defined-only", "--format=just-symbols", self.library).split()
        self.assertEqual([name for name in names if "windlass" in name or "WordCount" in name],
                         ["windlass_plugin_description"])

    def test_is_told_which_standard_it_needs(self):
        flags = tried.output_of("pkg-config", "--cflags", "windlass", env=ENVIRONMENT).split()
        done = tried.run("c++", "-std=c++17", "-fsyntax-only", *flags, self.folder / "wordcount.cc")
        self.assertNotEqual(done.returncode, 0)
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        self.assertIn("needs C++20: compile with -std=c++20", errors[0])


class ExampleHandler(Copy):
    def test_takes_its_options_from_the_command_line(self):
        self.make()
        self.assertEqual(self.counted("--option=min_length=3"), 7)
        self.assertEqual(self.counted("--option=stop_words=stop_words.txt"), 6)
        refused = self.run_handler("--option=min_lenght=3")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("did you mean 'min_length'", refused.stderr.replace('"', "'"))

    def test_runs_with_address_sanitizer(self):
        self.make("CXXFLAGS=-g -O1 -fsanitize=address")
        self.assertEqual(self.counted("--option=stop_words=stop_words.txt"), 6)
        # Content from standard input, too, is still there when it has started itself again.
        piped = subprocess.run([WINDLASS, "run", f"--library={self.library}", "-"], input=b"one two", timeout=60,
                               capture_output=True, check=True)
        self.assertEqual(json.loads(piped.stdout)["words"], 2)
        self.edit("process_ = getpid();", "process_ = getpid();\n    delete[] (new char[1] + 1);")
        self.make("CXXFLAGS=-g -O1 -fsanitize=address")
        done = self.run_handler()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ERROR: AddressSanitizer", done.stderr)
        self.assertRegex(done.stderr, r"Start .*/wordcount\.cc:\d+")

    def configuration(self):
        """The example's, for a server that does not run in this folder."""
        path = self.folder / "tried.toml"
        text = (self.folder / "windlass.toml").read_text()
        for old, new in (("./wordcount.so", str(self.library)), ('"stop_words.txt"', f'"{self.folder}/stop_words.txt"')):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        path.write_text(text)
        return path

    def test_serves_and_is_replaced_by_rename_and_reload_on_the_same_connection(self):
        self.make()
        request = served.request((self.folder / "input.txt").read_bytes(), "text/plain", handler="wordcount")
        with served.Server(f"--config={self.configuration()}") as server, \
                socket.create_connection(server.address, timeout=20) as client:
            header, content = served.ask(client, request)
            self.assertNotIn("status", header)
            self.assertEqual(json.loads(content)["words"], 6)
            self.edit("++words;", "words += 100;")
            self.make()  # renames the new library over the old one
            self.assertEqual(json.loads(served.ask(client, request)[1])["words"], 6)
            reloaded = server.control("reload")
            self.assertEqual(reloaded.returncode, 0, reloaded.stdout + reloaded.stderr)
            self.assertEqual(json.loads(served.ask(client, request)[1])["words"], 600)


class Fault(unittest.TestCase):
    def test_is_found_by_its_name_in_the_installation(self):
        with tempfile.NamedTemporaryFile(suffix=".json") as content:
            content.write(b'{"action": "fault", "kind": "echo", "value": [1]}')
            content.flush()
            command = (WINDLASS, "run", "--library=fault", content.name)
            self.assertEqual(tried.output_of(*command), '{"result": [1]}')

    def test_is_in_no_configuration_that_is_shipped(self):
        configuration = (tried.INSTALLED / "etc" / "windlass" / "windlass.toml").read_text()
        printed = tried.output_of(tried.BUILD / "windlassd", "--print-config")
        for text in (configuration, printed):
            self.assertNotIn("\"fault\"", text)


if __name__ == "__main__":
    tried.skip_unless_found("cmake", "make", "pkg-config", "c++", "nm")
    tried.main()
