"""What is in the Debian packages: files with their modes and owners, control fields, conffiles, scripts."""
import gzip
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tried  # noqa: E402

SCRIPTS = ("postinst", "prerm", "postrm")
PROGRAMS = ("usr/sbin/windlassd", "usr/sbin/windlassctl", "usr/bin/windlass", "usr/bin/windlass-bench")
MANUALS = ("man8/windlassd.8", "man8/windlassctl.8", "man1/windlass.1", "man1/windlass-bench.1",
           "man5/windlass.toml.5", "man7/windlass-wire.7")
DOC = "usr/share/doc/windlass/"
SERVER_FILES = {
    *PROGRAMS,
    *(f"usr/share/man/{manual}.gz" for manual in MANUALS),
    *(f"usr/share/bash-completion/completions/{pathlib.Path(program).name}" for program in PROGRAMS),
    *(f"usr/lib/systemd/system/windlass{kind}" for kind in (".service", "@.service", ".socket")),
    "etc/windlass/windlass.toml",
    DOC + "README.md.gz", DOC + "CHANGELOG.md.gz", DOC + "changelog.gz", DOC + "copyright",
    DOC + "examples/Dockerfile", DOC + "examples/tls/haproxy.cfg",
    *(f"{DOC}examples/kubernetes/{name}.yaml" for name in ("deployment", "service", "disruption-budget", "autoscaler")),
    "usr/share/lintian/overrides/windlass",
}
DEV_FILES = {
    *(f"usr/include/windlass/{name}.h" for name in ("error_code", "handler", "owned_fd", "plugin", "version")),
    *(f"usr/share/cmake/windlass/windlass{name}.cmake" for name in ("Config", "ConfigVersion", "Plugin", "Targets")),
    "usr/share/pkgconfig/windlass.pc",
    "usr/lib/windlass/plugins/fault.so",
    "usr/share/doc/windlass-dev/changelog.gz", "usr/share/doc/windlass-dev/copyright",
    *(f"usr/share/doc/windlass-dev/examples/plugin/{name}" for name in (
        "CMakeLists.txt", "Makefile", "README.md", "input.txt", "stop_words.txt", "windlass.toml", "wordcount.cc")),
}


PLUGINS_FILES = {
    "usr/lib/windlass/plugins/image.so",
    "usr/share/doc/windlass-plugins/changelog.gz", "usr/share/doc/windlass-plugins/copyright",
    "usr/lib/windlass/plugins/infer.so",
    "usr/share/doc/windlass-plugins/image/README.md",
    *(f"usr/share/doc/windlass-plugins/infer/{name}" for name in ("README.md", "digits.model", "digits.test", "train.py")),
}
PACKAGES = ("windlass", "windlass-dev", "windlass-plugins")


def package(name, version=None):
    """The one file of that package, by default of the project's version."""
    (path,) = tried.PACKAGES.glob(f"{name}_{version or tried.project_version()}_*.deb")
    return path


def field(path, name):
    return tried.output_of("dpkg-deb", "--field", path, name).strip()


def entries(path):
    """[(mode, owner, path without ./)] of everything in it, but for the root itself."""
    lines = [line.split(None, 5) for line in tried.output_of("dpkg-deb", "--contents", path).splitlines()]
    return [(line[0], line[1], line[5].removeprefix("./")) for line in lines if line[5] != "./"]


def files(path):
    return {name for mode, _, name in entries(path) if not mode.startswith("d")}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-deb-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        tried.output_of("dpkg-deb", "--raw-extract", package("windlass"), cls.folder / "windlass")
        cls.root = cls.folder / "windlass"
        cls.control = cls.root / "DEBIAN"

    def test_versions_are_the_project_s(self):
        for name in PACKAGES:
            self.assertEqual(field(package(name), "Version"), tried.project_version())
            changelog = self.folder / "changelog"
            tried.output_of("dpkg-deb", "--extract", package(name), self.folder / name)
            changelog.write_bytes(gzip.decompress(
                (self.folder / name / "usr/share/doc" / name / "changelog.gz").read_bytes()))
            self.assertIn(f"windlass ({tried.project_version()})", changelog.read_text().splitlines()[0])

    def test_the_next_version_is_the_same_but_later(self):
        later = package("windlass", f"{tried.project_version()}+next")
        self.assertEqual(entries(later), entries(package("windlass")))
        compared = tried.run("dpkg", "--compare-versions", field(later, "Version"), "gt", tried.project_version())
        self.assertEqual(compared.returncode, 0)

    def test_server_has_exactly_these_files(self):
        monitoring = {name for name in files(package("windlass")) if name.startswith("usr/share/windlass/monitoring/")}
        self.assertEqual(files(package("windlass")) - monitoring, SERVER_FILES)
        self.assertEqual(bool(monitoring), (tried.SOURCE / "tools" / "monitoring").is_dir())

    def test_dev_has_exactly_these_files(self):
        self.assertEqual(files(package("windlass-dev")), DEV_FILES)

    def test_plugins_has_exactly_these_files(self):
        self.assertEqual(files(package("windlass-plugins")), PLUGINS_FILES)
        depends = field(package("windlass-plugins"), "Depends")
        for library in ("libpng16", "libturbojpeg0"):
            self.assertIn(library, depends)
            self.assertNotIn(library, field(package("windlass"), "Depends"))

    def test_plugins_have_a_folder_and_none_is_in_it(self):
        folders = {name for mode, _, name in entries(package("windlass")) if mode.startswith("d")}
        self.assertIn("usr/lib/windlass/plugins/", folders)

    def test_dev_brings_what_a_plugin_is_built_against(self):
        depends = field(package("windlass-dev"), "Depends")
        for library in ("libabsl-dev", "libsimdjson"):  # of handlers; of fault
            self.assertIn(library, depends)
        self.assertIn("c++-compiler", field(package("windlass-dev"), "Suggests"))

    def test_everything_is_root_s_and_programs_alone_are_executable(self):
        for mode, owner, name in sum((entries(package(name)) for name in PACKAGES), []):
            folder = mode.startswith("d")
            expected = "drwxr-xr-x" if folder else "-rwxr-xr-x" if name in PROGRAMS else "-rw-r--r--"
            self.assertEqual((mode, owner), (expected, "root/root"), name)

    def test_the_configuration_is_the_operator_s(self):
        self.assertEqual((self.control / "conffiles").read_text(), "/etc/windlass/windlass.toml\n")

    def test_dependencies_are_those_of_the_programs(self):
        depends = field(package("windlass"), "Depends")
        for library in ("libc6", "libabsl", "libprotobuf-lite", "libsimdjson"):
            self.assertIn(library, depends)

    def test_programs_are_stripped(self):
        for program in PROGRAMS:
            self.assertNotIn(".symtab", tried.output_of("readelf", "--section-headers", self.root / program), program)

    def test_compressed_files_do_not_tell_when_they_were_made(self):
        for path in self.root.rglob("*.gz"):
            content = path.read_bytes()
            self.assertEqual(content[3:8], bytes(5), path)  # no name, no time (RFC 1952)
            self.assertEqual(content[8], 2, f"{path}: not the best compression")

    def test_units_name_the_paths_of_the_package(self):
        unit = (self.root / "usr/lib/systemd/system/windlass.service").read_text()
        self.assertIn("ExecStart=/usr/sbin/windlassd --config=/etc/windlass/windlass.toml\n", unit)
        self.assertNotIn(str(tried.BUILD), unit)

    def test_pkg_config_names_the_paths_of_the_package(self):
        tried.output_of("dpkg-deb", "--extract", package("windlass-dev"), self.folder / "dev")
        self.assertIn("prefix=/usr\n", (self.folder / "dev/usr/share/pkgconfig/windlass.pc").read_text())


class MaintainerScripts(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-deb-"))
        self.addCleanup(shutil.rmtree, self.folder)
        tried.output_of("dpkg-deb", "--control", package("windlass"), self.folder)

    def test_are_executable_shell_that_stops_at_errors(self):
        for name in SCRIPTS:
            path = self.folder / name
            self.assertEqual(path.stat().st_mode & 0o777, 0o755)
            self.assertEqual(tried.run("sh", "-n", path).returncode, 0)
            self.assertRegex(path.read_text(), r"\A#!/bin/sh\n(#.*\n)*set -e\n")

    def test_shellcheck_finds_nothing(self):
        if shutil.which("shellcheck") is None:
            self.skipTest("not installed: shellcheck")
        said = tried.run("shellcheck", *(self.folder / name for name in SCRIPTS))
        self.assertEqual(said.returncode, 0, said.stdout)

    def test_ask_for_systemd_before_they_call_it(self):
        for name in SCRIPTS:
            text = (self.folder / name).read_text()
            calls = re.search(r"^ *(systemctl --system|deb-systemd-invoke)", text, re.MULTILINE)
            self.assertLess(text.index("[ -d /run/systemd/system ]"), calls.start(), name)


if __name__ == "__main__":
    tried.skip_unless_found("dpkg-deb", "readelf")
    tried.main()
